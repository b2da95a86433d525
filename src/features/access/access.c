/* allow, deny: who may come in, by address. The first rule that matches decides.
 *
 * Long runs of rules become a table, in which the earliest of all that match counts; a file's
 * prefixes are one rule, in a table that reloads share while the file stays the same. */
#include "exchange/auth/satisfy.h"
#include "exchange/feature.h"
#include "net/prefix_file.h"

enum { RUN_MIN = 8 }; /* shorter runs are faster looked at one by one */

enum rule_kind { RULE_PREFIX, RULE_ALL, RULE_UNIX, RULE_FILE, RULE_RUN };

struct rule {
    enum rule_kind kind;
    bool deny;
    struct prefix_bits prefix;
    struct prefix_table *table; /* of a run: what it finds is odd where access is denied */
    struct str path;            /* of a file */
};

struct rules {
    struct rule *v;
    unsigned n, cap;
    bool has_v4; /* IPv4 that came by IPv6 is IPv4 where there are rules for that, as in nginx */
};

struct settings {
    struct rules *written; /* as they stand in the text */
    const struct rules *rules;
    bool watch;
};

static struct rule *
add(struct arena *a, struct rules *r, struct rule rule)
{
    if (r->n == r->cap) {
        struct rule *old = r->v;
        r->cap = r->cap ? r->cap * 2 : 8;
        r->v = arena_array(a, struct rule, r->cap);
        if (r->n)
            memcpy(r->v, old, r->n * sizeof *old);
    }
    r->v[r->n] = rule;
    return &r->v[r->n++];
}

static void
drop_table(struct compile *c, void *table)
{
    prefix_file_table_drop(table);
}

static bool
read_file(struct setting *s, struct rule *rule)
{
    int error;
    unsigned line;
    struct compile *c = s->compile;
    rule->path = compile_conf_path(c, rule->path);
    const struct source *file = sources_open_data(c->sources, rule->path, &error);
    if (file == NULL)
        return setting_error(s, 1, "open() \"" STR_FMT "\" failed (%d: %s)", STR_ARG(rule->path),
                             error, strerrordesc_np(error));
    rule->kind = RULE_FILE;
    rule->table = prefix_file_table(file->text, &line);
    if (rule->table == NULL)
        return setting_error(s, 1, "invalid network in " STR_FMT ":%u", STR_ARG(rule->path), line);
    compile_finally(c, drop_table, rule->table);
    return true;
}

static bool
read_prefix(struct setting *s, struct rule *rule)
{
    struct prefix prefix;
    struct str text = setting_arg(s, 1);
    enum prefix_reading reading = prefix_parse(text, &prefix);
    if (reading == PREFIX_BAD)
        return setting_error(s, 1, "invalid parameter \"" STR_FMT "\"", STR_ARG(text));
    if (reading == PREFIX_LOOSE)
        setting_warn(s, 1, "low address bits of " STR_FMT " are meaningless", STR_ARG(text));
    rule->kind = prefix_bits_of(&prefix, &rule->prefix) ? RULE_PREFIX : RULE_UNIX;
    return true;
}

static bool
set_rule(struct setting *s)
{
    struct rules **rules = s->field;
    struct rule rule = { .deny = str_eq(setting_arg(s, 0), STR("deny")) };
    if (str_eq(setting_arg(s, 1), STR("all")))
        rule.kind = RULE_ALL;
    else if (!(setting_parameter(s, 1, STR("file"), &rule.path) ? read_file(s, &rule)
                                                                : read_prefix(s, &rule)))
        return false;
    if (*rules == NULL)
        *rules = arena_new(s->compile->arena, struct rules);
    add(s->compile->arena, *rules, rule);
    return true;
}

#define EVERYWHERE (IN_HTTP | IN_SERVER | IN_LOCATION | IN_LIMIT_EXCEPT)

static const struct directive directives[] = {
    { "allow", PLACE(struct settings, written), EVERYWHERE, .set = set_rule, .flags = MANY,
      .syntax = "address | CIDR | unix: | all | file=path", .example = "allow 192.168.1.0/24;",
      .help = "Lets clients with these addresses in. Of all allow and deny the first that matches "
              "counts; who matches none comes in. file: addresses and CIDRs, one a line, after # "
              "comments." },
    { "deny", PLACE(struct settings, written), EVERYWHERE, .set = set_rule, .flags = MANY,
      .syntax = "address | CIDR | unix: | all | file=path", .example = "deny file=blocklist.txt;",
      .help = "Keeps clients with these addresses out (403). A file may have a million lines." },
    { "access_file_watch", FIELD(struct settings, watch), EVERYWHERE, .initial = "off",
      .help = "Takes up changed files of allow and deny without a reload being asked for. One that "
              "vanishes or is malformed changes nothing. Not with master_process off." },
    { 0 },
};

static void
watch_files(struct sources *s, const struct rules *r)
{
    for (unsigned i = 0; i < r->n; i++)
        if (r->v[i].kind == RULE_FILE)
            sources_watch(s, r->v[i].path);
}

static unsigned
run_length(const struct rules *r, unsigned from)
{
    unsigned n = 0;
    while (from + n < r->n && r->v[from + n].kind == RULE_PREFIX)
        n++;
    return n;
}

static void
drop_run(struct compile *c, void *table)
{
    (void)prefix_table_drop(table);
}

static void
add_run(struct compile *c, struct rules *to, const struct rule *v, unsigned n)
{
    struct prefix_builder b;
    prefix_builder_init(&b);
    for (unsigned i = 0; i < n; i++)
        prefix_builder_add(&b, v[i].prefix, 2 * i + v[i].deny);
    struct rule *run = add(c->arena, to, (struct rule){ .kind = RULE_RUN });
    run->table = prefix_table_build(&b, PREFIX_LEAST_VALUE);
    compile_finally(c, drop_run, run->table);
}

static bool
has_v4(const struct rules *r)
{
    for (unsigned i = 0; i < r->n; i++) {
        enum rule_kind kind = r->v[i].kind;
        if (kind == RULE_ALL || kind == RULE_FILE || (kind == RULE_PREFIX && r->v[i].prefix.v4))
            return true;
    }
    return false;
}

static bool
complete(struct scope *scope, void *settings)
{
    struct settings *my = settings;
    struct compile *c = scope->compile;
    const struct rules *from = my->written;
    if (from == NULL)
        return true;
    if (my->watch)
        watch_files(c->sources, from);
    struct rules *rules = arena_new(c->arena, struct rules);
    rules->has_v4 = has_v4(from);
    for (unsigned i = 0, n; i < from->n; i += n) {
        n = run_length(from, i);
        if (n >= RUN_MIN) {
            add_run(c, rules, &from->v[i], n);
        } else {
            add(c->arena, rules, from->v[i]);
            n = 1;
        }
    }
    my->rules = rules;
    return true;
}

static bool
is_used(const void *settings)
{
    const struct settings *my = settings;
    return my->rules != NULL;
}

/* Does the rule match? Then *deny is what it says. ip: NULL is a unix socket's client. */
static bool
matches(const struct rule *r, const struct prefix_bits *ip, bool *deny)
{
    uint32_t found;
    *deny = r->deny;
    switch (r->kind) {
    case RULE_ALL:
        return true;
    case RULE_UNIX:
        return ip == NULL;
    case RULE_PREFIX:
        return ip && prefix_bits_covers(&r->prefix, ip);
    case RULE_FILE:
        return ip && prefix_table_find(r->table, ip) != PREFIX_NONE;
    case RULE_RUN:
        found = ip ? prefix_table_find(r->table, ip) : PREFIX_NONE;
        *deny = found & 1;
        return found != PREFIX_NONE;
    }
    return false;
}

static enum verdict
refuse(struct exchange *x)
{
    return x->any_suffices ? status_only(x, 403) : fail(x, FAULT_ACCESS, "%s", "");
}

static enum verdict
judge(struct exchange *x, const void *settings)
{
    const struct rules *rules = ((const struct settings *)settings)->rules;
    const struct address *peer = exchange_peer(x);
    struct prefix_bits ip;
    bool deny, is_ip = prefix_bits_of_address(peer, &ip);
    if (is_ip && ip.v4 && !rules->has_v4) {
        struct prefix as_it_came = prefix_of(peer);
        (void)prefix_bits_of(&as_it_came, &ip);
    }
    for (unsigned i = 0; i < rules->n; i++)
        if (matches(&rules->v[i], is_ip ? &ip : NULL, &deny)) {
            if (deny)
                return refuse(x);
            access_grant(x);
            return PASS;
        }
    return PASS;
}

const struct feature access_ = {
    .name = "access",
    .phase = PHASE_ACCESS,
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .complete = complete,
    .used = is_used,
    .on_request = judge,
    .explain = judge,
};
