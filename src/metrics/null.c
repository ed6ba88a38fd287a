/* null.c: expectations in closed form; their spread by draws that all blocks share. */
#include "resjac/metrics/null.h"

#include <math.h>
#include <stdio.h>

#include "resjac/base/memory.h"
#include "resjac/base/rng.h"
#include "resjac/linalg/blas.h"

static const double mean_abs_normal = 0.79788456080286535588; /* E|z| = sqrt(2/pi) */
static const double root_half = 0.70710678118654752440;

double rj_null_norm(int k, const double *s, int p)
{
    double sum = 0.0;
    for (int i = 0; i < k; i++) sum += p == 1 ? s[i] : s[i] * s[i];
    return p == 1 ? sum : sqrt(sum);
}

static double root_over(double square, double norm)
{
    if (!(norm > 0.0)) return NAN;
    return square > 0.0 ? sqrt(square) / norm : square <= 0.0 ? 0.0 : NAN;
}

double rj_null_independent(int k, const double *s, double scale, double norm)
{
    double square = (double)k * k * scale * scale;
    for (int i = 0; i < k; i++) square += s[i] * (s[i] - 2.0 * mean_abs_normal * scale);
    return root_over(square, norm);
}

double rj_null_signed(int k, const double *s, double scale, double norm)
{
    double square = (double)k * k * scale * scale;
    for (int i = 0; i < k; i++) square += s[i] * s[i];
    return root_over(square, norm);
}

/* E|mu + sigma z| */
static double folded_mean(double mu, double sigma)
{
    if (!(sigma > 0.0)) return fabs(mu);
    const double t = mu / sigma;
    return sigma * mean_abs_normal * exp(-0.5 * t * t) + mu * erf(t * root_half);
}

double rj_null_conjugation(int k, const double *s, double tau, double sigma, const double *c_diagonal,
                           int stride, double c_squares, double norm)
{
    double square = tau * tau * c_squares + (double)k * k * sigma * sigma;
    for (int i = 0; i < k; i++)
        square += s[i] * (s[i] - 2.0 * folded_mean(tau * c_diagonal[(ptrdiff_t)i * stride], sigma));
    return root_over(square, norm);
}

/* One draw: X, Y [n_known,k] and Z [k,k], all doubles; scaled is scratch for diag(s) Y, a for A. */
typedef struct {
    int d, k, n_known;
    rj_matrix x, y, z, scaled, a;
} draw;

static void draw_free(draw *w)
{
    rj_matrix_free(&w->a);
    rj_matrix_free(&w->scaled);
    rj_matrix_free(&w->z);
    rj_matrix_free(&w->y);
    rj_matrix_free(&w->x);
}

static rj_status draw_new(int d, int k, int n_known, draw *w)
{
    rj_status st = RJ_OK;

    *w = (draw){.d = d, .k = k, .n_known = n_known};
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, n_known, k, &w->x));
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, n_known, k, &w->y));
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, k, k, &w->z));
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, n_known, k, &w->scaled));
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, k, k, &w->a));
done:
    return st;
}

/* Draw t of the stream; X and Y get variance 1/d. */
static void draw_fill(draw *w, const rj_rng *rng, int t)
{
    const uint64_t n_frame = (uint64_t)w->n_known * (uint64_t)w->k, n_noise = (uint64_t)w->k * (uint64_t)w->k;
    const uint64_t first = (uint64_t)t * (2 * n_frame + n_noise);

    rj_rng_normals(rng, first, n_frame, w->x.data);
    rj_rng_normals(rng, first + n_frame, n_frame, w->y.data);
    rj_rng_normals(rng, first + 2 * n_frame, n_noise, w->z.data);
    rj_matrix_scale(1.0 / w->d, &w->y); /* both factors d^(-1/2) at once */
}

/* || |A| - S ||_F of this draw, A = X' diag(s) Y + sqrt(rest)/d Z */
static double draw_misfit(draw *w, const rj_null_spectrum *spectrum)
{
    const int n = spectrum->n;
    const rj_matrix x = rj_matrix_block(&w->x, 0, 0, n, w->k), y = rj_matrix_block(&w->y, 0, 0, n, w->k);
    rj_matrix scaled = rj_matrix_block(&w->scaled, 0, 0, n, w->k);
    const double *a = w->a.data, noise = sqrt(fmax(spectrum->rest, 0.0)) / w->d;
    double square = 0.0;

    rj_matrix_copy(&y, &scaled);
    rj_matrix_scale_rows(spectrum->s, &scaled);
    rj_matrix_copy(&w->z, &w->a);
    rj_gemm('T', 'N', 1.0, &x, &scaled, noise, &w->a);
    for (int j = 0; j < w->k; j++)
        for (int i = 0; i < w->k; i++) {
            const double off = fabs(a[i + (ptrdiff_t)j * w->k]) - (i == j ? spectrum->s[i] : 0.0);
            square += off * off;
        }
    return sqrt(square);
}

/* With n - 1, two passes. */
static double deviation(int n, const double *x)
{
    double mean = 0.0, squares = 0.0;
    for (int i = 0; i < n; i++) mean += x[i] / n;
    for (int i = 0; i < n; i++) squares += (x[i] - mean) * (x[i] - mean);
    return sqrt(squares / (n - 1));
}

rj_status rj_null_deviation(int d, int k, int n_known, int p, uint64_t seed, int n_blocks,
                            const rj_null_spectrum *spectrum, double *sd)
{
    rj_status st = RJ_OK;
    draw w = {0};
    double *misfit = NULL; /* [RJ_NULL_DRAWS, n_blocks] */
    char name[48];

    for (int i = 0; i < n_blocks; i++)
        RJ_REQUIRE(spectrum[i].n <= n_known, RJ_ERR_ARG, "null of block %d: %d triplets, at most %d known", i,
                   spectrum[i].n, n_known);
    RJ_TRY(draw_new(d, k, n_known, &w));
    RJ_NEW(misfit, RJ_NULL_DRAWS, n_blocks);
    snprintf(name, sizeof name, "coupling null %d", k);
    const rj_rng rng = rj_rng_open(seed, name);
    for (int t = 0; t < RJ_NULL_DRAWS; t++) {
        draw_fill(&w, &rng, t);
        for (int i = 0; i < n_blocks; i++)
            if (spectrum[i].s != NULL && spectrum[i].n >= k)
                misfit[t + (ptrdiff_t)i * RJ_NULL_DRAWS] = draw_misfit(&w, &spectrum[i]);
    }
    for (int i = 0; i < n_blocks; i++) {
        const int defined = spectrum[i].s != NULL && spectrum[i].n >= k;
        const double norm = defined ? rj_null_norm(k, spectrum[i].s, p) : 0.0;
        sd[i] = norm > 0.0 ? deviation(RJ_NULL_DRAWS, misfit + (ptrdiff_t)i * RJ_NULL_DRAWS) / norm : NAN;
    }
done:
    RJ_FREE(misfit);
    draw_free(&w);
    return st;
}
