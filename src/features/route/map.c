/* map SOURCE $VARIABLE { … }: a variable whose value depends on others'.
 *
 * Exact values and host names are looked up in hash tables, regular expressions are tried in the
 * order of the text. Nothing is computed until the variable is used. */
#include "exchange/feature.h"
#include "exchange/hosts/host_table.h"

struct value {
    struct str text;
    const struct template *template; /* NULL: the text as it stands */
};

/* Tables size themselves; what is said of it is checked. */
struct settings {
    unsigned hash_max_size, hash_bucket_size;
};

struct choices {
    const struct template *source;
    struct host_table *table;
    const struct value *otherwise; /* default; NULL: empty */
    bool hostnames, is_volatile;
};

static bool
compute(struct exchange *x, const void *data, struct str *out)
{
    const struct choices *my = data;
    struct str key = template_eval(my->source, x);
    if (key.p == NULL)
        return false;
    if (my->hostnames && str_ends(key, STR(".")))
        key.n--;
    const struct value *value =
        key.n ? host_table_find(my->table, key, x) : map_try(&my->table->exact, STR(""));
    if (value == NULL)
        value = my->otherwise;
    *out = value == NULL     ? STR("")
           : value->template ? template_eval(value->template, x)
                             : value->text;
    return out->p != NULL;
}

/* --- the block --- */

static struct value *
read_value(struct setting *line)
{
    struct str text = setting_arg(line, 1);
    struct value *value = arena_new(line->compile->arena, struct value);
    value->text = text;
    if (str_find(text, '$') < 0)
        return value;
    value->template = template_compile(line, 1, text);
    return value->template ? value : NULL;
}

/* A star stands for whole labels at one end of the name. */
static bool
is_hostname(struct str name)
{
    if (str_starts(name, STR("*.")) && name.n > 2)
        name = str_skip(name, 1);
    else if (str_ends(name, STR(".*")))
        name = str_head(name, name.n - 1);
    return str_find(name, '*') < 0 && str_find_str(name, STR("..")) < 0;
}

static bool
conflict(struct setting *line, struct str name)
{
    return setting_error(line, 0, "conflicting parameter \"" STR_FMT "\"", STR_ARG(name));
}

static bool
add_regex(struct setting *line, struct choices *my, struct value *value)
{
    struct str pattern = str_skip(setting_arg(line, 0), 1);
    bool nocase = str_starts(pattern, STR("*"));
    struct regex *regex = regex_compile(line, 0, str_skip(pattern, nocase), nocase);
    return regex && host_table_add(my->table, pattern, regex, value);
}

static bool
add_hostname(struct setting *line, struct choices *my, struct str name, struct value *value)
{
    if (!is_hostname(name))
        return setting_error(line, 0, "invalid hostname or wildcard \"" STR_FMT "\"",
                             STR_ARG(name));
    return host_table_add(my->table, name, NULL, value) || conflict(line, name);
}

static bool
add(struct setting *line, struct choices *my, struct value *value)
{
    struct str key = setting_arg(line, 0);
    if (str_starts(key, STR("~")))
        return add_regex(line, my, value);
    if (str_starts(key, STR("\\")))
        key = str_skip(key, 1);
    if (my->hostnames)
        return add_hostname(line, my, key, value);
    return map_put(&my->table->exact, key, value) == NULL || conflict(line, key);
}

static bool
set_default(struct setting *line, struct choices *my, const struct value *value)
{
    if (my->otherwise)
        return setting_error(line, 0, "duplicate default map parameter");
    my->otherwise = value;
    return true;
}

static bool
read_line(struct setting *line, struct choices *my)
{
    struct str first = setting_arg(line, 0);
    bool alone = line->node->n == 1;
    if (alone && str_eq(first, STR("hostnames")))
        return my->hostnames = true;
    if (alone && str_eq(first, STR("volatile")))
        return my->is_volatile = true;
    if (line->node->n != 2)
        return setting_error(line, 0, "invalid number of the map parameters");
    struct value *value = read_value(line);
    if (value == NULL)
        return false;
    return str_eq(first, STR("default")) ? set_default(line, my, value) : add(line, my, value);
}

static bool
read_block(struct setting *s, struct choices *my)
{
    bool good = true;
    for (const struct node *n = s->node->children; n; n = n->next) {
        struct setting line = *s;
        line.node = n;
        good =
            (n->block ? setting_error(&line, 0, "unexpected \"{\"") : read_line(&line, my)) && good;
    }
    return good;
}

static bool
set_map(struct setting *s)
{
    struct str name = setting_arg(s, 2);
    struct choices *my = arena_new(s->compile->arena, struct choices);
    my->table = host_table_open(s->compile->arena);
    my->source = template_compile(s, 1, setting_arg(s, 1));
    if (!str_starts(name, STR("$")) || name.n < 2)
        return setting_error(s, 2, "invalid variable name \"" STR_FMT "\"", STR_ARG(name));
    bool good = read_block(s, my) && my->source;
    return variable_define_computed(s, 2, str_skip(name, 1), compute, my,
                                    my->is_volatile ? VARIABLE_VOLATILE : 0) &&
           good;
}

static const struct directive directives[] = {
    { "map", NO_FIELD, IN_HTTP, .set = set_map, .flags = BLOCK | RAW | REPEATABLE | SETTINGS_APART,
      .args_min = 2, .syntax = "string $variable { ... }",
      .example = "map $http_upgrade $connection_upgrade { default upgrade; \"\" close; }",
      .help = "Defines a variable: its value is what stands beside the first that fits the string: "
              "an exact value in any case, with hostnames also *.example.com, mail.* and "
              ".example.com, then the first regular expression (~, ~* in any case), then default. "
              "Values may have variables and captures. volatile: computed at each use. A backslash "
              "before a value takes its special meaning away." },
    { "map_hash_max_size", FIELD(struct settings, hash_max_size), IN_HTTP, .flags = IGNORED,
      .initial = "2048", .help = "Accepted; tables size themselves." },
    { "map_hash_bucket_size", FIELD(struct settings, hash_bucket_size), IN_HTTP, .flags = IGNORED,
      .initial = "64", .help = "Accepted; tables size themselves." },
    { 0 },
};

const struct feature map_ = {
    .name = "map",
    .settings_size = sizeof(struct settings),
    .directives = directives,
};
