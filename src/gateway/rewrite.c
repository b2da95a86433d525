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

/* Domain and path: the attribute's value is replaced (a path's beginning only). */
static struct str
apply_attribute(struct gateway *g, const struct rewrite_rules *rules, struct str cookie,
                struct str name, bool prefix)
{
    struct str value = set_cookie_attribute(cookie, name);
    if (rules == NULL || rules->off || value.p == NULL)
        return cookie;
    size_t at = (size_t)(value.p - cookie.p);
    struct str compared = !prefix && value.n && value.p[0] == '.' ? str_skip(value, 1) : value;
    for (const struct rewrite_rule *r = rules->first; r; r = r->next) {
        if (r->regex && regex_match(r->regex, compared, g->x))
            return splice(g->x, cookie, at, value.n, template_eval(r->to, g->x));
        if (r->regex)
            continue;
        struct str from = template_eval(r->from, g->x);
        if (!prefix && from.n && from.p[0] == '.')
            from = str_skip(from, 1);
        if (prefix ? str_starts(compared, from) : str_eq_nocase(compared, from))
            return splice(g->x, cookie, at, prefix ? from.n : value.n, template_eval(r->to, g->x));
    }
    return cookie;
}

/* Without its attribute, whether it has a value or not. */
static struct str
without(struct exchange *x, struct str cookie, struct str attribute)
{
    struct str rest = cookie;
    struct buf b;
    buf_init(&b, &x->arena, cookie.n, 0);
    for (bool first = true; rest.p; first = false) {
        struct str part = str_cut(&rest, ';'), name = str_trim(part);
        name = str_trim(str_cut(&name, '='));
        if (!first && str_eq_nocase(name, attribute))
            continue;
        if (!first)
            buf_byte(&b, ';');
        buf_put(&b, part);
    }
    return buf_str(&b);
}

static bool
has(struct str cookie, struct str attribute)
{
    struct str rest = cookie;
    str_cut(&rest, ';');
    while (rest.p) {
        struct str part = str_cut(&rest, ';');
        if (str_eq_nocase(str_trim(str_cut(&part, '=')), attribute))
            return true;
    }
    return false;
}

static struct str
apply_flags(struct exchange *x, struct str cookie, unsigned flags)
{
    static const struct {
        unsigned flag;
        struct str name, text;
    } table[] = {
        { COOKIE_SECURE, { "secure", 6 }, { "; Secure", 8 } },
        { COOKIE_HTTPONLY, { "httponly", 8 }, { "; HttpOnly", 10 } },
        { COOKIE_SAMESITE_STRICT, { "samesite", 8 }, { "; SameSite=Strict", 17 } },
        { COOKIE_SAMESITE_LAX, { "samesite", 8 }, { "; SameSite=Lax", 14 } },
        { COOKIE_SAMESITE_NONE, { "samesite", 8 }, { "; SameSite=None", 15 } },
        { COOKIE_NO_SECURE, { "secure", 6 }, { "", 0 } },
        { COOKIE_NO_HTTPONLY, { "httponly", 8 }, { "", 0 } },
        { COOKIE_NO_SAMESITE, { "samesite", 8 }, { "", 0 } },
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (!(flags & table[i].flag))
            continue;
        bool is_samesite = str_eq(table[i].name, STR("samesite"));
        if (table[i].text.n && has(cookie, table[i].name) && !is_samesite)
            continue;
        cookie = arena_join(&x->arena, without(x, cookie, table[i].name), table[i].text);
    }
    return cookie;
}

static unsigned
flags_of(struct exchange *x, const struct rewrite_rule *rule)
{
    unsigned flags = 0;
    for (unsigned i = 0; i < rule->n_flags; i++)
        flags |= cookie_flag(template_eval(rule->flags[i], x));
    return flags;
}

static struct str
rewrite_flags(struct gateway *g, struct str cookie)
{
    const struct rewrite_rules *rules = g->my->cookie_flags;
    struct str rest = cookie, name = str_trim(str_cut(&rest, '='));
    if (rules == NULL || rules->off)
        return cookie;
    for (const struct rewrite_rule *r = rules->first; r; r = r->next)
        if (r->regex ? regex_match(r->regex, name, g->x)
                     : str_eq_nocase(template_eval(r->from, g->x), name))
            return apply_flags(g->x, cookie, flags_of(g->x, r));
    return cookie;
}

struct str
rewrite_cookie(struct gateway *g, struct str cookie)
{
    cookie = apply_attribute(g, g->my->cookie_domains, cookie, STR("domain"), false);
    cookie = apply_attribute(g, g->my->cookie_paths, cookie, STR("path"), true);
    return rewrite_flags(g, cookie);
}
