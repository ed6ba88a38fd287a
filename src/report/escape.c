/* escape.c: one UTF-8 decoder serves all languages; what it does not know never passes. */
#include "resjac/report/escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { STEM_LENGTH = 128, LABEL_LENGTH = 56 };
static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */

/* Bytes of the valid UTF-8 character at s, and its code point; 0 where it is not one (overlong, surrogate, cut). */
static int decode(const char *s, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char first = (unsigned char)s[0];
    const int n = first < 0x80 ? 1 : first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : first >> 3 == 30 ? 4 : 0;

    if (n == 0) return 0;
    *code = n == 1 ? first : first & (0x7Fu >> n);
    for (int i = 1; i < n; i++) {
        const unsigned char next = (unsigned char)s[i];
        if (next >> 6 != 2) return 0; /* the final NUL too */
        *code = *code << 6 | (next & 0x3Fu);
    }
    return *code < least[n] || *code > 0x10FFFF || *code >> 11 == 0x1B ? 0 : n;
}

/* Control characters, and those that turn the direction of writing and so let a name disguise itself. */
static bool is_control(uint32_t code)
{
    return code < 0x20 || (0x7F <= code && code < 0xA0) || (0x200B <= code && code <= 0x200F) ||
           (0x2028 <= code && code <= 0x202E) || (0x2066 <= code && code <= 0x2069) || code == 0xFEFF;
}

/* The next character of *s, made printable: its bytes in *bytes. */
static int next(const char **s, const char **bytes, uint32_t *code)
{
    int n = decode(*s, code);
    *bytes = *s;
    *s += n > 0 ? n : 1;
    if (n == 0 || (is_control(*code) && *code != '\n' && *code != '\t')) {
        *bytes = replacement;
        *code = 0xFFFD;
        n = 3;
    }
    return n;
}

static const char *entity(uint32_t code)
{
    switch (code) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void rj_escape_html(FILE *out, const char *text)
{
    while (*text != '\0') {
        const char *bytes = NULL;
        uint32_t code = 0;
        const int n = next(&text, &bytes, &code);
        if (entity(code) != NULL)
            fputs(entity(code), out);
        else
            fwrite(bytes, 1, (size_t)n, out);
    }
}

void rj_escape_csv(FILE *out, const char *text)
{
    const bool quoted = strpbrk(text, "\",\n") != NULL;

    if (quoted) fputc('"', out);
    if (*text != '\0' && strchr("=+-@\t", *text) != NULL) fputc('\'', out);
    while (*text != '\0') {
        const char *bytes = NULL;
        uint32_t code = 0;
        const int n = next(&text, &bytes, &code);
        if (code == '"') fputc('"', out);
        fwrite(bytes, 1, (size_t)n, out);
    }
    if (quoted) fputc('"', out);
}

void rj_escape_markdown(FILE *out, const char *text)
{
    while (*text != '\0') {
        const char *bytes = NULL;
        uint32_t code = 0;
        const int n = next(&text, &bytes, &code);
        if (code == '\n' || code == '\t') {
            fputc(' ', out);
        } else if (entity(code) != NULL) {
            fputs(entity(code), out);
        } else {
            if (code < 0x80 && strchr("\\`*_[]|#~", (int)code) != NULL) fputc('\\', out);
            fwrite(bytes, 1, (size_t)n, out);
        }
    }
}

static bool is_alnum(uint32_t c)
{
    return ('0' <= c && c <= '9') || ('A' <= c && c <= 'Z') || ('a' <= c && c <= 'z');
}

/* Single quotes keep gnuplot from reading escapes, backquotes and macros; the kept set has no quote to leave them by. */
void rj_escape_label(const char *text, char label[RJ_LABEL_SIZE])
{
    size_t used = 0;

    for (int length = 0; *text != '\0'; length++) {
        const char *bytes = NULL;
        uint32_t code = 0;
        const int n = next(&text, &bytes, &code);
        if (length == LABEL_LENGTH) {
            memcpy(label + used, "...", 3);
            used += 3;
            break;
        }
        const bool kept = is_alnum(code) || (code < 0x80 && strchr(" .,:=+-_/()", (int)code) != NULL) ||
                          (code >= 0xA0 && code != 0xFFFD);
        if (kept) {
            memcpy(label + used, bytes, (size_t)n);
            used += (size_t)n;
        } else {
            label[used++] = '?';
        }
    }
    label[used] = '\0';
}

void rj_escape_stem(const char *text, char stem[RJ_STEM_SIZE])
{
    size_t n = 0;

    for (; text[n] != '\0' && n < STEM_LENGTH; n++) {
        const unsigned char c = (unsigned char)text[n];
        stem[n] = (char)(is_alnum(c) || c == '_' || (n > 0 && (c == '.' || c == '-')) ? c : '_');
    }
    if (n == 0) stem[n++] = '_';
    stem[n] = '\0';
}
