/* tensors.h: an open model, and its tensors by role. */
#ifndef RESJAC_MODEL_TENSORS_H
#define RESJAC_MODEL_TENSORS_H

#include "resjac/model/family.h"
#include "resjac/model/linear.h"
#include "resjac/model/model.h"
#include "resjac/model/norm.h"
#include "resjac/model/relative.h"

enum { RJ_NAME_SIZE = 256 };

struct rj_model {
    rj_weights *weights;      /* of a decoder's encoder: the decoder's */
    struct rj_model *encoder; /* of a decoder; else NULL */
    const rj_family *family;
    rj_config config;
    const rj_prefix *prefix; /* of its safetensors names */
    const char *embedding;   /* its name if it is none of the family's stem, else NULL */
    bool fused;              /* its file has query, key and value in one tensor */
    bool random_init;
    uint64_t seed;
    int64_t n_parameters;
    rj_norm embedding_norm, final_norm;
    rj_linear project_in, project_out; /* in double; empty where the embedding has the stream's size */
};

/* Finds every tensor of the family and compares its shape, completes config (n_vocab, has_head; for GGUF biases,
 * shared_norm and tied_head) and counts the parameters. Errors: FORMAT a tensor is missing, of a wrong shape, of an element type that
 * cannot be read, or none of the family's (file, tensor). */
RJ_CHECKED rj_status rj_tensors_check(rj_model *model);

/* The weight of a role in a block (0 for roles without one; of an expert rj_expert_at) as rows: read, or drawn in a twin; of
 * stacked experts those of all. */
RJ_CHECKED rj_status rj_tensors_rows(const rj_model *model, rj_role role, int layer, rj_rows *rows);

RJ_CHECKED rj_status rj_tensors_linear(const rj_model *model, rj_role role, int layer, rj_arithmetic type,
                                       rj_linear *linear);
/* The three projections into attention; out of one tensor where a family has them beside each other. On error those read so far
 * are there, the others empty if they were. */
RJ_CHECKED rj_status rj_tensors_query_key_value(const rj_model *model, int layer, rj_arithmetic type,
                                                rj_linear linear[3]);
/* The bias of a role: out [n]. */
RJ_CHECKED rj_status rj_tensors_bias(const rj_model *model, rj_role role, int layer, int n, double *out);
/* The numbers of RJ_POSITION_BIAS. */
RJ_CHECKED rj_status rj_tensors_relative(const rj_model *model, rj_relative *relative);
/* A norm that the family does not have is one of d = 0. */
RJ_CHECKED rj_status rj_tensors_norm(const rj_model *model, rj_role role, int layer, rj_norm *norm);
#endif
