/* See rewrite.h. */
#include "worker/rewrite/rewrite.h"

#include <string.h>

#include "common/buffer.h"
#include "common/mem.h"
#include "common/text.h"
#include "worker/value/key.h"
#include "worker/value/number.h"
#include "worker/value/row.h"

/* What is refused in a column. */
struct refusal {
    uint64_t values;
    uint64_t nulls;
};

struct rewrite_output {
    const struct rewrite *rewrite;
    const struct rewrite_means *means;
    struct draft *draft;
    struct store_txn *txn;
    bool keeps_keys; /* a row has the key that it had, unless the change sets a key cell */
    bool sorts;      /* rows may come in another order */
    const struct walk_row *row; /* in hand */
    struct buffer key;
    struct buffer last_key; /* that was written */
    struct buffer cells;
    struct buffer bytes;      /* the row with its sequence */
    struct refusal *refusals; /* one per column of the target */
    uint64_t shared_keys;
    bool refused;
};

static bool fill(struct rewrite_output *output, struct error *err);
static walk_visit visit;
static bool check(const struct rewrite_output *output, struct error *err);
static bool put(struct rewrite_output *output, const void *key, size_t key_length,
                const void *cells, size_t cells_length, struct error *err);
static void count_shared_key(struct rewrite_output *output, const void *key, size_t key_length);
static bool put_sorted(struct rewrite_output *output, struct error *err);
static bool collect(struct rewrite_output *output, const void *key, size_t key_length,
                    struct error *err);
static void output_clear(struct rewrite_output *output);
static bool has_same_key(const struct table *one, const struct table *other);
static bool has_same_record_key(const struct table *one, const struct table *other);
static bool has_same_key_columns(const struct table *one, const struct table *other, size_t count);

bool rewrite_run(const struct rewrite_means *means, const struct rewrite *rewrite,
                 struct error *err)
{
    OWNED(output_clear)
    struct rewrite_output output = {
        .rewrite = rewrite,
        .means = means,
        .keeps_keys = has_same_key(rewrite->source, rewrite->target),
        .sorts = !has_same_record_key(rewrite->source, rewrite->target),
    };

    if (!generation_make(means->store, rewrite->target, err)) {
        return false;
    }
    output.draft = draft_new(rewrite->target);
    output.refusals = mem_zero_array(rewrite->target->columns_count, sizeof(struct refusal));
    if (!fill(&output, err)) {
        store_txn_abort(&output.txn);
        generation_drop(means->store, rewrite->target);
        return false;
    }
    /* Where this fails the disk does, and nobody knows which entry it holds: the new generation
     * stays, and the sweep at the next start asks the registry. */
    return registry_switch(means->store, rewrite->replaced, rewrite->target, err);
}

bool rewrite_emit(struct rewrite_output *output, struct draft *row, struct error *err)
{
    const uint8_t *key = output->row->key;
    size_t key_length = output->row->key_length;
    size_t bad_index = 0;

    if (!output->keeps_keys || draft_has_new_key(row)) {
        buffer_reset(&output->key);
        if (!draft_pack_key(row, &output->key, &bad_index)) {
            if (draft_cell(row, bad_index)->is_null) {
                rewrite_refuse_null(output, bad_index);
            } else {
                rewrite_refuse_value(output, bad_index);
            }
        }
        key = output->key.bytes;
        key_length = output->key.length;
    }
    if (output->refused) {
        return true;
    }
    buffer_reset(&output->cells);
    draft_pack(row, &output->cells);
    return output->sorts
               ? collect(output, key, key_length, err)
               : put(output, key, key_length, output->cells.bytes, output->cells.length, err);
}

const struct walk_row *rewrite_source_row(const struct rewrite_output *output)
{
    return output->row;
}

bool rewrite_keep(void *context, struct draft *row, struct rewrite_output *output,
                  struct error *err)
{
    (void)context;
    return rewrite_emit(output, row, err);
}

void rewrite_refuse_value(struct rewrite_output *output, size_t index)
{
    output->refusals[index].values++;
    output->refused = true;
}

void rewrite_refuse_null(struct rewrite_output *output, size_t index)
{
    output->refusals[index].nulls++;
    output->refused = true;
}

static bool fill(struct rewrite_output *output, struct error *err)
{
    const struct rewrite *rewrite = output->rewrite;
    const struct run_watch *watch = output->means->watch;
    bool spilled = false;

    /* A portion spills only where single rows are larger than it, and that memory is small beside
     * the rows'. */
    return store_txn_begin_filling(output->means->store, rewrite->target, NULL,
                                   rewrite->target->operation_id, &output->txn, err) &&
           walk_rows(output->means->store, rewrite->source, watch, visit, output, err) &&
           check(output, err) && (!output->sorts || put_sorted(output, err)) &&
           check(output, err) && watch->tick(watch->context, err) &&
           store_txn_commit(&output->txn, &spilled, err);
}

static enum walk visit(void *context, const struct walk_row *row, struct error *err)
{
    struct rewrite_output *output = context;

    output->row = row;
    if (!draft_read(output->draft, row->cells, row->cells_length)) {
        (void)store_fail_damaged(output->rewrite->source, err);
        return WALK_FAILED;
    }
    return output->rewrite->change(output->rewrite->context, output->draft, output, err)
               ? WALK_ON
               : WALK_FAILED;
}

/* Says how many, not which: values are never quoted. */
static bool check(const struct rewrite_output *output, struct error *err)
{
    const struct table *table = output->rewrite->target;

    for (size_t i = 0; i < table->columns_count; i++) {
        const struct column *column = &table->columns[i];
        const struct refusal *refusal = &output->refusals[i];

        if (refusal->values > 0) {
            return error_set(err, ERROR_REQUEST, "column \"%s\": %llu %s not fit %s%s",
                             text_name(column->name).text, (unsigned long long)refusal->values,
                             refusal->values == 1 ? "value does" : "values do",
                             column_type_name(column->type),
                             column->key_position > 0 ? " in a primary key" : "");
        }
        if (refusal->nulls > 0) {
            return error_set(err, ERROR_REQUEST,
                             "column \"%s\" is NULL in %llu rows and cannot be in the primary key",
                             text_name(column->name).text, (unsigned long long)refusal->nulls);
        }
    }
    if (output->shared_keys > 0) {
        return error_set(err, ERROR_REQUEST, "%llu rows would share their primary key with another",
                         (unsigned long long)output->shared_keys);
    }
    return output->rewrite->check == NULL || output->rewrite->check(output->rewrite->context, err);
}

static bool put(struct rewrite_output *output, const void *key, size_t key_length,
                const void *cells, size_t cells_length, struct error *err)
{
    count_shared_key(output, key, key_length);
    buffer_reset(&output->bytes);
    number_write_le(buffer_reserve(&output->bytes, ROW_SEQUENCE_BYTES),
                    store_txn_sequence(output->txn), ROW_SEQUENCE_BYTES);
    output->bytes.length = ROW_SEQUENCE_BYTES;
    buffer_append(&output->bytes, cells, cells_length);
    store_row_put(output->txn, key, key_length, output->bytes.bytes, output->bytes.length);
    return store_txn_check(output->txn, err);
}

/* Rows come in order, so those that share a key come together. */
static void count_shared_key(struct rewrite_output *output, const void *key, size_t key_length)
{
    if (output->keeps_keys || output->rewrite->last_wins) {
        return;
    }
    output->shared_keys += output->last_key.length == key_length &&
                                   memcmp(output->last_key.bytes, key, key_length) == 0
                               ? 1
                               : 0;
    buffer_reset(&output->last_key);
    buffer_append(&output->last_key, key, key_length);
}

/* Entries with one key come in the order in which they were emitted: the last one stays. */
static bool put_sorted(struct rewrite_output *output, struct error *err)
{
    const struct run_watch *watch = output->means->watch;
    OWNED(run_merger_free) struct run_merger *merger = NULL;
    struct run_entry entry = {0};
    enum run_next next = RUN_END;
    uint64_t rows = 0;

    if (!run_collector_finish(output->means->collector, &merger, err)) {
        return false;
    }
    while ((next = run_merger_next(merger, &entry, err)) == RUN_ENTRY) {
        if (!put(output, entry.key, entry.key_length, entry.change, entry.change_length, err) ||
            (++rows % RUN_TICK_ENTRIES == 0 && !watch->tick(watch->context, err))) {
            return false;
        }
    }
    return next == RUN_END;
}

static bool collect(struct rewrite_output *output, const void *key, size_t key_length,
                    struct error *err)
{
    const struct run_entry entry = {
        .key = key,
        .key_length = key_length,
        .change = output->cells.bytes,
        .change_length = output->cells.length,
    };

    return run_collector_add(output->means->collector, &entry, err);
}

static void output_clear(struct rewrite_output *output)
{
    store_txn_abort(&output->txn);
    draft_free(&output->draft);
    mem_free(output->refusals);
    buffer_clear(&output->key);
    buffer_clear(&output->last_key);
    buffer_clear(&output->cells);
    buffer_clear(&output->bytes);
}

/* Equal values of equal columns make equal keys. */
static bool has_same_key(const struct table *one, const struct table *other)
{
    return key_is_history(one) == key_is_history(other) &&
           table_key_count(one) == table_key_count(other) &&
           has_same_key_columns(one, other, table_key_count(one));
}

/* A version's start stands behind its record's key: rows keep their order where that joins the key
 * or leaves it. */
static bool has_same_record_key(const struct table *one, const struct table *other)
{
    size_t one_count = table_key_count(one) - (key_is_history(one) ? 1 : 0);
    size_t other_count = table_key_count(other) - (key_is_history(other) ? 1 : 0);

    return one_count == other_count && has_same_key_columns(one, other, one_count);
}

static bool has_same_key_columns(const struct table *one, const struct table *other, size_t count)
{
    for (uint32_t position = 1; position <= count; position++) {
        const struct column *left = table_key_column(one, position);
        const struct column *right = table_key_column(other, position);

        if (left->id != right->id || left->type != right->type) {
            return false;
        }
    }
    return true;
}
