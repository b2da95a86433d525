/* FastCGI towards a backend: records one way and the other. stdout is a CGI response, stderr goes
 * to the error log. */
#include "gateway/fcgi_client.h"

#include "gateway/backend_io.h"
#include "gateway/fcgi_request.h"
#include "observe/log.h"
#include "wire/cgi.h"
#include "wire/fcgi.h"

#include <errno.h>

/* A log is no place for whatever a program may write: so much of an answer's stderr, in lines of
 * at most so much. */
enum { STDERR_MOST = 64 * 1024, STDERR_LINE = 1500, STDERR_RECORD = 64 };
enum { REQUEST_FIRST = 2048, HEAD_FIRST = 1024, FIELDS_MOST = 1000, RECORDS = 4 };

struct fcgi_client {
    struct fcgi_reader reader;
    struct buf head; /* of the response, when it does not come in one piece */
    size_t scanned;
    bool stdout_ended, ended; /* ended: the request as a whole */
    bool too_long;            /* more came than Content-Length says */
    size_t heard;             /* of stderr */
    size_t line_n;
    char line[STDERR_LINE];
};

static const struct fcgi_settings *
settings_of(const struct gateway *g)
{
    return container_of(g->my, const struct fcgi_settings, gateway);
}

static const struct cgi_params *
params_of(const struct gateway *g)
{
    return settings_of(g)->params;
}

/* --- the request --- */

static enum verdict
write_request(struct gateway *g)
{
    g->own = arena_raw(&g->x->arena, sizeof(struct fcgi_client));
    buf_init(&g->request_head, &g->x->arena, REQUEST_FIRST, 0);
    fcgi_write_request(g, settings_of(g), &g->request_head);
    return PASS;
}

/* Puts one record, or the end of stdin, into iov. Returns how many of iov it took. */
static int
put_stdin(struct iovec *iov, char *header, struct str bytes)
{
    fcgi_stdin_header(header, bytes.n);
    iov[0] = (struct iovec){ header, FCGI_HEADER_SIZE };
    iov[1] = (struct iovec){ (void *)bytes.p, bytes.n };
    return bytes.n ? 2 : 1;
}

/* head, bytes as records, and the end: a small request is one write. */
static int
send_records(struct gateway *g, struct str head, struct str bytes, bool end)
{
    char headers[RECORDS + 1][FCGI_HEADER_SIZE];
    struct iovec iov[2 + 2 * RECORDS];
    for (;;) {
        int n = 0, records = 0;
        if (head.n)
            iov[n++] = (struct iovec){ (void *)head.p, head.n };
        head = STR_NONE;
        for (; bytes.n && records < RECORDS; records++) {
            struct str piece = str_head(bytes, FCGI_CONTENT_MAX);
            n += put_stdin(iov + n, headers[records], piece);
            bytes = str_skip(bytes, piece.n);
        }
        if (bytes.n == 0 && end)
            n += put_stdin(iov + n, headers[records], STR_NONE);
        int r = backend_writev(g, iov, n);
        if (r < 0 || bytes.n == 0)
            return r;
    }
}

static int
send_request(struct gateway *g)
{
    struct fcgi_client *c = g->own;
    bool whole = !g->body_streams && g->body_file < 0;
    *c = (struct fcgi_client){ .ended = false };
    fcgi_reader_init(&c->reader);
    buf_init(&c->head, &g->x->arena, 0, 0);
    g->why = NULL;
    g->sent_before = backend_conn(g)->sent;
    return send_records(g, buf_str(&g->request_head), whole ? g->body_bytes : STR_NONE, whole);
}

static int
send_file(struct gateway *g, const struct chunk *chunk)
{
    off_t at = chunk->file_offset;
    for (size_t left = chunk->file_size; left;) {
        size_t n = left < FCGI_CONTENT_MAX ? left : FCGI_CONTENT_MAX;
        char header[FCGI_HEADER_SIZE];
        struct iovec iov = { header, sizeof header };
        fcgi_stdin_header(header, n);
        int r = backend_writev(g, &iov, 1);
        if (r == 0)
            r = backend_sendfile(g, chunk->file, at, n);
        if (r < 0)
            return r;
        at += (off_t)n;
        left -= n;
    }
    return 0;
}

static int
send_body(struct gateway *g, const struct chunk *chunk)
{
    return chunk->file >= 0 ? send_file(g, chunk) : send_records(g, STR_NONE, chunk->bytes, false);
}

static int
end_body(struct gateway *g)
{
    return send_records(g, STR_NONE, STR_NONE, true);
}

/* --- stderr --- */

/* 0, or -EPROTO when fastcgi_catch_stderr knows it. */
static int
log_line(struct gateway *g)
{
    struct fcgi_client *c = g->own;
    struct str line = { c->line, c->line_n };
    c->line_n = 0;
    while (line.n && (uint8_t)line.p[line.n - 1] <= ' ')
        line.n--;
    if (line.n)
        exchange_log(g->x, LEVEL_ERROR, 0, "FastCGI sent in stderr: \"" STR_FMT "\"",
                     STR_ARG(line));
    for (const struct fcgi_word *w = settings_of(g)->catch_stderr; w && !g->head_taken; w = w->next)
        if (str_find_str(line, w->text) >= 0) {
            g->why = "upstream sent in stderr what fastcgi_catch_stderr catches";
            return -EPROTO;
        }
    return 0;
}

static int
take_stderr(struct gateway *g, struct str bytes)
{
    struct fcgi_client *c = g->own;
    int r = 0;
    if (c->heard >= STDERR_MOST)
        return 0;
    c->heard += bytes.n + STDERR_RECORD;
    while (bytes.n && r == 0) {
        struct str piece = str_head(bytes, STDERR_LINE - c->line_n);
        for (size_t i = 0; i < piece.n; i++)
            c->line[c->line_n + i] = piece.p[i] == '\n' ? ' ' : piece.p[i];
        c->line_n += piece.n;
        bytes = str_skip(bytes, piece.n);
        if (c->line_n == STDERR_LINE || fcgi_record_is_over(&c->reader))
            r = log_line(g);
    }
    if (c->heard >= STDERR_MOST)
        exchange_log(g->x, LEVEL_ERROR, 0, "FastCGI sent too much in stderr: no more is logged");
    return r;
}

/* --- the response --- */

static int
refuse(struct gateway *g)
{
    const struct fcgi_reader *r = &((struct fcgi_client *)g->own)->reader;
    g->why = arena_printf(&g->x->arena, "%s: %u", r->why, r->number).p;
    return -EPROTO;
}

/* Takes what was read up to the next data of stdout. 1 with *data, a view of g->in that ends at
 * g->start; 0: all was taken; or -EPROTO. */
static int
take_events(struct gateway *g, struct str *data)
{
    struct fcgi_client *c = g->own;
    while (!c->ended) {
        struct str in = backend_unread(g);
        enum fcgi_event event = fcgi_next(&c->reader, &in, data);
        g->start = g->end - in.n;
        int r = event == FCGI_STDERR ? take_stderr(g, *data) : 0;
        if (event == FCGI_BAD)
            return refuse(g);
        if (event == FCGI_STDOUT || r < 0)
            return r < 0 ? r : 1;
        c->ended = event == FCGI_END;
        c->stdout_ended |= event == FCGI_END || event == FCGI_STDOUT_END;
        if (event == FCGI_MORE)
            return 0;
    }
    return 0;
}

static void
give_back(struct gateway *g, size_t n)
{
    struct fcgi_client *c = g->own;
    fcgi_give_back(&c->reader, (unsigned)n);
    g->start -= n;
}

/* Is the answer's body whole, whatever the connection has yet to say? */
static bool
is_complete(const struct gateway *g)
{
    const struct fcgi_client *c = g->own;
    return g->head.framing == FRAMING_NONE ||
           (g->head.framing == FRAMING_LENGTH ? g->left == 0 : c->stdout_ended);
}

/* The body ends with the request, but who does not keep the connection need not wait for that. */
static void
judge_end(struct gateway *g)
{
    const struct fcgi_client *c = g->own;
    g->body_ended = is_complete(g) &&
                    (c->ended || !settings_of(g)->keep_conn || g->head.framing == FRAMING_NONE);
}

static int
parse_head(struct gateway *g, struct str head, const char **why)
{
    struct str data;
    fields_init(&g->head.fields, &g->x->arena);
    if (cgi_parse_head(arena_dup(&g->x->arena, head), FIELDS_MOST, g->x->request.method, &g->head,
                       why) != H1_DONE)
        return -EPROTO;
    g->left = g->head.content_length;
    /* Padding and ends that are here already say whether there is a body to wait for. */
    int r = take_events(g, &data);
    if (r > 0)
        give_back(g, data.n);
    *why = g->why;
    judge_end(g);
    return r < 0 ? r : 0;
}

/* A piece of stdout while the head is not whole. 1: it is now, in g->head; 0: go on; or -errno. */
static int
take_head(struct gateway *g, struct str data, const char **why)
{
    struct fcgi_client *c = g->own;
    size_t most = g->my->buffer_size.n, before = c->head.n, size;
    struct str in = data;
    if (before) {
        buf_put(&c->head, data);
        in = buf_str(&c->head);
    }
    if (cgi_find_head_end(in, &c->scanned, &size) == H1_DONE) {
        give_back(g, before + data.n - size);
        int r = size > most ? -EMSGSIZE : parse_head(g, str_head(in, size), why);
        return r < 0 ? r : 1;
    }
    if (in.n >= most)
        return -EMSGSIZE;
    if (before == 0)
        buf_put(&c->head, data);
    return 0;
}

static int
read_head(struct gateway *g, const char **why)
{
    struct fcgi_client *c = g->own;
    for (;;) {
        struct str data;
        int events = take_events(g, &data);
        *why = g->why;
        int r = events > 0 ? take_head(g, data, why) : events;
        if (r != 0)
            return r < 0 ? r : 0;
        if (events > 0)
            continue;
        if (c->stdout_ended) {
            *why = c->ended ? "upstream prematurely closed FastCGI request"
                            : "upstream prematurely closed FastCGI stdout";
            return -EPROTO;
        }
        ssize_t n = backend_fill(g, BUFFER_SIZE);
        if (n <= 0)
            return n == 0 ? -EPIPE : (int)n;
    }
}

/* All of stdout that has arrived, moved together into one piece. */
static int
gather(struct gateway *g, struct chunk *out)
{
    struct str data;
    int r = take_events(g, &data);
    if (r <= 0)
        return r;
    for (out->bytes = data; (r = take_events(g, &data)) > 0; out->bytes.n += data.n)
        memmove((char *)out->bytes.p + out->bytes.n, data.p, data.n);
    return r;
}

/* No more than Content-Length says. */
static void
cut(struct gateway *g, struct chunk *out)
{
    struct fcgi_client *c = g->own;
    if (g->head.framing != FRAMING_LENGTH)
        return;
    if (out->bytes.n > g->left && !c->too_long) {
        c->too_long = true;
        exchange_log(g->x, LEVEL_WARN, 0,
                     "upstream sent more data than specified in \"Content-Length\" header");
    }
    out->bytes = str_head(out->bytes, (size_t)g->left);
    g->left -= out->bytes.n;
}

static int
early_end(struct gateway *g)
{
    const struct fcgi_client *c = g->own;
    g->why = c->ended ? "upstream prematurely closed FastCGI request"
                      : "upstream prematurely closed FastCGI stdout";
    return -EPROTO;
}

static int
read_body(struct gateway *g, struct chunk *out)
{
    const struct fcgi_client *c = g->own;
    while (!g->body_ended) {
        int r = gather(g, out);
        if (r < 0)
            return r;
        cut(g, out);
        judge_end(g);
        out->last = g->body_ended;
        if (out->bytes.n)
            return 1;
        if (g->body_ended)
            break;
        if (c->stdout_ended && !is_complete(g))
            return early_end(g);
        ssize_t n = backend_fill(g, BUFFER_SIZE);
        g->body_ended = n <= 0 && n != -ECANCELED && is_complete(g);
        if (n <= 0 && !g->body_ended)
            return n == 0 ? -EPIPE : (int)n;
    }
    return 0;
}

static bool
may_keep(const struct gateway *g)
{
    const struct fcgi_client *c = g->own;
    return settings_of(g)->keep_conn && c->ended && !c->too_long && g->start == g->end &&
           !g->uploading;
}

const struct client_codec fcgi_client_codec = {
    .name = "FastCGI",
    .needs_length = true,
    .is_cgi = true,
    .params = params_of,
    .write_request = write_request,
    .send_request = send_request,
    .send_body = send_body,
    .end_body = end_body,
    .read_head = read_head,
    .read_body = read_body,
    .may_keep = may_keep,
};
