/* golden_tokenizer.c: ids of Hugging Face tokenizers for hard strings, from tokenizer.json and from GGUF metadata. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glob.h>

#include "corpus.h"
#include "resjac/base/file.h"

/* tests/oracle/tokens.py, tiny_tokenizers.py, family_tokenizers.py and paper_tokenizers.py write them. */
static const struct {
    const char *folder, *summary_json, *summary_gguf; /* NULL: GGUF cannot say the same */
    long at_least;                                    /* lines */
} CASES[] = {
    {"tokenizer_smol", "pre-tokenizer Digits + ByteLevel, adds no special tokens",
     "pre-tokenizer smollm, adds no special tokens", 2000},
    {"tokenizer_llama3", "pre-tokenizer Split + ByteLevel, adds <|begin_of_text|> before",
     "pre-tokenizer llama-bpe, adds <|begin_of_text|> before", 250},
    {"tokenizer_llama2", "pre-tokenizer none, adds <s> before",
     "scored tokens, pre-tokenizer none, adds <s> before", 250},
    {"tokenizer_metaspace", "pre-tokenizer Metaspace, adds <s> before and </s> after", NULL, 250},
    {"tokenizer_gpt2", "pre-tokenizer ByteLevel, adds <s> before and </s> after", NULL, 250},
    {"tokenizer_gpt2_plain", "pre-tokenizer ByteLevel, adds no special tokens",
     "pre-tokenizer gpt-2, adds no special tokens", 1000},
    {"tokenizer_qwen2", "pre-tokenizer Split + ByteLevel, adds no special tokens",
     "pre-tokenizer qwen2, adds no special tokens", 1000},
    {"tokenizer_gemma3", "pre-tokenizer Split, adds <bos> before",
     "scored tokens, pre-tokenizer none, adds <bos> before", 1000},
    {"tokenizer_neox", "pre-tokenizer ByteLevel, adds no special tokens",
     "pre-tokenizer olmo, adds no special tokens", 200},
    {"tokenizer_phi", "pre-tokenizer ByteLevel, adds no special tokens",
     "pre-tokenizer phi-2, adds no special tokens", 200},
    {"tokenizer_falcon", "pre-tokenizer Punctuation + ByteLevel + Digits + Split, adds no special tokens",
     "pre-tokenizer falcon, adds no special tokens", 200},
    {"tokenizer_bloom", "pre-tokenizer Split + ByteLevel, adds no special tokens",
     "pre-tokenizer bloom, adds no special tokens", 200},
    {"tokenizer_opt", "pre-tokenizer ByteLevel, adds </s> before", NULL, 200},
    {"tokenizer_stablelm2", "pre-tokenizer Split + ByteLevel, adds no special tokens",
     "pre-tokenizer stablelm2, adds no special tokens", 200},
    {"tokenizer_t5", "Unigram, 570 tokens, pre-tokenizer WhitespaceSplit + Metaspace, adds </s> after", NULL,
     200},
    {"tokenizer_t5_new", "pre-tokenizer Metaspace, adds </s> after", NULL, 200},
    {"tokenizer_splits", "adds <|im_start|> <s> before and </s> <|im_end|> after", NULL, 250},
};
enum { N_CASES = sizeof CASES / sizeof *CASES };

static const char *golden(const char *folder, const char *file)
{
    static char path[4096];
    const char *root = getenv("RESJAC_GOLDEN");

    assert_non_null(root);
    snprintf(path, sizeof path, "%s/%s/%s", root, folder, file);
    return path;
}

static void check(int i, const char *file, const char *summary)
{
    rj_tokenizer *tok = NULL;
    long n = 0;

    if (corpus_tokenizer(golden(CASES[i].folder, file), &tok) != RJ_OK) fail_msg("%s", rj_status_message());
    assert_int_equal(corpus_mismatches(golden(CASES[i].folder, "corpus.jsonl"), tok, &n), 0);
    assert_true(n >= CASES[i].at_least);
    if (strstr(rj_tokenizer_summary(tok), summary) == NULL) fail_msg("%s", rj_tokenizer_summary(tok));
    rj_tokenizer_close(&tok);
    assert_int_equal(rj_memory_live(), 0);
}

static void ids_from_tokenizer_json(void **x)
{
    (void)x;
    for (int i = 0; i < N_CASES; i++) check(i, "tokenizer.json", CASES[i].summary_json);
}

static void ids_from_gguf_metadata(void **x)
{
    (void)x;
    for (int i = 0; i < N_CASES; i++)
        if (CASES[i].summary_gguf != NULL) check(i, "tokenizer.gguf", CASES[i].summary_gguf);
}

/* Both formats name the same tokens. */
static void both_formats_show_the_same_tokens(void **x)
{
    (void)x;
    for (int i = 0; i < N_CASES; i++) {
        rj_tokenizer *json = NULL, *gguf = NULL;
        if (CASES[i].summary_gguf == NULL) continue;
        assert_int_equal(corpus_tokenizer(golden(CASES[i].folder, "tokenizer.json"), &json), RJ_OK);
        assert_int_equal(corpus_tokenizer(golden(CASES[i].folder, "tokenizer.gguf"), &gguf), RJ_OK);
        assert_int_equal(rj_tokenizer_size(json), rj_tokenizer_size(gguf));
        for (int32_t id = 0; id < rj_tokenizer_size(json); id++)
            assert_string_equal(rj_tokenizer_token(json, id), rj_tokenizer_token(gguf, id));
        rj_tokenizer_close(&json);
        rj_tokenizer_close(&gguf);
    }
}

/* No folder is passed over, and none is looked at in one format only that has both. */
static void every_folder_has_its_row(void **x)
{
    glob_t found;
    (void)x;
    assert_int_equal(glob(golden("tokenizer_*", ""), 0, NULL, &found), 0);
    assert_int_equal(found.gl_pathc, N_CASES);
    globfree(&found);
    for (int i = 0; i < N_CASES; i++)
        assert_int_equal(rj_path_exists(golden(CASES[i].folder, "tokenizer.gguf")),
                         CASES[i].summary_gguf != NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_from_tokenizer_json),
        cmocka_unit_test(ids_from_gguf_metadata),
        cmocka_unit_test(every_folder_has_its_row),
        cmocka_unit_test(both_formats_show_the_same_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
