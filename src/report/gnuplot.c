/* gnuplot.c: posix_spawnp: cheap from a large process, and no shell reads any of it. */
#include "gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "output.h"
#include "resjac/base/file.h"
#include "resjac/base/memory.h"

extern char **environ;
enum { WORDS = 512, PICTURE_LIMIT = 256 << 20 };

/* Starts argv with no input and no output, its messages into the file `errors`; 0 or errno. */
static int spawn(char *const *argv, int errors, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);

    if (error != 0) return error;
    error = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (error == 0)
        error = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (error == 0) error = posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
    if (error == 0) error = posix_spawnp(pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* The program's first words on stderr, as one line. */
static void read_words(FILE *errors, char words[WORDS])
{
    rewind(errors);
    const size_t n = fread(words, 1, WORDS - 1, errors);
    words[n] = '\0';
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)words[i] < ' ') words[i] = ' ';
}

static rj_status run(char *const *argv, const char *what)
{
    rj_status st = RJ_OK;
    FILE *errors = tmpfile();
    char words[WORDS] = "";
    pid_t pid = 0, ended = 0;
    int outcome = 0;

    RJ_REQUIRE(errors != NULL, RJ_ERR_IO, "%s: no temporary file for gnuplot's messages: %s", what,
               strerror(errno));
    const int error = spawn(argv, fileno(errors), &pid);
    RJ_REQUIRE(error != ENOENT && error != EACCES, RJ_ERR_MISSING,
               "the program gnuplot is not in PATH; install Debian's gnuplot-nox (or a module `gnuplot`)");
    RJ_REQUIRE(error == 0, RJ_ERR_IO, "%s: cannot start gnuplot: %s", what, strerror(error));
    do {
        ended = waitpid(pid, &outcome, 0);
    } while (ended < 0 && errno == EINTR);
    RJ_REQUIRE(ended == pid, RJ_ERR_IO, "%s: lost gnuplot: %s", what, strerror(errno));
    /* Where posix_spawn cannot tell a missing program, the child ends with 127. */
    RJ_REQUIRE(!(WIFEXITED(outcome) && WEXITSTATUS(outcome) == 127), RJ_ERR_MISSING,
               "the program gnuplot is not in PATH; install Debian's gnuplot-nox (or a module `gnuplot`)");
    read_words(errors, words);
    RJ_REQUIRE(WIFEXITED(outcome) && WEXITSTATUS(outcome) == 0, RJ_ERR_LIB, "%s: gnuplot failed (%s %d): %s",
               what, WIFEXITED(outcome) ? "exit code" : "signal",
               WIFEXITED(outcome) ? WEXITSTATUS(outcome) : WTERMSIG(outcome), words);
done:
    if (errors != NULL) fclose(errors);
    return st;
}

rj_status rj_gnuplot_find(void)
{
    char program[] = "gnuplot", version[] = "--version";
    char *argv[] = {program, version, NULL};
    return run(argv, "gnuplot --version");
}

/* "/CreationDate (D:20261122215103Z)" -> the same length, 1970. */
static void set_date(char *text, size_t n)
{
    static const char key[] = "/CreationDate (D:", date[] = "19700101000000";
    const size_t m = sizeof key - 1, k = sizeof date - 1;

    for (size_t i = 0; i + m + k <= n; i++)
        if (memcmp(text + i, key, m) == 0) memcpy(text + i + m, date, k);
}

/* What gnuplot has no option for: an SVG must be one file, and a PDF must not hold the date. */
static rj_status finish(const char *folder, const char *stem, const char *format)
{
    rj_status st = RJ_OK;
    char suffix[8], *path = NULL, *text = NULL;
    size_t n = 0;
    FILE *out = NULL;

    snprintf(suffix, sizeof suffix, ".%s", format);
    RJ_TRY(rj_output_path(folder, stem, suffix, &path));
    RJ_TRY(rj_file_load(path, PICTURE_LIMIT, &text, &n));
    RJ_REQUIRE(n > 0, RJ_ERR_LIB, "%s: gnuplot wrote nothing", path);
    if (strcmp(format, "svg") == 0)
        RJ_REQUIRE(
            strstr(text, "<image") == NULL || strstr(text, "href='data:image/png;base64,") != NULL,
            RJ_ERR_LIB,
            "%s: this gnuplot puts pictures of an SVG into files beside it; take one built with libgd, "
            "or --format png",
            path);
    if (strcmp(format, "pdf") == 0) {
        set_date(text, n);
        RJ_TRY(rj_output_open(folder, stem, suffix, &out));
        fwrite(text, 1, n, out);
    }
done:
    st = rj_output_close(st, &out, path != NULL ? path : stem);
    RJ_FREE(text);
    RJ_FREE(path);
    return st;
}

rj_status rj_gnuplot_draw(const char *folder, const char *stem, const char *format)
{
    rj_status st = RJ_OK;
    char program[] = "gnuplot", defaults[] = "-d", call[] = "-c";
    char kind[8], *script = NULL, *where = NULL;

    RJ_REQUIRE(folder[0] == '/', RJ_ERR_ARG, "%s is not absolute", folder);
    snprintf(kind, sizeof kind, "%s", format);
    RJ_TRY(rj_path_copy(folder, &where));
    RJ_TRY(rj_output_path(folder, stem, ".gp", &script));
    char *argv[] = {program, defaults, call, script, where, kind, NULL};
    RJ_TRY(run(argv, script));
    RJ_TRY(finish(folder, stem, format));
done:
    RJ_FREE(script);
    RJ_FREE(where);
    return st;
}
