/* narrow.h: products with eight columns in single arithmetic, which BLAS does at half its speed or less: it packs the large
 * factor anew for each. */
#ifndef RESJAC_LINALG_NARROW_H
#define RESJAC_LINALG_NARROW_H

#include "resjac/linalg/matrix.h"

enum { RJ_NARROW = 8 };

/* c <- alpha op(a) b + beta c, b and c RJ_NARROW columns wide, op 'N' or 'T', all RJ_SINGLE and of matching shapes.
 * Each element is a sum in an order that shape, op and processor alone decide; c is not read where beta is 0. */
void rj_narrow_product(char op, float alpha, const rj_matrix *a, const rj_matrix *b, float beta,
                       rj_matrix *c);

/* The same on any processor, and where op(a) is a' and too large for its cache. */
void rj_narrow_by_rows(char op, float alpha, const rj_matrix *a, const rj_matrix *b, float beta,
                       rj_matrix *c);
#endif
