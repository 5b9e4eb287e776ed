/* See compact.h. */
#include "worker/rewrite/compact.h"

#include <string.h>

#include "common/limits.h"
#include "common/text.h"

static bool rewrite(const struct rewrite_means *means, const struct compact_terms *terms,
                    const struct table *table, struct compact_sizes *sizes_out, struct error *err);

bool compact_table(const struct rewrite_means *means, const struct compact_terms *terms,
                   struct compact_sizes *sizes_out, struct error *err)
{
    OWNED(table_free) struct table *table = NULL;

    if (!registry_find(means->store, terms->schema_name, terms->table_name, &table, err)) {
        return false;
    }
    if (table == NULL) {
        return error_set(err, ERROR_REQUEST, "table \"%s.%s\" does not exist",
                         text_name(terms->schema_name).text, text_name(terms->table_name).text);
    }
    return rewrite(means, terms, table, sizes_out, err) ||
           error_wrap(err, "could not compact table \"%s.%s\"", text_name(terms->schema_name).text,
                      text_name(terms->table_name).text);
}

/* Of a try whose worker died after its last step, the old size is lost. */
static bool rewrite(const struct rewrite_means *means, const struct compact_terms *terms,
                    const struct table *table, struct compact_sizes *sizes_out, struct error *err)
{
    OWNED(table_free) struct table *after = table_copy(table);
    const struct rewrite rewrite = {
        .source = table,
        .replaced = table,
        .target = after,
        .change = rewrite_keep,
    };

    if (!generation_bytes(means->store, table, &sizes_out->before, err)) {
        return false;
    }
    sizes_out->after = sizes_out->before;
    if (memcmp(table->operation_id, terms->operation_id, LIMIT_OPERATION_ID_BYTES) == 0) {
        return true;
    }
    memcpy(after->operation_id, terms->operation_id, LIMIT_OPERATION_ID_BYTES);
    return rewrite_run(means, &rewrite, err) &&
           generation_bytes(means->store, after, &sizes_out->after, err);
}
