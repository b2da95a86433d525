/* wire/fcgi_*.c and cgi_head.c: records both ways, whole and byte by byte, and all that is not one.
 */
#include "wire/cgi.h"
#include "wire/fcgi.h"

#include "transcript.h"

/* A record's header, with what it contains written behind it. */
#define RECORD(type, length) "\1" type "\0\1" length "\0\0"
#define OUT                  "\6"
#define ERR                  "\7"
#define END                  RECORD("\3", "\0\10") "\0\0\0\0\0\0\0\0"

struct reading {
    struct arena arena;
    struct fcgi_reader reader;
    struct buf out, err;
    unsigned out_ends;
    size_t used;
    enum fcgi_event event; /* the last one: FCGI_END, FCGI_BAD or FCGI_MORE */
};

static bool
take(struct reading *r, struct str *in)
{
    struct str data;
    r->event = fcgi_next(&r->reader, in, &data);
    if (r->event == FCGI_STDOUT || r->event == FCGI_STDERR)
        assert_true(data.n > 0);
    buf_put(r->event == FCGI_STDERR ? &r->err : &r->out, data);
    r->out_ends += r->event == FCGI_STDOUT_END;
    return r->event != FCGI_END && r->event != FCGI_BAD;
}

static void
read_all(struct reading *r, struct str text, size_t step)
{
    *r = (struct reading){ .event = FCGI_MORE };
    arena_init(&r->arena, 0);
    buf_init(&r->out, &r->arena, 0, 0);
    buf_init(&r->err, &r->arena, 0, 0);
    fcgi_reader_init(&r->reader);
    for (bool going = true; r->used < text.n && going;) {
        struct str piece = str_head(str_skip(text, r->used), step);
        char *copy = exact_copy(piece);
        struct str in = { copy, piece.n };
        while ((going = take(r, &in)) && r->event != FCGI_MORE)
            ;
        r->used += piece.n - in.n;
        free(copy);
    }
}

static void
an_answer_is_the_same_whole_and_byte_by_byte(void **state)
{
    struct str text = STR(RECORD(ERR, "\0\4") "oops" RECORD(
        OUT, "\0\5") "hello"
                     "\1\6\0\1\0\2\3\0, ---" RECORD(OUT, "\0\5") "world" RECORD(ERR, "\0\0")
                              RECORD(OUT, "\0\0") END "more");
    for (size_t step = 1; step <= text.n; step++) {
        struct reading r;
        read_all(&r, text, step);
        assert_int_equal(r.event, FCGI_END);
        assert_int_equal(text.n - r.used, 4);
        assert_true(str_eq(buf_str(&r.out), STR("hello, world")));
        assert_true(str_eq(buf_str(&r.err), STR("oops")));
        assert_int_equal(r.out_ends, 1);
        arena_fini(&r.arena);
    }
}

static void
the_end_of_the_request_ends_stdout_that_nobody_ended(void **state)
{
    struct reading r;
    read_all(&r,
             STR(RECORD(OUT, "\0\1") "x"
                                     "\1\3\0\1\0\10\4\0"
                                     "\0\0\0\7\0\0\0\0"
                                     "----"),
             100);
    assert_int_equal(r.event, FCGI_END);
    assert_true(fcgi_record_is_over(&r.reader));
    assert_int_equal(r.out_ends, 0);
    arena_fini(&r.arena);
}

static void
what_no_responder_may_send_is_refused(void **state)
{
    static const struct {
        struct str text;
        unsigned number;
    } bad[] = {
        { STR("\2\6\0\1\0\0\0\0"), 2 },
        { STR("HTTP/1.1 200 OK"), 'H' },
        { STR("\0\6\0\1\0\0\0\0"), 0 },
        { STR("\1\6\0\2\0\0\0\0"), 2 },
        { STR("\1\6\1\1\0\0\0\0"), 257 },
        { STR("\1\6\0\0\0\0\0\0"), 0 },
        { STR("\1\5\0\1\0\0\0\0"), 5 },
        { STR("\1\12\0\0\0\0\0\0"), 10 },
        { STR("\1\0\0\1\0\0\0\0"), 0 },
        { STR("\1\377\0\1\0\0\0\0"), 255 },
        { STR("\1\3\0\1\0\7\0\0"), 7 },
        { STR("\1\3\0\1\1\10\0\0"), 264 },
        { STR(RECORD("\3", "\0\10") "\0\0\0\0\2\0\0\0"), 2 },
        { STR(RECORD(OUT, "\0\0") RECORD(OUT, "\0\3") "abc"), 3 },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        for (size_t step = 1; step < 20; step++) {
            struct reading r;
            read_all(&r, bad[i].text, step);
            assert_int_equal(r.event, FCGI_BAD);
            assert_non_null(r.reader.why);
            assert_int_equal(r.reader.number, bad[i].number);
            arena_fini(&r.arena);
        }
}

static void
data_that_was_given_back_comes_again(void **state)
{
    struct fcgi_reader r;
    struct str in = STR(RECORD(OUT, "\0\5") "hello" END), whole = in, data;
    fcgi_reader_init(&r);
    assert_int_equal(fcgi_next(&r, &in, &data), FCGI_STDOUT);
    fcgi_give_back(&r, 3);
    in = str_skip(whole, 8 + 2);
    assert_int_equal(fcgi_next(&r, &in, &data), FCGI_STDOUT);
    assert_true(str_eq(data, STR("llo")));
    assert_int_equal(fcgi_next(&r, &in, &data), FCGI_END);
}

/* --- writing --- */

static void
a_request_is_written_as_the_specification_has_it(void **state)
{
    struct arena a;
    struct buf b;
    struct fcgi_writer w;
    char header[FCGI_HEADER_SIZE];
    arena_init(&a, 0);
    buf_init(&b, &a, 0, 0);
    fcgi_write_begin(&w, &b, true);
    fcgi_write_param(&w, STR("A"), STR("bc"));
    fcgi_write_param(&w, STR("E"), STR_NONE);
    fcgi_write_params_end(&w);
    fcgi_stdin_header(header, 0x1234);
    assert_true(str_eq(buf_str(&b), STR("\1\1\0\1\0\10\0\0"
                                        "\0\1\1\0\0\0\0\0"
                                        "\1\4\0\1\0\10\0\0"
                                        "\1\2Abc"
                                        "\1\0E"
                                        "\1\4\0\1\0\0\0\0")));
    assert_memory_equal(header, "\1\5\0\1\x12\x34\0\0", 8);
    arena_fini(&a);
}

static void
without_parameters_only_their_end_is_written(void **state)
{
    struct arena a;
    struct buf b;
    struct fcgi_writer w;
    arena_init(&a, 0);
    buf_init(&b, &a, 0, 0);
    fcgi_write_begin(&w, &b, false);
    fcgi_write_params_end(&w);
    assert_true(str_eq(buf_str(&b), STR("\1\1\0\1\0\10\0\0"
                                        "\0\1\0\0\0\0\0\0"
                                        "\1\4\0\1\0\0\0\0")));
    arena_fini(&a);
}

/* The contents of PARAMS records joined; *records counts them. */
static struct str
join_params(struct arena *a, struct str all, unsigned *records)
{
    struct buf b;
    buf_init(&b, a, 0, 0);
    for (*records = 0, all = str_skip(all, 16); all.n; ++*records) {
        const unsigned char *h = (const unsigned char *)all.p;
        size_t n = h[4] * 256U + h[5];
        assert_int_equal(h[1], 4);
        assert_true(n > 0 || all.n == 8);
        buf_put(&b, str_head(str_skip(all, 8), n));
        all = str_skip(all, 8 + n);
    }
    return buf_str(&b);
}

static struct str
filled(struct arena *a, size_t n)
{
    char *p = arena_text(a, n);
    memset(p, 'v', n);
    return (struct str){ p, n };
}

static void
long_parameters_go_over_records_and_none_is_divided_that_fits_one(void **state)
{
    struct arena a;
    struct buf b;
    struct fcgi_writer w;
    unsigned records;
    arena_init(&a, 0);
    buf_init(&b, &a, 0, 0);
    fcgi_write_begin(&w, &b, false);
    fcgi_write_param(&w, STR("A"), filled(&a, 40000));
    fcgi_write_param(&w, STR("B"), filled(&a, 65529)); /* fills a record to its last byte */
    fcgi_write_param(&w, STR("C"), filled(&a, 200000));
    fcgi_write_params_end(&w);
    struct str joined = join_params(&a, buf_str(&b), &records);
    assert_int_equal(records, 1 + 1 + 4 + 1);
    assert_int_equal(joined.n, 6 + 40000 + 6 + 65529 + 6 + 200000);
    assert_memory_equal(joined.p,
                        "\1\x80\0\x9c\x40"
                        "Av",
                        7);
    assert_memory_equal(joined.p + 40006,
                        "\1\x80\0\xff\xf9"
                        "Bv",
                        7);
    assert_memory_equal(joined.p + 40006 + 65535,
                        "\1\x80\3\x0d\x40"
                        "Cv",
                        7);
    arena_fini(&a);
}

/* --- heads --- */

struct head {
    struct arena arena;
    struct response_head head;
    const char *why;
    enum h1_outcome outcome;
    size_t size;
};

static void
read_head(struct head *h, struct str text, enum method to)
{
    size_t scanned = 0, bytewise = 0;
    *h = (struct head){ .why = NULL };
    arena_init(&h->arena, 0);
    fields_init(&h->head.fields, &h->arena);
    assert_int_equal(cgi_find_head_end(text, &scanned, &h->size), H1_DONE);
    scanned = 0;
    for (size_t n = 0; n <= text.n && bytewise == 0; n++)
        (void)cgi_find_head_end(str_head(text, n), &scanned, &bytewise);
    assert_int_equal(bytewise, h->size);
    char *copy = exact_copy(str_head(text, h->size));
    struct str kept = arena_dup(&h->arena, (struct str){ copy, h->size });
    free(copy);
    h->outcome = cgi_parse_head(kept, 10, to, &h->head, &h->why);
}

static void
status_and_framing_follow_the_fields(void **state)
{
    static const struct {
        struct str text;
        enum method to;
        unsigned status;
        const char *reason;
        enum framing framing;
        uint64_t length;
    } heads[] = {
        { STR("Content-Type: a/b\r\n\r\nx"), METHOD_GET, 200, NULL, FRAMING_STREAM, 0 },
        { STR("Status: 404 Not Here\nA: 1\n\n"), METHOD_GET, 404, "Not Here", FRAMING_STREAM, 0 },
        { STR("status: 404\r\n\n"), METHOD_GET, 404, NULL, FRAMING_STREAM, 0 },
        { STR("Status:200 \n\n"), METHOD_GET, 200, NULL, FRAMING_STREAM, 0 },
        { STR("Location: /x\n\n"), METHOD_GET, 302, NULL, FRAMING_STREAM, 0 },
        { STR("Location: /x\nStatus: 201\n\n"), METHOD_GET, 201, NULL, FRAMING_STREAM, 0 },
        { STR("Content-Length: 7\n\n"), METHOD_GET, 200, NULL, FRAMING_LENGTH, 7 },
        { STR("Content-Length: 7\n\n"), METHOD_HEAD, 200, NULL, FRAMING_NONE, 7 },
        { STR("Status: 304\nContent-Length: 7\n\n"), METHOD_GET, 304, NULL, FRAMING_NONE, 7 },
        { STR("Status: 204\n\n"), METHOD_GET, 204, NULL, FRAMING_NONE, 0 },
        { STR("HTTP/1.1 404 Not Found\r\nA: b\r\n\r\n"), METHOD_GET, 200, NULL, FRAMING_STREAM, 0 },
        { STR("\nx"), METHOD_GET, 200, NULL, FRAMING_STREAM, 0 },
        { STR("\r\nx"), METHOD_GET, 200, NULL, FRAMING_STREAM, 0 },
    };
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        struct head h;
        read_head(&h, heads[i].text, heads[i].to);
        assert_int_equal(h.outcome, H1_DONE);
        assert_int_equal(h.head.status, heads[i].status);
        assert_true(str_eq(h.head.reason, str_of(heads[i].reason)));
        assert_int_equal(h.head.framing, heads[i].framing);
        assert_int_equal(h.head.content_length, heads[i].length);
        arena_fini(&h.arena);
    }
}

static void
a_head_that_http_could_not_carry_is_refused(void **state)
{
    static const struct str bad[] = {
        STR("no colon\n\n"),
        STR(": x\n\n"),
        STR("A : x\n\n"),
        STR("A b: x\n\n"),
        STR(" A: x\n\n"),
        STR("A: x\n y\n\n"),
        STR("A: x\ry\n\n"),
        STR("A: x\0y\n\n"),
        STR("A: x\x7f\n\n"),
        STR("Status: 99\n\n"),
        STR("Status: 2000\n\n"),
        STR("Status: x\n\n"),
        STR("Status: 103 Early Hints\n\n"),
        STR("Status: 101\n\n"),
        STR("Status:\n\n"),
        STR("Content-Length: x\n\n"),
        STR("Content-Length: -1\n\n"),
        STR("Content-Length:\n\n"),
        STR("Content-Length: 1\nContent-Length: 1\n\n"),
        STR("a:\nb:\nc:\nd:\ne:\nf:\ng:\nh:\ni:\nj:\nk:\n\n"),
        STR("A: b\nHTTP/1.1 200 OK\n\n"),
        STR("Content_Length: 1\n\n"),
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct head h;
        read_head(&h, bad[i], METHOD_GET);
        assert_int_equal(h.outcome, H1_BAD);
        assert_non_null(h.why);
        arena_fini(&h.arena);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_the_same_whole_and_byte_by_byte),
        cmocka_unit_test(the_end_of_the_request_ends_stdout_that_nobody_ended),
        cmocka_unit_test(what_no_responder_may_send_is_refused),
        cmocka_unit_test(data_that_was_given_back_comes_again),
        cmocka_unit_test(a_request_is_written_as_the_specification_has_it),
        cmocka_unit_test(without_parameters_only_their_end_is_written),
        cmocka_unit_test(long_parameters_go_over_records_and_none_is_divided_that_fits_one),
        cmocka_unit_test(status_and_framing_follow_the_fields),
        cmocka_unit_test(a_head_that_http_could_not_carry_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
