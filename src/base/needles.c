/* Search for several texts at once. */
#include "base/needles.h"

/* Two bytes as a place in the table. Bit 5, which tells a letter's cases apart, is left out: other
 * bytes fall together by that, and are told apart when they are compared. */
static inline uint32_t
pair_of(const char *p)
{
    uint32_t first = (uint8_t)p[0] & 0xdf, second = (uint8_t)p[1] & 0xdf;
    return ((first << 4) ^ second) & (NEEDLES_PAIRS - 1);
}

static void
measure(struct needles *set)
{
    for (unsigned i = 0; i < set->n; i++) {
        size_t n = set->v[i].text.n;
        if (n && (set->shortest == 0 || n < set->shortest))
            set->shortest = n;
        if (n > set->longest)
            set->longest = n;
    }
}

/* How far a window of `shortest` bytes that ends with this pair may move on. */
static void
fill_shifts(struct needles *set)
{
    size_t most = set->shortest - 1;
    memset(set->shift, most > UINT8_MAX ? UINT8_MAX : (int)most, sizeof set->shift);
    for (unsigned i = 0; i < set->n; i++) {
        struct needle *needle = &set->v[i];
        for (size_t k = 0; needle->text.n && k + 1 < set->shortest; k++) {
            size_t far = set->shortest - 2 - k;
            uint8_t *shift = &set->shift[pair_of(needle->text.p + k)];
            if (far < *shift)
                *shift = (uint8_t)far;
            needle->pair = pair_of(needle->text.p + k);
        }
    }
}

/* Where the shortest is one byte there are no pairs: which bytes any of them begins with. */
static void
mark_firsts(struct needles *set)
{
    memset(set->shift, 1, sizeof set->shift);
    for (unsigned i = 0; i < set->n; i++) {
        uint8_t c = set->v[i].text.n ? (uint8_t)set->v[i].text.p[0] : 0;
        if (set->v[i].text.n == 0)
            continue;
        set->shift[c] = 0;
        if (c >= 'a' && c <= 'z')
            set->shift[c & 0xdf] = 0;
    }
}

struct needles *
needles_new(struct arena *a, const struct str *texts, unsigned n)
{
    struct needles *set = arena_raw(a, sizeof *set);
    *set = (struct needles){ .v = arena_array(a, struct needle, n), .n = n };
    for (unsigned i = 0; i < n; i++) {
        struct str text = arena_dup(a, texts[i]);
        for (size_t k = 0; k < text.n; k++)
            ((char *)text.p)[k] = byte_lower(text.p[k]);
        set->v[i].text = text;
    }
    measure(set);
    if (set->shortest > 1)
        fill_shifts(set);
    else
        mark_firsts(set);
    return set;
}

static bool
begins(struct str text, struct str lower, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (byte_lower(text.p[i]) != lower.p[i])
            return false;
    return true;
}

/* What begins where text begins? */
static enum needles_found
judge(const struct needles *set, struct str text, const bool *skip, unsigned *which)
{
    uint32_t pair = set->shortest > 1 && text.n >= set->shortest
                        ? pair_of(text.p + set->shortest - 2)
                        : UINT32_MAX;
    for (unsigned i = 0; i < set->n; i++) {
        const struct needle *needle = &set->v[i];
        if ((skip && skip[i]) || needle->text.n == 0 ||
            (pair != UINT32_MAX && needle->pair != pair))
            continue;
        bool whole = needle->text.n <= text.n;
        if (!begins(text, needle->text, whole ? needle->text.n : text.n))
            continue;
        *which = i;
        return whole ? NEEDLES_WHOLE : NEEDLES_PARTIAL;
    }
    return NEEDLES_NONE;
}

static size_t
step(const struct needles *set, const char *text, size_t at, size_t end)
{
    while (at < end && set->shift[(uint8_t)text[at]])
        at++;
    return at;
}

/* The next place from `at` on that is worth a look; beyond `end`: none. The window's last byte is
 * within the text. */
static size_t
leap(const struct needles *set, const char *text, size_t at, size_t end)
{
    const char *last = text + set->shortest - 2;
    while (at < end) {
        uint8_t shift = set->shift[pair_of(last + at)];
        if (shift == 0)
            break;
        at += shift;
    }
    return at;
}

enum needles_found
needles_find(const struct needles *set, struct str text, size_t starts, const bool *skip,
             struct needles_place *out)
{
    if (set->shortest == 0)
        return NEEDLES_NONE;
    size_t whole = text.n < set->shortest ? 0 : text.n - set->shortest + 1;
    size_t leaps = whole < starts ? whole : starts;
    for (size_t at = 0; at < starts; at++) {
        if (at < leaps)
            at = (set->shortest > 1 ? leap : step)(set, text.p, at, leaps);
        if (at >= starts)
            break;
        enum needles_found found = judge(set, str_skip(text, at), skip, &out->which);
        out->at = at;
        if (found != NEEDLES_NONE)
            return found;
    }
    return NEEDLES_NONE;
}
