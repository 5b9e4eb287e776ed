/* A worker with a data folder of its own for each test, and jobs for it. */
#include "tests/unit/worker/job/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/mem.h"
#include "common/table_entry.h"
#include "tests/support/test.h"
#include "worker/store/folder.h"

struct options job_fixture_options;
struct role_page job_fixture_page;
struct job_worker *job_fixture_worker;

static char folder[64];
static Weir__Result *last_result;

static void drop_result(void)
{
    if (last_result != NULL) {
        weir__result__free_unpacked(last_result, NULL);
        last_result = NULL;
    }
}

int job_fixture_setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/weir-job-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    job_fixture_options =
        (struct options){.data_dir = folder, .map_size_bytes = GIB, .run_budget_bytes = 4 * MIB};
    memset(&job_fixture_page, 0, sizeof job_fixture_page);
    job_fixture_worker = job_worker_new(&job_fixture_options, &job_fixture_page);
    return 0;
}

int job_fixture_teardown(void **state)
{
    struct error err = {0};

    (void)state;
    drop_result();
    job_worker_free(&job_fixture_worker);
    return folder_remove(folder, &err) ? 0 : -1;
}

const Weir__Result *job_fixture_run(Weir__Job *job)
{
    drop_result();
    last_result = mem_alloc(sizeof *last_result);
    weir__result__init(last_result);
    if (job->number == 0) {
        job->number = 1;
    }
    job_run(job_fixture_worker, job, last_result);
    return last_result;
}

const Weir__Result *job_fixture_create(const char *name, uint8_t operation)
{
    Weir__CreateTableJob create = WEIR__CREATE_TABLE_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;

    create.table = job_fixture_table(name, operation);
    job.job_case = WEIR__JOB__JOB_CREATE_TABLE;
    job.create_table = &create;

    const Weir__Result *result = job_fixture_run(&job);

    weir__table_entry__free_unpacked(create.table, NULL);
    return result;
}

Weir__TableEntry *job_fixture_table(const char *name, uint8_t operation)
{
    struct table *table = mem_zero(sizeof *table);
    struct column *column;

    table->schema_name = mem_text("s");
    table->name = mem_text(name);
    memset(table->operation_id, operation, sizeof table->operation_id);
    column = table_add_column(table, "id");
    column->type = COLUMN_INT;
    column->key_position = 1;
    column = table_add_column(table, "text");
    column->type = COLUMN_STRING;
    column = table_add_column(table, "price");
    column->type = COLUMN_DECIMAL;
    column->has_decimal = true;
    column->precision = 38;
    column->scale = 37;

    Weir__TableEntry *entry = table_entry_new(table);

    table_free(&table);
    return entry;
}
