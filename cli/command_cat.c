/* weir cat: one batch file, decrypted and decompressed, as a table for people.
 *
 * The file is read twice: once for the widths of its columns, once to print. Memory stays constant.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/command_list.h"
#include "cli/output.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/text.h"
#include "worker/decode/format.h"
#include "worker/decode/source.h"

enum {
    FORMAT_CSV_NUMBER = 0, /* fivetran_sdk.v2.BatchFileFormat */

    COMPRESSION_OFF = 0, /* fivetran_sdk.v2.Compression */
    COMPRESSION_ZSTD = 1,
    COMPRESSION_GZIP = 2,

    WIDTH_MAX = 40, /* a longer cell is shown in full but does not push the others aside */
    KEY_FILE_MAX = 2 * LIMIT_AES_KEY_BYTES + 2, /* 64 hex digits and a line end */
};

struct cat {
    const char *key_text;
    const char *key_file;
    const char *path;
    uint8_t key[LIMIT_AES_KEY_BYTES];
    bool has_key;
    uint32_t compression;
    size_t *widths;
    size_t columns;
    struct output output;
};

/* What to do with a line of cells. */
typedef bool (*line_function)(struct cat *cat, const struct cell *cells, struct error *err);

static int run(const struct command *command, int arguments_count, const char *const arguments[]);
static bool read_key(struct cat *cat, struct error *err);
static bool read_key_file(struct cat *cat, struct error *err);
static bool show(struct cat *cat, struct error *err);
static bool find_compression(struct cat *cat, struct error *err);
static bool open_source(const struct cat *cat, uint32_t compression, struct source **source_out,
                        struct error *err);
static bool each_line(struct cat *cat, line_function visit, struct error *err);
static bool measure(struct cat *cat, const struct cell *cells, struct error *err);
static bool print(struct cat *cat, const struct cell *cells, struct error *err);

static const char manual[] =
    "Decrypts and decompresses one batch file (CSV; zstd, gzip or neither is found out from its\n"
    "bytes) and prints it as a table: a line of column names, then one line a row in file order.\n"
    "A key in the arguments can be seen by other users of the machine: --key-file cannot.\n";

static const struct option options[] = {
    {.name = "key",
     .kind = OPTION_TEXT,
     .offset = offsetof(struct cat, key_text),
     .placeholder = "HEX",
     .help = "the file's AES-256 key as 64 hex digits; without a key it is taken as not encrypted"},
    {.name = "key-file",
     .variable = "WEIR_KEY_FILE",
     .kind = OPTION_TEXT,
     .offset = offsetof(struct cat, key_file),
     .placeholder = "FILE",
     .help = "a file with the key: 32 bytes or 64 hex digits"},
    {.name = NULL         },
};

const struct command command_cat = {
    .name = "cat",
    .synopsis = "[--key HEX | --key-file FILE] FILE",
    .summary = "show a batch file",
    .manual = manual,
    .options = options,
    .run = run,
};

static int run(const struct command *command, int arguments_count, const char *const arguments[])
{
    struct cat cat = {0};
    struct error err = {0};
    int status = COMMAND_DONE;
    bool done = false;

    if (!command_read(command, arguments_count, arguments, &cat, &cat.path, 1, &status)) {
        return status;
    }
    done = read_key(&cat, &err) && show(&cat, &err);
    mem_wipe(cat.key, sizeof cat.key);
    mem_free(cat.widths);
    buffer_clear(&cat.output.text);
    return done ? COMMAND_DONE : command_fail(&err);
}

static bool read_key(struct cat *cat, struct error *err)
{
    if (cat->key_text != NULL && cat->key_file != NULL) {
        return error_set(err, ERROR_REQUEST, "give --key or --key-file, not both");
    }
    if (cat->key_file != NULL) {
        return read_key_file(cat, err);
    }
    if (cat->key_text == NULL) {
        return true;
    }
    cat->has_key = true;
    return (strlen(cat->key_text) == 2 * sizeof cat->key &&
            text_parse_hex(cat->key_text, cat->key, sizeof cat->key)) ||
           error_set(err, ERROR_REQUEST, "--key has to be 64 hex digits");
}

static bool read_key_file(struct cat *cat, struct error *err)
{
    char bytes[KEY_FILE_MAX + 1];
    int fd = open(cat->key_file, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd >= 0 ? read(fd, bytes, sizeof bytes) : -1;
    int reason = errno;

    if (fd >= 0) {
        (void)close(fd);
    }
    if (length < 0) {
        errno = reason;
        return error_set_errno(err, ERROR_REQUEST, "could not read key file \"%s\"",
                               text_path(cat->key_file).text);
    }
    cat->has_key = true;
    if (length == sizeof cat->key) {
        memcpy(cat->key, bytes, sizeof cat->key);
    } else {
        while (length > 0 && (bytes[length - 1] == '\n' || bytes[length - 1] == '\r')) {
            length--;
        }
        bytes[length] = '\0';
        if (length != 2 * (ssize_t)sizeof cat->key ||
            !text_parse_hex(bytes, cat->key, sizeof cat->key)) {
            mem_wipe(bytes, sizeof bytes);
            return error_set(err, ERROR_REQUEST,
                             "key file \"%s\" has to hold 32 bytes or 64 hex digits",
                             text_path(cat->key_file).text);
        }
    }
    mem_wipe(bytes, sizeof bytes);
    return true;
}

static bool show(struct cat *cat, struct error *err)
{
    return find_compression(cat, err) && each_line(cat, measure, err) &&
           each_line(cat, print, err) && output_flush(&cat->output, err);
}

/* Both compressions say what they are in their first bytes, which no CSV header begins with. */
static bool find_compression(struct cat *cat, struct error *err)
{
    OWNED(source_close) struct source *source = NULL;
    uint8_t bytes[4] = {0};
    size_t length = 0;

    if (!open_source(cat, COMPRESSION_OFF, &source, err)) {
        return false;
    }
    for (size_t got = 0; got < sizeof bytes; got += length) {
        if (!source_read(source, bytes + got, sizeof bytes - got, &length, err)) {
            return error_wrap(err, "batch file \"%s\"", text_path(cat->path).text);
        }
        if (length == 0) {
            break;
        }
    }
    if (memcmp(bytes, "\x28\xb5\x2f\xfd", 4) == 0 ||
        ((bytes[0] & 0xf0) == 0x50 && memcmp(bytes + 1, "\x2a\x4d\x18", 3) == 0)) {
        cat->compression = COMPRESSION_ZSTD;
    } else if (memcmp(bytes, "\x1f\x8b", 2) == 0) {
        cat->compression = COMPRESSION_GZIP;
    }
    return true;
}

static bool open_source(const struct cat *cat, uint32_t compression, struct source **source_out,
                        struct error *err)
{
    const struct source_terms terms = {
        .path = cat->path,
        .key = cat->has_key ? cat->key : NULL,
        .compression = compression,
        .decoded_bytes_max = UINT64_MAX,
    };

    return source_open(&terms, source_out, err) ||
           error_wrap(err, "batch file \"%s\"", text_path(cat->path).text);
}

/* Visits the header and every row. */
static bool each_line(struct cat *cat, line_function visit, struct error *err)
{
    const struct format *format = format_find(FORMAT_CSV_NUMBER);
    const struct format_terms terms = {.cell_bytes_max = LIMIT_ROW_BYTES};
    OWNED(source_close) struct source *source = NULL;
    struct reader *reader = NULL;
    const struct cell *cells = NULL;
    enum next next = NEXT_FAILED;

    if (!open_source(cat, cat->compression, &source, err)) {
        return false;
    }
    if (format->open(&source, &terms, &reader, &cells, &cat->columns, err) &&
        visit(cat, cells, err)) {
        do {
            next = format->next_row(reader, &cells, err);
        } while (next == NEXT_ROW && visit(cat, cells, err));
    }
    if (reader != NULL) {
        format->close(&reader);
    }
    return next == NEXT_END || error_wrap(err, "batch file \"%s\"", text_path(cat->path).text);
}

static bool measure(struct cat *cat, const struct cell *cells, struct error *err)
{
    if (cat->widths == NULL) {
        cat->widths = mem_zero_array(cat->columns, sizeof *cat->widths);
    }
    for (size_t i = 0; i < cat->columns; i++) {
        size_t width = output_width(cells[i].text, cells[i].length);

        if (!text_is_utf8(cells[i].text, cells[i].length)) {
            return error_set(err, ERROR_DATA, "it is not text: the key may be wrong");
        }
        if (width <= WIDTH_MAX && width > cat->widths[i]) {
            cat->widths[i] = width;
        }
    }
    return true;
}

static bool print(struct cat *cat, const struct cell *cells, struct error *err)
{
    for (size_t i = 0; i < cat->columns; i++) {
        output_append_cell(&cat->output.text, cells[i].text, cells[i].length,
                           i + 1 < cat->columns ? cat->widths[i] : OUTPUT_LAST);
    }
    buffer_append_byte(&cat->output.text, '\n');
    return output_flush_some(&cat->output, err);
}
