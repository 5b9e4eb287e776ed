/* See failure.h. */
#include "common/ipc/failure.h"

#include "common/mem.h"
#include "common/require.h"

void failure_set(Weir__Result *result, const struct error *err)
{
    REQUIRE(result->failure == NULL);
    result->failure = mem_zero(sizeof *result->failure);
    weir__failure__init(result->failure);
    result->failure->kind = (uint32_t)err->kind;
    result->failure->message = mem_text(err->message);
    result->failure->hint = mem_text(err->hint);
}

void failure_get(const Weir__Result *result, struct error *err)
{
    const Weir__Failure *failure = result->failure;

    error_clear(err);
    if (failure == NULL) {
        return;
    }
    (void)error_set(err,
                    failure->kind > ERROR_NONE && failure->kind <= ERROR_INTERNAL
                        ? (enum error_kind)failure->kind
                        : ERROR_INTERNAL,
                    "%s", failure->message);
    if (failure->hint[0] != '\0') {
        (void)error_hint(err, "%s", failure->hint);
    }
}
