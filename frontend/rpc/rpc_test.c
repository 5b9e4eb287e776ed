/* Test: whether a person's configuration works, tried for real. An error is what was found, and is
 * answered as `failure`. */
#include "frontend/form/form.h"
#include "frontend/rpc/configuration.h"
#include "frontend/rpc/rpc_handlers.h"
#include "frontend/rpc/small_job.h"

static bool ping_worker(const struct rpc_call *call, struct error *err);
static bool try_store(const struct rpc_call *call, const struct form_test *test, struct error *err);

bool rpc_test(const struct rpc_call *call, const ProtobufCMessage *request,
              ProtobufCMessage *response, struct error *err)
{
    const FivetranSdk__V2__TestRequest *asked = (const void *)request;
    FivetranSdk__V2__TestResponse *answer = (void *)response;
    const struct form_test *test = NULL;

    if (!form_find_test(asked->name, &test, err) || !configuration_check(request, err) ||
        !ping_worker(call, err) || !try_store(call, test, err)) {
        return false;
    }
    answer->response_case = FIVETRAN_SDK__V2__TEST_RESPONSE__RESPONSE_SUCCESS;
    answer->success = true;
    return true;
}

static bool ping_worker(const struct rpc_call *call, struct error *err)
{
    Weir__PingJob ping = WEIR__PING_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;
    OWNED(small_job_release) Weir__Result *result = NULL;

    job.job_case = WEIR__JOB__JOB_PING;
    job.ping = &ping;
    return small_job_run(call, &job, "could not reach a worker", &result, err);
}

static bool try_store(const struct rpc_call *call, const struct form_test *test, struct error *err)
{
    Weir__TestStoreJob test_store = WEIR__TEST_STORE_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;
    OWNED(small_job_release) Weir__Result *result = NULL;

    test_store.read_back = test->reads_back;
    job.job_case = WEIR__JOB__JOB_TEST_STORE;
    job.test_store = &test_store;
    return small_job_run(call, &job, "could not test the store", &result, err);
}
