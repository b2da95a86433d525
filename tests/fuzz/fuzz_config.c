/* Any text as a configuration: parsed, compiled against a small set of rows, and every problem
 * shown. Nothing outside the text is read: the sources are sealed. */
#include "target.h"

#include "config/compile.h"

struct settings {
    struct bytes size;
    struct msec time;
    bool flag;
    unsigned number, choices, times;
    uint64_t big;
    struct str text;
};

static bool
open_block(struct setting *s)
{
    scope_run(scope_open(s->scope, s->node, s->scope->context, NULL));
    return true;
}

static bool
count(struct setting *s)
{
    struct str value;
    *(unsigned *)s->field += setting_parameter(s, 1, STR("name"), &value);
    return setting_arg(s, 1).n > 3 || setting_error(s, 1, "too short");
}

static const struct choice choices[] = { { "one", 1 }, { "two", 2 }, { "three", 4 }, { 0 } };

static const struct directive rows[] = {
    { "size", FIELD(struct settings, size), IN_MAIN, "1k" },
    { "time", FIELD(struct settings, time), IN_MAIN | IN_HTTP, "1s" },
    { "flag", FIELD(struct settings, flag), IN_MAIN, "on" },
    { "number", FIELD(struct settings, number), IN_MAIN },
    { "big", FIELD(struct settings, big), IN_MAIN },
    { "text", FIELD(struct settings, text), IN_MAIN | IN_SERVER },
    { "choices", FIELD(struct settings, choices), IN_MAIN, "one two", .choices = choices,
      .flags = CHOICES_ADD },
    { "count", PLACE(struct settings, times), IN_MAIN, .flags = MANY, .set = count },
    { "block", NO_FIELD, IN_MAIN, .flags = BLOCK | REPEATABLE, .args_max = ARGS_NONE,
      .set = open_block },
    { "server", NO_FIELD, IN_HTTP, .flags = BLOCK | REPEATABLE, .args_max = ARGS_NONE,
      .set = open_block },
    { "http", NO_FIELD, IN_MAIN, .flags = BLOCK, .args_max = ARGS_NONE, .set = open_block },
    { "data", PLACE(struct settings, times), IN_MAIN, .flags = BLOCK | RAW, .args_max = ARGS_ANY,
      .set = count },
    { 0 },
};

static const struct directive_set set = { "fuzz", sizeof(struct settings), rows, NULL };
static const struct directive_set *const sets[] = { &config_directives, &set, NULL };

static void
show(const struct diags *d, struct arena *a)
{
    struct buf b;
    buf_init(&b, a, 1000, 0);
    for (const struct diag *diag = d->first; diag; diag = diag->next) {
        diag_line(diag, &b);
        diag_excerpt(diag, &b);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena a;
    struct sources s;
    struct diags d;
    struct compile c;
    arena_init(&a, 0);
    sources_init(&s, &a);
    s.sealed = true;
    diags_init(&d, &a);
    struct source *text = sources_add_text(&s, STR("t"), (struct str){ (const char *)data, n });
    struct node *root = config_parse_text(&s, text, &d, &a);
    compile_init(&c, &a, &s, &d, sets);
    compile_run(&c, root);
    show(&d, &a);
    arena_fini(&a);
    return 0;
}
