/* campaign_plan.h: the first part of a campaign. Private to run. */
#ifndef RJ_CAMPAIGN_PLAN_H
#define RJ_CAMPAIGN_PLAN_H

#include "campaign_finish.h"

/* Opens the study, makes the output's folders and manifest (but for a dry run), finds what is done, and chooses the teams.
 * Collective. Errors: those of rj_campaign_run up to the first unit. */
RJ_CHECKED rj_status rj_campaign_plan(const rj_campaign_options *options, campaign *c);
#endif
