/* family.h: a family of models as data: configuration keys, mathematics and tensor names. */
#ifndef RESJAC_MODEL_FAMILY_H
#define RESJAC_MODEL_FAMILY_H

#include <stddef.h>

#include "resjac/model/config.h"

enum { RJ_N_FORMATS = 2 }; /* tables are indexed by rj_format */

/* What a tensor is for. Those from RJ_ATTENTION_NORM on exist once a block. */
typedef enum {
    RJ_EMBEDDING = 0,
    RJ_FINAL_NORM,
    RJ_HEAD,
    RJ_ATTENTION_NORM,
    RJ_QUERY,
    RJ_KEY,
    RJ_VALUE,
    RJ_ATTENTION_OUT,
    RJ_MLP_NORM,
    RJ_GATE,
    RJ_UP,
    RJ_DOWN,
    RJ_N_ROLES
} rj_role;

typedef enum { RJ_KEY_INTEGER = 0, RJ_KEY_NUMBER, RJ_KEY_BOOL, RJ_KEY_ACTIVATION } rj_key_kind;

/* A configuration key and the field of rj_config that it fills; GGUF keys without "<architecture>.". */
typedef struct {
    const char *name[RJ_N_FORMATS]; /* NULL: this format has no such key, the fallback holds */
    double fallback[RJ_N_FORMATS];  /* of an absent key; NAN: the key is required */
    rj_key_kind kind;
    size_t field; /* offsetof(rj_config, ..) */
} rj_key;

/* A key that changes the mathematics, and the one value with which it does not: a number (0: also false, 1: also true),
 * or a text where text is not NULL (of a list: each entry). An absent or null key passes. NAN: no value passes. */
typedef struct {
    const char *name[RJ_N_FORMATS];
    double neutral;
    const char *text;
} rj_neutral;

typedef struct {
    const char *name;         /* model_type in config.json */
    const char *architecture; /* general.architecture in GGUF */
    rj_norm_kind norm;
    bool gated;
    const rj_key *keys;        /* up to one of all zeros */
    const rj_neutral *neutral; /* likewise */
    /* Stem of a tensor's name, "#" for the block; ".weight" and ".bias" follow. NULL: the family has no such tensor. */
    const char *stem[RJ_N_ROLES][RJ_N_FORMATS];
    const char *prefix;         /* of safetensors names, that a bare checkpoint lacks */
    const char *const *ignored; /* endings of tensors' names that hold nothing of the model, up to a NULL */
    bool gguf_interleaved;      /* rows of query and key in GGUF: h dh + 2 i + s holds h dh + s dh/2 + i */
} rj_family;

/* NULL where there is none. */
const rj_family *rj_family_of_model_type(const char *model_type);
const rj_family *rj_family_of_architecture(const char *text, size_t n);
/* "llama, .." of all families, for messages. */
const char *rj_family_names(rj_format format);

/* Activation of a configuration value; false where it is unknown. */
bool rj_activation_find(const char *name, rj_activation *activation);
const char *rj_activation_names(void);

/* The file that holds the configuration: config.json, or the GGUF file. Borrowed. */
const char *rj_config_file(const rj_weights *w);

/* Reads and checks the rotary positions of a file into config->rope; needs d_head and max_context, and raises max_context
 * to what a scaling reaches. config->rope's lists belong to the caller, also on error. */
RJ_CHECKED rj_status rj_rope_read(const rj_weights *w, const rj_family *family, rj_config *config);

/* Refuses the keys of family->neutral that have another value. Errors: FORMAT (file, key, value). */
RJ_CHECKED rj_status rj_neutral_check(const rj_weights *w, const rj_family *family);
#endif
