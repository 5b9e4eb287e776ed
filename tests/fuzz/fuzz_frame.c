/* Messages between processes: whatever the header says, only whole ones of ours pass. */
#include "common/ipc/frame.h"
#include "job.pb-c.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (frame_check(bytes, length, FRAME_JOB)) {
        Weir__Job *job =
            weir__job__unpack(NULL, length - FRAME_HEADER_BYTES, bytes + FRAME_HEADER_BYTES);

        if (job != NULL) {
            weir__job__free_unpacked(job, NULL);
        }
    }
    if (frame_check(bytes, length, FRAME_RESULT)) {
        Weir__Result *result =
            weir__result__unpack(NULL, length - FRAME_HEADER_BYTES, bytes + FRAME_HEADER_BYTES);

        if (result != NULL) {
            weir__result__free_unpacked(result, NULL);
        }
    }
    return 0;
}
