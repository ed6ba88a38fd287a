/* test_catalogue_sizes.c: of every model of input/models.csv: blocks, width and parameters follow from its configuration alone.
 * configs.json has what the published config.json files say, as far as sizes and mathematics go. */
#include "checkpoints.h"

#include <glob.h>

#include "resjac/base/csv.h"
#include "resjac/base/file.h"
#include "resjac/model/family.h"

enum { MODELS = 114, CONFIGS = 85 };

static int row_of(const rj_csv *csv, const char *model)
{
    for (int i = 0; i < rj_csv_rows(csv); i++)
        if (strcmp(rj_csv_cell(csv, i, rj_csv_find(csv, "model")), model) == 0) return i;
    fail_msg("%s is not in the catalogue", model);
    return -1;
}

static long long number(const rj_csv *csv, int row, const char *column)
{
    return atoll(rj_csv_cell(csv, row, rj_csv_find(csv, column)));
}

static void compare(const rj_csv *csv, const char *model, const rj_config *c, int64_t n)
{
    const int row = row_of(csv, model);
    const long long wanted = number(csv, row, "parameters");

    if (n != wanted) fail_msg("%s: %lld parameters, the catalogue has %lld", model, (long long)n, wanted);
    assert_true(c->n_layer == number(csv, row, "layers") && c->d == number(csv, row, "width"));
    const char *family = strcmp(c->family, "t5_decoder") == 0 ? "t5" : c->family;
    assert_string_equal(family, rj_csv_cell(csv, row, rj_csv_find(csv, "family")));
    if (number(csv, row, "context") > c->max_context)
        fail_msg("%s: context %d, the catalogue has %lld", model, c->max_context,
                 number(csv, row, "context"));
}

/* One line of configs.json: a configuration, and the models that have it; of a T5 with its decoder. Returns how many were
 * compared. */
static int check(const rj_csv *csv, const json_t *line)
{
    const json_t *config = json_object_get(line, "config"), *models = json_object_get(line, "models");
    const char *path = temporary_path("config.json");
    rj_config c = {0};
    int64_t n = 0;

    assert_int_equal(json_dump_file(config, path, 0), 0);
    const char *type = json_string_value(json_object_get(config, "model_type"));
    const rj_stack stack = strcmp(type, "t5") == 0 ? RJ_STACK_DECODER : RJ_STACK_DEFAULT;
    assert_ok(rj_model_count_stack(path, stack, &c, &n));
    for (size_t i = 0; i < json_array_size(models); i++)
        compare(csv, json_string_value(json_array_get(models, i)), &c, n);
    rj_config_free(&c);
    return (int)json_array_size(models);
}

static void every_model_of_the_catalogue(void **state)
{
    char *text = NULL;
    size_t n = 0;
    rj_csv *csv = NULL;
    int n_compared = 0;
    json_t *list = json_load_file(golden("../model/configs.json"), 0, NULL);

    (void)state;
    assert_int_equal(json_array_size(list), CONFIGS);
    assert_ok(rj_file_load(golden("../../input/models.csv"), 1 << 20, &text, &n));
    assert_ok(rj_csv_parse("models.csv", text, n, &csv));
    assert_int_equal(rj_csv_rows(csv), MODELS);
    for (size_t i = 0; i < json_array_size(list); i++) n_compared += check(csv, json_array_get(list, i));
    assert_int_equal(n_compared, MODELS);
    json_decref(list);
    rj_csv_free(&csv);
    rj_free(text);
}

/* The count of the configuration alone is that of the tensors, in every golden folder. */
static void as_the_tensors_say(void **state)
{
    glob_t found;

    (void)state;
    assert_int_equal(glob(golden("*/config.json"), 0, NULL, &found), 0);
    assert_true(found.gl_pathc >= 30);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char path[1024];
        rj_config c = {0};
        int64_t n = 0;
        rj_model *model = NULL;

        snprintf(path, sizeof path, "%s", found.gl_pathv[i]);
        *strrchr(path, '/') = '\0';
        assert_ok(rj_model_open(path, false, 0, &model));
        assert_ok(rj_model_count(path, &c, &n));
        if (n != rj_model_parameters(model))
            fail_msg("%s: %lld parameters, its tensors have %lld", path, (long long)n,
                     (long long)rj_model_parameters(model));
        assert_int_equal(c.n_vocab, rj_model_config(model)->n_vocab);
        rj_config_free(&c);
        rj_model_close(&model);
    }
    globfree(&found);
}

static void what_cannot_be_counted(void **state)
{
    rj_config c = {0};
    int64_t n = 5;
    rj_model *model = NULL;

    (void)state;
    temporary_file("config.json", "{\"model_type\": \"gpt2\"}", strlen("{\"model_type\": \"gpt2\"}"));
    assert_int_equal(rj_model_count(temporary_path("config.json"), &c, &n), RJ_ERR_FORMAT);
    assert_non_null(strstr(rj_status_message(), "key \"vocab_size\" is missing"));
    temporary_file("config.json", "{\"model_type\": \"gpt2\", \"vocab_size\": 0}", 39);
    assert_int_equal(rj_model_count(temporary_path("config.json"), &c, &n), RJ_ERR_FORMAT);
    assert_non_null(strstr(rj_status_message(), "vocab_size = 0, needs 1..268435455"));
    assert_int_equal(rj_model_count(golden("llama_base/model-F16.gguf"), &c, &n), RJ_ERR_FORMAT);
    assert_non_null(strstr(rj_status_message(), "a GGUF file has no config.json to count by"));
    temporary_file("config.json", "{\"model_type\": \"gpt2\", \"vocab_size\": 7}", 39);
    assert_int_equal(rj_model_open(temporary_path("config.json"), false, 0, &model), RJ_ERR_FORMAT);
    assert_non_null(strstr(rj_status_message(), "is missing; gpt2 needs it"));
    assert_true(n == 5 && c.family == NULL && model == NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_model_of_the_catalogue),
        cmocka_unit_test(as_the_tensors_say),
        cmocka_unit_test(what_cannot_be_counted),
    };
    return cmocka_run_group_tests(tests, temporary_begin, temporary_end);
}
