/* roles.h: from a role of a family to a tensor's name, shape and need; for tensors.c. */
#ifndef RESJAC_MODEL_ROLES_H
#define RESJAC_MODEL_ROLES_H

#include "resjac/model/tensors.h"

typedef enum { RJ_WEIGHT = 0, RJ_BIAS, RJ_N_PARTS } rj_part;

/* Where a role stands: the block, 0 for roles without one; for those of an expert or of one head's norm, this of block and
 * expert or head. */
static inline int rj_expert_at(int layer, int expert)
{
    return layer + RJ_MAX_LAYERS * expert;
}

/* How often a model has a role's tensor, once a block, expert or head; [i] of them stands at rj_role_at. */
int rj_role_count(const rj_config *c, rj_role role);
int rj_role_at(const rj_config *c, rj_role role, int i);

/* Name of a tensor in a file of that format (prefix: of safetensors); "" where the family has none. */
void rj_role_name(const rj_family *family, rj_format format, const rj_prefix *prefix, rj_role role, int at,
                  rj_part part, char name[RJ_NAME_SIZE]);

/* The model's tensor; NULL where there is none. */
const rj_tensor *rj_role_find(const rj_model *model, rj_role role, int at, rj_part part);

/* Outputs and inputs of a linear layer; a norm has inputs only, and 0 outputs. */
void rj_role_shape(const rj_config *c, rj_role role, int *out, int *in);

/* Elements of one of its tensors; of a stack, of one expert or head. */
int64_t rj_role_elements(const rj_config *c, rj_role role, rj_part part);

/* Whether the model has it: a norm without parts has no tensor. */
bool rj_role_exists(const rj_model *model, rj_role role);

/* Whether a file of that format has query, key and value in one tensor. */
bool rj_role_is_fused(const rj_model *model, rj_format format);

/* Whether RJ_PLAIN_UP stands for RJ_UP in a file of that format. */
bool rj_role_is_plain(const rj_model *model, rj_format format);

/* Whether the model cannot do without that tensor in its file. */
bool rj_role_is_needed(const rj_model *model, rj_role role, rj_part part);

/* Whether a file of that format has all experts of a block in one tensor [n_expert,out,in], or the norms of all heads in one
 * [heads,in]. */
bool rj_role_is_stacked(const rj_family *family, rj_format format, rj_role role);

/* Whether each head may have a tensor of its own of that norm. */
bool rj_role_is_of_heads(const rj_family *family, rj_role role);

/* Where the outputs of a linear layer lie in a file of that format: in the tensor of `holder`, as rj_linear_source says. */
typedef struct {
    rj_role holder;
    int first, run, stride;
    bool transposed;
} rj_place;

rj_place rj_role_place(const rj_model *model, rj_format format, rj_role role);
#endif
