/* frontend/gateway: a server on a port, asked by a client, with workers that follow a script. */
#include <stdio.h>
#include <string.h>

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>
#include <pthread.h>

#include "common/clock.h"
#include "destination_sdk.pb-c.h"
#include "frontend/gateway/gateway.h"
#include "frontend/rpc/rpc.h"
#include "tests/support/test.h"
#include "tests/unit/frontend/gateway/scripted_pool.h"

#define SERVICE "/fivetran_sdk.v2.DestinationConnector/"

enum {
    WAIT_S = 20 /* longer than anything here takes on a busy machine */
};

/* A server, and a client's channel to it. */
struct site {
    struct options options;
    struct gateway *gateway;
    grpc_completion_queue *queue;
    grpc_channel *channel;
};

/* One call of the client. */
struct ask {
    grpc_call *call;
    grpc_byte_buffer *request;
    grpc_byte_buffer *response;
    grpc_metadata_array initial;
    grpc_metadata_array trailing;
    grpc_status_code status;
    grpc_slice details;
    bool done;
};

static void open_site(struct site *site, uint64_t handlers, uint64_t waiting)
{
    struct error err = {0};
    char address[32];

    *site = (struct site){
        .options = {.handlers_max = handlers, .waiting_max = waiting}
    };
    site->gateway = gateway_new(&(struct gateway_terms){.options = &site->options}, NULL);
    assert_true(gateway_start(site->gateway, &err));
    snprintf(address, sizeof address, "ipv4:127.0.0.1:%u", gateway_port(site->gateway));

    grpc_channel_credentials *credentials = grpc_insecure_credentials_create();

    site->queue = grpc_completion_queue_create_for_next(NULL);
    site->channel = grpc_channel_create(address, credentials, NULL);
    grpc_channel_credentials_release(credentials);
}

static void close_site(struct site *site)
{
    gateway_stop(site->gateway, 0);
    grpc_channel_destroy(site->channel);
    grpc_completion_queue_shutdown(site->queue);
    while (grpc_completion_queue_next(site->queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL).type !=
           GRPC_QUEUE_SHUTDOWN) {
    }
    grpc_completion_queue_destroy(site->queue);
    gateway_free(&site->gateway);
}

/* Starts a call with those bytes. */
static void ask_bytes(struct site *site, struct ask *ask, const char *path, const void *bytes,
                      size_t size, uint64_t deadline_ms)
{
    grpc_slice method = grpc_slice_from_copied_string(path);
    grpc_slice slice = grpc_slice_from_copied_buffer(bytes, size);
    gpr_timespec deadline = gpr_time_add(gpr_now(GPR_CLOCK_REALTIME),
                                         gpr_time_from_millis((int64_t)deadline_ms, GPR_TIMESPAN));
    grpc_op operations[6];

    memset(ask, 0, sizeof *ask);
    memset(operations, 0, sizeof operations);
    ask->request = grpc_raw_byte_buffer_create(&slice, 1);
    ask->call = grpc_channel_create_call(site->channel, NULL, GRPC_PROPAGATE_DEFAULTS, site->queue,
                                         method, NULL, deadline, NULL);
    operations[0].op = GRPC_OP_SEND_INITIAL_METADATA;
    operations[0].flags = GRPC_INITIAL_METADATA_WAIT_FOR_READY;
    operations[1].op = GRPC_OP_SEND_MESSAGE;
    operations[1].data.send_message.send_message = ask->request;
    operations[2].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
    operations[3].op = GRPC_OP_RECV_INITIAL_METADATA;
    operations[3].data.recv_initial_metadata.recv_initial_metadata = &ask->initial;
    operations[4].op = GRPC_OP_RECV_MESSAGE;
    operations[4].data.recv_message.recv_message = &ask->response;
    operations[5].op = GRPC_OP_RECV_STATUS_ON_CLIENT;
    operations[5].data.recv_status_on_client.trailing_metadata = &ask->trailing;
    operations[5].data.recv_status_on_client.status = &ask->status;
    operations[5].data.recv_status_on_client.status_details = &ask->details;
    assert_int_equal(grpc_call_start_batch(ask->call, operations, 6, ask, NULL), GRPC_CALL_OK);
    grpc_slice_unref(slice);
    grpc_slice_unref(method);
}

/* Starts a WriteBatch to that table of the script. */
static void ask_write(struct site *site, struct ask *ask, const char *table, uint64_t deadline_ms)
{
    FivetranSdk__V2__WriteBatchRequest request = FIVETRAN_SDK__V2__WRITE_BATCH_REQUEST__INIT;
    FivetranSdk__V2__Table wanted = FIVETRAN_SDK__V2__TABLE__INIT;
    FivetranSdk__V2__Column column = FIVETRAN_SDK__V2__COLUMN__INIT;
    FivetranSdk__V2__Column *columns[] = {&column};
    char names[3][32] = {"s", "id"};
    uint8_t bytes[256];

    snprintf(names[2], sizeof names[2], "%s", table);
    column.name = names[1];
    column.type = FIVETRAN_SDK__V2__DATA_TYPE__INT;
    column.primary_key = true;
    wanted.name = names[2];
    wanted.n_columns = 1;
    wanted.columns = columns;
    request.schema_name = names[0];
    request.table = &wanted;
    assert_true(fivetran_sdk__v2__write_batch_request__get_packed_size(&request) <= sizeof bytes);
    ask_bytes(site, ask, SERVICE "WriteBatch", bytes,
              fivetran_sdk__v2__write_batch_request__pack(&request, bytes), deadline_ms);
}

/* Waits for the call's end and returns its status. */
static grpc_status_code wait_for(struct site *site, struct ask *ask)
{
    gpr_timespec until =
        gpr_time_add(gpr_now(GPR_CLOCK_REALTIME), gpr_time_from_seconds(WAIT_S, GPR_TIMESPAN));

    while (!ask->done) {
        grpc_event event = grpc_completion_queue_next(site->queue, until, NULL);

        assert_int_equal(event.type, GRPC_OP_COMPLETE);
        ((struct ask *)event.tag)->done = true;
    }
    return ask->status;
}

static bool says(const struct ask *ask, const char *text)
{
    char *details = grpc_slice_to_c_string(ask->details);
    bool found = strstr(details, text) != NULL;

    gpr_free(details);
    return found;
}

static void release(struct ask *ask)
{
    grpc_call_unref(ask->call);
    grpc_byte_buffer_destroy(ask->request);
    if (ask->response != NULL) {
        grpc_byte_buffer_destroy(ask->response);
    }
    grpc_metadata_array_destroy(&ask->initial);
    grpc_metadata_array_destroy(&ask->trailing);
    grpc_slice_unref(ask->details);
}

/* Waits until so many RPCs run. */
static void wait_for_running(size_t count)
{
    uint64_t until = clock_us() + WAIT_S * 1000000;

    while (scripted_running() != count) {
        assert_true(clock_us() < until);
        clock_sleep_ms(5);
    }
}

static grpc_status_code write_to(struct site *site, const char *table)
{
    struct ask ask;

    ask_write(site, &ask, table, WAIT_S * 1000);

    grpc_status_code status = wait_for(site, &ask);

    release(&ask);
    return status;
}

/* All rows of the RPC table: an empty request gets an answer or a status, never silence. */
static void test_every_rpc_answers(void **state)
{
    struct site site;

    (void)state;
    open_site(&site, 4, 10);
    for (size_t i = 0; i < rpcs_count; i++) {
        struct ask ask;

        ask_bytes(&site, &ask, rpcs[i].path, "", 0, WAIT_S * 1000);

        grpc_status_code status = wait_for(&site, &ask);

        assert_true(status == GRPC_STATUS_OK || status == GRPC_STATUS_UNIMPLEMENTED);
        assert_true((status == GRPC_STATUS_OK) == (ask.response != NULL));
        release(&ask);
    }
    close_site(&site);
}

static void test_errors_become_statuses(void **state)
{
    struct site site;

    (void)state;
    open_site(&site, 4, 10);
    assert_int_equal(write_to(&site, "fine"), GRPC_STATUS_OK);
    assert_int_equal(write_to(&site, "lost"), GRPC_STATUS_UNAVAILABLE);
    assert_int_equal(write_to(&site, "full"), GRPC_STATUS_RESOURCE_EXHAUSTED);
    close_site(&site);
}

static void test_an_unknown_method_is_named(void **state)
{
    struct site site;
    struct ask ask;

    (void)state;
    open_site(&site, 4, 10);
    ask_bytes(&site, &ask, SERVICE "Nothing", "", 0, WAIT_S * 1000);
    assert_int_equal(wait_for(&site, &ask), GRPC_STATUS_UNIMPLEMENTED);
    assert_true(says(&ask, "DestinationConnector/Nothing"));
    release(&ask);
    close_site(&site);
}

static void test_a_malformed_request_is_refused(void **state)
{
    struct site site;
    struct ask ask;

    (void)state;
    open_site(&site, 4, 10);
    ask_bytes(&site, &ask, SERVICE "CreateTable", "\x12\x01\xFF", 3, WAIT_S * 1000);
    assert_int_equal(wait_for(&site, &ask), GRPC_STATUS_INVALID_ARGUMENT);
    assert_true(says(&ask, "schema_name"));
    release(&ask);
    close_site(&site);
}

static void test_a_port_in_use_is_refused_with_a_hint(void **state)
{
    struct site site;
    struct error err = {0};

    (void)state;
    open_site(&site, 4, 10);

    struct options same = {.port = gateway_port(site.gateway), .handlers_max = 1};
    struct gateway *second = gateway_new(&(struct gateway_terms){.options = &same}, NULL);

    assert_false(gateway_start(second, &err));
    assert_int_equal(err.kind, ERROR_REQUEST);
    assert_non_null(strstr(err.message, "it is in use"));
    assert_non_null(strstr(err.hint, "--port"));
    gateway_free(&second);
    close_site(&site);
}

static void test_rpcs_of_one_table_wait_without_threads(void **state)
{
    struct ask first;
    struct ask waiting[8];
    struct site site;

    (void)state;
    open_site(&site, 2, 10);
    ask_write(&site, &first, "hang", WAIT_S * 1000);
    wait_for_running(1);
    for (size_t i = 0; i < 8; i++) {
        ask_write(&site, &waiting[i], "hang", WAIT_S * 1000);
    }
    /* With two threads, one of them in use, another table's RPC still runs. */
    assert_int_equal(write_to(&site, "other"), GRPC_STATUS_OK);
    assert_int_equal(scripted_running(), 1);
    gateway_stop(site.gateway, 0);
    wait_for(&site, &first);
    release(&first);
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(wait_for(&site, &waiting[i]), GRPC_STATUS_UNAVAILABLE);
        release(&waiting[i]);
    }
    close_site(&site);
}

static void test_more_than_may_wait_are_refused(void **state)
{
    struct ask running;
    struct ask waiting[3];
    struct ask refused;
    struct site site;

    (void)state;
    open_site(&site, 1, 3);
    ask_write(&site, &running, "hang", WAIT_S * 1000);
    wait_for_running(1);
    for (size_t i = 0; i < 3; i++) {
        ask_write(&site, &waiting[i], "hang", WAIT_S * 1000);
    }
    ask_write(&site, &refused, "other", WAIT_S * 1000);
    assert_int_equal(wait_for(&site, &refused), GRPC_STATUS_RESOURCE_EXHAUSTED);
    assert_true(says(&refused, "3 wait already"));
    release(&refused);
    gateway_stop(site.gateway, 0);
    for (size_t i = 0; i < 3; i++) {
        wait_for(&site, &waiting[i]);
        release(&waiting[i]);
    }
    wait_for(&site, &running);
    release(&running);
    close_site(&site);
}

static void test_a_cancelled_rpc_makes_room_for_the_next(void **state)
{
    struct ask running;
    struct ask waiting;
    struct site site;

    (void)state;
    open_site(&site, 1, 10);
    ask_write(&site, &running, "hang", WAIT_S * 1000);
    wait_for_running(1);
    ask_write(&site, &waiting, "fine", WAIT_S * 1000);
    grpc_call_cancel(running.call, NULL);
    assert_int_equal(wait_for(&site, &running), GRPC_STATUS_CANCELLED);
    assert_int_equal(wait_for(&site, &waiting), GRPC_STATUS_OK);
    release(&running);
    release(&waiting);
    close_site(&site);
}

static void test_a_deadline_ends_what_waits_and_what_runs(void **state)
{
    struct ask running;
    struct ask waiting;
    struct site site;

    (void)state;
    open_site(&site, 4, 10);
    ask_write(&site, &running, "hang", 600);
    wait_for_running(1);
    ask_write(&site, &waiting, "hang", 200);
    assert_int_equal(wait_for(&site, &waiting), GRPC_STATUS_DEADLINE_EXCEEDED);
    assert_int_equal(wait_for(&site, &running), GRPC_STATUS_DEADLINE_EXCEEDED);
    wait_for_running(0);
    release(&running);
    release(&waiting);
    close_site(&site);
}

static void *hurry_soon(void *context)
{
    clock_sleep_ms(200);
    gateway_hurry(context);
    return NULL;
}

static void test_hurrying_ends_the_grace_period(void **state)
{
    struct ask running;
    struct site site;
    pthread_t thread;

    (void)state;
    open_site(&site, 4, 10);
    ask_write(&site, &running, "hang", WAIT_S * 1000);
    wait_for_running(1);

    uint64_t started = clock_us();

    assert_int_equal(pthread_create(&thread, NULL, hurry_soon, site.gateway), 0);
    gateway_stop(site.gateway, 3600 * 1000);
    pthread_join(thread, NULL);
    assert_true(clock_us() - started < WAIT_S * 1000000);
    assert_int_equal(wait_for(&site, &running), GRPC_STATUS_UNAVAILABLE);
    release(&running);
    close_site(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_rpc_answers),
        cmocka_unit_test(test_errors_become_statuses),
        cmocka_unit_test(test_an_unknown_method_is_named),
        cmocka_unit_test(test_a_malformed_request_is_refused),
        cmocka_unit_test(test_a_port_in_use_is_refused_with_a_hint),
        cmocka_unit_test(test_rpcs_of_one_table_wait_without_threads),
        cmocka_unit_test(test_more_than_may_wait_are_refused),
        cmocka_unit_test(test_a_cancelled_rpc_makes_room_for_the_next),
        cmocka_unit_test(test_a_deadline_ends_what_waits_and_what_runs),
        cmocka_unit_test(test_hurrying_ends_the_grace_period),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
