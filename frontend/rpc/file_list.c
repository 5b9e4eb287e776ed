/* The batch files of a request. */
#include "frontend/rpc/file_list.h"

#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/mem.h"
#include "common/text.h"

static int compare_keys(const void *left, const void *right);
static bool set_key(struct batch_file *file, file_list_key *const *sorted, size_t count,
                    struct error *err);

bool file_list_add(struct file_list *list, Weir__FileKind kind, char *const *paths, size_t count,
                   struct error *err)
{
    if (count == 0) {
        return true;
    }
    list->files = mem_resize_array(list->files, list->count + count, sizeof *list->files);
    for (size_t i = 0; i < count; i++) {
        if (paths[i][0] == '\0') {
            return error_set(err, ERROR_REQUEST, "the path of a batch file is empty");
        }
        list->files[list->count++] = (struct batch_file){.path = paths[i], .kind = kind};
    }
    return true;
}

bool file_list_set_keys(struct file_list *list, file_list_key *const *keys, size_t count,
                        struct error *err)
{
    OWNED(mem_release) file_list_key **sorted = mem_zero_array(count, sizeof *sorted);

    /* Sorted, because a request may list tens of thousands of files. */
    for (size_t i = 0; i < count; i++) {
        sorted[i] = keys[i];
    }
    qsort(sorted, count, sizeof *sorted, compare_keys);
    for (size_t i = 0; i < list->count; i++) {
        if (!set_key(&list->files[i], sorted, count, err)) {
            return false;
        }
    }
    return true;
}

void file_list_clear(struct file_list *list)
{
    mem_free(list->files);
    *list = (struct file_list){0};
}

static int compare_keys(const void *left, const void *right)
{
    const file_list_key *const *left_key = left;
    const file_list_key *const *right_key = right;

    return strcmp((*left_key)->key, (*right_key)->key);
}

static bool set_key(struct batch_file *file, file_list_key *const *sorted, size_t count,
                    struct error *err)
{
    size_t low = 0;
    size_t high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(sorted[middle]->key, file->path) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == count || strcmp(sorted[low]->key, file->path) != 0) {
        error_set(err, ERROR_REQUEST,
                  "could not decrypt batch file \"%s\": the request has no key for it",
                  text_path(file->path).text);
        return error_hint(err, "`keys` must name the file exactly as the list of files does.");
    }

    const ProtobufCBinaryData *key = &sorted[low]->value;

    if (key->len != LIMIT_AES_KEY_BYTES) {
        return error_set(err, ERROR_REQUEST,
                         "could not decrypt batch file \"%s\": its key has %zu bytes, AES-256 "
                         "takes %d",
                         text_path(file->path).text, key->len, (int)LIMIT_AES_KEY_BYTES);
    }
    file->key = key->data;
    return true;
}
