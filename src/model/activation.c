/* activation.c: activations, their slopes, and their names in configuration files (transformers' ACT2FN). */
#include <math.h>
#include <string.h>

#include "exponential.h"
#include "resjac/base/clones.h"
#include "resjac/model/family.h"
#include "resjac/model/mlp.h"

static const double SQRT_2 = 1.41421356237309504880, SQRT_2_OVER_PI = 0.79788456080286535588,
                    SQRT_2PI = 2.50662827463100050242;

static double sigmoid(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

/* Constant c of the tanh forms: act = x/2 (1 + tanh(c (x + 0.044715 x^3))). */
static double tanh_constant(rj_activation a)
{
    return a == RJ_ACT_GELU_FAST ? 0.7978845608 : a == RJ_ACT_GELU_BLOOM ? 0.79788456 : SQRT_2_OVER_PI;
}

double rj_activation_value(rj_activation a, double x)
{
    switch (a) {
    case RJ_ACT_SILU:
        return x * sigmoid(x);
    case RJ_ACT_GELU:
        return 0.5 * x * (1.0 + erf(x / SQRT_2));
    case RJ_ACT_GELU_TANH:
    case RJ_ACT_GELU_FAST:
    case RJ_ACT_GELU_BLOOM:
        return 0.5 * x * (1.0 + tanh(tanh_constant(a) * (x + 0.044715 * x * x * x)));
    case RJ_ACT_QUICK_GELU:
        return x * sigmoid(1.702 * x);
    case RJ_ACT_RELU:
        return x > 0.0 ? x : 0.0;
    }
    return NAN;
}

static double gelu_tanh_slope(double c, double x)
{
    const double t = tanh(c * (x + 0.044715 * x * x * x));
    return 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * c * (1.0 + 3.0 * 0.044715 * x * x);
}

double rj_activation_slope(rj_activation a, double x)
{
    switch (a) {
    case RJ_ACT_SILU: {
        const double s = sigmoid(x);
        return s * (1.0 + x * (1.0 - s));
    }
    case RJ_ACT_GELU:
        return 0.5 * (1.0 + erf(x / SQRT_2)) + x * exp(-0.5 * x * x) / SQRT_2PI;
    case RJ_ACT_GELU_TANH:
    case RJ_ACT_GELU_FAST:
    case RJ_ACT_GELU_BLOOM:
        return gelu_tanh_slope(tanh_constant(a), x);
    case RJ_ACT_QUICK_GELU: {
        const double s = sigmoid(1.702 * x);
        return s + 1.702 * x * s * (1.0 - s);
    }
    case RJ_ACT_RELU:
        return x > 0.0 ? 1.0 : 0.0;
    }
    return NAN;
}

/* y <- x / (1 + exp(-c x)) */
RJ_CLONES static void values_sigmoid(double c, int n, const double *x, double *y)
{
    for (int i = 0; i < n; i++) y[i] = x[i] / (1.0 + rj_exponential(-c * x[i]));
}

/* (1 + tanh z)/2 = 1 / (1 + exp(-2 z)) */
RJ_CLONES static void values_tanh(double c, int n, const double *x, double *y)
{
    for (int i = 0; i < n; i++)
        y[i] = x[i] / (1.0 + rj_exponential(-2.0 * c * (x[i] + 0.044715 * x[i] * x[i] * x[i])));
}

void rj_activation_values(rj_activation a, int n, const double *x, double *y)
{
    switch (a) {
    case RJ_ACT_SILU:
        values_sigmoid(1.0, n, x, y);
        return;
    case RJ_ACT_QUICK_GELU:
        values_sigmoid(1.702, n, x, y);
        return;
    case RJ_ACT_GELU_TANH:
    case RJ_ACT_GELU_FAST:
    case RJ_ACT_GELU_BLOOM:
        values_tanh(tanh_constant(a), n, x, y);
        return;
    case RJ_ACT_GELU:
    case RJ_ACT_RELU:
        for (int i = 0; i < n; i++) y[i] = rj_activation_value(a, x[i]);
        return;
    }
}

static const struct {
    const char *name;
    rj_activation activation;
} names[] = {
    {"silu", RJ_ACT_SILU},
    {"swish", RJ_ACT_SILU},
    {"gelu", RJ_ACT_GELU},
    {"gelu_python", RJ_ACT_GELU},
    {"gelu_new", RJ_ACT_GELU_TANH},
    {"gelu_accurate", RJ_ACT_GELU_TANH},
    {"gelu_pytorch_tanh", RJ_ACT_GELU_TANH},
    {"gelu_fast", RJ_ACT_GELU_FAST},
    {"quick_gelu", RJ_ACT_QUICK_GELU},
    {"relu", RJ_ACT_RELU},
};

bool rj_activation_find(const char *name, rj_activation *activation)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i].name, name) == 0) {
            *activation = names[i].activation;
            return true;
        }
    return false;
}

const char *rj_activation_names(void)
{
    return "silu, swish, gelu, gelu_python, gelu_new, gelu_accurate, gelu_pytorch_tanh, gelu_fast, "
           "quick_gelu, relu";
}
