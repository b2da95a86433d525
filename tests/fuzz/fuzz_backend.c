/* Any bytes as what a backend says, of every protocol and through every body filter: over real
 * sockets, a real loop and a small configuration.
 *
 * The first byte says which location asks, the second by which method and whether the client leaves
 * early, the third in which pieces the answer arrives; after the last the backend hangs up.
 * Whatever comes, what the client hears is well-formed as far as it goes, neither a connection nor
 * a fiber nor a use of the snapshot is left, and an answer that arrives whole says the same in one
 * piece and in many. */
#include "target.h"

#include "front/front_thread.h"
#include "main/registry.h"
#include "wire/h1.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define ADDRESS "127.0.0.1:8080"

static const char text[] =
    "error_log /dev/null emerg; events { } http { access_log off; client_header_timeout 1s;"
    "keepalive_timeout 1s; lingering_time 1s; send_timeout 1s; proxy_read_timeout 5s;"
    "proxy_next_upstream off; grpc_next_upstream off; proxy_pass_trailers on;"
    "proxy_buffer_size 2k; map_hash_bucket_size 64; charset_map a b { 61 62; 80 e2; }"
    "charset_map a utf-8 { c1 D092; 80 E282AC; }"
    "server { listen " ADDRESS "; recursive_error_pages on; error_page 404 /included;"
    "location /1 { proxy_pass http://unix:@; early_hints 1; proxy_cookie_path / /x/;"
    "proxy_redirect http://a/ /; proxy_set_header Connection upgrade; proxy_cookie_domain a b;"
    "proxy_set_header Upgrade $http_upgrade; proxy_http_version 1.1; }"
    "location /2 { gunzip on; proxy_pass http://unix:@; proxy_intercept_errors on; }"
    "location /3 { sub_filter ab xyz; sub_filter abcabd $uri; sub_filter_once off;"
    "sub_filter_types *; proxy_pass http://unix:@; proxy_buffering off; }"
    "location /4 { ssi on; ssi_types *; ssi_value_length 64; proxy_pass http://unix:@; }"
    "location /5 { charset b; source_charset a; charset_types *; override_charset on;"
    "proxy_force_ranges on; proxy_pass http://unix:@; }"
    "location /6 { charset utf-8; source_charset a; charset_types *; gunzip on; ssi on;"
    "ssi_types *; sub_filter a bb; sub_filter_types *; add_after_body /included;"
    "addition_types *; proxy_pass http://unix:@; hide_technology on; }"
    "location /7 { fastcgi_pass unix:@; fastcgi_keep_conn on; fastcgi_catch_stderr oops; }"
    "location /8 { scgi_pass unix:@; } location /9 { uwsgi_pass unix:@; }"
    "location /a { set $memcached_key k; memcached_pass unix:@; memcached_gzip_flag 2;"
    "gunzip on; } location /b { grpc_pass grpc://unix:@; }"
    "location /c { auth_request /1; return 200 in; }"
    "location /d { mirror /1; proxy_pass http://unix:@; }"
    "location /included { internal; return 200 included; } } }";

static const char places[] = "123456789abcd";
static const char *const requests[] = {
    "GET /@ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "HEAD /@ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "GET /@ HTTP/1.0\r\n\r\n",
    "GET /@ HTTP/1.1\r\nHost: a\r\nConnection: upgrade, close\r\nUpgrade: websocket\r\n\r\n",
    "POST /@ HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody",
    "GET /@ HTTP/1.1\r\nHost: a\r\nConnection: close\r\nRange: bytes=1-2,4-\r\n\r\n",
};

enum {
    REQUESTS = sizeof requests / sizeof *requests,
    PIECES_MAX = 40,
    TURNS_MAX = 4000,
    CALLS = 8
};
enum { HEAD = 1, UPGRADE = 3, LEAVES = 0x80 };

static struct snapshot *snapshot;
static struct listener listener = { .text = { ADDRESS, sizeof ADDRESS - 1 } };
static int backend = -1;
static char path[64];

struct play {
    struct arena arena;
    struct str says;
    size_t piece;
    char place;
    unsigned request, calls;
    bool leaves, over;
    struct buf heard;
};

/* The text with what stands for each "@" in it. */
static struct str
fill(char *to, size_t size, const char *from, struct str what)
{
    size_t n = 0;
    for (; *from; from++) {
        struct str one = *from == '@' ? what : (struct str){ from, 1 };
        must(n + one.n <= size);
        memcpy(to + n, one.p, one.n);
        n += one.n;
    }
    return (struct str){ to, n };
}

static void
remove_socket(void)
{
    unlink(path);
}

static void
listen_as_backend(void)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    snprintf(path, sizeof path, "/tmp/usher-fuzz-%d.sock", getpid());
    memcpy(to.sun_path, path, sizeof path);
    unlink(path);
    backend = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    must(backend >= 0 && bind(backend, (struct sockaddr *)&to, sizeof to) == 0);
    must(listen(backend, 64) == 0);
    atexit(remove_socket);
}

static void
start(void)
{
    static struct diags problems;
    static char conf[8192];
    must(loop_open() == 0);
    listen_as_backend();
    struct snapshot_request r = { .text = fill(conf, sizeof conf, text, str_of(path)),
                                  .prefix = STR("/"),
                                  .sets = registry_sets() };
    snapshot = snapshot_compile(&r, &problems);
    must(problems.errors == 0);
    snapshot_adopt(snapshot);
    must(address_parse(listener.text, 80, &listener.address));
}

/* --- the backend --- */

struct caller {
    struct play *play;
    struct conn conn;
};

static void
drain(struct conn *c)
{
    char some[4096];
    while (conn_try_read(c, some, sizeof some) > 0)
        continue;
}

static void
serve(void *arg)
{
    struct caller *c = arg;
    struct str rest = c->play->says;
    while (rest.n) {
        struct str piece = str_head(rest, c->play->piece);
        rest = str_skip(rest, piece.n);
        if (conn_write(&c->conn, piece.p, piece.n, 10000) < 0)
            break;
        for (int i = 0; i < 3; i++)
            must(fiber_yield() == 0);
        drain(&c->conn);
    }
    (void)conn_shutdown_write(&c->conn);
    for (int i = 0; i < TURNS_MAX && !c->play->over; i++) {
        drain(&c->conn);
        must(fiber_yield() == 0);
    }
    conn_close(&c->conn);
}

/* Requests of our own making may ask again: what goes beyond CALLS is not answered at all. */
static void
accept_calls(void *arg)
{
    struct play *p = arg;
    static struct caller calls[CALLS];
    struct child fibers[CALLS];
    while (!p->over) {
        int fd = accept4(backend, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0 && p->calls == CALLS) {
            close(fd);
        } else if (fd >= 0) {
            struct caller *c = &calls[p->calls];
            c->play = p;
            must(conn_open(&c->conn, fd, WATCH_WRITE) == 0);
            child_start(&fibers[p->calls++], serve, c);
        }
        must(fiber_yield() == 0);
    }
    for (unsigned i = 0; i < p->calls; i++)
        child_join(&fibers[i]);
}

/* --- the client --- */

static void
hear_all(struct play *p, struct conn *c)
{
    char some[4096];
    ssize_t n;
    for (unsigned i = p->says.n % 32; p->leaves && i > 0; i--)
        must(fiber_yield() == 0);
    if (p->leaves && p->says.n & 32) /* what comes later than on the heels is no half-close */
        must(fiber_sleep(25) == 0);
    if (p->leaves) {
        conn_reset(c);
        return;
    }
    while ((n = conn_read(c, some, sizeof some, clock_in(10000))) > 0)
        buf_put(&p->heard, (struct str){ some, (size_t)n });
    must(n != -ETIMEDOUT);
    conn_close(c);
}

static void
play(void *arg)
{
    struct play *p = arg;
    struct conn client;
    struct child calls;
    struct address peer = listener.address;
    char room[200];
    int fds[2];
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
    must(conn_open(&client, fds[0], WATCH_WRITE) == 0);
    child_start(&calls, accept_calls, p);
    connection_open(&listener, fds[1], &peer);
    struct str request =
        fill(room, sizeof room, requests[p->request], (struct str){ &p->place, 1 });
    must(conn_write(&client, request.p, request.n, 10000) == 0);
    if (p->request == UPGRADE)
        (void)conn_shutdown_write(&client);
    hear_all(p, &client);
    for (int i = 0; i < TURNS_MAX && listener.connections; i++)
        must(fiber_yield() == 0);
    p->over = true;
    child_join(&calls);
    for (int i = 0; i < TURNS_MAX && fiber_count() > 1; i++)
        must(fiber_yield() == 0);
    must(listener.connections == 0 && front_self()->n_connections == 0);
    must(fiber_count() == 1);
    must(snapshot->uses[thread_index] == 0);
    loop_stop();
}

/* --- what was heard --- */

struct said {
    unsigned status;
    bool whole;
    struct buf body;
};

static void
take_chunks(struct str rest, struct said *out)
{
    struct h1_chunked chunked;
    struct str data;
    enum h1_outcome outcome;
    h1_chunked_init(&chunked, NULL);
    while ((outcome = h1_chunked_next(&chunked, &rest, &data)) == H1_MORE && data.n)
        buf_put(&out->body, data);
    must(outcome != H1_BAD && rest.n == 0);
    out->whole = outcome == H1_DONE;
}

static void
take_body(const struct response_head *head, struct str rest, struct said *out)
{
    out->status = head->status;
    out->whole = head->framing == FRAMING_LENGTH && rest.n == head->content_length;
    must(head->framing != FRAMING_LENGTH || rest.n <= head->content_length);
    must(head->framing != FRAMING_NONE || head->status == 101 || rest.n == 0);
    if (head->framing == FRAMING_CHUNKED)
        take_chunks(rest, out);
    else
        buf_put(&out->body, rest);
}

static void
take_response(struct play *p, struct said *out)
{
    static const struct h1_limits none = { .line = SIZE_MAX, .underscores = true };
    struct str rest = buf_str(&p->heard);
    enum method to = p->request == HEAD ? METHOD_HEAD : METHOD_GET;
    *out = (struct said){ 0 };
    buf_init(&out->body, &p->arena, 4096, 0);
    while (rest.n) {
        struct response_head head = { 0 };
        size_t scanned = 0, size;
        const char *why;
        fields_init(&head.fields, &p->arena);
        must(h1_find_head_end(rest, &scanned, &size) == H1_DONE);
        must(h1_parse_response(str_head(rest, size), &none, to, &head, &why) == H1_DONE);
        rest = str_skip(rest, size);
        if (head.status >= 200 || head.status == 101) {
            take_body(&head, rest, out);
            return;
        }
    }
}

static void
run(struct play *p, const uint8_t *data, size_t size, struct said *out)
{
    *p = (struct play){ .says = { (const char *)data + 3, size - 3 },
                        .place = places[data[0] % (sizeof places - 1)],
                        .request = (data[1] & ~LEAVES) % REQUESTS,
                        .leaves = data[1] & LEAVES,
                        .piece = data[2] ? data[2] : size };
    if (p->piece <= size / PIECES_MAX)
        p->piece = size / PIECES_MAX + 1;
    arena_init(&p->arena, 0);
    buf_init(&p->heard, &p->arena, 4096, 0);
    fiber_spawn(play, p);
    loop_run();
    take_response(p, out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct play pieces, whole;
    struct said one, other;
    uint8_t copy[4096];
    if (size < 4 || size > sizeof copy)
        return 0;
    if (snapshot == NULL)
        start();
    run(&pieces, data, size, &one);
    memcpy(copy, data, size);
    copy[2] = 0;
    run(&whole, copy, size, &other);
    if (one.whole && other.whole && pieces.calls == 1 && whole.calls == 1) {
        must(one.status == other.status);
        must(str_eq(buf_str(&one.body), buf_str(&other.body)));
    }
    arena_fini(&pieces.arena);
    arena_fini(&whole.arena);
    return 0;
}
