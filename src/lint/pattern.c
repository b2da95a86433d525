/* A scanner of PCRE's pieces, as far as the questions need them. */
#include "lint/pattern.h"

enum kind { NOTHING, LITERAL, DOT, CLASS, OPEN, CLOSE, BAR, BEGIN, END, QUANTIFIER, FLAGS };

struct piece {
    enum kind kind;
    char c;         /* of a literal */
    bool negated;   /* of a class: [^…], \S … */
    bool captures;  /* of an opening bracket */
    bool optional;  /* of a quantifier: may be none */
    bool unbounded; /* of a quantifier: may be any number, and given back */
};

static bool
is_letter(char c)
{
    return byte_lower(c) >= 'a' && byte_lower(c) <= 'z';
}

static bool
is_alnum(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9');
}

static size_t
scan_class(struct str s, struct piece *out)
{
    size_t i = 1;
    out->kind = CLASS;
    out->negated = s.n > 1 && s.p[1] == '^';
    i += out->negated;
    i += i < s.n && s.p[i] == ']';
    while (i < s.n && s.p[i] != ']')
        i += s.p[i] == '\\' ? 2 : 1;
    return i < s.n ? i + 1 : s.n;
}

static size_t
scan_escape(struct str s, struct piece *out)
{
    char c = s.n > 1 ? s.p[1] : '\\';
    bool is_class = strchr("dDwWsShHvVNRX", c) != NULL;
    out->kind = is_class ? CLASS : strchr("AG", c) ? BEGIN : strchr("zZ", c) ? END : LITERAL;
    out->negated = is_class && strchr("DWS", c);
    out->c = c;
    if (strchr("bBK", c))
        out->kind = FLAGS;
    return s.n > 1 ? 2 : 1;
}

/* "(", "(?:", "(?<name>", and "(?i)", which is no group. */
static size_t
scan_open(struct str s, struct piece *out)
{
    size_t i = 2;
    *out = (struct piece){ .kind = OPEN, .captures = true };
    if (s.n < 3 || s.p[1] != '?')
        return 1;
    bool named = s.p[2] == 'P' || s.p[2] == '\'' ||
                 (s.p[2] == '<' && s.n > 3 && s.p[3] != '=' && s.p[3] != '!');
    out->captures = named;
    if (named) {
        while (i < s.n && s.p[i] != '>' && !(i > 2 && s.p[i] == '\''))
            i++;
        return i < s.n ? i + 1 : s.n;
    }
    while (i < s.n && (is_letter(s.p[i]) || s.p[i] == '-' || s.p[i] == '^'))
        i++;
    if (i < s.n && s.p[i] == ')')
        out->kind = FLAGS;
    return i < s.n ? i + 1 : s.n;
}

static size_t
scan_quantifier(struct str s, struct piece *out)
{
    size_t i = 1;
    *out =
        (struct piece){ .kind = QUANTIFIER, .optional = s.p[0] != '+', .unbounded = s.p[0] != '?' };
    if (s.p[0] == '{') {
        ptrdiff_t close = str_find(s, '}');
        out->optional = s.n > 1 && s.p[1] == '0';
        out->unbounded = close > 1 && s.p[close - 1] == ',';
        i = close < 0 ? s.n : (size_t)close + 1;
    }
    bool possessive = i < s.n && s.p[i] == '+';
    if (possessive)
        out->unbounded = false;
    return i + (possessive || (i < s.n && s.p[i] == '?'));
}

static bool
begins_quantifier(struct str s)
{
    if (s.p[0] == '{')
        return s.n > 2 && s.p[1] >= '0' && s.p[1] <= '9' && str_find(s, '}') > 0;
    return s.p[0] == '*' || s.p[0] == '+' || s.p[0] == '?';
}

/* The next piece; NOTHING at the end. */
static struct piece
next(struct str *rest)
{
    struct piece out = { NOTHING };
    size_t n = 1;
    if (rest->n == 0)
        return out;
    out.c = rest->p[0];
    if (out.c == '[')
        n = scan_class(*rest, &out);
    else if (out.c == '\\')
        n = scan_escape(*rest, &out);
    else if (out.c == '(')
        n = scan_open(*rest, &out);
    else if (begins_quantifier(*rest))
        n = scan_quantifier(*rest, &out);
    else
        out.kind = out.c == '.'   ? DOT
                   : out.c == ')' ? CLOSE
                   : out.c == '|' ? BAR
                   : out.c == '^' ? BEGIN
                   : out.c == '$' ? END
                                  : LITERAL;
    *rest = str_skip(*rest, n < rest->n ? n : rest->n);
    return out;
}

static bool
is_atom(enum kind k)
{
    return k == LITERAL || k == DOT || k == CLASS;
}

bool
pattern_is_impossible(struct str s)
{
    enum kind before = NOTHING;
    for (struct piece p = next(&s); p.kind; p = next(&s)) {
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
    struct piece p = next(&s);
    while (p.kind == FLAGS)
        p = next(&s);
    if (p.kind != BEGIN)
        return false;
    p = next(&s);
    bool text = p.kind == LITERAL && p.c != '/';
    struct piece after = next(&s);
    bool branches = str_find(s, '|') >= 0;
    return text && !branches && !(after.kind == QUANTIFIER && after.optional);
}

bool
pattern_has_question_mark(struct str s)
{
    struct str rest = s;
    for (struct piece p = next(&rest); p.kind; p = next(&rest))
        if (p.kind == LITERAL && p.c == '?') {
            struct str after = rest;
            struct piece q = next(&after);
            return !(q.kind == QUANTIFIER && q.optional) && str_find(s, '|') < 0;
        }
    return false;
}

/* A group being read: can one of its branches be nothing but a repeated atom? */
struct group {
    bool repeats, fixed, risky;
};

enum { GROUPS_MAX = 64 };

/* While (a+)+ is looked for: the open groups, and the atom that waits for its quantifier. */
struct nest {
    struct group groups[GROUPS_MAX];
    unsigned depth;
    bool pending, pending_risky;
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
    *g = (struct group){ .risky = g->risky || (g->repeats && !g->fixed) };
}

/* True when the pattern is a danger. */
static bool
quantify(struct nest *n, const struct piece *p)
{
    struct group *g = &n->groups[n->depth];
    bool danger = n->pending && n->pending_risky && p->unbounded;
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
        return false;
    case BAR:
        end_branch(n);
        return false;
    default:
        end_atom(n);
        n->pending = is_atom(p->kind);
        n->pending_risky = false;
        return false;
    }
}

bool
pattern_nests_quantifiers(struct str s)
{
    struct nest n = { .depth = 0 };
    for (struct piece p = next(&s); p.kind; p = next(&s))
        if (take(&n, &p))
            return true;
    return false;
}

bool
pattern_has_bare_dot(struct str s)
{
    struct piece before = { NOTHING };
    for (struct piece p = next(&s); p.kind; p = next(&s)) {
        struct str rest = s;
        struct piece after = next(&rest);
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
    for (struct piece p = next(&s); p.kind; p = next(&s)) {
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
    struct piece p = next(&s);
    while (p.kind == FLAGS || p.kind == OPEN)
        p = next(&s);
    return p.kind == LITERAL && is_alnum(p.c);
}

bool
pattern_is_open_after(struct str s)
{
    struct piece last = { NOTHING };
    for (struct piece p = next(&s); p.kind; p = next(&s))
        if (p.kind != CLOSE)
            last = p;
    return last.kind == LITERAL && is_alnum(last.c);
}

/* Is there, in a group that captures, a piece that the question holds for? */
static bool
any_captured(struct str s, bool (*asks)(const struct piece *p))
{
    bool captures[GROUPS_MAX] = { false };
    unsigned depth = 0;
    for (struct piece p = next(&s); p.kind; p = next(&s)) {
        if (p.kind == OPEN && depth + 1 < GROUPS_MAX) {
            captures[depth + 1] = captures[depth] || p.captures;
            depth++;
        } else if (p.kind == CLOSE && depth) {
            depth--;
        } else if (captures[depth] && asks(&p)) {
            return true;
        }
    }
    return false;
}

static bool
is_anything(const struct piece *p)
{
    return p->kind == DOT || p->kind == CLASS;
}

static bool
is_any_line(const struct piece *p)
{
    return p->kind == CLASS && p->negated;
}

bool
pattern_captures_anything(struct str s)
{
    return any_captured(s, is_anything);
}

bool
pattern_captures_lines(struct str s)
{
    return any_captured(s, is_any_line);
}

bool
pattern_matches_all(struct str s)
{
    static const struct str all[] = { { "", 0 },     { "/", 1 },     { ".", 1 },     { ".*", 2 },
                                      { "/.*", 3 },  { "(.*)", 4 },  { "/(.*)", 5 }, { ".*$", 3 },
                                      { "/.*$", 4 }, { "(.*)$", 5 }, { "/(.*)$", 6 } };
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
    struct piece p = next(&s);
    if (p.kind != BEGIN || str_find(s, '|') >= 0)
        return out;
    for (p = next(&s); p.kind == LITERAL && out.n < n; p = next(&s)) {
        struct str rest = s;
        if (next(&rest).kind == QUANTIFIER)
            break;
        room[out.n++] = p.c;
    }
    return out;
}
