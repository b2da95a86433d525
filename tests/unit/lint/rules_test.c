/* lint/: each rule finds what its page says it finds, and nothing is found in what is fine. */
#include "lint/lint.h"

#include "../test.h"

/* The ids that are found in a text, each with a blank. */
static struct str
found_in(struct arena *a, const char *text)
{
    struct sources s;
    struct diags d;
    struct lint l;
    struct buf b;
    sources_init(&s, a);
    s.sealed = true;
    diags_init(&d, a);
    buf_init(&b, a, 100, 0);
    lint_init(&l, a, NULL);
    struct source *source = sources_add_text(&s, STR("t"), str_of(text));
    lint_comments(&l, &s);
    lint_tree(&l, config_parse_text(&s, source, &d, a));
    lint_judge_comments(&l);
    assert_int_equal(d.errors, 0);
    for (const struct finding *f = l.first; f; f = f->next)
        buf_printf(&b, "%s ", f->rule->id);
    buf_byte(&b, 0);
    return (struct str){ b.p, b.n - 1 };
}

static void
each_rule_finds_its_bad_text_and_none_its_good_one(void **state)
{
    for (const struct rule *rule = lint_rules; rule->id; rule++) {
        struct arena a;
        arena_init(&a, 0);
        if (rule->check && rule->bad) {
            struct str found = found_in(&a, rule->bad);
            if (!str_starts(found, str_of(rule->id)))
                fail_msg("%s is not found in: %s", rule->id, rule->bad);
        }
        if (rule->good && found_in(&a, rule->good).n)
            fail_msg("%sis found in: %s", found_in(&a, rule->good).p, rule->good);
        arena_fini(&a);
    }
}

static const struct {
    const char *text, *found;
} cases[] = {
    { "location /i { alias /srv/$host/; }", "alias-traversal " },
    { "location /i/ { alias /srv/$host; }", "" },
    { "location ~ ^/i(.*)$ { alias /srv/$1; }", "alias-traversal " },
    { "location ~ ^/i/(.*)$ { alias /srv/$1; }", "" },
    { "location ~ ^/i([a-z]*)$ { alias /srv/$1; }", "" },
    { "location = /i { alias /srv/; }", "" },
    { "location ~ ^/i { alias /srv/; }", "alias-without-capture " },
    { "location ~ ^/i { alias /srv/a; }", "" },
    { "server { add_header A b; location / { proxy_pass http://127.0.0.1; } }", "" },
    { "server { add_header A b; location / { add_header a c; } }", "" },
    { "http { add_header A b; server { location / { if ($a) { add_header B b; } } } }",
      "if-in-location lost-add-header " },
    { "location / { proxy_set_header X-Real-IP $http_x_forwarded_for; }",
      "spoofable-forwarded-for " },
    { "limit_req_zone $http_x_forwarded_for zone=a:1m rate=1r/s; limit_req zone=a;",
      "spoofable-forwarded-for " },
    { "log_format a '$http_x_forwarded_for';", "" },
    { "location / { proxy_pass http://backend$request_uri; }", "" },
    { "location / { proxy_pass http://$host:8080; }", "proxy-pass-variable " },
    { "location / { proxy_pass $scheme://backend; }", "" },
    { "location / { proxy_pass http://$backend; }", "" },
    { "location / { proxy_pass http://b/$arg_path; }", "" },
    { "location ~ ^/to/(?<host2>.+) { proxy_pass https://$host2; }", "proxy-pass-variable " },
    { "location ~ ^/(.+)$ { fastcgi_pass unix:/run/php.sock; }", "" },
    { "location / { proxy_set_header X-Uri $uri; }", "http-splitting " },
    { "location / { try_files $uri $uri/ =404; }", "" },
    { "location / { return 200 $uri; }", "" },
    { "location ~ ^/a/([^/]*) { return 302 /b/$1; }", "http-splitting " },
    { "location ~ ^/a/(.*) { return 302 /b/$1; }", "" },
    { "rewrite ^/a(.*)$ https://b$1 permanent;", "" },
    { "rewrite ^ https://$host$uri permanent;", "http-splitting " },
    { "location /a/ { proxy_pass http://b/c; }", "proxy-pass-uri " },
    { "location /a { proxy_pass http://b/c; }", "" },
    { "location / { proxy_pass http://b; }", "" },
    { "location / { proxy_pass http://unix:/run/a.sock; }", "" },
    { "location = /a { proxy_pass http://b/; }", "" },
    { "location ~ \\.php$ { } location ~ \\.php$ { return 403; }", "shadowed-location " },
    { "location ~* \\.php$ { } location ~ \\.php$ { return 403; }", "shadowed-location " },
    { "location ~ \\.php$ { } location ~* \\.php$ { return 403; }", "" },
    { "location ~ / { } location /a { } location = /b { }", "shadowed-location " },
    { "location / { } location ~ \\.php$ { }", "" },
    { "location ~ [?&]a=b { }", "" },
    { "location ~ /a\\?b { }", "regex-never-matches " },
    { "location /a%20b { }", "regex-never-matches " },
    { "location ~ ^/(?i)abc(/|$) { }", "" },
    { "location ~ ^/(?:a|b)+$ { }", "" },
    { "location ~ ^/([^/]+/?)*$ { }", "regex-backtracking " },
    { "location ~ ^(.+)+$ { }", "regex-backtracking " },
    { "location ~ ^/(\\w+-)*\\w+$ { }", "" },
    { "location ~ \"^/[0-9]{1,3}$\" { }", "" },
    { "server_name ~^www\\d+\\.example\\.net$ a.com;", "" },
    { "server_name ~^(.+)\\.example\\.com$;", "" },
    { "server_name ~example\\.com$;", "host-regex-anchor " },
    { "server_name ~^api\\.;", "" },
    { "if ($http_origin ~ ^https://a\\.example\\.com) { return 204; }", "host-regex-anchor " },
    { "if ($http_user_agent ~ curl.example) { return 403; }", "" },
    { "map $host $a { hostnames; default 0; example.com 1; }", "" },
    { "map $uri $a { ~^/x.yz 1; return 1; }", "" },
    { "server { return 301 https://a$request_uri; }", "" },
    { "server { listen 443 ssl; return 301 https://www.a.com$request_uri; }", "" },
    { "location / { auth_basic off; return 200; }", "" },
    { "location / { auth_basic x; return 200; }", "return-bypasses-access " },
    { "location / { if ($a) { return 403; } deny all; }", "" },
    { "location / { return 200; set $a b; }", "after-return " },
    { "location / { if ($a) { return 200; } set $a b; }", "" },
    { "upstream a { server 10.0.0.1; } location / { proxy_pass http://a; }", "" },
    { "upstream a.com { server b.com; } location / { proxy_pass http://a.com; }", "" },
    { "ssl_ciphers ECDHE-RSA-AES128-GCM-SHA256:!RC4:-DES;", "" },
    { "ssl_ciphers ECDHE-RSA-DES-CBC3-SHA;", "" },
    { "ssl_ciphers ECDHE-RSA-DES-CBC3-SHA; server { listen 443 ssl; }", "weak-tls " },
    { "proxy_ssl_protocols TLSv1.1;", "weak-tls " },
    { "location ~* ^/a/.(png|jpe?g)$ { }", "bare-dot " },
    { "location ~ ^/(.)(.+)$ { }", "" },
    { "location ~ ^/(.*)\\.html$ { }", "" },
    { "location ~ ^/a/.$ { }", "" },
    { "location ~ ^/.well-known/ { }", "" },
    { "location ~ ^/.git/(.*)$ { }", "" },
    { "allow all;", "" },
    { "merge_slashes off; # usher-lint: disable=merge-slashes-off", "" },
    { "# usher-lint: disable=merge-slashes-off\r\nmerge_slashes off;", "" },
    { "events { }\n# usher-lint: disable=all\n\nmerge_slashes off;",
      "merge-slashes-off unused-suppression " },
    { "events { }\n# usher-lint: disable=all\n# for the old client\nmerge_slashes off;", "" },
    { "events { }\nmerge_slashes off; # usher-lint: disable=weak-tls, merge-slashes-off as it is",
      "unused-suppression " },
    { "# usher-lint: disable=no-such\na;", "unknown-suppression " },
    { "a; # usher-lint: merge-slashes-off", "unknown-suppression " },
    { "\n# one\n# usher-lint: disable=merge-slashes-off because\na;\n\n\nmerge_slashes off;", "" },
    { "a; # usher-lint: disable=all\nmerge_slashes off;", "merge-slashes-off unused-suppression " },
    { "a;\nmerge_slashes off; # usher-lint: disable=weak-tls",
      "merge-slashes-off unused-suppression " },
};

static void
what_is_near_a_rule_is_told_apart(void **state)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena a;
        arena_init(&a, 0);
        struct str found = found_in(&a, cases[i].text);
        if (!str_eq(found, str_of(cases[i].found)))
            fail_msg("%s: found %s, not %s", cases[i].text, found.p, cases[i].found);
        arena_fini(&a);
    }
}

static void
rules_have_what_their_page_needs(void **state)
{
    for (const struct rule *rule = lint_rules; rule->id; rule++) {
        assert_true(strspn(rule->id, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(rule->id));
        assert_true(rule == lint_rules || strcmp(rule[-1].id, rule->id) < 0);
        assert_non_null(rule->summary);
        assert_non_null(rule->fix);
        assert_ptr_equal(lint_rule(str_of(rule->id)), rule);
    }
    assert_null(lint_rule(STR("no-such-rule")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule_finds_its_bad_text_and_none_its_good_one),
        cmocka_unit_test(what_is_near_a_rule_is_told_apart),
        cmocka_unit_test(rules_have_what_their_page_needs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
