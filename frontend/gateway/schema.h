/* The public protos as a client may ask for them: files, and the symbols that they declare.
 *
 * Read once from the FileDescriptorSet that the build puts into the executable. */
#ifndef WEIR_FRONTEND_GATEWAY_SCHEMA_H
#define WEIR_FRONTEND_GATEWAY_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct schema;

/* A proto file; `bytes` is its FileDescriptorProto, packed. */
struct schema_file {
    const char *name;
    const uint8_t *bytes;
    size_t size;
    const struct schema_file **imports;
    size_t imports_count;
};

/* Reads a FileDescriptorSet in which each file stands behind its imports; `bytes` is borrowed. */
struct schema *schema_new(const uint8_t *bytes, size_t size);
void schema_free(struct schema **schema);

/* The set that is in the executable. */
extern const uint8_t schema_bytes[];
extern const size_t schema_bytes_size;

/* The file of that name, or NULL. */
const struct schema_file *schema_find_file(const struct schema *schema, const char *name);

/* The file that declares a symbol (message, field, enum, value, service or method, by its full
 * name), or NULL. */
const struct schema_file *schema_find_symbol(const struct schema *schema, const char *name);

/* Whether the name is a message's. */
bool schema_has_message(const struct schema *schema, const char *name);

/* Whether the name is a service's; and all services, in order of their files. */
bool schema_has_service(const struct schema *schema, const char *name);
size_t schema_services_count(const struct schema *schema);
const char *schema_service(const struct schema *schema, size_t at);

/* How many files there are: the most that one file can need, itself included. */
size_t schema_files_count(const struct schema *schema);

#endif
