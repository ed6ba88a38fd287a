/* machine.c: what bench measures are rates; the rest is scaled by the speed of a product. */
#include "resjac/run/machine.h"

#include <stdlib.h>
#include <string.h>

#include "resjac/base/json.h"

enum { MACHINE_LIMIT = 1 << 20 };

static rj_status read_rates(const rj_json *j, const char *arithmetic, rj_cost_rates *rates)
{
    rj_status st = RJ_OK;
    const json_t *rate = json_object_get(json_object_get(j->root, arithmetic), "rates");
    const struct {
        const char *key;
        double *value;
    } fields[] = {{"wide", &rates->wide},
                  {"narrow", &rates->narrow},
                  {"projection", &rates->projection},
                  {"full3", &rates->full3},
                  {"full2", &rates->full2}};

    RJ_REQUIRE(json_is_object(rate), RJ_ERR_FORMAT,
               "%s: no object \"%s\": {\"rates\": ..}; make it by resjac bench --save", j->path, arithmetic);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        RJ_TRY(rj_json_number(j, rate, fields[i].key, true, fields[i].value));
        RJ_REQUIRE(*fields[i].value >= 0 && *fields[i].value < 1, RJ_ERR_FORMAT,
                   "%s: %s of %s is %g, needs seconds a flop between 0 and 1", j->path, fields[i].key,
                   arithmetic, *fields[i].value);
    }
done:
    return st;
}

rj_status rj_machine_load(const char *path, rj_machine *machine)
{
    rj_status st = RJ_OK;
    static const char *const names[] = {"single", "double"};
    const rj_machine built_in = rj_machine_built_in();
    rj_machine m = built_in;
    rj_json *j = NULL;
    const char *format = "";

    if (path == NULL) path = getenv("RESJAC_MACHINE");
    if (path == NULL || path[0] == '\0') {
        *machine = built_in;
        return RJ_OK;
    }
    RJ_TRY(rj_json_open(path, MACHINE_LIMIT, &j));
    RJ_TRY(rj_json_string(j, NULL, "format", true, &format));
    RJ_REQUIRE(strcmp(format, "resjac calibration 1") == 0, RJ_ERR_FORMAT,
               "%s: format is \"%.64s\", needs \"resjac calibration 1\"; make it by resjac bench --save",
               path, format);
    for (int type = 0; type < 2; type++) {
        RJ_TRY(read_rates(j, names[type], &m.rates[type]));
        const double slower = m.rates[type].wide / built_in.rates[type].wide;
        m.forward[type] *= slower;
        m.fold[type] *= slower;
        m.couple[type] *= slower;
        if (type > 0) continue;
        m.null_draw *= slower;
        m.dequantise *= slower;
        m.draw *= slower;
    }
    *machine = m;
done:
    rj_json_close(&j);
    return st;
}
