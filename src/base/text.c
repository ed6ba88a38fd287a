/* text.c: what may be shown of a text that a file has brought. */
#include "resjac/base/text.h"

#include <stddef.h>

/* Bytes of the UTF-8 character at s, 0 where it is broken, overlong, or a control character (C0, DEL, C1). */
static size_t printable(const unsigned char *s)
{
    const size_t n = s[0] < 0x80   ? 1
                     : s[0] < 0xc2 ? 0
                     : s[0] < 0xe0 ? 2
                     : s[0] < 0xf0 ? 3
                     : s[0] < 0xf5 ? 4
                                   : 0;

    if (n == 1) return s[0] >= 0x20 && s[0] != 0x7f;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    if ((s[0] == 0xc2 && s[1] < 0xa0) || (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
}

void rj_text_clean(char *text)
{
    const unsigned char *from = (const unsigned char *)text;
    unsigned char *to = (unsigned char *)text;

    while (*from != '\0') {
        const size_t n = printable(from);
        if (n == 0) {
            from +=
                from[0] == 0xc2 && (from[1] & 0xe0) == 0x80 ? 2 : 1; /* C1 is one character of two bytes */
            *to++ = '?';
        }
        for (size_t i = 0; i < n; i++) *to++ = *from++;
    }
    *to = '\0';
}
