#include "lookalike.h"
#include <stddef.h>

/* From Unicode's confusables (UTS #39): what whole names are made of, in the scripts that keyboards have. Of letters
 * whose small and capital forms look like different ones, the small one counts, unless it looks like none. */
static const struct {
    utf8proc_int32_t point;
    char latin;
} lookalikes[] = {
    /* Latin */
    {0x0131, 'i'},
    {0x0251, 'a'},
    {0x0261, 'g'},
    {0x0269, 'i'},
    {0x026A, 'i'},
    {0x0280, 'r'},
    {0x1D0F, 'o'},
    /* Greek */
    {0x03B1, 'a'},
    {0x03B2, 'b'},
    {0x03B3, 'y'},
    {0x03B5, 'e'},
    {0x03B6, 'z'},
    {0x03B7, 'n'},
    {0x03B9, 'i'},
    {0x03BA, 'k'},
    {0x03BC, 'm'},
    {0x03BD, 'v'},
    {0x03BF, 'o'},
    {0x03C1, 'p'},
    {0x03C4, 't'},
    {0x03C5, 'u'},
    {0x03C7, 'x'},
    {0x03C9, 'w'},
    {0x03F2, 'c'},
    {0x03F3, 'j'},
    /* Cyrillic */
    {0x0430, 'a'},
    {0x0432, 'b'},
    {0x0433, 'r'},
    {0x0435, 'e'},
    {0x043A, 'k'},
    {0x043C, 'm'},
    {0x043D, 'h'},
    {0x043E, 'o'},
    {0x043F, 'n'},
    {0x0440, 'p'},
    {0x0441, 'c'},
    {0x0442, 't'},
    {0x0443, 'y'},
    {0x0445, 'x'},
    {0x0455, 's'},
    {0x0456, 'i'},
    {0x0458, 'j'},
    {0x0475, 'v'},

    {0x04BB, 'h'},
    {0x04CF, 'l'},
    {0x0501, 'd'},
    {0x051B, 'q'},
    {0x051D, 'w'},
    /* Armenian */
    {0x0561, 'w'},
    {0x0563, 'q'},
    {0x0570, 'h'},
    {0x0578, 'n'},
    {0x057D, 'u'},
    {0x0581, 'g'},
    {0x0585, 'o'},
};

utf8proc_int32_t lookalike_latin(utf8proc_int32_t point, void *context)
{
    (void)context;
    for (size_t i = 0; point >= 0x80 && i < sizeof lookalikes / sizeof lookalikes[0]; i++) {
        if (lookalikes[i].point == point)
            return lookalikes[i].latin;
    }
    return point;
}
