/* The rows of the configuration form. */
#ifndef WEIR_FRONTEND_FORM_FORM_TABLE_H
#define WEIR_FRONTEND_FORM_FORM_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "frontend/form/form.h"

enum form_kind {
    FORM_TEXT,   /* any text */
    FORM_SECRET, /* any text, not shown */
    FORM_PORT,   /* a whole number from 1 to 65535 */
    FORM_CHOICE, /* one of `choices` */
    FORM_TOGGLE, /* true or false */
};

/* Where a field is shown; a field of no group always is. */
enum form_group_bits {
    FORM_IN_DATABASE = 1,
    FORM_IN_FILE = 2,
    FORM_IN_CLOUD = 4,
};

/* A value that a dropdown offers. */
struct form_choice {
    const char *value;     /* NULL ends a list */
    const char *elsewhere; /* where it asks to deliver to, or NULL: weir's own store */
};

struct form_field {
    const char *name;
    const char *label;
    const char *description;
    const char *placeholder;           /* or NULL */
    const char *default_value;         /* or NULL */
    const struct form_choice *choices; /* FORM_CHOICE only */
    const char *elsewhere;             /* where any value asks to deliver to, or NULL: nowhere */
    unsigned groups;                   /* form_group_bits; 0: always shown */
    enum form_kind kind;
    bool required;
};

/* Fields that are shown while another field has a value. */
struct form_group {
    unsigned bit;
    const char *name;
    const char *label;
    const char *condition_field;
    const char *condition_value;
};

extern const struct form_field form_fields[];
extern const size_t form_fields_count;
extern const struct form_group form_groups[];
extern const size_t form_groups_count;
extern const struct form_test form_tests[];
extern const size_t form_tests_count;

#endif
