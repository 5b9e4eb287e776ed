/* See decode.h. */
#include "worker/decode/decode.h"

#include "common/text.h"
#include "worker/decode/format.h"
#include "worker/decode/poison.h"

enum {
    TICK_ROWS = 512,
    TICK_BYTES = 1024 * 1024,
};

/* One file on its way. */
struct decoding {
    const struct decode_terms *terms;
    const struct decode_sink *sink;
    const struct format *format;
    struct reader *reader;
    struct binding *binding;
    struct buffer key;
    struct buffer change;
    uint64_t rows;
    bool sink_failed; /* its errors are not the file's */
};

static bool name_file(const struct decode_terms *terms, struct error *err);
static bool open_file(struct decoding *decoding, struct error *err);
static bool decode_rows(struct decoding *decoding, struct error *err);
static bool decode_row(struct decoding *decoding, const struct cell *cells, struct error *err);
static bool tick(struct decoding *decoding, struct error *err);
static void report_not_base64(const struct decoding *decoding);
static void decoding_close(struct decoding *decoding);

bool decode_file(const struct decode_terms *terms, const struct decode_sink *sink,
                 struct decode_totals *totals, struct error *err)
{
    OWNED(decoding_close) struct decoding decoding = {.terms = terms, .sink = sink};

    if (!open_file(&decoding, err) || !decode_rows(&decoding, err)) {
        return decoding.sink_failed ? false : name_file(terms, err);
    }
    report_not_base64(&decoding);
    totals->rows += decoding.rows;
    totals->bytes += decoding.format->bytes(decoding.reader);
    return true;
}

/* Always returns false. */
static bool name_file(const struct decode_terms *terms, struct error *err)
{
    const struct table *table = terms->binding->table;

    return error_wrap(err, "could not write to table \"%s.%s\": batch file \"%s\"",
                      text_name(table->schema_name).text, text_name(table->name).text,
                      text_path(terms->source.path).text);
}

static bool open_file(struct decoding *decoding, struct error *err)
{
    const struct decode_terms *terms = decoding->terms;
    const struct format_terms format_terms = {.cell_bytes_max = terms->cell_bytes_max};
    OWNED(source_close) struct source *source = NULL;
    const struct cell *header = NULL;
    size_t columns_count = 0;

    decoding->format = format_find(terms->format);
    if (decoding->format == NULL) {
        return error_set(err, ERROR_UNSUPPORTED, "its format %u is not supported, CSV is",
                         (unsigned)terms->format);
    }
    return source_open(&terms->source, &source, err) &&
           decoding->format->open(&source, &format_terms, &decoding->reader, &header,
                                  &columns_count, err) &&
           binding_open(terms->binding, terms->kind, header, columns_count, &decoding->binding,
                        err);
}

static bool decode_rows(struct decoding *decoding, struct error *err)
{
    const struct cell *cells = NULL;
    uint64_t ticked_bytes = 0;
    enum next next = NEXT_END;

    while ((next = decoding->format->next_row(decoding->reader, &cells, err)) == NEXT_ROW) {
        uint64_t bytes = decoding->format->bytes(decoding->reader);

        if (!decode_row(decoding, cells, err)) {
            return false;
        }
        if (++decoding->rows % TICK_ROWS == 0 || bytes - ticked_bytes > TICK_BYTES) {
            ticked_bytes = bytes;
            if (!tick(decoding, err)) {
                return false;
            }
        }
    }
    return next == NEXT_END;
}

static bool decode_row(struct decoding *decoding, const struct cell *cells, struct error *err)
{
    struct run_entry entry = {0};

    poison_taste(&cells[0]);
    buffer_reset(&decoding->key);
    buffer_reset(&decoding->change);
    if (!binding_convert(decoding->binding, cells, &decoding->key, &decoding->change, err)) {
        return error_wrap(err, "line %llu",
                          (unsigned long long)decoding->format->line(decoding->reader));
    }
    entry = (struct run_entry){
        .key = decoding->key.bytes,
        .key_length = decoding->key.length,
        .change = decoding->change.bytes,
        .change_length = decoding->change.length,
        .is_row = binding_makes_rows(decoding->binding),
    };
    if (!decoding->sink->row(decoding->sink->context, &entry, err)) {
        decoding->sink_failed = true;
        return false;
    }
    return true;
}

static bool tick(struct decoding *decoding, struct error *err)
{
    if (!decoding->sink->tick(decoding->sink->context, err)) {
        decoding->sink_failed = true;
        return false;
    }
    return true;
}

static void report_not_base64(const struct decoding *decoding)
{
    const char *const *names = NULL;
    size_t count = 0;

    binding_not_base64(decoding->binding, &names, &count);
    for (size_t i = 0; i < count; i++) {
        decoding->sink->not_base64(decoding->sink->context, decoding->terms->source.path, names[i]);
    }
}

static void decoding_close(struct decoding *decoding)
{
    binding_close(&decoding->binding);
    if (decoding->reader != NULL) {
        decoding->format->close(&decoding->reader);
    }
    buffer_clear(&decoding->key);
    buffer_clear(&decoding->change);
}
