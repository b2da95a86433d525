/* Rules that turn a backend's own addresses into the client's. */
#include "gateway/rewrite.h"

#include "http/cookie.h"

enum cookie_flag {
    COOKIE_SECURE = 1 << 0,
    COOKIE_HTTPONLY = 1 << 1,
    COOKIE_SAMESITE_STRICT = 1 << 2,
    COOKIE_SAMESITE_LAX = 1 << 3,
    COOKIE_SAMESITE_NONE = 1 << 4,
    COOKIE_NO_SECURE = 1 << 5,
    COOKIE_NO_HTTPONLY = 1 << 6,
    COOKIE_NO_SAMESITE = 1 << 7,
};

struct rewrite_rule {
    struct rewrite_rule *next;
    bool is_default;     /* proxy_redirect default */
    struct regex *regex; /* else `from` is compared */
    const struct template *from, *to;
    const struct template **flags; /* proxy_cookie_flags: n_flags of them */
    unsigned n_flags;
};

struct rewrite_rules {
    struct rewrite_rule *first, **end;
    bool off;
};

/* --- reading the directives --- */

static struct rewrite_rule *
add_rule(struct setting *s)
{
    struct rewrite_rules **rules = s->field;
    if (*rules == NULL) {
        *rules = arena_new(s->compile->arena, struct rewrite_rules);
        (*rules)->end = &(*rules)->first;
    }
    struct rewrite_rule *rule = arena_new(s->compile->arena, struct rewrite_rule);
    *(*rules)->end = rule;
    (*rules)->end = &rule->next;
    return rule;
}

/* "off" alone. True when this was it. */
static bool
set_off(struct setting *s)
{
    struct rewrite_rules **rules = s->field;
    if (s->node->n != 2 || !str_eq(setting_arg(s, 1), STR("off")))
        return false;
    add_rule(s);
    (*rules)->off = true;
    return true;
}

/* What is compared: "~regex", "~*regex", or text with variables. */
static bool
set_from(struct setting *s, struct rewrite_rule *rule, bool nocase)
{
    struct str text = setting_arg(s, 1);
    if (text.n == 0 || text.p[0] != '~') {
        rule->from = template_compile(s, 1, text);
        return rule->from != NULL;
    }
    bool star = text.n > 1 && text.p[1] == '*';
    rule->regex = regex_compile(s, 1, str_skip(text, star ? 2 : 1), star || nocase);
    return rule->regex != NULL;
}

static bool
set_pair(struct setting *s, bool nocase)
{
    if (set_off(s))
        return true;
    if (s->node->n != 3)
        return setting_error(s, 1, "invalid parameter \"" STR_FMT "\"", STR_ARG(setting_arg(s, 1)));
    struct rewrite_rule *rule = add_rule(s);
    rule->to = template_compile(s, 2, setting_arg(s, 2));
    return set_from(s, rule, nocase) && rule->to != NULL;
}

bool
rewrite_set_redirect(struct setting *s)
{
    if (s->node->n == 2 && str_eq(setting_arg(s, 1), STR("default"))) {
        add_rule(s)->is_default = true;
        return true;
    }
    return set_pair(s, false);
}

bool
rewrite_set_cookie_domain(struct setting *s)
{
    return set_pair(s, true);
}

bool
rewrite_set_cookie_path(struct setting *s)
{
    return set_pair(s, false);
}

static unsigned
cookie_flag(struct str word)
{
    static const struct choice flags[] = {
        { "secure", COOKIE_SECURE },
        { "httponly", COOKIE_HTTPONLY },
        { "samesite=strict", COOKIE_SAMESITE_STRICT },
        { "samesite=lax", COOKIE_SAMESITE_LAX },
        { "samesite=none", COOKIE_SAMESITE_NONE },
        { "nosecure", COOKIE_NO_SECURE },
        { "nohttponly", COOKIE_NO_HTTPONLY },
        { "nosamesite", COOKIE_NO_SAMESITE },
        { NULL, 0 },
    };
    for (const struct choice *c = flags; c->name; c++)
        if (str_eq_nocase(word, str_of(c->name)))
            return c->value;
    return 0;
}

bool
rewrite_set_cookie_flags(struct setting *s)
{
    if (set_off(s))
        return true;
    struct rewrite_rule *rule = add_rule(s);
    rule->flags = arena_array(s->compile->arena, const struct template *, s->node->n);
    for (unsigned i = 2; i < s->node->n; i++) {
        const struct template *t = template_compile(s, i, setting_arg(s, i));
        if (t == NULL)
            return false;
        if (template_is_plain(t) && cookie_flag(template_plain(t)) == 0)
            return setting_error(s, i, "unknown parameter \"" STR_FMT "\"",
                                 STR_ARG(setting_arg(s, i)));
        rule->flags[rule->n_flags++] = t;
    }
    return set_from(s, rule, true);
}

/* --- at work --- */

static struct str
splice(struct exchange *x, struct str whole, size_t at, size_t n, struct str with)
{
    struct str head = arena_join(&x->arena, str_head(whole, at), with);
    return arena_join(&x->arena, head, str_skip(whole, at + n));
}

/* One redirect rule on the URL that stands in `value` from `at` on. True when it applied. */
static bool
apply_redirect(struct gateway *g, const struct rewrite_rule *rule, struct str *value, size_t at)
{
    struct str url = str_skip(*value, at), from = g->target.redirect_from,
               to = g->target.redirect_to;
    if (rule && rule->regex) {
        if (!regex_match(rule->regex, url, g->x))
            return false;
        *value = splice(g->x, *value, at, url.n, template_eval(rule->to, g->x));
        return true;
    }
    if (rule && !rule->is_default) {
        from = template_eval(rule->from, g->x);
        to = template_eval(rule->to, g->x);
    }
    if (from.n == 0 || !str_starts(url, from))
        return false;
    *value = splice(g->x, *value, at, from.n, to);
    return true;
}

/* Where the URL begins: at once in Location, after "url=" in Refresh. */
static size_t
url_begin(struct str value)
{
    ptrdiff_t at = str_find_str_nocase(value, STR("url="));
    bool refresh = at > 0 && (value.p[0] >= '0' && value.p[0] <= '9');
    return refresh ? (size_t)at + 4 : 0;
}

struct str
rewrite_redirect(struct gateway *g, struct str value)
{
    const struct rewrite_rules *rules = g->my->redirects;
    size_t at = url_begin(value);
    bool done = false;
    if (rules && rules->off)
        return value;
    if (rules == NULL)
        done = apply_redirect(g, NULL, &value, at);
    for (const struct rewrite_rule *r = rules ? rules->first : NULL; r && !done; r = r->next)
        done = apply_redirect(g, r, &value, at);
    return done && at == 0 ? redirect_location(g->x, value) : value;
}

static struct str
without_dot(struct str domain)
{
    return str_starts(domain, STR(".")) ? str_skip(domain, 1) : domain;
}

/* A dot before the domain counts for nothing, and stays. */
static bool
apply_domain(struct gateway *g, const struct rewrite_rule *rule, struct str *value)
{
    struct str bare = without_dot(*value);
    if (!str_eq_nocase(bare, without_dot(template_eval(rule->from, g->x))))
        return false;
    struct str to = without_dot(template_eval(rule->to, g->x));
    *value = splice(g->x, *value, value->n - bare.n, bare.n, to);
    return true;
}

static bool
apply_path(struct gateway *g, const struct rewrite_rule *rule, struct str *value)
{
    struct str from = template_eval(rule->from, g->x);
    if (!str_starts(*value, from))
        return false;
    *value = splice(g->x, *value, 0, from.n, template_eval(rule->to, g->x));
    return true;
}

typedef bool apply_fn(struct gateway *g, const struct rewrite_rule *rule, struct str *value);

static bool
apply_first(struct gateway *g, const struct rewrite_rules *rules, struct str *value,
            apply_fn *apply)
{
    for (const struct rewrite_rule *r = rules->first; r; r = r->next) {
        if (r->regex == NULL && apply(g, r, value))
            return true;
        if (r->regex && regex_match(r->regex, *value, g->x)) {
            *value = template_eval(r->to, g->x);
            return true;
        }
    }
    return false;
}

/* Each attribute of that name gets its new value. True when one did. */
static bool
apply_attribute(struct gateway *g, const struct rewrite_rules *rules, struct set_cookie *cookie,
                struct str name, apply_fn *apply)
{
    bool done = false;
    if (rules == NULL || rules->off)
        return false;
    for (unsigned i = 1; i < cookie->n; i++) {
        struct cookie_part *part = &cookie->v[i];
        if (part->value.p && str_eq_nocase(part->name, name))
            done |= apply_first(g, rules, &part->value, apply);
    }
    return done;
}

enum { FLAG_NAMES = 3 }; /* how many attributes flags may add */

static void
apply_flags(struct set_cookie *cookie, unsigned flags)
{
    static const struct {
        unsigned flag;
        struct cookie_part part; /* without a name: what has this one goes */
        struct str name;
    } table[] = {
        { COOKIE_SECURE, { { "Secure", 6 }, { NULL, 0 } }, { "secure", 6 } },
        { COOKIE_HTTPONLY, { { "HttpOnly", 8 }, { NULL, 0 } }, { "httponly", 8 } },
        { COOKIE_SAMESITE_NONE, { { "SameSite", 8 }, { "None", 4 } }, { "samesite", 8 } },
        { COOKIE_SAMESITE_LAX, { { "SameSite", 8 }, { "Lax", 3 } }, { "samesite", 8 } },
        { COOKIE_SAMESITE_STRICT, { { "SameSite", 8 }, { "Strict", 6 } }, { "samesite", 8 } },
        { COOKIE_NO_SECURE, { { NULL, 0 }, { NULL, 0 } }, { "secure", 6 } },
        { COOKIE_NO_HTTPONLY, { { NULL, 0 }, { NULL, 0 } }, { "httponly", 8 } },
        { COOKIE_NO_SAMESITE, { { NULL, 0 }, { NULL, 0 } }, { "samesite", 8 } },
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (!(flags & table[i].flag))
            continue;
        struct cookie_part *there = set_cookie_find(cookie, table[i].name);
        if (table[i].part.name.n == 0)
            set_cookie_remove(cookie, table[i].name);
        else if (there == NULL)
            cookie->v[cookie->n++] = table[i].part;
        else if (table[i].part.value.n)
            *there = table[i].part;
    }
}

/* Of a flag and its opposite the last one holds. */
static unsigned
flags_of(struct exchange *x, const struct rewrite_rule *rule)
{
    static const struct {
        unsigned on, off;
    } opposites[] = {
        { COOKIE_SECURE, COOKIE_NO_SECURE },
        { COOKIE_HTTPONLY, COOKIE_NO_HTTPONLY },
        { COOKIE_SAMESITE_STRICT | COOKIE_SAMESITE_LAX | COOKIE_SAMESITE_NONE, COOKIE_NO_SAMESITE },
    };
    unsigned flags = 0;
    for (unsigned i = 0; i < rule->n_flags; i++) {
        unsigned flag = cookie_flag(template_eval(rule->flags[i], x));
        for (size_t k = 0; k < sizeof opposites / sizeof opposites[0]; k++) {
            if (flag & opposites[k].on)
                flags &= ~opposites[k].off;
            if (flag & opposites[k].off)
                flags &= ~opposites[k].on;
        }
        flags |= flag;
    }
    return flags;
}

static bool
rewrite_flags(struct gateway *g, struct set_cookie *cookie)
{
    const struct rewrite_rules *rules = g->my->cookie_flags;
    struct str name = cookie->v[0].name;
    if (rules == NULL || rules->off)
        return false;
    for (const struct rewrite_rule *r = rules->first; r; r = r->next)
        if (r->regex ? regex_match(r->regex, name, g->x)
                     : str_eq_nocase(template_eval(r->from, g->x), name)) {
            apply_flags(cookie, flags_of(g->x, r));
            return true;
        }
    return false;
}

struct str
rewrite_cookie(struct gateway *g, struct str text)
{
    const struct gateway_settings *my = g->my;
    struct set_cookie cookie;
    if (!(my->cookie_domains || my->cookie_paths || my->cookie_flags) ||
        !set_cookie_parse(text, FLAG_NAMES, &g->x->arena, &cookie))
        return text;
    bool done = apply_attribute(g, my->cookie_domains, &cookie, STR("domain"), apply_domain);
    done |= apply_attribute(g, my->cookie_paths, &cookie, STR("path"), apply_path);
    done |= rewrite_flags(g, &cookie);
    return done ? set_cookie_print(&cookie, &g->x->arena) : text;
}
