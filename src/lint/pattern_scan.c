/* One piece at a time: an atom, a bracket, a quantifier, an anchor. */
#include "lint/pattern_scan.h"

bool
is_letter(char c)
{
    return byte_lower(c) >= 'a' && byte_lower(c) <= 'z';
}

bool
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
    out->wide = out->negated;
    size_t first = i;
    bool named = false;
    while (i < s.n && (s.p[i] != ']' || i == first)) {
        size_t n = s.p[i] == '\\' ? 2 : 1;
        if (n == 1 || i + 1 == s.n)
            out->wide |= strchr("./:@#?%[", s.p[i]) != NULL;
        else
            out->wide |= strchr("wdh-_", s.p[i + 1]) == NULL;
        named |= n == 2 && i + 1 < s.n && strchr("snv", s.p[i + 1]);
        i += n;
    }
    out->lines = out->negated != named;
    return i < s.n ? i + 1 : s.n;
}

static size_t
scan_escape(struct str s, struct piece *out)
{
    char c = s.n > 1 ? s.p[1] : '\\';
    bool is_class = is_alnum(c) && strchr("AGzZbBK", c) == NULL;
    out->kind = is_class ? CLASS : strchr("AG", c) ? BEGIN : strchr("zZ", c) ? END : LITERAL;
    out->lines = is_class && strchr("DWHsvRX", c);
    out->wide = is_class && strchr("dwh", c) == NULL;
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
    bool behind = s.p[2] == '<' && s.n > 3 && (s.p[3] == '=' || s.p[3] == '!');
    out->look = behind || s.p[2] == '=' || s.p[2] == '!';
    bool named = s.p[2] == 'P' || s.p[2] == '\'' || (s.p[2] == '<' && !behind);
    out->captures = named;
    if (named) {
        while (i < s.n && s.p[i] != '>' && !(i > 2 && s.p[i] == '\''))
            i++;
        return i < s.n ? i + 1 : s.n;
    }
    i += behind;
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

struct piece
pattern_next(struct str *rest)
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
