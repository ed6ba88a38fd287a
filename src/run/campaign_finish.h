/* campaign_finish.h: the state of a campaign, and its end: agreement, books, final file. Private to run. */
#ifndef RJ_CAMPAIGN_FINISH_H
#define RJ_CAMPAIGN_FINISH_H

#include "resjac/run/campaign.h"
#include "resjac/run/claim.h"
#include "resjac/run/lease.h"
#include "resjac/run/score_stage.h"
#include "resjac/run/stop.h"
#include "resjac/run/study.h"

typedef enum { UNIT_PENDING = 0, UNIT_DONE, UNIT_FAILED } unit_state; /* the larger wins between ranks */

typedef struct {
    int model, unit;
    double cost; /* relative */
    unit_state state;
    int n_missing; /* prompts of it that were left out */
} campaign_unit;

/* The gravest failure of one model on this rank, then on all. */
typedef struct {
    rj_status code;
    char why[RJ_MESSAGE_SIZE];
} campaign_failure;

typedef struct {
    MPI_Comm comm;
    int rank, size;
    const rj_deck *deck;
    rj_study *study;
    char *folder, *units_folder; /* <output>.d and its units */
    bool *selected;              /* [models] by --only */
    int n_units;
    campaign_unit *unit; /* [n_units], in the order of claims */
    int n_done, n_pending;
    int *pending, *list;       /* [n_units] indices of units to do; of those that teams claim from now */
    int n_before;              /* units of earlier lists */
    campaign_failure *failure; /* [models] */
    rj_claim claim;
    rj_leases *leases;
    rj_stop stop;
    int64_t memory;                               /* bytes a rank */
    double start, unit_start, longest_unit, told; /* seconds; told: when status.json was last written */
    double planned_seconds;                       /* of the units to do, up to the final file; rank 0 */
    int64_t planned_memory;                       /* bytes of the fullest rank; rank 0 */
    rj_status worst;                              /* trouble with the output, agreed */
    bool same_manifest, was_complete; /* rank 0: nothing has changed since the last run, which finished */
    char manifest_sha256[65];         /* rank 0 */
    rj_score_stage *scores;           /* rank 0 */
} campaign;

/* Agrees on what became of every unit, writes the final file where nothing is pending, status.json, and the table of costs.
 * Collective. */
RJ_CHECKED rj_status rj_campaign_finish(const rj_campaign_options *options, campaign *c);
#endif
