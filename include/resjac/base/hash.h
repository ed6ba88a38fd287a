/* hash.h: SHA-256 (OpenSSL's libcrypto). */
#ifndef RESJAC_BASE_HASH_H
#define RESJAC_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "resjac/base/status.h"

enum { RJ_HASH_SIZE = 32, RJ_HASH_TEXT = 2 * RJ_HASH_SIZE + 1 };

typedef struct rj_hash rj_hash;

RJ_CHECKED rj_status rj_hash_create(rj_hash **hash);
void rj_hash_destroy(rj_hash **hash);
/* Failures of the library surface in rj_hash_digest. */
void rj_hash_add(rj_hash *hash, const void *data, size_t n);
void rj_hash_add_text(rj_hash *hash,
                      const char *text); /* its bytes and its NUL: ("ab","c") differs from ("a","bc") */
/* Ends the hash. Errors: LIB. */
RJ_CHECKED rj_status rj_hash_digest(rj_hash *hash, uint8_t digest[RJ_HASH_SIZE]);
/* Lower-case hexadecimal. */
void rj_hash_text(const uint8_t digest[RJ_HASH_SIZE], char text[RJ_HASH_TEXT]);

/* SHA-256 of n bytes in hexadecimal. Errors: LIB, NOMEM. */
RJ_CHECKED rj_status rj_hash_bytes(const void *data, size_t n, char text[RJ_HASH_TEXT]);
#endif
