/* Any bytes as what an HTTP/2 peer says, to a server's link or a client's, over a real socket.
 *
 * Whatever comes: what the link says is frames, every stream's handler ends, and neither a fiber
 * nor a stream is left. The first byte says how: bit 0 which side is tried, bit 1 that preface and
 * SETTINGS are said first, the rest is the size of the pieces in which the input arrives. */
#include "target.h"

#include "base/clock.h"
#include "h2/h2.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIECES_MAX = 40, TURNS_MAX = 4000, LONG = 40000, REQUESTS = 3 };
enum { AS_CLIENT = 1, GREETED = 2 };

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
static const char settings[] = "\0\0\0\4\0\0\0\0\0";

struct talk {
    struct conn peer, conn;
    struct h2_link *link;
    struct str says;
    size_t piece;
    bool as_client, greeted;
    unsigned running;
    size_t frame_left, head_n; /* of what it says: where we are in its present frame */
    uint8_t head[9];
};

struct job {
    struct talk *talk;
    struct arena arena;
    struct h2_stream *stream;
    struct fiber *fiber;
};

static char long_text[LONG];

/* --- What is done for each stream --- */

static struct job *
new_job(struct talk *t)
{
    struct job *j = calloc(1, sizeof *j);
    must(j != NULL);
    j->talk = t;
    arena_init(&j->arena, 1 << 16);
    t->running++;
    return j;
}

static void
end_job(struct job *j)
{
    j->talk->running--;
    if (j->stream)
        h2_stream_close(j->stream);
    arena_fini(&j->arena);
    free(j);
}

static int
read_body(struct h2_stream *s)
{
    struct str piece;
    int r;
    while ((r = h2_read(s, &piece, clock_in(10000))) > 0)
        must(piece.n > 0);
    must(r != -ETIMEDOUT);
    return r;
}

static void
answer(void *arg)
{
    struct job *j = arg;
    struct h2_stream *s = j->stream;
    struct h2_head head = { .status = 200, .fields = s->head.fields };
    size_t n = s->head.path.n > 4 ? LONG : s->head.path.n;
    if (read_body(s) == 0 && h2_write_head(s, &head, false) == 0 &&
        h2_write(s, (struct str){ long_text, n }, false, 10000) == 0)
        (void)!h2_write_end(s, &s->trailers, 10000);
    end_job(j);
}

static void
ask(void *arg)
{
    struct job *j = arg;
    struct h2_head head = {
        .method = STR("POST"), .scheme = STR("http"), .authority = STR("a"), .path = STR("/")
    };
    fields_init(&head.fields, &j->arena);
    j->stream = h2_request(j->talk->link, &head, false, &j->arena, NULL);
    if (j->stream && h2_write(j->stream, STR("body"), true, 10000) == 0) {
        int r;
        while ((r = h2_read_head(j->stream, clock_in(10000))) == 0 && j->stream->head.status < 200)
            ;
        must(r != -ETIMEDOUT);
        if (r == 0)
            (void)!read_body(j->stream);
    }
    end_job(j);
}

/* --- A server's events --- */

static struct arena *
open_stream(struct h2_link *l, struct h2_stream *s)
{
    struct job *j = new_job(h2_link_owner(l));
    j->stream = s;
    s->owner = j;
    return &j->arena;
}

static void
take_request(struct h2_link *l, struct h2_stream *s)
{
    struct job *j = s->owner;
    must(s->head.method.n > 0);
    j->fiber = fiber_spawn(answer, j);
}

static void
refuse(struct h2_link *l, struct h2_stream *s, unsigned status)
{
    struct h2_head head = { .status = status };
    (void)!h2_write_head(s, &head, true);
    end_job(s->owner);
}

static void
lose(struct h2_link *l, struct h2_stream *s)
{
    struct job *j = s->owner;
    if (j == NULL) /* a client's: its fiber sees it */
        return;
    if (j->fiber)
        fiber_cancel(j->fiber);
    else
        end_job(j);
}

static void
note_change(struct h2_link *l)
{
}

static const struct h2_events events = { open_stream, take_request, refuse, lose, note_change };

/* --- The peer --- */

static void
follow_frame(struct talk *t, uint8_t byte)
{
    if (t->frame_left > 0) {
        t->frame_left--;
        return;
    }
    t->head[t->head_n++] = byte;
    if (t->head_n < sizeof t->head)
        return;
    t->head_n = 0;
    t->frame_left = (size_t)t->head[0] << 16 | (size_t)t->head[1] << 8 | t->head[2];
    must(t->head[3] <= 9);
    must(t->head[3] != 5 && (t->head[5] & 0x80) == 0);
}

static void
hear(struct talk *t)
{
    uint8_t some[4096];
    ssize_t n;
    while ((n = conn_try_read(&t->peer, some, sizeof some)) > 0)
        for (ssize_t i = 0; !t->as_client && i < n; i++)
            follow_frame(t, some[i]);
}

static bool
turn(struct talk *t)
{
    hear(t);
    return fiber_yield() == 0;
}

/* False: the link has closed its end. */
static bool
say(struct talk *t, struct str bytes)
{
    bool ok = conn_write(&t->peer, bytes.p, bytes.n, 10000) >= 0;
    for (int i = 0; i < 3; i++)
        must(turn(t));
    return ok;
}

static void
say_all(struct talk *t)
{
    struct str rest = t->says;
    bool ok = true;
    if (t->greeted && !t->as_client)
        ok = say(t, (struct str){ preface, sizeof preface - 1 });
    if (t->greeted)
        ok = ok && say(t, (struct str){ settings, sizeof settings - 1 });
    while (ok && rest.n) {
        struct str piece = str_head(rest, t->piece);
        rest = str_skip(rest, piece.n);
        ok = say(t, piece);
    }
    for (int i = 0; i < 20; i++)
        must(turn(t));
    if (ok)
        (void)conn_shutdown_write(&t->peer);
}

static void
begin(struct talk *t)
{
    struct h2_settings my = { .server = !t->as_client,
                              .max_streams = 8,
                              .stream_window = 5000,
                              .connection_window = 100000,
                              .max_head = 4000,
                              .max_field = 2000,
                              .max_fields = 20,
                              .connect_protocol = true,
                              .send_timeout_ms = 10000,
                              .head_timeout_ms = 10000 };
    int fds[2];
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
    must(conn_open(&t->peer, fds[0], WATCH_WRITE) == 0);
    must(conn_open(&t->conn, fds[1], WATCH_WRITE) == 0);
    t->link = h2_link_open(&t->conn, &my, &events, t, STR_NONE);
    for (int i = 0; t->as_client && i < REQUESTS; i++)
        fiber_spawn(ask, new_job(t));
}

static void
talk(void *arg)
{
    struct talk *t = arg;
    begin(t);
    say_all(t);
    for (int i = 0; i < TURNS_MAX && (h2_link_error(t->link, NULL) == 0 || t->running); i++)
        must(turn(t));
    must(h2_link_error(t->link, NULL) != 0 && h2_link_error(t->link, NULL) != -ETIMEDOUT);
    must(t->running == 0 && h2_link_streams(t->link) == 0);
    h2_link_close(t->link);
    conn_close(&t->conn);
    conn_close(&t->peer);
    must(fiber_count() == 1);
    loop_stop();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool started;
    if (size < 2)
        return 0;
    if (!started)
        must(loop_open() == 0);
    started = true;
    struct talk t = { .says = { (const char *)data + 1, size - 1 },
                      .as_client = data[0] & AS_CLIENT,
                      .greeted = data[0] & GREETED,
                      .piece = data[0] >> 2 };
    if (t.piece <= size / PIECES_MAX)
        t.piece = data[0] >> 2 ? size / PIECES_MAX + 1 : size;
    fiber_spawn(talk, &t);
    loop_run();
    return 0;
}
