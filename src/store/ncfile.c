/* ncfile.c: HDF5 cannot give up a file whose data it failed to write (it tries again at exit, and crashes), so the disk
 * space is taken before it writes: a full disk or a quota shows in posix_fallocate, with its exact reason. The library gives
 * the space back whenever it ends a phase of definitions, so it is taken again when all is defined. */
#include "ncfile.h"

#include <fcntl.h>
#include <math.h>
#include <netcdf_par.h>
#include <string.h>
#include <unistd.h>

#include "resjac/base/agree.h"
#include "resjac/base/fault.h"
#include "resjac/base/file.h"
#include "resjac/base/memory.h"
#include "resjac/store/claims.h"
#include "resjac/store/seal.h"

static rj_status writing_status(int error)
{
    if (error == NC_ENOMEM || errno == ENOMEM) return RJ_ERR_NOMEM;
    if (error == NC_EHDFERR || error == NC_EFILEMETA || error == NC_ECANTWRITE || error > 0) return RJ_ERR_IO;
    return RJ_ERR_LIB; /* a definition that the library refuses */
}

static rj_status reading_status(int error)
{
    if (error == NC_ENOMEM || errno == ENOMEM) return RJ_ERR_NOMEM;
    return errno == EIO ? RJ_ERR_IO : RJ_ERR_FORMAT;
}

static const char *remedy(const rj_nc *nc)
{
    if (errno == ENOLCK || errno == ENOSYS || errno == EAGAIN)
        return "where the file system has no locks, set HDF5_USE_FILE_LOCKING=FALSE";
    return nc->writing ? "check the free space, quota and health of that file system"
                       : "the file is broken or not of resjac: restore it, or remove it and run again";
}

rj_status rj_nc_raise(const rj_nc *nc, int error, const char *call, const char *file, int line)
{
    const rj_status code = nc->writing ? writing_status(error) : reading_status(error);
    const char *why = errno != 0 ? strerror(errno) : "no more is known";

    return rj_raise(code, file, line, "%s: %.*s: %s (%s); %s", nc->path, (int)strcspn(call, "("), call,
                    nc_strerror(error), why, remedy(nc));
}

/* Blocks for the whole file, so that no later write meets a full disk. A file system without such a call is trusted. */
static rj_status reserve(const char *path, int flags, uint64_t bytes)
{
    rj_status st = RJ_OK;
    int error, fd = -1;

    RJ_TRY(rj_fault_at(RJ_FAULT_NC_RESERVE));
    fd = open(path, flags | O_RDWR | O_CLOEXEC, 0666);

    RJ_REQUIRE(fd >= 0, RJ_ERR_CREATE,
               "%s: cannot create it: %s; check that its folder exists and can be written to", path,
               strerror(errno));
    do error = posix_fallocate(fd, 0, (off_t)bytes);
    while (error == EINTR);
    close(fd);
    RJ_REQUIRE(error == 0 || error == EOPNOTSUPP || error == EINVAL, RJ_ERR_IO,
               "%s: no room for its %llu bytes: %s; free space, raise the quota or choose another output",
               path, (unsigned long long)bytes, strerror(error));
done:
    return st;
}

rj_status rj_nc_create(const char *path, uint64_t bytes, rj_nc *nc)
{
    rj_status st = RJ_OK;
    rj_nc mine = {.path = path, .id = -1, .writing = true};

    RJ_TRY(rj_fault_at(RJ_FAULT_NC_CREATE));
    unlink(path); /* of a killed process that had this number */
    RJ_TRY(reserve(path, O_CREAT | O_EXCL, bytes));
    RJ_NC(&mine, nc_create(path, NC_NETCDF4 | NC_CLOBBER, &mine.id));
    *nc = mine;
done:
    if (st != RJ_OK) unlink(path);
    return st;
}

rj_status rj_nc_end_definitions(rj_nc *nc, uint64_t bytes)
{
    rj_status st = RJ_OK;

    RJ_TRY(rj_nc_close(nc));
    RJ_TRY(reserve(nc->path, 0, bytes));
done:
    return st;
}

rj_status rj_nc_begin_data(rj_nc *nc, uint64_t bytes)
{
    rj_status st = RJ_OK;

    RJ_TRY(rj_nc_end_definitions(nc, bytes));
    RJ_NC(nc, nc_open(nc->path, NC_WRITE, &nc->id));
done:
    return st;
}

rj_status rj_nc_reopen(const char *path, uint64_t more, rj_nc *nc)
{
    rj_status st = RJ_OK;
    rj_nc mine = {.path = path, .id = -1, .writing = true};
    rj_file *file = NULL;

    RJ_TRY(rj_file_open(path, &file));
    RJ_TRY(reserve(path, 0, rj_file_size(file) + more));
    RJ_NC(&mine, nc_open(path, NC_WRITE, &mine.id));
    *nc = mine;
done:
    rj_file_close(&file);
    return st;
}

/* Met by ranks on a node that does not see the writer's disk, before the collective open, which must not fail on some. */
static rj_status check_seen(const char *path)
{
    rj_status st = RJ_OK;

    RJ_REQUIRE(access(path, R_OK | W_OK) == 0, RJ_ERR_IO,
               "%s: not there on every node: %s; choose an output on a file system that all nodes share",
               path, strerror(errno));
done:
    return st;
}

static rj_status open_by_all(MPI_Comm comm, rj_nc *nc)
{
    rj_status st = RJ_OK;

    if (nc->shared)
        RJ_NC(nc, nc_open_par(nc->path, NC_WRITE | NC_MPIIO, comm, MPI_INFO_NULL, &nc->id));
    else
        RJ_NC(nc, nc_open(nc->path, NC_WRITE, &nc->id));
done:
    return st;
}

rj_status rj_nc_open_shared(MPI_Comm comm, const char *path, rj_nc *nc)
{
    rj_status st = RJ_OK;
    int size = 1;
    rj_nc mine = {.path = path, .id = -1, .writing = true};

    RJ_MPI(comm, MPI_Comm_size(comm, &size));
    mine.shared = size > 1;
    RJ_TRY_ALL(comm, check_seen(path));
    RJ_TRY_ALL(comm, open_by_all(comm, &mine));
    *nc = mine;
done:
    return st;
}

rj_status rj_nc_collective(const rj_nc *nc, int group, int variable)
{
    rj_status st = RJ_OK;

    if (nc->shared) RJ_NC(nc, nc_var_par_access(group, variable, NC_COLLECTIVE));
done:
    return st;
}

rj_status rj_nc_open(const char *path, bool sealed, rj_nc *nc)
{
    rj_status st = RJ_OK;
    rj_nc mine = {.path = path, .id = -1};

    RJ_TRY(rj_fault_at(RJ_FAULT_NC_OPEN));
    RJ_TRY(rj_seal_check(path, sealed));
    RJ_NC(&mine, nc_open(path, NC_NOWRITE, &mine.id));
    RJ_TRY(rj_claims_check(path, mine.id));
    *nc = mine;
    mine.id = -1;
done:
    rj_nc_drop(&mine);
    return st;
}

rj_status rj_nc_close(rj_nc *nc)
{
    rj_status st = RJ_OK;
    const int id = nc->id;

    nc->id = -1;
    if (id >= 0) RJ_NC(nc, nc_close(id));
    if (id >= 0 && nc->writing) RJ_TRY(rj_fault_at(RJ_FAULT_NC_CLOSE));
done:
    return st;
}

void rj_nc_drop(rj_nc *nc)
{
    if (nc->id >= 0) nc_close(nc->id);
    nc->id = -1;
}

rj_status rj_nc_put_text(const rj_nc *nc, int group, int variable, const char *name, const char *text)
{
    rj_status st = RJ_OK;
    RJ_NC(nc, nc_put_att_text(group, variable, name, strlen(text), text));
done:
    return st;
}

rj_status rj_nc_put_integer(const rj_nc *nc, int group, const char *name, nc_type type, int64_t value)
{
    rj_status st = RJ_OK;
    const long long v = value;
    RJ_NC(nc, nc_put_att_longlong(group, NC_GLOBAL, name, type, 1, &v));
done:
    return st;
}

rj_status rj_nc_put_number(const rj_nc *nc, int group, const char *name, double value)
{
    rj_status st = RJ_OK;
    RJ_NC(nc, nc_put_att_double(group, NC_GLOBAL, name, NC_DOUBLE, 1, &value));
done:
    return st;
}

rj_status rj_nc_get_text(const rj_nc *nc, int group, const char *name, size_t size, char *text)
{
    rj_status st = RJ_OK;
    nc_type type = NC_NAT;
    size_t n = 0;
    char *value = NULL;

    RJ_REQUIRE(nc_inq_att(group, NC_GLOBAL, name, &type, &n) == NC_NOERR && type == NC_CHAR, RJ_ERR_FORMAT,
               "%s: the text attribute '%s' is missing: not of resjac, or broken", nc->path, name);
    RJ_REQUIRE(n < size, RJ_ERR_FORMAT, "%s: attribute '%s' has %zu characters, at most %zu are expected",
               nc->path, name, n, size - 1);
    RJ_NEW(value, (ptrdiff_t)n + 1, 1);
    RJ_NC(nc, nc_get_att_text(group, NC_GLOBAL, name, value));
    RJ_REQUIRE(strlen(value) == n, RJ_ERR_FORMAT, "%s: attribute '%s' holds a NUL", nc->path, name);
    memcpy(text, value, n + 1);
done:
    rj_free(value);
    return st;
}

rj_status rj_nc_get_integer(const rj_nc *nc, int group, const char *name, int64_t low, int64_t high,
                            int64_t *value)
{
    rj_status st = RJ_OK;
    nc_type type = NC_NAT;
    size_t n = 0;
    long long v = 0;

    RJ_REQUIRE(nc_inq_att(group, NC_GLOBAL, name, &type, &n) == NC_NOERR && n == 1 &&
                   (type == NC_INT || type == NC_INT64),
               RJ_ERR_FORMAT, "%s: the integer attribute '%s' is missing: not of resjac, or broken", nc->path,
               name);
    RJ_NC(nc, nc_get_att_longlong(group, NC_GLOBAL, name, &v));
    RJ_REQUIRE(v >= low && v <= high, RJ_ERR_FORMAT, "%s: attribute '%s' is %lld, not in %lld..%lld",
               nc->path, name, v, (long long)low, (long long)high);
    *value = v;
done:
    return st;
}

rj_status rj_nc_get_number(const rj_nc *nc, int group, const char *name, double *value)
{
    rj_status st = RJ_OK;
    nc_type type = NC_NAT;
    size_t n = 0;

    RJ_REQUIRE(nc_inq_att(group, NC_GLOBAL, name, &type, &n) == NC_NOERR && n == 1 && type == NC_DOUBLE,
               RJ_ERR_FORMAT, "%s: the number attribute '%s' is missing: not of resjac, or broken", nc->path,
               name);
    RJ_NC(nc, nc_get_att_double(group, NC_GLOBAL, name, value));
done:
    return st;
}

static rj_status define_fill(const rj_nc *nc, int group, int id, nc_type type)
{
    rj_status st = RJ_OK;
    const double d = (double)NAN;
    const float f = NAN;
    const int i = NC_FILL_INT;
    const long long l = NC_FILL_INT;
    const void *fill = type == NC_DOUBLE  ? (const void *)&d
                       : type == NC_FLOAT ? (const void *)&f
                       : type == NC_INT64 ? (const void *)&l
                                          : (const void *)&i;

    RJ_NC(nc, nc_def_var_fill(group, id, NC_FILL, fill));
done:
    return st;
}

rj_status rj_nc_define(const rj_nc *nc, int group, const rj_nc_variable *variable, int *id)
{
    rj_status st = RJ_OK;
    const rj_nc_variable *v = variable;
    int mine = -1;

    RJ_NC(nc, nc_def_var(group, v->name, v->type, v->n_dims, v->dims, &mine));
    if (v->fill) RJ_TRY(define_fill(nc, group, mine, v->type));
    if (v->chunk != NULL) {
        RJ_NC(nc, nc_def_var_chunking(group, mine, NC_CHUNKED, v->chunk));
        if (!nc->for_many) RJ_NC(nc, nc_def_var_deflate(group, mine, 1, 1, 1));
    }
    RJ_TRY(rj_nc_put_text(nc, group, mine, "long_name", v->long_name));
    if (v->type == NC_CHAR) RJ_TRY(rj_nc_put_text(nc, group, mine, "_Encoding", "utf-8"));
    RJ_TRY(rj_nc_put_text(nc, group, mine, "units", v->units));
    *id = mine;
done:
    return st;
}

rj_status rj_nc_put_texts(const rj_nc *nc, int group, int variable, size_t first, size_t rows, size_t size,
                          const char *text, size_t stride)
{
    const char nothing = '\0';
    char *row = NULL;
    rj_status st =
        rows == 0 ? RJ_OK : rj_alloc((void **)&row, (ptrdiff_t)rows, (ptrdiff_t)size, 1, __FILE__, __LINE__);
    const size_t n = st == RJ_OK ? rows : 0, start[2] = {n > 0 ? first : 0, 0}, count[2] = {n, size};

    for (size_t i = 0; i < n; i++)
        memcpy(row + i * size, text + i * stride, strnlen(text + i * stride, size));
    errno = 0;
    const int error = nc_put_vara_text(group, variable, start, count, n > 0 ? row : &nothing);
    if (st == RJ_OK && error != NC_NOERR) st = rj_nc_raise(nc, error, "nc_put_vara_text", __FILE__, __LINE__);
    rj_free(row);
    return st;
}
