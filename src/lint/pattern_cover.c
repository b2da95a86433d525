/* One pattern hides another where it is a beginning or an end of it that can be written out:
 * "^/img/" hides "^/img/a", "\.(jpe?g|png)$" hides "\.png$". All else is taken to differ. */
#include "lint/pattern.h"

#include "lint/pattern_scan.h"

enum { WORDS_MAX = 48, WORD_SIZE = 32, DEPTH_MAX = 4 };

/* All texts that a pattern matches. */
struct words {
    unsigned n;
    struct word {
        unsigned char n;
        char text[WORD_SIZE];
    } v[WORDS_MAX];
};

static bool
add_word(struct words *w, struct str head, struct str tail)
{
    if (w->n == WORDS_MAX || head.n + tail.n > WORD_SIZE)
        return false;
    struct word *to = &w->v[w->n++];
    to->n = (unsigned char)(head.n + tail.n);
    memcpy(to->text, head.p, head.n);
    if (tail.n)
        memcpy(to->text + head.n, tail.p, tail.n);
    return true;
}

static struct str
text_of(const struct word *w)
{
    return (struct str){ w->text, w->n };
}

static bool
append(struct words *w, const struct words *atom)
{
    struct words out = { .n = 0 };
    for (unsigned i = 0; i < w->n; i++)
        for (unsigned k = 0; k < atom->n; k++)
            if (!add_word(&out, text_of(&w->v[i]), text_of(&atom->v[k])))
                return false;
    *w = out;
    return true;
}

static bool write_out(struct str *s, struct words *out, unsigned depth);

/* An atom or a group, with its "?". */
static bool
write_atom(struct str *s, const struct piece *p, struct words *out, unsigned depth)
{
    if (p->kind == OPEN) {
        if (p->look || depth == DEPTH_MAX || !write_out(s, out, depth + 1))
            return false;
    } else if (p->kind != LITERAL || !add_word(out, (struct str){ &p->c, 1 }, STR(""))) {
        return false;
    }
    struct str after = *s;
    struct piece q = pattern_next(&after);
    if (q.kind != QUANTIFIER)
        return true;
    bool once = s->p[0] == '?';
    *s = after;
    return once && add_word(out, STR(""), STR(""));
}

/* To the end of the pattern, or behind the bracket that closes the group. */
static bool
write_out(struct str *s, struct words *out, unsigned depth)
{
    struct words branch = { .n = 1 };
    for (;;) {
        struct piece p = pattern_next(s);
        bool ends = depth ? p.kind == CLOSE : p.kind == END && s->n == 0;
        if (ends || (p.kind == BAR && depth)) {
            for (unsigned i = 0; i < branch.n; i++)
                if (!add_word(out, text_of(&branch.v[i]), STR("")))
                    return false;
            if (ends)
                return true;
            branch = (struct words){ .n = 1 };
            continue;
        }
        struct words atom = { .n = 0 };
        if (!write_atom(s, &p, &atom, depth) || !append(&branch, &atom))
            return false;
    }
}

/* "\.(css|js)$": what a match ends with, whatever stands before it. */
static bool
is_an_end(struct str s, struct words *out)
{
    out->n = 0;
    return str_ends(s, STR("$")) && s.n > 1 && write_out(&s, out, 0) && out->n;
}

/* The same of the last pieces of a pattern that begins in another way. */
static bool
has_an_end(struct str s, struct words *out)
{
    unsigned depth = 0;
    if (!str_ends(s, STR("$")))
        return false;
    while (s.n) {
        struct str tail = s;
        struct piece p = pattern_next(&s);
        if (depth == 0 && p.kind == BAR)
            return false;
        if (depth == 0 && p.kind != QUANTIFIER && is_an_end(tail, out))
            return true;
        depth += p.kind == OPEN;
        depth -= p.kind == CLOSE && depth;
    }
    return false;
}

static bool
ends_with(struct str text, struct str end, bool nocase)
{
    if (end.n > text.n)
        return false;
    text = str_skip(text, text.n - end.n);
    return nocase ? str_eq_nocase(text, end) : str_eq(text, end);
}

static bool
ends_cover(struct str first, struct str then, bool nocase)
{
    struct words ends, tails;
    if (!is_an_end(first, &ends) || !has_an_end(then, &tails))
        return false;
    for (unsigned i = 0; i < tails.n; i++) {
        bool covered = false;
        for (unsigned k = 0; k < ends.n && !covered; k++)
            covered = ends_with(text_of(&tails.v[i]), text_of(&ends.v[k]), nocase);
        if (!covered)
            return false;
    }
    return true;
}

/* "^/img/", "^/img/.*": nothing but a beginning. */
static bool
beginnings_cover(struct str first, struct str then, bool nocase)
{
    static const struct str rests[] = { { ".*", 2 }, { ".*$", 3 }, { "(.*)", 4 }, { "(.*)$", 5 } };
    char room[256], other[256];
    for (unsigned i = 0; i < 4; i++)
        if (str_ends(first, rests[i])) {
            first.n -= rests[i].n;
            break;
        }
    struct str prefix = pattern_prefix(first, room, sizeof room);
    struct str begins = pattern_prefix(then, other, sizeof other);
    if (prefix.n < 2 || !pattern_is_literal(first))
        return false;
    return nocase ? str_starts_nocase(begins, prefix) : str_starts(begins, prefix);
}

bool
pattern_covers(struct str first, bool first_nocase, struct str then, bool then_nocase)
{
    if (pattern_matches_all(first))
        return true;
    if (then_nocase && !first_nocase)
        return false;
    if (str_eq(first, then))
        return true;
    return ends_cover(first, then, first_nocase) || beginnings_cover(first, then, first_nocase);
}
