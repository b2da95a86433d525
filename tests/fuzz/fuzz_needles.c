/* sub_filter's search finds what a plain look at every place finds. The needles are the first
 * line's words, the text is what follows. */
#include "base/needles.h"
#include "target.h"

enum { MOST = 8 };

static bool
begins(struct str text, struct str needle)
{
    for (size_t i = 0; i < needle.n && i < text.n; i++)
        if (byte_lower(text.p[i]) != needle.p[i])
            return false;
    return needle.n > 0;
}

static enum needles_found
look(const struct needles *set, struct str text, size_t starts, const bool *skip,
     struct needles_place *out)
{
    for (out->at = 0; out->at < starts; out->at++) {
        struct str rest = str_skip(text, out->at);
        for (out->which = 0; out->which < set->n; out->which++)
            if (!skip[out->which] && begins(rest, set->v[out->which].text))
                return set->v[out->which].text.n <= rest.n ? NEEDLES_WHOLE : NEEDLES_PARTIAL;
    }
    return NEEDLES_NONE;
}

static void
check(const struct needles *set, struct str text, size_t starts, const bool *skip)
{
    struct needles_place one = { 0, 0 }, two = { 0, 0 };
    enum needles_found found = needles_find(set, text, starts, skip, &one);
    must(found == look(set, text, starts, skip, &two));
    must(found == NEEDLES_NONE || one.at == two.at);
    must(found != NEEDLES_WHOLE || one.which == two.which);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct str text = { (const char *)data, size }, line = str_cut(&text, '\n'), words[MOST];
    bool skip[MOST] = { false };
    unsigned n = 0;
    arena_init(&a, 0);
    while (line.n && n < MOST) {
        struct str word = arena_dup(&a, str_cut(&line, ' '));
        for (size_t i = 0; i < word.n; i++)
            ((char *)word.p)[i] = byte_lower(word.p[i]);
        words[n++] = word;
    }
    const struct needles *set = needles_new(&a, words, n);
    check(set, text, text.n, skip);
    check(set, text, text.n / 2, skip);
    skip[0] = true;
    check(set, text, text.n, skip);
    arena_fini(&a);
    return 0;
}
