/* deck_paths.h: paths and the list of models of a deck. Private to run. */
#ifndef RJ_DECK_PATHS_H
#define RJ_DECK_PATHS_H

#include "resjac/run/deck.h"
#include "yaml_tree.h"

/* A copy, freed with rj_free. */
RJ_CHECKED rj_status rj_text_copy(const char *text, char **copy);

/* A path of the deck: a leading ~ and $VAR or ${VAR} expanded (unset: MISSING), relative to `folder`. Frees the old *path. */
RJ_CHECKED rj_status rj_deck_path(const char *folder, const rj_yaml *value, char **path);

/* The list under `models`; globs expanded, names given and unique. Frees the old list. */
RJ_CHECKED rj_status rj_deck_models(const char *folder, const rj_yaml *value, int *n, rj_deck_model **model);
void rj_deck_models_free(int n, rj_deck_model **model);
#endif
