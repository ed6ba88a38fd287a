/* rope.c: frequencies in double as transformers defines them, one formula a kind. */
#include "resjac/model/rope.h"

#include <math.h>

#include "resjac/base/memory.h"

static const double PI = 3.14159265358979323846;

/* The pair that turns `rotations` times over the original context. */
static double yarn_pair(const rj_rope *r, double rotations)
{
    return r->n_rotary * log(r->original_context / (rotations * 2.0 * PI)) / (2.0 * log(r->theta));
}

static double yarn_mscale(double factor, double m)
{
    return factor <= 1.0 ? 1.0 : 0.1 * m * log(factor) + 1.0;
}

/* Fast pairs keep their frequency, slow ones are divided by factor, a ramp between. Peng et al., arXiv 2309.00071. */
static void yarn(const rj_rope *r, double *f)
{
    double low = yarn_pair(r, r->beta_fast), high = yarn_pair(r, r->beta_slow);

    if (r->truncate) low = floor(low), high = ceil(high);
    low = fmax(low, 0.0);
    high = fmin(high, r->n_rotary - 1.0);
    if (low == high) high += 0.001;
    for (int i = 0; i < r->n_rotary / 2; i++) {
        const double ramp = fmin(fmax((i - low) / (high - low), 0.0), 1.0);
        f[i] = f[i] / r->factor * ramp + f[i] * (1.0 - ramp);
    }
}

/* As yarn, with the ramp in the frequency. Llama 3.1. */
static void llama3(const rj_rope *r, double *f)
{
    for (int i = 0; i < r->n_rotary / 2; i++) {
        const double turns = r->original_context * f[i] / (2.0 * PI); /* over the original context */
        const double s = (turns - r->low_freq_factor) / (r->high_freq_factor - r->low_freq_factor);
        if (turns < r->low_freq_factor)
            f[i] /= r->factor;
        else if (turns <= r->high_freq_factor)
            f[i] = (1.0 - s) * f[i] / r->factor + s * f[i];
    }
}

static double attention_factor_of(const rj_rope *r)
{
    if (r->attention_factor > 0.0) return r->attention_factor;
    if (r->kind == RJ_ROPE_YARN)
        return r->mscale != 0.0 && r->mscale_all_dim != 0.0
                   ? yarn_mscale(r->factor, r->mscale) / yarn_mscale(r->factor, r->mscale_all_dim)
                   : yarn_mscale(r->factor, 1.0);
    if (r->kind == RJ_ROPE_LONGROPE && r->factor > 1.0)
        return sqrt(1.0 + log(r->factor) / log(r->original_context));
    return 1.0;
}

void rj_rope_frequencies(const rj_rope *r, int T, double *frequency, double *attention_factor)
{
    const double *stretch = T > r->original_context ? r->long_factor : r->short_factor;
    double theta = r->theta;

    if (r->kind == RJ_ROPE_DYNAMIC) /* a larger base beyond the original context */
        theta *= pow(r->factor * fmax(T, r->original_context) / r->original_context - (r->factor - 1.0),
                     r->n_rotary / (r->n_rotary - 2.0));
    for (int i = 0; i < r->n_rotary / 2; i++) {
        frequency[i] = 1.0 / pow(theta, 2.0 * i / r->n_rotary);
        if (r->kind == RJ_ROPE_LINEAR) frequency[i] /= r->factor;
        if (r->kind == RJ_ROPE_LONGROPE) frequency[i] /= stretch[i];
    }
    if (r->kind == RJ_ROPE_YARN) yarn(r, frequency);
    if (r->kind == RJ_ROPE_LLAMA3) llama3(r, frequency);
    for (int i = 0; r->divisor != NULL && i < r->n_rotary / 2; i++) frequency[i] /= r->divisor[i];
    *attention_factor = attention_factor_of(r);
}

rj_status rj_rope_table_new(const rj_rope *rope, int T, rj_rope_table *table)
{
    rj_status st = RJ_OK;
    const int n = rope->n_rotary / 2;
    rj_rope_table new = {.n_pairs = n, .T = T};
    double *frequency = NULL, factor = 1.0;

    RJ_NEW(frequency, n, 1);
    RJ_NEW(new.cosine, n, T);
    RJ_NEW(new.sine, n, T);
    rj_rope_frequencies(rope, T, frequency, &factor);
    for (int j = 0; j < T; j++)
        for (int i = 0; i < n; i++) {
            new.cosine[i + (ptrdiff_t)j * n] = factor *cos(j * frequency[i]);
            new.sine[i + (ptrdiff_t)j * n] = factor *sin(j * frequency[i]);
        }
    *table = new;
    new = (rj_rope_table){0};
done:
    RJ_FREE(frequency);
    rj_rope_table_free(&new);
    return st;
}

void rj_rope_table_free(rj_rope_table *table)
{
    RJ_FREE(table->cosine);
    RJ_FREE(table->sine);
}

void rj_rope_rotate(const rj_rope_table *table, int j, double *x)
{
    const int n = table->n_pairs;
    const double *c = table->cosine + (ptrdiff_t)j * n, *s = table->sine + (ptrdiff_t)j * n;

    for (int i = 0; i < n; i++) {
        const double a = x[i], b = x[i + n];
        x[i] = a * c[i] - b * s[i];
        x[i + n] = b * c[i] + a * s[i];
    }
}

void rj_rope_rotate_transpose(const rj_rope_table *table, int j, double *x)
{
    const int n = table->n_pairs;
    const double *c = table->cosine + (ptrdiff_t)j * n, *s = table->sine + (ptrdiff_t)j * n;

    for (int i = 0; i < n; i++) {
        const double a = x[i], b = x[i + n];
        x[i] = a * c[i] + b * s[i];
        x[i + n] = b * c[i] - a * s[i];
    }
}
