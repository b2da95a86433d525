/* Any bytes as what a client says: through a real socket, a real loop and a small configuration.
 *
 * Whatever comes, all that is answered is well-formed, the loop comes to rest, and neither a
 * connection nor a fiber nor a use of the snapshot is left. The first byte is the size of the
 * pieces in which the rest arrives; what begins with HTTP/2's preface is HTTP/2. */
#include "target.h"

#include "front/front_thread.h"
#include "main/registry.h"
#include "wire/h1.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define ADDRESS "127.0.0.1:8080"

/* All waiting is for a client that has said its last word: the times need not be long. */
static const char text[] =
    "error_log /dev/null info; events { } http { client_header_timeout 1s;"
    "log_format all escape=json '$http_x $request $uri $args $cookie_a $arg_a $http_referer"
    "$remote_user $uid_got $realip_remote_addr $remote_addr $http_user_agent';"
    "log_format plain '$request $http_x $remote_user \"$http_user_agent\"';"
    "access_log /dev/null all; access_log /dev/null plain; real_ip_header X-Forwarded-For;"
    "real_ip_recursive on; set_real_ip_from 127.0.0.0/8;"
    "map $http_x $mapped { hostnames; default 0; *.a.b 1; a.* 2; ~^x(?<cap>.*)y $cap$arg_a; }"
    "geo $arg_a $near { ranges; default 0; 10.0.0.0-10.1.0.0 1; 10.0.0.5-10.0.0.9 2; }"
    "split_clients $cookie_a$arg_a $split { 30% a; 20.5% b; * c; }"
    "limit_req_zone $arg_a zone=z:64k rate=1r/m; types { } default_type text/html;"
    "client_body_timeout 1s; keepalive_timeout 1s; lingering_time 1s; send_timeout 1s;"
    "http2 on; http2_max_concurrent_streams 4; client_max_body_size 300; "
    "large_client_header_buffers 2 512; max_headers 20;"
    "server { listen " ADDRESS "; server_name a *.b.example ~^c(?<d>.)$;"
    "location / { return 200 \"$request_method $uri $args $host $d $http_x\"; }"
    "location = /none { return 204; } location = /gone { return 444; }"
    "location = /lost { return 404; } location = /away { return 301 /there$request_uri; }"
    "location ~ ^/r/(.*)$ { return 200 $1; } location /old { return 200 $uri; "
    "chunked_transfer_encoding off; keepalive_timeout 0; }"
    "location /map { add_header X $mapped$near$split; return 200 $cookie_a$arg_a$is_args; }"
    "location /uid { userid on; userid_name a; userid_mark x; return 200 $uid_got$uid_set; }"
    "location /secure { secure_link $arg_md5,$arg_expires; secure_link_md5 s$uri;"
    "return 200 $secure_link$secure_link_expires; }"
    "location /referer { valid_referers none blocked server_names *.x y.*/z ~z+;"
    "return 200 $invalid_referer; }"
    "location /browser { modern_browser gecko 1.2; modern_browser msie 5.5; ancient_browser Lynx;"
    "return 200 $modern_browser$ancient_browser$msie; }"
    "location /user { auth_basic x; auth_basic_user_file /dev/null; }"
    "location /limited { limit_req zone=z action=challenge; return 200 $remote_addr; }"
    "location = /file { alias /etc/passwd; max_ranges 3; expires 1h; }"
    "location /changed { alias /etc/; charset utf-8; sub_filter root $arg_a; sub_filter : '';"
    "sub_filter_once off; ssi on; add_after_body /none; index passwd; }"
    "location /page { ssi on; return 200 '<!--# echo var=\"arg_a\" --><!--# if expr=\"$arg_a ="
    " /$http_x/\" -->y<!--# endif --><!--# include virtual=\"$arg_b\" -->'; }"
    "location /written { rewrite ^/written/(.*)$ /r/$1?b=$arg_a last; }"
    "location /if { if ($http_x ~* (a|b)+c) { return 200 $1; } if ($args) { return 302 $arg_a; } }"
    "location /fields { more_set_input_headers 'X-Y: $arg_y'; more_clear_input_headers 'X-*';"
    "more_set_headers 'X-Z: $http_x' 'Server: $arg_a'; return 200 $http_x_y; }"
    "location /try { try_files $arg_a /etc$uri =404; } location /asked { auth_request /old;"
    "mirror /none; return 200 $uri; } location /streamed { proxy_request_buffering off; proxy_pass "
    "http://unix:/nowhere; }"
    "location /kept { proxy_pass http://unix:/nowhere; } } }";

enum { PIECES_MAX = 40, TURNS_MAX = 2000 };

static struct snapshot *snapshot;
static struct listener listener = { .text = { ADDRESS, sizeof ADDRESS - 1 } };

struct visitor {
    struct conn conn;
    struct arena arena;
    struct str says;
    size_t piece;
    struct buf heard;
};

static void
start(void)
{
    static struct diags problems;
    struct snapshot_request r = { .text = str_of(text),
                                  .prefix = STR("/"),
                                  .sets = registry_sets() };
    must(loop_open() == 0);
    snapshot = snapshot_compile(&r, &problems);
    must(problems.errors == 0);
    snapshot_adopt(snapshot);
    must(address_parse(listener.text, 80, &listener.address));
}

static void
connect_pair(struct visitor *c)
{
    int fds[2];
    struct address peer = listener.address;
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
    must(conn_open(&c->conn, fds[0], WATCH_WRITE) == 0);
    connection_open(&listener, fds[1], &peer);
}

/* A refused client may find its connection closed before it has said all. */
static void
say_all(struct visitor *c)
{
    struct str rest = c->says;
    while (rest.n) {
        struct str piece = str_head(rest, c->piece);
        rest = str_skip(rest, piece.n);
        if (conn_write(&c->conn, piece.p, piece.n, 10000) < 0)
            return;
        for (int i = 0; i < 3; i++)
            must(fiber_yield() == 0);
    }
    (void)conn_shutdown_write(&c->conn);
}

static void
hear_all(struct visitor *c)
{
    char some[4096];
    ssize_t n;
    while ((n = conn_read(&c->conn, some, sizeof some, clock_in(10000))) > 0)
        buf_put(&c->heard, (struct str){ some, (size_t)n });
    must(n != -ETIMEDOUT);
}

static void
talk(void *arg)
{
    struct visitor *c = arg;
    connect_pair(c);
    say_all(c);
    hear_all(c);
    conn_close(&c->conn);
    for (int i = 0; i < TURNS_MAX && (listener.connections || fiber_count() > 1); i++)
        must(fiber_yield() == 0);
    must(listener.connections == 0 && front_self()->n_connections == 0);
    must(fiber_count() == 1);
    must(snapshot->uses[thread_index] == 0);
    loop_stop();
}

static struct str
skip_chunks(struct str rest)
{
    struct h1_chunked chunked;
    struct str data;
    enum h1_outcome outcome;
    h1_chunked_init(&chunked, NULL);
    while ((outcome = h1_chunked_next(&chunked, &rest, &data)) == H1_MORE)
        must(data.n > 0);
    must(outcome == H1_DONE);
    return rest;
}

/* One response, whole. What is left after one that says close is nothing. */
static struct str
skip_response(struct str rest, struct arena *a)
{
    static const struct h1_limits none = { .line = SIZE_MAX, .underscores = true };
    struct response_head head = { 0 };
    size_t scanned = 0, size;
    const char *why;
    fields_init(&head.fields, a);
    must(h1_find_head_end(rest, &scanned, &size) == H1_DONE);
    must(h1_parse_response(str_head(rest, size), &none, METHOD_GET, &head, &why) == H1_DONE);
    rest = str_skip(rest, size);
    if (head.framing == FRAMING_CLOSE)
        return STR_NONE;
    if (head.framing == FRAMING_CHUNKED)
        rest = skip_chunks(rest);
    if (head.framing == FRAMING_LENGTH) {
        must(rest.n >= head.content_length);
        rest = str_skip(rest, (size_t)head.content_length);
    }
    must(head.keep_alive || head.status < 200 || rest.n == 0);
    return rest;
}

static bool
mentions_head(struct str said)
{
    return memmem(said.p, said.n, "HEAD ", 5) != NULL;
}

/* HTTP/2 (RFC 9113 3.4): frames, SETTINGS first; the last may be cut where we were cut off. */
static void
check_frames(struct str rest)
{
    must(rest.n < 9 || rest.p[3] == 4);
    while (rest.n >= 9) {
        const uint8_t *head = (const uint8_t *)rest.p;
        size_t n = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
        must(head[3] <= 9 && head[3] != 5 && (head[5] & 0x80) == 0);
        rest = str_skip(rest, n + 9 < rest.n ? n + 9 : rest.n);
    }
}

static void
check(struct visitor *c)
{
    struct str rest = buf_str(&c->heard);
    if (str_starts(c->says, STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))) {
        check_frames(rest);
        return;
    }
    if (mentions_head(c->says)) /* which answers have a body cannot be told from here */
        return;
    while (rest.n)
        rest = skip_response(rest, &c->arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    if (snapshot == NULL)
        start();
    struct visitor c = { .says = { (const char *)data + 1, size - 1 }, .piece = data[0] };
    if (c.piece <= size / PIECES_MAX)
        c.piece = size / PIECES_MAX + 1;
    if (data[0] == 0)
        c.piece = size;
    arena_init(&c.arena, 0);
    buf_init(&c.heard, &c.arena, 4096, 0);
    fiber_spawn(talk, &c);
    loop_run();
    check(&c);
    arena_fini(&c.arena);
    return 0;
}
