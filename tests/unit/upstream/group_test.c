/* upstream/group, upstream/resolver: what the directives accept, and nginx's words for what not. */
#include "config/manual.h"

#include "../test.h"
#include "groups.h"

static void
refuses(const char *text, const char *message)
{
    struct groups g;
    assert_false(groups_compile(&g, text));
    assert_int_equal(g.diags.errors, 1);
    struct str said = arena_dup(&g.arena, g.diags.first->message);
    assert_string_equal(said.p, message);
    groups_close(&g);
}

static void
what_is_wrong_is_said_in_nginxs_words(void **state)
{
    refuses("upstream a { }", "no servers are inside upstream");
    refuses("upstream a { keepalive 3; }", "no servers are inside upstream");
    refuses("upstream a { server 127.0.0.1 backup; }", "no servers in upstream \"a\"");
    refuses("upstream a { server 1.1.1.1:99999; }", "invalid port in upstream \"1.1.1.1:99999\"");
    refuses("upstream a { server 1.1.1.1 foo; }", "invalid parameter \"foo\"");
    refuses("upstream a { server 1.1.1.1 weight=0; }", "invalid parameter \"weight=0\"");
    refuses("upstream a { server 1.1.1.1 max_conns=a; }", "invalid parameter \"max_conns=a\"");
    refuses("upstream a { server 1.1.1.1 fail_timeout=x; }",
            "invalid parameter \"fail_timeout=x\"");
    refuses("upstream a { server 1.1.1.1; } upstream A { server 1.1.1.1; }",
            "duplicate upstream \"A\"");
    refuses("upstream a { server :80; }", "no host in upstream \":80\"");
    refuses("upstream a { server http://1.1.1.1; }", "invalid host in upstream \"http://1.1.1.1\"");
    refuses("upstream a { server 1.1.1.1/x; }", "invalid host in upstream \"1.1.1.1/x\"");
    refuses("upstream a { server unix:; }",
            "no path in the unix domain socket in upstream \"unix:\"");
    refuses("upstream a { server 1.1.1.1; keepalive x; }",
            "invalid value \"x\" in \"keepalive\" directive");
    refuses("upstream a { server 1.1.1.1; keepalive 1; keepalive 2; }",
            "\"keepalive\" directive is duplicate");
    refuses("resolver 1.1.1.1 valid=x;", "invalid parameter: valid=x");
    refuses("resolver 1.1.1.1 ipv6=x;", "invalid parameter: ipv6=x");
    refuses("resolver 1.1.1.1:99999;", "invalid port in resolver \"1.1.1.1:99999\"");
    refuses("resolver ipv6=off;", "no name servers defined");
}

static void
a_group_is_what_its_lines_say(void **state)
{
    struct groups g;
    assert_true(groups_compile(&g,
                               "resolver 127.0.0.1:5353 [::1] valid=10s ipv6=off;\n"
                               "resolver_timeout 3s;\n"
                               "upstream g { zone z 64k; keepalive 7 local; keepalive_requests 8;"
                               " keepalive_timeout 9s; keepalive_time 10m;"
                               " server 127.0.0.1 weight=3 max_fails=2 fail_timeout=1m down;"
                               " server unix:/s max_conns=4 backup; server name.test:81; }"));
    struct upstream *u = groups_find(&g, "G");
    assert_int_equal(u->keepalive.max, 7);
    assert_int_equal(u->keepalive.requests, 8);
    assert_int_equal(u->keepalive.timeout_ms, 9000);
    assert_int_equal(u->keepalive.time_ms, 600000);
    const struct server *s = u->servers;
    assert_int_equal(address_port(&s->address), 80);
    assert_int_equal(s->weight, 3);
    assert_int_equal(s->max_fails, 2);
    assert_int_equal(s->fail_timeout_ms, 60000);
    assert_true(s->down && !s->backup);
    assert_true(s->next->backup);
    assert_int_equal(s->next->max_conns, 4);
    assert_int_equal(s->next->max_fails, 1);
    assert_true(server_is_name(s->next->next));
    assert_int_equal(s->next->next->port, 81);
    assert_int_equal(u->resolver->n_servers, 2);
    assert_int_equal(u->resolver->valid_ms, 10000);
    assert_int_equal(u->resolver->timeout_ms, 3000);
    assert_true(u->resolver->ipv4 && !u->resolver->ipv6);
    groups_close(&g);
}

static void
defaults_are_nginxs(void **state)
{
    struct groups g;
    assert_true(groups_compile(&g, "upstream g { server 127.0.0.1; }"));
    struct upstream *u = groups_find(&g, "g");
    assert_int_equal(u->keepalive.max, 32);
    assert_int_equal(u->keepalive.requests, 1000);
    assert_int_equal(u->keepalive.timeout_ms, 60000);
    assert_int_equal(u->keepalive.time_ms, 3600000);
    assert_null(u->resolver);
    assert_null(upstream_find(&g.compile, g.http, STR("h")));
    assert_ptr_equal(upstream_lookup(g.table, STR("g")), u);
    groups_close(&g);
}

static void
the_same_text_implies_the_same_group(void **state)
{
    struct groups g;
    assert_true(groups_compile(&g, ""));
    struct upstream *u = upstream_implied(&g.compile, g.http, STR("127.0.0.1:81"), 80);
    assert_ptr_equal(upstream_implied(&g.compile, g.http, STR("127.0.0.1:81"), 80), u);
    assert_ptr_not_equal(upstream_implied(&g.compile, g.http, STR("127.0.0.1:82"), 80), u);
    assert_true(str_eq(upstream_name(u), STR("127.0.0.1:81")));
    assert_int_equal(u->keepalive.max, 32);
    assert_null(upstream_implied(&g.compile, g.http, STR("127.0.0.1:x"), 80));
    assert_null(upstream_implied(&g.compile, g.http, STR(""), 80));
    groups_close(&g);
}

static void
each_row_says_what_it_is_and_its_example_parses(void **state)
{
    struct arena a;
    struct buf flaws;
    arena_init(&a, 0);
    buf_init(&flaws, &a, 0, 0);
    if (!directive_set_check(&upstream_directives, &flaws))
        print_error(STR_FMT, STR_ARG(buf_str(&flaws)));
    assert_int_equal(flaws.n, 0);
    arena_fini(&a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_is_said_in_nginxs_words),
        cmocka_unit_test(a_group_is_what_its_lines_say),
        cmocka_unit_test(defaults_are_nginxs),
        cmocka_unit_test(the_same_text_implies_the_same_group),
        cmocka_unit_test(each_row_says_what_it_is_and_its_example_parses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
