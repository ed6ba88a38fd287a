/* rng.h: counter-based random numbers (Philox4x32-10, Salmon et al., SC11): element i of stream (seed, name) is the same
 * whoever asks, in whatever order. */
#ifndef RESJAC_BASE_RNG_H
#define RESJAC_BASE_RNG_H

#include <stdint.h>

typedef struct {
    uint32_t key[2];
    uint32_t stream[2]; /* upper half of the counter */
} rj_rng;

rj_rng rj_rng_open(uint64_t seed, const char *name);            /* the stream of a name */
void rj_rng_bits(const rj_rng *r, uint64_t block, uint32_t out[4]); /* 128 bits of the stream */
double rj_rng_uniform(const rj_rng *r, uint64_t i);             /* (0,1), 53 bits */
/* out[j] = standard normal element first + j, j < n (Box-Muller on pairs, in double). */
void rj_rng_normals(const rj_rng *r, uint64_t first, uint64_t n, double *out);
#endif
