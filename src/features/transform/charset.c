/* charset: what a response's text is written in, said in Content-Type; and where source_charset or
 * the response itself says otherwise, the text is converted by a charset_map. */
#include "exchange/body/charset_map.h"
#include "exchange/feature.h"
#include "exchange/mime_types.h"

struct charset_name {
    const struct template *text; /* NULL: off */
};

struct settings {
    struct charset_map *maps;
    struct charset_name charset, source;
    bool override;
    struct mime_types *types;
};

extern const struct feature charset_;

static bool
set_charset(struct setting *s)
{
    struct charset_name *name = s->field;
    struct str text = setting_arg(s, 1);
    name->text = NULL;
    if (str_eq(text, STR("off")))
        return true;
    name->text = template_compile(s, 1, text);
    return name->text != NULL;
}

#define EVERYWHERE (IN_HTTP | IN_SERVER | IN_LOCATION)

static const struct directive directives[] = {
    { "charset", PLACE(struct settings, charset), EVERYWHERE | IN_LOCATION_IF, .initial = "off",
      .set = set_charset, .syntax = "charset | off", .example = "charset utf-8;",
      .help = "The charset that Content-Type of text responses names, and that they are converted "
              "to when source_charset is another. May have variables." },
    { "source_charset", PLACE(struct settings, source), EVERYWHERE | IN_LOCATION_IF,
      .set = set_charset, .unset = "off", .syntax = "charset", .example = "source_charset koi8-r;",
      .help = "The charset that responses are in when they do not say so themselves." },
    { "override_charset", FIELD(struct settings, override), EVERYWHERE | IN_LOCATION_IF,
      .initial = "off",
      .help = "Whether responses that name a charset are converted too: from the one they name." },
    { "charset_types", PLACE(struct settings, types), EVERYWHERE, .set = mime_types_set,
      .initial = "text/xml text/plain text/vnd.wap.wml application/javascript "
                 "application/rss+xml",
      .flags = MANY, .args_min = 1, .args_max = ARGS_ANY, .syntax = "mime-type ...",
      .example = "charset_types text/css application/json;",
      .help = "MIME types of responses that charset is for, beside text/html; * is any." },
    { "charset_map", PLACE(struct settings, maps), IN_HTTP, .set = charset_map_set,
      .flags = BLOCK | RAW | REPEATABLE, .args_min = 2, .args_max = 2,
      .syntax = "charset1 charset2 { ... }",
      .example = "charset_map koi8-r utf-8 { C0 D18E; C1 D0B0; }",
      .help = "How to convert between two charsets, both ways: lines of a byte of the first and a "
              "byte of the second (for utf-8: several), in hexadecimal digits. What is not named "
              "becomes \"?\", or a reference such as &#1078; where utf-8 is converted." },
    { 0 },
};

/* Charsets that the text names must have their map; those of variables are looked for later. */
static void
check_pair(struct compile *c, void *arg)
{
    struct scope *scope = arg;
    const struct settings *my = scope_settings(scope, feature_set(&charset_));
    const struct template *to = my->charset.text, *from = my->source.text;
    struct conversion found;
    if (to == NULL || from == NULL || !template_is_plain(to) || !template_is_plain(from))
        return;
    struct str to_name = template_plain(to), from_name = template_plain(from);
    if (!str_eq_nocase(from_name, to_name) &&
        !charset_map_find(my->maps, from_name, to_name, &found))
        diag_add(c->diags, LEVEL_EMERG, scope->node->words[0].span,
                 "no \"charset_map\" between the charsets \"" STR_FMT "\" and \"" STR_FMT "\"",
                 STR_ARG(from_name), STR_ARG(to_name));
}

static bool
complete(struct scope *scope, void *settings)
{
    const struct settings *my = settings;
    if (my->charset.text && my->source.text)
        compile_defer(scope->compile, check_pair, scope);
    return true;
}

/* --- which charset --- */

static struct str
spelling(const struct charset_map *maps, struct str name)
{
    struct str found = charset_map_spelling(maps, name);
    return found.n ? found : name;
}

static struct str
name_of(const struct settings *my, const struct charset_name *name, struct exchange *x)
{
    if (name->text == NULL)
        return STR_NONE;
    struct str text = template_eval(name->text, x);
    return template_is_plain(name->text) ? spelling(my->maps, text) : text;
}

static bool
is_plainly(const struct charset_name *name, struct str text)
{
    return name->text && template_is_plain(name->text) &&
           str_eq_nocase(template_plain(name->text), text);
}

/* A backend may ask for those that the configuration has. */
static bool
is_known(const struct settings *my, struct str name)
{
    return charset_map_spelling(my->maps, name).n || is_plainly(&my->charset, name) ||
           is_plainly(&my->source, name);
}

/* What the response is to be in; STR_NONE: it stays as it is. */
static struct str
destination(struct exchange *x, const struct settings *my, struct str own)
{
    struct response *r = &x->response;
    if (r->content_type.n == 0)
        return STR_NONE;
    if (r->charset.n) {
        if (!is_known(my, r->charset))
            exchange_log(x, LEVEL_ERROR, 0, "unknown charset \"" STR_FMT "\" to override",
                         STR_ARG(r->charset));
        return is_known(my, r->charset) ? spelling(my->maps, r->charset) : STR_NONE;
    }
    if ((own.n && !my->override))
        return STR_NONE;
    return mime_types_have(my->types, r->content_type) ? name_of(my, &my->charset, x) : STR_NONE;
}

enum difference { SAME, OTHER, UNKNOWN };

/* Is what the response is in another charset, and can it be converted? */
static enum difference
prepare(struct exchange *x, const struct settings *my, struct str own, struct str to,
        struct conversion *how)
{
    struct str from = own.n ? own : name_of(my, &my->source, x);
    if ((own.n == 0 && my->source.text == NULL) || str_eq_nocase(from, to))
        return SAME;
    if (fields_find(&x->response.fields, HEADER_CONTENT_ENCODING))
        return UNKNOWN;
    if (charset_map_find(my->maps, from, to, how))
        return OTHER;
    exchange_log(x, LEVEL_ERROR, 0,
                 "no \"charset_map\" between the charsets \"" STR_FMT "\" and \"" STR_FMT "\"",
                 STR_ARG(from), STR_ARG(to));
    return UNKNOWN;
}

static void
run(struct exchange *x, const void *settings)
{
    const struct settings *my = settings;
    struct response *r = &x->response;
    struct conversion how;
    if (my->charset.text == NULL && r->charset.n == 0)
        return;
    struct str own = mime_charset_of(r->content_type), to = destination(x, my, own);
    if (to.n == 0)
        return;
    switch (prepare(x, my, own, to, &how)) {
    case SAME:
        if (own.p)
            return;
        break;
    case OTHER:
        charset_map_convert(x, how);
        break;
    case UNKNOWN:
        return;
    }
    if (r->status == 301 || r->status == 302) /* as nginx has it */
        return;
    r->content_type = arena_printf(&x->arena, STR_FMT "; charset=" STR_FMT,
                                   STR_ARG(mime_type_of(r->content_type)), STR_ARG(to));
}

const struct feature charset_ = {
    .name = "charset",
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .complete = complete,
    .on_response = run,
};
