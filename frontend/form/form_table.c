/* The configuration form, one row per field. Names and kinds are those of Fivetran's example, so
 * that what a person knows from other destinations holds here. */
#include "frontend/form/form_table.h"

static const struct form_choice writer_types[] = {
    {"Database", NULL                   },
    {"File",     "files on another host"},
    {"Cloud",    "a cloud"              },
    {NULL,       NULL                   },
};

static const struct form_choice regions[] = {
    {"Azure",        NULL},
    {"AWS",          NULL},
    {"Google Cloud", NULL},
    {NULL,           NULL},
};

const struct form_field form_fields[] = {
    {
     .name = "writerType",
     .label = "Writer type",
     .description = "Where tables are kept. Database without a host is weir's embedded store.",
     .kind = FORM_CHOICE,
     .choices = writer_types,
     .default_value = "Database",
     .required = true,
     },
    {
     .name = "host",
     .label = "Host",
     .description = "Host to deliver to. Leave it empty for the embedded store.",
     .placeholder = "your_host_details",
     .kind = FORM_TEXT,
     .elsewhere = "another host",
     .groups = FORM_IN_DATABASE | FORM_IN_FILE | FORM_IN_CLOUD,
     },
    {
     .name = "port",
     .label = "Port",
     .description = "Port of the host, from 1 to 65535.",
     .placeholder = "your_port_details",
     .kind = FORM_PORT,
     .groups = FORM_IN_DATABASE | FORM_IN_FILE | FORM_IN_CLOUD,
     },
    {
     .name = "user",
     .label = "User",
     .description = "User name at the host.",
     .placeholder = "user_name",
     .kind = FORM_TEXT,
     .groups = FORM_IN_DATABASE | FORM_IN_FILE | FORM_IN_CLOUD,
     },
    {
     .name = "password",
     .label = "Password",
     .description = "The user's password. It is never logged or stored.",
     .placeholder = "your_password",
     .kind = FORM_SECRET,
     .groups = FORM_IN_DATABASE | FORM_IN_FILE | FORM_IN_CLOUD,
     },
    {
     .name = "region",
     .label = "Cloud region",
     .description = "The cloud to deliver to.",
     .kind = FORM_CHOICE,
     .choices = regions,
     .default_value = "Azure",
     .groups = FORM_IN_CLOUD,
     },
    {
     .name = "database",
     .label = "Database",
     .description = "Name of the database at the host.",
     .placeholder = "your_database_name",
     .kind = FORM_TEXT,
     .groups = FORM_IN_DATABASE,
     },
    {
     .name = "table",
     .label = "Table",
     .description = "Name of the table at the host.",
     .placeholder = "your_table_name",
     .kind = FORM_TEXT,
     .groups = FORM_IN_DATABASE | FORM_IN_FILE,
     },
    {
     .name = "filePath",
     .label = "File path",
     .description = "Folder to write files to.",
     .placeholder = "your_file_path",
     .kind = FORM_TEXT,
     .elsewhere = "files in a folder",
     .groups = FORM_IN_FILE,
     },
    {
     .name = "enableEncryption",
     .label = "Enable encryption?",
     .description = "Encrypt the transfer to an outside host. The embedded store needs none.",
     .kind = FORM_TOGGLE,
     .default_value = "false",
     },
};
const size_t form_fields_count = sizeof form_fields / sizeof form_fields[0];

const struct form_group form_groups[] = {
    {FORM_IN_CLOUD,    "conditional_fields_for_cloud",    "Cloud",    "writerType", "Cloud"   },
    {FORM_IN_FILE,     "conditional_fields_for_file",     "File",     "writerType", "File"    },
    {FORM_IN_DATABASE, "conditional_fields_for_database", "Database", "writerType", "Database"},
};
const size_t form_groups_count = sizeof form_groups / sizeof form_groups[0];

const struct form_test form_tests[] = {
    {"connect", "Open the store for writing",  false},
    {"select",  "Read back through the store", true },
};
const size_t form_tests_count = sizeof form_tests / sizeof form_tests[0];
