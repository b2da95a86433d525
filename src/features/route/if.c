/* if (CONDITION) { … }: ops that run, and in a location settings that hold, when a condition does.
 */
#include "exchange/feature.h"
#include "exchange/hosts/location_build.h"
#include "exchange/rewrite/condition.h"
#include "exchange/rewrite/program.h"

struct if_block {
    struct op op; /* first */
    const struct condition *condition;
    const struct program *inner;
    struct location *location; /* with the block's settings; NULL in a server */
    const struct node *node;
};

static enum verdict
run(struct exchange *x, const struct op *op)
{
    const struct if_block *my = (const struct if_block *)op;
    if (!condition_holds(my->condition, x))
        return PASS;
    if (my->location)
        x->location = my->location;
    return program_run_inner(x, my->inner);
}

/* Once the settings around it are known. */
static void
open_block(struct scope *outer, void *arg)
{
    struct if_block *my = arg;
    struct scope *scope;
    if (outer->context == IN_LOCATION) {
        scope = location_open_if(outer, my->node, &my->location);
    } else {
        scope = scope_open(outer, my->node, IN_SERVER_IF, outer->object);
        scope_run(scope);
    }
    my->inner = program_of(scope);
}

static bool
set_if(struct setting *s)
{
    struct if_block *my = arena_new(s->compile->arena, struct if_block);
    my->op.run = run;
    my->node = s->node;
    my->condition = condition_compile(s);
    program_append(s, &my->op);
    scope_after(s->scope, open_block, my);
    return my->condition != NULL;
}

static const struct directive directives[] = {
    { "if", NO_FIELD, IN_SERVER | IN_LOCATION, .set = set_if,
      .flags = BLOCK | RAW | REPEATABLE | SETTINGS_APART, .args_min = 1, .args_max = ARGS_ANY,
      .syntax = "(condition) { ... }", .example = "if ($request_method = POST) { return 405; }",
      .help = "When the condition holds, its rewrite, set, return and break run, and in a location "
              "its other settings hold too; of several that hold, the last one's. Conditions: "
              "$variable (neither empty nor 0), = and !=, ~ ~* !~ !~* with a regular expression, "
              "-f -d -e -x and their negations with a file." },
    { 0 },
};

const struct feature if_ = {
    .name = "if",
    .directives = directives,
};
