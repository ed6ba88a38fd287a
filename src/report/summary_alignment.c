/* summary_alignment.c: one pair of blocks at a time: a whole matrix of all pairs may be large. */
#include "summary_alignment.h"

#include <math.h>
#include <netcdf.h>
#include <string.h>

#include "resjac/base/memory.h"

static const char name[] = "alignment_matrix", dims[] = "aprompt,layer,layer_j,i,j";

ptrdiff_t rj_summary_choose_blocks(ptrdiff_t L, ptrdiff_t block[RJ_SUMMARY_GRID])
{
    const ptrdiff_t n = L < RJ_SUMMARY_GRID ? L : RJ_SUMMARY_GRID;

    block[0] = 0;
    for (ptrdiff_t g = 1; g < n; g++) block[g] = (2 * g * (L - 1) + n - 1) / (2 * (n - 1)); /* rounded */
    return n;
}

static rj_status read_pairs(const rj_ncread *group, ptrdiff_t row, const rj_summary *m, double *magnitude)
{
    rj_status st = RJ_OK;
    const ptrdiff_t n = m->n_directions;

    for (ptrdiff_t i = 0; i < m->n_grid; i++)
        for (ptrdiff_t j = 0; j < m->n_grid; j++) {
            const ptrdiff_t start[] = {row, m->grid[i], m->grid[j], 0, 0}, count[] = {1, 1, 1, n, n};
            double *pair = magnitude + (i * m->n_grid + j) * n * n;
            RJ_TRY(rj_ncread_block(group, name, dims, start, count, pair));
            for (ptrdiff_t e = 0; e < n * n; e++) pair[e] = fabs(pair[e]);
        }
done:
    return st;
}

static rj_status read_prompts(const rj_ncread *group, const double *prompt_status, ptrdiff_t n_rows,
                              rj_summary *m)
{
    rj_status st = RJ_OK;
    char(*id)[RJ_NAME_SIZE] = NULL;
    double *index = NULL;

    RJ_NEW(id, n_rows, 1);
    RJ_NEW(index, n_rows, 1);
    RJ_NEW(m->alignment, RJ_SUMMARY_ALIGNMENTS, 1);
    RJ_TRY(rj_ncread_texts(group, "aprompt_id", "aprompt", n_rows, id));
    RJ_TRY(rj_ncread_rows(group, "aprompt_index", "aprompt", 0, n_rows, index));
    for (ptrdiff_t row = 0; row < n_rows && m->n_alignments < RJ_SUMMARY_ALIGNMENTS; row++) {
        rj_summary_alignment *a = &m->alignment[m->n_alignments];
        RJ_REQUIRE(0 <= index[row] && index[row] < (double)m->n_prompts, RJ_ERR_FORMAT,
                   "%s, group %s: aprompt_index[%td] is %g, but there are %td prompts", group->file,
                   group->name, row, index[row], m->n_prompts);
        if (prompt_status[(ptrdiff_t)index[row]] != 0.0) continue;
        RJ_NEW(a->magnitude, m->n_grid * m->n_grid, m->n_directions * m->n_directions);
        m->n_alignments++;
        memcpy(a->prompt, id[row], sizeof a->prompt);
        RJ_TRY(read_pairs(group, row, m, a->magnitude));
    }
done:
    RJ_FREE(index);
    RJ_FREE(id);
    return st;
}

rj_status rj_summary_read_alignment(const rj_ncread *group, const double *prompt_status, rj_summary *m)
{
    rj_status st = RJ_OK;
    ptrdiff_t n_rows = 0;
    int id = 0;

    if (nc_inq_varid(group->id, name, &id) != NC_NOERR) goto done;
    RJ_TRY(rj_ncread_size(group, "aprompt", &n_rows));
    RJ_TRY(rj_ncread_size(group, "i", &m->n_directions));
    RJ_REQUIRE(1 <= m->n_directions && m->n_directions <= RJ_ALIGNMENT_MOST, RJ_ERR_FORMAT,
               "%s, group %s: dimension `i` is %td, needs 1..%d", group->file, group->name, m->n_directions,
               RJ_ALIGNMENT_MOST);
    m->n_grid = rj_summary_choose_blocks(m->L, m->grid);
    RJ_TRY(read_prompts(group, prompt_status, n_rows, m));
done:
    return st;
}
