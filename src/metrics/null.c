/* null.c: expectations in closed form; their spread by draws that all blocks share. */
#include "resjac/metrics/null.h"

#include <math.h>
#include <stdio.h>

#include "resjac/base/clones.h"
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

/* A draw of X, Y [n,k] and Z [k,k], n = n_known, and what every block's misfit takes of it. A = X' diag(s) Y + c Z need not be
 * formed: ||A||_F^2 = s' G s + 2 c h's + c^2 ||Z||^2 with G = (XX') o (YY') and h = diag(X Z Y'), where o is by entries, and A's
 * diagonal is P s + c diag(Z), P(i,m) = X(m,i) Y(m,i). All double. */
typedef struct {
    int d, k, n_known;
    rj_matrix x, y, z;
    rj_matrix gram, other; /* [n,n]: G, YY' */
    rj_matrix xz;          /* [n,k]: X Z */
    rj_matrix p;           /* [k,n] */
    double *h;             /* [n] */
    double z_squares;
    double *vector; /* [max(n,k)]: scratch */
} draw;

static void draw_free(draw *w)
{
    rj_matrix *const all[] = {&w->x, &w->y, &w->z, &w->gram, &w->other, &w->xz, &w->p};

    RJ_FREE(w->vector);
    RJ_FREE(w->h);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) rj_matrix_free(all[i]);
}

static rj_status draw_new(int d, int k, int n_known, draw *w)
{
    rj_status st = RJ_OK;

    *w = (draw){.d = d, .k = k, .n_known = n_known};
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, n_known, k, &w->x));
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, n_known, k, &w->y));
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, k, k, &w->z));
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, n_known, n_known, &w->gram));
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, n_known, n_known, &w->other));
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, n_known, k, &w->xz));
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, k, n_known, &w->p));
    RJ_NEW(w->h, n_known, 1);
    RJ_NEW(w->vector, n_known > k ? n_known : k, 1);
done:
    return st;
}

/* a <- a o b, of one shape and without gaps */
RJ_CLONES static void multiply_entries(const rj_matrix *b, rj_matrix *a)
{
    const double *from = b->data;
    double *to = a->data;

    for (ptrdiff_t i = 0; i < (ptrdiff_t)a->rows * a->cols; i++) to[i] *= from[i];
}

/* G, h, P and ||Z||^2 of the draw; X becomes X o Y. */
static void draw_prepare(draw *w)
{
    const double *xz;

    rj_gemm('N', 'T', 1.0, &w->x, &w->x, 0.0, &w->gram);
    rj_gemm('N', 'T', 1.0, &w->y, &w->y, 0.0, &w->other);
    multiply_entries(&w->other, &w->gram);
    rj_gemm('N', 'N', 1.0, &w->x, &w->z, 0.0, &w->xz);
    multiply_entries(&w->y, &w->xz);
    multiply_entries(&w->y, &w->x);
    rj_matrix_transpose(&w->x, &w->p);
    xz = w->xz.data;
    for (int m = 0; m < w->n_known; m++) w->h[m] = 0.0;
    for (int b = 0; b < w->k; b++, xz += w->n_known)
        for (int m = 0; m < w->n_known; m++) w->h[m] += xz[m];
    const double length = rj_matrix_frobenius(&w->z);
    w->z_squares = length * length;
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
    draw_prepare(w);
}

/* y <- the leading n columns of M, M [rows,..], times s: column by column, so that rows are vectorised. */
RJ_CLONES static void times_leading(const rj_matrix *m, int rows, int n, const double *s, double *y)
{
    const double *column = m->data;

    for (int r = 0; r < rows; r++) y[r] = 0.0;
    for (int c = 0; c < n; c++, column += m->ld)
        for (int r = 0; r < rows; r++) y[r] += s[c] * column[r];
}

/* || |A| - S ||_F of this draw: ||A||_F^2 + sum_i s_i^2 - 2 s_i |A_ii|. It is never small beside ||s||, so that the difference
 * loses nothing that matters. */
static double draw_misfit(draw *w, const rj_null_spectrum *spectrum)
{
    const int n = spectrum->n;
    const double *s = spectrum->s, *z = w->z.data, noise = sqrt(fmax(spectrum->rest, 0.0)) / w->d;
    double square = noise * noise * w->z_squares;

    times_leading(&w->gram, n, n, s, w->vector);
    for (int m = 0; m < n; m++) square += s[m] * (w->vector[m] + 2.0 * noise * w->h[m]);
    times_leading(&w->p, w->k, n, s, w->vector);
    for (int i = 0; i < w->k; i++) {
        const double a = w->vector[i] + noise * z[(ptrdiff_t)i * (w->k + 1)];
        square += s[i] * (s[i] - 2.0 * fabs(a));
    }
    return sqrt(fmax(square, 0.0));
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
