/* What the files of a request ask for, in the order in which the phases run. */
#ifndef WEIR_COMMON_FILE_KIND_H
#define WEIR_COMMON_FILE_KIND_H

/* The same numbers as job.proto's FileKind. */
enum file_kind {
    FILE_KIND_EARLIEST_START = 0,
    FILE_KIND_REPLACE = 1,
    FILE_KIND_UPDATE = 2,
    FILE_KIND_DELETE = 3,
};

enum {
    FILE_KINDS = FILE_KIND_DELETE + 1
};

#endif
