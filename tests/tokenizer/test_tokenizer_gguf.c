/* test_tokenizer_gguf.c: tokenizers from GGUF metadata, defaults of missing keys, every refusal; and where
 * rj_tokenizer_open looks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "resjac/base/memory.h"
#include "resjac/tokenizer/tokenizer_pipeline.h"
#include "tiny_gguf.h"

static int no_leak(void **state)
{
    (void)state;
    return rj_memory_live() != 0;
}

#define MARK "\xE2\x96\x81"

/* Ids: 0 <unk> 1 <s> 2 </s> 3 mark 4 a 5 mark+a 6 <0x62>, 7 user-defined. */
static const char *const SCORED[] = {"<unk>", "<s>", "</s>", MARK, "a", MARK "a", "<0x62>", "<user>"};
static const int32_t SCORED_TYPE[] = {2, 3, 3, 1, 1, 1, 6, 4};
static const float SCORE[] = {0, 0, 0, -3, -2, -1, 0, 0};
/* Ids: 0 <s> 1 a 2 b 3 ab 4 G+breve (space) 5 <0x62>, only a text here. */
static const char *const MERGED[] = {"<s>", "a", "b", "ab", "\xC4\xA0", "<0x62>"};
static const int32_t MERGED_TYPE[] = {3, 1, 1, 1, 1, 1};

static void put_tokens(tiny_gguf *g, const char *const *token, uint64_t n)
{
    gguf_array(g, "tokenizer.ggml.tokens", GGUF_STRING, n);
    for (uint64_t i = 0; i < n; i++) gguf_text(g, token[i]);
}

static void put_types(tiny_gguf *g, const int32_t *type, uint64_t n)
{
    gguf_array(g, "tokenizer.ggml.token_type", GGUF_INT32, n);
    gguf_put(g, type, n * sizeof *type);
}

static void begin_scored(tiny_gguf *g)
{
    gguf_begin(g);
    gguf_string(g, "tokenizer.ggml.model", "llama");
    put_tokens(g, SCORED, 8);
    put_types(g, SCORED_TYPE, 8);
}

static void put_scores(tiny_gguf *g)
{
    gguf_array(g, "tokenizer.ggml.scores", GGUF_FLOAT32, 8);
    gguf_put(g, SCORE, sizeof SCORE);
}

static void begin_merged(tiny_gguf *g)
{
    gguf_begin(g);
    gguf_string(g, "tokenizer.ggml.model", "gpt2");
    put_tokens(g, MERGED, 6);
    put_types(g, MERGED_TYPE, 6);
}

static void put_merge(tiny_gguf *g, const char *merge)
{
    gguf_array(g, "tokenizer.ggml.merges", GGUF_STRING, 1);
    gguf_text(g, merge);
}

static rj_status open_tokenizer(const char *path, rj_tokenizer **tok)
{
    rj_status st = RJ_OK;
    rj_gguf *g = NULL;

    RJ_TRY(rj_gguf_open(path, &g));
    RJ_TRY(rj_tokenizer_from_gguf(g, tok));
done:
    rj_gguf_close(&g);
    return st;
}

static void expect_ids(const rj_tokenizer *tok, const char *text, const char *expected)
{
    int32_t *id = NULL;
    ptrdiff_t n = 0;
    char out[256] = "";

    assert_int_equal(rj_tokenizer_encode(tok, text, (ptrdiff_t)strlen(text), true, &id, &n), RJ_OK);
    for (ptrdiff_t i = 0; i < n; i++) sprintf(out + strlen(out), "%s%d", i > 0 ? " " : "", (int)id[i]);
    rj_free(id);
    assert_string_equal(out, expected);
}

/* Ends the file, opens it, removes it. */
static rj_tokenizer *finish(tiny_gguf *g)
{
    rj_tokenizer *tok = NULL;

    gguf_end(g);
    if (open_tokenizer(g->path, &tok) != RJ_OK) fail_msg("%s", rj_status_message());
    remove(g->path);
    return tok;
}

static void refuse(tiny_gguf *g, const char *message)
{
    rj_tokenizer *tok = NULL;

    gguf_end(g);
    assert_int_equal(open_tokenizer(g->path, &tok), RJ_ERR_FORMAT);
    remove(g->path);
    if (strstr(rj_status_message(), message) == NULL) fail_msg("%s", rj_status_message());
    assert_null(tok);
    assert_int_equal(strncmp(rj_status_message(), g->path, strlen(g->path)), 0);
}

/* Defaults: a space before each stretch, <s> first, unknown 0. */
static void scored_vocabulary(void **x)
{
    tiny_gguf g;
    (void)x;
    begin_scored(&g);
    put_scores(&g);
    rj_tokenizer *tok = finish(&g);
    expect_ids(tok, "a a", "1 5 5");
    expect_ids(tok, "", "1");
    expect_ids(tok, "ba\xC3\xA9", "1 3 6 4 0 0"); /* b by its byte, the bytes of e-acute unknown */
    expect_ids(tok, "a</s>a<user> a<unk>", "1 5 2 5 7 3 5 0");
    assert_string_equal(rj_tokenizer_summary(tok),
                        "BPE, 8 scored tokens, pre-tokenizer none, adds <s> before");
    assert_string_equal(rj_tokenizer_token(tok, 5), " a");
    assert_string_equal(rj_tokenizer_token(tok, 6), "b");
    rj_tokenizer_close(&tok);
    begin_scored(&g);
    put_scores(&g);
    gguf_bool(&g, "tokenizer.ggml.add_space_prefix", 0);
    gguf_bool(&g, "tokenizer.ggml.add_bos_token", 0);
    gguf_bool(&g, "tokenizer.ggml.add_eos_token", 1);
    gguf_int(&g, "tokenizer.ggml.unknown_token_id", 4);
    tok = finish(&g);
    expect_ids(tok, "a az", "4 5 4 2");
    assert_non_null(strstr(rj_tokenizer_summary(tok), "adds </s> after"));
    rj_tokenizer_close(&tok);
}

static void merged_vocabulary(void **x)
{
    tiny_gguf g;
    (void)x;
    begin_merged(&g);
    gguf_string(&g, "tokenizer.ggml.pre", "smollm");
    put_merge(&g, "a b");
    rj_tokenizer *tok = finish(&g);
    expect_ids(tok, "ab<s>ab x\x01", "3 0 3 4"); /* what has no token is left out */
    assert_string_equal(rj_tokenizer_summary(tok),
                        "BPE, 6 tokens, 1 merges, pre-tokenizer smollm, adds no special tokens");
    assert_string_equal(rj_tokenizer_token(tok, 4), " ");
    rj_tokenizer_close(&tok);
    begin_merged(&g);
    gguf_string(&g, "tokenizer.ggml.pre", "llama-bpe"); /* BOS unless a key says no */
    put_merge(&g, "a b");
    gguf_int(&g, "tokenizer.ggml.bos_token_id", 0);
    tok = finish(&g);
    expect_ids(tok, "ab", "0 3");
    rj_tokenizer_close(&tok);
    begin_merged(&g);
    gguf_string(&g, "tokenizer.ggml.pre", "llama3");
    put_merge(&g, "a b");
    gguf_bool(&g, "tokenizer.ggml.add_bos_token", 0);
    tok = finish(&g);
    expect_ids(tok, "ab", "3");
    rj_tokenizer_close(&tok);
}

/* Normalization form C first, one digit a piece, no BOS. */
static void qwen2(void **x)
{
    static const char *const token[] = {"<s>", "e", "1", "11", "\xC3\x83", "\xC2\xA9", "\xC3\x83\xC2\xA9"};
    tiny_gguf g;
    (void)x;
    gguf_begin(&g);
    gguf_string(&g, "tokenizer.ggml.model", "gpt2");
    gguf_string(&g, "tokenizer.ggml.pre", "qwen2");
    gguf_int(&g, "tokenizer.ggml.bos_token_id", 0);
    put_tokens(&g, token, 7);
    put_types(&g, (const int32_t[]){3, 1, 1, 1, 1, 1, 1}, 7);
    gguf_array(&g, "tokenizer.ggml.merges", GGUF_STRING, 2);
    gguf_text(&g, "1 1");
    gguf_text(&g, "\xC3\x83 \xC2\xA9");
    rj_tokenizer *tok = finish(&g);
    expect_ids(tok, "e\xCC\x81", "6");
    expect_ids(tok, "11", "2 2");
    expect_ids(tok, "<s>e", "0 1");
    assert_string_equal(rj_tokenizer_summary(tok),
                        "BPE, 7 tokens, 2 merges, pre-tokenizer qwen2, adds no special tokens");
    rj_tokenizer_close(&tok);
}

/* Gemma: runs of spaces are merged before all else, whatever score the file gives them, and cut where the text has
 * U+2581 itself; a run of spaces beside which the same run of U+2581 is a token means spaces. */
static void runs_of_spaces_of_the_user(void **x)
{
    static const char *const token[] = {"<s>", MARK, "a", MARK "a", "  ", "   ", "\n\n", MARK MARK MARK};
    static const int32_t type[] = {3, 1, 1, 1, 4, 4, 4, 1};
    static const float score[] = {-1000, -3, -4, -1, -1000, -1000, -1000, -2};
    tiny_gguf g;
    (void)x;
    for (uint64_t n = 7; n <= 8; n++) {
        gguf_begin(&g);
        gguf_string(&g, "tokenizer.ggml.model", "llama");
        gguf_bool(&g, "tokenizer.ggml.add_space_prefix", 0);
        gguf_bool(&g, "tokenizer.ggml.add_bos_token", 0);
        put_tokens(&g, token, n);
        put_types(&g, type, n);
        gguf_array(&g, "tokenizer.ggml.scores", GGUF_FLOAT32, n);
        gguf_put(&g, score, n * sizeof *score);
        rj_tokenizer *tok = finish(&g);
        expect_ids(tok, " a", "3");
        expect_ids(tok, "a  a", "2 4 2");
        expect_ids(tok, "\n\na", "6 2");
        expect_ids(tok, " " MARK "a", "4 2"); /* not cut, merged */
        expect_ids(tok, " " MARK MARK, "1 4");
        if (n == 7) {
            expect_ids(tok, "    ", "5 1");
            expect_ids(tok, MARK MARK MARK "a", "5 2");
            assert_string_equal(rj_tokenizer_token(tok, 5), MARK MARK MARK);
        } else {
            expect_ids(tok, "    ", "5 1");
            expect_ids(tok, "a" MARK "  ", "2 7");
            assert_string_equal(rj_tokenizer_token(tok, 5), "   ");
        }
        rj_tokenizer_close(&tok);
    }
}

static void hugging_face_text_beats_the_rest(void **x)
{
    tiny_gguf g;
    (void)x;
    gguf_begin(&g);
    gguf_string(&g, "tokenizer.ggml.model", "none");
    gguf_string(&g, "tokenizer.huggingface.json", "{\"model\": {\"vocab\": {\"a\": 3}, \"merges\": []}}");
    rj_tokenizer *tok = finish(&g);
    expect_ids(tok, "aa", "3 3");
    rj_tokenizer_close(&tok);
    gguf_begin(&g);
    gguf_string(&g, "tokenizer.huggingface.json", "{\"model\": {\"type\": \"WordPiece\"}}");
    refuse(&g, "model \"WordPiece\" is not supported");
}

static void models_that_are_refused(void **x)
{
    tiny_gguf g;
    (void)x;
    gguf_begin(&g);
    gguf_string(&g, "tokenizer.ggml.model", "rwkv");
    refuse(&g, "tokenizer.ggml.model \"rwkv\" is not supported; supported: gpt2, llama");
    gguf_begin(&g);
    refuse(&g, "tokenizer.ggml.model \"\" is not supported");
    begin_merged(&g);
    gguf_string(&g, "tokenizer.ggml.pre", "deepseek-r1-qwen");
    refuse(&g, "tokenizer.ggml.pre \"deepseek-r1-qwen\" is not supported; supported: gpt-2, phi-2, smollm, "
               "llama-bpe, llama3, llama-v3, qwen2, mpt, olmo, falcon, bloom, stablelm2, dbrx");
    begin_merged(&g);
    refuse(&g, "tokenizer.ggml.pre is missing: how it splits a text is not known; convert the model again");
    begin_merged(&g);
    gguf_string(&g, "tokenizer.ggml.pre", "default");
    refuse(&g, "tokenizer.ggml.pre is \"default\": how it splits");
    gguf_begin(&g);
    gguf_string(&g, "tokenizer.ggml.model",
                "0123456789012345678901234567890123456789012345678901234567890123");
    refuse(&g, "tokenizer.ggml.model has 64 bytes, a name below 64 is needed");
}

static void lists_that_are_refused(void **x)
{
    const float scores[8] = {0, 0, 1.0f / 0.0f};
    tiny_gguf g;
    (void)x;
    gguf_begin(&g);
    gguf_string(&g, "tokenizer.ggml.model", "llama");
    put_tokens(&g, SCORED, 0);
    refuse(&g, "tokenizer.ggml.tokens has 0 entries");
    begin_scored(&g);
    gguf_array(&g, "tokenizer.ggml.scores", GGUF_FLOAT32, 7);
    gguf_put(&g, SCORE, 7 * sizeof *SCORE);
    refuse(&g, "tokenizer.ggml.scores has 7 entries, tokenizer.ggml.tokens 8");
    begin_scored(&g);
    gguf_array(&g, "tokenizer.ggml.scores", GGUF_FLOAT32, 8);
    gguf_put(&g, scores, sizeof scores);
    refuse(&g, "tokenizer.ggml.scores: entry 2 is inf");
    gguf_begin(&g);
    gguf_string(&g, "tokenizer.ggml.model", "llama");
    put_tokens(&g, SCORED, 8);
    put_types(&g, SCORED_TYPE, 5);
    put_scores(&g);
    refuse(&g, "tokenizer.ggml.token_type has 5 entries, tokenizer.ggml.tokens 8");
    gguf_begin(&g);
    gguf_string(&g, "tokenizer.ggml.model", "llama");
    put_tokens(&g, (const char *const[]){"a", "b\xFF"}, 2);
    put_types(&g, (const int32_t[]){1, 4}, 2);
    gguf_array(&g, "tokenizer.ggml.scores", GGUF_FLOAT32, 2);
    gguf_put(&g, SCORE, 2 * sizeof *SCORE);
    refuse(&g, "tokenizer.ggml.tokens: entry 1 is special and no UTF-8");
}

static void ids_and_merges_that_are_refused(void **x)
{
    tiny_gguf g;
    (void)x;
    begin_merged(&g);
    gguf_string(&g, "tokenizer.ggml.pre", "gpt-2");
    put_merge(&g, " ab");
    refuse(&g, "tokenizer.ggml.merges: entry 0, \" ab\", is not two tokens and a space");
    begin_merged(&g);
    gguf_string(&g, "tokenizer.ggml.pre", "gpt-2");
    put_merge(&g, "a c");
    refuse(&g, "merge 0, \"a\" + \"c\": the right one is not in the vocabulary");
    begin_merged(&g);
    gguf_string(&g, "tokenizer.ggml.pre", "gpt-2");
    refuse(&g, "tokenizer.ggml.merges");
    begin_merged(&g);
    gguf_string(&g, "tokenizer.ggml.pre", "gpt-2");
    put_merge(&g, "a b");
    gguf_bool(&g, "tokenizer.ggml.add_eos_token", 1);
    refuse(&g, "tokenizer.ggml.eos_token_id is missing, though that token is added to each text");
    begin_merged(&g);
    gguf_string(&g, "tokenizer.ggml.pre", "llama3");
    put_merge(&g, "a b");
    gguf_int(&g, "tokenizer.ggml.bos_token_id", 6);
    refuse(&g, "tokenizer.ggml.bos_token_id is 6, the vocabulary has 6 tokens");
    begin_merged(&g);
    gguf_int(&g, "tokenizer.ggml.pre", 1);
    refuse(&g, "tokenizer.ggml.pre");
}

/* tests/golden/llama_headsize has weights in both formats, but no tokenizer. */
static void open_looks_beside_the_weights(void **x)
{
    char path[4096];
    rj_weights *w = NULL;
    rj_tokenizer *tok = NULL;
    const char *root = getenv("RESJAC_GOLDEN");
    static const char *const names[] = {"llama_headsize", "llama_headsize/model.safetensors"};
    (void)x;
    assert_non_null(root);
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", root, names[i]);
        if (rj_weights_open(path, &w) != RJ_OK) fail_msg("%s", rj_status_message());
        assert_int_equal(rj_tokenizer_open(w, &tok), RJ_ERR_MISSING);
        assert_non_null(
            strstr(rj_status_message(),
                   "llama_headsize/tokenizer.json is missing; jobs/tokenizer_to_json.py makes it of"));
        assert_null(tok);
        rj_weights_close(&w);
    }
    snprintf(path, sizeof path, "%s/llama_headsize/model-BF16.gguf", root);
    assert_int_equal(rj_weights_open(path, &w), RJ_OK);
    assert_int_equal(rj_tokenizer_open(w, &tok), RJ_ERR_FORMAT);
    assert_non_null(strstr(rj_status_message(), "tokenizer.ggml.model"));
    rj_weights_close(&w);
}

static void every_allocation_may_fail(void **x)
{
    tiny_gguf g[2];
    (void)x;
    begin_scored(&g[0]);
    put_scores(&g[0]);
    begin_merged(&g[1]);
    gguf_string(&g[1], "tokenizer.ggml.pre", "smollm");
    put_merge(&g[1], "a b");
    for (int i = 0; i < 2; i++) {
        rj_status st = RJ_ERR_NOMEM;
        int n = 0;
        gguf_end(&g[i]);
        for (; st == RJ_ERR_NOMEM; n++) {
            rj_tokenizer *tok = NULL;
            rj_memory_fail_after(n);
            st = open_tokenizer(g[i].path, &tok);
            rj_memory_fail_after(-1);
            rj_tokenizer_close(&tok);
            assert_int_equal(rj_memory_live(), 0);
        }
        assert_int_equal(st, RJ_OK);
        assert_true(n > 40);
        remove(g[i].path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(scored_vocabulary, no_leak),
        cmocka_unit_test_teardown(merged_vocabulary, no_leak),
        cmocka_unit_test_teardown(qwen2, no_leak),
        cmocka_unit_test_teardown(runs_of_spaces_of_the_user, no_leak),
        cmocka_unit_test_teardown(hugging_face_text_beats_the_rest, no_leak),
        cmocka_unit_test_teardown(models_that_are_refused, no_leak),
        cmocka_unit_test_teardown(lists_that_are_refused, no_leak),
        cmocka_unit_test_teardown(ids_and_merges_that_are_refused, no_leak),
        cmocka_unit_test_teardown(open_looks_beside_the_weights, no_leak),
        cmocka_unit_test_teardown(every_allocation_may_fail, no_leak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
