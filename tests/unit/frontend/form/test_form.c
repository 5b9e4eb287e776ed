/* frontend/form: one table describes the form and checks configurations. */
#include <stdlib.h>
#include <string.h>

#include "frontend/form/form.h"
#include "frontend/form/form_table.h"
#include "tests/support/test.h"

static bool check_one(const char *name, const char *value, struct error *err)
{
    struct form_value values[] = {
        {name, value}
    };

    error_clear(err);
    return form_check(values, 1, err);
}

static FivetranSdk__V2__ConfigurationFormResponse *describe(void)
{
    FivetranSdk__V2__ConfigurationFormResponse *form = calloc(1, sizeof *form);

    fivetran_sdk__v2__configuration_form_response__init(form);
    form_describe(form);
    return form;
}

static void test_no_configuration_is_the_embedded_store(void **state)
{
    struct error err = {0};

    (void)state;
    assert_true(form_check(NULL, 0, &err));
}

static void test_an_empty_value_is_the_same_as_none(void **state)
{
    struct error err = {0};

    (void)state;
    for (size_t i = 0; i < form_fields_count; i++) {
        assert_true(check_one(form_fields[i].name, "", &err));
    }
}

static void test_a_field_that_the_form_lacks_is_ignored(void **state)
{
    struct error err = {0};

    (void)state;
    assert_true(check_one("colour", "blue", &err));
}

static void test_each_default_is_accepted(void **state)
{
    struct error err = {0};

    (void)state;
    for (size_t i = 0; i < form_fields_count; i++) {
        if (form_fields[i].default_value != NULL) {
            assert_true(check_one(form_fields[i].name, form_fields[i].default_value, &err));
        }
    }
}

static void test_a_value_of_the_wrong_kind_names_its_field_and_is_not_quoted(void **state)
{
    struct error err = {0};

    (void)state;
    for (size_t i = 0; i < form_fields_count; i++) {
        const struct form_field *field = &form_fields[i];

        if (field->kind == FORM_TEXT || field->kind == FORM_SECRET) {
            continue;
        }
        assert_false(check_one(field->name, "never valid", &err));
        assert_int_equal(err.kind, ERROR_REQUEST);
        assert_non_null(strstr(err.message, field->name));
        assert_null(strstr(err.message, "never valid"));
    }
}

static void test_a_port_is_from_1_to_65535(void **state)
{
    static const char *const wrong[] = {"0", "65536", "-1", "1e3", " 1", "99999999999999999999"};
    struct error err = {0};

    (void)state;
    assert_true(check_one("port", "1", &err));
    assert_true(check_one("port", "65535", &err));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(check_one("port", wrong[i], &err));
        assert_non_null(strstr(err.message, "a whole number from 1 to 65535"));
    }
}

static void test_a_wrong_choice_is_told_the_choices(void **state)
{
    struct error err = {0};

    (void)state;
    assert_false(check_one("writerType", "database", &err));
    assert_non_null(strstr(err.message, "Database, File or Cloud"));
}

static void test_delivery_elsewhere_is_refused(void **state)
{
    static const struct form_value elsewhere[] = {
        {"writerType", "File"      },
        {"writerType", "Cloud"     },
        {"host",       "db.example"},
        {"filePath",   "/srv/out"  },
    };
    struct error err = {0};

    (void)state;
    for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++) {
        assert_false(check_one(elsewhere[i].name, elsewhere[i].value, &err));
        assert_int_equal(err.kind, ERROR_REQUEST);
        assert_non_null(strstr(err.message, elsewhere[i].name));
        assert_true(err.hint[0] != '\0');
    }
}

static void test_a_wrong_value_is_told_before_a_wrong_place(void **state)
{
    struct form_value values[] = {
        {"host", "db.example"},
        {"port", "none"      },
    };
    struct error err = {0};

    (void)state;
    assert_false(form_check(values, 2, &err));
    assert_non_null(strstr(err.message, "\"port\""));
}

static void test_every_field_and_group_is_described(void **state)
{
    FivetranSdk__V2__ConfigurationFormResponse *form = describe();
    size_t shown = 0;

    (void)state;
    for (size_t i = 0; i < form->n_fields; i++) {
        const FivetranSdk__V2__FormField *field = form->fields[i];

        assert_int_not_equal(field->type_case, FIVETRAN_SDK__V2__FORM_FIELD__TYPE__NOT_SET);
        if (field->type_case == FIVETRAN_SDK__V2__FORM_FIELD__TYPE_CONDITIONAL_FIELDS) {
            assert_string_equal(field->conditional_fields->condition->condition_field,
                                "writerType");
            shown += field->conditional_fields->n_fields;
        } else {
            shown++;
        }
    }

    size_t expected = 0;

    for (size_t i = 0; i < form_fields_count; i++) {
        unsigned groups = form_fields[i].groups;

        expected += groups == 0 ? 1 : (size_t)__builtin_popcount(groups);
    }
    assert_int_equal(shown, expected);
    assert_int_equal(form->n_tests, 2);
    assert_string_equal(form->tests[0]->name, "connect");
    assert_string_equal(form->tests[1]->name, "select");
    fivetran_sdk__v2__configuration_form_response__free_unpacked(form, NULL);
}

static void test_an_unknown_test_is_told_the_tests(void **state)
{
    const struct form_test *test = NULL;
    struct error err = {0};

    (void)state;
    assert_true(form_find_test("select", &test, &err));
    assert_true(test->reads_back);
    assert_false(form_find_test("ping", &test, &err));
    assert_non_null(strstr(err.message, "\"connect\" and \"select\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_configuration_is_the_embedded_store),
        cmocka_unit_test(test_an_empty_value_is_the_same_as_none),
        cmocka_unit_test(test_a_field_that_the_form_lacks_is_ignored),
        cmocka_unit_test(test_each_default_is_accepted),
        cmocka_unit_test(test_a_value_of_the_wrong_kind_names_its_field_and_is_not_quoted),
        cmocka_unit_test(test_a_port_is_from_1_to_65535),
        cmocka_unit_test(test_a_wrong_choice_is_told_the_choices),
        cmocka_unit_test(test_delivery_elsewhere_is_refused),
        cmocka_unit_test(test_a_wrong_value_is_told_before_a_wrong_place),
        cmocka_unit_test(test_every_field_and_group_is_described),
        cmocka_unit_test(test_an_unknown_test_is_told_the_tests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
