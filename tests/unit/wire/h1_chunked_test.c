/* wire/h1_chunked.c: bodies whole and byte by byte, and all that is not one. */
#include "transcript.h"

struct reading {
    struct arena arena;
    struct fields trailers;
    struct buf body;
    struct str rest;
    enum h1_outcome outcome;
};

static void
read_body(struct reading *r, struct str text, size_t step, bool keep_trailers)
{
    struct h1_chunked c;
    memset(r, 0, sizeof *r);
    arena_init(&r->arena, 0);
    fields_init(&r->trailers, &r->arena);
    buf_init(&r->body, &r->arena, 0, 0);
    h1_chunked_init(&c, keep_trailers ? &r->trailers : NULL);
    r->outcome = H1_MORE;
    for (size_t at = 0; at < text.n && r->outcome == H1_MORE; at += step) {
        struct str in = str_head(str_skip(text, at), step), data;
        do {
            r->outcome = h1_chunked_next(&c, &in, &data);
            buf_put(&r->body, data);
        } while (r->outcome == H1_MORE && in.n);
        r->rest = str_between(in.p, text.p + text.n);
    }
}

static void
a_body_is_the_same_whole_and_byte_by_byte(void **state)
{
    struct str text = STR("5\r\nhello\r\n00A;x=\"y;\\\"z\"\r\n 0123 789\r\n\r\n1 ; a\r\n!\r\n"
                          "0;last\r\nX-Sum:  abc \r\nContent-Length: 9\r\n\r\nGET /");
    for (size_t step = 1; step <= text.n; step++) {
        struct reading r;
        read_body(&r, text, step, true);
        arena_fini(&r.arena);
        assert_int_equal(r.outcome, H1_BAD); /* the second chunk is one byte too long */
    }
    text = STR("5\r\nhello\r\n00A;x=\"y;\\\"z\"\r\n 0123 6789\r\n1 ; a\r\n!\r\n"
               "0;last\r\nX-Sum:  abc \r\nContent-Length: 9\r\n\r\nGET /");
    for (size_t step = 1; step <= text.n; step++) {
        struct reading r;
        read_body(&r, text, step, true);
        assert_int_equal(r.outcome, H1_DONE);
        assert_true(str_eq(buf_str(&r.body), STR("hello 0123 6789!")));
        assert_true(str_eq(r.rest, STR("GET /")));
        assert_int_equal(r.trailers.n, 1); /* RFC 9110 6.5.1: never Content-Length */
        assert_true(str_eq(r.trailers.v[0].name, STR("X-Sum")));
        assert_true(str_eq(r.trailers.v[0].value, STR("abc")));
        arena_fini(&r.arena);
    }
}

static const struct str broken[] = {
    STR("\r\n"),
    STR(";\r\n"),
    STR("g\r\n"),
    STR("-1\r\n"),
    STR("0x5\r\nhello\r\n"),
    STR(" 5\r\nhello\r\n"),
    STR("5 \r\nhello\r\n"),
    STR("5\nhello\r\n"),
    STR("5\r\rhello"),
    STR("5\rhello"),
    STR("5\r\nhelloo\r\n"),
    STR("5\r\nhello\n0\r\n\r\n"),
    STR("5\r\nhello0\r\n\r\n"),
    STR("5\r\nhello\r0"),
    STR("5;a\nb\r\nhello"),
    STR("5;a\0b\r\nhello"),
    STR("5;a\x7f\r\nhello"),
    STR("8000000000000000\r\n"),
    STR("10000000000000000\r\n"),
    STR("00000000000000005\r\nhello"),
    STR("fffffffffffffffff\r\n"),
    STR("0\r\n\n"),
    STR("0\n\r\n"),
    STR("0\r\n: x\r\n\r\n"),
    STR("0\r\nA\r\n\r\n"),
    STR("0\r\nA : b\r\n\r\n"),
    STR("0\r\n A: b\r\n\r\n"),
    STR("0\r\nA: b\nC: d\r\n\r\n"),
    STR("0\r\nA: b\r\n\tc\r\n\r\n"),
    STR("0\r\nA: b\x01\r\n\r\n"),
    STR("0\r\n\rX"),
};

static void
every_broken_framing_is_refused_both_ways(void **state)
{
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        for (int way = 0; way < 4; way++) {
            struct reading r;
            read_body(&r, broken[i], way & 1 ? 1 : broken[i].n, way & 2);
            if (r.outcome != H1_BAD)
                print_message("case %zu: %.*s\n", i, STR_ARG(broken[i]));
            assert_int_equal(r.outcome, H1_BAD);
            arena_fini(&r.arena);
        }
    }
}

/* prefix, then filler without end: refused before `most` bytes. */
static void
assert_bounded(struct str prefix, struct str filler, size_t most)
{
    struct h1_chunked c;
    struct str data, in = prefix;
    h1_chunked_init(&c, NULL);
    assert_int_equal(h1_chunked_next(&c, &in, &data), H1_MORE);
    for (size_t n = 0; n < most; n += filler.n) {
        in = filler;
        if (h1_chunked_next(&c, &in, &data) == H1_BAD)
            return;
    }
    fail_msg("no bound");
}

static void
extensions_and_trailers_are_bounded(void **state)
{
    assert_bounded(STR("5;"), STR("aaaaaaaaaaaaaaaa"), 5000);
    assert_bounded(STR("0\r\nA: "), STR("aaaaaaaaaaaaaaaa"), 20000);
    assert_bounded(STR("0\r\n"), STR("A: b\r\n"), 20000);
}

static void
a_hundred_trailer_lines_are_enough_kept_or_dropped(void **state)
{
    for (int n = 100; n <= 101; n++) {
        struct arena a;
        struct buf b;
        arena_init(&a, 0);
        buf_init(&b, &a, 0, 0);
        buf_put(&b, STR("0\r\n"));
        for (int i = 0; i < n; i++)
            buf_put(&b, STR("A: b\r\n"));
        buf_put(&b, STR("\r\n"));
        for (int keep = 0; keep < 2; keep++) {
            struct reading r;
            read_body(&r, buf_str(&b), b.n, keep);
            assert_int_equal(r.outcome, n == 100 ? H1_DONE : H1_BAD);
            arena_fini(&r.arena);
        }
        arena_fini(&a);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_is_the_same_whole_and_byte_by_byte),
        cmocka_unit_test(every_broken_framing_is_refused_both_ways),
        cmocka_unit_test(a_hundred_trailer_lines_are_enough_kept_or_dropped),
        cmocka_unit_test(extensions_and_trailers_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
