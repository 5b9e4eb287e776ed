/* What a run file begins with. */
#ifndef WEIR_WORKER_RUN_RUN_MAGIC_H
#define WEIR_WORKER_RUN_RUN_MAGIC_H

#define RUN_MAGIC       "weirrun1"
#define RUN_MAGIC_BYTES 8

#endif
