/* modern_browser, ancient_browser: what the User-Agent says, as variables. */
#include "exchange/feature.h"

enum { OPERA, FAMILIES = 5, VERSION_MOST = 4000, NETSCAPE_LEAST = 14 };

/* How a browser is told by its User-Agent: `mark`, not before `skip` bytes; after `gap` more comes
 * its version. Some have the marks of others beside their own: the first in this order counts, and
 * Opera is looked for in any case. */
static const struct family {
    const char *name;
    size_t skip;
    const char *mark;
    size_t gap;
} families[FAMILIES] = {
    { "opera", 0, "Opera", 1 },
    { "msie", sizeof "Mozilla/4.0 (compatible; " - 1, "MSIE ", 0 },
    { "gecko", sizeof "Mozilla/5.0 (" - 1, "rv:", 0 },
    { "safari", sizeof "Mozilla/5.0 (" - 1, "Safari/", 0 },
    { "konqueror", sizeof "Mozilla/5.0 (compatible; " - 1, "Konqueror/", 0 },
};

struct modern {
    bool known[FAMILIES], any, unlisted;
    uint64_t version[FAMILIES];
};

struct text {
    struct text *next;
    struct str text;
};

struct settings {
    struct modern *modern;
    struct text *ancient;
    struct str modern_value, ancient_value;
};

extern const struct feature browser_;

/* "5", "5.5", "1.0.0", "9.0.0.1": parts weigh a hundredth of the one before. */
static bool
parse_version(struct str text, uint64_t *out)
{
    uint64_t scale = 1000000, total = 0;
    for (unsigned part = 0; text.p; part++) {
        uint64_t n;
        if (part == 4 || !str_to_u64(str_cut(&text, '.'), part ? 99 : VERSION_MOST, &n))
            return false;
        total += n * scale;
        scale /= 100;
    }
    *out = total;
    return true;
}

static bool
set_family(struct setting *s, struct modern *m)
{
    struct str name = setting_arg(s, 1), version = setting_arg(s, 2);
    for (unsigned i = 0; i < FAMILIES; i++) {
        if (!str_eq(name, str_of(families[i].name)))
            continue;
        m->any = m->known[i] = true;
        return parse_version(version, &m->version[i]) ||
               setting_error(s, 2, "invalid browser version \"" STR_FMT "\"", STR_ARG(version));
    }
    return setting_error(s, 1, "unknown browser name \"" STR_FMT "\"", STR_ARG(name));
}

static bool
set_modern(struct setting *s)
{
    struct modern **m = s->field;
    if (*m == NULL)
        *m = arena_new(s->compile->arena, struct modern);
    if (s->node->n == 3)
        return set_family(s, *m);
    if (!str_eq(setting_arg(s, 1), STR("unlisted")))
        return setting_error(s, 0, "invalid number of arguments in \"modern_browser\" directive");
    return (*m)->unlisted = true;
}

static bool
set_ancient(struct setting *s)
{
    struct settings *my = s->settings;
    for (unsigned i = 1; i < s->node->n; i++) {
        struct text *t = arena_new(s->compile->arena, struct text);
        *t = (struct text){ my->ancient, setting_arg(s, i) };
        my->ancient = t;
    }
    return true;
}

#define EVERYWHERE (IN_HTTP | IN_SERVER | IN_LOCATION)

static const struct directive directives[] = {
    { "modern_browser", PLACE(struct settings, modern), EVERYWHERE, .set = set_modern,
      .flags = MANY, .args_min = 1, .args_max = 2, .syntax = "browser version | unlisted",
      .example = "modern_browser msie 5.5;",
      .help = "From which version a browser (msie, gecko, opera, safari, konqueror) is modern; "
              "unlisted: one that no directive knows is modern, not ancient." },
    { "ancient_browser", PLACE(struct settings, ancient), EVERYWHERE, .set = set_ancient,
      .flags = MANY, .args_min = 1, .args_max = ARGS_ANY, .syntax = "string ...",
      .example = "ancient_browser Links Lynx netscape4;",
      .help = "A browser whose User-Agent has one of these texts is ancient; netscape4 stands for "
              "those that begin with Mozilla/1 to Mozilla/4." },
    { "modern_browser_value", FIELD(struct settings, modern_value), EVERYWHERE, .initial = "1",
      .syntax = "string", .help = "What $modern_browser is for a modern browser." },
    { "ancient_browser_value", FIELD(struct settings, ancient_value), EVERYWHERE, .initial = "1",
      .syntax = "string", .help = "What $ancient_browser is for an ancient browser." },
    { 0 },
};

/* --- Judging --- */

/* The version at the start of text, as parse_version weighs it; what follows it does not count. */
static uint64_t
read_version(struct str text)
{
    uint64_t scale = 1000000, total = 0, part = 0;
    size_t i = 0;
    for (; i < text.n && scale; i++) {
        char c = text.p[i];
        if (c >= '0' && c <= '9' && part <= VERSION_MOST) {
            part = part * 10 + (uint64_t)(c - '0');
            continue;
        }
        total += part * scale;
        part = 0;
        scale /= 100;
        if (c != '.')
            return total;
    }
    return total + part * scale;
}

static bool
find_mark(const struct family *f, struct str agent, struct str *after)
{
    if (agent.n < f->skip)
        return false;
    struct str rest = str_skip(agent, f->skip), mark = str_of(f->mark);
    ptrdiff_t at = str_find_str(rest, mark);
    if (at < 0)
        return false;
    size_t end = (size_t)at + mark.n + f->gap;
    *after = end < rest.n ? str_skip(rest, end) : STR_NONE;
    return end < rest.n;
}

static bool
is_netscape4(struct str agent)
{
    return str_starts(agent, STR("Mozilla/")) && agent.n >= NETSCAPE_LEAST && agent.p[8] >= '1' &&
           agent.p[8] <= '4';
}

static bool
is_ancient_by_text(const struct settings *my, struct str agent)
{
    for (const struct text *t = my->ancient; t; t = t->next)
        if (str_find_str(agent, t->text) >= 0 ||
            (str_eq(t->text, STR("netscape4")) && is_netscape4(agent)))
            return true;
    return false;
}

enum age { MODERN, ANCIENT };

static enum age
age_of(const struct exchange *x, const struct settings *my)
{
    struct str agent = fields_value(&x->request.fields, HEADER_USER_AGENT), after;
    const struct modern *m = my->modern;
    for (unsigned i = 0; agent.p && m && m->any && i < FAMILIES; i++)
        if ((m->known[i] || i == OPERA) && find_mark(&families[i], agent, &after))
            return m->known[i] && read_version(after) >= m->version[i] ? MODERN : ANCIENT;
    if (agent.p && is_ancient_by_text(my, agent))
        return ANCIENT;
    return m && m->unlisted ? MODERN : ANCIENT;
}

static bool
give_if(struct exchange *x, enum age wanted, struct str *out)
{
    const struct settings *my = feature_settings(x, &browser_);
    if (age_of(x, my) != wanted)
        return false;
    *out = wanted == MODERN ? my->modern_value : my->ancient_value;
    return true;
}

static bool
get_modern(struct exchange *x, struct str rest, struct str *out)
{
    return give_if(x, MODERN, out);
}

static bool
get_ancient(struct exchange *x, struct str rest, struct str *out)
{
    return give_if(x, ANCIENT, out);
}

/* Opera calls itself MSIE too. */
static bool
get_msie(struct exchange *x, struct str rest, struct str *out)
{
    struct str agent = fields_value(&x->request.fields, HEADER_USER_AGENT);
    ptrdiff_t at = str_find_str(agent, STR("MSIE "));
    if (at < 0 || (size_t)at + 7 >= agent.n || str_find_str(agent, STR("Opera")) >= 0)
        return false;
    *out = STR("1");
    return true;
}

static const struct variable variables[] = {
    { "modern_browser", get_modern, NULL, VARIABLE_VOLATILE,
      "modern_browser_value for a browser that is modern." },
    { "ancient_browser", get_ancient, NULL, VARIABLE_VOLATILE,
      "ancient_browser_value for a browser that is ancient." },
    { "msie", get_msie, NULL, VARIABLE_VOLATILE, "1 for any version of MSIE." },
    { 0 },
};

const struct feature browser_ = {
    .name = "browser",
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .variables = variables,
};
