/* regex_syntax.c: one pass over the pattern; `depth` counts open character classes. */
#include "resjac/tokenizer/regex_syntax.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "resjac/base/memory.h"
#include "resjac/tokenizer/grow.h"

#define WORD "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}"
/* Outside a class Oniguruma's \w takes Latin-1's superscripts and fractions besides. */
#define WORD_ALONE WORD "\\x{B2}\\x{B3}\\x{B9}\\x{BC}-\\x{BE}"

typedef struct {
    const char *where, *pattern, *at;
    char *out;
    ptrdiff_t n, cap;
    int depth;
} translation;

static rj_status emit(translation *t, const char *text, ptrdiff_t n)
{
    rj_status st = RJ_OK;

    RJ_GROW(t->out, t->cap, t->n + n + 1); /* new bytes are zero: always ended by a NUL */
    memcpy(t->out + t->n, text, (size_t)n);
    t->n += n;
done:
    return st;
}

static rj_status emit_text(translation *t, const char *text)
{
    return emit(t, text, (ptrdiff_t)strlen(text));
}

static rj_status refuse(const translation *t, const char *what)
{
    return rj_raise(RJ_ERR_FORMAT, __FILE__, __LINE__,
                    "%s: the regular expression \"%s\" has %s at byte %td, which is not supported", t->where,
                    t->pattern, what, t->at - t->pattern);
}

/* Escapes written otherwise for PCRE2: outside and inside a class; NULL = refused there. */
static const struct {
    char letter;
    const char *outside, *inside;
} ESCAPE[] = {
    {'s', "\\p{White_Space}", "\\p{White_Space}"},
    {'S', "\\P{White_Space}", "\\P{White_Space}"},
    {'w', "[" WORD_ALONE "]", WORD},
    {'W', "[^" WORD_ALONE "]", NULL},
    {'v', "\\x0B", "\\x0B"},
    {'b', NULL, "\\x08"},
};

/* \p{Lu} as it is; a longer name is a script, which PCRE2 would widen by Script_Extensions, but for one. */
static rj_status property(translation *t, const char *close)
{
    rj_status st = RJ_OK;
    const ptrdiff_t start = t->at[3] == '^' ? 4 : 3;
    const char *name = t->at + start;

    RJ_TRY(emit(t, t->at, start));
    if (close - name > 2 && strncmp(name, "Alphabetic}", strlen("Alphabetic}")) != 0)
        RJ_TRY(emit_text(t, "sc:"));
    RJ_TRY(emit(t, name, close + 1 - name));
    t->at = close + 1;
done:
    return st;
}

/* \p{..}, \P{..}, \x{..}, \uHHHH */
static rj_status braced_escape(translation *t)
{
    rj_status st = RJ_OK;
    const char c = t->at[1], *close = t->at[2] == '{' ? strchr(t->at, '}') : NULL;

    if (c == 'u') {
        if (strspn(t->at + 2, "0123456789abcdefABCDEF") < 4)
            return refuse(t, "\\u without four hexadecimal digits");
        RJ_TRY(emit_text(t, "\\x{"));
        RJ_TRY(emit(t, t->at + 2, 4));
        RJ_TRY(emit_text(t, "}"));
        t->at += 6;
        return RJ_OK;
    }
    if (close == NULL) return refuse(t, "an escape without {..}");
    if (c != 'x') return property(t, close);
    RJ_TRY(emit(t, t->at, close + 1 - t->at));
    t->at = close + 1;
done:
    return st;
}

static rj_status escape(translation *t)
{
    rj_status st = RJ_OK;
    const char c = t->at[1];
    char what[] = "\\?";

    for (size_t i = 0; i < sizeof ESCAPE / sizeof *ESCAPE; i++) {
        const char *text = t->depth > 0 ? ESCAPE[i].inside : ESCAPE[i].outside;
        if (c != ESCAPE[i].letter || text == NULL) continue;
        t->at += 2;
        return emit_text(t, text);
    }
    if (c != '\0' && strchr("pPxu", c) != NULL) return braced_escape(t);
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    what[1] = c;
    if (c == '\0') return refuse(t, "a lone \\");
    if (letter && strchr(t->depth > 0 ? "dDrntfae" : "dDrntfaeAzZ", c) == NULL) return refuse(t, what);
    RJ_TRY(emit(t, t->at,
                2)); /* the lead byte of a character beyond ASCII is one too: the rest follows as it is */
    t->at += 2;
done:
    return st;
}

static rj_status in_class(translation *t)
{
    const char c = *t->at;

    if (c == '[') {
        if (t->at[1] == '^' || t->at[1] == ':')
            return refuse(t, t->at[1] == ':' ? "[:name:]" : "[^ in a class");
        if (t->at[-1] == '-') return refuse(t, "-[");
        if (t->at[1] == ']') return refuse(t, "[]");
        t->depth++;
        t->at++;
        return RJ_OK;
    }
    if (c == '&' && t->at[1] == '&') return refuse(t, "&&");
    t->at++;
    if (c == ']' && --t->depth > 0) return RJ_OK;
    return emit(t, &c, 1);
}

/* What follows "(?". */
static bool known_group(const char *text)
{
    static const char *const KNOWN[] = {":", "=", "!", ">", "<", "i:", "i)", "-i:", "-i)"};

    for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++)
        if (strncmp(text, KNOWN[i], strlen(KNOWN[i])) == 0) return true;
    return false;
}

static rj_status outside_class(translation *t)
{
    rj_status st = RJ_OK;
    const char c = *t->at;

    if (c == '[') {
        const ptrdiff_t n = t->at[1] == '^' ? 2 : 1;
        if (t->at[n] == ']') return refuse(t, "[]");
        RJ_TRY(emit(t, t->at, n));
        t->depth = 1;
        t->at += n;
        return RJ_OK;
    }
    if (c == '(' && t->at[1] == '*') return refuse(t, "(*");
    if (c == '(' && t->at[1] == '?' && !known_group(t->at + 2)) return refuse(t, "(? with an unusual option");
    if (c == '}' && t->at[1] == '+') return refuse(t, "}+");
    if (c == '{' && t->at[1] == ',') return refuse(t, "{,");
    RJ_TRY(emit(t, t->at++, 1));
done:
    return st;
}

rj_status rj_regex_translate(const char *where, const char *pattern, char **out)
{
    rj_status st = RJ_OK;
    translation t = {.where = where, .pattern = pattern, .at = pattern};

    RJ_TRY(emit(&t, "", 0));
    while (*t.at != '\0') RJ_TRY(*t.at == '\\' ? escape(&t) : t.depth > 0 ? in_class(&t) : outside_class(&t));
    if (t.depth > 0) RJ_TRY(refuse(&t, "a character class without its ]"));
    *out = t.out;
    t.out = NULL;
done:
    rj_free(t.out);
    return st;
}
