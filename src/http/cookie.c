/* Cookies, read as nginx reads them: names without regard to case, pairs parted by ';' or ','. */
#include "http/cookie.h"

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

struct str
set_cookie_attribute(struct str set_cookie, struct str attribute)
{
    struct str rest = set_cookie;
    str_cut(&rest, ';'); /* the cookie itself (RFC 6265 5.2) */
    while (rest.n) {
        struct str value = str_cut(&rest, ';');
        bool has_value = str_find(value, '=') >= 0;
        struct str name = str_trim(str_cut(&value, '='));
        if (str_eq_nocase(name, attribute))
            return has_value ? str_trim(value) : str_skip(name, name.n);
    }
    return STR_NONE;
}
