/* Whether the rows of a table hold together. */
#ifndef WEIR_WORKER_CHECK_CHECK_H
#define WEIR_WORKER_CHECK_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/attributes.h"
#include "worker/store/store.h"

/* Is told each finding, a line such as "row 17, key 0x80: ...". */
typedef void check_finding(void *context, const char *finding);

/* Reads all rows that the reader has left, or until some dozens of findings were told. *rows_out:
 * how many rows were read. False: there were findings. */
MUST_CHECK bool check_rows(struct store_reader *reader, check_finding *finding, void *context,
                           uint64_t *rows_out);

#endif
