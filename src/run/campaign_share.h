/* campaign_share.h: what other runs on the same output have done or are doing. Private to run. */
#ifndef RJ_CAMPAIGN_SHARE_H
#define RJ_CAMPAIGN_SHARE_H

#include "campaign_finish.h"

/* Is this unit this run's to measure? Not if another run measures its model now, nor if its file is there meanwhile: then
 * the unit's state is UNIT_DONE. Not collective. */
bool rj_campaign_may_measure(campaign *c, campaign_unit *u);

/* This rank's share of the units that nobody of this run has measured: those that another run has stored meanwhile are done.
 * The last of several runs thus sees that all is there, and writes the final file. Not collective. */
void rj_campaign_look_again(campaign *c);
#endif
