/* The form's rows as Fivetran's messages, and as rules for a configuration. */
#include "frontend/form/form.h"

#include <string.h>

#include "common/buffer.h"
#include "common/mem.h"
#include "common/text.h"
#include "frontend/form/form_table.h"

enum {
    PORT_MAX = 65535
};

static void add_groups(FivetranSdk__V2__ConfigurationFormResponse *response,
                       const char *field_name);
static FivetranSdk__V2__FormField *field_message(const struct form_field *field);
static void set_kind(FivetranSdk__V2__FormField *message, const struct form_field *field);
static FivetranSdk__V2__DropdownField *dropdown_message(const struct form_choice *choices);
static FivetranSdk__V2__FormField *group_message(const struct form_group *group);
static FivetranSdk__V2__ConfigurationTest *test_message(const struct form_test *test);
static bool check_value(const struct form_field *field, const char *value, struct error *err);
static bool check_place(const struct form_field *field, const char *value, struct error *err);
static const struct form_field *find_field(const char *name);
static const struct form_choice *find_choice(const struct form_field *field, const char *value);
static bool refuse(const struct form_field *field, const char *accepted, struct error *err);
static bool refuse_choice(const struct form_field *field, struct error *err);

void form_describe(FivetranSdk__V2__ConfigurationFormResponse *response)
{
    response->schema_selection_supported = true;
    response->table_selection_supported = true;
    response->fields =
        mem_zero_array(form_fields_count + form_groups_count, sizeof(FivetranSdk__V2__FormField *));
    for (size_t i = 0; i < form_fields_count; i++) {
        if (form_fields[i].groups == 0) {
            response->fields[response->n_fields++] = field_message(&form_fields[i]);
            add_groups(response, form_fields[i].name);
        }
    }
    response->tests =
        mem_zero_array(form_tests_count, sizeof(FivetranSdk__V2__ConfigurationTest *));
    for (size_t i = 0; i < form_tests_count; i++) {
        response->tests[response->n_tests++] = test_message(&form_tests[i]);
    }
}

bool form_check(const struct form_value *values, size_t count, struct error *err)
{
    /* Wrong values first: a person corrects the form before choosing another place. */
    for (size_t i = 0; i < count; i++) {
        const struct form_field *field = find_field(values[i].name);

        if (field != NULL && values[i].value[0] != '\0' &&
            !check_value(field, values[i].value, err)) {
            return false;
        }
    }
    for (size_t i = 0; i < count; i++) {
        const struct form_field *field = find_field(values[i].name);

        if (field != NULL && values[i].value[0] != '\0' &&
            !check_place(field, values[i].value, err)) {
            return false;
        }
    }
    return true;
}

bool form_find_test(const char *name, const struct form_test **test_out, struct error *err)
{
    OWNED(buffer_clear) struct buffer names = {0};

    for (size_t i = 0; i < form_tests_count; i++) {
        if (strcmp(form_tests[i].name, name) == 0) {
            *test_out = &form_tests[i];
            return true;
        }
        buffer_append_format(&names, "%s\"%s\"", i > 0 ? " and " : "", form_tests[i].name);
    }
    buffer_append_byte(&names, '\0');
    return error_set(err, ERROR_REQUEST, "could not run the test \"%s\": the tests are %s",
                     text_name(name).text, (const char *)names.bytes);
}

/* A group stands behind the field that it depends on. */
static void add_groups(FivetranSdk__V2__ConfigurationFormResponse *response, const char *field_name)
{
    for (size_t i = 0; i < form_groups_count; i++) {
        if (strcmp(form_groups[i].condition_field, field_name) == 0) {
            response->fields[response->n_fields++] = group_message(&form_groups[i]);
        }
    }
}

static FivetranSdk__V2__FormField *field_message(const struct form_field *field)
{
    FivetranSdk__V2__FormField *message = mem_alloc(sizeof *message);

    fivetran_sdk__v2__form_field__init(message);
    message->name = mem_text(field->name);
    message->label = mem_text(field->label);
    message->_required_case = FIVETRAN_SDK__V2__FORM_FIELD___REQUIRED_REQUIRED;
    message->required = field->required;
    message->_description_case = FIVETRAN_SDK__V2__FORM_FIELD___DESCRIPTION_DESCRIPTION;
    message->description = mem_text(field->description);
    if (field->default_value != NULL) {
        message->_default_value_case = FIVETRAN_SDK__V2__FORM_FIELD___DEFAULT_VALUE_DEFAULT_VALUE;
        message->default_value = mem_text(field->default_value);
    }
    if (field->placeholder != NULL) {
        message->_placeholder_case = FIVETRAN_SDK__V2__FORM_FIELD___PLACEHOLDER_PLACEHOLDER;
        message->placeholder = mem_text(field->placeholder);
    }
    set_kind(message, field);
    return message;
}

static void set_kind(FivetranSdk__V2__FormField *message, const struct form_field *field)
{
    switch (field->kind) {
    case FORM_TEXT:
    case FORM_PORT:
        message->type_case = FIVETRAN_SDK__V2__FORM_FIELD__TYPE_TEXT_FIELD;
        message->text_field = FIVETRAN_SDK__V2__TEXT_FIELD__PlainText;
        break;
    case FORM_SECRET:
        message->type_case = FIVETRAN_SDK__V2__FORM_FIELD__TYPE_TEXT_FIELD;
        message->text_field = FIVETRAN_SDK__V2__TEXT_FIELD__Password;
        break;
    case FORM_CHOICE:
        message->type_case = FIVETRAN_SDK__V2__FORM_FIELD__TYPE_DROPDOWN_FIELD;
        message->dropdown_field = dropdown_message(field->choices);
        break;
    case FORM_TOGGLE:
        message->type_case = FIVETRAN_SDK__V2__FORM_FIELD__TYPE_TOGGLE_FIELD;
        message->toggle_field = mem_alloc(sizeof *message->toggle_field);
        fivetran_sdk__v2__toggle_field__init(message->toggle_field);
        break;
    }
}

static FivetranSdk__V2__DropdownField *dropdown_message(const struct form_choice *choices)
{
    FivetranSdk__V2__DropdownField *message = mem_alloc(sizeof *message);
    size_t count = 0;

    while (choices[count].value != NULL) {
        count++;
    }
    fivetran_sdk__v2__dropdown_field__init(message);
    message->n_dropdown_field = count;
    message->dropdown_field = mem_zero_array(count, sizeof(char *));
    for (size_t i = 0; i < count; i++) {
        message->dropdown_field[i] = mem_text(choices[i].value);
    }
    return message;
}

static FivetranSdk__V2__FormField *group_message(const struct form_group *group)
{
    FivetranSdk__V2__FormField *message = mem_alloc(sizeof *message);
    FivetranSdk__V2__ConditionalFields *fields = mem_alloc(sizeof *fields);
    FivetranSdk__V2__VisibilityCondition *condition = mem_alloc(sizeof *condition);

    fivetran_sdk__v2__visibility_condition__init(condition);
    condition->condition_field = mem_text(group->condition_field);
    condition->visible_when_case =
        FIVETRAN_SDK__V2__VISIBILITY_CONDITION__VISIBLE_WHEN_STRING_VALUE;
    condition->string_value = mem_text(group->condition_value);

    fivetran_sdk__v2__conditional_fields__init(fields);
    fields->condition = condition;
    fields->fields = mem_zero_array(form_fields_count, sizeof(FivetranSdk__V2__FormField *));
    for (size_t i = 0; i < form_fields_count; i++) {
        if ((form_fields[i].groups & group->bit) != 0) {
            fields->fields[fields->n_fields++] = field_message(&form_fields[i]);
        }
    }

    fivetran_sdk__v2__form_field__init(message);
    message->name = mem_text(group->name);
    message->label = mem_text(group->label);
    message->type_case = FIVETRAN_SDK__V2__FORM_FIELD__TYPE_CONDITIONAL_FIELDS;
    message->conditional_fields = fields;
    return message;
}

static FivetranSdk__V2__ConfigurationTest *test_message(const struct form_test *test)
{
    FivetranSdk__V2__ConfigurationTest *message = mem_alloc(sizeof *message);

    fivetran_sdk__v2__configuration_test__init(message);
    message->name = mem_text(test->name);
    message->label = mem_text(test->label);
    return message;
}

static bool check_value(const struct form_field *field, const char *value, struct error *err)
{
    uint64_t number = 0;

    switch (field->kind) {
    case FORM_TEXT:
    case FORM_SECRET:
        return true;
    case FORM_PORT:
        if (!text_parse_u64(value, &number) || number < 1 || number > PORT_MAX) {
            return refuse(field, "a whole number from 1 to 65535", err);
        }
        return true;
    case FORM_CHOICE:
        return find_choice(field, value) != NULL || refuse_choice(field, err);
    case FORM_TOGGLE:
        return strcmp(value, "true") == 0 || strcmp(value, "false") == 0 ||
               refuse(field, "true or false", err);
    }
    return true;
}

/* What asks for delivery elsewhere is refused rather than kept here: data that a person looks for
 * in another place must not seem to have arrived. */
static bool check_place(const struct form_field *field, const char *value, struct error *err)
{
    const char *elsewhere = field->elsewhere;

    if (field->kind == FORM_CHOICE) {
        const struct form_choice *choice = find_choice(field, value);

        elsewhere = choice != NULL ? choice->elsewhere : NULL;
    }
    if (elsewhere == NULL) {
        return true;
    }
    error_set(err, ERROR_REQUEST,
              "could not use the configuration: field \"%s\" asks for delivery to %s, weir %s "
              "delivers to its embedded store only",
              field->name, elsewhere, WEIR_VERSION);
    return error_hint(err, "Set writerType to Database and leave host and filePath empty.");
}

static const struct form_field *find_field(const char *name)
{
    for (size_t i = 0; i < form_fields_count; i++) {
        if (strcmp(form_fields[i].name, name) == 0) {
            return &form_fields[i];
        }
    }
    return NULL;
}

static const struct form_choice *find_choice(const struct form_field *field, const char *value)
{
    for (const struct form_choice *choice = field->choices; choice->value != NULL; choice++) {
        if (strcmp(choice->value, value) == 0) {
            return choice;
        }
    }
    return NULL;
}

static bool refuse(const struct form_field *field, const char *accepted, struct error *err)
{
    error_set(err, ERROR_REQUEST, "could not use the configuration: field \"%s\" takes %s",
              field->name, accepted);
    return error_hint(err, "Correct \"%s\" in the destination's setup form.", field->label);
}

static bool refuse_choice(const struct form_field *field, struct error *err)
{
    OWNED(buffer_clear) struct buffer accepted = {0};

    for (const struct form_choice *choice = field->choices; choice->value != NULL; choice++) {
        const char *between = choice == field->choices  ? ""
                              : choice[1].value == NULL ? " or "
                                                        : ", ";

        buffer_append_format(&accepted, "%s%s", between, choice->value);
    }
    buffer_append_byte(&accepted, '\0');
    return refuse(field, (const char *)accepted.bytes, err);
}
