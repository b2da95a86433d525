/* geoip2 FILE { … }: variables of what a MaxMind database knows of the client's address.
 *
 * The database is mapped when the configuration is read, and one for all that name the file. */
#include "exchange/feature.h"
#include "exchange/forwarded.h"
#include "exchange/snapshot.h"
#include "exchange/values/print.h"
#include "net/mmdb.h"
#include "net/prefix.h"

struct database {
    struct database *next;
    struct str path;
    struct mmdb *mmdb;
    struct msec auto_reload; /* 0: no */
    const struct proxies *proxies;
};

/* Of http, for all databases: they may stand below the blocks that use them. */
struct proxies {
    struct trusted {
        struct trusted *next;
        struct prefix prefix;
    } * trusted;
    bool recursive;
};

struct settings {
    struct database *databases;
    bool recursive;
    struct proxies *proxies;
};

/* One variable. */
struct entry {
    struct database *database;
    const struct template *source;                /* NULL: the client */
    struct str otherwise;                         /* STR_NONE: without value */
    const char **path;                            /* ends with NULL */
    uint64_t (*time)(const struct mmdb_times *t); /* metadata */
};

extern const struct feature geoip2;

/* --- at run time --- */

static void
refresh(struct exchange *x, struct database *d)
{
    const char *problem = NULL;
    if (d->auto_reload.ms == 0)
        return;
    switch (mmdb_refresh(d->mmdb, d->auto_reload.ms, &problem)) {
    case MMDB_SAME:
        return;
    case MMDB_CHANGED:
        exchange_log(x, LEVEL_INFO, 0, "Reload MMDB \"" STR_FMT "\"", STR_ARG(d->path));
        return;
    case MMDB_BROKEN:
        exchange_log(x, LEVEL_ERROR, 0, "MMDB_open(\"" STR_FMT "\") failed to reload - %s",
                     STR_ARG(d->path), problem);
        return;
    }
}

static bool
is_trusted(const struct address *a, const void *arg)
{
    for (const struct trusted *t = arg; t; t = t->next)
        if (prefix_holds(&t->prefix, a))
            return true;
    return false;
}

/* False: the source names no address. */
static bool
find_address(struct exchange *x, const struct entry *my, struct address *who)
{
    if (my->source) {
        struct str text = template_eval(my->source, x);
        return !str_starts(text, STR("[")) && forwarded_parse(text, who) && address_port(who) == 0;
    }
    const struct proxies *proxies = my->database->proxies;
    struct trust trust = { is_trusted, proxies->trusted, proxies->recursive };
    *who = *exchange_peer(x);
    if (proxies->trusted)
        forwarded_fields(&x->request.fields, STR("X-Forwarded-For"), &trust, who);
    return true;
}

static bool
compute(struct exchange *x, const void *data, struct str *out)
{
    const struct entry *my = data;
    struct address who;
    refresh(x, my->database);
    struct str found = STR_NONE;
    if (find_address(x, my, &who))
        found = mmdb_find(my->database->mmdb, &who, my->path, &x->arena);
    return give(found.p ? found : my->otherwise, out);
}

static bool
compute_metadata(struct exchange *x, const void *data, struct str *out)
{
    const struct entry *my = data;
    refresh(x, my->database);
    if (my->time == NULL)
        return false;
    struct mmdb_times times = mmdb_times(my->database->mmdb);
    *out = print_u64(x, my->time(&times));
    return true;
}

static uint64_t
built(const struct mmdb_times *t)
{
    return t->built;
}

static uint64_t
checked(const struct mmdb_times *t)
{
    return t->checked;
}

static uint64_t
changed(const struct mmdb_times *t)
{
    return t->changed;
}

/* --- the block --- */

static bool
set_metadata(struct setting *line, struct entry *my)
{
    static const struct {
        const char *name;
        uint64_t (*time)(const struct mmdb_times *t);
    } fields[] = { { "build_epoch", built },
                   { "last_check", checked },
                   { "last_change", changed } };
    for (unsigned i = 0; i < sizeof fields / sizeof *fields; i++)
        if (str_eq(setting_arg(line, 2), str_of(fields[i].name)))
            my->time = fields[i].time;
    if (my->time == NULL)
        setting_warn(line, 2, "there is no metadata \"" STR_FMT "\"",
                     STR_ARG(setting_arg(line, 2)));
    return true;
}

static bool
refuse(struct setting *line, unsigned word)
{
    return setting_error(line, word, "invalid setting \"" STR_FMT "\" for \"" STR_FMT "\"",
                         STR_ARG(setting_arg(line, word)), STR_ARG(setting_arg(line, 0)));
}

static bool
declared(struct setting *line, unsigned word, const char *what)
{
    return setting_error(line, word, "%s has already been declared for \"" STR_FMT "\"", what,
                         STR_ARG(setting_arg(line, 0)));
}

static bool
set_default(struct setting *line, unsigned word, struct str value, struct entry *my)
{
    if (value.n == 0)
        return refuse(line, word);
    if (my->otherwise.p)
        return declared(line, word, "default");
    my->otherwise = value;
    return true;
}

static bool
set_source(struct setting *line, unsigned word, struct str value, struct entry *my)
{
    if (value.n == 0)
        return refuse(line, word);
    if (my->source)
        return declared(line, word, "source");
    if (value.p[0] != '$')
        return setting_error(line, word, "invalid source variable name \"" STR_FMT "\"",
                             STR_ARG(value));
    my->source = template_compile(line, word, value);
    return my->source != NULL;
}

/* default= and source=, in any order; then the path. */
static bool
set_place(struct setting *line, struct entry *my)
{
    struct arena *a = line->compile->arena;
    struct str value;
    unsigned i = 1, n = 0;
    for (; i < line->node->n; i++) {
        bool is_default = str_starts(setting_arg(line, i), STR("default="));
        if (!is_default && !str_starts(setting_arg(line, i), STR("source=")))
            break;
        value = str_skip(setting_arg(line, i), is_default ? 8 : 7);
        if (!(is_default ? set_default : set_source)(line, i, value, my))
            return false;
    }
    my->path = arena_array(a, const char *, line->node->n - i + 1);
    for (; i < line->node->n; i++)
        my->path[n++] = arena_dup(a, setting_arg(line, i)).p;
    return true;
}

static bool
set_variable(struct setting *line, struct database *d)
{
    struct entry *my = arena_new(line->compile->arena, struct entry);
    struct str name = setting_arg(line, 0);
    my->database = d;
    if (name.n < 2)
        return setting_error(line, 0, "invalid variable name \"" STR_FMT "\"", STR_ARG(name));
    bool meta = line->node->n == 3 && str_eq(setting_arg(line, 1), STR("metadata"));
    if (!(meta ? set_metadata : set_place)(line, my))
        return false;
    return variable_define_computed(line, 0, str_skip(name, 1), meta ? compute_metadata : compute,
                                    my, 0);
}

static bool
set_auto_reload(struct setting *line, struct database *d)
{
    if (line->node->n != 2)
        return setting_error(line, 0, "invalid number of arguments for auto_reload");
    if (!parse_msec(setting_arg(line, 1), &d->auto_reload.ms))
        return setting_error(line, 1, "invalid value for auto_reload \"" STR_FMT "\"",
                             STR_ARG(setting_arg(line, 1)));
    return true;
}

static bool
read_line(struct setting *line, struct database *d)
{
    struct str first = setting_arg(line, 0);
    if (line->node->block)
        return setting_error(line, 0, "unexpected \"{\"");
    if (str_eq(first, STR("auto_reload")))
        return set_auto_reload(line, d);
    if (str_starts(first, STR("$")))
        return set_variable(line, d);
    return setting_error(line, 0, "invalid setting \"" STR_FMT "\"", STR_ARG(first));
}

static void
drop(struct compile *c, void *arg)
{
    struct database *d = arg;
    (void)c;
    mmdb_drop(d->mmdb);
}

/* A worker that may not read what the supervisor could keeps what it has. */
static bool
open_database(struct setting *s, struct database *d)
{
    const char *problem;
    d->mmdb = mmdb_hold(d->path, &problem);
    if (d->mmdb)
        compile_finally(s->compile, drop, d);
    if (problem == NULL)
        return true;
    if (d->mmdb && s->compile->sources->sealed)
        return setting_warn(s, 1,
                            "MMDB_open(\"" STR_FMT "\") failed - %s; the old one stays in use",
                            STR_ARG(d->path), problem) ||
               true;
    return setting_error(s, 1, "MMDB_open(\"" STR_FMT "\") failed - %s", STR_ARG(d->path), problem);
}

static struct proxies *
proxies_of(struct setting *s)
{
    struct settings *my = s->settings;
    if (my->proxies == NULL)
        my->proxies = arena_new(s->compile->arena, struct proxies);
    return my->proxies;
}

static bool
set_geoip2(struct setting *s)
{
    struct settings *my = s->settings;
    struct database *d = arena_new(s->compile->arena, struct database);
    d->path = arena_dup(s->compile->arena, compile_path(s->compile, setting_arg(s, 1)));
    d->proxies = proxies_of(s);
    for (const struct database *other = my->databases; other; other = other->next)
        if (str_eq(other->path, d->path))
            return setting_error(s, 1, "Duplicate GeoIP2 mmdb - " STR_FMT, STR_ARG(d->path));
    d->next = my->databases;
    my->databases = d;
    bool good = open_database(s, d);
    for (const struct node *n = s->node->children; n; n = n->next) {
        struct setting line = *s;
        line.node = n;
        good = read_line(&line, d) && good;
    }
    return good;
}

static bool
set_proxy(struct setting *s)
{
    struct proxies *proxies = proxies_of(s);
    struct str text = setting_arg(s, 1);
    struct trusted *t = arena_new(s->compile->arena, struct trusted);
    enum prefix_reading reading = prefix_parse(text, &t->prefix);
    if (reading == PREFIX_BAD || t->prefix.family == AF_UNIX)
        return setting_error(s, 1, "invalid network \"" STR_FMT "\"", STR_ARG(text));
    if (reading == PREFIX_LOOSE)
        setting_warn(s, 1, "low address bits of " STR_FMT " are meaningless", STR_ARG(text));
    t->next = proxies->trusted;
    proxies->trusted = t;
    return true;
}

static bool
complete(struct scope *scope, void *settings)
{
    struct settings *my = settings;
    if (my->proxies)
        my->proxies->recursive = my->recursive;
    return true;
}

static const struct directive directives[] = {
    { "geoip2", NO_FIELD, IN_HTTP, .set = set_geoip2, .flags = BLOCK | RAW | REPEATABLE,
      .args_min = 1, .syntax = "file { ... }",
      .example = "geoip2 GeoLite2-Country.mmdb { $country default=US country iso_code; }",
      .help = "Defines variables of what a MaxMind database knows of the client. Each line is a "
              "variable, then default=value and source=$variable (else the client's address is "
              "looked up), then the path of the value in the record; or \"metadata\" and "
              "build_epoch, last_check or last_change. auto_reload says how often the file is "
              "looked at for a change. Replace the file by renaming another one into its place." },
    { "geoip2_proxy", NO_FIELD, IN_HTTP, .set = set_proxy, .flags = REPEATABLE,
      .syntax = "address | CIDR", .example = "geoip2_proxy 192.168.0.0/16;",
      .help = "Proxies whose X-Forwarded-For says whom geoip2 looks up." },
    { "geoip2_proxy_recursive", FIELD(struct settings, recursive), IN_HTTP, .initial = "off",
      .help = "Looks up the last address in X-Forwarded-For that is no geoip2_proxy, instead of "
              "the last one." },
    { 0 },
};

const struct feature geoip2 = {
    .name = "geoip2",
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .complete = complete,
};
