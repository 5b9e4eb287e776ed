/* A collector takes any number of entries in any order and gives them back sorted.
 *
 * What exceeds its builder's budget goes to run files, in a folder and under a key of its own. For
 * the jobs that rework a table; the files of a batch have their runs shared over jobs instead. */
#ifndef WEIR_WORKER_RUN_COLLECTOR_H
#define WEIR_WORKER_RUN_COLLECTOR_H

#include "worker/run/run.h"

struct run_collector;

/* `builder` is borrowed, and reset. `folder` is made when the first run needs it, inside a folder
 * that exists; runs that a killed collector left in it are overwritten. `disk_free_min`: bytes of
 * disk that runs must leave free. `watch` is borrowed. */
struct run_collector *run_collector_new(struct run_builder *builder, const char *folder,
                                        uint64_t disk_free_min, const struct run_watch *watch);

/* Adds a copy of an entry. */
MUST_CHECK bool run_collector_add(struct run_collector *collector, const struct run_entry *entry,
                                  struct error *err);

/* All entries in key order, those of equal keys in the order of adding. Nothing can be added any
 * more; the collector must outlive the merger. */
MUST_CHECK bool run_collector_finish(struct run_collector *collector,
                                     struct run_merger **merger_out, struct error *err);

/* Removes the run files and their folder. */
void run_collector_free(struct run_collector **collector);

#endif
