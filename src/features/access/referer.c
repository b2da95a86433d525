/* valid_referers: does a request come from a page that may send it here? $invalid_referer says it.
 */
#include "exchange/feature.h"
#include "exchange/hosts/host_table.h"
#include "exchange/hosts/server.h"

/* What may follow a host: any of these, or anything when there are none. */
struct starts {
    struct start {
        struct start *next;
        struct str text;
    } * first;
    bool any;
};

struct page {
    struct page *next;
    struct regex *regex; /* of what follows "://" */
};

struct referers {
    bool none, blocked, own_names;
    struct host_table *hosts; /* → struct starts */
    struct map names;         /* the same, by name as written */
    struct page *pages, **pages_end;
};

struct settings {
    struct referers *valid;
};

extern const struct feature referer_;

enum { HOST_MOST = 256, LEAST = sizeof "http://i.ru" - 1 };

static struct referers *
open_list(struct arena *a)
{
    struct referers *r = arena_new(a, struct referers);
    r->hosts = host_table_open(a);
    map_init(&r->names, a, true);
    r->pages_end = &r->pages;
    return r;
}

static void
add_host(struct referers *r, struct str name, struct regex *regex, struct str start)
{
    struct arena *a = r->hosts->exact.arena;
    struct starts *s = regex ? NULL : map_try(&r->names, name);
    if (s == NULL) {
        s = arena_new(a, struct starts);
        if (regex == NULL)
            map_put(&r->names, name, s);
        (void)host_table_add(r->hosts, name, regex, s);
    }
    s->any |= start.n == 0;
    struct start *new = arena_new(a, struct start);
    *new = (struct start){ s->first, start };
    s->first = new;
}

/* --- Reading --- */

/* Once the server knows all its names. */
struct own_names {
    struct referers *referers;
    const struct server_build *server;
};

static void
add_own_names(struct compile *c, void *arg)
{
    const struct own_names *o = arg;
    (void)c;
    for (const struct server_name *n = o->server->names; n; n = n->next)
        if (n->regex || n->name.n)
            add_host(o->referers, n->name, n->regex, STR_NONE);
}

static void
defer_own_names(struct setting *s, struct referers *r)
{
    struct own_names *o = arena_new(s->compile->arena, struct own_names);
    *o = (struct own_names){ r, scope_enclosing(s->scope, IN_SERVER)->object };
    compile_defer(s->compile, add_own_names, o);
}

static bool
add_page(struct setting *s, unsigned word, struct referers *r)
{
    struct str pattern = str_skip(setting_arg(s, word), 1);
    struct page *p = arena_new(s->compile->arena, struct page);
    if (pattern.n == 0)
        return setting_error(s, word, "empty regex in \"" STR_FMT "\"",
                             STR_ARG(setting_arg(s, word)));
    p->regex = regex_compile(s, word, pattern, true);
    *r->pages_end = p;
    r->pages_end = &p->next;
    return p->regex != NULL;
}

static bool
add_name(struct setting *s, unsigned word, struct referers *r)
{
    struct str text = setting_arg(s, word), start = STR_NONE;
    if (text.n == 0 || str_find_str(text, STR("://")) >= 0)
        return setting_error(s, word, "invalid server name or wildcard \"" STR_FMT "\"",
                             STR_ARG(text));
    ptrdiff_t slash = str_find(text, '/');
    if (slash >= 0) {
        start = str_skip(text, (size_t)slash);
        text = str_head(text, (size_t)slash);
    }
    ptrdiff_t star = str_find(text, '*');
    bool wild = str_starts(text, STR("*.")) || str_ends(text, STR(".*"));
    if (text.n == 0 || (star >= 0 && !wild))
        return setting_error(s, word, "invalid server name or wildcard \"" STR_FMT "\"",
                             STR_ARG(setting_arg(s, word)));
    add_host(r, text, NULL, start);
    return true;
}

static bool
add(struct setting *s, unsigned word, struct referers *r)
{
    struct str text = setting_arg(s, word);
    if (str_eq(text, STR("none")))
        return r->none = true;
    if (str_eq(text, STR("blocked")))
        return r->blocked = true;
    if (str_eq(text, STR("server_names"))) {
        r->own_names = true;
        defer_own_names(s, r);
        return true;
    }
    return str_starts(text, STR("~")) ? add_page(s, word, r) : add_name(s, word, r);
}

static bool
set_valid(struct setting *s)
{
    struct referers **r = s->field;
    bool ok = true;
    if (*r == NULL)
        *r = open_list(s->compile->arena);
    for (unsigned i = 1; i < s->node->n; i++)
        ok = add(s, i, *r) && ok;
    return ok;
}

/* nginx's rule; regular expressions alone are enough here. */
static bool
complete(struct scope *scope, void *settings)
{
    const struct referers *r = ((const struct settings *)settings)->valid;
    if (r == NULL || !(r->none || r->blocked) || r->pages || r->names.n || r->own_names)
        return true;
    diag_add(scope->compile->diags, LEVEL_EMERG, scope->node->words[0].span,
             "the \"none\" or \"blocked\" referers are specified in the \"valid_referers\" "
             "directive without any valid referer");
    return false;
}

static bool
accept_size(struct setting *s)
{
    uint64_t n;
    return parse_bytes(setting_arg(s, 1), &n) ||
           setting_error(s, 1, "\"%s\" directive invalid value", s->row->name);
}

#define SIZE_ROW(name_, example_)                                                              \
    {                                                                                          \
        name_, NO_FIELD, IN_SERVER | IN_LOCATION, .set = accept_size, .flags = IGNORED,        \
                                                  .syntax = "size", .example = example_,       \
                                                  .help = "Accepted for nginx's sake; tables " \
                                                          "are as large as they need to be."   \
    }

static const struct directive directives[] = {
    { "valid_referers", PLACE(struct settings, valid), IN_SERVER | IN_LOCATION, .set = set_valid,
      .flags = MANY, .args_min = 1, .args_max = ARGS_ANY,
      .syntax = "none | blocked | server_names | string ...",
      .example = "valid_referers none blocked server_names *.example.com ~\\.google\\.;",
      .help = "Pages from which requests may come, by their Referer: for others $invalid_referer "
              "is 1. none: there is no such field; blocked: it is no http:// or https:// URL; "
              "server_names: the server's own; a name with or without a star at an end, and maybe "
              "how the path begins; ~: a regular expression for what follows \"://\"." },
    SIZE_ROW("referer_hash_bucket_size", "referer_hash_bucket_size 64;"),
    SIZE_ROW("referer_hash_max_size", "referer_hash_max_size 2048;"),
    { 0 },
};

/* --- Judging --- */

static bool
may_follow(const struct starts *s, struct str path)
{
    for (const struct start *i = s->first; i && !s->any; i = i->next)
        if (str_starts(path, i->text))
            return true;
    return s->any;
}

static bool
is_known_page(struct exchange *x, const struct referers *r, struct str page)
{
    for (const struct page *p = r->pages; p; p = p->next)
        if (regex_match(p->regex, page, x))
            return true;
    return false;
}

static bool
is_valid(struct exchange *x, const struct referers *r, struct str referer)
{
    size_t n = 0;
    bool http = str_starts_nocase(referer, STR("http://"));
    if (referer.p == NULL)
        return r->none;
    if (referer.n < LEAST || (!http && !str_starts_nocase(referer, STR("https://"))))
        return r->blocked;
    struct str page = str_skip(referer, http ? 7 : 8);
    while (n < page.n && page.p[n] != '/' && page.p[n] != ':')
        n++;
    if (n > HOST_MOST)
        return false;
    const struct starts *s = n ? host_table_find(r->hosts, str_head(page, n), x) : NULL;
    while (n < page.n && page.p[n] != '/')
        n++;
    return s ? may_follow(s, str_skip(page, n)) : is_known_page(x, r, page);
}

static bool
get_invalid(struct exchange *x, struct str rest, struct str *out)
{
    const struct settings *my = feature_settings(x, &referer_);
    bool valid = my->valid == NULL ||
                 is_valid(x, my->valid, fields_value(&x->request.fields, HEADER_REFERER));
    *out = valid ? STR("") : STR("1");
    return true;
}

static const struct variable variables[] = {
    { "invalid_referer", get_invalid, NULL, VARIABLE_VOLATILE,
      "1 if valid_referers does not know the request's Referer, else empty." },
    { 0 },
};

const struct feature referer_ = {
    .name = "referer",
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .complete = complete,
    .variables = variables,
};
