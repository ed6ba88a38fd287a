/* campaign_share.c: the files tell what is done; leases only keep two runs from doing it at once. */
#include "campaign_share.h"

#include <stdio.h>

#include "resjac/base/log.h"
#include "resjac/run/lease.h"

/* Trouble with a stored file is not this unit's: it is measured, and storing it will tell. */
static bool is_stored(const campaign *c, campaign_unit *u)
{
    const rj_shard_head head = rj_study_head(c->study, u->model, u->unit);
    bool done = false;
    int n_missing = 0;

    if (rj_shard_is_done(c->units_folder, &head, &done, &n_missing) != RJ_OK)
        rj_log(RJ_LOG_WARN, "%s", rj_status_message());
    if (!done) return false;
    u->state = UNIT_DONE;
    u->n_missing = n_missing;
    return true;
}

bool rj_campaign_may_measure(campaign *c, campaign_unit *u)
{
    const rj_study_model *m = &c->study->model[u->model];
    char name[RJ_NAME_SIZE + 32];

    snprintf(name, sizeof name, "%s-%.16s", m->facts.name, m->key[0]);
    const bool ours = rj_lease_take(c->leases, u->model, name);
    return !is_stored(c, u) && ours;
}

void rj_campaign_look_again(campaign *c)
{
    for (int i = c->rank; i < c->n_units; i += c->size)
        if (c->unit[i].state == UNIT_PENDING) is_stored(c, &c->unit[i]);
}
