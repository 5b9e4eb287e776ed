/* Removing large files: freeing what they hold takes as long as a commit does, and nobody has to
 * wait for it. */
#ifndef WEIR_COMMON_REMOVAL_H
#define WEIR_COMMON_REMOVAL_H

/* As unlink(2), errno included: the name is gone when it returns. What a large file held is freed
 * by a thread that ends by itself, and at the latest with the process. */
int removal_unlink(const char *path);

#endif
