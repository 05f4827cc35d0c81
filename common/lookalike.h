/* Letters of other scripts that look like Latin ones, small or capital. Pure. */
#ifndef P2P_LOOKALIKE_H
#define P2P_LOOKALIKE_H
#include <utf8proc.h>

/* The Latin letter that a decomposed, case-folded character may be mistaken for, or the character itself. The shape
 * is that of utf8proc_custom_func; context is not used. */
utf8proc_int32_t lookalike_latin(utf8proc_int32_t point, void *context);

#endif
