/* dots.h: A' B in single arithmetic where B has few columns. Both factors are read along their columns, as they lie in memory; BLAS
 * packs the large one anew for each product. */
#ifndef RESJAC_LINALG_DOTS_H
#define RESJAC_LINALG_DOTS_H

#include "resjac/linalg/matrix.h"

/* Columns up to which this is the faster way; rows and columns up to which a small product is. */
enum { RJ_FEW = 32, RJ_SMALL = 64 };

/* c <- alpha a' b + beta c, all RJ_SINGLE and of matching shapes. Each element is a sum of eight partial sums, 1024 terms at a
 * time, whatever the number of rows and columns; c is not read where beta is 0. */
void rj_dots_product(float alpha, const rj_matrix *a, const rj_matrix *b, float beta, rj_matrix *c);
#endif
