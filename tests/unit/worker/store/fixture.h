/* A data folder of its own for each test, and tables in it. */
#ifndef WEIR_TESTS_UNIT_WORKER_STORE_FIXTURE_H
#define WEIR_TESTS_UNIT_WORKER_STORE_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/limits.h"
#include "common/table.h"
#include "worker/store/store.h"

#define FIXTURE_MAP_BYTES (4 * GIB)

/* The folder of the running test, made by fixture_setup(). */
extern char fixture_folder[64];

/* For cmocka: a new folder, and its removal. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* Opens the store in the fixture's folder; a failure fails the test. */
struct store *fixture_open(void);

/* The same, for reading only. */
struct store *fixture_open_read_only(void);

/* A table "s"."name" with an INT key column "id" and a STRING column "text"; `operation` fills its
 * operation id. */
struct table *fixture_table(const char *name, uint8_t operation);

/* The table as the registry has it after creating it. */
struct table *fixture_create(struct store *store, const char *name);

/* Begins a transaction whose operation id is the number; a failure fails the test. */
struct store_txn *fixture_begin(struct store *store, const struct table *table, uint64_t operation);

/* Commits; a failure fails the test. */
void fixture_commit(struct store_txn **txn);

/* Runs `child` in a process of its own and returns it for fixture_wait(). The child ends with the
 * status that the function returns. */
pid_t fixture_fork(int (*child)(void *context), void *context);

/* The child's exit status; minus the signal's number if one killed it. */
int fixture_wait(pid_t child);

/* Numbers that look random and are the same in each run with one seed; the seed is printed. */
uint64_t fixture_random(uint64_t *state);
uint64_t fixture_seed(void);

#endif
