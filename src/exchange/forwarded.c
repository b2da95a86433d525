/* Lists of whom proxies got a request from, walked from the nearest one on. */
#include "exchange/forwarded.h"

#include <arpa/inet.h>

static bool
parse_bare_v6(struct str text, struct address *out)
{
    char copy[INET6_ADDRSTRLEN];
    if (text.n >= sizeof copy || text.n == 0 || text.p[0] == '[')
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    *out = (struct address){ .size = sizeof out->v6, .v6 = { .sin6_family = AF_INET6 } };
    return inet_pton(AF_INET6, copy, &out->v6.sin6_addr) == 1;
}

bool
forwarded_parse(struct str text, struct address *out)
{
    if (parse_bare_v6(text, out))
        return true;
    if (!address_parse(text, 0, out) || out->any.sa_family == AF_UNIX)
        return false;
    return text.p[0] != '[' || address_port(out) > 0; /* nginx wants a port after brackets */
}

static bool
is_between(char c)
{
    return c == ' ' || c == ',';
}

/* The last element of *rest, which is cut off; STR_NONE when there is none. */
static struct str
cut_last(struct str *rest)
{
    size_t end = rest->n;
    while (end && is_between(rest->p[end - 1]))
        end--;
    size_t from = end;
    while (from && !is_between(rest->p[from - 1]))
        from--;
    struct str last = end ? str_between(rest->p + from, rest->p + end) : STR_NONE;
    *rest = str_head(*rest, from);
    return last;
}

/* A walk: who it has come to, and whether it has moved. */
struct walk {
    const struct trust *trust;
    struct address *who;
    bool moved;
};

/* Does it go on behind this one? */
static bool
step_to(struct walk *w, bool named, const struct address *next)
{
    if (!named)
        return false;
    *w->who = *next;
    w->moved = true;
    return w->trust->recursive && w->trust->is_trusted(w->who, w->trust->arg);
}

bool
forwarded_list(const struct str *lists, unsigned n, const struct trust *t, struct address *who)
{
    struct walk w = { t, who, false };
    struct address next;
    bool on = t->is_trusted(who, t->arg);
    for (unsigned i = n; on && i > 0; i--) {
        struct str rest = lists[i - 1], one;
        while (on && (one = cut_last(&rest)).p)
            on = step_to(&w, forwarded_parse(one, &next), &next);
    }
    return w.moved;
}

bool
forwarded_fields(const struct fields *f, struct str name, const struct trust *t,
                 struct address *who)
{
    struct walk w = { t, who, false };
    struct address next;
    enum header id = header_id(name);
    bool on = t->is_trusted(who, t->arg);
    for (unsigned i = f->n; on && i > 0; i--) {
        const struct field *field = &f->v[i - 1];
        struct str rest = field->value, one;
        if (field->id != id || (id == HEADER_OTHER && !str_eq_nocase(field->name, name)))
            continue;
        while (on && (one = cut_last(&rest)).p)
            on = step_to(&w, forwarded_parse(one, &next), &next);
    }
    return w.moved;
}

/* --- RFC 7239 --- */

static struct str
unquote(struct str s)
{
    bool quoted = s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"';
    return quoted ? str_between(s.p + 1, s.p + s.n - 1) : s;
}

/* for= of an element: quotes hold no ";" that a node could have. */
static bool
parse_element(struct str element, struct address *out)
{
    while (element.p) {
        struct str value = str_trim(str_cut(&element, ';')), name = str_cut(&value, '=');
        if (value.p && str_eq_nocase(name, STR("for")))
            return address_parse(unquote(value), 0, out) && out->any.sa_family != AF_UNIX;
    }
    return false;
}

/* From the last element to the first; a list can only be read from its start. */
static bool
walk_value(struct walk *w, struct str value, struct arena *a)
{
    struct address next;
    struct str rest = value, element;
    unsigned n = 0;
    while (list_next(&rest, &element))
        n++;
    struct str *elements = arena_array(a, struct str, n);
    rest = value;
    for (unsigned i = 0; i < n; i++)
        (void)list_next(&rest, &elements[i]);
    while (n > 0 && step_to(w, parse_element(elements[n - 1], &next), &next))
        n--;
    return n == 0;
}

bool
forwarded_rfc7239(const struct fields *f, const struct trust *t, struct address *who)
{
    struct walk w = { t, who, false };
    bool on = t->is_trusted(who, t->arg);
    for (unsigned i = f->n; on && i > 0; i--)
        if (f->v[i - 1].id == HEADER_FORWARDED)
            on = walk_value(&w, f->v[i - 1].value, f->arena);
    return w.moved;
}
