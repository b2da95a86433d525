/* config/: how a configuration is laid out, and that nothing but space changes. */
#include "config/format.h"

#include "config/lexer.h"

#include "../test.h"

struct page {
    struct arena arena;
    struct sources sources;
    struct diags diags;
    struct buf out;
};

static void
open_page(struct page *p)
{
    arena_init(&p->arena, 0);
    sources_init(&p->sources, &p->arena);
    diags_init(&p->diags, &p->arena);
    buf_init(&p->out, &p->arena, 1000, 0);
}

static const char *
lay_out(struct page *p, const char *text)
{
    p->out.n = 0;
    bool fine =
        config_format(sources_add_text(&p->sources, STR("t"), str_of(text)), &p->diags, &p->out);
    return fine ? arena_dup(&p->arena, buf_str(&p->out)).p : NULL;
}

static const struct {
    const char *text, *wanted;
} cases[] = {
    { "", "" },
    { "\n\n  \n", "" },
    { "a;", "a;\n" },
    { "\n\n\ta  b\t c ;\n\n", "a b c;\n" },
    { "a;b;", "a;\nb;\n" },
    { "events {}", "events {}\n" },
    { "events { }", "events { }\n" },
    { "http{server{listen 80;}}", "http {\n    server { listen 80; }\n}\n" },
    { "http\n{\n  server\n  {\nlisten 80;\n}\n}\n",
      "http {\n    server {\n        listen 80;\n    }\n}\n" },
    { "a {\n\n\n  b;\n\n\n\n  c;\n\n}\n\n\n\nd;", "a {\n    b;\n\n    c;\n}\n\nd;\n" },
    { "a b\nc\n  d;", "a b\n    c\n    d;\n" },
    { "a b\n;", "a b;\n" },
    { "a; # one\n# two\n\n\n   # three\nb;", "a; # one\n# two\n\n# three\nb;\n" },
    { "a # one\n b;", "a # one\n    b;\n" },
    { "a b # one\n;", "a b # one\n    ;\n" },
    { "a # one\n{\nb;\n}", "a # one\n    {\n    b;\n}\n" },
    { "a { # one\nb;\n # two\n}", "a { # one\n    b;\n    # two\n}\n" },
    { "# only  \t\r\n", "# only\n" },
    { "a;\r\nb;\r\n", "a;\nb;\n" },
    { "a \"x  y\" '\n z';", "a \"x  y\" '\n z';\n" },
    { "if ($a = \"b\") { c; }", "if ($a = \"b\") { c; }\n" },
    { "a ${b}c \\; d;", "a ${b}c \\; d;\n" },
    { "a x#y;", "a x#y;\n" },
    { "l /{return 200;}", "l / { return 200; }\n" },
    { "l /{return 200;} m / {b;}", "l / { return 200; }\nm / { b; }\n" },
    { "l / { b; c d; } # two", "l / {\n    b;\n    c d;\n} # two\n" },
    { "l / { b; c; # two\n}", "l / {\n    b;\n    c; # two\n}\n" },
    { "l / { b { } }", "l / {\n    b { }\n}\n" },
    { "l / { b { c; d; } e; }", "l / {\n    b {\n        c;\n        d;\n    }\n    e;\n}\n" },
    { "l / { return\n200; }", "l / {\n    return\n        200;\n}\n" },
    { "l / {\n}", "l / {\n}\n" },
    { "l / { # why\n}", "l / { # why\n}\n" },
    { "l / { return 200; # why\n}", "l / {\n    return 200; # why\n}\n" },
    { "l / { add_header A \"b\nc\"; }", "l / {\n    add_header A \"b\nc\";\n}\n" },
    { "map $a $b { default 0; x 1; }", "map $a $b {\n    default 0;\n    x 1;\n}\n" },
    { "a { x_by_lua_block { y } }", "a {\n    x_by_lua_block { y }\n}\n" },
    { "map $a $b {\ndefault 0;\n\n~^x  1;\n}", "map $a $b {\n    default 0;\n\n    ~^x 1;\n}\n" },
    { "l {\nx_by_lua_block  {\n   if a then  -- }\n  y = {\"}\", [[}]]}\n end\n  }\nb;\n}",
      "l {\n    x_by_lua_block {\n   if a then  -- }\n  y = {\"}\", [[}]]}\n end\n  }\n    "
      "b;\n}\n" },
};

static void
lines_are_indented_and_blanks_are_one(void **state)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct page p;
        open_page(&p);
        const char *once = lay_out(&p, cases[i].text);
        assert_non_null(once);
        assert_string_equal(once, cases[i].wanted);
        assert_string_equal(lay_out(&p, once), once);
        arena_fini(&p.arena);
    }
}

static void
what_does_not_balance_is_refused(void **state)
{
    static const char *const texts[] = { "a",     "a {",     "}",    "a }",     ";",      "{ }",
                                         "a 'b;", "a 'b'c;", "a; }", "a { b }", "a { ; }" };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct page p;
        open_page(&p);
        assert_null(lay_out(&p, texts[i]));
        assert_int_equal(p.diags.errors, 1);
        arena_fini(&p.arena);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_indented_and_blanks_are_one),
        cmocka_unit_test(what_does_not_balance_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
