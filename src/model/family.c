/* family.c: the table of families. Of those in the same files the first is found by what a file says. A new architecture is a row in a file of its own, family_<name>.c; what it needs beyond
 * is an operation. */
#include "resjac/model/family.h"

#include <string.h>

static const rj_family *const families[] = {
    &rj_family_llama, &rj_family_gpt2,     &rj_family_qwen2,      &rj_family_gemma3,   &rj_family_mistral,
    &rj_family_gemma, &rj_family_gemma2,   &rj_family_gptneox,    &rj_family_phi,      &rj_family_gptneo,
    &rj_family_olmo,  &rj_family_falcon,   &rj_family_mpt,        &rj_family_hf_olmo,  &rj_family_qwen3,
    &rj_family_olmo2, &rj_family_stablelm, &rj_family_phi3,       &rj_family_gptj,     &rj_family_opt,
    &rj_family_bloom, &rj_family_t5,       &rj_family_t5_decoder, &rj_family_t5_alone, &rj_family_mixtral};

enum { N_FAMILIES = sizeof families / sizeof *families };

static bool equals(const char *name, const char *text, size_t n)
{
    return name != NULL && strlen(name) == n && memcmp(name, text, n) == 0;
}

const rj_family *rj_family_of_model_type(const char *model_type)
{
    const size_t n = strlen(model_type);

    for (int i = 0; i < N_FAMILIES; i++)
        if (equals(families[i]->model_type, model_type, n) || equals(families[i]->wrapper, model_type, n))
            return families[i];
    return NULL;
}

const rj_family *rj_family_of_architecture(const char *text, size_t n, bool sparse)
{
    for (int i = 0; i < N_FAMILIES; i++)
        if (equals(families[i]->architecture, text, n) && families[i]->sparse == sparse) return families[i];
    return NULL;
}

const rj_family *rj_family_named(const char *name)
{
    for (int i = 0; i < N_FAMILIES; i++)
        if (strcmp(families[i]->name, name) == 0) return families[i];
    return NULL;
}

const char *rj_family_names(rj_format format)
{
    static char text[512];
    size_t n = 0;

    for (int i = 0; i < 2 * N_FAMILIES; i++) {
        const rj_family *f = families[i / 2];
        const char *type = i % 2 == 0 ? f->model_type : f->wrapper;
        const char *name = format == RJ_FORMAT_SAFETENSORS ? type : i % 2 == 0 ? f->architecture : NULL;
        const size_t length = name == NULL ? 0 : strlen(name);
        if (f->encoder != NULL || length == 0 || n + length + 3 > sizeof text) continue;
        if (n > 0) memcpy(text + n, ", ", 2), n += 2;
        memcpy(text + n, name, length + 1);
        n += length;
    }
    return text;
}
