/* content.h: what a NetCDF file says, whatever its compression, chunks or byte order: for hashing and comparing.
 * Private to store. */
#ifndef RESJAC_STORE_CONTENT_H
#define RESJAC_STORE_CONTENT_H

#include "ncfile.h"
#include "resjac/base/hash.h"

enum { RJ_CONTENT_DIMS = 8, RJ_CONTENT_SLAB = 1 << 20 /* bytes */, RJ_CONTENT_DEPTH = 8 };

typedef struct {
    int group, id;
    char name[NC_MAX_NAME + 1];
    nc_type type;
    size_t width; /* bytes of an element */
    int n_dims;
    int dim[RJ_CONTENT_DIMS];
    size_t shape[RJ_CONTENT_DIMS];
    bool nondeterministic;
} rj_content_variable;

/* A part of a variable, at most RJ_CONTENT_SLAB bytes or one element. */
typedef struct {
    size_t start[RJ_CONTENT_DIMS], count[RJ_CONTENT_DIMS];
    size_t first, n; /* elements before it, and in it */
} rj_content_slab;

/* Errors of all: FORMAT a type that resjac never writes, too many dimensions, a broken file; IO; NOMEM. */
RJ_CHECKED rj_status rj_content_variable_at(const rj_nc *nc, int group, int id,
                                            rj_content_variable *variable);
/* Slabs in row-major order: starts with *slab = {0}; false after the last. */
bool rj_content_next(const rj_content_variable *variable, rj_content_slab *slab);
/* Little endian, each NaN the same bits. `buffer` has RJ_CONTENT_SLAB bytes. */
RJ_CHECKED rj_status rj_content_read(const rj_nc *nc, const rj_content_variable *variable,
                                     const rj_content_slab *slab, unsigned char *buffer);
/* One attribute in the same form; freed by rj_free. */
RJ_CHECKED rj_status rj_content_attribute(const rj_nc *nc, int group, int variable, const char *name,
                                          nc_type *type, size_t *n_bytes, unsigned char **value);
/* Names, sorted bytewise, of the attributes that count: not content_sha256, nor those that the root's
 * nondeterministic_attributes lists; the same for the groups of a group. Freed by rj_free. */
typedef char rj_content_name[NC_MAX_NAME + 1];
RJ_CHECKED rj_status rj_content_attributes(const rj_nc *nc, int group, int variable, int *n,
                                           rj_content_name **name);
RJ_CHECKED rj_status rj_content_groups(const rj_nc *nc, int group, int *n, rj_content_name **name);

RJ_CHECKED rj_status rj_content_hash(const rj_nc *nc, char text[RJ_HASH_TEXT]);
/* Errors: also FORMAT content_sha256 is missing, or is not the hash of the content (both values). */
RJ_CHECKED rj_status rj_content_check(const rj_nc *nc);
#endif
