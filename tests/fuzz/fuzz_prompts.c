/* fuzz_prompts.c: a prompt file: lines of JSON where the first byte is {, else lines of text. */
#include "fuzz.h"
#include "resjac/run/prompts.h"

rj_status fuzz_outcome;

/* Ids need no tokenizer; they are never more than the rules allow. */
static void use(const rj_prompts *prompts, bool truncate)
{
    const rj_prompt_rules rules = {.max_tokens = 5, .truncate_left = truncate};

    for (int i = 0; i < prompts->n; i++) {
        const rj_prompt *p = &prompts->prompt[i];
        int32_t *ids = NULL;
        int n = 0;
        if ((p->text == NULL) == (p->ids == NULL) || strlen(p->sha256) != 64 || p->line != i + 1) abort();
        if (p->text != NULL && p->text[p->n_text] != '\0') abort();
        if (p->ids == NULL || rj_prompt_tokens(prompts, i, NULL, 4, &rules, &ids, &n) != RJ_OK) continue;
        if (n < 1 || n > 4 || ids[n - 1] < 0 || ids[n - 1] != p->ids[p->n_ids - 1]) abort();
        rj_free(ids);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    rj_prompts *prompts = NULL;
    const char *path = n > 0 && data[0] == '{' ? "p.jsonl" : "p.txt";
    const rj_status st = rj_prompts_parse(path, (const char *)data, n, &prompts);

    if (st == RJ_OK) use(prompts, false);
    if (st == RJ_OK) use(prompts, true);
    rj_prompts_free(&prompts);
    return fuzz_end(st);
}
