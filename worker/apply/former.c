/* See former.h. Entries of runs and rows differ in their names only. */
#include "worker/apply/former.h"

#include "common/mem.h"
#include "common/text.h"
#include "worker/run/ahead.h"

struct former {
    struct store_reader *reader; /* the thread's until it is stopped */
    struct ahead *ahead;
    struct store_rows rows;
};

static ahead_source read_next;
static store_rows_next take_next;

bool former_open(struct store *store, const struct table *table, struct former **former_out,
                 struct error *err)
{
    OWNED(former_close) struct former *former = mem_zero(sizeof *former);

    if (!store_reader_open(store, table->schema_name, table->name, &former->reader, err)) {
        return false;
    }
    if (former->reader == NULL) {
        return error_set(err, ERROR_STORE, "table \"%s.%s\" was changed meanwhile",
                         text_name(table->schema_name).text, text_name(table->name).text);
    }
    if (!ahead_start(read_next, former->reader, &former->ahead, err)) {
        return false;
    }
    former->rows = (struct store_rows){
        .next = take_next,
        .context = former->ahead,
        .sequence = store_reader_sequence(former->reader),
    };
    *former_out = MOVE(former);
    return true;
}

const struct store_rows *former_rows(const struct former *former)
{
    return &former->rows;
}

void former_close(struct former **former)
{
    if (*former != NULL) {
        ahead_stop(&(*former)->ahead);
        store_reader_close(&(*former)->reader);
        mem_free(*former);
        *former = NULL;
    }
}

/* In the thread. */
static enum run_next read_next(void *context, struct run_entry *entry_out, struct error *err)
{
    *entry_out = (struct run_entry){.is_row = true};
    switch (store_reader_next(context, &entry_out->key, &entry_out->key_length, &entry_out->change,
                              &entry_out->change_length, err)) {
    case STORE_ROW:
        if (entry_out->change_length <= INT32_MAX) {
            return RUN_ENTRY;
        }
        (void)error_set(err, ERROR_LIMIT, "a row of the table has more than 2 GiB");
        break;
    case STORE_END:
        return RUN_END;
    case STORE_FAILED:
        break;
    }
    return RUN_FAILED;
}

static enum store_next take_next(void *context, struct store_row *row_out, struct error *err)
{
    struct run_entry entry = {0};

    switch (ahead_next(context, &entry, err)) {
    case RUN_ENTRY:
        *row_out =
            (struct store_row){entry.key, entry.key_length, entry.change, entry.change_length};
        return STORE_ROW;
    case RUN_END:
        return STORE_END;
    case RUN_FAILED:
        break;
    }
    return STORE_FAILED;
}
