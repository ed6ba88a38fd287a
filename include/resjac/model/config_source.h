/* config_source.h: what a configuration is read from; for config.c and its parts. */
#ifndef RESJAC_MODEL_CONFIG_SOURCE_H
#define RESJAC_MODEL_CONFIG_SOURCE_H

#include "resjac/model/family.h"

enum { RJ_SOURCE_NAME_SIZE = 1024 };

typedef struct {
    const rj_weights *weights;
    rj_format format;
    const rj_family *family;
    rj_json json;        /* the object with the keys: of config.json, or its text_config; else empty */
    const rj_gguf *gguf; /* NULL for safetensors */
    char file[RJ_SOURCE_NAME_SIZE]; /* for messages; json.path too */
} rj_config_source;

/* The object of config.json that would hold key "a.b" or "b", and "b" of it; NULL where there is no object a. */
const json_t *rj_source_object(const rj_config_source *s, const char *key, const char **last);

/* "<architecture>.<key>" of a GGUF file. */
void rj_source_key(const rj_config_source *s, const char *key, char name[RJ_SOURCE_NAME_SIZE]);

/* A number >= 0 of a GGUF file; *value stays where the key is absent. */
RJ_CHECKED rj_status rj_source_gguf_number(const rj_config_source *s, const char *key, double *value);

/* Whether the family reads that key; whether somebody checks it for the one value that is evaluated; whether some such key is
 * "<begin>..". */
bool rj_key_is_read(const rj_config_source *s, const char *name);
bool rj_key_is_checked(const rj_config_source *s, const char *name);
bool rj_key_is_outer(const rj_config_source *s, const char *begin);

/* Refuses the keys of config.json that nobody here knows, unless they are null. Errors: FORMAT (file, key). */
RJ_CHECKED rj_status rj_known_check(const rj_config_source *s);

/* Refuses the keys that change the mathematics and that the family does not read. Errors: FORMAT (file, key, value). */
RJ_CHECKED rj_status rj_neutral_check(const rj_config_source *s);

/* Which layers slide, from GPT-Neo's attention_types or a list of names (kind). Errors: FORMAT (file, key, entry). */
RJ_CHECKED rj_status rj_layers_read(const rj_config_source *s, rj_key_kind kind, const char *name,
                                    const json_t *list, rj_config *c);
/* From what is read, which layers slide where no list says. Errors: FORMAT too many layers; no window to slide. */
RJ_CHECKED rj_status rj_layers_derive(const rj_config_source *s, rj_config *c);

/* Parts of the next, for its files: a kind by its name (file, key: for messages), and one rope of a GGUF file, unchecked. */
RJ_CHECKED rj_status rj_rope_find_kind(const char *file, const char *key, const char *text, size_t n,
                                       rj_rope_kind *kind);
RJ_CHECKED rj_status rj_rope_read_gguf(const rj_config_source *s, bool local, const rj_config *config,
                                       rj_rope *r);

/* Reads and checks the rotary positions into config->rope and local_rope; needs d_head and max_context, and raises
 * max_context to what a scaling reaches. Their lists belong to the caller, also on error. */
RJ_CHECKED rj_status rj_rope_read(const rj_config_source *s, rj_config *config);
#endif
