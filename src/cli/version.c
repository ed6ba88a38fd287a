/* version.c: what the results depend on beside the input: the BLAS kernel above all, since it decides the last bits. */
#include "commands.h"

#include <mpi.h>
#include <netcdf.h>
#include <stdio.h>
#include <string.h>

#include "resjac_build.h"

/* OpenBLAS's own; weak, so that another BLAS links too. */
extern char *openblas_get_config(void) __attribute__((weak));
extern char *openblas_get_corename(void) __attribute__((weak));

static const char *blas_kernel(void)
{
    return openblas_get_corename != NULL ? openblas_get_corename() : "unknown kernel";
}

static const char *mpi_library(void)
{
    static char text[MPI_MAX_LIBRARY_VERSION_STRING];
    int n = 0;

    MPI_Get_library_version(text, &n);
    text[strcspn(text, ",\n")] = '\0';
    return text;
}

/* "4.9.0" of "4.9.0 of Aug  7 2022 23:42:36 $". */
static int netcdf_version_length(void)
{
    return (int)strcspn(nc_inq_libvers(), " ");
}

void rj_version_print(void)
{
    printf("resjac    %s (git %s)\n", RESJAC_VERSION, RESJAC_GIT_HASH);
    printf("compiler  %s, %s\n", RESJAC_COMPILER, RESJAC_BUILD_TYPE);
    printf("MPI       %s\n", mpi_library());
    printf("BLAS      %s, kernel %s (%s)\n", openblas_get_config != NULL ? openblas_get_config() : "unknown",
           blas_kernel(), RESJAC_BLAS_LIBRARY);
    printf("ScaLAPACK %s\n", RESJAC_SCALAPACK_LIBRARY);
    printf("NetCDF    %.*s (%s)\n", netcdf_version_length(), nc_inq_libvers(), RESJAC_NETCDF_LIBRARY);
}

const char *rj_version_line(void)
{
    static char text[512];

    snprintf(text, sizeof text, "resjac %s (git %s), %s, BLAS kernel %s, NetCDF %.*s", RESJAC_VERSION,
             RESJAC_GIT_HASH, RESJAC_COMPILER, blas_kernel(), netcdf_version_length(), nc_inq_libvers());
    return text;
}
