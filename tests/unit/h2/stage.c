#include "stage.h"

#include "../test.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

struct job {
    struct stage *stage;
    struct arena arena;
    struct h2_stream *stream;
    struct fiber *fiber;
};

static struct arena *
open_stream(struct h2_link *l, struct h2_stream *s)
{
    struct job *j = calloc(1, sizeof *j);
    j->stage = h2_link_owner(l);
    j->stream = s;
    arena_init(&j->arena, 1 << 20);
    s->owner = j;
    return &j->arena;
}

static void
end_job(struct job *j)
{
    h2_stream_close(j->stream);
    arena_fini(&j->arena);
    free(j);
}

static void
run_job(void *arg)
{
    struct job *j = arg;
    j->stage->handler(j->stage, j->stream);
    j->stage->running--;
    end_job(j);
}

static void
take_request(struct h2_link *l, struct h2_stream *s)
{
    struct job *j = s->owner;
    j->stage->requests++;
    j->stage->running++;
    j->fiber = fiber_spawn(run_job, j);
}

static void
refuse(struct h2_link *l, struct h2_stream *s, unsigned status)
{
    struct job *j = s->owner;
    struct h2_head head = { .status = status };
    j->stage->refused = status;
    assert_int_equal(h2_write_head(s, &head, true), 0);
    end_job(j);
}

static void
lose(struct h2_link *l, struct h2_stream *s)
{
    struct job *j = s->owner;
    j->stage->gone++;
    if (j->fiber)
        fiber_cancel(j->fiber);
    else
        end_job(j);
}

static void
note_change(struct h2_link *l)
{
    struct stage *t = h2_link_owner(l);
    t->changes++;
}

static const struct h2_events server_events = { open_stream, take_request, refuse, lose,
                                                note_change };
static const struct h2_events client_events = { .on_change = note_change };

void
stage_open(struct stage *t, handler_fn *handler)
{
    int fd[2];
    t->handler = handler;
    t->server_settings.server = true;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd), 0);
    assert_int_equal(conn_open(&t->near, fd[0], WATCH_WRITE), 0);
    assert_int_equal(conn_open(&t->far, fd[1], WATCH_WRITE), 0);
    t->server = h2_link_open(&t->far, &t->server_settings, &server_events, t, STR_NONE);
    t->client = h2_link_open(&t->near, &t->client_settings, &client_events, t, STR_NONE);
    arena_init(&t->arena, 0);
}

void
stage_close(struct stage *t)
{
    while (t->running > 0)
        assert_int_equal(fiber_yield(), 0);
    h2_link_close(t->client);
    h2_link_close(t->server);
    conn_close(&t->near);
    conn_close(&t->far);
    arena_fini(&t->arena);
}

struct h2_stream *
stage_request(struct stage *t, struct str method, struct str path, bool last)
{
    struct h2_head head = {
        .method = method, .scheme = STR("http"), .authority = STR("test"), .path = path
    };
    struct h2_stream *s = h2_request(t->client, &head, last, &t->arena, NULL);
    assert_non_null(s);
    return s;
}

struct str
stage_read_all(struct stage *t, struct h2_stream *s)
{
    struct str piece, all = STR("");
    int r;
    while ((r = h2_read(s, &piece, clock_in(5000))) > 0)
        all = arena_join(&t->arena, all, piece);
    assert_int_equal(r, 0);
    return all;
}

static void
run(void *arg)
{
    void (*fn)(struct stage * t) = *(void (**)(struct stage *))arg;
    struct stage t = { 0 };
    fn(&t);
}

void
stage_run(void (*fn)(struct stage *t))
{
    assert_int_equal(loop_run_fiber(run, &fn), 0);
}
