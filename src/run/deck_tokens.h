/* deck_tokens.h: the deck's keys tokens.mode, tokens.at, tokens.layers. Private to run. */
#ifndef RJ_DECK_TOKENS_H
#define RJ_DECK_TOKENS_H

#include "resjac/run/deck.h"
#include "yaml_tree.h"

/* Each replaces what was there. Errors of all: USAGE (place, value, what is allowed); NOMEM. */
RJ_CHECKED rj_status rj_deck_tokens_mode(const rj_yaml *v, rj_deck_tokens *tokens);
RJ_CHECKED rj_status rj_deck_tokens_at(const rj_yaml *v, rj_deck_tokens *tokens);
RJ_CHECKED rj_status rj_deck_tokens_layers(const rj_yaml *v, rj_deck_tokens *tokens);

/* Once all keys are read. Errors: USAGE at or layers without a mode that they are of. */
RJ_CHECKED rj_status rj_deck_tokens_settle(const char *deck, rj_deck_tokens *tokens);
void rj_deck_tokens_free(rj_deck_tokens *tokens);
#endif
