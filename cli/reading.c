/* See reading.h. */
#include "cli/reading.h"

#include "common/text.h"

bool reading_open(const struct reading *reading, struct store **store_out, struct error *err)
{
    const struct store_terms terms = {
        .data_dir = reading->data_dir,
        .map_size_bytes = reading->map_size_bytes,
        .read_only = true,
    };

    if (store_open(&terms, store_out, err)) {
        return true;
    }
    if (err->hint[0] == '\0') {
        (void)error_hint(err, "Check --data-dir, and whether you may read that folder.");
    }
    return false;
}

bool reading_open_table(struct store *store, const char *schema_name, const char *table_name,
                        struct store_reader **reader_out, struct error *err)
{
    if (!store_reader_open(store, schema_name, table_name, reader_out, err)) {
        return false;
    }
    return *reader_out != NULL || reading_no_table(schema_name, table_name, err);
}

bool reading_no_table(const char *schema_name, const char *table_name, struct error *err)
{
    (void)error_set(err, ERROR_REQUEST, "table \"%s.%s\" does not exist",
                    text_name(schema_name).text, text_name(table_name).text);
    return error_hint(err, "`weir tables` lists those that do.");
}
