/* publish.c: the steps in the order that leaves no instant at which a kill or a power cut shows half a file. */
#include "publish.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "content.h"
#include "resjac/base/fault.h"
#include "resjac/base/file.h"
#include "resjac/base/memory.h"
#include "resjac/base/process.h"
#include "resjac/store/seal.h"

rj_status rj_publish_name(const char *path, char **temporary)
{
    rj_status st = RJ_OK;
    char host[RJ_HOST_SIZE], *text = NULL;
    const size_t size = strlen(path) + sizeof host + 32;

    rj_host_name(host);
    RJ_NEW(text, (ptrdiff_t)size, 1);
    snprintf(text, size, "%s.tmp.%s.%ld", path, host, (long)getpid());
    *temporary = text;
done:
    return st;
}

/* EINVAL: some file systems do not flush folders, and do not need to. */
rj_status rj_publish_flush(const char *path, int flags)
{
    rj_status st = RJ_OK;
    const int fd = open(path, flags | O_CLOEXEC);
    const int error = fd >= 0 && (fsync(fd) == 0 || errno == EINVAL) ? 0 : errno;

    if (fd >= 0) close(fd);
    RJ_REQUIRE(error == 0, RJ_ERR_IO, "%s: cannot flush it to the disk: %s; free space and run again", path,
               strerror(error));
done:
    return st;
}

static rj_status verify(const char *path)
{
    rj_status st = RJ_OK;
    rj_nc nc = RJ_NC_CLOSED;

    RJ_TRY(rj_nc_open(path, true, &nc));
    RJ_TRY(rj_content_check(&nc));
done:
    rj_nc_drop(&nc);
    if (st ==
        RJ_ERR_FORMAT) /* it was written a moment ago: the disk lost it, the user's data are not at fault */
        st = rj_raise(RJ_ERR_IO, __FILE__, __LINE__, "what was written does not read back: %s",
                      rj_status_message());
    return st;
}

rj_status rj_publish(const char *temporary, const char *path)
{
    rj_status st = RJ_OK;
    char *folder = NULL;

    RJ_TRY(rj_path_folder(path, &folder));
    RJ_TRY(rj_fault_at(RJ_FAULT_PUBLISH_SEAL));
    RJ_TRY(rj_seal_add(temporary));
    RJ_TRY(rj_fault_at(RJ_FAULT_PUBLISH_FLUSH));
    RJ_TRY(rj_publish_flush(temporary, O_RDWR));
    RJ_TRY(rj_fault_at(RJ_FAULT_PUBLISH_VERIFY));
    RJ_TRY(verify(temporary));
    RJ_TRY(rj_fault_at(RJ_FAULT_PUBLISH_RENAME));
    RJ_REQUIRE(rename(temporary, path) == 0, RJ_ERR_CREATE, "%s: cannot be put in place: %s; is it a folder?",
               path, strerror(errno));
    RJ_TRY(rj_fault_at(RJ_FAULT_PUBLISH_FOLDER));
    RJ_TRY(rj_publish_flush(folder, O_DIRECTORY));
done:
    rj_free(folder);
    return st;
}
