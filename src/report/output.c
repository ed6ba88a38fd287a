/* output.c: a stream keeps its error until it is closed, so writers print without looking and closing tells. */
#include "output.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "resjac/base/memory.h"

rj_status rj_output_path(const char *folder, const char *stem, const char *suffix, char **path)
{
    rj_status st = RJ_OK;
    const size_t n = strlen(folder) + strlen(stem) + strlen(suffix) + 2;
    char *text = NULL;

    RJ_NEW(text, (ptrdiff_t)n, 1);
    snprintf(text, n, "%s/%s%s", folder, stem, suffix);
    *path = text;
done:
    return st;
}

rj_status rj_output_open(const char *folder, const char *stem, const char *suffix, FILE **out)
{
    rj_status st = RJ_OK;
    char *path = NULL;
    FILE *file = NULL;

    RJ_TRY(rj_output_path(folder, stem, suffix, &path));
    file = fopen(path, "w");
    RJ_REQUIRE(file != NULL, RJ_ERR_CREATE, "%s: cannot create it (%s); choose another folder with -o", path,
               strerror(errno));
    *out = file;
done:
    RJ_FREE(path);
    return st;
}

rj_status rj_output_close(rj_status before, FILE **out, const char *what)
{
    rj_status st = before;

    if (*out == NULL) return before;
    const int failed = ferror(*out);
    errno = 0;
    const int closed = fclose(*out);
    *out = NULL;
    if (before != RJ_OK) return before;
    RJ_REQUIRE(!failed && closed == 0, RJ_ERR_IO, "%s: writing failed (%s); is the disk full?", what,
               errno != 0 ? strerror(errno) : "an earlier write");
done:
    return st;
}

void rj_output_number(FILE *out, double x)
{
    if (isfinite(x))
        fprintf(out, "%.9g", x + 0.0); /* -0 becomes 0 */
    else
        fputs("NaN", out);
}
