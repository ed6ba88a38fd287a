/* test_gguf.c: a file with every value type, each fault, every truncation, every flipped bit of the header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "byte_builder.h"
#include "resjac/base/memory.h"
#include "resjac/weights/gguf.h"

/* What a test changes in the sample; zero means the sample's own value. */
typedef struct {
    uint32_t version, alignment, ggml_type, n_dims, value_type, array_type;
    uint64_t n_tensors, n_keys, dim, offset, string_length, n_array;
    const char *key, *tensor;
    int bool_value;
} change;

enum { N_KEYS = 15, N_TENSORS = 3 };

static void put_values(bytes *b, change c)
{
    const float single = 0.5f, list[3] = {1, 2.5f, -3};
    const double twice = -1e300;
    put_string_key(b, "general.architecture", "llama");
    put_integer_key(b, "general.alignment", U32, c.alignment != 0 ? c.alignment : 32, 4);
    put_integer_key(b, "u8", U8, 200, 1);
    put_integer_key(b, "i8", I8, (uint64_t)-2, 1);
    put_integer_key(b, "u16", U16, 60000, 2);
    put_integer_key(b, "i16", I16, (uint64_t)-30000, 2);
    put_integer_key(b, "i32", I32, (uint64_t)-2000000000, 4);
    put_integer_key(b, "u64", U64, UINT64_MAX, 8);
    put_integer_key(b, "i64", I64, (uint64_t)INT64_MIN, 8);
    put_key(b, "f32", F32);
    put(b, &single, 4);
    put_key(b, "f64", F64);
    put(b, &twice, 8);
    put_integer_key(b, c.key != NULL ? c.key : "bool", c.value_type != 0 ? c.value_type : BOOL,
                    c.bool_value != 0 ? (uint64_t)c.bool_value : 1, 1);
    put_array_key(b, "tokens", STRING, 3);
    put_string(b, "one");
    put_string(b, "");
    put_integer(b, c.string_length != 0 ? c.string_length : 5, 8);
    put(b, "thr\0e", 5);
    put_array_key(b, "integers", c.array_type != 0 ? c.array_type : I32, c.n_array != 0 ? c.n_array : 2);
    put_integer(b, (uint64_t)-1, 4);
    put_integer(b, 7, 4);
    put_array_key(b, "numbers", F32, 3);
    put_floats(b, list, 3);
}

/* Data: "b" F32 {3,2} at 0, "a" Q8_0 {32,1,2} at 32, "c" F16 {3} at 128. */
static void build(bytes *b, change c)
{
    const uint64_t b_dim[2] = {c.dim != 0 ? c.dim : 3, 2}, a_dim[5] = {32, 1, 2, 1, 1}, c_dim[1] = {3};
    const float b_data[6] = {1, 2, 3, 4, 5, 6};
    put_gguf_head(b, c.version != 0 ? c.version : 3, c.n_tensors != 0 ? c.n_tensors : N_TENSORS,
                  c.n_keys != 0 ? c.n_keys : N_KEYS);
    put_values(b, c);
    put_tensor(b, "b", 2, b_dim, 0, 0);
    put_tensor(b, c.tensor != NULL ? c.tensor : "a", c.n_dims != 0 ? c.n_dims : 3, a_dim,
               c.ggml_type != 0 ? c.ggml_type : 8, c.offset != 0 ? c.offset : 32);
    put_tensor(b, "c", 1, c_dim, 1, 128);
    put_padding(b, 32);
    put_floats(b, b_data, 6);
    put_padding(b, 32);
    for (int i = 0; i < 68; i++) put_integer(b, (uint64_t)i, 1);
    put_padding(b, 32);
    put(b, "\x00\x3c\x00\xc0\x01\x00", 6);
}

static bytes sample;

static void opens(change c, rj_gguf **g)
{
    build(&sample, c);
    if (rj_gguf_open(write_bytes(&sample, "x.gguf"), g) != RJ_OK) fail_msg("%s", rj_status_message());
}

static void refused(change c, const char *message)
{
    rj_gguf *g = NULL;
    build(&sample, c);
    assert_int_equal(rj_gguf_open(write_bytes(&sample, "x.gguf"), &g), RJ_ERR_FORMAT);
    assert_null(g);
    assert_non_null(strstr(rj_status_message(), "x.gguf: "));
    if (strstr(rj_status_message(), message) == NULL)
        fail_msg("\"%s\" is not in: %s", message, rj_status_message());
    assert_int_equal(rj_memory_live(), 0);
}

static void scalars_come_in_every_type(void **x)
{
    static const struct {
        const char *key;
        int64_t value;
    } known[] = {{"u8", 200},          {"i8", -2},         {"u16", 60000},           {"i16", -30000},
                 {"i32", -2000000000}, {"i64", INT64_MIN}, {"general.alignment", 32}};
    rj_gguf *g = NULL;
    int64_t i = 0;
    double d = 0;
    bool b = false;
    rj_span s = {NULL, 0};
    (void)x;
    for (uint32_t version = 2; version <= 3; version++) {
        opens((change){.version = version}, &g);
        for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
            assert_int_equal(rj_gguf_integer(g, known[k].key, &i), RJ_OK);
            assert_true(i == known[k].value);
            assert_int_equal(rj_gguf_number(g, known[k].key, &d), RJ_OK);
            assert_true(d == (double)known[k].value);
        }
        assert_int_equal(rj_gguf_number(g, "u64", &d), RJ_OK);
        assert_true(d == 0x1p64);
        assert_int_equal(rj_gguf_number(g, "f32", &d), RJ_OK);
        assert_true(d == 0.5);
        assert_int_equal(rj_gguf_number(g, "f64", &d), RJ_OK);
        assert_true(d == -1e300);
        assert_int_equal(rj_gguf_bool(g, "bool", &b), RJ_OK);
        assert_true(b);
        assert_int_equal(rj_gguf_string(g, "general.architecture", &s), RJ_OK);
        assert_int_equal(s.n, 5);
        assert_memory_equal(s.text, "llama", 5);
        rj_gguf_close(&g);
        assert_null(g);
    }
    assert_int_equal(rj_memory_live(), 0);
}

static void arrays_are_fresh_lists(void **x)
{
    rj_gguf *g = NULL;
    rj_span *text = NULL;
    int64_t *integer = NULL;
    double *number = NULL;
    ptrdiff_t n = 0;
    (void)x;
    opens((change){0}, &g);
    assert_int_equal(rj_gguf_strings(g, "tokens", &text, &n), RJ_OK);
    assert_int_equal(n, 3);
    assert_true(text[0].n == 3 && text[1].n == 0 && text[2].n == 5);
    assert_memory_equal(text[0].text, "one", 3);
    assert_memory_equal(text[2].text, "thr\0e", 5);
    assert_int_equal(rj_gguf_integers(g, "integers", &integer, &n), RJ_OK);
    assert_true(n == 2 && integer[0] == -1 && integer[1] == 7);
    assert_int_equal(rj_gguf_numbers(g, "numbers", &number, &n), RJ_OK);
    assert_true(n == 3 && number[0] == 1 && number[1] == 2.5 && number[2] == -3);
    rj_free(number);
    assert_int_equal(rj_gguf_numbers(g, "integers", &number, &n), RJ_OK);
    assert_true(n == 2 && number[0] == -1 && number[1] == 7);
    assert_true(rj_gguf_is_array(g, "tokens") && !rj_gguf_is_array(g, "u8") && !rj_gguf_is_array(g, "none"));
    assert_true(rj_gguf_has(g, "tokens") && !rj_gguf_has(g, "token") && !rj_gguf_has(g, "tokens2"));
    rj_free(text);
    rj_free(integer);
    rj_free(number);
    rj_gguf_close(&g);
    assert_int_equal(rj_memory_live(), 0);
}

static void values_of_another_type_are_refused(void **x)
{
    rj_gguf *g = NULL;
    int64_t i = 9, *list = NULL;
    double d = 9;
    bool b = true;
    rj_span s = {NULL, 9}, *text = NULL;
    ptrdiff_t n = 9;
    (void)x;
    opens((change){0}, &g);
    assert_int_equal(rj_gguf_integer(g, "none", &i), RJ_ERR_FORMAT);
    assert_non_null(strstr(rj_status_message(), "x.gguf: key none is missing"));
    assert_int_equal(rj_gguf_integer(g, "f32", &i), RJ_ERR_FORMAT);
    assert_non_null(strstr(rj_status_message(), "x.gguf: key f32 is of type f32, but an integer is needed"));
    assert_int_equal(rj_gguf_integer(g, "integers", &i), RJ_ERR_FORMAT);
    assert_non_null(strstr(rj_status_message(), "key integers is an array of i32, but an integer is needed"));
    assert_int_equal(rj_gguf_integer(g, "bool", &i), RJ_ERR_FORMAT);
    assert_int_equal(rj_gguf_integer(g, "u64", &i), RJ_ERR_FORMAT);
    assert_non_null(strstr(rj_status_message(), "key u64: item 0 is 18446744073709551615, but at most"));
    assert_int_equal(rj_gguf_number(g, "general.architecture", &d), RJ_ERR_FORMAT);
    assert_int_equal(rj_gguf_bool(g, "u8", &b), RJ_ERR_FORMAT);
    assert_int_equal(rj_gguf_string(g, "tokens", &s), RJ_ERR_FORMAT);
    assert_int_equal(rj_gguf_strings(g, "general.architecture", &text, &n), RJ_ERR_FORMAT);
    assert_non_null(strstr(rj_status_message(), "is of type string, but an array of strings is needed"));
    assert_int_equal(rj_gguf_integers(g, "numbers", &list, &n), RJ_ERR_FORMAT);
    assert_true(i == 9 && d == 9 && b && s.n == 9 && n == 9);
    assert_true(list == NULL && text == NULL);
    rj_gguf_close(&g);
}

static void tensors_have_shape_and_place(void **x)
{
    rj_gguf *g = NULL;
    ptrdiff_t n = 0;
    (void)x;
    opens((change){0}, &g);
    const rj_tensor *t = rj_gguf_tensors(g, &n);
    const uint64_t data = sample.n - 128 - 6;
    assert_int_equal(n, 3);
    assert_string_equal(t[0].name, "b");
    assert_true(t[0].dtype == RJ_DTYPE_F32 && t[0].n_dims == 2 && t[0].shape[0] == 2 && t[0].shape[1] == 3);
    assert_true(t[0].offset == data && t[0].n_bytes == 24);
    assert_string_equal(t[1].name, "a");
    assert_true(t[1].dtype == RJ_DTYPE_Q8_0 && t[1].n_dims == 3 && t[1].shape[0] == 2 && t[1].shape[1] == 1 &&
                t[1].shape[2] == 32);
    assert_true(t[1].offset == data + 32 && t[1].n_bytes == 68);
    assert_true(rj_tensor_rows(&t[1]) == 2 && rj_tensor_columns(&t[1]) == 32);
    assert_true(t[2].dtype == RJ_DTYPE_F16 && rj_tensor_rows(&t[2]) == 1 && rj_tensor_columns(&t[2]) == 3);
    rj_gguf_close(&g);
    opens((change){.ggml_type = 24}, &g);
    assert_true(rj_gguf_tensors(g, &n)[1].dtype == RJ_DTYPE_UNSUPPORTED);
    assert_string_equal(rj_gguf_tensors(g, &n)[1].type_name, "I8");
    rj_gguf_close(&g);
}

static void faults_are_named(void **x)
{
    static const char long_name[] = "0123456789012345678901234567890123456789012345678901234567890123";
    (void)x;
    refused((change){.version = 1}, "GGUF version 1, but 2 or 3 is needed");
    refused((change){.version = 4}, "GGUF version 4");
    refused((change){.version = 3u << 24}, "big-endian");
    refused((change){.n_keys = UINT64_MAX}, "18446744073709551615 keys and 3 tensors do not fit");
    refused((change){.n_tensors = 1 << 20}, "15 keys and 1048576 tensors do not fit");
    refused((change){.n_keys = N_KEYS + 1}, "x.gguf: ");
    refused((change){.key = "u8"}, "key u8 occurs twice");
    refused((change){.key = ""}, "the key at offset");
    refused((change){.value_type = 13}, "key bool: unknown value type 13");
    refused((change){.bool_value = 2}, "key bool: a bool at offset");
    refused((change){.string_length = UINT64_MAX},
            "key tokens: 18446744073709551615 items of 1 bytes at offset");
    refused((change){.array_type = ARRAY}, "key integers: an array of arrays");
    refused((change){.n_array = UINT64_MAX / 2}, "key integers: 9223372036854775807 items of 4 bytes");
    refused((change){.alignment = 24}, "key general.alignment is 24, but a power of two");
    refused((change){.tensor = ""}, "the tensor at offset");
    refused((change){.tensor = long_name}, "has a name of 64 bytes, but 1 to 63 are allowed");
    refused((change){.n_dims = 5}, "tensor a: 5 dimensions");
    refused((change){.dim = UINT64_MAX}, "tensor b: a dimension of 18446744073709551615");
    refused((change){.dim = UINT64_MAX / 2}, "tensor b: its number of elements overflows");
    refused((change){.dim = UINT64_MAX / 4}, "tensor b: its number of elements overflows");
    refused((change){.dim = UINT64_MAX / 8}, "tensor b has 18446744073709551608 bytes at");
    refused((change){.ggml_type = 4}, "tensor a: elements of type unknown (4) are not supported");
    refused((change){.ggml_type = 40}, "tensor a: elements of type NVFP4 (40) are not supported");
    refused((change){.ggml_type = 1u << 31}, "unknown (2147483648)");
    refused((change){.ggml_type = 12}, "tensor a: rows of 32 elements are no whole blocks of 256 (Q4_K)");
    refused((change){.offset = 33}, "tensor a begins at 33, which is no multiple of the alignment 32");
    refused((change){.offset = 1 << 20}, "but the file ends at");
    refused((change){.offset = UINT64_MAX - 31}, "tensor a has 68 bytes");
    refused((change){.dim = 9}, "but b ends at");
}

/* The smallest dimension is 1: 0 dimensions and dimensions of 0 are refused; the sample cannot say 0. */
static void zeros_are_refused(void **x)
{
    static bytes b;
    const uint64_t dim[2] = {0, 2};
    rj_gguf *g = NULL;
    (void)x;
    for (uint32_t n_dims = 0; n_dims <= 2; n_dims += 2) {
        put_gguf_head(&b, 3, 1, 0);
        put_tensor(&b, "a", n_dims, dim, 0, 0);
        put_padding(&b, 32);
        put_padding(&b, 64);
        assert_int_equal(rj_gguf_open(write_bytes(&b, "z.gguf"), &g), RJ_ERR_FORMAT);
        assert_non_null(strstr(rj_status_message(),
                               n_dims == 0 ? "tensor a: 0 dimensions" : "tensor a: a dimension of 0"));
    }
    put_gguf_head(&b, 3, 0, 1);
    put_string_key(&b, "a_b", "value");
    b.data[b.n - 5 - 8 - 4 - 2] = '\0'; /* the name is cut in two */
    assert_int_equal(rj_gguf_open(write_bytes(&b, "z.gguf"), &g), RJ_ERR_FORMAT);
    assert_non_null(strstr(rj_status_message(), "a NUL in the name"));
    put_gguf_head(&b, 3, 0, 0); /* nothing at all is well formed */
    assert_int_equal(rj_gguf_open(write_bytes(&b, "z.gguf"), &g), RJ_OK);
    assert_false(rj_gguf_has(g, "general.architecture"));
    rj_gguf_close(&g);
    b.data[0] = 'g';
    assert_int_equal(rj_gguf_open(write_bytes(&b, "z.gguf"), &g), RJ_ERR_FORMAT);
    assert_non_null(strstr(rj_status_message(), "does not begin with \"GGUF\""));
    assert_int_equal(rj_gguf_open(temporary_path("none.gguf"), &g), RJ_ERR_MISSING);
    assert_int_equal(rj_memory_live(), 0);
}

/* The file ends with its last tensor, so that each cut is a fault. */
static void every_truncation_is_refused(void **x)
{
    rj_gguf *g = NULL;
    (void)x;
    build(&sample, (change){0});
    for (size_t n = 0; n < sample.n; n++) {
        assert_int_equal(rj_gguf_open(temporary_file("cut.gguf", sample.data, n), &g), RJ_ERR_FORMAT);
        assert_int_equal(rj_memory_live(), 0);
    }
}

static void use_everything(const rj_gguf *g)
{
    static const char *const key[] = {
        "general.architecture", "u64", "f64", "bool", "tokens", "integers", "numbers"};
    for (size_t k = 0; k < sizeof key / sizeof *key; k++) {
        int64_t i = 0, *integers = NULL;
        double d = 0, *numbers = NULL;
        bool b = false;
        rj_span s = {NULL, 0}, *strings = NULL;
        ptrdiff_t n = 0;
        if (rj_gguf_integer(g, key[k], &i) == RJ_OK) assert_true(rj_gguf_has(g, key[k]));
        if (rj_gguf_number(g, key[k], &d) == RJ_OK) assert_true(rj_gguf_has(g, key[k]));
        if (rj_gguf_bool(g, key[k], &b) == RJ_OK) assert_true(rj_gguf_has(g, key[k]));
        if (rj_gguf_string(g, key[k], &s) == RJ_OK && s.n > 0) assert_true(s.text[s.n - 1] != 1);
        if (rj_gguf_strings(g, key[k], &strings, &n) == RJ_OK)
            for (ptrdiff_t j = 0; j < n; j++)
                assert_true(strings[j].n == 0 || strings[j].text[strings[j].n - 1] != 1);
        if (rj_gguf_integers(g, key[k], &integers, &n) == RJ_OK) assert_true(n >= 0);
        if (rj_gguf_numbers(g, key[k], &numbers, &n) == RJ_OK) assert_true(n >= 0);
        rj_free(strings);
        rj_free(integers);
        rj_free(numbers);
    }
}

/* A flipped bit is refused, or gives a file that is as good as another: then every value can be asked for. */
static void no_flipped_bit_does_harm(void **x)
{
    int fine = 0, bad = 0;
    (void)x;
    build(&sample, (change){0});
    for (size_t i = 0; i < 8 * (sample.n - 128 - 6); i++) {
        rj_gguf *g = NULL;
        sample.data[i / 8] ^= (uint8_t)(1u << i % 8);
        const rj_status st = rj_gguf_open(write_bytes(&sample, "flip.gguf"), &g);
        sample.data[i / 8] ^= (uint8_t)(1u << i % 8);
        assert_true(st == RJ_OK || st == RJ_ERR_FORMAT);
        if (st == RJ_OK) use_everything(g);
        fine += st == RJ_OK;
        bad += st != RJ_OK;
        rj_gguf_close(&g);
        assert_int_equal(rj_memory_live(), 0);
    }
    assert_true(fine > 500 && bad > 500);
}

/* A header of many pieces: it moves in memory while it is read. */
static void long_header_is_read_in_pieces(void **x)
{
    enum { N = 20000 };
    static bytes b;
    char word[32];
    rj_gguf *g = NULL;
    rj_span *text = NULL;
    ptrdiff_t n = 0;
    (void)x;
    put_gguf_head(&b, 3, 0, 2);
    put_array_key(&b, "tokens", STRING, N);
    for (int i = 0; i < N; i++) {
        snprintf(word, sizeof word, "token number %d", i);
        put_string(&b, word);
    }
    put_string_key(&b, "last", "end");
    assert_int_equal(rj_gguf_open(write_bytes(&b, "long.gguf"), &g), RJ_OK);
    assert_int_equal(rj_gguf_strings(g, "tokens", &text, &n), RJ_OK);
    assert_int_equal(n, N);
    for (int i = 0; i < N; i++) {
        snprintf(word, sizeof word, "token number %d", i);
        assert_int_equal(text[i].n, strlen(word));
        assert_memory_equal(text[i].text, word, text[i].n);
    }
    rj_free(text);
    rj_gguf_close(&g);
    assert_int_equal(rj_memory_live(), 0);
}

static void every_allocation_may_fail(void **x)
{
    rj_gguf *g = NULL;
    rj_status st = RJ_ERR_NOMEM;
    ptrdiff_t i = 0;
    (void)x;
    build(&sample, (change){0});
    const char *path = write_bytes(&sample, "x.gguf");
    for (; st != RJ_OK; i++) {
        rj_memory_fail_after(i);
        st = rj_gguf_open(path, &g);
        rj_memory_fail_after(-1);
        assert_true(st == RJ_OK || st == RJ_ERR_NOMEM);
        rj_gguf_close(&g);
        assert_int_equal(rj_memory_live(), 0);
    }
    assert_true(i > 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars_come_in_every_type),
        cmocka_unit_test(arrays_are_fresh_lists),
        cmocka_unit_test(values_of_another_type_are_refused),
        cmocka_unit_test(tensors_have_shape_and_place),
        cmocka_unit_test(faults_are_named),
        cmocka_unit_test(zeros_are_refused),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(no_flipped_bit_does_harm),
        cmocka_unit_test(long_header_is_read_in_pieces),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, temporary_begin, temporary_end);
}
