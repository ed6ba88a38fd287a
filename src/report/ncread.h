/* ncread.h: checked reads from a final file: a variable is where and shaped as the output contract says, or is named. */
#ifndef RESJAC_REPORT_NCREAD_H
#define RESJAC_REPORT_NCREAD_H

#include <stddef.h>

#include "resjac/base/status.h"
#include "resjac/store/record.h"

/* A group of an open file. All borrowed. */
typedef struct {
    int id;
    const char *file, *name; /* name: "/" or the model's */
} rj_ncread;

/*   id [out] close it with nc_close; untouched on error
 * Not collective, as all of these. Errors: MISSING; FORMAT not NetCDF, damaged (seal.h, claims.h); IO; NOMEM. */
RJ_CHECKED rj_status rj_ncread_open(const char *path, int *id);

/* RJ_OK, or the status of a NetCDF error code: NOMEM; IO an error of the system; else FORMAT. */
RJ_CHECKED rj_status rj_ncread_check(int error, const rj_ncread *group, const char *what);

/* Errors: FORMAT no such dimension. */
RJ_CHECKED rj_status rj_ncread_size(const rj_ncread *group, const char *dim, ptrdiff_t *size);

/* Rows first..first+n-1 of the first dimension (all of the others), as double; the fill value becomes NAN.
 *   dims [in]  its dimensions, "prompt,layer,sv"
 *   data [out] room for n times the product of the other dimensions, row-major
 * Errors: FORMAT no such variable, other dimensions, not numeric; IO. */
RJ_CHECKED rj_status rj_ncread_rows(const rj_ncread *group, const char *variable, const char *dims,
                                    ptrdiff_t first, ptrdiff_t n, double *data);

/* The same of a block: count[i] elements from start[i] on of each of the variable's dimensions.
 * Errors: also ARG a block that reaches over the end. */
RJ_CHECKED rj_status rj_ncread_block(const rj_ncread *group, const char *variable, const char *dims,
                                     const ptrdiff_t *start, const ptrdiff_t *count, double *data);

/* A char variable (dim, any length), "model", or "measure,benchmark", each row a NUL-terminated text cut to RJ_NAME_SIZE - 1 bytes.
 *   n [in] the product of its dimensions but the last
 * Errors: FORMAT no such variable, not so; IO; NOMEM. */
RJ_CHECKED rj_status rj_ncread_texts(const rj_ncread *group, const char *variable, const char *dim,
                                     ptrdiff_t n, char (*text)[RJ_NAME_SIZE]);

/* An attribute of the group as text (numbers separated by ", "), freed by rj_free. Errors: FORMAT; NOMEM. */
RJ_CHECKED rj_status rj_ncread_attribute(const rj_ncread *group, const char *attribute, char **text);
#endif
