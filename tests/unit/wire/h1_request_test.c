/* wire/h1_request.c: what a request head says, and everything that must be refused. */
#include "transcript.h"

struct reading {
    struct arena arena;
    struct request_head head;
    enum fault fault;
    const char *why;
    char *bytes;
    enum h1_outcome outcome;
};

static void
read_head(struct reading *r, struct str text, const struct h1_limits *limits)
{
    size_t n = find_end_both_ways(text);
    memset(r, 0, sizeof *r);
    arena_init(&r->arena, 0);
    fields_init(&r->head.fields, &r->arena);
    assert_int_not_equal(n, 0);
    r->bytes = exact_copy(str_head(text, n));
    r->outcome =
        h1_parse_request((struct str){ r->bytes, n }, limits, &r->head, &r->fault, &r->why);
}

static void
drop(struct reading *r)
{
    free(r->bytes);
    arena_fini(&r->arena);
}

#define assert_text(have, want) assert_true(str_eq((have), STR(want)))

static void
a_plain_request_is_read(void **state)
{
    struct reading r;
    read_head(&r,
              STR("POST /a/b?c=d HTTP/1.1\r\nHost: example.com\r\nUser-Agent:  x y \t\r\n"
                  "content-length: 12\r\nX-Empty:\r\n\r\n"),
              &usual);
    assert_int_equal(r.outcome, H1_DONE);
    assert_int_equal(r.head.method, METHOD_POST);
    assert_text(r.head.line, "POST /a/b?c=d HTTP/1.1");
    assert_text(r.head.method_name, "POST");
    assert_text(r.head.target, "/a/b?c=d");
    assert_text(r.head.path, "/a/b");
    assert_text(r.head.args, "c=d");
    assert_null(r.head.scheme.p);
    assert_int_equal(r.head.version, VERSION_11);
    assert_int_equal(r.head.framing, FRAMING_LENGTH);
    assert_int_equal(r.head.content_length, 12);
    assert_int_equal(r.head.fields.n, 4);
    assert_text(fields_value(&r.head.fields, HEADER_USER_AGENT), "x y");
    assert_text(fields_find_named(&r.head.fields, STR("x-empty"))->value, "");
    assert_true(r.head.keep_alive);
    drop(&r);
}

static void
targets_are_read_in_all_four_forms(void **state)
{
    static const struct {
        const char *text, *target, *path, *args, *authority;
    } cases[] = {
        { "GET / HTTP/1.1", "/", "/", NULL, NULL },
        { "GET /? HTTP/1.1", "/?", "/", "", NULL },
        { "GET /a#b?c HTTP/1.1", "/a#b?c", "/a", NULL, NULL },
        { "GET /a?b#c?d HTTP/1.1", "/a?b#c?d", "/a", "b", NULL },
        { "GET /a??b HTTP/1.1", "/a??b", "/a", "?b", NULL },
        { "GET /\x80\xff HTTP/1.1", "/\x80\xff", "/\x80\xff", NULL, NULL },
        { "GET http://x/y?z HTTP/1.1", "/y?z", "/y", "z", "x" },
        { "GET HTTPS://x:8/ HTTP/1.1", "/", "/", NULL, "x:8" },
        { "GET http://x HTTP/1.1", "/", "/", NULL, "x" },
        { "GET http://x?q HTTP/1.1", "/?q", "/", "q", "x" },
        { "GET http://[::1]:8/y HTTP/1.1", "/y", "/y", NULL, "[::1]:8" },
        { "OPTIONS * HTTP/1.1", "*", "*", NULL, NULL },
        { "CONNECT a:443 HTTP/1.1", "a:443", "", NULL, "a:443" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reading r;
        char text[256];
        int n = snprintf(text, sizeof text, "%s\r\nHost: h\r\n\r\n", cases[i].text);
        read_head(&r, (struct str){ text, (size_t)n }, &usual);
        assert_int_equal(r.outcome, H1_DONE);
        assert_true(str_eq(r.head.target, str_of(cases[i].target)));
        assert_true(str_eq(r.head.path, str_of(cases[i].path)));
        assert_true(str_eq(r.head.args, str_of(cases[i].args)));
        assert_int_equal(r.head.args.p == NULL, cases[i].args == NULL);
        assert_true(str_eq(r.head.authority, str_of(cases[i].authority)));
        drop(&r);
    }
}

/* { text, fault } — each refused, whole and byte by byte. */
static const struct {
    struct str text;
    enum fault fault;
} refused[] = {
#define LINE(line)   STR(line "\r\nHost: h\r\n\r\n")
#define WITH(fields) STR("POST / HTTP/1.1\r\nHost: h\r\n" fields "\r\n\r\n")
    /* RFC 9112 3: the request line */
    { LINE("get / HTTP/1.1"), FAULT_BAD_REQUEST },
    { LINE("G\x01T / HTTP/1.1"), FAULT_BAD_REQUEST },
    { LINE(" GET / HTTP/1.1"), FAULT_BAD_REQUEST },
    { LINE("GET  / HTTP/1.1"), FAULT_BAD_REQUEST },
    { LINE("GET\t/ HTTP/1.1"), FAULT_BAD_REQUEST },
    { LINE("GET /  HTTP/1.1"), FAULT_BAD_REQUEST },
    { LINE("GET / HTTP/1.1 "), FAULT_BAD_REQUEST },
    { LINE("GET /a b HTTP/1.1"), FAULT_BAD_REQUEST },
    { LINE("GET /a\tb HTTP/1.1"), FAULT_BAD_REQUEST },
    { LINE("GET /a\x7f HTTP/1.1"), FAULT_BAD_REQUEST },
    { STR("GET /a\0b HTTP/1.1\r\nHost: h\r\n\r\n"), FAULT_BAD_REQUEST },
    { STR("GET /a\rb HTTP/1.1\r\nHost: h\r\n\r\n"), FAULT_BAD_REQUEST },
    { LINE("GET a HTTP/1.1"), FAULT_BAD_REQUEST },
    { LINE("GET * HTTP/1.1"), FAULT_BAD_REQUEST },
    { LINE("GET http:///y HTTP/1.1"), FAULT_BAD_REQUEST },
    { LINE("GET http://u@h/ HTTP/1.1"), FAULT_BAD_REQUEST },
    { LINE("GET http://h#f HTTP/1.1"), FAULT_BAD_REQUEST },
    { LINE("GET 1http://h/ HTTP/1.1"), FAULT_BAD_REQUEST },
    { LINE("GET /"), FAULT_BAD_REQUEST },
    { LINE("GET"), FAULT_BAD_REQUEST },
    { LINE("GET / HTTP/1"), FAULT_BAD_REQUEST },
    { LINE("GET / http/1.1"), FAULT_BAD_REQUEST },
    { LINE("GET / HTTP/11"), FAULT_BAD_REQUEST },
    { LINE("GET / HTTP/1.10"), FAULT_BAD_REQUEST },
    { LINE("GET / HTTP/0.9"), FAULT_BAD_REQUEST },
    { LINE("GET / HTTP/2.0"), FAULT_VERSION },
    { LINE("PRI * HTTP/2.0"), FAULT_BAD_REQUEST },
    { STR("GET / HTTP/1.1\nHost: h\n\n"), FAULT_BAD_REQUEST },
    { STR("\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"), FAULT_BAD_REQUEST },
    /* RFC 9112 3.2: Host */
    { STR("GET / HTTP/1.1\r\n\r\n"), FAULT_BAD_HOST },
    { WITH("Host: h"), FAULT_BAD_HOST },
    /* RFC 9110 5.3: fields with one value */
    { WITH("Authorization: a\r\nauthorization: b"), FAULT_BAD_REQUEST },
    { WITH("If-None-Match: \"a\"\r\nIf-None-Match: \"b\""), FAULT_BAD_REQUEST },
    { WITH("Expect: 100-continue\r\nExpect: 100-continue"), FAULT_BAD_REQUEST },
    /* RFC 9112 2.2, 5: field lines */
    { WITH("A: b\nC: d"), FAULT_BAD_REQUEST },
    { WITH("A: b\rC: d"), FAULT_BAD_REQUEST },
    { WITH("A: b\x01"), FAULT_BAD_REQUEST },
    { WITH("A: b\x7f"), FAULT_BAD_REQUEST },
    { STR("GET / HTTP/1.1\r\nHost: h\r\nA: b\0c\r\n\r\n"), FAULT_BAD_REQUEST },
    { STR("GET / HTTP/1.1\r\nHost: h\r\nA\0: b\r\n\r\n"), FAULT_BAD_REQUEST },
    { WITH("A : b"), FAULT_BAD_REQUEST },
    { WITH("A\t: b"), FAULT_BAD_REQUEST },
    { WITH("A B: c"), FAULT_BAD_REQUEST },
    { WITH(": b"), FAULT_BAD_REQUEST },
    { WITH("A"), FAULT_BAD_REQUEST },
    { WITH("A: b\r\n c"), FAULT_BAD_REQUEST },
    { WITH("A: b\r\n\tc: d"), FAULT_BAD_REQUEST },
    { STR("GET / HTTP/1.1\r\n Host: h\r\n\r\n"), FAULT_BAD_REQUEST },
    { WITH("Content-Length : 5"), FAULT_BAD_REQUEST },
    { WITH("Content_Length: 5"), FAULT_BAD_REQUEST },
    { WITH("Content-Length\x80: 5"), FAULT_BAD_REQUEST },
    { WITH("(Transfer-Encoding: chunked"), FAULT_BAD_REQUEST },
    { WITH("Transfer_Encoding: chunked"), FAULT_BAD_REQUEST },
    { WITH("Transfer-Encoding\x0b: chunked"), FAULT_BAD_REQUEST },
    /* RFC 9112 6: framing */
    { WITH("Content-Length: 5\r\nContent-Length: 5"), FAULT_BAD_REQUEST },
    { WITH("Content-Length: 5\r\nContent-Length: 6"), FAULT_BAD_REQUEST },
    { WITH("Content-Length: 5, 5"), FAULT_BAD_REQUEST },
    { WITH("Content-Length: +5"), FAULT_BAD_REQUEST },
    { WITH("Content-Length: -5"), FAULT_BAD_REQUEST },
    { WITH("Content-Length: 0x5"), FAULT_BAD_REQUEST },
    { WITH("Content-Length: 5 5"), FAULT_BAD_REQUEST },
    { WITH("Content-Length:"), FAULT_BAD_REQUEST },
    { WITH("Content-Length: \"5\""), FAULT_BAD_REQUEST },
    { WITH("Content-Length: 9223372036854775808"), FAULT_BAD_REQUEST },
    { WITH("Content-Length: 18446744073709551621"), FAULT_BAD_REQUEST },
    { WITH("Content-Length: 5\r\nTransfer-Encoding: chunked"), FAULT_BAD_REQUEST },
    { WITH("Transfer-Encoding: chunked\r\nContent-Length: 0"), FAULT_BAD_REQUEST },
    { WITH("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), FAULT_BAD_REQUEST },
    { WITH("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked"), FAULT_BAD_REQUEST },
    { WITH("Transfer-Encoding: chunked, chunked"), FAULT_BAD_REQUEST },
    { WITH("Transfer-Encoding: chunked, gzip"), FAULT_BAD_REQUEST },
    { WITH("Transfer-Encoding: gzip"), FAULT_BAD_REQUEST },
    { WITH("Transfer-Encoding: identity"), FAULT_BAD_REQUEST },
    { WITH("Transfer-Encoding: xchunked"), FAULT_BAD_REQUEST },
    { WITH("Transfer-Encoding: chunked;q=1"), FAULT_BAD_REQUEST },
    { WITH("Transfer-Encoding: \"chunked\""), FAULT_BAD_REQUEST },
    { WITH("Transfer-Encoding: ,chunked"), FAULT_BAD_REQUEST },
    { WITH("Transfer-Encoding: chunked,"), FAULT_BAD_REQUEST },
    { WITH("Transfer-Encoding:"), FAULT_BAD_REQUEST },
    { WITH("Transfer-Encoding: gzip, chunked"), FAULT_TRANSFER_CODING },
    { STR("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), FAULT_BAD_REQUEST },
};

static void
every_ambiguous_head_is_refused_with_its_fault(void **state)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct reading r;
        read_head(&r, refused[i].text, &usual);
        if (r.outcome != H1_BAD || r.fault != refused[i].fault)
            print_message("case %zu: %.*s\n", i, STR_ARG(refused[i].text));
        assert_int_equal(r.outcome, H1_BAD);
        assert_int_equal(r.fault, refused[i].fault);
        assert_non_null(r.why);
        drop(&r);
    }
}

static void
chunked_is_known_in_any_case(void **state)
{
    struct reading r;
    read_head(&r, WITH("tRANSFER-eNCODING:\t cHUNKED "), &usual);
    assert_int_equal(r.outcome, H1_DONE);
    assert_int_equal(r.head.framing, FRAMING_CHUNKED);
    drop(&r);
}

static void
limits_are_told_apart(void **state)
{
    struct h1_limits tight = { .line = 64, .fields = 2 };
    struct reading r;
    read_head(&r,
              STR("GET /0123456789012345678901234567890123456789012345678901234567 HTTP/1.1\r\n"
                  "Host: h\r\n\r\n"),
              &tight);
    assert_int_equal(r.fault, FAULT_URI_TOO_LONG);
    drop(&r);
    read_head(&r,
              STR("GET / HTTP/1.1\r\nHost: 0123456789012345678901234567890123456789012345678"
                  "90123456789\r\n\r\n"),
              &tight);
    assert_int_equal(r.fault, FAULT_HEADER_TOO_LARGE);
    drop(&r);
    read_head(&r, WITH("A: b\r\nC: d"), &tight);
    assert_int_equal(r.fault, FAULT_TOO_MANY_HEADERS);
    drop(&r);
}

static void
invalid_names_are_dropped_or_refused_as_asked(void **state)
{
    struct h1_limits all = { .line = 8192, .underscores = true, .ignore_invalid = true };
    struct h1_limits strict = { .line = 8192 };
    struct str text = WITH("X_Y: 1\r\nX.Y: 2\r\nX-Y: 5");
    struct reading r;
    read_head(&r, text, &usual);
    assert_int_equal(r.outcome, H1_DONE);
    assert_int_equal(r.head.fields.n, 2);
    drop(&r);
    read_head(&r, text, &all);
    assert_int_equal(r.head.fields.n, 3);
    assert_text(r.head.fields.v[1].name, "X_Y");
    drop(&r);
    read_head(&r, WITH("X(Y: 3"), &all); /* no token: never */
    assert_int_equal(r.outcome, H1_BAD);
    drop(&r);
    read_head(&r, WITH("X\x80: 4"), &usual);
    assert_int_equal(r.outcome, H1_BAD);
    drop(&r);
    read_head(&r, WITH("X_Y: 1\r\nX.Y: 2"), &strict);
    assert_int_equal(r.head.fields.n, 3);
    drop(&r);
}

static void
persistence_follows_version_and_connection(void **state)
{
    static const struct {
        struct str text;
        bool keep;
    } cases[] = {
        { STR("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), true },
        { STR("GET / HTTP/1.9\r\nHost: h\r\n\r\n"), true },
        { STR("GET / HTTP/1.1\r\nHost: h\r\nConnection: Close\r\n\r\n"), false },
        { STR("GET / HTTP/1.1\r\nHost: h\r\nConnection: a, close\r\n\r\n"), false },
        { STR("GET / HTTP/1.0\r\n\r\n"), false },
        { STR("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"), true },
        { STR("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n"), false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reading r;
        read_head(&r, cases[i].text, &usual);
        assert_int_equal(r.outcome, H1_DONE);
        assert_int_equal(r.head.keep_alive, cases[i].keep);
        drop(&r);
    }
}

static void
upgrade_and_expect_are_read_in_1_1_only(void **state)
{
    struct reading r;
    read_head(&r,
              WITH("Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
                   "Expect: 100-Continue"),
              &usual);
    assert_true(r.head.upgrade && r.head.expect_continue);
    drop(&r);
    read_head(&r, WITH("Connection: Upgrade"), &usual);
    assert_false(r.head.upgrade);
    drop(&r);
    read_head(&r,
              STR("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: x\r\n"
                  "Expect: 100-continue\r\n\r\n"),
              &usual);
    assert_int_equal(r.outcome, H1_DONE);
    assert_false(r.head.upgrade || r.head.expect_continue);
    drop(&r);
}

static void
empty_lines_before_a_request_are_skipped(void **state)
{
    struct reading r;
    read_head(&r, STR("\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\nrest"), &usual);
    assert_int_equal(r.outcome, H1_DONE);
    assert_text(r.head.line, "GET / HTTP/1.1");
    drop(&r);
    assert_int_equal(find_end_both_ways(STR("\r\n\r\n\r\n")), 0);
}

static void
a_first_line_is_told_however_broken(void **state)
{
    assert_text(h1_first_line(STR("\r\nGET /a\rb HTTP")), "GET /a");
    assert_text(h1_first_line(STR("")), "");
    assert_text(h1_first_line(STR("abc")), "abc");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_request_is_read),
        cmocka_unit_test(targets_are_read_in_all_four_forms),
        cmocka_unit_test(every_ambiguous_head_is_refused_with_its_fault),
        cmocka_unit_test(chunked_is_known_in_any_case),
        cmocka_unit_test(limits_are_told_apart),
        cmocka_unit_test(invalid_names_are_dropped_or_refused_as_asked),
        cmocka_unit_test(persistence_follows_version_and_connection),
        cmocka_unit_test(upgrade_and_expect_are_read_in_1_1_only),
        cmocka_unit_test(empty_lines_before_a_request_are_skipped),
        cmocka_unit_test(a_first_line_is_told_however_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
