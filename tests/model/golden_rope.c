/* golden_rope.c: rotary frequencies of tests/golden/rope/rope_cases.json: a config.json each, transformers' answer. */
#include "checkpoints.h"

#include "resjac/model/rope.h"

static void check(const json_t *entry)
{
    const char *name = json_string_value(json_object_get(entry, "name"));
    const json_t *expected = json_object_get(entry, "inv_freq");
    const int n = (int)json_array_size(expected);
    rj_weights *w = NULL;
    rj_config config = {0};
    double f[64], factor = 0.0;

    assert_ok(rj_weights_open(config_only(json_object_get(entry, "config")), &w));
    assert_ok(rj_config_read(w, &config));
    assert_true(config.rope.n_rotary == 2 * n && n <= 64);
    rj_rope_frequencies(&config.rope, (int)json_integer_value(json_object_get(entry, "sequence_length")), f,
                        &factor);
    for (int i = 0; i < n; i++) {
        const double answer = json_number_value(json_array_get(expected, (size_t)i));
        if (!(fabs(f[i] - answer) <= 4e-15 * answer))
            fail_msg("%s: frequency %d is %.17g, not %.17g", name, i, f[i], answer);
    }
    const double answer = json_number_value(json_object_get(entry, "attention_factor"));
    if (!(fabs(factor - answer) <= 4e-16 * answer))
        fail_msg("%s: attention factor %.17g, not %.17g", name, factor, answer);
    rj_config_free(&config);
    rj_weights_close(&w);
}

static void frequencies_are_those_of_transformers(void **state)
{
    json_error_t error;
    size_t i;
    json_t *entry;

    (void)state;
    json_t *cases = json_load_file(golden("rope/rope_cases.json"), 0, &error);
    assert_true(json_array_size(cases) >= 20);
    json_array_foreach(cases, i, entry) check(entry);
    json_decref(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {unit(frequencies_are_those_of_transformers)};
    return cmocka_run_group_tests(tests, temporary_begin, temporary_end);
}
