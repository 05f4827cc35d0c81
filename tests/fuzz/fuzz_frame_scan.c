/* The server's short way through a line of a JSON session: what it takes, the whole parser takes as the same. */
#include "frame_verdict.h"
#include "fuzz.h"

enum { MAX_BYTES = 256 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FUZZ_CHECK(verdicts_agree((const char *)data, size, MAX_BYTES, NULL));
    return 0;
}
