/* base/needles.c against a search that looks everywhere. */
#include "base/needles.h"

#include "base/random.h"

#include "../test.h"

static char
lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool
is_at(struct str needle, struct str text, size_t at, size_t *seen)
{
    size_t n = text.n - at < needle.n ? text.n - at : needle.n;
    for (size_t i = 0; i < n; i++)
        if (lower(text.p[at + i]) != lower(needle.p[i]))
            return false;
    *seen = n;
    return needle.n > 0;
}

static enum needles_found
find_plainly(const struct str *needles, unsigned n, struct str text, size_t starts,
             const bool *skip, struct needles_place *out)
{
    for (out->at = 0; out->at < starts; out->at++)
        for (out->which = 0; out->which < n; out->which++) {
            size_t seen;
            if (!skip[out->which] && is_at(needles[out->which], text, out->at, &seen))
                return seen == needles[out->which].n ? NEEDLES_WHOLE : NEEDLES_PARTIAL;
        }
    return NEEDLES_NONE;
}

static struct str
scribble(struct arena *a, size_t n, unsigned letters)
{
    static const char alphabet[] = "abABc<>\xc3@`";
    char *p = arena_text(a, n + 1);
    for (size_t i = 0; i < n; i++)
        p[i] = alphabet[random_u64() % letters];
    return (struct str){ p, n };
}

static void
try_one(struct arena *a)
{
    unsigned n = 1 + (unsigned)(random_u64() % 4), letters = 2 + (unsigned)(random_u64() % 9);
    size_t most = 1 + random_u64() % 8;
    struct str needles[4];
    bool skip[4];
    for (unsigned i = 0; i < n; i++) {
        needles[i] = scribble(a, random_u64() % (most + 1), letters);
        skip[i] = random_u64() % 8 == 0;
    }
    struct str text = scribble(a, random_u64() % 60, letters);
    size_t starts = random_u64() % (text.n + 1);
    struct needles_place expected, got = { 0, 0 };
    enum needles_found found = find_plainly(needles, n, text, starts, skip, &expected);
    struct needles *set = needles_new(a, needles, n);
    assert_int_equal(needles_find(set, text, starts, skip, &got), found);
    if (found == NEEDLES_NONE)
        return;
    assert_int_equal(got.at, expected.at);
    assert_int_equal(got.which, expected.which);
}

static void
finds_what_a_plain_search_finds(void **state)
{
    for (int i = 0; i < 40000; i++) {
        struct arena a;
        arena_init(&a, 0);
        try_one(&a);
        arena_fini(&a);
    }
}

static void
long_needles_are_found_in_long_texts(void **state)
{
    struct arena a;
    arena_init(&a, 0);
    char *p = arena_text(&a, 5000);
    memset(p, 'x', 5000);
    memset(p + 3000, 'Y', 700);
    struct str needle = { p + 2400, 1200 };
    struct needles_place place = { 0, 0 };
    struct needles *set = needles_new(&a, &needle, 1);
    assert_int_equal(set->shortest, 1200);
    assert_int_equal(needles_find(set, (struct str){ p, 5000 }, 5000, NULL, &place), NEEDLES_WHOLE);
    assert_int_equal(place.at, 2400);
    arena_fini(&a);
}

static void
nothing_is_found_when_all_are_empty(void **state)
{
    struct arena a;
    arena_init(&a, 0);
    struct str none[2] = { STR(""), STR_NONE };
    struct needles_place place;
    assert_int_equal(needles_find(needles_new(&a, none, 2), STR("abc"), 3, NULL, &place),
                     NEEDLES_NONE);
    arena_fini(&a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_a_plain_search_finds),
        cmocka_unit_test(long_needles_are_found_in_long_texts),
        cmocka_unit_test(nothing_is_found_when_all_are_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
