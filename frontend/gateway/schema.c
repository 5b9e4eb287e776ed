/* Files and symbols of the public protos. */
#include "frontend/gateway/schema.h"

#include <string.h>

#include "common/mem.h"
#include "common/require.h"
#include "google/protobuf/descriptor.pb-c.h"

enum symbol_kind {
    SYMBOL_MESSAGE,
    SYMBOL_SERVICE,
    SYMBOL_OTHER,
};

struct symbol {
    char *name;
    enum symbol_kind kind;
    const struct schema_file *file;
};

struct schema {
    Google__Protobuf__FileDescriptorSet *set;
    struct schema_file *files;
    size_t files_count;
    struct symbol *symbols;
    size_t symbols_count;
    const char **services; /* names in `symbols` */
    size_t services_count;
};

static void read_files(struct schema *schema, const uint8_t *bytes, size_t size);
static void add_file(struct schema *schema, const Google__Protobuf__FileDescriptorProto *file);
static const char *add_symbol(struct schema *schema, const char *scope, const char *name,
                              enum symbol_kind kind);
static void add_message(struct schema *schema, const char *scope,
                        const Google__Protobuf__DescriptorProto *message);
static void add_enum(struct schema *schema, const char *scope,
                     const Google__Protobuf__EnumDescriptorProto *enumeration);
static void add_service(struct schema *schema, const char *scope,
                        const Google__Protobuf__ServiceDescriptorProto *service);
static const struct symbol *find(const struct schema *schema, const char *name);
static bool has(const struct schema *schema, const char *name, enum symbol_kind kind);

struct schema *schema_new(const uint8_t *bytes, size_t size)
{
    struct schema *schema = mem_zero(sizeof *schema);

    schema->set = google__protobuf__file_descriptor_set__unpack(NULL, size, bytes);
    REQUIRE(schema->set != NULL);
    schema->files = mem_zero_array(schema->set->n_file, sizeof *schema->files);
    read_files(schema, bytes, size);
    return schema;
}

void schema_free(struct schema **schema)
{
    struct schema *freed = *schema;

    *schema = NULL;
    if (freed == NULL) {
        return;
    }
    for (size_t i = 0; i < freed->files_count; i++) {
        mem_free(freed->files[i].imports);
    }
    for (size_t i = 0; i < freed->symbols_count; i++) {
        mem_free(freed->symbols[i].name);
    }
    google__protobuf__file_descriptor_set__free_unpacked(freed->set, NULL);
    mem_free(freed->files);
    mem_free(freed->symbols);
    mem_free(freed->services);
    mem_free(freed);
}

const struct schema_file *schema_find_file(const struct schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->files_count; i++) {
        if (strcmp(schema->files[i].name, name) == 0) {
            return &schema->files[i];
        }
    }
    return NULL;
}

const struct schema_file *schema_find_symbol(const struct schema *schema, const char *name)
{
    const struct symbol *symbol = find(schema, name);

    return symbol != NULL ? symbol->file : NULL;
}

bool schema_has_message(const struct schema *schema, const char *name)
{
    return has(schema, name, SYMBOL_MESSAGE);
}

bool schema_has_service(const struct schema *schema, const char *name)
{
    return has(schema, name, SYMBOL_SERVICE);
}

size_t schema_services_count(const struct schema *schema)
{
    return schema->services_count;
}

const char *schema_service(const struct schema *schema, size_t at)
{
    REQUIRE(at < schema->services_count);
    return schema->services[at];
}

size_t schema_files_count(const struct schema *schema)
{
    return schema->files_count;
}

/* A set is its files, each behind tag 1 and a length: clients get those bytes as they are, since
 * protobuf-c would not pack the fields that it does not know. */
static void read_files(struct schema *schema, const uint8_t *bytes, size_t size)
{
    size_t at = 0;

    for (size_t i = 0; i < schema->set->n_file; i++) {
        struct schema_file *file = &schema->files[i];

        REQUIRE(bytes[at] == 0x0A);
        at++;
        for (unsigned shift = 0;; shift += 7) {
            uint8_t byte = bytes[at++];

            file->size |= (size_t)(byte & 0x7F) << shift;
            if (byte < 0x80) {
                break;
            }
        }
        file->bytes = bytes + at;
        at += file->size;
        REQUIRE(at <= size);
        add_file(schema, schema->set->file[i]);
    }
}

static void add_file(struct schema *schema, const Google__Protobuf__FileDescriptorProto *from)
{
    struct schema_file *file = &schema->files[schema->files_count];

    file->name = from->name;
    file->imports = mem_zero_array(from->n_dependency, sizeof *file->imports);
    file->imports_count = from->n_dependency;
    for (size_t i = 0; i < from->n_dependency; i++) {
        file->imports[i] = schema_find_file(schema, from->dependency[i]);
        REQUIRE(file->imports[i] != NULL);
    }
    for (size_t i = 0; i < from->n_message_type; i++) {
        add_message(schema, from->package, from->message_type[i]);
    }
    for (size_t i = 0; i < from->n_enum_type; i++) {
        add_enum(schema, from->package, from->enum_type[i]);
    }
    for (size_t i = 0; i < from->n_service; i++) {
        add_service(schema, from->package, from->service[i]);
    }
    schema->files_count++;
}

/* Adds scope.name, declared by the file that is being added; returns the full name. */
static const char *add_symbol(struct schema *schema, const char *scope, const char *name,
                              enum symbol_kind kind)
{
    schema->symbols =
        mem_resize_array(schema->symbols, schema->symbols_count + 1, sizeof *schema->symbols);

    struct symbol *symbol = &schema->symbols[schema->symbols_count++];

    symbol->name = mem_format("%s.%s", scope, name);
    symbol->kind = kind;
    symbol->file = &schema->files[schema->files_count];
    return symbol->name;
}

static void add_message(struct schema *schema, const char *scope,
                        const Google__Protobuf__DescriptorProto *message)
{
    const char *name = add_symbol(schema, scope, message->name, SYMBOL_MESSAGE);

    for (size_t i = 0; i < message->n_field; i++) {
        add_symbol(schema, name, message->field[i]->name, SYMBOL_OTHER);
    }
    for (size_t i = 0; i < message->n_nested_type; i++) {
        add_message(schema, name, message->nested_type[i]);
    }
    for (size_t i = 0; i < message->n_enum_type; i++) {
        add_enum(schema, name, message->enum_type[i]);
    }
}

/* A value's scope is that of its enum. */
static void add_enum(struct schema *schema, const char *scope,
                     const Google__Protobuf__EnumDescriptorProto *enumeration)
{
    add_symbol(schema, scope, enumeration->name, SYMBOL_OTHER);
    for (size_t i = 0; i < enumeration->n_value; i++) {
        add_symbol(schema, scope, enumeration->value[i]->name, SYMBOL_OTHER);
    }
}

static void add_service(struct schema *schema, const char *scope,
                        const Google__Protobuf__ServiceDescriptorProto *service)
{
    const char *name = add_symbol(schema, scope, service->name, SYMBOL_SERVICE);

    schema->services =
        mem_resize_array(schema->services, schema->services_count + 1, sizeof *schema->services);
    schema->services[schema->services_count++] = name;
    for (size_t i = 0; i < service->n_method; i++) {
        add_symbol(schema, name, service->method[i]->name, SYMBOL_OTHER);
    }
}

static const struct symbol *find(const struct schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->symbols_count; i++) {
        if (strcmp(schema->symbols[i].name, name) == 0) {
            return &schema->symbols[i];
        }
    }
    return NULL;
}

static bool has(const struct schema *schema, const char *name, enum symbol_kind kind)
{
    const struct symbol *symbol = find(schema, name);

    return symbol != NULL && symbol->kind == kind;
}
