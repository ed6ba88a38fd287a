/* eight.h: vectors of eight numbers in single arithmetic, at any address. */
#ifndef RESJAC_LINALG_EIGHT_H
#define RESJAC_LINALG_EIGHT_H

enum { RJ_EIGHT = 8 };

typedef float rj_eight __attribute__((vector_size(RJ_EIGHT * sizeof(float)), aligned(sizeof(float))));

/* Eight of the sixteen elements of x (0..7) and y (8..15), by their numbers. */
#ifdef __clang__
#define RJ_PICK(x, y, ...) __builtin_shufflevector(x, y, __VA_ARGS__)
#else
typedef int rj_eight_picks __attribute__((vector_size(RJ_EIGHT * sizeof(int))));
#define RJ_PICK(x, y, ...) __builtin_shuffle(x, y, (rj_eight_picks){__VA_ARGS__})
#endif
#endif
