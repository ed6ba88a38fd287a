/* test_report.c: a final file with known numbers becomes figures, tables and a page; hostile names stay names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netcdf.h>
#include <sys/stat.h>

#include "../../src/report/summary_alignment.h"
#include "resjac/base/file.h"
#include "resjac/report/report.h"
#include "resjac/report/summary.h"
#include "resjac/store/seal.h"
#include "small_results.h"

enum { N_FIGURES = 21, LIMIT = 64 << 20 };
#define HOSTILE_STEM "a___system__touch_pwned____script__"
#define OTHER_STEM   "e__touch_pwned_"

static const char *results; /* small.nc */
static char figures[TEMPORARY_SIZE];

#define assert_ok(call)                                                                                      \
    do {                                                                                                     \
        if ((call) != RJ_OK) fail_msg("%s", rj_status_message());                                            \
    } while (0)
#define assert_message(text)                                                                                 \
    do {                                                                                                     \
        if (strstr(rj_status_message(), (text)) == NULL)                                                     \
            fail_msg("'%s' not in '%s'", (text), rj_status_message());                                       \
    } while (0)

static int begin(void **x)
{
    static char path[TEMPORARY_SIZE];
    int n = 0;

    if (temporary_begin(x) != 0) return 1;
    snprintf(path, sizeof path, "%s", temporary_path("small.nc"));
    snprintf(figures, sizeof figures, "%s", temporary_path("figures"));
    results = path;
    if (small_results_write(path, RJ_PER_PROMPT_COUPLING) != RJ_OK ||
        rj_report_write(path, figures, "svg", &n) != RJ_OK) {
        fprintf(stderr, "%s\n", rj_status_message());
        return 1;
    }
    return n != N_FIGURES;
}

/* Against the start of the same test: a test that failed leaves blocks behind. */
static ptrdiff_t live;

/* folder/name as text, freed by rj_free. */
static char *load(const char *folder, const char *name, size_t *n)
{
    char path[4 * TEMPORARY_SIZE], *text = NULL;
    size_t size = 0;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_ok(rj_file_load(path, LIMIT, &text, &size));
    if (n != NULL) *n = size;
    return text;
}

static void assert_file(const char *name, const char *expected)
{
    char *text = load(figures, name, NULL);
    assert_string_equal(text, expected);
    rj_free(text);
}

static void assert_contains(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) fail_msg("'%s' is not in the text", part);
}

static const char *const stems[N_FIGURES] = {
    "overview-excess-coupling-k1",
    "overview-excess-coupling-k2",
    "overview-trajectory-scores",
    "overview-certificates",
    HOSTILE_STEM "-coupling-k1",
    HOSTILE_STEM "-coupling-k2",
    HOSTILE_STEM "-singular-values",
    HOSTILE_STEM "-norm-growth",
    HOSTILE_STEM "-trajectory",
    HOSTILE_STEM "-trained-vs-random",
    HOSTILE_STEM "__random_init-norm-growth",
    HOSTILE_STEM "__random_init-trajectory",
    HOSTILE_STEM "__random_init-coupling-k1",
    HOSTILE_STEM "__random_init-coupling-k2",
    OTHER_STEM "-coupling-k1",
    OTHER_STEM "-coupling-k2",
    OTHER_STEM "-singular-values",
    OTHER_STEM "-norm-growth",
    OTHER_STEM "-trajectory",
    OTHER_STEM "-trained-vs-random",
    OTHER_STEM "-alignment-p__1__touch_pwned_",
};

/* Each figure with its numbers and script; an SVG is one drawing that refers to nothing outside. */
static void every_figure_is_there(void **x)
{
    char name[TEMPORARY_SIZE];
    (void)x;
    for (int i = 0; i < N_FIGURES; i++) {
        size_t n = 0;
        snprintf(name, sizeof name, "%s.csv", stems[i]);
        rj_free(load(figures, name, &n));
        assert_true(n > 40);
        snprintf(name, sizeof name, "%s.gp", stems[i]);
        rj_free(load(figures, name, &n));
        snprintf(name, sizeof name, "%s.svg", stems[i]);
        char *svg = load(figures, name, &n);
        assert_true(n > 4000);
        assert_contains(svg, "<path");
        assert_contains(svg, "</svg>");
        assert_null(strstr(svg, "<script"));
        for (char *at = svg; (at = strstr(at, "http")) != NULL; at++)
            assert_int_equal(strncmp(at, "http://www.w3.org/", 18), 0);
        rj_free(svg);
    }
}

/* Means over the two measured prompts; a pair without a value is a gap. */
static void coupling_numbers_are_right(void **x)
{
    (void)x;
    assert_file(HOSTILE_STEM "-coupling-k1.csv",
                "layer_i,layer_j,coupling_misfit,coupling_null,excess_coupling\n"
                "1,1,0,1,1\n1,2,0.5,1,0.5\n2,1,0.75,1,0.25\n2,2,0,1,1\n");
    assert_file(HOSTILE_STEM "-coupling-k2.csv",
                "layer_i,layer_j,coupling_misfit,coupling_null,excess_coupling\n"
                "1,1,0,2,1\n1,2,NaN,2,NaN\n2,1,1,2,0.5\n2,2,0,2,1\n");
}

/* Magnitudes of the measured prompt, relative to the first of the diagonal picture in their row. */
static void alignment_numbers_are_right(void **x)
{
    char *page = load(figures, "index.html", NULL), *script = NULL;
    (void)x;
    assert_file(OTHER_STEM "-alignment-p__1__touch_pwned_.csv",
                "layer_i,layer_j,row,column,magnitude,relative_magnitude\n"
                "1,1,1,1,4,1\n1,1,1,2,0,0\n1,1,2,1,0,0\n1,1,2,2,2,0.5\n"
                "1,2,1,1,2,0.5\n1,2,1,2,0.5,0.125\n1,2,2,1,NaN,NaN\n1,2,2,2,1,0.25\n"
                "2,1,1,1,4,0.5\n2,1,1,2,8,1\n2,1,2,1,0,0\n2,1,2,2,0.25,0.03125\n"
                "2,2,1,1,8,1\n2,2,1,2,0,0\n2,2,2,1,0,0\n2,2,2,2,1,0.125\n");
    assert_contains(page, ", prompt p&#39;&lt;1&gt;`touch pwned`");
    assert_contains(page, "href=\"" OTHER_STEM "-alignment-p__1__touch_pwned_.csv\"");
    assert_contains(page, "A bright diagonal elsewhere is coupling");
    rj_free(page);
    script = load(figures, OTHER_STEM "-alignment-p__1__touch_pwned_.gp", NULL);
    assert_contains(script, "prompt p??1??touch pwned?");
    rj_free(script);
}

/* Six of many blocks: the first, the last, and even steps between. */
static void blocks_of_the_gallery_are_evenly_chosen(void **x)
{
    const ptrdiff_t of_30[] = {0, 6, 12, 17, 23, 29}, of_7[] = {0, 1, 2, 4, 5, 6};
    ptrdiff_t block[RJ_SUMMARY_GRID];
    rj_summaries *s = NULL;
    (void)x;
    assert_int_equal(rj_summary_choose_blocks(30, block), 6); /* steps of 5.8 */
    assert_memory_equal(block, of_30, sizeof block);
    assert_int_equal(rj_summary_choose_blocks(7, block), 6); /* of 1.2 */
    assert_memory_equal(block, of_7, sizeof block);
    assert_int_equal(rj_summary_choose_blocks(3, block), 3);
    assert_true(block[0] == 0 && block[1] == 1 && block[2] == 2);
    assert_int_equal(rj_summary_choose_blocks(1, block), 1);
    assert_ok(rj_summaries_read(results, &s));
    const rj_summary *m = &s->model[2];
    assert_true(m->n_alignments == 1 && m->n_directions == 2 && m->n_grid == 2);
    assert_true(m->grid[0] == 0 && m->grid[1] == 1);
    assert_string_equal(m->alignment[0].prompt, SMALL_PROMPT);
    assert_true(s->model[0].n_alignments == 0);
    rj_summaries_free(&s);
}

/* store.merge: summary: no spectra, and so no certificates; the rest is there. */
static void spectra_of_a_summary_are_missing(void **x)
{
    const char *path = temporary_path("summary.nc");
    rj_summaries *s = NULL;
    (void)x;
    assert_ok(small_results_write(path, RJ_PER_PROMPT_SUMMARY));
    assert_ok(rj_summaries_read(path, &s));
    assert_true(s->model[2].n_alignments == 0);
    assert_true(s->model[0].measured && s->model[0].ln_sv[0].n == 0);
    assert_true(s->model[0].certificates.residual.n == 0 && s->model[0].certificates.orthogonality.n > 0);
    rj_summaries_free(&s);
}

/* s_1 = 4, 16: geometric mean 8, and 8 exp(-+ln 4/sqrt 2); s_2 = 2, 8. The twin has the same. */
static void singular_values_are_right(void **x)
{
    char expected[1024], row[2][128];
    const double factor = exp(log(4.0) / sqrt(2.0));
    (void)x;
    for (int k = 0; k < 2; k++) {
        const double mean = k == 0 ? 8.0 : 4.0;
        snprintf(row[k], sizeof row[k], "%.9g,%.9g,%.9g,%.9g,%.9g,%.9g", mean, mean / factor, mean * factor,
                 mean, mean / factor, mean * factor);
    }
    snprintf(
        expected, sizeof expected,
        "k,layer,s_mean,s_low,s_high,twin_s_mean,twin_s_low,twin_s_high\n1,1,%s\n1,2,%s\n2,1,%s\n2,2,%s\n",
        row[0], row[0], row[1], row[1]);
    assert_file(HOSTILE_STEM "-singular-values.csv", expected);
}

/* ln||x|| = p + l for prompts p = 0, 1: mean l + 1/2, standard deviation 1/sqrt 2, fit on the mean. */
static void growth_and_path_are_right(void **x)
{
    (void)x;
    assert_file(HOSTILE_STEM "-norm-growth.csv",
                "depth,mean_ln_norm,sd_ln_norm,fit_ln_norm,ln_norm_prompt0,ln_norm_prompt1\n"
                "0,0.5,0.707106781,0.5,0,1\n1,1.5,0.707106781,1.5,1,2\n2,2.5,0.707106781,2.5,2,3\n");
    assert_file(HOSTILE_STEM "-trajectory.csv",
                "prompt,depth,pc1,pc2\n0,0,-1,-1\n0,1,0,2\n0,2,1,-1\n"
                "1,0,-1,-1\n1,1,0,2\n1,2,1,-1\n"); /* prompt 1 is turned over */
}

/* K = 1: pairs 0.5 and 0.25, sd 0.25/sqrt 2; K = 2: one pair, no sd. */
static void excess_numbers_are_right(void **x)
{
    (void)x;
    assert_file(HOSTILE_STEM "-trained-vs-random.csv",
                "position,k,excess_mean,excess_sd,twin_excess_mean,twin_excess_sd\n"
                "1,1,0.375,0.176776695,0,0\n2,2,0.5,NaN,0,0\n");
    assert_file("overview-excess-coupling-k1.csv",
                "row,model,excess_mean,excess_sd,twin_excess_mean,twin_excess_sd\n"
                "1,\"a\"\"; system(\"\"touch pwned\"\") <script>'\",0.375,0.176776695,0,0\n"
                "2,e `touch pwned`,0.375,0.176776695,NaN,NaN\n");
}

static void tables_are_right(void **x)
{
    char *text = load(figures, "summary.csv", NULL);
    (void)x;
    assert_contains(
        text,
        "\n\"a\"\"; system(\"\"touch pwned\"\") <script>'\",llama,1500000,2,8,2,3,0.625,1,0.375,1,2,0.5,"
        "2,0.25,1,3e-07,2e-08,ok\n");
    assert_contains(
        text, "\n<b>gone,,NaN,NaN,NaN,NaN,NaN,NaN,NaN,NaN,NaN,NaN,NaN,NaN,NaN,NaN,NaN,NaN,failed: no tensor "
              "<wte>\n");
    rj_free(text);
    text = load(figures, "summary.md", NULL);
    assert_contains(text, "| e \\`touch pwned\\` | llama | 1.5 | 2 | 8 | 2 | 3 | 0.625 | 1.000 | 0.375 |");
    assert_contains(text, "| failed: no tensor &lt;wte&gt; |");
    rj_free(text);
}

static void page_is_complete_and_loads_nothing(void **x)
{
    char *page = load(figures, "index.html", NULL);
    int pictures = 0;
    (void)x;
    assert_contains(page, "a&quot;; system(&quot;touch pwned&quot;) &lt;script&gt;&#39;");
    assert_contains(page, "<b>&lt;b&gt;gone</b>: failed: no tensor &lt;wte&gt;");
    assert_contains(page, "3.0e-07</td><td class=\"number\">2.0e-08</td><td class=\"number\">1 of 8</td>");
    assert_contains(page, "resjac run x.yaml --set &quot;a&amp;b&quot;");
    assert_contains(page, "&lt;/pre&gt;&lt;script&gt;alert(1)");
    assert_contains(page, "</html>");
    assert_null(strstr(page, "<script"));
    assert_null(strstr(page, "<link"));
    assert_null(strstr(page, "url("));
    assert_null(strstr(page, "http:"));
    assert_null(strstr(page, "https:"));
    for (char *at = page; (at = strstr(at, "src=")) != NULL; at++) {
        if (strncmp(at, "src=\"data:image/svg+xml;base64,PD94", 35) == 0)
            pictures++; /* "<?x" */
        else
            assert_int_equal(strncmp(at, "src data:", 9), 0);
    }
    assert_int_equal(pictures, N_FIGURES);
    rj_free(page);
}

static void nothing_was_executed(void **x)
{
    char path[2 * TEMPORARY_SIZE];
    (void)x;
    assert_false(rj_path_exists("pwned"));
    snprintf(path, sizeof path, "%s/pwned", figures);
    assert_false(rj_path_exists(path));
}

static void assert_same_file(const char *a, const char *b, const char *name)
{
    size_t n = 0, m = 0;
    char *p = load(a, name, &n), *q = load(b, name, &m);
    assert_int_equal(n, m);
    assert_memory_equal(p, q, n);
    rj_free(p);
    rj_free(q);
}

/* A folder name that gnuplot would take for a program, and twice the same: the same bytes. */
static void formats_are_deterministic(void **x)
{
    static const char *const format[] = {"svg", "png", "pdf"}, *const start[] = {"<?xml", "\x89PNG", "%PDF"};
    char a[TEMPORARY_SIZE], b[TEMPORARY_SIZE], name[2 * TEMPORARY_SIZE];
    int n = 0, m = 0;
    (void)x;
    for (int f = 0; f < 3; f++) {
        snprintf(a, sizeof a, "%s/< touch pwned '%s", temporary_folder, format[f]);
        snprintf(b, sizeof b, "%s/again/%s", temporary_folder, format[f]);
        assert_ok(rj_report_write(results, a, format[f], &n));
        if (f > 0) sleep(1); /* a date would differ */
        assert_ok(rj_report_write(results, b, format[f], &m));
        assert_int_equal(n, m);
        snprintf(name, sizeof name, "%s.%s", HOSTILE_STEM "-coupling-k1", format[f]);
        char *picture = load(a, name, NULL);
        assert_memory_equal(picture, start[f], strlen(start[f]));
        rj_free(picture);
        assert_same_file(a, b, name);
        assert_same_file(a, b, "index.html");
        snprintf(name, sizeof name, "%s/%s.svg", b, HOSTILE_STEM "-coupling-k1");
        assert_int_equal(rj_path_exists(name), f == 0); /* those of the page alone are gone */
    }
}

static void wrong_input_is_named(void **x)
{
    int n = -1, id = 0;
    const char *folder = temporary_path("none"), *text = temporary_file("text.nc", "no NetCDF", 9);
    (void)x;
    assert_int_equal(rj_report_write(results, folder, "gif", &n), RJ_ERR_USAGE);
    assert_message("--format gif: needs svg, png or pdf");
    assert_int_equal(rj_report_write(temporary_path("absent.nc"), folder, "svg", &n), RJ_ERR_MISSING);
    assert_message("absent.nc: no such file");
    assert_int_equal(rj_report_write(text, folder, "svg", &n), RJ_ERR_FORMAT);
    assert_message("text.nc: the checksum at its end is missing");
    assert_ok(rj_seal_add(text));
    assert_int_equal(rj_report_write(text, folder, "svg", &n), RJ_ERR_FORMAT);
    assert_message("text.nc: not a whole NetCDF file");
    const char *foreign = temporary_path("foreign.nc");
    assert_int_equal(nc_create(foreign, NC_NETCDF4, &id), NC_NOERR);
    assert_int_equal(nc_close(id), NC_NOERR);
    assert_ok(rj_seal_add(foreign));
    assert_int_equal(rj_report_write(foreign, folder, "svg", &n), RJ_ERR_FORMAT);
    assert_message("no dimension `model`");
    assert_int_equal(n, -1);
    assert_false(rj_path_exists(folder));
}

/* The same file with one variable renamed, or of other dimensions. */
static void missing_variable_is_named(void **x)
{
    char path[TEMPORARY_SIZE];
    int id = 0, group = 0, variable = 0, depth = 0, n = -1;
    (void)x;
    snprintf(path, sizeof path, "%s", temporary_path("renamed.nc"));
    assert_ok(small_results_write(path, RJ_PER_PROMPT_COUPLING));
    assert_int_equal(nc_open(path, NC_WRITE, &id), NC_NOERR);
    assert_int_equal(nc_inq_grp_ncid(id, SMALL_OTHER, &group), NC_NOERR);
    assert_int_equal(nc_inq_varid(group, "line_shape_score", &variable), NC_NOERR);
    assert_int_equal(nc_rename_var(group, variable, "other"), NC_NOERR);
    assert_int_equal(nc_close(id), NC_NOERR);
    assert_ok(rj_seal_add(path));
    assert_int_equal(rj_report_write(path, figures, "svg", &n), RJ_ERR_FORMAT);
    assert_message("group e `touch pwned`: no variable `line_shape_score(prompt)`");
    assert_int_equal(nc_open(path, NC_WRITE, &id), NC_NOERR);
    assert_int_equal(nc_inq_grp_ncid(id, SMALL_OTHER, &group), NC_NOERR);
    assert_int_equal(nc_inq_dimid(group, "depth", &depth), NC_NOERR);
    assert_int_equal(nc_def_var(group, "line_shape_score", NC_DOUBLE, 1, &depth, &variable), NC_NOERR);
    assert_int_equal(nc_close(id), NC_NOERR);
    assert_ok(rj_seal_add(path));
    assert_int_equal(rj_report_write(path, figures, "svg", &n), RJ_ERR_FORMAT);
    assert_message("`line_shape_score` has other dimensions than (prompt)");
    assert_int_equal(n, -1);
}

static void missing_gnuplot_is_named(void **x)
{
    char *path = strdup(getenv("PATH"));
    int n = -1;
    (void)x;
    setenv("PATH", temporary_folder, 1);
    const rj_status st = rj_report_write(results, figures, "svg", &n);
    setenv("PATH", path, 1);
    free(path);
    assert_int_equal(st, RJ_ERR_MISSING);
    assert_message("gnuplot-nox");
}

/* A shell script in the place of gnuplot; the former PATH, freed by free. */
static char *set_gnuplot(const char *folder, const char *script)
{
    char *path = strdup(getenv("PATH")), with[8 * TEMPORARY_SIZE], name[TEMPORARY_SIZE / 4];

    snprintf(name, sizeof name, "%s/gnuplot", folder);
    assert_int_equal(mkdir(temporary_path(folder), 0700), 0);
    assert_int_equal(chmod(temporary_file(name, script, strlen(script)), 0700), 0);
    assert_true(snprintf(with, sizeof with, "%s:%s", temporary_path(folder), path) < (int)sizeof with);
    setenv("PATH", with, 1);
    return path;
}

/* A gnuplot that refuses: its own words are in the message. */
static void failing_gnuplot_is_quoted(void **x)
{
    char *path = set_gnuplot(
        "bin", "#!/bin/sh\n[ \"$1\" = --version ] && exit 0\necho 'no such terminal' >&2\nexit 3\n");
    int n = -1;
    (void)x;
    const rj_status st = rj_report_write(results, temporary_path("refused"), "svg", &n);
    setenv("PATH", path, 1);
    free(path);
    assert_int_equal(st, RJ_ERR_LIB);
    assert_message("gnuplot failed (exit code 3): no such terminal");
    assert_int_equal(n, -1);
}

static void folder_that_cannot_be_written_is_named(void **x)
{
    char path[2 * TEMPORARY_SIZE];
    int n = -1;
    (void)x;
    temporary_file("plain", "x", 1);
    assert_int_equal(rj_report_write(results, temporary_path("plain/below"), "svg", &n), RJ_ERR_CREATE);
    assert_message("plain");
    snprintf(path, sizeof path, "%s", temporary_path("taken"));
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(mkdir(temporary_path("taken/summary.csv"), 0700), 0);
    assert_int_equal(rj_report_write(results, path, "svg", &n), RJ_ERR_CREATE);
    assert_message("summary.csv: cannot create it");
    assert_int_equal(n, -1);
}

static void full_disk_is_told(void **x)
{
    int n = -1;
    (void)x;
    assert_int_equal(mkdir(temporary_path("full"), 0700), 0);
    assert_int_equal(symlink("/dev/full", temporary_path("full/summary.md")), 0);
    assert_int_equal(rj_report_write(results, temporary_path("full"), "svg", &n), RJ_ERR_IO);
    assert_message("is the disk full?");
}

/* The n-th allocation fails until none does. The whole report is tried at every seventh, with a quick gnuplot. */
static void no_memory_is_no_leak(void **x)
{
    char *path =
        set_gnuplot("quick", "#!/bin/sh\n[ \"$1\" = --version ] || echo '<svg/>' > \"${3%.gp}.$5\"\n");
    rj_summaries *s = NULL;
    rj_status st = RJ_ERR_NOMEM;
    ptrdiff_t n = 0;
    int drawn = -1;
    (void)x;
    for (; st != RJ_OK; n++) {
        rj_memory_fail_after(n);
        st = rj_summaries_read(results, &s);
        rj_memory_fail_after(-1);
        if (st == RJ_OK) break;
        assert_int_equal(st, RJ_ERR_NOMEM);
        assert_null(s);
        assert_int_equal(rj_memory_live(), live);
    }
    assert_true(n > 50);
    rj_summaries_free(&s);
    assert_int_equal(rj_memory_live(), live);
    for (st = RJ_ERR_NOMEM; st != RJ_OK; n += 7) {
        rj_memory_fail_after(n);
        st = rj_report_write(results, temporary_path("little"), "svg", &drawn);
        rj_memory_fail_after(-1);
        if (st != RJ_OK) assert_int_equal(st, RJ_ERR_NOMEM);
        assert_int_equal(rj_memory_live(), live);
    }
    setenv("PATH", path, 1);
    free(path);
    assert_int_equal(drawn, N_FIGURES);
}

static int count_blocks(void **x)
{
    (void)x;
    live = rj_memory_live();
    return 0;
}

static int no_leak(void **x)
{
    (void)x;
    return rj_memory_live() != live;
}
#define clean_test(f) cmocka_unit_test_setup_teardown(f, count_blocks, no_leak)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        clean_test(every_figure_is_there),
        clean_test(coupling_numbers_are_right),
        clean_test(alignment_numbers_are_right),
        clean_test(blocks_of_the_gallery_are_evenly_chosen),
        clean_test(singular_values_are_right),
        clean_test(spectra_of_a_summary_are_missing),
        clean_test(growth_and_path_are_right),
        clean_test(excess_numbers_are_right),
        clean_test(tables_are_right),
        clean_test(page_is_complete_and_loads_nothing),
        clean_test(formats_are_deterministic),
        clean_test(nothing_was_executed),
        clean_test(wrong_input_is_named),
        clean_test(missing_variable_is_named),
        clean_test(missing_gnuplot_is_named),
        clean_test(failing_gnuplot_is_quoted),
        clean_test(folder_that_cannot_be_written_is_named),
        clean_test(full_disk_is_told),
        clean_test(no_memory_is_no_leak),
    };
    rj_test_begin(&argc, &argv);
    return rj_test_end(cmocka_run_group_tests(tests, begin, temporary_end));
}
