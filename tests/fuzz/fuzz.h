/* What every fuzzer is: bytes of a hostile peer in; the sanitizers, and FUZZ_CHECK for what must hold, stop it.
 * One file a parser; its seeds are in corpus/NAME. */
#ifndef P2P_FUZZ_H
#define P2P_FUZZ_H
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(condition)                                                                                \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            __builtin_trap();                                                                                \
    } while (0)

/* Takes one byte off the front, 0 when there is none. */
static inline unsigned fuzz_byte(const uint8_t **data, size_t *size)
{
    if (*size == 0)
        return 0;
    (*size)--;
    return *(*data)++;
}

#endif
