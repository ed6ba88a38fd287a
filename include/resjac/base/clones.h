/* clones.h: one function compiled for several vector widths; the loader takes the widest that the processor has. */
#ifndef RESJAC_BASE_CLONES_H
#define RESJAC_BASE_CLONES_H

/* Before a definition whose loops are passes over arrays. The bits stay those of the baseline: products and sums are never
 * fused (-ffp-contract=off), and the order of a sum is what the source says. Sanitizers cannot run the loader's choice,
 * and clang 14 gives the function another name. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(undefined_behavior_sanitizer)
#define RJ_NO_CLONES
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RJ_NO_CLONES
#endif

#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__) &&                 \
    !defined(RJ_NO_CLONES)
#define RJ_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
/* For the files that are compiled with contraction, whose bits are the processor's, as those of BLAS are. */
#define RJ_CLONES_FMA __attribute__((target_clones("fma", "default")))
/* A function of vectors of sixteen, called where the processor has them. */
#define RJ_SIXTEEN __attribute__((target("avx512f")))
#else
#define RJ_CLONES
#define RJ_CLONES_FMA
#endif
#endif
