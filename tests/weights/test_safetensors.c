/* test_safetensors.c: the format's rules, every truncation, every flipped bit of the header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "byte_builder.h"
#include "resjac/base/memory.h"
#include "resjac/weights/safetensors.h"

static bytes file;

/* Header and n bytes of data that count up. */
static const char *build(const char *header, size_t n)
{
    put_safetensors_head(&file, header);
    for (size_t i = 0; i < n; i++) put_integer(&file, i, 1);
    return write_bytes(&file, "x.safetensors");
}

static void refused(const char *header, size_t n, const char *message)
{
    rj_safetensors *s = NULL;
    assert_int_equal(rj_safetensors_open(build(header, n), &s), RJ_ERR_FORMAT);
    assert_null(s);
    assert_non_null(strstr(rj_status_message(), "x.safetensors: "));
    if (strstr(rj_status_message(), message) == NULL)
        fail_msg("\"%s\" is not in: %s", message, rj_status_message());
    assert_int_equal(rj_memory_live(), 0);
}

static const char sample[] =
    "{\"__metadata__\": {\"format\": \"pt\", \"note\": \"x\"},"
    "\"b\": {\"dtype\": \"BF16\", \"shape\": [2, 3], \"data_offsets\": [4, 16]},"
    "\"mask\": {\"dtype\": \"BOOL\", \"shape\": [1, 1, 2, 2], \"data_offsets\": [16, 20]},"
    "\"empty\": {\"dtype\": \"F32\", \"shape\": [0, 5], \"data_offsets\": [4, 4]},"
    "\"scalar\": {\"dtype\": \"F32\", \"shape\": [], \"data_offsets\": [0, 4]}}   ";
enum { DATA = 20 };

static void tensors_come_by_offset(void **x)
{
    rj_safetensors *s = NULL;
    ptrdiff_t n = 0;
    (void)x;
    assert_int_equal(rj_safetensors_open(build(sample, DATA), &s), RJ_OK);
    const rj_tensor *t = rj_safetensors_tensors(s, &n);
    const uint64_t data = 8 + strlen(sample);
    assert_int_equal(n, 4);
    assert_string_equal(t[0].name, "scalar");
    assert_true(t[0].n_dims == 0 && rj_tensor_rows(&t[0]) == 1 && rj_tensor_columns(&t[0]) == 1);
    assert_true(t[0].dtype == RJ_DTYPE_F32 && t[0].offset == data && t[0].n_bytes == 4);
    assert_string_equal(t[1].name, "empty");
    assert_true(t[1].n_bytes == 0 && rj_tensor_rows(&t[1]) == 0 && rj_tensor_columns(&t[1]) == 5);
    assert_string_equal(t[2].name, "b");
    assert_true(t[2].dtype == RJ_DTYPE_BF16 && t[2].n_dims == 2 && t[2].shape[0] == 2 && t[2].shape[1] == 3);
    assert_true(t[2].offset == data + 4 && t[2].n_bytes == 12);
    assert_string_equal(t[3].name, "mask");
    assert_true(t[3].dtype == RJ_DTYPE_UNSUPPORTED && rj_tensor_rows(&t[3]) == 1 &&
                rj_tensor_columns(&t[3]) == 4);
    assert_string_equal(t[3].type_name, "BOOL");
    rj_safetensors_close(&s);
    assert_null(s);
    assert_int_equal(rj_memory_live(), 0);
}

/* A file of one tensor "a" with this entry. */
static void entry_refused(const char *entry, size_t n, const char *message)
{
    char header[512];
    snprintf(header, sizeof header, "{\"a\": %s}", entry);
    refused(header, n, message);
}

static void faulty_entries_are_named(void **x)
{
    (void)x;
    entry_refused("7", 0, "tensor \"a\": its entry is no object");
    entry_refused("{\"shape\": [1], \"data_offsets\": [0, 4]}", 4, "tensor \"a\": no \"dtype\"");
    entry_refused("{\"dtype\": \"F32\\u0000\", \"shape\": [1], \"data_offsets\": [0, 4]}", 4,
                  "tensor \"a\": no \"dtype\"");
    entry_refused("{\"dtype\": \"F33\", \"shape\": [1], \"data_offsets\": [0, 4]}", 4,
                  "tensor \"a\": unknown dtype \"F33\"");
    entry_refused("{\"dtype\": \"F32\", \"data_offsets\": [0, 4]}", 4, "tensor \"a\": \"shape\" is no array");
    entry_refused("{\"dtype\": \"F32\", \"shape\": [-1], \"data_offsets\": [0, 4]}", 4,
                  "item 0 of \"shape\" is no size");
    entry_refused("{\"dtype\": \"F32\", \"shape\": [1.0], \"data_offsets\": [0, 4]}", 4,
                  "item 0 of \"shape\" is no size");
    entry_refused("{\"dtype\": \"F32\", \"shape\": [1,1,1,1,1], \"data_offsets\": [0, 4]}", 4,
                  "\"shape\" has 5 items, but at most 4");
    entry_refused("{\"dtype\": \"F32\", \"shape\": [1]}", 4, "\"data_offsets\" is no array");
    entry_refused("{\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [4]}", 4, "are not [begin, end]");
    entry_refused("{\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [4, 0]}", 4,
                  "are not [begin, end]");
    entry_refused("{\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [0, 4, 8]}", 4, "has 3 items");
    entry_refused("{\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [0, 4]}", 4,
                  "span 4 bytes, but shape and F32 need 8");
    entry_refused("{\"dtype\": \"F4\", \"shape\": [3], \"data_offsets\": [0, 1]}", 1,
                  "3 elements of F4 fill no whole bytes");
    entry_refused("{\"dtype\": \"F32\", \"shape\": [4294967296, 4294967296], \"data_offsets\": [0, 4]}", 4,
                  "overflows");
    entry_refused("{\"dtype\": \"F32\", \"shape\": [0, 4294967296, 4294967296], \"data_offsets\": [0, 0]}", 0,
                  "overflows");
    entry_refused("{\"dtype\": \"F32\", \"shape\": [4611686018427387904], \"data_offsets\": [0, 0]}", 0,
                  "overflows");
}

static void layout_has_no_hole_overlap_or_rest(void **x)
{
#define A "\"a\": {\"dtype\": \"U8\", \"shape\": [4], \"data_offsets\": [0, 4]}, "
    (void)x;
    refused("{" A "\"b\": {\"dtype\": \"U8\", \"shape\": [2], \"data_offsets\": [5, 7]}}", 7,
            "tensor \"b\" begins at 5, but the one before it (\"a\") ends at 4: a hole");
    refused("{" A "\"b\": {\"dtype\": \"U8\", \"shape\": [4], \"data_offsets\": [3, 7]}}", 7,
            "\"b\" begins at 3, but the one before it (\"a\") ends at 4: they overlap");
    refused("{" A "\"b\": {\"dtype\": \"U8\", \"shape\": [4], \"data_offsets\": [0, 4]}}", 4, "they overlap");
    refused("{" A "\"b\": {\"dtype\": \"U8\", \"shape\": [4], \"data_offsets\": [4, 8]}}", 7,
            "tensor \"b\" ends at 8, but the data at 7");
    refused("{" A "\"b\": {\"dtype\": \"U8\", \"shape\": [4], \"data_offsets\": [4, 8]}}", 9,
            "the tensors end at 8, but the data at 9");
    refused("{\"b\": {\"dtype\": \"U8\", \"shape\": [4], \"data_offsets\": [1, 5]}}", 5,
            "begins at 1, but the one before it (\"none\") ends at 0");
    refused("{" A "\"a\": 1}", 4, "duplicate object key");
}

static void metadata_is_checked(void **x)
{
    (void)x;
    refused("{\"__metadata__\": 1}", 0, "__metadata__ is no object");
    refused("{\"__metadata__\": {\"k\": 1}}", 0, "__metadata__: \"k\" is no string");
    refused("{\"__metadata__\": {\"format\": \"tf\"}}", 0, "format is \"tf\", but \"pt\" is needed");
}

static void header_is_bounded(void **x)
{
    rj_safetensors *s = NULL;
    (void)x;
    refused("", 0, "the header does not begin with {");
    refused("[]", 0, "the header does not begin with {");
    refused("{", 0, "line 1");
    file.n = 0;
    put_integer(&file, 100000001, 8);
    assert_int_equal(rj_safetensors_open(write_bytes(&file, "x"), &s), RJ_ERR_FORMAT);
    assert_non_null(
        strstr(rj_status_message(), "a header of 100000001 bytes, but the format allows 100000000"));
    file.n = 0;
    put_integer(&file, 3, 8);
    put(&file, "{}", 2);
    assert_int_equal(rj_safetensors_open(write_bytes(&file, "x"), &s), RJ_ERR_FORMAT);
    assert_non_null(strstr(rj_status_message(), "a header of 3 bytes in a file of 10"));
    assert_int_equal(rj_safetensors_open(temporary_path("none"), &s), RJ_ERR_MISSING);
    assert_int_equal(rj_safetensors_open(build("{}", 0), &s), RJ_OK); /* nothing at all is well formed */
    rj_safetensors_close(&s);
    assert_int_equal(rj_memory_live(), 0);
}

static void every_truncation_is_refused(void **x)
{
    rj_safetensors *s = NULL;
    (void)x;
    build(sample, DATA);
    for (size_t n = 0; n < file.n; n++) {
        assert_int_equal(rj_safetensors_open(temporary_file("cut", file.data, n), &s), RJ_ERR_FORMAT);
        assert_int_equal(rj_memory_live(), 0);
    }
}

/* A flipped bit is refused, or gives a file that is as good as another: its tensors fill the data exactly. */
static void no_flipped_bit_does_harm(void **x)
{
    int fine = 0, bad = 0;
    (void)x;
    build(sample, DATA);
    for (size_t i = 0; i < 8 * (file.n - DATA); i++) {
        rj_safetensors *s = NULL;
        ptrdiff_t n = 0;
        uint64_t sum = 0;
        file.data[i / 8] ^= (uint8_t)(1u << i % 8);
        const rj_status st = rj_safetensors_open(write_bytes(&file, "flip"), &s);
        file.data[i / 8] ^= (uint8_t)(1u << i % 8);
        assert_true(st == RJ_OK || st == RJ_ERR_FORMAT);
        if (st == RJ_OK) {
            const rj_tensor *t = rj_safetensors_tensors(s, &n);
            for (ptrdiff_t k = 0; k < n; k++) sum += t[k].n_bytes;
            assert_int_equal(sum, DATA);
        }
        fine += st == RJ_OK;
        bad += st != RJ_OK;
        rj_safetensors_close(&s);
        assert_int_equal(rj_memory_live(), 0);
    }
    assert_true(fine > 50 && bad > 500);
}

static void every_allocation_may_fail(void **x)
{
    const char *path = build(sample, DATA);
    rj_safetensors *s = NULL;
    rj_status st = RJ_ERR_NOMEM;
    ptrdiff_t i = 0;
    (void)x;
    for (; st != RJ_OK; i++) {
        rj_memory_fail_after(i);
        st = rj_safetensors_open(path, &s);
        rj_memory_fail_after(-1);
        assert_true(st == RJ_OK || st == RJ_ERR_NOMEM);
        rj_safetensors_close(&s);
        assert_int_equal(rj_memory_live(), 0);
    }
    assert_true(i > 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensors_come_by_offset),
        cmocka_unit_test(faulty_entries_are_named),
        cmocka_unit_test(layout_has_no_hole_overlap_or_rest),
        cmocka_unit_test(metadata_is_checked),
        cmocka_unit_test(header_is_bounded),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(no_flipped_bit_does_harm),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, temporary_begin, temporary_end);
}
