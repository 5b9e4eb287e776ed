/* DescribeTable: the table as the registry has it, or none. */
#include "common/table_entry.h"
#include "worker/job/job_worker.h"

bool job_describe_table(struct job_worker *worker, const Weir__Job *job, Weir__Result *result,
                        struct error *err)
{
    const Weir__DescribeTableJob *asked = job->describe_table;
    OWNED(store_close) struct store *store = NULL;
    OWNED(table_free) struct table *table = NULL;

    if (!job_open_store(worker, &store, err) ||
        !registry_find(store, asked->schema_name, asked->table_name, &table, err)) {
        return false;
    }
    /* Absent means that there is no such table; any other trouble is a failure, because Fivetran
     * would create the table anew. */
    result->table = table != NULL ? table_entry_new(table) : NULL;
    return true;
}
