/* replay.c: main of a target without libFuzzer: each file of a folder once. A seed whose name begins with "valid" must be
 * accepted, one with "refused" must not. Usage: TARGET FOLDER. Exit code 0, or 1; a crash is one. */
#include <dirent.h>

#include "fuzz.h"

static uint8_t *load(const char *path, size_t *n)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = NULL;

    if (file == NULL || fseek(file, 0, SEEK_END) != 0) abort();
    *n = (size_t)ftell(file);
    data = malloc(*n > 0 ? *n : 1); /* no byte more, so that a sanitizer sees a read behind the end */
    rewind(file);
    if (data == NULL || fread(data, 1, *n, file) != *n) abort();
    fclose(file);
    return data;
}

/* Whether the target did what the seed's name says. */
static bool replay(const char *folder, const char *name)
{
    char path[1024];
    size_t n = 0;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    uint8_t *data = load(path, &n);
    LLVMFuzzerTestOneInput(data, n);
    free(data);
    const bool wrong = (strncmp(name, "valid", 5) == 0 && fuzz_outcome != RJ_OK) ||
                       (strncmp(name, "refused", 7) == 0 && fuzz_outcome == RJ_OK);
    printf("%s %s: %s\n", wrong ? "FAILED" : "ok", name,
           fuzz_outcome == RJ_OK ? "accepted" : rj_status_message());
    return !wrong;
}

int main(int argc, char **argv)
{
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    int n = 0, wrong = 0;

    if (folder == NULL) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 1;
    }
    for (struct dirent *e = readdir(folder); e != NULL; e = readdir(folder)) {
        if (e->d_name[0] == '.') continue;
        n++;
        wrong += !replay(argv[1], e->d_name);
    }
    closedir(folder);
    printf("%d seeds, %d wrong\n", n, wrong);
    return n == 0 || wrong > 0;
}
