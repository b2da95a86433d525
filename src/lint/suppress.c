/* The parser forgets comments, so the texts are looked at again, once. */
#include "lint/suppress.h"

#include <limits.h>

/* A rule's name in a comment, and the lines it is for. */
struct suppression {
    struct suppression *next;
    struct span at;
    struct str rule;
    unsigned first, last;
    bool used;
};

static const struct str mark = { "usher-lint:", 11 };

/* What follows the first "#"; STR_NONE when there is none. */
static struct str
comment_of(struct str line)
{
    ptrdiff_t at = str_find(line, '#');
    return at < 0 ? STR_NONE : str_skip(line, (size_t)at);
}

static bool
is_id(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

/* "a, b because": a, then b. STR_NONE behind the last. */
static struct str
next_rule(struct str *list)
{
    size_t n = 0;
    *list = str_trim(*list);
    while (n < list->n && is_id(list->p[n]))
        n++;
    struct str id = str_head(*list, n);
    *list = str_trim(str_skip(*list, n));
    bool more = list->n && list->p[0] == ',';
    *list = more ? str_skip(*list, 1) : STR("");
    return n ? id : STR_NONE;
}

/* One more like this one, for a rule that is named in its line. */
static void
add(struct lint *l, const struct suppression *like, struct str line, struct str rule)
{
    struct suppression *s = arena_new(l->arena, struct suppression);
    struct suppression **end = &l->suppressions;
    while (*end)
        end = &(*end)->next;
    *s = *like;
    s->rule = rule;
    s->at.column = (unsigned)(rule.p - line.p) + 1;
    s->at.length = (unsigned)rule.n;
    *end = s;
}

static void
read_rules(struct lint *l, const struct suppression *like, struct str line, struct str text)
{
    struct str list = str_trim(text);
    if (!str_starts(list, STR("disable="))) {
        add(l, like, line, str_head(list, 0));
        return;
    }
    list = str_skip(list, 8);
    for (struct str id = next_rule(&list); id.p; id = next_rule(&list))
        add(l, like, line, id);
}

/* A comment alone in its line is for the next line that is none; `below` is what follows. */
static unsigned
last_line(struct str line, struct str below, unsigned number)
{
    if (!str_starts(str_trim(line), STR("#")))
        return number;
    for (number++; str_starts(str_trim(str_cut(&below, '\n')), STR("#"));)
        number++;
    return number;
}

static void
read_source(struct lint *l, const struct source *source)
{
    bool head = true;
    struct str rest = source->text;
    if (rest.p == NULL || str_find_str(rest, mark) < 0)
        return;
    for (unsigned number = 1; rest.p; number++) {
        struct str line = str_cut(&rest, '\n'), plain = str_trim(line);
        struct str comment = comment_of(line);
        ptrdiff_t at = comment.p ? str_find_str(comment, mark) : -1;
        head = head && (plain.n == 0 || plain.p[0] == '#' || plain.p[0] == '\r');
        if (at < 0)
            continue;
        struct suppression like = { .first = head ? 1 : number };
        like.last = head ? UINT_MAX : last_line(line, rest, number);
        like.at = (struct span){ .source = source, .line = number };
        read_rules(l, &like, line, str_skip(comment, (size_t)at + mark.n));
    }
}

void
lint_comments(struct lint *l, const struct sources *sources)
{
    for (const struct source *source = sources->first; source; source = source->next)
        read_source(l, source);
}

/* "all" is not meant for what is said about comments. */
bool
is_suppressed(struct lint *l, const struct span *at, struct str rule)
{
    bool found = false, any = !str_ends(rule, STR("-suppression"));
    for (struct suppression *s = l->suppressions; s; s = s->next)
        if (s->at.source == at->source && s->first <= at->line && at->line <= s->last &&
            (str_eq(s->rule, rule) || (any && str_eq(s->rule, STR("all")))))
            found = s->used = true;
    return found;
}

/* Rules that were not asked may have found something. */
static bool
was_asked(const struct lint *l, struct str id)
{
    const struct rule *rule = lint_rule(id);
    if (rule)
        return !l->off[rule - lint_rules];
    for (unsigned i = 0; lint_rules[i].id; i++)
        if (l->off[i])
            return false;
    return true;
}

void
lint_judge_comments(struct lint *l)
{
    for (struct suppression *s = l->suppressions; s; s = s->next) {
        bool all = str_eq(s->rule, STR("all"));
        if (s->rule.n == 0)
            lint_add_of(l, "unknown-suppression", s->at,
                        STR("this silences nothing: \"disable=RULE\" is missing"));
        else if (!all && lint_rule(s->rule) == NULL)
            lint_add_of(
                l, "unknown-suppression", s->at,
                arena_printf(l->arena, "there is no rule \"" STR_FMT "\"", STR_ARG(s->rule)));
        else if (!s->used && was_asked(l, s->rule))
            lint_add_of(
                l, "unused-suppression", s->at,
                arena_printf(l->arena, "\"" STR_FMT "\" finds nothing here", STR_ARG(s->rule)));
    }
}
