/* The protocol's Table to struct table, and back for DescribeTable. */
#include "frontend/rpc/table_request.h"

#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/mem.h"
#include "common/text.h"

/* Fivetran's own columns that matter for keys. */
#define COLUMN_ROW_ID "_fivetran_id"
#define COLUMN_START  "_fivetran_start"

static bool add_column(struct table *table, const FivetranSdk__V2__Column *column,
                       struct error *err);
static void set_params(struct column *column, const FivetranSdk__V2__DataTypeParams *params);
static bool check_columns_differ(const struct table *table, struct error *err);
static int compare_names(const void *left, const void *right);
static void set_key(struct table *table, const FivetranSdk__V2__Table *from);
static FivetranSdk__V2__Column *column_answer(const struct column *column);

bool table_request_check_names(const char *schema_name, const char *table_name, struct error *err)
{
    if (schema_name[0] == '\0') {
        return error_set(err, ERROR_REQUEST, "the request has no schema name");
    }
    if (table_name[0] == '\0') {
        return error_set(err, ERROR_REQUEST, "the request has no table name");
    }
    if (strlen(schema_name) + strlen(table_name) > LIMIT_TABLE_NAME_BYTES) {
        error_set(err, ERROR_LIMIT,
                  "the names of schema \"%s\" and table \"%s\" have %zu bytes together, the limit "
                  "is %d",
                  text_name(schema_name).text, text_name(table_name).text,
                  strlen(schema_name) + strlen(table_name), (int)LIMIT_TABLE_NAME_BYTES);
        return error_hint(err, "Choose a shorter schema name for the connection.");
    }
    return true;
}

bool table_request_read(const char *schema_name, const FivetranSdk__V2__Table *table,
                        struct table **table_out, struct error *err)
{
    OWNED(table_free) struct table *read = mem_zero(sizeof *read);

    if (table == NULL) {
        return error_set(err, ERROR_REQUEST, "the request has no table");
    }
    if (!table_request_check_names(schema_name, table->name, err)) {
        return false;
    }
    if (table->n_columns == 0) {
        return error_set(err, ERROR_REQUEST, "table \"%s.%s\" has no columns",
                         text_name(schema_name).text, text_name(table->name).text);
    }
    if (table->n_columns > LIMIT_COLUMNS) {
        return error_set(err, ERROR_LIMIT, "table \"%s.%s\" has %zu columns, the limit is %d",
                         text_name(schema_name).text, text_name(table->name).text, table->n_columns,
                         (int)LIMIT_COLUMNS);
    }
    read->schema_name = mem_text(schema_name);
    read->name = mem_text(table->name);
    for (size_t i = 0; i < table->n_columns; i++) {
        if (!add_column(read, table->columns[i], err)) {
            return error_wrap(err, "table \"%s.%s\"", text_name(schema_name).text,
                              text_name(table->name).text);
        }
    }
    if (!check_columns_differ(read, err)) {
        return error_wrap(err, "table \"%s.%s\"", text_name(schema_name).text,
                          text_name(table->name).text);
    }
    set_key(read, table);
    *table_out = MOVE(read);
    return true;
}

FivetranSdk__V2__Table *table_request_answer(const struct table *table)
{
    FivetranSdk__V2__Table *answer = mem_alloc(sizeof *answer);

    fivetran_sdk__v2__table__init(answer);
    answer->name = mem_text(table->name);
    answer->n_columns = table->columns_count;
    answer->columns = mem_zero_array(table->columns_count, sizeof(FivetranSdk__V2__Column *));
    for (size_t i = 0; i < table->columns_count; i++) {
        answer->columns[i] = column_answer(&table->columns[i]);
    }
    return answer;
}

static bool add_column(struct table *table, const FivetranSdk__V2__Column *column,
                       struct error *err)
{
    if (column->name[0] == '\0') {
        return error_set(err, ERROR_REQUEST, "a column has no name");
    }
    if (column->type == FIVETRAN_SDK__V2__DATA_TYPE__UNSPECIFIED) {
        return error_set(err, ERROR_REQUEST, "column \"%s\" has no type",
                         text_name(column->name).text);
    }
    if (!column_type_is_known((uint32_t)column->type)) {
        return error_set(err, ERROR_REQUEST, "column \"%s\" has the type %d, which is not known",
                         text_name(column->name).text, (int)column->type);
    }

    struct column *added = table_add_column(table, column->name);

    added->type = (enum column_type)column->type;
    set_params(added, column->params);
    return true;
}

/* Precisions over 38 do occur, as (43,15) when a scale grows: kept as 38 with the scale, because
 * params limit no values and a refusal would stop the sync. */
static void set_params(struct column *column, const FivetranSdk__V2__DataTypeParams *params)
{
    if (params == NULL) {
        return;
    }
    if (column->type == COLUMN_DECIMAL &&
        params->params_case == FIVETRAN_SDK__V2__DATA_TYPE_PARAMS__PARAMS_DECIMAL) {
        column->has_decimal = true;
        column->precision = params->decimal->precision;
        column->scale = params->decimal->scale;
        if (column->precision > LIMIT_DECIMAL_DIGITS) {
            column->precision = LIMIT_DECIMAL_DIGITS;
        }
    }
    if (params->params_case == FIVETRAN_SDK__V2__DATA_TYPE_PARAMS__PARAMS_STRING_BYTE_LENGTH &&
        params->string_byte_length > 0) {
        column->string_byte_length = (uint32_t)params->string_byte_length;
    }
}

static bool check_columns_differ(const struct table *table, struct error *err)
{
    OWNED(mem_release) const char **names = mem_zero_array(table->columns_count, sizeof(char *));

    for (size_t i = 0; i < table->columns_count; i++) {
        names[i] = table->columns[i].name;
    }
    qsort(names, table->columns_count, sizeof(char *), compare_names);
    for (size_t i = 1; i < table->columns_count; i++) {
        if (strcmp(names[i - 1], names[i]) == 0) {
            return error_set(err, ERROR_REQUEST, "column \"%s\" is there twice",
                             text_name(names[i]).text);
        }
    }
    return true;
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* Key columns in the table's order, but a version's start last: so a record's versions stand next
 * to each other, in order of time. */
static void set_key(struct table *table, const FivetranSdk__V2__Table *from)
{
    struct column *start = NULL;
    uint32_t position = 0;

    for (size_t i = 0; i < from->n_columns; i++) {
        if (!from->columns[i]->primary_key) {
            continue;
        }
        if (strcmp(from->columns[i]->name, COLUMN_START) == 0) {
            start = &table->columns[i];
        } else {
            table->columns[i].key_position = ++position;
        }
    }
    if (start != NULL) {
        start->key_position = ++position;
    }
    if (position == 0) {
        struct column *row_id = table_find_column(table, COLUMN_ROW_ID, strlen(COLUMN_ROW_ID));

        if (row_id != NULL) {
            row_id->key_position = 1;
        }
    }
}

static FivetranSdk__V2__Column *column_answer(const struct column *column)
{
    FivetranSdk__V2__Column *answer = mem_alloc(sizeof *answer);

    fivetran_sdk__v2__column__init(answer);
    answer->name = mem_text(column->name);
    answer->type = (FivetranSdk__V2__DataType)column->type;
    answer->primary_key = column->key_position > 0;
    if (column->has_decimal) {
        FivetranSdk__V2__DecimalParams *decimal = mem_alloc(sizeof *decimal);

        fivetran_sdk__v2__decimal_params__init(decimal);
        decimal->precision = column->precision;
        decimal->scale = column->scale;
        answer->params = mem_alloc(sizeof *answer->params);
        fivetran_sdk__v2__data_type_params__init(answer->params);
        answer->params->params_case = FIVETRAN_SDK__V2__DATA_TYPE_PARAMS__PARAMS_DECIMAL;
        answer->params->decimal = decimal;
    }
    return answer;
}
