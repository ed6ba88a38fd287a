/* shard_head.h: a shard's head read without its values. Private to store. */
#ifndef RESJAC_STORE_SHARD_HEAD_H
#define RESJAC_STORE_SHARD_HEAD_H

#include "ncfile.h"
#include "resjac/store/shard.h"

#define RJ_SHARD_FORMAT "resjac shard 1"

/* As rj_shard_read, but the values are neither read nor is the content hash computed: shard->record is NULL.
 *   sizes [out] of the record that the file holds */
RJ_CHECKED rj_status rj_shard_peek(const char *path, rj_shard **shard, rj_sizes *sizes);

/* The same from an open file. */
RJ_CHECKED rj_status rj_shard_get_head(const rj_nc *nc, rj_shard **shard, rj_sizes *sizes);
#endif
