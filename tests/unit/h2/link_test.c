/* h2: two links over a socket pair. */
#include "h2/h2.h"

#include "stage.h"

#include "../test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PATIENCE = 5000 };

/* --- Answers --- */

static void
answer_hello(struct stage *t, struct h2_stream *s)
{
    struct h2_head head = { .status = 200 };
    fields_init(&head.fields, s->head.fields.arena);
    fields_add(&head.fields, STR("X-Path"), s->head.path);
    fields_add(&head.fields, STR("Content-Type"), STR("text/plain"));
    fields_add(&head.fields, STR("Connection"), STR("close"));
    assert_int_equal(h2_write_head(s, &head, false), 0);
    assert_int_equal(h2_write(s, STR("hello"), true, PATIENCE), 0);
}

static void
answer_echo(struct stage *t, struct h2_stream *s)
{
    struct h2_head head = { .status = 200 };
    struct str piece;
    int r;
    assert_int_equal(h2_write_head(s, &head, false), 0);
    while ((r = h2_read(s, &piece, clock_in(PATIENCE))) > 0)
        if (h2_write(s, piece, false, PATIENCE) < 0)
            return;
    if (r == 0)
        assert_int_equal(h2_write_end(s, &s->trailers, PATIENCE), 0);
}

/* --- Tests --- */

static void
get(struct stage *t)
{
    stage_open(t, answer_hello);
    struct h2_stream *s = stage_request(t, STR("GET"), STR("/a?b"), true);
    assert_int_equal(h2_read_head(s, clock_in(PATIENCE)), 0);
    assert_int_equal(s->head.status, 200);
    assert_true(str_eq(fields_find_named(&s->head.fields, STR("x-path"))->value, STR("/a?b")));
    assert_true(str_eq(fields_value(&s->head.fields, HEADER_CONTENT_TYPE), STR("text/plain")));
    assert_null(fields_find(&s->head.fields, HEADER_CONNECTION));
    assert_true(str_eq(stage_read_all(t, s), STR("hello")));
    h2_stream_close(s);
    assert_int_equal(t->gone, 0);
    stage_close(t);
}

static void
a_request_is_answered(void **state)
{
    stage_run(get);
}

struct upload {
    struct stage *t;
    struct h2_stream *s;
    size_t size;
    const char *bytes;
};

static void
send_all(void *arg)
{
    struct upload *u = arg;
    struct fields trailers;
    assert_int_equal(h2_write(u->s, (struct str){ u->bytes, u->size }, false, PATIENCE), 0);
    fields_init(&trailers, &u->t->arena);
    fields_add(&trailers, STR("X-Sum"), STR("1"));
    assert_int_equal(h2_write_end(u->s, &trailers, PATIENCE), 0);
}

static void
echo_much(struct stage *t)
{
    enum { SIZE = 3 * 1024 * 1024 + 77 };
    char *bytes = malloc(SIZE), *back = malloc(SIZE);
    size_t got = 0;
    struct str piece;
    struct child child;
    int r;
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (char)(i * 7 + i / 1000);
    stage_open(t, answer_echo);
    struct upload u = { t, stage_request(t, STR("POST"), STR("/"), false), SIZE, bytes };
    child_start(&child, send_all, &u);
    assert_int_equal(h2_read_head(u.s, clock_in(PATIENCE)), 0);
    while ((r = h2_read(u.s, &piece, clock_in(PATIENCE))) > 0) {
        assert_true(got + piece.n <= SIZE);
        memcpy(back + got, piece.p, piece.n);
        got += piece.n;
    }
    assert_int_equal(r, 0);
    child_join(&child);
    assert_int_equal(got, SIZE);
    assert_memory_equal(bytes, back, SIZE);
    assert_true(str_eq(fields_find_named(&u.s->trailers, STR("x-sum"))->value, STR("1")));
    h2_stream_close(u.s);
    stage_close(t);
    free(bytes);
    free(back);
}

static void
bodies_and_trailers_of_any_size_go_both_ways_at_once(void **state)
{
    stage_run(echo_much);
}

static void
answer_forever(struct stage *t, struct h2_stream *s)
{
    struct h2_head head = { .status = 200 };
    static char zeros[100000];
    assert_int_equal(h2_write_head(s, &head, false), 0);
    while (h2_write(s, (struct str){ zeros, sizeof zeros }, false, PATIENCE) == 0)
        continue;
}

static void
cancel(struct stage *t)
{
    struct str piece;
    stage_open(t, answer_forever);
    struct h2_stream *s = stage_request(t, STR("GET"), STR("/"), true);
    assert_int_equal(h2_read_head(s, clock_in(PATIENCE)), 0);
    assert_int_equal(h2_read(s, &piece, clock_in(PATIENCE)), 1);
    h2_stream_close(s);
    while (t->running > 0 || t->requests == 0)
        assert_int_equal(fiber_yield(), 0);
    assert_int_equal(t->gone, 1);
    s = stage_request(t, STR("GET"), STR("/"), true); /* the windows are whole again */
    assert_int_equal(h2_read_head(s, clock_in(PATIENCE)), 0);
    h2_stream_close(s);
    stage_close(t);
}

static void
a_stream_given_up_cancels_who_works_for_it(void **state)
{
    stage_run(cancel);
}

static void
answer_unread(struct stage *t, struct h2_stream *s)
{
    struct h2_head head = { .status = 413 };
    assert_int_equal(h2_write_head(s, &head, true), 0);
}

static void
answer_early(struct stage *t)
{
    static char much[1 << 20];
    stage_open(t, answer_unread);
    struct h2_stream *s = stage_request(t, STR("POST"), STR("/"), false);
    assert_int_equal(h2_write(s, (struct str){ much, sizeof much }, true, PATIENCE), -ECONNRESET);
    assert_int_equal(h2_read_head(s, clock_in(PATIENCE)), 0);
    assert_int_equal(s->head.status, 413);
    assert_int_equal(stage_read_all(t, s).n, 0);
    assert_int_equal(s->error, H2_NO_ERROR);
    h2_stream_close(s);
    stage_close(t);
}

static void
an_answer_may_come_before_the_body_was_read(void **state)
{
    stage_run(answer_early);
}

static void
answer_interim(struct stage *t, struct h2_stream *s)
{
    struct h2_head head = { .status = 103 };
    assert_int_equal(h2_write_head(s, &head, false), 0);
    head.status = 204;
    assert_int_equal(h2_write_head(s, &head, true), 0);
}

static void
interim(struct stage *t)
{
    stage_open(t, answer_interim);
    struct h2_stream *s = stage_request(t, STR("GET"), STR("/"), true);
    assert_int_equal(h2_read_head(s, clock_in(PATIENCE)), 0);
    assert_int_equal(s->head.status, 103);
    assert_int_equal(h2_read_head(s, clock_in(PATIENCE)), 0);
    assert_int_equal(s->head.status, 204);
    h2_stream_close(s);
    stage_close(t);
}

static void
interim_heads_come_before_the_final_one(void **state)
{
    stage_run(interim);
}

static void
large_head(struct stage *t)
{
    char big[3000];
    memset(big, 'x', sizeof big);
    t->server_settings.max_head = 8000;
    t->server_settings.max_field = 4000;
    stage_open(t, answer_hello);
    struct h2_head head = {
        .method = STR("GET"), .scheme = STR("http"), .authority = STR("test"), .path = STR("/")
    };
    fields_init(&head.fields, &t->arena);
    for (int i = 0; i < 4; i++)
        fields_add(&head.fields, STR("X-Big"), (struct str){ big, sizeof big });
    struct h2_stream *s = h2_request(t->client, &head, true, &t->arena, NULL);
    assert_int_equal(h2_read_head(s, clock_in(PATIENCE)), 0);
    assert_int_equal(s->head.status, 431);
    assert_int_equal(t->refused, 431);
    h2_stream_close(s);
    s = stage_request(t, STR("GET"), STR("/"), true);
    assert_int_equal(h2_read_head(s, clock_in(PATIENCE)), 0);
    assert_int_equal(s->head.status, 200);
    h2_stream_close(s);
    stage_close(t);
}

static void
a_head_that_is_too_large_is_answered_and_the_next_served(void **state)
{
    stage_run(large_head);
}

static void
answer_cookie(struct stage *t, struct h2_stream *s)
{
    assert_true(str_eq(fields_value(&s->head.fields, HEADER_COOKIE), STR("a=1; b=2")));
    answer_hello(t, s);
}

static void
crumbs(struct stage *t)
{
    stage_open(t, answer_cookie);
    struct h2_head head = {
        .method = STR("GET"), .scheme = STR("http"), .authority = STR("test"), .path = STR("/")
    };
    fields_init(&head.fields, &t->arena);
    fields_add(&head.fields, STR("Cookie"), STR("a=1"));
    fields_add(&head.fields, STR("Cookie"), STR("b=2"));
    struct h2_stream *s = h2_request(t->client, &head, true, &t->arena, NULL);
    assert_int_equal(h2_read_head(s, clock_in(PATIENCE)), 0);
    h2_stream_close(s);
    stage_close(t);
}

static void
crumbs_of_cookies_are_joined(void **state)
{
    stage_run(crumbs);
}

/* Given up in the turn that asked, and among others. */
static void
unsaid(struct stage *t)
{
    stage_open(t, answer_hello);
    struct h2_stream *before = stage_request(t, STR("GET"), STR("/"), true);
    h2_stream_close(stage_request(t, STR("GET"), STR("/never"), true));
    h2_stream_close(stage_request(t, STR("POST"), STR("/never"), false));
    struct h2_stream *after = stage_request(t, STR("GET"), STR("/"), true);
    assert_int_equal(h2_read_head(before, clock_in(PATIENCE)), 0);
    assert_int_equal(h2_read_head(after, clock_in(PATIENCE)), 0);
    assert_int_equal(t->requests, 2);
    h2_stream_close(before);
    h2_stream_close(after);
    stage_close(t);
}

static void
a_request_that_is_given_up_unsaid_is_never_said(void **state)
{
    stage_run(unsaid);
}

static void
goaway(struct stage *t)
{
    struct str piece;
    stage_open(t, answer_echo);
    struct h2_stream *s = stage_request(t, STR("POST"), STR("/"), false);
    assert_int_equal(h2_read_head(s, clock_in(PATIENCE)), 0);
    h2_link_goaway(t->server, H2_NO_ERROR);
    while (h2_link_room(t->client) > 0)
        assert_int_equal(fiber_yield(), 0);
    assert_int_equal(h2_link_error(t->server, NULL), 0); /* what is under way goes on */
    assert_int_equal(h2_write(s, STR("late"), true, PATIENCE), 0);
    assert_int_equal(h2_read(s, &piece, clock_in(PATIENCE)), 1);
    assert_true(str_eq(piece, STR("late")));
    assert_int_equal(h2_read(s, &piece, clock_in(PATIENCE)), 0);
    h2_stream_close(s);
    while (h2_link_error(t->server, NULL) == 0 || h2_link_error(t->client, NULL) == 0)
        assert_int_equal(fiber_yield(), 0);
    assert_int_equal(h2_link_error(t->server, NULL), -EPIPE);
    stage_close(t);
}

static void
after_goaway_streams_end_and_then_the_link(void **state)
{
    stage_run(goaway);
}

static void
lose_conn(struct stage *t)
{
    struct str piece;
    stage_open(t, answer_echo);
    struct h2_stream *s = stage_request(t, STR("POST"), STR("/"), false);
    assert_int_equal(h2_read_head(s, clock_in(PATIENCE)), 0);
    shutdown(t->far.watch.fd, SHUT_RDWR);
    assert_int_equal(h2_read(s, &piece, clock_in(PATIENCE)), -ECONNRESET);
    assert_int_equal(h2_link_room(t->client), 0);
    h2_stream_close(s);
    stage_close(t);
    assert_int_equal(t->gone, 1);
}

static void
a_lost_connection_ends_its_streams(void **state)
{
    stage_run(lose_conn);
}

static void
stall(struct stage *t)
{
    stage_open(t, answer_hello);
    struct h2_stream *s = stage_request(t, STR("GET"), STR("/"), true);
    assert_int_equal(h2_read_head(s, clock_in(PATIENCE)), 0);
    assert_int_equal(h2_read_head(s, clock_in(10)), -ETIMEDOUT);
    h2_stream_close(s);
    stage_close(t);
}

static void
waits_have_deadlines(void **state)
{
    stage_run(stall);
}

static void
answer_file(struct stage *t, struct h2_stream *s)
{
    struct h2_head head = { .status = 200 };
    int *r = t->own, file = r[1];
    assert_int_equal(h2_write_head(s, &head, false), 0);
    r[0] = h2_write_file(s, file, 3, 200000, true, PATIENCE);
}

static void
from_file(struct stage *t)
{
    FILE *f = tmpfile();
    int own[2] = { 1, fileno(f) };
    static char text[200003];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + i % 23);
    assert_int_equal(write(own[1], text, sizeof text), sizeof text);
    t->own = own;
    stage_open(t, answer_file);
    struct h2_stream *s = stage_request(t, STR("GET"), STR("/"), true);
    assert_int_equal(h2_read_head(s, clock_in(PATIENCE)), 0);
    assert_true(str_eq(stage_read_all(t, s), (struct str){ text + 3, 200000 }));
    assert_int_equal(own[0], 0);
    h2_stream_close(s);
    assert_int_equal(ftruncate(own[1], 1000), 0);
    s = stage_request(t, STR("GET"), STR("/"), true);
    struct str piece;
    int r = h2_read_head(s, clock_in(PATIENCE));
    while (r >= 0 && (r = h2_read(s, &piece, clock_in(PATIENCE))) > 0)
        continue;
    assert_int_equal(r, -ECONNRESET);
    assert_int_equal(own[0], -EIO);
    h2_stream_close(s);
    stage_close(t);
    fclose(f);
}

static void
a_file_that_became_short_resets_the_stream(void **state)
{
    stage_run(from_file);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_answered),
        cmocka_unit_test(bodies_and_trailers_of_any_size_go_both_ways_at_once),
        cmocka_unit_test(a_stream_given_up_cancels_who_works_for_it),
        cmocka_unit_test(an_answer_may_come_before_the_body_was_read),
        cmocka_unit_test(interim_heads_come_before_the_final_one),
        cmocka_unit_test(a_head_that_is_too_large_is_answered_and_the_next_served),
        cmocka_unit_test(crumbs_of_cookies_are_joined),
        cmocka_unit_test(a_request_that_is_given_up_unsaid_is_never_said),
        cmocka_unit_test(after_goaway_streams_end_and_then_the_link),
        cmocka_unit_test(a_lost_connection_ends_its_streams),
        cmocka_unit_test(waits_have_deadlines),
        cmocka_unit_test(a_file_that_became_short_resets_the_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
