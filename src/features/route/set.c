/* set $VARIABLE VALUE and break: what a block's program does beside rewriting. */
#include "exchange/feature.h"
#include "exchange/rewrite/program.h"
#include "exchange/snapshot.h"

struct set {
    struct op op; /* first */
    const struct variable_ref *variable;
    const struct template *value;
};

static enum verdict
run_set(struct exchange *x, const struct op *op)
{
    const struct set *my = (const struct set *)op;
    struct str value = program_text(my->value, x);
    if (value.p == NULL)
        return FAILED;
    variable_store(x, my->variable, value);
    return PASS;
}

static bool
set_set(struct setting *s)
{
    struct snapshot *snapshot = s->compile->snapshot;
    struct set *my = arena_new(s->compile->arena, struct set);
    struct str name = setting_arg(s, 1);
    if (!str_starts(name, STR("$")) || name.n < 2)
        return setting_error(s, 1, "invalid variable name \"" STR_FMT "\"", STR_ARG(name));
    my->op.run = run_set;
    my->value = template_compile(s, 2, setting_arg(s, 2));
    my->variable = variable_define_over(&snapshot->variables, str_skip(name, 1));
    if (my->variable == NULL)
        return setting_error(s, 1, "the duplicate \"" STR_FMT "\" variable",
                             STR_ARG(str_skip(name, 1)));
    program_append(s, &my->op);
    return my->value != NULL;
}

static enum verdict
run_break(struct exchange *x, const struct op *op)
{
    program_stop(x, false);
    return PASS;
}

static bool
set_break(struct setting *s)
{
    struct op *op = arena_new(s->compile->arena, struct op);
    op->run = run_break;
    program_append(s, op);
    return true;
}

static const struct directive directives[] = {
    { "set", NO_FIELD, IN_SERVER | IN_LOCATION | IN_SERVER_IF | IN_LOCATION_IF, .set = set_set,
      .flags = REPEATABLE | SETTINGS_APART, .args_min = 2, .syntax = "$variable value",
      .example = "set $backend api;",
      .help = "Gives a variable a value, in the order of the text among rewrite, if and return." },
    { "break", NO_FIELD, IN_SERVER | IN_LOCATION | IN_SERVER_IF | IN_LOCATION_IF, .set = set_break,
      .flags = REPEATABLE | SETTINGS_APART, .args_max = ARGS_NONE, .syntax = "",
      .example = "break;",
      .help = "Ends the block's rewrite, set, if and return; the request goes on in this "
              "location." },
    { 0 },
};

const struct feature set_ = {
    .name = "set",
    .directives = directives,
};
