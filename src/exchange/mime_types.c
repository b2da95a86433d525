/* Lists of MIME types, and the two halves of a Content-Type. */
#include "exchange/mime_types.h"

#define HTML STR("text/html")

static struct mime_types *
types_of_field(struct setting *s)
{
    struct mime_types **types = s->field;
    if (*types == NULL) {
        *types = arena_new(s->compile->arena, struct mime_types);
        map_init(&(*types)->names, s->compile->arena, true);
        map_put(&(*types)->names, HTML, *types);
    }
    return *types;
}

bool
mime_types_set(struct setting *s)
{
    struct mime_types *types = types_of_field(s);
    for (unsigned i = 1; i < s->node->n; i++) {
        struct str name = setting_arg(s, i);
        if (str_eq(name, STR("*")))
            types->any = true;
        else if (map_put(&types->names, name, types))
            setting_warn(s, i, "duplicate MIME type \"" STR_FMT "\"", STR_ARG(name));
    }
    return true;
}

/* Where "; charset=" begins, with its value; or the end. */
static struct str
cut_charset(struct str content_type, struct str *charset)
{
    struct str rest = content_type;
    *charset = STR_NONE;
    for (ptrdiff_t at; (at = str_find(rest, ';')) >= 0;) {
        const char *end = rest.p + at;
        rest = str_skip(rest, (size_t)at + 1);
        struct str parameter = rest;
        while (parameter.n && parameter.p[0] == ' ')
            parameter = str_skip(parameter, 1);
        if (!str_starts_nocase(parameter, STR("charset=")))
            continue;
        *charset = str_skip(parameter, strlen("charset="));
        return str_between(content_type.p, end);
    }
    return content_type;
}

bool
mime_types_have(const struct mime_types *t, struct str content_type)
{
    if (t && t->any)
        return true;
    struct str type = mime_type_of(content_type);
    return t ? type.n && map_try(&t->names, type) : str_eq_nocase(type, HTML);
}

struct str
mime_type_of(struct str content_type)
{
    struct str charset;
    return cut_charset(content_type, &charset);
}

struct str
mime_charset_of(struct str content_type)
{
    struct str charset;
    cut_charset(content_type, &charset);
    bool quoted = charset.n > 1 && charset.p[0] == '"' && charset.p[charset.n - 1] == '"';
    return quoted ? str_between(charset.p + 1, charset.p + charset.n - 1) : charset;
}
