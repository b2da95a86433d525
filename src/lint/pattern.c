/* Questions that one walk over the pieces answers. */
#include "lint/pattern.h"

#include "lint/pattern_scan.h"

static bool
is_atom(enum kind k)
{
    return k == LITERAL || k == DOT || k == CLASS;
}

bool
pattern_is_impossible(struct str s)
{
    enum kind before = NOTHING;
    for (struct piece p = pattern_next(&s); p.kind; p = pattern_next(&s)) {
        if ((before == END && (is_atom(p.kind) || p.kind == OPEN)) ||
            (p.kind == BEGIN && is_atom(before)))
            return true;
        if (p.kind != FLAGS)
            before = p.kind;
    }
    return false;
}

bool
pattern_begins_without_slash(struct str s)
{
    struct piece p = pattern_next(&s);
    while (p.kind == FLAGS)
        p = pattern_next(&s);
    if (p.kind != BEGIN)
        return false;
    p = pattern_next(&s);
    bool text = p.kind == LITERAL && p.c != '/';
    struct piece after = pattern_next(&s);
    bool branches = str_find(s, '|') >= 0;
    return text && !branches && !(after.kind == QUANTIFIER && after.optional);
}

/* "id=": of "\.php?id=", where "?" was to begin the arguments. */
static bool
is_argument(struct str s)
{
    size_t n = 0;
    while (n < s.n && (is_alnum(s.p[n]) || s.p[n] == '_'))
        n++;
    return n && n < s.n && s.p[n] == '=';
}

bool
pattern_has_question_mark(struct str s)
{
    struct str rest = s;
    for (struct piece p = pattern_next(&rest); p.kind; p = pattern_next(&rest))
        if (p.kind == QUANTIFIER && is_argument(rest) && rest.p[-1] == '?') {
            return true;
        } else if (p.kind == LITERAL && p.c == '?') {
            struct str after = rest;
            struct piece q = pattern_next(&after);
            return !(q.kind == QUANTIFIER && q.optional) && str_find(s, '|') < 0;
        }
    return false;
}

/* A group being read: can one of its branches be nothing but a repeated atom? */
struct group {
    bool repeats, fixed, risky;
    bool dots; /* .* takes what is fixed beside it too */
};

enum { GROUPS_MAX = 64 };

/* While (a+)+ is looked for: the open groups, and the atom that waits for its quantifier. */
struct nest {
    struct group groups[GROUPS_MAX];
    unsigned depth;
    bool pending, pending_risky, pending_dot;
};

static void
end_atom(struct nest *n)
{
    struct group *g = &n->groups[n->depth];
    if (n->pending && n->pending_risky)
        g->repeats = true;
    else if (n->pending)
        g->fixed = true;
    n->pending = false;
}

static void
end_branch(struct nest *n)
{
    struct group *g = &n->groups[n->depth];
    end_atom(n);
    *g = (struct group){ .risky = g->risky || g->dots || (g->repeats && !g->fixed) };
}

/* True when the pattern is a danger. */
static bool
quantify(struct nest *n, const struct piece *p)
{
    struct group *g = &n->groups[n->depth];
    bool danger = n->pending && n->pending_risky && p->unbounded;
    g->dots |= p->unbounded && n->pending_dot;
    if (p->unbounded)
        g->repeats = true;
    else if (!p->optional)
        end_atom(n);
    n->pending = false;
    return danger;
}

static bool
take(struct nest *n, const struct piece *p)
{
    switch (p->kind) {
    case QUANTIFIER:
        return quantify(n, p);
    case OPEN:
        end_atom(n);
        if (n->depth + 1 < GROUPS_MAX)
            n->groups[++n->depth] = (struct group){ false };
        return false;
    case CLOSE:
        end_branch(n);
        n->pending_risky = n->groups[n->depth].risky;
        n->depth -= n->depth > 0;
        n->pending = true;
        n->pending_dot = false;
        return false;
    case BAR:
        end_branch(n);
        return false;
    default:
        end_atom(n);
        n->pending = is_atom(p->kind);
        n->pending_risky = false;
        n->pending_dot = p->kind == DOT;
        return false;
    }
}

bool
pattern_nests_quantifiers(struct str s)
{
    struct nest n = { .depth = 0 };
    for (struct piece p = pattern_next(&s); p.kind; p = pattern_next(&s))
        if (take(&n, &p))
            return true;
    return false;
}

bool
pattern_has_bare_dot(struct str s)
{
    struct piece before = { NOTHING };
    for (struct piece p = pattern_next(&s); p.kind; p = pattern_next(&s)) {
        struct str rest = s;
        struct piece after = pattern_next(&rest);
        if (p.kind == DOT && after.kind == LITERAL && is_letter(after.c) &&
            ((before.kind == LITERAL && is_alnum(before.c)) || before.kind == CLOSE))
            return true;
        before = p;
    }
    return false;
}

bool
pattern_has_bare_extension(struct str s)
{
    enum kind since = NOTHING; /* the last dot: what followed it, as far as it is an extension's */
    bool found = false, ends = false;
    for (struct piece p = pattern_next(&s); p.kind; p = pattern_next(&s)) {
        bool begins = since == DOT && (p.kind == OPEN || (p.kind == LITERAL && is_letter(p.c)));
        bool goes_on = found && (p.kind == LITERAL || p.kind == BAR || p.kind == CLOSE ||
                                 p.kind == OPEN || p.kind == QUANTIFIER);
        ends = p.kind == END && found;
        found = begins || (goes_on && !(p.kind == LITERAL && p.c == '/'));
        since = p.kind;
    }
    return ends;
}

bool
pattern_is_open_before(struct str s)
{
    struct piece p = pattern_next(&s);
    while (p.kind == FLAGS || p.kind == OPEN)
        p = pattern_next(&s);
    return p.kind == LITERAL && is_alnum(p.c);
}

bool
pattern_is_open_after(struct str s)
{
    struct piece last = { NOTHING };
    for (struct piece p = pattern_next(&s); p.kind; p = pattern_next(&s))
        if (p.kind != CLOSE)
            last = p;
    return last.kind == LITERAL && is_alnum(last.c);
}

static bool
any_piece(struct str s, bool (*asks)(const struct piece *p))
{
    for (struct piece p = pattern_next(&s); p.kind; p = pattern_next(&s))
        if (asks(&p))
            return true;
    return false;
}

static bool
varies(const struct piece *p)
{
    return p->kind == DOT || p->kind == CLASS;
}

static bool
has_lines(const struct piece *p)
{
    return p->kind == CLASS && p->lines;
}

static bool
is_wide(const struct piece *p)
{
    return p->kind == DOT || (p->kind == CLASS && p->wide);
}

bool
pattern_varies(struct str s)
{
    return any_piece(s, varies);
}

bool
pattern_has_lines(struct str s)
{
    return any_piece(s, has_lines);
}

bool
pattern_is_wide(struct str s)
{
    return any_piece(s, is_wide);
}

bool
pattern_begins_with_slash(struct str s)
{
    struct piece p = pattern_next(&s);
    return p.kind == LITERAL && p.c == '/' && str_find(s, '|') < 0;
}

/* Does "(?<name>", or the n-th "(", begin here? */
static bool
opens(struct str text, const struct piece *p, unsigned number, struct str name)
{
    if (name.n == 1 && name.p[0] >= '1' && name.p[0] <= '9')
        return p->captures && number == (unsigned)(name.p[0] - '0');
    ptrdiff_t at = str_find_str(text, name);
    return p->captures && text.n > 3 && text.p[1] == '?' && at >= 3 && at <= 4 &&
           text.n > (size_t)at + name.n && strchr(">'", text.p[(size_t)at + name.n]);
}

struct str
pattern_group(struct str s, struct str name)
{
    struct str inside = STR_NONE, whole = s;
    unsigned number = 0, depth = 0, wanted = 0;
    while (s.n) {
        const char *from = s.p;
        struct piece p = pattern_next(&s);
        if (p.kind == OPEN) {
            depth++;
            number += p.captures;
            if (inside.p == NULL && opens(str_between(from, whole.p + whole.n), &p, number, name)) {
                wanted = depth;
                inside = s;
            }
        } else if (p.kind == CLOSE && depth) {
            if (depth-- == wanted)
                return str_between(inside.p, from);
        }
    }
    return STR_NONE;
}

bool
pattern_matches_all(struct str s)
{
    static const struct str all[] = { { "", 0 },       { "/", 1 },      { ".", 1 },
                                      { ".*", 2 },     { "/.*", 3 },    { "(.*)", 4 },
                                      { "/(.*)", 5 },  { ".*$", 3 },    { "/.*$", 4 },
                                      { "(.*)$", 5 },  { "/(.*)$", 6 }, { "(/.*)", 5 },
                                      { "(/.*)$", 6 }, { "(.+)", 4 },   { "(.+)$", 5 } };
    s = str_skip(s, str_starts(s, STR("^")));
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (str_eq(s, all[i]))
            return true;
    return false;
}

struct str
pattern_prefix(struct str s, char *room, size_t n)
{
    struct str out = { room, 0 };
    struct piece p = pattern_next(&s);
    if (p.kind != BEGIN || str_find(s, '|') >= 0)
        return out;
    for (p = pattern_next(&s); p.kind == LITERAL && out.n < n; p = pattern_next(&s)) {
        struct str rest = s;
        if (pattern_next(&rest).kind == QUANTIFIER)
            break;
        room[out.n++] = p.c;
    }
    return out;
}

bool
pattern_is_literal(struct str s)
{
    struct piece p = pattern_next(&s);
    if (p.kind != BEGIN)
        return false;
    for (p = pattern_next(&s); p.kind == LITERAL; p = pattern_next(&s))
        continue;
    return p.kind == NOTHING;
}
