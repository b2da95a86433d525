/* The parser forgets comments, so the text is looked at again; only where something was found. */
#include "lint/suppress.h"

static bool
names(struct str comment, struct str rule)
{
    static const struct str mark = { "usher-lint: disable=", 20 };
    ptrdiff_t at = str_find_str(comment, mark);
    if (at < 0)
        return false;
    struct str list = str_skip(comment, (size_t)at + mark.n);
    list = str_cut(&list, ' ');
    while (list.p) {
        struct str one = str_trim(str_cut(&list, ','));
        if (str_eq(one, rule) || str_eq(one, STR("all")))
            return true;
    }
    return false;
}

/* What follows the first "#"; STR_NONE when there is none. */
static struct str
comment_of(struct str line)
{
    ptrdiff_t at = str_find(line, '#');
    return at < 0 ? STR_NONE : str_trim(str_skip(line, (size_t)at));
}

static bool
is_comment(struct str line)
{
    return str_starts(str_trim(line), STR("#"));
}

bool
is_suppressed(const struct span *at, struct str rule)
{
    struct str rest = at->source ? at->source->text : STR_NONE, before = STR_NONE;
    bool head = true;
    for (unsigned n = 1; rest.p && n <= at->line; n++) {
        struct str line = str_cut(&rest, '\n'), plain = str_trim(line);
        if (plain.n && plain.p[plain.n - 1] == '\r')
            plain = str_trim(str_head(plain, plain.n - 1));
        bool comment = is_comment(plain);
        head = head && (comment || plain.n == 0);
        if (head && comment && names(plain, rule))
            return true;
        if (n == at->line && (names(comment_of(plain), rule) || names(before, rule)))
            return true;
        before = comment ? plain : STR_NONE;
    }
    return false;
}
