/* regex.c: PCRE2 with just-in-time code where the machine allows it; both ways give the same matches. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "resjac/tokenizer/regex.h"

#include <pcre2.h>
#include <stdint.h>
#include <string.h>

#include "resjac/base/memory.h"
#include "resjac/tokenizer/regex_syntax.h"
#include "resjac/tokenizer/utf8.h"

enum { STACK_START = 32 * 1024, STACK_MAX = 8 * 1024 * 1024, STEPS = 10 * 1000 * 1000, STEPS_PER_BYTE = 4 };

struct rj_regex {
    pcre2_general_context *memory;
    pcre2_code *code;
    char *pattern; /* as in the file, for messages */
};

struct rj_matcher {
    pcre2_general_context *memory;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
    pcre2_match_data *data;
    uint32_t steps;
};

/* PCRE2's memory is counted and fails on demand as ours. */
static void *take(size_t n, void *unused)
{
    void *p = NULL;

    (void)unused;
    return n > PTRDIFF_MAX || rj_alloc(&p, (ptrdiff_t)n, 1, 1, __FILE__, __LINE__) != RJ_OK ? NULL : p;
}

static void give(void *p, void *unused)
{
    (void)unused;
    rj_free(p);
}

/* `.` stops at LF alone and `^ $` hold at every line, as in Ruby's syntax. */
static rj_status build(rj_regex *re, const char *where, const char *pattern, bool literal)
{
    rj_status st = RJ_OK;
    pcre2_compile_context *context = NULL;
    char *translated = NULL;
    const uint32_t flags = PCRE2_UTF | (literal ? PCRE2_LITERAL : PCRE2_UCP | PCRE2_MULTILINE);
    int error = 0;
    PCRE2_SIZE at = 0;
    PCRE2_UCHAR reason[256] = "";

    if (!literal) RJ_TRY(rj_regex_translate(where, pattern, &translated));
    context = pcre2_compile_context_create(re->memory);
    RJ_REQUIRE(context != NULL, RJ_ERR_NOMEM, "%s: no memory for a regular expression", where);
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    const char *source = literal ? pattern : translated;
    re->code = pcre2_compile((PCRE2_SPTR)source, PCRE2_ZERO_TERMINATED, flags, &error, &at, context);
    if (re->code == NULL) {
        pcre2_get_error_message(error, reason, sizeof reason);
        RJ_REQUIRE(error != PCRE2_ERROR_HEAP_FAILED, RJ_ERR_NOMEM, "%s: no memory for a regular expression",
                   where);
        RJ_FAIL(RJ_ERR_FORMAT,
                "%s: PCRE2 cannot compile the regular expression \"%s\" (read as \"%s\"): %s at byte %zu",
                where, pattern, source, (const char *)reason, (size_t)at);
    }
    /* Without JIT, or where the system forbids executable memory, matching is interpreted. */
    (void)pcre2_jit_compile(re->code, PCRE2_JIT_COMPLETE);
done:
    pcre2_compile_context_free(context);
    rj_free(translated);
    return st;
}

rj_status rj_regex_compile(const char *where, const char *pattern, bool literal, rj_regex **re)
{
    rj_status st = RJ_OK;
    rj_regex *fresh = NULL;
    const size_t n = strlen(pattern) + 1;

    RJ_NEW(fresh, 1, 1);
    RJ_NEW(fresh->pattern, (ptrdiff_t)n, 1);
    memcpy(fresh->pattern, pattern, n);
    fresh->memory = pcre2_general_context_create(take, give, NULL);
    RJ_REQUIRE(fresh->memory != NULL, RJ_ERR_NOMEM, "%s: no memory for a regular expression", where);
    RJ_TRY(build(fresh, where, pattern, literal));
    *re = fresh;
    fresh = NULL;
done:
    rj_regex_free(&fresh);
    return st;
}

void rj_regex_free(rj_regex **re)
{
    if (*re == NULL) return;
    pcre2_code_free((*re)->code);
    pcre2_general_context_free((*re)->memory);
    rj_free((*re)->pattern);
    RJ_FREE(*re);
}

rj_status rj_matcher_create(ptrdiff_t n, rj_matcher **m)
{
    rj_status st = RJ_OK;
    rj_matcher *fresh = NULL;
    const uint64_t steps = STEPS + STEPS_PER_BYTE * (uint64_t)n;

    RJ_NEW(fresh, 1, 1);
    fresh->steps = steps > UINT32_MAX ? UINT32_MAX : (uint32_t)steps;
    fresh->memory = pcre2_general_context_create(take, give, NULL);
    RJ_REQUIRE(fresh->memory != NULL, RJ_ERR_NOMEM, "no memory to match regular expressions");
    fresh->context = pcre2_match_context_create(fresh->memory);
    fresh->stack = pcre2_jit_stack_create(STACK_START, STACK_MAX, fresh->memory);
    fresh->data = pcre2_match_data_create(1, fresh->memory);
    RJ_REQUIRE(fresh->context != NULL && fresh->data != NULL, RJ_ERR_NOMEM,
               "no memory to match regular expressions");
    pcre2_set_match_limit(fresh->context, fresh->steps);
    if (fresh->stack != NULL) pcre2_jit_stack_assign(fresh->context, NULL, fresh->stack);
    *m = fresh;
    fresh = NULL;
done:
    rj_matcher_destroy(&fresh);
    return st;
}

void rj_matcher_destroy(rj_matcher **m)
{
    if (*m == NULL) return;
    pcre2_match_data_free((*m)->data);
    pcre2_jit_stack_free((*m)->stack);
    pcre2_match_context_free((*m)->context);
    pcre2_general_context_free((*m)->memory);
    RJ_FREE(*m);
}

static rj_status refused(const rj_regex *re, const rj_matcher *m, int code)
{
    PCRE2_UCHAR reason[256] = "";

    pcre2_get_error_message(code, reason, sizeof reason);
    switch (code) {
    case PCRE2_ERROR_NOMEMORY:
        return rj_raise(RJ_ERR_NOMEM, __FILE__, __LINE__, "no memory to match \"%s\"", re->pattern);
    case PCRE2_ERROR_MATCHLIMIT:
    case PCRE2_ERROR_DEPTHLIMIT:
    case PCRE2_ERROR_HEAPLIMIT:
    case PCRE2_ERROR_JIT_STACKLIMIT:
        return rj_raise(
            RJ_ERR_FORMAT, __FILE__, __LINE__,
            "the tokenizer's regular expression \"%s\" needs more than %lu steps on this text (%s); "
            "cut the text into shorter ones",
            re->pattern, (unsigned long)m->steps, (const char *)reason);
    default:
        return rj_raise(RJ_ERR_LIB, __FILE__, __LINE__, "PCRE2 failed to match \"%s\": %s", re->pattern,
                        (const char *)reason);
    }
}

rj_status rj_regex_next(const rj_regex *re, rj_matcher *m, rj_search *s, bool *found, ptrdiff_t *start,
                        ptrdiff_t *end)
{
    *found = false;
    while (s->from <= s->n) {
        const int code = pcre2_match(re->code, (PCRE2_SPTR)s->text, (PCRE2_SIZE)s->n, (PCRE2_SIZE)s->from,
                                     PCRE2_NO_UTF_CHECK, m->data, m->context);
        if (code == PCRE2_ERROR_NOMATCH) break;
        if (code < 0) return refused(re, m, code);
        const PCRE2_SIZE *pair = pcre2_get_ovector_pointer(m->data);
        *start = (ptrdiff_t)pair[0];
        *end = (ptrdiff_t)pair[1];
        if (*start != *end || *end != s->last_end) {
            s->from = s->last_end = *end;
            *found = true;
            return RJ_OK;
        }
        s->from += s->from < s->n ? rj_utf8_size(s->text + s->from) : 1;
    }
    s->from = s->n + 1; /* a further call finds nothing, too */
    return RJ_OK;
}
