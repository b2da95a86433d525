/* Comma-separated field values (RFC 9110 5.6.1). */
#include "http/field.h"

/* Past the quoted string that starts at i (RFC 9110 5.6.4). */
static size_t
skip_quoted(struct str s, size_t i)
{
    for (i++; i < s.n && s.p[i] != '"'; i++)
        if (s.p[i] == '\\')
            i++;
    return i < s.n ? i + 1 : s.n;
}

static size_t
element_end(struct str s)
{
    size_t i = 0;
    while (i < s.n && s.p[i] != ',')
        i = s.p[i] == '"' ? skip_quoted(s, i) : i + 1;
    return i;
}

bool
list_next(struct str *rest, struct str *element)
{
    while (rest->n) {
        size_t end = element_end(*rest);
        *element = str_trim(str_head(*rest, end));
        *rest = str_skip(*rest, end < rest->n ? end + 1 : end);
        if (element->n)
            return true;
    }
    return false;
}

bool
list_has_token(struct str value, struct str token)
{
    struct str element;
    while (list_next(&value, &element))
        if (str_eq_nocase(element, token))
            return true;
    return false;
}
