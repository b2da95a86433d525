/* wire/h1_response.c and h1_write.c: what a backend's head says, and what we write. */
#include "transcript.h"

struct reading {
    struct arena arena;
    struct response_head head;
    const char *why;
    char *bytes;
    enum h1_outcome outcome;
};

static void
read_head(struct reading *r, struct str text, enum method to)
{
    size_t n = find_end_both_ways(text);
    memset(r, 0, sizeof *r);
    arena_init(&r->arena, 0);
    fields_init(&r->head.fields, &r->arena);
    assert_int_not_equal(n, 0);
    r->bytes = exact_copy(str_head(text, n));
    r->outcome = h1_parse_response((struct str){ r->bytes, n }, &usual, to, &r->head, &r->why);
}

static void
drop(struct reading *r)
{
    free(r->bytes);
    arena_fini(&r->arena);
}

/* RFC 9112 6.3, rule by rule. */
static const struct {
    struct str text;
    enum method to;
    enum framing framing;
    uint64_t length;
    bool keep;
} framed[] = {
#define R(first, fields) STR("HTTP/1.1 " first "\r\n" fields "\r\n")
    { R("200 OK", "Content-Length: 5\r\n"), METHOD_GET, FRAMING_LENGTH, 5, true },
    { R("200 OK", "Content-Length: 0\r\n"), METHOD_GET, FRAMING_LENGTH, 0, true },
    { R("200 OK", "Transfer-Encoding: chunked\r\n"), METHOD_GET, FRAMING_CHUNKED, 0, true },
    { R("200 OK", "Transfer-Encoding : chunked\r\n"), METHOD_GET, FRAMING_CHUNKED, 0, true },
    { R("200 OK", ""), METHOD_GET, FRAMING_CLOSE, 0, false },
    { R("200", "Content-Length: 5\r\n"), METHOD_GET, FRAMING_LENGTH, 5, true },
    { R("200 ", "Content-Length: 5\r\n"), METHOD_GET, FRAMING_LENGTH, 5, true },
    { R("200 OK", "Content-Length: 5\r\nConnection: close\r\n"), METHOD_GET, FRAMING_LENGTH, 5,
      false },
    { R("200 OK", "Content-Length: 5\r\n"), METHOD_HEAD, FRAMING_NONE, 5, true },
    { R("200 OK", ""), METHOD_HEAD, FRAMING_NONE, 0, true },
    { R("304 Not Modified", "Content-Length: 5\r\n"), METHOD_GET, FRAMING_NONE, 5, true },
    { R("204 No Content", ""), METHOD_GET, FRAMING_NONE, 0, true },
    { R("204 No Content", "Content-Length: 5\r\n"), METHOD_GET, FRAMING_NONE, 5, false },
    { R("100 Continue", ""), METHOD_POST, FRAMING_NONE, 0, true },
    { R("101 Switching Protocols", "Connection: upgrade\r\n"), METHOD_GET, FRAMING_NONE, 0, true },
    { R("200 OK", ""), METHOD_CONNECT, FRAMING_NONE, 0, true },
    { STR("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n"), METHOD_GET, FRAMING_LENGTH, 5, false },
    { STR("HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n"), METHOD_GET,
      FRAMING_LENGTH, 5, true },
    { STR("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n"),
      METHOD_GET, FRAMING_CHUNKED, 0, false },
};

static void
framing_follows_status_method_and_fields(void **state)
{
    for (size_t i = 0; i < sizeof framed / sizeof *framed; i++) {
        struct reading r;
        read_head(&r, framed[i].text, framed[i].to);
        if (r.outcome != H1_DONE || r.head.framing != framed[i].framing)
            print_message("case %zu: %s\n", i, r.why ? r.why : "");
        assert_int_equal(r.outcome, H1_DONE);
        assert_int_equal(r.head.framing, framed[i].framing);
        assert_int_equal(r.head.content_length, framed[i].length);
        assert_int_equal(r.head.keep_alive, framed[i].keep);
        drop(&r);
    }
}

static const struct str refused[] = {
    STR("HTTP/2.0 200 OK\r\n\r\n"),
    STR("HTTP/1.1 20 OK\r\n\r\n"),
    STR("HTTP/1.1 2000 OK\r\n\r\n"),
    STR("HTTP/1.1 099 OK\r\n\r\n"),
    STR("HTTP/1.1  200 OK\r\n\r\n"),
    STR("HTTP/1.1 200OK\r\n\r\n"),
    STR("HTTP/1.1\t200 OK\r\n\r\n"),
    STR("http/1.1 200 OK\r\n\r\n"),
    STR("ICY 200 OK stream\r\n\r\n"),
    STR("hello\r\n\r\n"),
    STR("HTTP/1.1 200 O\x01K\r\n\r\n"),
    STR("HTTP/1.1 200 OK\nContent-Length: 5\n\n"),
    R("200 OK", "A: b\r\n c\r\n"),
    R("200 OK", "A: b\rc\r\n"),
    R("200 OK", "A: b\nc: d\r\n"),
    R("200 OK", "A B\r\n"),
    R("200 OK", "A B: c\r\n"),
    R("200 OK", ": b\r\n"),
    R("200 OK", "Content-Length: 5\r\nContent-Length: 5\r\n"),
    R("200 OK", "Content-Length: 5, 5\r\n"),
    R("200 OK", "Content-Length: x\r\n"),
    R("200 OK", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
    R("200 OK", "Transfer-Encoding: gzip, chunked\r\n"),
    R("200 OK", "Transfer-Encoding: identity\r\n"),
    R("200 OK", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
    R("304 Not Modified", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
};

static void
every_ambiguous_answer_is_refused(void **state)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct reading r;
        read_head(&r, refused[i], METHOD_GET);
        if (r.outcome != H1_BAD)
            print_message("case %zu: %.*s\n", i, STR_ARG(refused[i]));
        assert_int_equal(r.outcome, H1_BAD);
        assert_non_null(r.why);
        drop(&r);
    }
}

static void
a_reason_may_hold_anything_printable(void **state)
{
    struct reading r;
    read_head(&r, STR("HTTP/1.1 404 Nicht gef\xc3\xbcndt: a\tb\r\nX_y.z: 1\r\n\r\n"), METHOD_GET);
    assert_int_equal(r.outcome, H1_DONE);
    assert_int_equal(r.head.status, 404);
    assert_true(str_eq(r.head.reason, STR("Nicht gef\xc3\xbcndt: a\tb")));
    assert_int_equal(r.head.fields.n, 1);
    drop(&r);
}

static void
a_head_is_written_as_it_should_be_read(void **state)
{
    struct arena a;
    struct buf b;
    struct fields f;
    arena_init(&a, 0);
    buf_init(&b, &a, 0, 0);
    fields_init(&f, &a);
    fields_add_known(&f, HEADER_SERVER, STR("usher"));
    fields_add(&f, STR("X-Empty"), STR_NONE);
    h1_write_status_line(&b, 302, STR_NONE);
    h1_write_status_line(&b, 302, STR("Found"));
    h1_write_status_line(&b, 299, STR_NONE);
    h1_write_fields(&b, &f);
    h1_write_last_chunk(&b, NULL);
    h1_write_last_chunk(&b, &f);
    assert_true(str_eq(buf_str(&b), STR("HTTP/1.1 302 Moved Temporarily\r\nHTTP/1.1 302 Found\r\n"
                                        "HTTP/1.1 299 \r\nServer: usher\r\nX-Empty: \r\n0\r\n\r\n"
                                        "0\r\nServer: usher\r\nX-Empty: \r\n\r\n")));
    arena_fini(&a);
}

static size_t
written(struct arena *a, struct str value)
{
    struct buf b;
    buf_init(&b, a, 0, 0);
    h1_write_field(&b, STR("A"), value);
    return b.n;
}

static void
a_value_with_a_line_end_is_left_out_wherever_it_stands(void **state)
{
    static const char bad[] = { '\r', '\n', '\0' };
    struct arena a;
    char text[40];
    memset(text, 'x', sizeof text);
    arena_init(&a, 0);
    for (size_t n = 1; n <= sizeof text; n += n < 18 ? 1 : 11) {
        size_t at = n * 7 / 10;
        text[at] = bad[n % 3];
        assert_int_equal(written(&a, (struct str){ text, n }), 0);
        text[at] = 'x';
    }
    assert_int_equal(written(&a, (struct str){ text, sizeof text }), sizeof text + 5);
    arena_fini(&a);
}

static void
values_of_every_length_are_written_whole(void **state)
{
    struct arena a;
    struct buf b;
    char text[64];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('0' + i);
    arena_init(&a, 0);
    for (size_t n = 0; n <= sizeof text; n++) {
        struct str value = { text, n };
        buf_init(&b, &a, 0, 0);
        h1_write_field(&b, STR("A"), value);
        assert_true(str_eq(buf_str(&b), arena_printf(&a, "A: " STR_FMT "\r\n", STR_ARG(value))));
    }
    arena_fini(&a);
}

static void
a_chunk_head_is_the_size_in_hexadecimal(void **state)
{
    static const uint64_t sizes[] = { 1, 15, 16, 500, 0x10000, UINT64_MAX };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char have[H1_CHUNK_HEAD_MAX], want[H1_CHUNK_HEAD_MAX + 1];
        int n = snprintf(want, sizeof want, "%llx\r\n", (unsigned long long)sizes[i]);
        assert_int_equal(h1_chunk_head(sizes[i], have), n);
        assert_memory_equal(have, want, (size_t)n);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(framing_follows_status_method_and_fields),
        cmocka_unit_test(every_ambiguous_answer_is_refused),
        cmocka_unit_test(a_reason_may_hold_anything_printable),
        cmocka_unit_test(a_head_is_written_as_it_should_be_read),
        cmocka_unit_test(a_value_with_a_line_end_is_left_out_wherever_it_stands),
        cmocka_unit_test(values_of_every_length_are_written_whole),
        cmocka_unit_test(a_chunk_head_is_the_size_in_hexadecimal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
