/* The configuration form: what Fivetran shows to a person who sets weir up, and what weir accepts.
 *
 * form_table.c describes the form; the same rows validate a configuration. */
#ifndef WEIR_FRONTEND_FORM_FORM_H
#define WEIR_FRONTEND_FORM_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "common/attributes.h"
#include "common/error.h"
#include "destination_sdk.pb-c.h"

/* One entry of a request's `configuration`, borrowed from it. */
struct form_value {
    const char *name;
    const char *value;
};

/* Fills *response, which was initialised, with the fields and tests. */
void form_describe(FivetranSdk__V2__ConfigurationFormResponse *response);

/* Checks a configuration. Fails with ERROR_REQUEST, naming the field and what it accepts, or saying
 * that weir does not deliver to where it asks for. An empty value is the same as none; fields that
 * the form does not have are ignored. No configuration at all means the embedded store. */
MUST_CHECK bool form_check(const struct form_value *values, size_t count, struct error *err);

/* What a test of the form does. */
struct form_test {
    const char *name;
    const char *label;
    bool reads_back; /* reads through the store, beside opening it for writing */
};

/* The test of that name. Fails with ERROR_REQUEST and the names that exist. */
MUST_CHECK bool form_find_test(const char *name, const struct form_test **test_out,
                               struct error *err);

#endif
