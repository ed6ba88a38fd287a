/* layout.h: the dimensions and variables of one model's group, in a shard or in the final file. Private to store. */
#ifndef RESJAC_STORE_LAYOUT_H
#define RESJAC_STORE_LAYOUT_H

#include "ncfile.h"
#include "resjac/store/record.h"
#include "resjac/store/results.h"

/* What a group holds: a shard has every variable per prompt and no means. */
typedef enum {
    RJ_LAYOUT_NONE = RJ_PER_PROMPT_NONE,
    RJ_LAYOUT_COUPLING = RJ_PER_PROMPT_COUPLING,
    RJ_LAYOUT_ALL = RJ_PER_PROMPT_ALL,
    RJ_LAYOUT_SUMMARY = RJ_PER_PROMPT_SUMMARY,
    RJ_LAYOUT_SHARD
} rj_layout_kind;

/* Ids of what is defined; -1 where a variable is left out. */
typedef struct {
    int group;
    int part
        [RJ_N_MODES]; /* the group of each mode: `group` itself, then those inside it, -1 where a mode is not measured */
    rj_layout_kind kind;
    rj_sizes sizes;
    int dim[RJ_N_DIMS];
    int value[RJ_N_VARIABLES], mean[RJ_N_VARIABLES], sd[RJ_N_VARIABLES];
    int prompt_id, prompt_sha256;
    int aprompt_id, aprompt_index; /* -1 where no alignment matrix is kept */
} rj_layout;

enum { RJ_PROMPT_CHUNK = 16, RJ_SHA256_SIZE = 64 };

/* Defines all of it and fills the coordinates: layer, layer_j, depth, sv, k_count, k_label, token, token_j.
 *   sizes [in] sizes[PROMPT] = prompts of the group
 *   head  [in] its K and tokens */
RJ_CHECKED rj_status rj_layout_define(const rj_nc *nc, int group, rj_layout_kind kind, const rj_sizes *sizes,
                                      const rj_shard_head *head, rj_layout *layout);
/* After the ids of groups have changed: those of a layout whose own group is `group` now. */
RJ_CHECKED rj_status rj_layout_regroup(const rj_nc *nc, int group, rj_layout *layout);
/* The group of a mode inside a model's. Errors: FORMAT it is not there. */
RJ_CHECKED rj_status rj_layout_part(const rj_nc *nc, int group, rj_mode mode, int *part);
/* The same ids from a file in which all is defined, its variables made ready for collective puts where it is shared. */
RJ_CHECKED rj_status rj_layout_find(const rj_nc *nc, int group, rj_layout_kind kind, const rj_sizes *sizes,
                                    rj_layout *layout);
/* All values of a record, its first prompt at `first`, its first alignment matrix at `first_aligned`. Collective on a shared file: each rank its record, or NULL; an
 * error of one rank does not keep it from the puts of the others.
 * Errors: ARG a value that an integer variable cannot hold; IO; NOMEM. */
RJ_CHECKED rj_status rj_layout_put(const rj_nc *nc, const rj_layout *layout, size_t first,
                                   size_t first_aligned, const rj_record *record);
/* Lets go of the library's caches of chunks, which else last until the file is closed. No-op on a shared file. */
RJ_CHECKED rj_status rj_layout_release(const rj_nc *nc, const rj_layout *layout);
/* At most the bytes that such a group takes on disk. */
uint64_t rj_layout_bytes(rj_layout_kind kind, const rj_sizes *sizes);

/* Values of a shard. Errors: FORMAT a variable is missing, has other dimensions, or holds what it must not. */
RJ_CHECKED rj_status rj_layout_get(const rj_nc *nc, rj_record *record);

/* Defines (or finds, in the groups above) the dimension string128 or string64. */
RJ_CHECKED rj_status rj_layout_string(const rj_nc *nc, int group, int size, int *dim);
nc_type rj_layout_type(rj_value_type type);
/* Where the values of n rows (of the first dimension) of a variable lie; returns the number of dimensions. */
int rj_layout_slab(rj_variable_id id, const rj_sizes *sizes, size_t first, size_t n, size_t start[5],
                   size_t count[5]);
bool rj_layout_has(rj_layout_kind kind, rj_variable_id id); /* per prompt */
#endif
