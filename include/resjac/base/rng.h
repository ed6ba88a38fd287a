/* rng.h: counter-based random numbers (Philox4x32-10, Salmon et al., SC11): element i of stream (seed, name) is the same
 * whoever asks, in whatever order. */
#ifndef RESJAC_BASE_RNG_H
#define RESJAC_BASE_RNG_H

#include <stdint.h>

typedef struct {
    uint32_t key[2];
    uint32_t stream[2]; /* upper half of the counter */
} rj_rng;

/* The stream of a name: the seed is the key, a 64-bit hash of the name the upper half of the counter. */
rj_rng rj_rng_open(uint64_t seed, const char *name);

/* 128 bits of the stream; the block is the lower half of the counter. */
void rj_rng_bits(const rj_rng *r, uint64_t block, uint32_t out[4]);

/* Element i, in (0,1): the middle of one of 2^52 equal parts, from half i % 2 (words 0, 1 or 2, 3) of block i / 2. */
double rj_rng_uniform(const rj_rng *r, uint64_t i);

/* out[j] = standard normal element first + j, j < n, by Box-Muller in double: elements 2b and 2b + 1 are
 * sqrt(-2 ln u) (cos a, sin a) with u = uniform element 2b and a = pi/2 (q + h), where q is the upper two bits of the
 * second half of block b and h, in (-1/2, 1/2), the 52 below. The same bits on every machine: no libm is involved. */
void rj_rng_normals(const rj_rng *r, uint64_t first, uint64_t n, double *out);
#endif
