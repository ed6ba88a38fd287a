/* test_weights.c: which files make a checkpoint, and rows of its tensors whatever the format. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>

#include "byte_builder.h"
#include "resjac/base/hash.h"
#include "resjac/base/memory.h"
#include "resjac/weights/weights.h"

static bytes file;

static void text_file(const char *name, const char *text)
{
    temporary_file(name, text, strlen(text));
}

/* A shard with one F32 tensor [rows, columns] whose element i is first + i. */
static void shard(const char *path, const char *name, int rows, int columns, float first)
{
    char header[512];
    snprintf(header, sizeof header,
             "{\"%s\": {\"dtype\": \"F32\", \"shape\": [%d, %d], \"data_offsets\": [0, %d]}}", name, rows,
             columns, 4 * rows * columns);
    put_safetensors_head(&file, header);
    for (int i = 0; i < rows * columns; i++) put_floats(&file, &(float){first + (float)i}, 1);
    write_bytes(&file, path);
}

static void folder(const char *name)
{
    char config[128];
    mkdir(temporary_path(name), 0700);
    snprintf(config, sizeof config, "%s/config.json", name);
    text_file(config, "{\"model_type\": \"llama\"}");
}

static void fails(const char *path, rj_status code, const char *message)
{
    rj_weights *w = NULL;
    assert_int_equal(rj_weights_open(temporary_path(path), &w), code);
    assert_null(w);
    if (strstr(rj_status_message(), message) == NULL)
        fail_msg("\"%s\" is not in: %s", message, rj_status_message());
    assert_int_equal(rj_memory_live(), 0);
}

static rj_weights *opens(const char *path)
{
    rj_weights *w = NULL;
    if (rj_weights_open(temporary_path(path), &w) != RJ_OK) fail_msg("%s", rj_status_message());
    return w;
}

static void closes(rj_weights *w)
{
    rj_weights_close(&w);
    assert_null(w);
    assert_int_equal(rj_memory_live(), 0);
}

static void folder_with_one_file(void **x)
{
    const char *type = NULL;
    (void)x;
    folder("one");
    shard("one/model.safetensors", "w", 2, 3, 5);
    rj_weights *w = opens("one");
    assert_int_equal(rj_weights_format(w), RJ_FORMAT_SAFETENSORS);
    assert_string_equal(rj_weights_path(w), temporary_path("one"));
    assert_int_equal(rj_json_string(rj_weights_config(w), NULL, "model_type", true, &type), RJ_OK);
    assert_string_equal(type, "llama");
    assert_null(rj_weights_metadata(w));
    assert_int_equal(rj_weights_count(w), 1);
    assert_ptr_equal(rj_weights_find(w, "w"), rj_weights_at(w, 0));
    assert_null(rj_weights_find(w, "v"));
    assert_null(rj_weights_find(w, "ww"));
    assert_string_equal(rj_weights_file(w, rj_weights_at(w, 0)), temporary_path("one/model.safetensors"));
    assert_int_equal(rj_weights_bytes(w), file.n);
    closes(w);
    closes(opens("one/model.safetensors"));
}

/* Three files, names out of order, two tensors of one file listed by the index. */
static void folder_with_an_index(void **x)
{
    float value = 0;
    (void)x;
    folder("many");
    shard("many/m-1.safetensors", "c", 1, 2, 30);
    shard("many/m-2.safetensors", "a", 1, 2, 10);
    shard("many/m-3.safetensors", "b", 1, 2, 20);
    text_file("many/model.safetensors.index.json", "{\"weight_map\": {\"c\": \"m-1.safetensors\", \"b\": "
                                                   "\"m-3.safetensors\", \"a\": \"m-2.safetensors\"}}");
    rj_weights *w = opens("many");
    assert_int_equal(rj_weights_count(w), 3);
    for (ptrdiff_t i = 0; i < 3; i++) {
        const rj_tensor *t = rj_weights_at(w, i);
        assert_string_equal(t->name, ((const char *[]){"a", "b", "c"})[i]);
        assert_ptr_equal(rj_weights_find(w, t->name), t);
        float out[2];
        assert_int_equal(rj_weights_read(w, t, 0, 1, out, 2), RJ_OK);
        value = 10 * (float)(i + 1);
        assert_true(out[0] == value && out[1] == value + 1);
    }
    assert_string_equal(rj_weights_file(w, rj_weights_find(w, "c")), temporary_path("many/m-1.safetensors"));
    assert_int_equal(rj_weights_bytes(w), 3 * file.n);
    closes(w);
}

static void index_fails(const char *index, rj_status code, const char *message)
{
    text_file("faulty/model.safetensors.index.json", index);
    fails("faulty", code, message);
}

static void faulty_index_is_refused(void **x)
{
    (void)x;
    folder("faulty");
    shard("faulty/m-1.safetensors", "a", 1, 2, 0);
    shard("faulty/m-2.safetensors", "b", 1, 2, 0);
    shard("faulty/m-3.safetensors", "a", 1, 2, 0);
    shard("outside.safetensors", "a", 1, 2, 0);
    index_fails("{}", RJ_ERR_FORMAT, "no tensors in \"weight_map\"");
    index_fails("{\"weight_map\": []}", RJ_ERR_FORMAT, "no tensors in \"weight_map\"");
    index_fails("{\"weight_map\": {\"a\": 1}}", RJ_ERR_FORMAT,
                "tensor a: \"(no string)\" is not the name of a file");
    index_fails("{\"weight_map\": {\"a\": \"\"}}", RJ_ERR_FORMAT, "is not the name of a file");
    index_fails("{\"weight_map\": {\"a\": \"../outside.safetensors\"}}", RJ_ERR_FORMAT,
                "tensor a: \"../outside.safetensors\" is not the name of a file beside the index");
    index_fails("{\"weight_map\": {\"a\": \"m-3.safetensors\\u0000\"}}", RJ_ERR_FORMAT,
                "is not the name of a file");
    index_fails("{\"weight_map\": {\"a\": \"..\"}}", RJ_ERR_FORMAT, "is not the name of a file");
    index_fails("{\"weight_map\": {\"a\": \"/etc/passwd\"}}", RJ_ERR_FORMAT, "is not the name of a file");
    index_fails("{\"weight_map\": {\"a\": \"m-9.safetensors\"}}", RJ_ERR_MISSING,
                "m-9.safetensors: cannot open");
    index_fails("{\"weight_map\": {\"b\": \"m-1.safetensors\"}}", RJ_ERR_FORMAT,
                "tensor b should be in m-1.safetensors but is in no file");
    index_fails("{\"weight_map\": {\"a\": \"m-2.safetensors\", \"b\": \"m-1.safetensors\"}}", RJ_ERR_FORMAT,
                "tensor a should be in m-2.safetensors but is in ");
    index_fails("{\"weight_map\": {\"a\": \"m-1.safetensors\", \"c\": \"m-3.safetensors\"}}", RJ_ERR_FORMAT,
                "tensor a occurs twice");
}

static void what_is_missing_is_named(void **x)
{
    (void)x;
    fails("nowhere", RJ_ERR_MISSING, "nowhere: cannot open: No such file");
    fails("nowhere.gguf", RJ_ERR_MISSING, "nowhere.gguf: cannot open");
    fails("nowhere.safetensors", RJ_ERR_MISSING, "nowhere.safetensors: not found");
    text_file("text", "hello, world");
    fails("text", RJ_ERR_FORMAT, "text: not a checkpoint");
    text_file("short", "GG");
    fails("short", RJ_ERR_FORMAT, "short: not a checkpoint");
    mkdir(temporary_path("bare"), 0700);
    fails("bare", RJ_ERR_MISSING, "bare/config.json: not found");
    folder("no_weights");
    fails("no_weights", RJ_ERR_MISSING,
          "no_weights: neither model.safetensors nor model.safetensors.index.json");
    text_file("no_weights/config.json", "{");
    fails("no_weights", RJ_ERR_FORMAT, "no_weights/config.json: line 1");
}

/* File `number` of `count` with `n` F32 tensors of one element whose names begin with `letter`. */
static void split_file(const char *path, char letter, int number, int count, int n, int n_tensors)
{
    char name[3] = {letter, '0', '\0'};
    put_gguf_head(&file, 3, (uint64_t)n, 3);
    put_integer_key(&file, "split.no", U16, (uint64_t)number, 2);
    put_integer_key(&file, "split.count", U32, (uint64_t)count, 4);
    put_integer_key(&file, "split.tensors.count", I32, (uint64_t)n_tensors, 4);
    for (int i = 0; i < n; i++, name[1]++) put_tensor(&file, name, 1, &(uint64_t){1}, 0, (uint64_t)(32 * i));
    for (int i = 0; i < n; i++) {
        put_padding(&file, 32);
        put_floats(&file, &(float){(float)(10 * number + i)}, 1);
    }
    write_bytes(&file, path);
}

static void split_set_is_one_checkpoint(void **x)
{
    float value = 0;
    (void)x;
    split_file("s-00001-of-00003.gguf", 'b', 0, 3, 2, 4);
    split_file("s-00002-of-00003.gguf", 'c', 1, 3, 1, 4);
    fails("s-00001-of-00003.gguf", RJ_ERR_MISSING, "s-00003-of-00003.gguf: cannot open");
    split_file("s-00003-of-00003.gguf", 'a', 2, 3, 1, 4);
    rj_weights *w = opens("s-00001-of-00003.gguf");
    assert_int_equal(rj_weights_format(w), RJ_FORMAT_GGUF);
    assert_null(rj_weights_config(w));
    assert_true(rj_gguf_has(rj_weights_metadata(w), "split.no"));
    assert_int_equal(rj_weights_count(w), 4);
    static const struct {
        const char *name;
        float value;
    } known[] = {{"a0", 20}, {"b0", 0}, {"b1", 1}, {"c0", 10}};
    for (ptrdiff_t i = 0; i < 4; i++) {
        assert_string_equal(rj_weights_at(w, i)->name, known[i].name);
        assert_int_equal(rj_weights_read(w, rj_weights_at(w, i), 0, 1, &value, 1), RJ_OK);
        assert_true(value == known[i].value);
    }
    assert_string_equal(rj_weights_file(w, rj_weights_at(w, 0)), temporary_path("s-00003-of-00003.gguf"));
    closes(w);

    fails("s-00002-of-00003.gguf", RJ_ERR_FORMAT,
          "s-00002-of-00003.gguf: it is file 2 of 3 (split.no + 1, split.count), but file 1 of 3 is needed; "
          "name the first file");
    split_file("renamed.gguf", 'b', 0, 3, 2, 4);
    fails("renamed.gguf", RJ_ERR_FORMAT, "its name does not end in -00001-of-00003.gguf");
    split_file("s-00003-of-00003.gguf", 'a', 2, 4, 1, 4);
    fails("s-00001-of-00003.gguf", RJ_ERR_FORMAT,
          "it is file 3 of 4 (split.no + 1, split.count), but file 3 of 3 is needed");
    split_file("s-00003-of-00003.gguf", 'a', 2, 3, 2, 4);
    fails("s-00001-of-00003.gguf", RJ_ERR_FORMAT, "split.tensors.count is 4, but the 3 files have 5 tensors");
    split_file("s-00003-of-00003.gguf", 'b', 2, 3, 1, 4);
    fails("s-00001-of-00003.gguf", RJ_ERR_FORMAT, "tensor b0 occurs twice");
    split_file("second.gguf", 'b', 1, 3, 1, 1);
    fails("second.gguf", RJ_ERR_FORMAT, "name the first file of the set");
    split_file("zero.gguf", 'b', 0, 100000, 1, 1);
    fails("zero.gguf", RJ_ERR_FORMAT, "split.count is 100000");
    split_file("alone", 'b', 0, 1, 1, 1); /* found by its first bytes; one of one */
    closes(opens("alone"));
}

/* 960,000 bytes: four panels, whose ends lie inside rows (262,144 / 384 is no integer). */
static void rows_are_read_by_panels(void **x)
{
    enum { ROWS = 2500, COLUMNS = 96, STRIDE = 100 };
    static float out[ROWS * STRIDE];
    (void)x;
    folder("big");
    shard("big/model.safetensors", "w", ROWS, COLUMNS, 0);
    rj_weights *w = opens("big");
    const rj_tensor *t = rj_weights_at(w, 0);
    for (int i = 0; i < ROWS * STRIDE; i++) out[i] = -1;
    assert_int_equal(rj_weights_read(w, t, 0, ROWS, out, STRIDE), RJ_OK);
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < STRIDE; j++)
            assert_true(out[i * STRIDE + j] == (j < COLUMNS ? (float)(i * COLUMNS + j) : -1.0f));
    assert_int_equal(rj_weights_read(w, t, 1700, 800, out, COLUMNS), RJ_OK);
    for (int i = 0; i < 800 * COLUMNS; i++) assert_true(out[i] == (float)(1700 * COLUMNS + i));
    out[0] = -1;
    assert_int_equal(rj_weights_read(w, t, ROWS, 0, out, COLUMNS), RJ_OK);
    assert_true(out[0] == -1);
    closes(w);
}

/* 612,000 bytes of Q8_0 rows of 3 blocks, three panels: row r, block b has d = 2^b, q = r mod 100 + e mod 8. */
static void quantised_rows_are_read_by_panels(void **x)
{
    enum { ROWS = 6000, COLUMNS = 96, FIRST = 3 };
    static const uint16_t one_two_four[3] = {0x3c00, 0x4000, 0x4400};
    static float out[ROWS * COLUMNS];
    (void)x;
    put_gguf_head(&file, 3, 1, 0);
    put_tensor(&file, "w", 2, (const uint64_t[]){COLUMNS, ROWS}, 8, 0);
    put_padding(&file, 32);
    for (int r = 0; r < ROWS; r++)
        for (int b = 0; b < 3; b++) {
            put_integer(&file, one_two_four[b], 2);
            for (int e = 0; e < 32; e++) put_integer(&file, (uint64_t)(r % 100 + e % 8), 1);
        }
    write_bytes(&file, "big.gguf");
    rj_weights *w = opens("big.gguf");
    assert_int_equal(rj_weights_read(w, rj_weights_at(w, 0), FIRST, ROWS - FIRST, out, COLUMNS), RJ_OK);
    for (int i = 0; i < (ROWS - FIRST) * COLUMNS; i++) {
        const int r = FIRST + i / COLUMNS, j = i % COLUMNS;
        assert_true(out[i] == (float)((r % 100 + j % 8) << j / 32));
    }
    closes(w);
}

/* 294,000 bytes of Q6_K rows of two blocks of 256, two panels: row r, block b: (r mod 16 - 32) (b + 1), by d = 1. */
static void blocks_of_256_are_read_by_panels(void **x)
{
    enum { ROWS = 700, COLUMNS = 512, FIRST = 2 };
    static float out[ROWS * COLUMNS];
    (void)x;
    put_gguf_head(&file, 3, 1, 0);
    put_tensor(&file, "w", 2, (const uint64_t[]){COLUMNS, ROWS}, 14, 0);
    put_padding(&file, 32);
    for (int i = 0; i < 2 * ROWS; i++) {
        for (int k = 0; k < 128; k++) put_integer(&file, (uint64_t)(i / 2 % 16 * 17), 1);
        for (int k = 0; k < 64; k++) put_integer(&file, 0, 1);
        for (int k = 0; k < 16; k++) put_integer(&file, (uint64_t)(i % 2 + 1), 1);
        put_integer(&file, 0x3c00, 2);
    }
    write_bytes(&file, "k.gguf");
    rj_weights *w = opens("k.gguf");
    assert_int_equal(rj_weights_read(w, rj_weights_at(w, 0), FIRST, ROWS - FIRST, out, COLUMNS), RJ_OK);
    for (int i = 0; i < (ROWS - FIRST) * COLUMNS; i++)
        assert_true(out[i] == (float)(((FIRST + i / COLUMNS) % 16 - 32) * (i % COLUMNS / 256 + 1)));
    closes(w);
}

static void reads_outside_the_tensor_are_our_bug(void **x)
{
    static const struct {
        ptrdiff_t row, n, stride;
    } bad[] = {{-1, 1, 3}, {0, -1, 3}, {0, 3, 3}, {2, 1, 3}, {3, 0, 3}, {0, 1, 2}, {1, PTRDIFF_MAX, 3}};
    float out[6] = {9, 9, 9, 9, 9, 9};
    (void)x;
    folder("one");
    shard("one/model.safetensors", "w", 2, 3, 5);
    rj_weights *w = opens("one");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(rj_weights_read(w, rj_weights_at(w, 0), bad[i].row, bad[i].n, out, bad[i].stride),
                         RJ_ERR_ARG);
    for (int i = 0; i < 6; i++) assert_true(out[i] == 9);
    assert_int_equal(truncate(temporary_path("one/model.safetensors"), (off_t)file.n - 1), 0);
    assert_int_equal(rj_weights_read(w, rj_weights_at(w, 0), 0, 2, out, 3), RJ_ERR_IO);
    assert_non_null(strstr(rj_status_message(), "was it cut meanwhile?"));
    closes(w);
}

static void unsupported_type_is_refused_when_it_is_read(void **x)
{
    float out[4];
    (void)x;
    folder("mask");
    put_safetensors_head(&file, "{\"mask\": {\"dtype\": \"I64\", \"shape\": [1], \"data_offsets\": [0, 8]}}");
    put_integer(&file, 1, 8);
    write_bytes(&file, "mask/model.safetensors");
    rj_weights *w = opens("mask");
    const rj_tensor *t = rj_weights_find(w, "mask");
    assert_non_null(t);
    assert_int_equal(t->dtype, RJ_DTYPE_UNSUPPORTED);
    assert_int_equal(rj_weights_read(w, t, 0, 1, out, 4), RJ_ERR_FORMAT);
    assert_non_null(
        strstr(rj_status_message(), "mask/model.safetensors: tensor mask has elements of type I64"));
    closes(w);
}

/* Of the bytes in the file, over several panels, whatever lies around them. */
static void digest_is_sha256_of_the_bytes(void **x)
{
    uint8_t digest[RJ_DIGEST_SIZE], expected[RJ_HASH_SIZE];
    rj_hash *hash = NULL;
    (void)x;
    folder("big");
    shard("big/model.safetensors", "w", 2500, 96, 0);
    rj_weights *w = opens("big");
    const rj_tensor *t = rj_weights_at(w, 0);
    assert_int_equal(rj_weights_digest(w, t, digest), RJ_OK);
    assert_int_equal(rj_hash_create(&hash), RJ_OK);
    rj_hash_add(hash, file.data + file.n - 2500 * 96 * 4, 2500 * 96 * 4);
    assert_int_equal(rj_hash_digest(hash, expected), RJ_OK);
    rj_hash_destroy(&hash);
    assert_memory_equal(digest, expected, sizeof digest);
    rj_memory_fail_after(0);
    assert_int_equal(rj_weights_digest(w, t, digest), RJ_ERR_NOMEM);
    rj_memory_fail_after(-1);
    closes(w);
}

static void allocations_fail(const char *name)
{
    const char *path = temporary_path(name);
    rj_weights *w = NULL;
    rj_status st = RJ_ERR_NOMEM;
    ptrdiff_t i = 0;
    for (; st != RJ_OK; i++) {
        rj_memory_fail_after(i);
        st = rj_weights_open(path, &w);
        rj_memory_fail_after(-1);
        assert_true(st == RJ_OK || st == RJ_ERR_NOMEM);
        rj_weights_close(&w);
        assert_int_equal(rj_memory_live(), 0);
    }
    assert_true(i > 10);
}

static void every_allocation_may_fail(void **x)
{
    folder_with_an_index(x);
    allocations_fail("many");
    split_file("s-00001-of-00003.gguf", 'b', 0, 3, 2, 4);
    split_file("s-00002-of-00003.gguf", 'c', 1, 3, 1, 4);
    split_file("s-00003-of-00003.gguf", 'a', 2, 3, 1, 4);
    allocations_fail("s-00001-of-00003.gguf");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folder_with_one_file),
        cmocka_unit_test(folder_with_an_index),
        cmocka_unit_test(faulty_index_is_refused),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(split_set_is_one_checkpoint),
        cmocka_unit_test(rows_are_read_by_panels),
        cmocka_unit_test(quantised_rows_are_read_by_panels),
        cmocka_unit_test(blocks_of_256_are_read_by_panels),
        cmocka_unit_test(reads_outside_the_tensor_are_our_bug),
        cmocka_unit_test(unsupported_type_is_refused_when_it_is_read),
        cmocka_unit_test(digest_is_sha256_of_the_bytes),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, temporary_begin, temporary_end);
}
