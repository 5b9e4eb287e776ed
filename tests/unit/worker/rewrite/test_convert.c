/* Values of one type as another. */
#include <string.h>

#include "tests/support/test.h"
#include "worker/rewrite/convert.h"
#include "worker/value/type.h"

struct sample {
    enum column_type from;
    enum column_type to;
    const char *text;
    const char *converted; /* NULL: it does not fit */
};

static const struct sample samples[] = {
    {COLUMN_LONG,         COLUMN_DOUBLE,         "9007199254740993",        "9007199254740992"    },
    {COLUMN_LONG,         COLUMN_DECIMAL,        "-9223372036854775808",    "-9223372036854775808"},
    {COLUMN_LONG,         COLUMN_INT,            "2147483648",              NULL                  },
    {COLUMN_DECIMAL,      COLUMN_LONG,           "12.000",                  "12"                  },
    {COLUMN_DECIMAL,      COLUMN_LONG,           "12.5",                    NULL                  },
    {COLUMN_DOUBLE,       COLUMN_LONG,           "1e18",                    "1000000000000000000" },
    {COLUMN_DOUBLE,       COLUMN_LONG,           "6654449012388075520",     "6654449012388075520" },
    {COLUMN_DOUBLE,       COLUMN_LONG,           "9223372036854775808",     NULL                  },
    {COLUMN_DOUBLE,       COLUMN_INT,            "1.5",                     NULL                  },
    {COLUMN_DOUBLE,       COLUMN_INT,            "-0",                      "0"                   },
    {COLUMN_FLOAT,        COLUMN_LONG,           "1.6777216e7",             "16777216"            },
    {COLUMN_DOUBLE,       COLUMN_LONG,           "1e19",                    NULL                  },
    {COLUMN_DOUBLE,       COLUMN_DECIMAL,        "0.1",                     "0.1"                 },
    {COLUMN_DOUBLE,       COLUMN_DECIMAL,        "1e40",                    NULL                  },
    {COLUMN_DOUBLE,       COLUMN_FLOAT,          "3.4e39",                  NULL                  },
    {COLUMN_DOUBLE,       COLUMN_FLOAT,          "-Infinity",               "-Infinity"           },
 /* In the middle of two floats: the even one. The shortest text lies to one side of it. */
    {COLUMN_DOUBLE,       COLUMN_FLOAT,          "1.0000000596046448",      "1"                   },
    {COLUMN_DOUBLE,       COLUMN_FLOAT,          "-8.899278596150387e+24",  "-8.899279e+24"       },
    {COLUMN_DOUBLE,       COLUMN_FLOAT,          "3.4028236e38",            "3.4028235e+38"       },
    {COLUMN_FLOAT,        COLUMN_DOUBLE,         "0.1",                     "0.10000000149011612" },
    {COLUMN_FLOAT,        COLUMN_DOUBLE,         "NaN",                     "NaN"                 },
    {COLUMN_NAIVE_DATE,   COLUMN_UTC_DATETIME,   "0000-01-01",              "0000-01-01T00:00:00Z"},
    {COLUMN_UTC_DATETIME, COLUMN_NAIVE_DATETIME, "2024-01-01T10:00:00.25Z",
     "2024-01-01T10:00:00.25"                                                                     },
    {COLUMN_UTC_DATETIME, COLUMN_NAIVE_DATE,     "2024-01-01T10:00:00Z",    NULL                  },
    {COLUMN_BINARY,       COLUMN_STRING,         "QUJD",                    "QUJD"                },
    {COLUMN_STRING,       COLUMN_BINARY,         "QUJD",                    "QUJD"                },
    {COLUMN_DECIMAL,      COLUMN_BINARY,         "63",                      NULL                  },
    {COLUMN_BINARY,       COLUMN_INT,            "1234",                    NULL                  },
    {COLUMN_STRING,       COLUMN_BOOLEAN,        "maybe",                   NULL                  },
    {COLUMN_STRING,       COLUMN_XML,            "",                        ""                    },
};

static void test_values_fit_or_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        const struct sample *sample = &samples[i];
        OWNED(buffer_clear) struct buffer stored = {0};
        OWNED(buffer_clear) struct buffer scratch = {0};
        OWNED(buffer_clear) struct buffer converted = {0};
        OWNED(buffer_clear) struct buffer text = {0};
        const char *problem = NULL;
        bool fits = false;

        assert_int_not_equal(
            type_of(sample->from)->parse(sample->text, strlen(sample->text), &stored, &problem),
            PARSE_FAILED);
        fits = convert_value(sample->from, sample->to, stored.bytes, stored.length, &scratch,
                             &converted);
        if (fits != (sample->converted != NULL)) {
            fail_msg("%s \"%s\" as %s", column_type_name(sample->from), sample->text,
                     column_type_name(sample->to));
        }
        if (fits) {
            type_of(sample->to)->append_text(converted.bytes, converted.length, &text);
            buffer_append_byte(&text, '\0');
            assert_string_equal((const char *)text.bytes, sample->converted);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_fit_or_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
