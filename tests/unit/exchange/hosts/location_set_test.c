/* exchange/hosts/location_set.c: the longest prefix, exact names, and the slash that a proxied
 * prefix adds. */
#include "base/random.h"
#include "exchange/hosts/location_set.h"

#include "../../test.h"

enum { MOST = 512 };

struct built {
    struct arena arena;
    struct location locations[MOST], *list[MOST];
    struct location_set *set;
};

static void
build(struct built *b, const char *const *names)
{
    unsigned n = 0;
    arena_init(&b->arena, 0);
    for (; names[n]; n++) {
        bool exact = names[n][0] == '=';
        b->locations[n] = (struct location){ .kind = exact ? LOCATION_EXACT : LOCATION_PREFIX,
                                             .name = str_of(names[n] + exact) };
        b->list[n] = &b->locations[n];
    }
    b->set = location_set_build(&b->arena, b->list, n);
}

static void
expect_longest(const struct built *b, const char *uri, const char *name)
{
    const struct location *l = location_set_longest(b->set, str_of(uri));
    if (name == NULL)
        assert_null(l);
    else
        assert_string_equal(l ? l->name.p : "none", name);
}

static void
the_longest_prefix_is_found(void **state)
{
    static struct built b;
    build(&b, (const char *const[]){ "/", "/a", "/a/b/", "/a/b/c", "/ab", "/b", NULL });
    expect_longest(&b, "/", "/");
    expect_longest(&b, "/x", "/");
    expect_longest(&b, "/a", "/a");
    expect_longest(&b, "/a/b", "/a");
    expect_longest(&b, "/a/b/", "/a/b/");
    expect_longest(&b, "/a/b/d", "/a/b/");
    expect_longest(&b, "/a/b/cc", "/a/b/c");
    expect_longest(&b, "/abc", "/ab");
    expect_longest(&b, "/aa", "/a");
    expect_longest(&b, "", NULL);
    arena_fini(&b.arena);
}

static void
what_no_prefix_begins_has_none(void **state)
{
    static struct built b;
    build(&b, (const char *const[]){ "/b/", "/d", NULL });
    expect_longest(&b, "/a", NULL);
    expect_longest(&b, "/b", NULL);
    expect_longest(&b, "/c", NULL);
    expect_longest(&b, "/e", NULL);
    arena_fini(&b.arena);
}

static void
exact_names_are_no_prefixes(void **state)
{
    static struct built b;
    build(&b, (const char *const[]){ "=/a", "/", NULL });
    expect_longest(&b, "/a", "/");
    assert_ptr_equal(map_try(&b.set->exact, STR("/a")), &b.locations[0]);
    assert_null(map_try(&b.set->exact, STR("/")));
    arena_fini(&b.arena);
}

static void
a_proxied_prefix_is_known_without_its_slash(void **state)
{
    struct arena a;
    struct location l = { .kind = LOCATION_PREFIX, .name = STR("/api/") }, *list[] = { &l };
    l.redirect_slash = l.name;
    arena_init(&a, 0);
    struct location_set *set = location_set_build(&a, list, 1);
    assert_ptr_equal(map_try(&set->slashless, STR("/api")), &l);
    assert_null(map_try(&set->slashless, STR("/api/")));
    arena_fini(&a);
}

/* What the sorted array and its links must agree with. */
static const struct location *
longest_by_trying_all(const struct built *b, unsigned n, struct str uri)
{
    const struct location *best = NULL;
    for (unsigned i = 0; i < n; i++)
        if (str_starts(uri, b->locations[i].name) &&
            (best == NULL || b->locations[i].name.n > best->name.n))
            best = &b->locations[i];
    return best;
}

static void
many_random_prefixes_agree_with_a_plain_search(void **state)
{
    static struct built b;
    static char text[MOST][8];
    unsigned n = 0;
    arena_init(&b.arena, 0);
    for (unsigned k = 0; k < MOST; k++) {
        size_t length = 1 + random_below(6);
        for (size_t i = 0; i < length; i++)
            text[k][i] = (char)('a' + random_below(3));
        struct str name = { text[k], length };
        bool seen = false;
        for (unsigned i = 0; i < n; i++)
            seen = seen || str_eq(b.locations[i].name, name);
        if (seen)
            continue;
        b.locations[n] = (struct location){ .kind = LOCATION_PREFIX, .name = name };
        b.list[n] = &b.locations[n];
        n++;
    }
    b.set = location_set_build(&b.arena, b.list, n);
    for (unsigned k = 0; k < 20000; k++) {
        char uri[9];
        for (size_t i = 0; i < sizeof uri; i++)
            uri[i] = (char)('a' + random_below(4));
        struct str s = { uri, random_below(sizeof uri + 1) };
        assert_ptr_equal(location_set_longest(b.set, s), longest_by_trying_all(&b, n, s));
    }
    arena_fini(&b.arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_prefix_is_found),
        cmocka_unit_test(what_no_prefix_begins_has_none),
        cmocka_unit_test(exact_names_are_no_prefixes),
        cmocka_unit_test(a_proxied_prefix_is_known_without_its_slash),
        cmocka_unit_test(many_random_prefixes_agree_with_a_plain_search),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
