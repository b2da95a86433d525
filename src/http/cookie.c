/* Cookies, read as nginx reads them: names without regard to case, pairs parted by ';' or ','. */
#include "http/cookie.h"

#include "base/buf.h"

static void
skip_blanks(struct str *s)
{
    while (s->n && s->p[0] == ' ')
        *s = str_skip(*s, 1);
}

/* Past the next separator and the blanks after it. */
static void
skip_pair(struct str *s)
{
    while (s->n && s->p[0] != ';' && s->p[0] != ',')
        *s = str_skip(*s, 1);
    if (s->n)
        *s = str_skip(*s, 1);
    skip_blanks(s);
}

struct str
cookie_value(struct str cookie_field, struct str name)
{
    struct str rest = cookie_field;
    for (; name.n && rest.n; skip_pair(&rest)) {
        if (!str_starts_nocase(rest, name))
            continue;
        struct str value = str_skip(rest, name.n);
        skip_blanks(&value);
        if (value.n == 0 || value.p[0] != '=')
            continue;
        value = str_skip(value, 1);
        skip_blanks(&value);
        return str_cut(&value, ';');
    }
    return STR_NONE;
}

static struct cookie_part
part_of(struct str text)
{
    bool has_value = str_find(text, '=') >= 0;
    struct str name = str_trim(str_cut(&text, '='));
    struct str value = str_trim(text);
    return (struct cookie_part){ name, has_value ? (value.p ? value : STR("")) : STR_NONE };
}

static unsigned
count_parts(struct str text)
{
    unsigned n = 1;
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == ';';
    return n;
}

bool
set_cookie_parse(struct str text, unsigned room, struct arena *a, struct set_cookie *out)
{
    *out = (struct set_cookie){ NULL, 0 };
    struct str rest = text, first = str_cut(&rest, ';');
    if (str_find(first, '=') < 0)
        return false;
    out->v = arena_array(a, struct cookie_part, count_parts(text) + room);
    out->v[out->n++] = part_of(first);
    while (rest.p)
        out->v[out->n++] = part_of(str_cut(&rest, ';'));
    return true;
}

struct cookie_part *
set_cookie_find(const struct set_cookie *c, struct str attribute)
{
    for (unsigned i = 1; i < c->n; i++)
        if (str_eq_nocase(c->v[i].name, attribute))
            return &c->v[i];
    return NULL;
}

void
set_cookie_remove(struct set_cookie *c, struct str attribute)
{
    unsigned kept = 1;
    for (unsigned i = 1; i < c->n; i++)
        if (!str_eq_nocase(c->v[i].name, attribute))
            c->v[kept++] = c->v[i];
    c->n = kept;
}

struct str
set_cookie_print(const struct set_cookie *c, struct arena *a)
{
    struct buf b;
    buf_init(&b, a, 128, 0);
    for (unsigned i = 0; i < c->n; i++) {
        if (i)
            buf_put(&b, STR("; "));
        buf_put(&b, c->v[i].name);
        if (c->v[i].value.p) {
            buf_byte(&b, '=');
            buf_put(&b, c->v[i].value);
        }
    }
    return buf_str(&b);
}
