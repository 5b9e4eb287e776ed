/* Whole files through the decode chain: what they mean, and what is wrong with them. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <zlib.h>
#include <zstd.h>

#include "common/mem.h"
#include "tests/support/test.h"
#include "worker/decode/decode.h"
#include "worker/value/row.h"
#include "worker/value/type.h"

enum {
    OFF = 0,
    ZSTD = 1,
    GZIP = 2,
};

static const uint8_t secret[32] = {7, 7, 7};

struct fixture {
    char path[64];
    struct table *table;
    struct buffer seen; /* rows as text: "id=1,a=x,b=NULL;", without NULL where they are whole */
    uint64_t rows;
};

static struct column *add_column(struct table *table, uint32_t id, const char *name,
                                 enum column_type type)
{
    struct column *column = table_add_column(table, name);

    column->id = id;
    column->type = type;
    return column;
}

static int set_up(void **state)
{
    struct fixture *fixture = mem_zero(sizeof *fixture);
    int fd = -1;

    (void)snprintf(fixture->path, sizeof fixture->path, "/tmp/weir-test-decode-XXXXXX");
    fd = mkstemp(fixture->path);
    assert_true(fd >= 0);
    (void)close(fd);
    fixture->table = mem_zero(sizeof *fixture->table);
    fixture->table->schema_name = mem_text("s");
    fixture->table->name = mem_text("t");
    add_column(fixture->table, 1, "id", COLUMN_LONG)->key_position = 1;
    add_column(fixture->table, 2, "a", COLUMN_STRING);
    add_column(fixture->table, 3, "b", COLUMN_INT);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    (void)unlink(fixture->path);
    table_free(&fixture->table);
    buffer_clear(&fixture->seen);
    mem_free(fixture);
    return 0;
}

static void write_file(const struct fixture *fixture, const void *bytes, size_t length)
{
    int fd = open(fixture->path, O_WRONLY | O_TRUNC | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, length), length);
    (void)close(fd);
}

static bool see_row(void *context, const struct run_entry *entry, struct error *err)
{
    struct fixture *fixture = context;
    struct row_cursor cursor;
    struct row_cell cell = {0};

    (void)err;
    row_cursor_init(&cursor, entry->change, entry->change_length);
    while (row_cursor_next(&cursor, &cell) == ROW_CELL) {
        const struct column *column = table_column_by_id(fixture->table, cell.column_id);

        buffer_append_format(&fixture->seen, "%s=", column->name);
        if (cell.is_null) {
            buffer_append_format(&fixture->seen, "NULL,");
        } else {
            type_of(column->type)->append_json(cell.stored, cell.length, &fixture->seen);
            buffer_append_byte(&fixture->seen, ',');
        }
    }
    buffer_append_byte(&fixture->seen, ';');
    fixture->rows++;
    return true;
}

static void see_not_base64(void *context, const char *path, const char *column_name)
{
    (void)context;
    (void)path;
    (void)column_name;
}

static bool keep_going(void *context, struct error *err)
{
    (void)context;
    (void)err;
    return true;
}

struct how {
    enum file_kind kind;
    uint32_t compression;
    bool encrypted;
    const char *null_string;
    uint64_t cell_bytes_max;
    uint64_t file_bytes_max;
    const char *batch_dir;
};

static bool decode(struct fixture *fixture, const struct how *how, struct error *err)
{
    static const uint32_t request_column_ids[] = {1, 2, 3};
    const struct binding_terms binding = {
        .table = fixture->table,
        .request_column_ids = request_column_ids,
        .request_columns_count = 3,
        .null_string = how->null_string != NULL ? how->null_string : "null-x",
        .unmodified_string = "unmod-x",
    };
    const struct decode_terms terms = {
        .source = {.path = fixture->path,
                   .key = how->encrypted ? secret : NULL,
                   .compression = how->compression,
                   .decoded_bytes_max = how->file_bytes_max > 0 ? how->file_bytes_max : 1 << 30,
                   .batch_dirs_count = how->batch_dir != NULL ? 1 : 0,
                   .batch_dirs = &how->batch_dir},
        .cell_bytes_max = how->cell_bytes_max > 0 ? how->cell_bytes_max : 1 << 27,
        .kind = how->kind,
        .binding = &binding,
    };
    const struct decode_sink sink = {see_row, see_not_base64, keep_going, fixture};
    struct decode_totals totals = {0};

    buffer_reset(&fixture->seen);
    fixture->rows = 0;
    if (!decode_file(&terms, &sink, &totals, err)) {
        return false;
    }
    assert_int_equal(totals.rows, fixture->rows);
    buffer_append_byte(&fixture->seen, '\0');
    return true;
}

/* A text and what it means as a file of that kind; or, where `problem` is set, what is wrong. */
struct sample {
    enum file_kind kind;
    const char *null_string;
    const char *text;
    const char *rows;
    const char *problem;
};

static const struct sample samples[] = {
    {FILE_KIND_REPLACE, NULL, "id,a,b\n1,x,2\n",                               "id=1,a=\"x\",b=2,;",                   NULL                                                 },
    {FILE_KIND_REPLACE, NULL, "b,id,a\r\n2,1,x\r\n3,4,y",                      "id=1,a=\"x\",b=2,;id=4,a=\"y\",b=3,;",
     NULL                                                                                                                                                                   },
    {FILE_KIND_REPLACE, NULL, "\xef\xbb\xbfid,a\n1,x\n",                       "id=1,a=\"x\",;",                       NULL                                                 },
    {FILE_KIND_REPLACE, NULL, "\"id\",\"a\",\"b\"\n1,\"x, \"\"y\"\"\nz\",2\n",
     "id=1,a=\"x, \\\"y\\\"\\nz\",b=2,;",                                                                              NULL                                                 },
    {FILE_KIND_REPLACE, NULL, "id,a,b\n",                                      "",                                     NULL                                                 },
    {FILE_KIND_REPLACE, NULL, "id,a,b",                                        "",                                     NULL                                                 },
    {FILE_KIND_REPLACE, NULL, "id,a,b\n1,null-x,\"null-x\"\n",                 "id=1,;",                               NULL                                                 },
    {FILE_KIND_REPLACE, NULL, "id,a,b\n1,NULL,2\n",                            "id=1,a=\"NULL\",b=2,;",                NULL                                                 },
    {FILE_KIND_REPLACE, NULL, "id,a,b\n1,,2\n",                                "id=1,a=\"\",b=2,;",                    NULL                                                 },
    {FILE_KIND_REPLACE, "",   "id,a,b\n1,,\n2,\"\",3\n",                       "id=1,;id=2,a=\"\",b=3,;",              NULL                                                 },
    {FILE_KIND_REPLACE, NULL, "id,a,b\n1,a\\,2\n",                             "id=1,a=\"a\\\\\",b=2,;",               NULL                                                 },
    {FILE_KIND_UPDATE,  NULL, "id,a,b\n1,unmod-x,2\n2,\"unmod-x\",null-x\n",
     "id=1,b=2,;id=2,b=NULL,;",                                                                                        NULL                                                 },
    {FILE_KIND_UPDATE,  NULL, "id,b\n1,2\n",                                   "id=1,b=2,;",                           NULL                                                 },
    {FILE_KIND_DELETE,  NULL, "b,id\nwhatever,7\n",                            ";",                                    NULL                                                 },
    {FILE_KIND_REPLACE, NULL, "id,a,b\n1,\"\r\n\",2\n",                        "id=1,a=\"\\r\\n\",b=2,;",              NULL                                                 },

    {FILE_KIND_REPLACE, NULL, "",                                              NULL,                                   "it is empty: a header line with column names is due"},
    {FILE_KIND_REPLACE, NULL, "id,a,c\n",                                      NULL,
     "line 1: the header has column \"c\", which the table lacks"                                                                                                           },
    {FILE_KIND_REPLACE, NULL, "id,a,a\n",                                      NULL,                                   "line 1: the header has column \"a\" twice"          },
    {FILE_KIND_REPLACE, NULL, "a,b\n",                                         NULL,
     "line 1: the header lacks column \"id\", which is in the table's primary key"                                                                                          },
    {FILE_KIND_REPLACE, NULL, "id,a,b\n1,x\n",                                 NULL,
     "line 2 has another number of cells (2) than the header (3)"                                                                                                           },
    {FILE_KIND_REPLACE, NULL, "id,a,b\n1,x,2\n\n",                             NULL,                                   "line 3 has another number of cells (1)"             },
    {FILE_KIND_REPLACE, NULL, "id,a,b\n1,\"x\n\",2,3\n",                       NULL,
     "line 2 has another number of cells (4)"                                                                                                                               },
    {FILE_KIND_REPLACE, NULL, "id,a,b\n1,\"x\n\n\",2\n3,y,z\n",                NULL,
     "line 5: column \"b\": the value is not a whole number"                                                                                                                },
    {FILE_KIND_REPLACE, NULL, "id,a,b\n1,x\"y,2\n",                            NULL,
     "line 2, column \"a\": a quote inside a cell"                                                                                                                          },
    {FILE_KIND_REPLACE, NULL, "id,a,b\n1,\"x\"y,2\n",                          NULL,
     "line 2, column \"a\": text behind the closing quote"                                                                                                                  },
    {FILE_KIND_REPLACE, NULL, "id,a,b\n1,\"x\"y\"z\",2\n",                     NULL,
     "line 2, column \"a\": text behind the closing quote"                                                                                                                  },
    {FILE_KIND_REPLACE, NULL, "id,a,b\n1,\"x,2\n",                             NULL,                                   "line 2 has a quote that is never closed"            },
    {FILE_KIND_REPLACE, NULL, "id,a,b\n,x,2\n",                                NULL,                                   "column \"id\": the value is empty"                  },
    {FILE_KIND_REPLACE, NULL, "id,a,b\nnull-x,x,2\n",                          NULL,
     "column \"id\" is in the primary key and cannot be NULL"                                                                                                               },
    {FILE_KIND_UPDATE,  NULL, "id,a,b\nunmod-x,x,2\n",                         NULL,
     "column \"id\" is in the primary key and cannot be unmodified"                                                                                                         },
    {FILE_KIND_REPLACE, NULL, "id,a,b\n1,unmod-x,2\n",                         NULL,
     "column \"a\" is unmodified, which a replace file cannot say"                                                                                                          },
    {FILE_KIND_REPLACE, NULL, "id,a,b\n1,\xff,2\n",                            NULL,
     "column \"a\": the value is not valid UTF-8"                                                                                                                           },
    {FILE_KIND_REPLACE, NULL, "id,a,b\n1,x,2147483648\n",                      NULL,
     "column \"b\": the value is not between -2147483648 and 2147483647"                                                                                                    },
};

static void test_texts_mean_what_the_rules_say(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        const struct sample *sample = &samples[i];
        const struct how how = {.kind = sample->kind, .null_string = sample->null_string};
        struct error err = {0};
        bool decoded = false;

        write_file(fixture, sample->text, strlen(sample->text));
        decoded = decode(fixture, &how, &err);
        if (sample->problem == NULL) {
            if (!decoded) {
                fail_msg("%s: %s", sample->text, err.message);
            }
            assert_string_equal((const char *)fixture->seen.bytes, sample->rows);
        } else {
            if (decoded || strstr(err.message, sample->problem) == NULL) {
                fail_msg("%s: \"%s\" instead of \"%s\"", sample->text, err.message,
                         sample->problem);
            }
            assert_non_null(strstr(err.message, fixture->path));
            assert_true(err.kind == ERROR_DATA);
        }
    }
}

/* Appends `text` encrypted: vector and ciphertext. */
static void append_encrypted(struct buffer *out, const uint8_t *bytes, size_t length)
{
    static const uint8_t vector[16] = {9, 8, 7};
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    uint8_t *at = NULL;
    int written = 0;
    int finished = 0;

    buffer_append(out, vector, sizeof vector);
    at = buffer_reserve(out, length + 16);
    assert_int_equal(EVP_EncryptInit_ex(context, EVP_aes_256_cbc(), NULL, secret, vector), 1);
    assert_int_equal(EVP_EncryptUpdate(context, at, &written, bytes, (int)length), 1);
    assert_int_equal(EVP_EncryptFinal_ex(context, at + written, &finished), 1);
    out->length += (size_t)written + (size_t)finished;
    EVP_CIPHER_CTX_free(context);
}

static void append_zstd(struct buffer *out, const char *text)
{
    size_t room = ZSTD_compressBound(strlen(text));

    out->length += ZSTD_compress(buffer_reserve(out, room), room, text, strlen(text), 3);
}

static void append_gzip(struct buffer *out, const char *text)
{
    z_stream stream = {0};
    uint8_t *copy = mem_copy(text, strlen(text));

    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = copy;
    stream.avail_in = (uInt)strlen(text);
    stream.next_out = buffer_reserve(out, 1000);
    stream.avail_out = 1000;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out->length += stream.total_out;
    (void)deflateEnd(&stream);
    mem_free(copy);
}

static void assert_decodes(struct fixture *fixture, const struct how *how,
                           const struct buffer *bytes, const char *rows)
{
    struct error err = {0};

    write_file(fixture, bytes->bytes, bytes->length);
    if (!decode(fixture, how, &err)) {
        fail_msg("%s", err.message);
    }
    assert_string_equal((const char *)fixture->seen.bytes, rows);
}

static void assert_fails(struct fixture *fixture, const struct how *how, const uint8_t *bytes,
                         size_t length, const char *problem)
{
    struct error err = {0};

    write_file(fixture, bytes, length);
    if (decode(fixture, how, &err)) {
        fail_msg("decoded although %s", problem);
    }
    if (strstr(err.message, problem) == NULL || strstr(err.message, fixture->path) == NULL) {
        fail_msg("\"%s\" instead of \"%s\"", err.message, problem);
    }
}

static void test_several_frames_and_members_are_one_text(void **state)
{
    struct fixture *fixture = *state;
    OWNED(buffer_clear) struct buffer zstd = {0};
    OWNED(buffer_clear) struct buffer gzip = {0};
    static const uint8_t skippable[] = {0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'x', 'y', 'z'};

    append_zstd(&zstd, "id,a,b\n1,");
    buffer_append(&zstd, skippable, sizeof skippable);
    append_zstd(&zstd, "x,2\n");
    append_gzip(&gzip, "id,a,b\n1,");
    append_gzip(&gzip, "x,2\n");
    assert_decodes(fixture, &(struct how){.kind = FILE_KIND_REPLACE, .compression = ZSTD}, &zstd,
                   "id=1,a=\"x\",b=2,;");
    assert_decodes(fixture, &(struct how){.kind = FILE_KIND_REPLACE, .compression = GZIP}, &gzip,
                   "id=1,a=\"x\",b=2,;");
}

static void test_encrypted_and_compressed_is_decoded(void **state)
{
    struct fixture *fixture = *state;
    OWNED(buffer_clear) struct buffer zstd = {0};
    OWNED(buffer_clear) struct buffer sealed = {0};

    append_zstd(&zstd, "id,a,b\n1,x,2\n");
    append_encrypted(&sealed, zstd.bytes, zstd.length);
    assert_decodes(fixture,
                   &(struct how){.kind = FILE_KIND_REPLACE, .compression = ZSTD, .encrypted = true},
                   &sealed, "id=1,a=\"x\",b=2,;");
}

static void test_damaged_files_say_what_is_wrong(void **state)
{
    struct fixture *fixture = *state;
    const struct how as_zstd = {.kind = FILE_KIND_REPLACE, .compression = ZSTD};
    const struct how as_gzip = {.kind = FILE_KIND_REPLACE, .compression = GZIP};
    const struct how as_aes = {.kind = FILE_KIND_REPLACE, .encrypted = true};
    OWNED(buffer_clear) struct buffer zstd = {0};
    OWNED(buffer_clear) struct buffer gzip = {0};
    OWNED(buffer_clear) struct buffer aes = {0};

    append_zstd(&zstd, "id,a,b\n1,x,2\n");
    append_gzip(&gzip, "id,a,b\n1,x,2\n");
    append_encrypted(&aes, (const uint8_t *)"id,a,b\n1,x,2\n3,y,4\n", 20);
    assert_fails(fixture, &as_zstd, zstd.bytes, zstd.length - 3, "cut short inside a zstd frame");
    assert_fails(fixture, &as_zstd, (const uint8_t *)"id,a,b\n", 7, "it is not zstd");
    assert_fails(fixture, &as_zstd, zstd.bytes, 0, "it is empty, and so not zstd");
    assert_fails(fixture, &as_gzip, gzip.bytes, gzip.length - 3, "cut short inside its gzip");
    assert_fails(fixture, &as_gzip, (const uint8_t *)"id,a,b\n", 7, "it is not gzip");
    assert_fails(fixture, &as_gzip, gzip.bytes, 0, "it is empty, and so not gzip");
    assert_fails(fixture, &as_aes, aes.bytes, aes.length - 5, "it is cut short");
    assert_fails(fixture, &as_aes, aes.bytes, 16, "it is cut short");
    assert_fails(fixture, &as_aes, aes.bytes, 7, "it is cut short");
    assert_fails(fixture, &as_aes, aes.bytes, aes.length - 16, "could not be decrypted");

    buffer_append(&zstd, "more", 4);
    assert_fails(fixture, &as_zstd, zstd.bytes, zstd.length, "behind its last zstd frame");
    buffer_append(&gzip, "more", 4);
    assert_fails(fixture, &as_gzip, gzip.bytes, gzip.length, "behind its last gzip member");
    gzip.bytes[gzip.length - 8] ^= 1;
    assert_fails(fixture, &as_gzip, gzip.bytes, gzip.length - 4, "gzip stream is damaged");
}

static void test_limits_hold(void **state)
{
    struct fixture *fixture = *state;
    OWNED(mem_release) char *text = mem_zero(400000);
    struct error err = {0};
    struct how how = {.kind = FILE_KIND_REPLACE, .cell_bytes_max = 1000};

    memcpy(text, "id,a\n1,", 7);
    memset(text + 7, 'x', 399992);
    write_file(fixture, text, 399999);
    assert_false(decode(fixture, &how, &err));
    assert_int_equal(err.kind, ERROR_LIMIT);
    assert_non_null(strstr(err.message, "line 2, column \"a\""));
    how = (struct how){.kind = FILE_KIND_REPLACE, .file_bytes_max = 399998};
    assert_false(decode(fixture, &how, &err));
    assert_int_equal(err.kind, ERROR_LIMIT);
    how.file_bytes_max = 399999;
    assert_true(decode(fixture, &how, &err));
    assert_int_equal(fixture->rows, 1);
}

static void test_only_regular_files_in_the_batch_folders_are_read(void **state)
{
    struct fixture *fixture = *state;
    struct fixture other = *fixture;
    struct how how = {.kind = FILE_KIND_REPLACE};
    struct error err = {0};

    write_file(fixture, "id\n1\n", 5);
    how.batch_dir = "/tmp/";
    assert_true(decode(fixture, &how, &err));
    how.batch_dir = "/tm";
    assert_false(decode(fixture, &how, &err));
    assert_non_null(strstr(err.message, "--batch-dir"));
    how.batch_dir = "/tmp";
    (void)snprintf(other.path, sizeof other.path, "/tmp/../etc/passwd");
    assert_false(decode(&other, &how, &err));
    assert_non_null(strstr(err.message, "--batch-dir"));
    how.batch_dir = NULL;
    (void)snprintf(other.path, sizeof other.path, "/tmp");
    assert_false(decode(&other, &how, &err));
    assert_non_null(strstr(err.message, "not a regular file"));
    (void)snprintf(other.path, sizeof other.path, "/nonexistent/batch");
    assert_false(decode(&other, &how, &err));
    assert_int_equal(err.kind, ERROR_REQUEST);
}

/* Cuts the file when its first row arrives. */
static bool cut_file(void *context, const struct run_entry *entry, struct error *err)
{
    struct fixture *fixture = context;

    (void)entry;
    (void)err;
    return truncate(fixture->path, 200000) == 0;
}

static void test_a_file_that_is_cut_while_it_is_read_is_noticed(void **state)
{
    struct fixture *fixture = *state;
    const struct binding_terms binding = {
        .table = fixture->table, .null_string = "", .unmodified_string = ""};
    const struct decode_terms terms = {
        .source = {.path = fixture->path, .decoded_bytes_max = 1 << 30},
        .cell_bytes_max = 1 << 27,
        .kind = FILE_KIND_REPLACE,
        .binding = &binding,
    };
    const struct decode_sink sink = {cut_file, see_not_base64, keep_going, fixture};
    struct decode_totals totals = {0};
    OWNED(buffer_clear) struct buffer text = {0};
    struct error err = {0};

    buffer_append(&text, "id\n", 3);
    while (text.length < 400000) {
        buffer_append(&text, "1234567\n", 8);
    }
    write_file(fixture, text.bytes, text.length);
    assert_false(decode_file(&terms, &sink, &totals, &err));
    assert_non_null(strstr(err.message, "its size changed while it was read"));
    assert_int_equal(err.kind, ERROR_UNAVAILABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_texts_mean_what_the_rules_say, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_several_frames_and_members_are_one_text, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_encrypted_and_compressed_is_decoded, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_damaged_files_say_what_is_wrong, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_limits_hold, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_only_regular_files_in_the_batch_folders_are_read,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_file_that_is_cut_while_it_is_read_is_noticed, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
