/* Migrations of whole tables: drop, rename, copy. */
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "worker/rewrite/migrate.h"

bool migrate_drop_table(const struct rewrite_means *means, const struct migration *migration,
                        const struct table *table, struct error *err)
{
    (void)migration;
    return table == NULL || registry_switch(means->store, table, NULL, err);
}

bool migrate_rename_table(const struct rewrite_means *means, const struct migration *migration,
                          const struct table *table, struct error *err)
{
    OWNED(table_free) struct table *target = NULL;
    OWNED(table_free) struct table *after = NULL;

    if (!registry_find(means->store, migration->schema_name, migration->to_table, &target, err)) {
        return false;
    }
    if (table == NULL) {
        return target != NULL || error_set(err, ERROR_REQUEST, "there is no such table");
    }
    if (target != NULL) {
        (void)error_set(err, ERROR_REQUEST, "table \"%s.%s\" exists",
                        text_name(migration->schema_name).text,
                        text_name(migration->to_table).text);
        return error_hint(err, "Drop it first, or choose another name.");
    }
    after = migrate_begin(migration, table);
    mem_free(after->name);
    after->name = mem_text(migration->to_table);
    return registry_switch(means->store, table, after, err);
}

bool migrate_copy_table(const struct rewrite_means *means, const struct migration *migration,
                        const struct table *table, struct error *err)
{
    OWNED(table_free) struct table *former = NULL;
    OWNED(table_free) struct table *target = NULL;
    struct rewrite rewrite = {.source = table, .change = rewrite_keep};

    if (!migrate_begin_copy(means, migration, table, &former, &target, err)) {
        return false;
    }
    rewrite.replaced = former;
    rewrite.target = target;
    return rewrite_run(means, &rewrite, err);
}

bool migrate_begin_copy(const struct rewrite_means *means, const struct migration *migration,
                        const struct table *table, struct table **former_out,
                        struct table **target_out, struct error *err)
{
    OWNED(table_free) struct table *former = NULL;
    OWNED(table_free) struct table *target = migrate_begin(migration, table);

    if (!registry_find(means->store, migration->schema_name, migration->to_table, &former, err)) {
        return false;
    }
    if (former != NULL && (former->copy_of == NULL || strcmp(former->copy_of, table->name) != 0)) {
        (void)error_set(err, ERROR_REQUEST, "table \"%s.%s\" exists and is no copy of it",
                        text_name(migration->schema_name).text,
                        text_name(migration->to_table).text);
        return error_hint(err, "Drop it first, or choose another name.");
    }
    mem_free(target->name);
    mem_free(target->copy_of);
    target->name = mem_text(migration->to_table);
    target->copy_of = mem_text(table->name);
    target->id = former != NULL ? former->id : 0;
    target->generation = former != NULL ? former->generation : 0;
    *former_out = MOVE(former);
    *target_out = MOVE(target);
    return true;
}
