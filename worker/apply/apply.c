/* See apply.h. The next record is the least one that any phase has an entry of. */
#include "worker/apply/apply.h"

#include <string.h>

#include "common/buffer.h"
#include "common/require.h"
#include "worker/apply/folding.h"
#include "worker/apply/history.h"
#include "worker/value/key.h"

/* A phase on its way through the table. */
struct phase {
    enum file_kind kind;
    struct run_merger *merger;
    struct run_entry entry; /* the next one */
    enum run_next next;     /* RUN_ENTRY: there is one */
    size_t start_bytes;     /* of its entries' keys, behind the record's key */
};

struct applying {
    struct phase phases[FILE_KINDS];
    size_t phases_count;
    struct buffer record; /* the key of the one in hand */
    struct folding *folding;
    struct history *history; /* NULL: without */
    const struct run_watch *watch;
    uint64_t rows;
};

static bool begin(struct applying *applying, const struct apply_phase *phases, size_t count,
                  struct error *err);
static struct phase *phase_of_least_record(struct applying *applying, size_t *left_out);
static int compare_records(const struct phase *one, const struct phase *other);
static bool apply_record(struct applying *applying, const struct phase *least, struct error *err);
static bool is_of_record(const struct applying *applying, const struct phase *phase);
static bool apply_rest(struct applying *applying, struct phase *phase, struct error *err);
static bool apply_next(struct applying *applying, struct phase *phase, struct error *err);
static bool advance(struct phase *phase, struct error *err);
static void applying_clear(struct applying *applying);

bool apply_phases(struct store_txn *txn, bool history, const struct apply_phase *phases,
                  size_t count, const struct run_watch *watch, uint64_t *rows_out,
                  struct error *err)
{
    OWNED(applying_clear) struct applying applying = {.watch = watch};
    struct phase *phase = NULL;
    size_t left = 0;

    applying.folding = folding_new(txn);
    applying.history = history ? history_new(txn) : NULL;
    if (!begin(&applying, phases, count, err)) {
        return false;
    }
    while ((phase = phase_of_least_record(&applying, &left)) != NULL) {
        if (left == 1 ? !apply_rest(&applying, phase, err) : !apply_record(&applying, phase, err)) {
            return false;
        }
    }
    *rows_out = applying.rows;
    return folding_finish(applying.folding, err);
}

static bool begin(struct applying *applying, const struct apply_phase *phases, size_t count,
                  struct error *err)
{
    REQUIRE(count <= FILE_KINDS);
    applying->phases_count = count;
    for (size_t i = 0; i < count; i++) {
        enum file_kind kind = phases[i].kind;
        bool of_version = kind == FILE_KIND_REPLACE || kind == FILE_KIND_UPDATE;

        applying->phases[i] = (struct phase){
            .kind = kind,
            .merger = phases[i].merger,
            .start_bytes = applying->history != NULL && of_version ? KEY_START_BYTES : 0,
        };
        if (!advance(&applying->phases[i], err)) {
            return false;
        }
    }
    return true;
}

/* The phase whose next entry is of the least record, and how many phases have entries left. */
static struct phase *phase_of_least_record(struct applying *applying, size_t *left_out)
{
    struct phase *least = NULL;

    *left_out = 0;
    for (size_t i = 0; i < applying->phases_count; i++) {
        struct phase *phase = &applying->phases[i];

        if (phase->next == RUN_ENTRY) {
            ++*left_out;
            least = least == NULL || compare_records(phase, least) < 0 ? phase : least;
        }
    }
    return least;
}

/* A record's key tells where it ends: none is the beginning of another's. */
static int compare_records(const struct phase *one, const struct phase *other)
{
    size_t one_length = one->entry.key_length - one->start_bytes;
    size_t other_length = other->entry.key_length - other->start_bytes;
    int order = memcmp(one->entry.key, other->entry.key,
                       one_length < other_length ? one_length : other_length);

    return order != 0 ? order : (one_length > other_length) - (one_length < other_length);
}

/* Applies what all phases have for the record of that phase's next entry. */
static bool apply_record(struct applying *applying, const struct phase *least, struct error *err)
{
    buffer_reset(&applying->record);
    buffer_append(&applying->record, least->entry.key,
                  least->entry.key_length - least->start_bytes);
    for (size_t i = 0; i < applying->phases_count; i++) {
        struct phase *phase = &applying->phases[i];

        while (phase->next == RUN_ENTRY && is_of_record(applying, phase)) {
            if (!apply_next(applying, phase, err)) {
                return false;
            }
        }
        /* The next phase looks for the versions that this one writes. */
        if (applying->history != NULL && !folding_finish(applying->folding, err)) {
            return false;
        }
    }
    return true;
}

static bool is_of_record(const struct applying *applying, const struct phase *phase)
{
    return phase->entry.key_length - phase->start_bytes == applying->record.length &&
           memcmp(phase->entry.key, applying->record.bytes, applying->record.length) == 0;
}

/* Applies the only phase that has entries left. */
static bool apply_rest(struct applying *applying, struct phase *phase, struct error *err)
{
    while (phase->next == RUN_ENTRY) {
        if (!apply_next(applying, phase, err)) {
            return false;
        }
    }
    return true;
}

static bool apply_next(struct applying *applying, struct phase *phase, struct error *err)
{
    bool looks_at_versions = applying->history != NULL && phase->kind != FILE_KIND_REPLACE;

    if (looks_at_versions ? !history_apply(applying->history, phase->kind, &phase->entry, err)
                          : !folding_apply(applying->folding, phase->kind, &phase->entry, err)) {
        return false;
    }
    if (++applying->rows % RUN_TICK_ENTRIES == 0 &&
        !applying->watch->tick(applying->watch->context, err)) {
        return false;
    }
    return advance(phase, err);
}

static bool advance(struct phase *phase, struct error *err)
{
    phase->next = run_merger_next(phase->merger, &phase->entry, err);
    ENSURE(phase->next != RUN_ENTRY || phase->entry.key_length > phase->start_bytes);
    return phase->next != RUN_FAILED;
}

static void applying_clear(struct applying *applying)
{
    buffer_clear(&applying->record);
    folding_free(&applying->folding);
    history_free(&applying->history);
}
