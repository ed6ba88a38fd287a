/* hash.c: a digest context that remembers a failure until the end, so that adding needs no checks. */
#include "resjac/base/hash.h"

#include <stdbool.h>
#include <string.h>

#include <openssl/evp.h>

#include "resjac/base/memory.h"

struct rj_hash {
    EVP_MD_CTX *context;
    bool sound;
};

rj_status rj_hash_create(rj_hash **hash)
{
    rj_status st = RJ_OK;
    rj_hash *h = NULL;

    RJ_NEW(h, 1, 1);
    h->context = EVP_MD_CTX_new();
    RJ_REQUIRE(h->context != NULL, RJ_ERR_NOMEM, "no memory for a SHA-256 context");
    h->sound = EVP_DigestInit_ex(h->context, EVP_sha256(), NULL) == 1;
    *hash = h;
    h = NULL;
done:
    rj_hash_destroy(&h);
    return st;
}

void rj_hash_destroy(rj_hash **hash)
{
    if (*hash == NULL) return;
    EVP_MD_CTX_free((*hash)->context);
    RJ_FREE(*hash);
}

void rj_hash_add(rj_hash *hash, const void *data, size_t n)
{
    hash->sound = hash->sound && EVP_DigestUpdate(hash->context, data, n) == 1;
}

void rj_hash_add_text(rj_hash *hash, const char *text)
{
    rj_hash_add(hash, text, strlen(text) + 1);
}

rj_status rj_hash_digest(rj_hash *hash, uint8_t digest[RJ_HASH_SIZE])
{
    rj_status st = RJ_OK;
    unsigned char result[EVP_MAX_MD_SIZE];
    unsigned int n = 0;
    const bool sound = hash->sound && EVP_DigestFinal_ex(hash->context, result, &n) == 1;

    hash->sound = false; /* it has ended */
    RJ_REQUIRE(sound && n == RJ_HASH_SIZE, RJ_ERR_LIB, "libcrypto failed to compute a SHA-256 digest");
    memcpy(digest, result, RJ_HASH_SIZE);
done:
    return st;
}

void rj_hash_text(const uint8_t digest[RJ_HASH_SIZE], char text[RJ_HASH_TEXT])
{
    static const char figure[] = "0123456789abcdef";

    for (int i = 0; i < RJ_HASH_SIZE; i++) {
        text[2 * i] = figure[digest[i] >> 4];
        text[2 * i + 1] = figure[digest[i] & 15];
    }
    text[RJ_HASH_TEXT - 1] = '\0';
}

rj_status rj_hash_bytes(const void *data, size_t n, char text[RJ_HASH_TEXT])
{
    rj_status st = RJ_OK;
    rj_hash *hash = NULL;
    uint8_t digest[RJ_HASH_SIZE];

    RJ_TRY(rj_hash_create(&hash));
    rj_hash_add(hash, data, n);
    RJ_TRY(rj_hash_digest(hash, digest));
    rj_hash_text(digest, text);
done:
    rj_hash_destroy(&hash);
    return st;
}
