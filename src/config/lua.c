/* Braces count outside of Lua's strings and comments. */
#include "config/lua.h"

/* After the bracket pair that begins here, "[[" or "[=[", its end; 0 when none begins. */
static size_t
long_bracket(struct str s)
{
    size_t level = 0;
    if (s.n < 2 || s.p[0] != '[')
        return 0;
    while (1 + level < s.n && s.p[1 + level] == '=')
        level++;
    if (1 + level >= s.n || s.p[1 + level] != '[')
        return 0;
    for (size_t i = level + 2; i + level + 1 < s.n; i++) {
        size_t k = 0;
        while (k < level && s.p[i + 1 + k] == '=')
            k++;
        if (s.p[i] == ']' && k == level && s.p[i + 1 + level] == ']')
            return i + level + 2;
    }
    return s.n;
}

static size_t
quoted(struct str s)
{
    size_t i = 1;
    while (i < s.n && s.p[i] != s.p[0] && s.p[i] != '\n')
        i += s.p[i] == '\\' ? 2 : 1;
    return i < s.n ? i + 1 : s.n;
}

static size_t
comment(struct str s)
{
    struct str after = str_skip(s, 2);
    size_t bracket = long_bracket(after);
    ptrdiff_t line = str_find(after, '\n');
    return bracket ? 2 + bracket : line < 0 ? s.n : 2 + (size_t)line;
}

/* The bytes that the piece of Lua at the start of s takes: a string, a comment, or one byte. */
static size_t
piece(struct str s)
{
    size_t bracket = long_bracket(s);
    if (bracket)
        return bracket;
    if (s.p[0] == '"' || s.p[0] == '\'')
        return quoted(s);
    return str_starts(s, STR("--")) ? comment(s) : 1;
}

struct str
lua_until_brace(struct str text)
{
    unsigned depth = 0;
    struct str rest = text;
    while (rest.n) {
        if (rest.p[0] == '}' && depth-- == 0)
            break;
        depth += rest.p[0] == '{';
        rest = str_skip(rest, piece(rest));
    }
    return str_head(text, text.n - rest.n);
}
