/* What each column type accepts, stores and prints. */
#include <stdio.h>
#include <string.h>

#include "tests/support/test.h"
#include "worker/value/type.h"

/* A text and what `weir dump` makes of it; `printed` NULL: refused. */
struct sample {
    enum column_type type;
    const char *text;
    const char *printed;
    const char *json; /* NULL: as printed */
};

#define REFUSED NULL

/* The middle of the FLOATs 1 and 1.0000001; a DOUBLE does not tell it from what is just above. */
#define MIDDLE "1.000000059604644775390625"
#define ZEROS  "00000000000000000000"

static const struct sample samples[] = {
    {COLUMN_BOOLEAN,        "true",                                        "true",                                    NULL                                         },
    {COLUMN_BOOLEAN,        "FALSE",                                       "false",                                   NULL                                         },
    {COLUMN_BOOLEAN,        "1",                                           REFUSED,                                   NULL                                         },
    {COLUMN_BOOLEAN,        "",                                            REFUSED,                                   NULL                                         },

    {COLUMN_SHORT,          "-32768",                                      "-32768",                                  NULL                                         },
    {COLUMN_SHORT,          "32767",                                       "32767",                                   NULL                                         },
    {COLUMN_SHORT,          "32768",                                       REFUSED,                                   NULL                                         },
    {COLUMN_SHORT,          "-32769",                                      REFUSED,                                   NULL                                         },
    {COLUMN_INT,            "+0012",                                       "12",                                      NULL                                         },
    {COLUMN_INT,            "2147483648",                                  REFUSED,                                   NULL                                         },
    {COLUMN_INT,            "-2147483648",                                 "-2147483648",                             NULL                                         },
    {COLUMN_INT,            "1.0",                                         REFUSED,                                   NULL                                         },
    {COLUMN_INT,            " 1",                                          REFUSED,                                   NULL                                         },
    {COLUMN_INT,            "-",                                           REFUSED,                                   NULL                                         },
    {COLUMN_LONG,           "9223372036854775807",                         "9223372036854775807",                     NULL                                         },
    {COLUMN_LONG,           "-9223372036854775808",                        "-9223372036854775808",                    NULL                                         },
    {COLUMN_LONG,           "9223372036854775808",                         REFUSED,                                   NULL                                         },
    {COLUMN_LONG,           "18446744073709551620",                        REFUSED,                                   NULL                                         },
    {COLUMN_LONG,           "-18446744073709551617",                       REFUSED,                                   NULL                                         },
    {COLUMN_LONG,           "922337203685477580800",                       REFUSED,                                   NULL                                         },
    {COLUMN_LONG,           "99999999999999999999999999",                  REFUSED,                                   NULL                                         },

    {COLUMN_DECIMAL,        "3.30",                                        "3.30",                                    "\"3.30\""                                   },
    {COLUMN_DECIMAL,        "-0.05",                                       "-0.05",                                   "\"-0.05\""                                  },
    {COLUMN_DECIMAL,        ".5",                                          "0.5",                                     "\"0.5\""                                    },
    {COLUMN_DECIMAL,        "5.",                                          "5",                                       "\"5\""                                      },
    {COLUMN_DECIMAL,        "-0",                                          "0",                                       "\"0\""                                      },
    {COLUMN_DECIMAL,        "0.000",                                       "0.000",                                   "\"0.000\""                                  },
    {COLUMN_DECIMAL,        "1E3",                                         "1000",                                    "\"1000\""                                   },
    {COLUMN_DECIMAL,        "1.50e-2",                                     "0.0150",                                  "\"0.0150\""                                 },
    {COLUMN_DECIMAL,        "1.2345678901234568E22",                       "12345678901234568000000",
     "\"12345678901234568000000\""                                                                                                                                 },
    {COLUMN_DECIMAL,        "99999999999999999999999999999999999999",
     "99999999999999999999999999999999999999",                                                                        "\"99999999999999999999999999999999999999\"" },
    {COLUMN_DECIMAL,        "100000000000000000000000000000000000000",     REFUSED,                                   NULL                                         },
    {COLUMN_DECIMAL,        "1E+40",                                       REFUSED,                                   NULL                                         },
    {COLUMN_DECIMAL,        "1E+37",                                       "10000000000000000000000000000000000000",
     "\"10000000000000000000000000000000000000\""                                                                                                                  },
    {COLUMN_DECIMAL,        "1E-37",                                       "0.0000000000000000000000000000000000001",
     "\"0.0000000000000000000000000000000000001\""                                                                                                                 },
    {COLUMN_DECIMAL,        "1E-38",                                       REFUSED,                                   NULL                                         },
    {COLUMN_DECIMAL,        "10E-38",                                      "0.0000000000000000000000000000000000001",
     "\"0.0000000000000000000000000000000000001\""                                                                                                                 },
    {COLUMN_DECIMAL,        "1.00000000000000000000000000000000000000000",
     "1.0000000000000000000000000000000000000",                                                                       "\"1.0000000000000000000000000000000000000\""},
    {COLUMN_DECIMAL,        "0E+99",                                       "0",                                       "\"0\""                                      },
    {COLUMN_DECIMAL,        "1e",                                          REFUSED,                                   NULL                                         },
    {COLUMN_DECIMAL,        ".",                                           REFUSED,                                   NULL                                         },
    {COLUMN_DECIMAL,        "1e999999999999999999999",                     REFUSED,                                   NULL                                         },
    {COLUMN_DECIMAL,        "NaN",                                         REFUSED,                                   NULL                                         },

    {COLUMN_DOUBLE,         "200",                                         "200",                                     NULL                                         },
    {COLUMN_DOUBLE,         "0.1",                                         "0.1",                                     NULL                                         },
    {COLUMN_DOUBLE,         "-1.5e-7",                                     "-1.5e-07",                                NULL                                         },
    {COLUMN_DOUBLE,         "5e-324",                                      "5e-324",                                  NULL                                         },
    {COLUMN_DOUBLE,         "1.7976931348623157e308",                      "1.7976931348623157e+308",                 NULL                                         },
    {COLUMN_DOUBLE,         "1.8e308",                                     REFUSED,                                   NULL                                         },
    {COLUMN_DOUBLE,         "9007199254740993",                            "9007199254740992",                        NULL                                         },
    {COLUMN_DOUBLE,         "nan",                                         "NaN",                                     "\"NaN\""                                    },
    {COLUMN_DOUBLE,         "-Infinity",                                   "-Infinity",                               "\"-Infinity\""                              },
    {COLUMN_DOUBLE,         "inf",                                         "Infinity",                                "\"Infinity\""                               },
    {COLUMN_DOUBLE,         "0x10",                                        REFUSED,                                   NULL                                         },
    {COLUMN_DOUBLE,         "1e",                                          REFUSED,                                   NULL                                         },
    {COLUMN_FLOAT,          "0.1",                                         "0.1",                                     NULL                                         },
    {COLUMN_FLOAT,          "3.4028235e38",                                "3.4028235e+38",                           NULL                                         },
    {COLUMN_FLOAT,          "3.4028237E+38",                               "3.4028235e+38",                           NULL                                         },
    {COLUMN_FLOAT,          "3.4028238E+38",                               REFUSED,                                   NULL                                         },
    {COLUMN_FLOAT,          "1e-45",                                       "1e-45",                                   NULL                                         },
    {COLUMN_FLOAT,          "-Infinity",                                   "-Infinity",                               "\"-Infinity\""                              },
    {COLUMN_FLOAT,          MIDDLE "1",                                    "1.0000001",                               NULL                                         },
    {COLUMN_FLOAT,          MIDDLE ZEROS ZEROS "1",                        "1.0000001",                               NULL                                         },
    {COLUMN_FLOAT,          MIDDLE ZEROS ZEROS,                            "1",                                       NULL                                         },

    {COLUMN_NAIVE_DATE,     "2007-12-03",                                  "2007-12-03",                              "\"2007-12-03\""                             },
    {COLUMN_NAIVE_DATE,     "0000-01-01",                                  "0000-01-01",                              "\"0000-01-01\""                             },
    {COLUMN_NAIVE_DATE,     "+9999-12-31",                                 "9999-12-31",                              "\"9999-12-31\""                             },
    {COLUMN_NAIVE_DATE,     "1900-02-29",                                  REFUSED,                                   NULL                                         },
    {COLUMN_NAIVE_DATE,     "2000-02-29",                                  "2000-02-29",                              "\"2000-02-29\""                             },
    {COLUMN_NAIVE_DATE,     "2007-13-01",                                  REFUSED,                                   NULL                                         },
    {COLUMN_NAIVE_DATE,     "2007-12-03T00:00",                            REFUSED,                                   NULL                                         },
    {COLUMN_NAIVE_TIME,     "10:15",                                       "10:15:00",                                "\"10:15:00\""                               },
    {COLUMN_NAIVE_TIME,     "23:59:59.999999999",                          "23:59:59.999999999",                      "\"23:59:59.999999999\""                     },
    {COLUMN_NAIVE_TIME,     "10:15:30.500",                                "10:15:30.5",                              "\"10:15:30.5\""                             },
    {COLUMN_NAIVE_TIME,     "24:00:00",                                    REFUSED,                                   NULL                                         },
    {COLUMN_NAIVE_TIME,     "10:15:30.1234567890",                         REFUSED,                                   NULL                                         },
    {COLUMN_NAIVE_DATETIME, "2007-12-03 10:15",                            "2007-12-03T10:15:00",                     "\"2007-12-03T10:15:00\""                    },
    {COLUMN_NAIVE_DATETIME, "0001-01-01T00:00:00.001",                     "0001-01-01T00:00:00.001",
     "\"0001-01-01T00:00:00.001\""                                                                                                                                 },
    {COLUMN_NAIVE_DATETIME, "2007-12-03T10:15:30Z",                        REFUSED,                                   NULL                                         },
    {COLUMN_UTC_DATETIME,   "9999-12-31T23:59:59.999Z",                    "9999-12-31T23:59:59.999Z",
     "\"9999-12-31T23:59:59.999Z\""                                                                                                                                },
    {COLUMN_UTC_DATETIME,   "2007-12-03T10:15:30+01:00",                   "2007-12-03T09:15:30Z",
     "\"2007-12-03T09:15:30Z\""                                                                                                                                    },
    {COLUMN_UTC_DATETIME,   "2007-12-03T00:15:30.25",                      "2007-12-03T00:15:30.25Z",
     "\"2007-12-03T00:15:30.25Z\""                                                                                                                                 },
    {COLUMN_UTC_DATETIME,   "9999-12-31T23:59:59-01:00",                   REFUSED,                                   NULL                                         },

    {COLUMN_BINARY,         "QUJD",                                        "QUJD",                                    "\"QUJD\""                                   },
    {COLUMN_BINARY,         "QQ",                                          "QQ==",                                    "\"QQ==\""                                   },
    {COLUMN_BINARY,         "QUI=",                                        "QUI=",                                    "\"QUI=\""                                   },
    {COLUMN_BINARY,         "",                                            "",                                        "\"\""                                       },
    {COLUMN_BINARY,         "not base64!",                                 "bm90IGJhc2U2NCE=",                        "\"bm90IGJhc2U2NCE=\""                       },
    {COLUMN_STRING,         "a\"b\n",                                      "a\"b\n",                                  "\"a\\\"b\\n\""                              },
    {COLUMN_STRING,         "",                                            "",                                        "\"\""                                       },
    {COLUMN_STRING,         "\xff",                                        REFUSED,                                   NULL                                         },
    {COLUMN_JSON,           "{not json",                                   "{not json",                               "\"{not json\""                              },
    {COLUMN_XML,            "<a/>",                                        "<a/>",                                    "\"<a/>\""                                   },
};

static void test_samples_are_stored_and_printed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        OWNED(buffer_clear) struct buffer stored = {0};
        OWNED(buffer_clear) struct buffer text = {0};
        OWNED(buffer_clear) struct buffer json = {0};
        const struct sample *sample = &samples[i];
        const struct type *type = type_of(sample->type);
        const char *wanted = sample->json != NULL ? sample->json : sample->printed;
        const char *problem = NULL;
        enum parse_result result =
            type->parse(sample->text, strlen(sample->text), &stored, &problem);

        if (sample->printed == REFUSED) {
            if (result != PARSE_FAILED) {
                fail_msg("%s accepted \"%s\"", column_type_name(sample->type), sample->text);
            }
            assert_non_null(problem);
            assert_int_equal(stored.length, 0);
            continue;
        }
        if (result == PARSE_FAILED) {
            fail_msg("%s refused \"%s\"", column_type_name(sample->type), sample->text);
        }
        assert_true(type->is_valid(stored.bytes, stored.length));
        type->append_text(stored.bytes, stored.length, &text);
        type->append_json(stored.bytes, stored.length, &json);
        buffer_append_byte(&text, '\0');
        buffer_append_byte(&json, '\0');
        assert_string_equal((const char *)text.bytes, sample->printed);
        assert_string_equal((const char *)json.bytes, wanted);
    }
}

/* What is printed must read back as the same stored bytes. */
static void test_printed_values_read_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        OWNED(buffer_clear) struct buffer stored = {0};
        OWNED(buffer_clear) struct buffer again = {0};
        const struct sample *sample = &samples[i];
        const struct type *type = type_of(sample->type);
        const char *problem = NULL;

        if (sample->printed == REFUSED) {
            continue;
        }
        assert_int_not_equal(type->parse(sample->text, strlen(sample->text), &stored, &problem),
                             PARSE_FAILED);
        assert_int_not_equal(
            type->parse(sample->printed, strlen(sample->printed), &again, &problem), PARSE_FAILED);
        assert_int_equal(stored.length, again.length);
        if (stored.length > 0) {
            assert_memory_equal(stored.bytes, again.bytes, stored.length);
        }
    }
}

static void test_every_type_refuses_damaged_bytes_or_has_none(void **state)
{
    static const uint8_t damaged[40] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

    (void)state;
    for (int number = 1; number < COLUMN_TYPE_END; number++) {
        if (number != COLUMN_BINARY) {
            assert_false(type_of((enum column_type)number)->is_valid(damaged, sizeof damaged));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples_are_stored_and_printed),
        cmocka_unit_test(test_printed_values_read_back),
        cmocka_unit_test(test_every_type_refuses_damaged_bytes_or_has_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
