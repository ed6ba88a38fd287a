/* activation.c: names of activations in configuration files (transformers' ACT2FN). */
#include <string.h>

#include "resjac/model/family.h"

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
