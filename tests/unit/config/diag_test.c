/* config/: what a wrong configuration is told, to the letter. Each text and its whole answer. */
#include "house.h"

#include "../test.h"

static const struct transcript {
    const char *text, *output;
} transcripts[] = {
#include "transcripts.def"
};

static void
every_wrong_text_gets_its_whole_answer(void **state)
{
    for (unsigned i = 0; i < sizeof(transcripts) / sizeof(transcripts[0]); i++) {
        struct house h;
        house_compile(&h, transcripts[i].text);
        assert_string_equal(h.output.p, transcripts[i].output);
        house_close(&h);
    }
}

static void
a_text_cut_off_anywhere_is_survived(void **state)
{
    for (unsigned i = 0; i < sizeof(transcripts) / sizeof(transcripts[0]); i++) {
        for (size_t n = 0; n < strlen(transcripts[i].text); n++) {
            struct house h;
            struct arena a;
            arena_init(&a, 0);
            house_compile(&h, arena_dup(&a, (struct str){ transcripts[i].text, n }).p);
            house_close(&h);
            arena_fini(&a);
        }
    }
}

static void
a_long_line_is_shown_around_the_place(void **state)
{
    struct house h;
    struct arena a;
    struct buf b;
    arena_init(&a, 0);
    buf_init(&b, &a, 1000, 0);
    buf_printf(&b, "http { server { listen 80; } %300s lisen 80; %300s }", "", "");
    buf_byte(&b, 0);
    house_compile(&h, b.p);
    assert_non_null(strstr(h.output.p, "did you mean \"listen\"?"));
    for (struct str rest = h.output, line = str_cut(&rest, '\n'); rest.p;
         line = str_cut(&rest, '\n'))
        assert_true(line.n < 150);
    house_close(&h);
    arena_fini(&a);
}

static void
blocks_nest_to_a_bound_and_no_further(void **state)
{
    struct house h;
    struct arena a;
    struct buf b;
    arena_init(&a, 0);
    buf_init(&b, &a, 1000, 0);
    for (unsigned i = 0; i < 100000; i++)
        buf_put(&b, STR("a{"));
    buf_byte(&b, 0);
    assert_false(house_compile(&h, b.p));
    assert_non_null(strstr(h.output.p, "blocks are nested more than 64 deep"));
    house_close(&h);
    arena_fini(&a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_wrong_text_gets_its_whole_answer),
        cmocka_unit_test(a_text_cut_off_anywhere_is_survived),
        cmocka_unit_test(a_long_line_is_shown_around_the_place),
        cmocka_unit_test(blocks_nest_to_a_bound_and_no_further),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
