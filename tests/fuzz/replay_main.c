/* Runs a fuzz target over the files of a folder: what libFuzzer's main does with a corpus, for
 * compilers without it. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <dirent.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static int replay(int folder, const char *name)
{
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
    struct stat status;
    uint8_t *bytes = NULL;
    ssize_t got = 0;

    if (fd < 0 || fstat(fd, &status) != 0) {
        perror(name);
        return 1;
    }
    if (!S_ISREG(status.st_mode)) {
        (void)close(fd);
        return 0;
    }
    bytes = malloc((size_t)status.st_size + 1);
    got = bytes != NULL ? read(fd, bytes, (size_t)status.st_size) : -1;
    (void)close(fd);
    if (got != status.st_size) {
        perror(name);
        free(bytes);
        return 1;
    }
    (void)LLVMFuzzerTestOneInput(bytes, (size_t)got);
    free(bytes);
    return 0;
}

int main(int count, char **arguments)
{
    DIR *folder = count == 2 ? opendir(arguments[1]) : NULL;
    const struct dirent *entry = NULL;
    unsigned replayed = 0;
    int failed = 0;

    if (folder == NULL) {
        (void)fprintf(stderr, "usage: %s FOLDER\n", arguments[0]);
        return 2;
    }
    while ((entry = readdir(folder)) != NULL) {
        failed |= replay(dirfd(folder), entry->d_name);
        replayed++;
    }
    (void)closedir(folder);
    (void)printf("%u inputs\n", replayed);
    return failed;
}
