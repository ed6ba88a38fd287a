/* deck_layout.h: the deck's keys layout.team, layout.stages, layout.grid. Private to run. */
#ifndef RJ_DECK_LAYOUT_H
#define RJ_DECK_LAYOUT_H

#include "resjac/run/deck.h"
#include "yaml_tree.h"

/* Errors of all: USAGE (place, value, what is allowed). */
RJ_CHECKED rj_status rj_deck_layout_team(const rj_yaml *v, rj_deck_layout *layout);
RJ_CHECKED rj_status rj_deck_layout_stages(const rj_yaml *v, rj_deck_layout *layout);
RJ_CHECKED rj_status rj_deck_layout_grid(const rj_yaml *v, rj_deck_layout *layout);

/* Once all keys are read: what the three say together. Errors: USAGE they contradict each other. */
RJ_CHECKED rj_status rj_deck_layout_settle(const char *deck, rj_deck_layout *layout);
#endif
