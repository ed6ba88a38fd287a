/* seal.c: 40 bytes behind the end of a file. */
#include "resjac/store/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "resjac/base/file.h"
#include "resjac/base/hash.h"
#include "resjac/base/memory.h"

enum { MARK = 8, SEAL = MARK + RJ_HASH_SIZE, PART = 1 << 20 };
static const char mark[MARK + 1] = "RJSHA256";

static rj_status digest_of(const rj_file *file, uint64_t n, uint8_t digest[RJ_HASH_SIZE])
{
    rj_status st = RJ_OK;
    rj_hash *hash = NULL;
    unsigned char *part = NULL;

    RJ_TRY(rj_hash_create(&hash));
    RJ_NEW(part, PART, 1);
    for (uint64_t at = 0; at < n; at += PART) {
        const size_t size = n - at < PART ? (size_t)(n - at) : PART;
        RJ_TRY(rj_file_read(file, at, size, part));
        rj_hash_add(hash, part, size);
    }
    RJ_TRY(rj_hash_digest(hash, digest));
done:
    rj_free(part);
    rj_hash_destroy(&hash);
    return st;
}

rj_status rj_seal_add(const char *path)
{
    rj_status st = RJ_OK;
    rj_file *file = NULL;
    unsigned char seal[SEAL];
    int fd = -1;

    RJ_TRY(rj_file_open(path, &file));
    memcpy(seal, mark, MARK);
    RJ_TRY(digest_of(file, rj_file_size(file), seal + MARK));
    fd = open(path, O_WRONLY | O_CLOEXEC);
    const ssize_t n = fd < 0 ? -1 : pwrite(fd, seal, SEAL, (off_t)rj_file_size(file));
    RJ_REQUIRE(n == SEAL, RJ_ERR_IO, "%s: cannot append its checksum: %s; free space and run again", path,
               n < 0 ? strerror(errno) : "the disk is full");
done:
    if (fd >= 0) close(fd);
    rj_file_close(&file);
    return st;
}

rj_status rj_seal_check(const char *path, bool required)
{
    rj_status st = RJ_OK;
    rj_file *file = NULL;
    unsigned char seal[SEAL];
    uint8_t digest[RJ_HASH_SIZE];
    bool sealed = false;

    RJ_TRY(rj_file_open(path, &file));
    const uint64_t size = rj_file_size(file);
    if (size >= SEAL) {
        RJ_TRY(rj_file_read(file, size - SEAL, SEAL, seal));
        sealed = memcmp(seal, mark, MARK) == 0;
    }
    RJ_REQUIRE(
        sealed || !required, RJ_ERR_FORMAT,
        "%s: the checksum at its end is missing: cut short, altered by another program, or not of resjac; "
        "restore it, or make it anew of its folder of units",
        path);
    if (!sealed) goto done;
    RJ_TRY(digest_of(file, size - SEAL, digest));
    RJ_REQUIRE(
        memcmp(digest, seal + MARK, RJ_HASH_SIZE) == 0, RJ_ERR_FORMAT,
        "%s: its bytes are not those that were written: altered or damaged; restore it, or remove it and run "
        "again",
        path);
done:
    rj_file_close(&file);
    return st;
}
