/* config/: files, includes, and the sources' way through a descriptor. */
#include "config/compile.h"
#include "config/manual.h"
#include "config/source_seal.h"

#include "../test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* A directory of files, and what was read from it. */
struct shelf {
    char directory[32];
    struct arena arena;
    struct sources sources;
    struct diags diags;
};

static void
open_shelf(struct shelf *s)
{
    strcpy(s->directory, "/tmp/usher-config-XXXXXX");
    assert_non_null(mkdtemp(s->directory));
    arena_init(&s->arena, 0);
    sources_init(&s->sources, &s->arena);
    diags_init(&s->diags, &s->arena);
}

static void
close_shelf(struct shelf *s)
{
    static const char *const names[] = { "a.conf", "b.conf", "c.conf", "main.conf" };
    char path[64];
    for (unsigned i = 0; i < 4; i++) {
        snprintf(path, sizeof(path), "%s/%s", s->directory, names[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(s->directory), 0);
    arena_fini(&s->arena);
}

static struct str
path_of(struct shelf *s, const char *name)
{
    return arena_printf(&s->arena, "%s/%s", s->directory, name);
}

static void
put(struct shelf *s, const char *name, const char *text)
{
    FILE *file = fopen(path_of(s, name).p, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static const struct node *
read_main(struct shelf *s)
{
    return config_parse(&s->sources, path_of(s, "main.conf"), &s->diags, &s->arena);
}

/* All names of a tree, blocks with their children in braces. */
static void
outline(const struct node *node, struct buf *b)
{
    for (; node; node = node->next) {
        buf_put(b, node->words[0].text);
        buf_put(b, node->block ? STR("{") : STR(";"));
        outline(node->children, b);
        buf_put(b, node->block ? STR("}") : STR(""));
    }
}

static void
assert_outline(struct shelf *s, const struct node *root, const char *expected)
{
    struct buf b;
    buf_init(&b, &s->arena, 100, 0);
    outline(root->children, &b);
    buf_byte(&b, 0);
    assert_string_equal(b.p, expected);
}

static void
an_include_stands_for_its_files_in_order(void **state)
{
    struct shelf s;
    open_shelf(&s);
    put(&s, "main.conf", "x; http { include [ab].conf; y; include c.conf; } z;");
    put(&s, "b.conf", "b1; b2 { }");
    put(&s, "a.conf", "a1 { include c.conf; }");
    put(&s, "c.conf", "c1;");
    assert_outline(&s, read_main(&s), "x;http{a1{c1;}b1;b2{}y;c1;}z;");
    assert_int_equal(s.diags.errors, 0);
    close_shelf(&s);
}

static void
a_file_that_includes_itself_is_refused(void **state)
{
    struct shelf s;
    open_shelf(&s);
    put(&s, "main.conf", "include a.conf; x;");
    put(&s, "a.conf", "include b.conf;");
    put(&s, "b.conf", "include a.conf; include ?.conf;");
    assert_outline(&s, read_main(&s), "x;");
    assert_int_equal(s.diags.errors, 3);
    assert_non_null(strstr(s.diags.first->message.p, "within itself"));
    close_shelf(&s);
}

static void
a_file_that_is_not_there_is_named(void **state)
{
    struct shelf s;
    open_shelf(&s);
    assert_outline(&s, read_main(&s), "");
    assert_int_equal(s.diags.errors, 1);
    assert_non_null(
        strstr(s.diags.first->message.p, "main.conf\" failed (2: No such file or directory)"));
    assert_null(s.diags.first->span.source);
    put(&s, "a.conf", "");
    close_shelf(&s);
}

static void
a_block_must_end_in_the_file_where_it_began(void **state)
{
    struct shelf s;
    open_shelf(&s);
    put(&s, "main.conf", "http { include a.conf; }");
    put(&s, "a.conf", "x { y;");
    assert_outline(&s, read_main(&s), "http{x{y;}}");
    assert_int_equal(s.diags.errors, 1);
    close_shelf(&s);
}

static void
sources_pass_through_a_descriptor_and_are_sealed(void **state)
{
    struct shelf s;
    struct sources loaded;
    int error, fd = memfd_create("sources", MFD_CLOEXEC);
    open_shelf(&s);
    put(&s, "main.conf", "include *.confx; include [ab].conf;");
    put(&s, "a.conf", "a;");
    put(&s, "b.conf", "");
    read_main(&s);
    assert_int_equal(sources_save(&s.sources, fd), 0);
    put(&s, "a.conf", "changed;");
    sources_init(&loaded, &s.arena);
    assert_int_equal(sources_load(&loaded, fd), 0);
    s.sources = loaded;
    assert_outline(&s, read_main(&s), "a;");
    assert_null(sources_open(&loaded, path_of(&s, "c.conf"), &error));
    assert_int_equal(s.diags.errors, 0);
    close(fd);
    close_shelf(&s);
}

static void
data_is_sealed_but_neither_printed_nor_numbered(void **state)
{
    struct shelf s;
    struct sources loaded, copy;
    int error, fd = memfd_create("sources", MFD_CLOEXEC), out = memfd_create("out", MFD_CLOEXEC);
    open_shelf(&s);
    put(&s, "main.conf", "x;");
    put(&s, "a.conf", "\xef\xbb\xbfsecret");
    put(&s, "b.conf", "");
    read_main(&s);
    struct source *data = sources_open_data(&s.sources, path_of(&s, "a.conf"), &error);
    assert_true(str_eq(data->text, STR("\xef\xbb\xbfsecret")));
    assert_ptr_equal(sources_open_data(&s.sources, path_of(&s, "a.conf"), &error), data);
    assert_int_equal(sources_open_data(&s.sources, path_of(&s, "b.conf"), &error)->text.n, 0);
    assert_null(sources_open_data(&s.sources, path_of(&s, "c.conf"), &error));
    assert_int_equal(error, ENOENT);
    assert_null(sources_open_data(&s.sources, str_of(s.directory), &error));
    assert_int_equal(error, EISDIR);
    assert_int_equal(sources_save(&s.sources, fd), 0);
    sources_init(&loaded, &s.arena);
    assert_int_equal(sources_load(&loaded, fd), 0);
    sources_init(&copy, &s.arena);
    sources_copy(&copy, &loaded);
    sources_wipe(&loaded);
    data = sources_open_data(&copy, path_of(&s, "a.conf"), &error);
    assert_true(str_eq(data->text, STR("\xef\xbb\xbfsecret")));
    assert_null(sources_open_data(&copy, str_of(s.directory), &error));
    assert_int_equal(error, EISDIR); /* as whoever could look found it */
    assert_null(sources_open_data(&copy, path_of(&s, "d.conf"), &error));
    assert_int_equal(error, ENOENT);
    sources_print(&copy, out);
    assert_true(lseek(out, 0, SEEK_END) > 0);
    assert_ptr_equal(copy.first, copy.last);
    close(out);
    close(fd);
    close_shelf(&s);
}

static void
copied_sources_outlive_their_origin(void **state)
{
    struct shelf s;
    struct sources copy;
    struct arena a;
    struct diags d;
    open_shelf(&s);
    put(&s, "main.conf", "include [a].conf;");
    put(&s, "a.conf", "a;");
    read_main(&s);
    arena_init(&a, 0);
    diags_init(&d, &a);
    sources_init(&copy, &a);
    sources_copy(&copy, &s.sources);
    copy.sealed = true;
    struct str path = arena_dup(&a, path_of(&s, "main.conf"));
    close_shelf(&s);
    const struct node *root = config_parse(&copy, path, &d, &a);
    assert_non_null(root->children);
    assert_true(str_eq(root->children->words[0].text, STR("a")));
    arena_fini(&a);
}

static void
a_problem_of_the_command_line_has_no_line_number(void **state)
{
    struct shelf s;
    struct buf b;
    open_shelf(&s);
    struct source *text = sources_add_text(&s.sources, STR("command line"), STR("daemon off"));
    config_parse_text(&s.sources, text, &s.diags, &s.arena);
    buf_init(&b, &s.arena, 100, 0);
    diag_line(s.diags.first, &b);
    assert_true(
        str_eq(buf_str(&b), STR("unexpected end of parameter, expecting \";\" in command line")));
    close_shelf(&s);
}

static void
a_torn_descriptor_is_refused(void **state)
{
    struct shelf s;
    int error, whole = memfd_create("whole", MFD_CLOEXEC);
    open_shelf(&s);
    put(&s, "main.conf", "include a.conf;");
    put(&s, "a.conf", "a;");
    read_main(&s);
    assert_non_null(sources_open_data(&s.sources, path_of(&s, "a.conf"), &error));
    assert_int_equal(sources_save(&s.sources, whole), 0);
    off_t n = lseek(whole, 0, SEEK_END);
    while (n--) {
        struct sources loaded;
        sources_init(&loaded, &s.arena);
        assert_int_equal(ftruncate(whole, n), 0);
        assert_true(sources_load(&loaded, whole) < 0);
    }
    close(whole);
    close_shelf(&s);
}

static void
the_manual_shows_a_row_as_nginx_documents_it(void **state)
{
    static const struct directive_set *const sets[] = { &config_directives, NULL };
    struct arena a;
    struct buf b;
    arena_init(&a, 0);
    buf_init(&b, &a, 1000, 0);
    assert_true(manual_print_name(&b, sets, STR("include")));
    assert_false(manual_print_name(&b, sets, STR("exclude")));
    buf_byte(&b, 0);
    assert_non_null(strstr(b.p, "## include\n\n- Syntax: `include file | mask;`\n"
                                "- Default: none\n- Context: any\n"));
    assert_non_null(strstr(b.p, "```nginx\ninclude sites/*.conf;\n```\n"));
    b.n = 0;
    const char **pages;
    assert_int_equal(manual_pages(&a, sets, &pages), 1);
    assert_string_equal(pages[0], "configuration");
    manual_print_index(&b, sets);
    manual_print_page(&b, sets, pages[0]);
    buf_byte(&b, 0);
    assert_non_null(strstr(b.p, "| [configuration](configuration.md) | [include]"));
    assert_non_null(strstr(b.p, "# configuration\n\n[All directives](README.md)\n\n## include\n"));
    b.n = 0;
    assert_true(directive_set_check(&config_directives, &b));
    arena_fini(&a);
}

static void
a_row_that_lacks_something_is_found(void **state)
{
    static const struct directive rows[] = {
        { "a", NO_FIELD, 0, .flags = BLOCK, .example = "a b;" },
        { "b", NO_FIELD, IN_MAIN, "1 2", "help", "syntax" },
        { 0 },
    };
    static const struct directive_set set = { "bad", 0, rows, NULL };
    struct arena a;
    struct buf b;
    arena_init(&a, 0);
    buf_init(&b, &a, 1000, 0);
    assert_false(directive_set_check(&set, &b));
    buf_byte(&b, 0);
    assert_string_equal(b.p, "a: no help\na: no context\na: neither syntax nor type\n"
                             "a: a block that nothing opens\n"
                             "a: its example is not such a directive: a b;\n"
                             "b: its default is not such a directive: b 1 2;\n");
    arena_fini(&a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_include_stands_for_its_files_in_order),
        cmocka_unit_test(a_file_that_includes_itself_is_refused),
        cmocka_unit_test(a_file_that_is_not_there_is_named),
        cmocka_unit_test(a_block_must_end_in_the_file_where_it_began),
        cmocka_unit_test(sources_pass_through_a_descriptor_and_are_sealed),
        cmocka_unit_test(data_is_sealed_but_neither_printed_nor_numbered),
        cmocka_unit_test(copied_sources_outlive_their_origin),
        cmocka_unit_test(a_problem_of_the_command_line_has_no_line_number),
        cmocka_unit_test(a_torn_descriptor_is_refused),
        cmocka_unit_test(the_manual_shows_a_row_as_nginx_documents_it),
        cmocka_unit_test(a_row_that_lacks_something_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
