/* fuzz_manifest.c: manifest.json of a run, which names files that `verify` and `reduce` open. */
#include "fuzz.h"
#include "resjac/store/manifest.h"

rj_status fuzz_outcome;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    rj_manifest_unit *unit = NULL;
    int n_units = 0;

    fuzz_file("manifest.json", data, n);
    const rj_status st = rj_manifest_read(fuzz_folder(), &n_units, &unit);
    for (int i = 0; i < n_units; i++) { /* nothing that leads out of the folder */
        if (strchr(unit[i].file, '/') != NULL || strcmp(unit[i].file, "..") == 0) abort();
        if (unit[i].grid[0] < 1 || unit[i].grid[1] < 1) abort();
    }
    rj_free(unit);
    return fuzz_end(st);
}
