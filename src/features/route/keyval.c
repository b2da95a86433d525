/* keyval KEY $VARIABLE zone=NAME and keyval_zone: values from a database of pairs that is changed
 * while requests go on. */
#include "exchange/zones/keyval.h"
#include "exchange/feature.h"
#include "exchange/zones/keyval_state.h"

#include <errno.h>

struct lookup {
    const struct template *key;
    const struct zone *zone;
};

static bool
compute(struct exchange *x, const void *data, struct str *out)
{
    const struct lookup *my = data;
    struct str key = template_eval(my->key, x);
    return key.p && keyval_find(my->zone->state, key, &x->arena, out);
}

static bool
set_keyval(struct setting *s)
{
    struct lookup *my = arena_new(s->compile->arena, struct lookup);
    struct str name = setting_arg(s, 2), zone;
    my->key = template_compile(s, 1, setting_arg(s, 1));
    if (!str_starts(name, STR("$")) || name.n < 2)
        return setting_error(s, 2, "invalid variable name \"" STR_FMT "\"", STR_ARG(name));
    if (!setting_parameter(s, 3, STR("zone"), &zone) || zone.n == 0)
        return setting_error(s, 3, "invalid parameter \"" STR_FMT "\"", STR_ARG(setting_arg(s, 3)));
    my->zone = zone_use(s, 3, &keyval_kind, zone);
    return variable_define_computed(s, 2, str_skip(name, 1), compute, my, 0) && my->key && my->zone;
}

/* --- keyval_zone --- */

static bool
parse_type(struct str text, enum keyval_type *out)
{
    static const char *const names[] = { "string", "ip", "prefix" };
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq(text, str_of(names[i]))) {
            *out = (enum keyval_type)i;
            return true;
        }
    return false;
}

static bool
read_parameter(struct setting *s, unsigned i, struct zone *zone, struct keyval_plan *plan)
{
    struct str value;
    if (setting_parameter(s, i, STR("zone"), &value))
        return zone_parse(s, i, value, zone);
    if (setting_parameter(s, i, STR("state"), &value) && value.n) {
        plan->path = arena_dup(s->compile->arena, compile_path(s->compile, value));
        return true;
    }
    if (setting_parameter(s, i, STR("timeout"), &value) && parse_msec(value, &plan->timeout_ms))
        return true;
    if (setting_parameter(s, i, STR("type"), &value) && parse_type(value, &plan->type))
        return true;
    if (str_eq(setting_arg(s, i), STR("sync"))) /* there is one process */
        return true;
    return setting_error(s, i, "invalid parameter \"" STR_FMT "\"", STR_ARG(setting_arg(s, i)));
}

/* A file that is not there yet will be. */
static bool
read_state(struct setting *s, const struct zone *zone, struct keyval_plan *plan)
{
    int error = 0;
    struct keyval_table trial;
    struct keyval_problem problem;
    if (plan->path.p == NULL)
        return true;
    const struct source *file = sources_open_data(s->compile->sources, plan->path, &error);
    if (file == NULL && error == ENOENT)
        return true;
    if (file == NULL)
        return setting_error(s, 0, "open() \"" STR_FMT "\" failed (%d: %s)", STR_ARG(plan->path),
                             error, strerrordesc_np(error));
    plan->text = file->text.p ? file->text : STR("");
    keyval_table_init(&trial, plan->type, zone->size);
    bool good = keyval_state_read(&trial, plan->text, 0, clock_wall_us() / 1000, &problem);
    keyval_table_fini(&trial);
    return good || setting_error(s, 0, "invalid state file \"" STR_FMT "\": %s",
                                 STR_ARG(plan->path), problem.text);
}

static bool
set_zone(struct setting *s)
{
    struct keyval_plan *plan = arena_new(s->compile->arena, struct keyval_plan);
    struct zone zone = { .kind = &keyval_kind, .own = plan };
    for (unsigned i = 1; i < s->node->n; i++)
        if (!read_parameter(s, i, &zone, plan))
            return false;
    if (zone.name.n == 0)
        return setting_error(s, 0, "\"keyval_zone\" must have \"zone\" parameter");
    zone.key =
        arena_printf(s->compile->arena, "type %u, state " STR_FMT, plan->type, STR_ARG(plan->path));
    bool declared = zone_declare(s, 1, &zone) != NULL;
    return read_state(s, &zone, plan) && declared;
}

static const struct directive directives[] = {
    { "keyval", NO_FIELD, IN_HTTP, .set = set_keyval, .flags = REPEATABLE, .args_min = 3,
      .syntax = "key $variable zone=name", .example = "keyval $arg_text $text zone=one;",
      .help = "Defines a variable: the value of the key in the zone's database." },
    { "keyval_zone", NO_FIELD, IN_HTTP, .set = set_zone, .flags = REPEATABLE, .args_min = 1,
      .args_max = ARGS_ANY,
      .syntax = "zone=name:size [state=file] [timeout=time] [type=string|ip|prefix] [sync]",
      .example = "keyval_zone zone=one:32k state=/var/lib/usher/one.keyval;",
      .help = "A database of pairs, common to all threads, that goes on over reloads. state: the "
              "file that keeps it, a JSON object. timeout: pairs go after it. type: whether keys "
              "are compared as texts, are addresses, networks and ranges (192.0.2.1-192.0.2.9) "
              "that hold the address sought, or beginnings of the text sought." },
    { 0 },
};

const struct feature keyval = {
    .name = "keyval",
    .directives = directives,
};
