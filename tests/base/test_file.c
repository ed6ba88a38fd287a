/* test_file.c: ranges against the file's size, paths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>

#include "../temporary.h"
#include "resjac/base/file.h"
#include "resjac/base/memory.h"

static void reads_what_lies_there(void **x)
{
    rj_file *file = NULL;
    char part[4] = "";
    (void)x;
    assert_int_equal(rj_file_open(temporary_file("abc", "abcdef", 6), &file), RJ_OK);
    assert_int_equal(rj_file_size(file), 6);
    assert_string_equal(rj_file_path(file), temporary_path("abc"));
    assert_int_equal(rj_file_read(file, 2, 3, part), RJ_OK);
    assert_string_equal(part, "cde");
    assert_int_equal(rj_file_read(file, 6, 0, part), RJ_OK);
    rj_file_close(&file);
    assert_null(file);
    rj_file_close(&file);
    assert_int_equal(rj_memory_live(), 0);
}

static void range_beyond_the_end_is_refused(void **x)
{
    static const struct {
        uint64_t offset;
        size_t n;
    } bad[] = {{3, 4}, {7, 0}, {0, 7}, {UINT64_MAX, 2}, {2, SIZE_MAX}, {UINT64_MAX, SIZE_MAX}};
    rj_file *file = NULL;
    char part[8] = "same";
    (void)x;
    assert_int_equal(rj_file_open(temporary_file("abc", "abcdef", 6), &file), RJ_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(rj_file_read(file, bad[i].offset, bad[i].n, part), RJ_ERR_FORMAT);
    assert_int_equal(rj_file_read(file, 3, 4, part), RJ_ERR_FORMAT);
    assert_non_null(
        strstr(rj_status_message(), "abc: 4 bytes at offset 3 reach beyond the end of the file at 6"));
    assert_string_equal(part, "same");
    assert_int_equal(truncate(temporary_path("abc"), 4), 0);
    assert_int_equal(rj_file_read(file, 2, 4, part), RJ_ERR_IO);
    assert_non_null(strstr(rj_status_message(), "ends at offset 4 but had 6 bytes"));
    rj_file_close(&file);
}

static void only_regular_files_are_opened(void **x)
{
    rj_file *file = NULL;
    (void)x;
    assert_int_equal(rj_file_open(temporary_path("none"), &file), RJ_ERR_MISSING);
    assert_non_null(strstr(rj_status_message(), "none: cannot open: No such file"));
    temporary_file("abc", "", 0);
    assert_int_equal(rj_file_open(temporary_path("abc/inner"), &file), RJ_ERR_MISSING);
    assert_int_equal(rj_file_open(temporary_folder, &file), RJ_ERR_FORMAT);
    assert_non_null(strstr(rj_status_message(), "not a regular file but a folder"));
    assert_int_equal(rj_file_open("/dev/null", &file), RJ_ERR_FORMAT);
    assert_int_equal(mkfifo(temporary_path("fifo"), 0600), 0);
    assert_int_equal(rj_file_open(temporary_path("fifo"), &file), RJ_ERR_FORMAT); /* and does not wait */
    assert_null(file);
    assert_int_equal(rj_memory_live(), 0);
}

static void load_has_a_limit_and_ends_in_nul(void **x)
{
    const char *path = temporary_file("text", "line\n", 5);
    char *text = NULL;
    size_t n = 0;
    (void)x;
    assert_int_equal(rj_file_load(path, 4, &text, &n), RJ_ERR_FORMAT);
    assert_non_null(strstr(rj_status_message(), "text: 5 bytes, but at most 4"));
    assert_null(text);
    assert_int_equal(rj_file_load(path, 5, &text, &n), RJ_OK);
    assert_int_equal(n, 5);
    assert_string_equal(text, "line\n");
    RJ_FREE(text);
    for (ptrdiff_t i = 0; i < 3; i++) {
        rj_memory_fail_after(i);
        assert_int_equal(rj_file_load(path, 5, &text, &n), RJ_ERR_NOMEM);
        rj_memory_fail_after(-1);
        assert_int_equal(rj_memory_live(), 0);
    }
}

static void paths_are_joined_and_taken_apart(void **x)
{
    static const char *const joined[][3] = {{"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"/", "b", "/b"},
                                            {"a", "/b", "/b"}, {"", "b", "b"},     {"a/b", "c/d", "a/b/c/d"}};
    static const char *const folder[][2] = {{"a/b", "a"},  {"a", "."}, {"/a", "/"}, {"a/b/", "a"},
                                            {"a//b", "a"}, {"/", "/"}, {"", "."},   {"/a/b/c.gguf", "/a/b"}};
    char *path = NULL;
    (void)x;
    for (size_t i = 0; i < sizeof joined / sizeof *joined; i++) {
        assert_int_equal(rj_path_join(joined[i][0], joined[i][1], &path), RJ_OK);
        assert_string_equal(path, joined[i][2]);
        RJ_FREE(path);
    }
    for (size_t i = 0; i < sizeof folder / sizeof *folder; i++) {
        assert_int_equal(rj_path_folder(folder[i][0], &path), RJ_OK);
        assert_string_equal(path, folder[i][1]);
        RJ_FREE(path);
    }
    assert_int_equal(rj_memory_live(), 0);
}

static void folders_are_made_with_their_parents(void **x)
{
    (void)x;
    assert_int_equal(rj_path_make_folder(temporary_path("one/two//three/")), RJ_OK);
    assert_true(rj_path_is_folder(temporary_path("one/two/three")));
    assert_int_equal(rj_path_make_folder(temporary_path("one/two")), RJ_OK); /* it is there */
    temporary_file("one/file", "", 0);
    assert_true(rj_path_exists(temporary_path("one/file")));
    assert_false(rj_path_is_folder(temporary_path("one/file")));
    assert_int_equal(rj_path_make_folder(temporary_path("one/file")), RJ_ERR_CREATE);
    assert_non_null(strstr(rj_status_message(), "one/file: Not a directory"));
    assert_int_equal(rj_path_make_folder(temporary_path("one/file/deep")), RJ_ERR_CREATE);
    assert_int_equal(rj_path_make_folder(""), RJ_ERR_CREATE);
    assert_int_equal(rj_memory_live(), 0);
}

/* A folder with a longer name is another one; links count by where they lead. */
static void inside_is_told_behind_links(void **x)
{
    (void)x;
    assert_int_equal(rj_path_make_folder(temporary_path("in/deep")), RJ_OK);
    assert_int_equal(rj_path_make_folder(temporary_path("inner")), RJ_OK);
    temporary_file("in/deep/a", "", 0);
    temporary_file("inner/b", "", 0);
    assert_int_equal(symlink("../inner/b", temporary_path("in/link")), 0);
    assert_int_equal(symlink("in/deep", temporary_path("alias")), 0);
    assert_true(rj_path_is_inside(temporary_path("in/deep/a"), temporary_path("in")));
    assert_true(rj_path_is_inside(temporary_path("alias/a"), temporary_path("in")));
    assert_true(rj_path_is_inside(temporary_path("in/deep/a"), temporary_path("alias")));
    assert_true(rj_path_is_inside(temporary_path("in"), "/"));
    assert_false(rj_path_is_inside(temporary_path("inner/b"), temporary_path("in")));
    assert_false(rj_path_is_inside(temporary_path("in/link"), temporary_path("in")));
    assert_false(rj_path_is_inside(temporary_path("in/none"), temporary_path("in")));
    assert_false(rj_path_is_inside(temporary_path("in/deep/a"), temporary_path("none")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_lies_there),
        cmocka_unit_test(range_beyond_the_end_is_refused),
        cmocka_unit_test(only_regular_files_are_opened),
        cmocka_unit_test(load_has_a_limit_and_ends_in_nul),
        cmocka_unit_test(paths_are_joined_and_taken_apart),
        cmocka_unit_test(folders_are_made_with_their_parents),
        cmocka_unit_test(inside_is_told_behind_links),
    };
    return cmocka_run_group_tests(tests, temporary_begin, temporary_end);
}
