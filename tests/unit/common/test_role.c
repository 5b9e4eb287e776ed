/* common/role: messages between the supervisor and its children. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/role.h"
#include "tests/support/test.h"

struct ends {
    int left;
    int right;
};

static int set_up(void **state)
{
    struct ends *ends = malloc(sizeof *ends);
    int pair[2];

    if (ends == NULL || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        free(ends);
        return -1;
    }
    *ends = (struct ends){.left = pair[0], .right = pair[1]};
    *state = ends;
    return 0;
}

static int tear_down(void **state)
{
    struct ends *ends = *state;

    close(ends->left);
    close(ends->right);
    free(ends);
    return 0;
}

static void test_a_message_arrives_as_it_was_sent(void **state)
{
    const struct ends *ends = *state;
    struct role_message sent = {
        .kind = ROLE_WORKER_REAPED, .worker = 7, .life = UINT64_MAX, .status = -1, .text = "why"};
    struct role_message received;

    assert_true(role_send(ends->left, &sent));
    assert_int_equal(role_receive(ends->right, &received), 1);
    assert_memory_equal(&sent, &received, sizeof sent);
}

static void test_receiving_nothing_does_not_wait(void **state)
{
    const struct ends *ends = *state;
    struct role_message received;

    assert_int_equal(role_receive(ends->right, &received), -1);
}

static void test_the_other_end_s_death_is_told(void **state)
{
    struct ends *ends = *state;
    struct role_message message = {.kind = ROLE_READY};

    close(ends->left);
    ends->left = -1;
    assert_int_equal(role_receive(ends->right, &message), 0);
    assert_false(role_send(ends->right, &(struct role_message){.kind = ROLE_READY}));
}

static void test_what_is_no_message_ends_the_talk(void **state)
{
    const struct ends *ends = *state;
    struct role_message message;

    assert_int_equal(send(ends->left, "short", 5, 0), 5);
    assert_int_equal(role_receive(ends->right, &message), 0);

    memset(&message, 0, sizeof message);
    message.kind = ROLE_STOP + 1;
    assert_int_equal(send(ends->left, &message, sizeof message, 0), sizeof message);
    assert_int_equal(role_receive(ends->right, &message), 0);

    memset(&message, 0, sizeof message);
    memset(message.text, 'x', sizeof message.text);
    assert_int_equal(send(ends->left, &message, sizeof message, 0), sizeof message);
    assert_int_equal(role_receive(ends->right, &message), 0);
}

static void test_news_of_all_workers_fits_into_the_socket(void **state)
{
    const struct ends *ends = *state;

    for (uint32_t i = 0; i <= LIMIT_WORKERS; i++) {
        struct role_message message = {.kind = ROLE_WORKER_READY, .worker = i};

        assert_int_equal(send(ends->left, &message, offsetof(struct role_message, text) + 1,
                              MSG_DONTWAIT | MSG_NOSIGNAL),
                         offsetof(struct role_message, text) + 1);
    }
}

static void test_addresses_name_worker_and_life(void **state)
{
    char address[ROLE_ADDRESS_MAX];

    (void)state;
    role_worker_address(address, sizeof address, "/run/weir", 3, 41);
    assert_string_equal(address, "ipc:///run/weir/worker-3-41");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_message_arrives_as_it_was_sent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_receiving_nothing_does_not_wait, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_other_end_s_death_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_no_message_ends_the_talk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_news_of_all_workers_fits_into_the_socket, set_up,
                                        tear_down),
        cmocka_unit_test(test_addresses_name_worker_and_life),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
