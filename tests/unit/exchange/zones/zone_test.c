/* exchange/zones/zone.c: state that goes on from one configuration to the next. */
#include "exchange/zones/zone.h"

#include "exchange/snapshot.h"

#include "../../test.h"

#include <stdlib.h>

static unsigned opened, closed;

static void *
open_state(const struct zone *z)
{
    opened++;
    return str_eq(z->key, STR("bad")) ? NULL : malloc(1);
}

static void
close_state(void *state)
{
    closed++;
    free(state);
}

static const struct zone_kind counts = { "count_zone", open_state, close_state };
static const struct zone_kind others = { "other_zone", open_state, close_state };

/* zone NAME:SIZE KEY; */
static bool
declare(struct setting *s, const struct zone_kind *kind)
{
    struct zone wanted = { .kind = kind, .key = setting_arg(s, 2) };
    return zone_parse(s, 1, setting_arg(s, 1), &wanted) && zone_declare(s, 1, &wanted) != NULL;
}

static bool
set_count(struct setting *s)
{
    return declare(s, &counts);
}

static bool
set_other(struct setting *s)
{
    return declare(s, &others);
}

static bool
set_use(struct setting *s)
{
    return zone_use(s, 1, &counts, setting_arg(s, 1)) != NULL;
}

static const struct directive rows[] = {
    { "count_zone", NO_FIELD, IN_MAIN, .help = "A zone.", .syntax = "zone key", .flags = REPEATABLE,
      .args_min = 2, .set = set_count },
    { "other_zone", NO_FIELD, IN_MAIN, .help = "A zone.", .syntax = "zone key", .flags = REPEATABLE,
      .args_min = 2, .set = set_other },
    { "use", NO_FIELD, IN_MAIN, .help = "Its use.", .syntax = "zone", .flags = REPEATABLE,
      .set = set_use },
    { 0 },
};
static const struct directive_set set = { .name = "zones", .directives = rows };

/* A configuration, from its text to its end. */
struct held {
    struct snapshot snap;
    struct diags diags;
};

static bool
compile(struct held *h, const char *text)
{
    const struct directive_set *const sets[] = { &set, NULL };
    struct snapshot *snap = &h->snap;
    memset(h, 0, sizeof *h);
    arena_init(&snap->arena, 0);
    sources_init(&snap->sources, &snap->arena);
    diags_init(&h->diags, &snap->arena);
    compile_init(&snap->compile, &snap->arena, &snap->sources, &h->diags, sets);
    snap->compile.snapshot = snap;
    struct source *source = sources_add_text(&snap->sources, STR("/test.conf"), str_of(text));
    return compile_run(&snap->compile,
                       config_parse_text(&snap->sources, source, &h->diags, &snap->arena));
}

static void
drop(struct held *h)
{
    compile_fini(&h->snap.compile);
    sources_wipe(&h->snap.sources);
    arena_fini(&h->snap.arena);
}

static void *
state_of(struct held *h)
{
    struct node node = { .words = (struct word[]){ { .text = STR("use") } }, .n = 1 };
    struct setting s = { .compile = &h->snap.compile, .node = &node };
    const struct zone *z = zone_use(&s, 0, &counts, STR("z"));
    return z->state;
}

static void
a_zone_that_stays_the_same_goes_on(void **state)
{
    struct held one, two;
    opened = closed = 0;
    assert_true(compile(&one, "use z; count_zone z:64k $a;"));
    assert_true(compile(&two, "count_zone z:65536 $a; use z;"));
    assert_ptr_equal(state_of(&one), state_of(&two));
    drop(&one);
    assert_int_equal(closed, 0);
    assert_int_equal(zone_count(), 1);
    drop(&two);
    assert_int_equal(opened, 1);
    assert_int_equal(closed, 1);
    assert_int_equal(zone_count(), 0);
}

static void
another_key_or_size_begins_anew(void **state)
{
    struct held one, two, three;
    assert_true(compile(&one, "count_zone z:64k $a;"));
    assert_true(compile(&two, "count_zone z:64k $b;"));
    assert_true(compile(&three, "count_zone z:128k $b;"));
    assert_ptr_not_equal(state_of(&one), state_of(&two));
    assert_ptr_not_equal(state_of(&two), state_of(&three));
    assert_int_equal(zone_count(), 3);
    drop(&one);
    drop(&three);
    drop(&two);
    assert_int_equal(zone_count(), 0);
}

static void
a_refused_text_opens_nothing(void **state)
{
    struct held h;
    opened = 0;
    assert_false(compile(&h, "count_zone z:64k $a; use y;"));
    assert_string_equal(arena_dup(&h.snap.arena, h.diags.first->message).p,
                        "zero size shared memory zone \"y\"");
    assert_int_equal(opened, 1); /* the declaration's end came first */
    drop(&h);
    assert_int_equal(zone_count(), 0);
    assert_false(compile(&h, "count_zone z:64k bad;"));
    drop(&h);
    assert_int_equal(zone_count(), 0);
}

static void
problem_is(const char *text, const char *problem)
{
    struct held h;
    assert_false(compile(&h, text));
    assert_string_equal(arena_dup(&h.snap.arena, h.diags.first->message).p, problem);
    drop(&h);
}

static void
what_cannot_be_is_said_in_the_words_of_nginx(void **state)
{
    problem_is("count_zone z:64k $a; count_zone z:64k $b;",
               "count_zone \"z\" is already bound to key \"$a\"");
    problem_is("count_zone z:64k $a; other_zone z:64k $a;",
               "the shared memory zone \"z\" is already declared for a different use");
    problem_is("count_zone z $a;", "invalid zone size \"z\"");
    problem_is("count_zone z:x $a;", "invalid zone size \"z:x\"");
    problem_is(
        "count_zone z:64k $a; count_zone z:128k $b;",
        "the size 131072 of shared memory zone \"z\" conflicts with already declared size 65536");
    problem_is("count_zone z:1k $a;", "zone \"z:1k\" is too small");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_zone_that_stays_the_same_goes_on),
        cmocka_unit_test(another_key_or_size_begins_anew),
        cmocka_unit_test(a_refused_text_opens_nothing),
        cmocka_unit_test(what_cannot_be_is_said_in_the_words_of_nginx),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
