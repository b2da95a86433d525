/* struct exchange: one request and its response, from the head's arrival to the log line. It
 * travels through every layer as the first argument `x`.
 *
 * It lives in its own arena, runs on one fiber (child fibers are joined before it ends), and keeps
 * the snapshot it began with. */
#pragma once

#include "base/fault.h"
#include "exchange/body/body.h"
#include "http/message.h"
#include "net/address.h"

struct exchange;
struct snapshot;
struct virtual_server;
struct location;
struct feature;
struct upstream_trail;
struct ssi;
struct subrequest;
struct tls_hello;
struct conn;
struct trace;
struct proxied;

/* What a phase handler says. */
enum verdict {
    PASS,    /* go on with the next handler */
    DONE,    /* the response is ready in x->response (head, maybe body): send it */
    FAILED,  /* x->response.status says what: error_page or the default page answers. Only fail(),
                status_only() and redirect() return it */
    RESTART, /* x->uri was changed (internal redirect): find the location again */
    SENT,    /* everything was sent already (upgraded connections): only log */
};

/* A server codec: how an exchange reads its request body and writes its response on the wire it
 * came from. */
struct server_codec {
    const char *name; /* "HTTP/1" */
    /* Many responses may wait beside each other on a connection: their bodies are best had in small
     * pieces (BUFFER_SMALL). */
    bool shares;
    /* Next piece of the request body: as body_next. Sends 100 Continue first when the client waits
     * for it. */
    int (*read_body)(struct exchange *x, struct chunk *out);
    /* A 1xx response (103, or a backend's 100/102). 0 or -errno; not for HTTP/1.0 clients (returns
     * 0, nothing sent). */
    int (*write_interim)(struct exchange *x, unsigned status, const struct fields *fields);
    /* x->response's head. Framing is chosen here. May hold the bytes back until the first body
     * write. */
    int (*write_head)(struct exchange *x);
    /* A piece of the body; with chunk->last the end is written too. */
    int (*write_body)(struct exchange *x, struct chunk *chunk);
    /* The end, with x->response.trailers. No-op when it was written already. */
    int (*write_end)(struct exchange *x);
    /* After a 101: the raw byte streams. Returns the connection; *pending is what was read ahead.
     * NULL: cannot. */
    struct conn *(*hijack)(struct exchange *x, struct str *pending);
    /* Where hijack is NULL: the client's bytes of a tunnel, after a 101; as body_next. What goes
     * the other way is written by write_body and write_end. */
    int (*read_tunnel)(struct exchange *x, struct chunk *out, uint64_t deadline);
    /* Pushes out what write_head and write_body hold back. */
    int (*flush)(struct exchange *x);
};

/* What a feature wants to be told of an exchange's end, whatever location that is in. */
struct exchange_end {
    struct exchange_end *next;
    /* The status is known, and nothing of the response was sent yet. May be NULL. */
    void (*decided)(struct exchange *x, struct exchange_end *e);
    /* It is over, its arena goes next. May be NULL. */
    void (*over)(struct exchange *x, struct exchange_end *e);
};

/* $limit_req_status, $limit_conn_status */
enum limit_status {
    LIMIT_UNASKED,
    LIMIT_PASSED,
    LIMIT_DELAYED,
    LIMIT_REJECTED,
    LIMIT_DELAYED_DRY_RUN,
    LIMIT_REJECTED_DRY_RUN
};

/* What is known of the client's connection; owned by the front room, outlives the exchange. */
struct client {
    uint64_t serial;   /* $connection */
    unsigned requests; /* on this connection, this one included */
    int fd;            /* the socket, for $tcpinfo_*; -1: none */
    uint64_t began_ms;
    const struct conn *conn;       /* for what TLS knows; NULL: none */
    const struct proxied *proxied; /* what its PROXY protocol header said; NULL: nothing */
    uint64_t verification; /* what the handshake asked of its certificate: struct tls_server's */
    bool tls;
    bool plain_on_tls;    /* it speaks HTTP where TLS was due */
    struct str peer_text; /* "127.0.0.1"; unix: "unix:" */
    struct address peer, local;
};

/* Its connection with TLS; NULL: it has none, is gone and a copy of its request goes on, or is made
 * up (usher explain). */
static inline const struct conn *
client_tls(const struct client *c)
{
    return c->tls ? c->conn : NULL;
}

struct response {
    unsigned status;
    struct str reason;       /* STR_NONE: the standard phrase */
    struct fields fields;    /* without Server, Date, Content-Length, Transfer-Encoding, Connection:
                                the codec adds them */
    struct str server, date; /* a backend's own, when they are to be passed; else STR_NONE. Empty:
                                the field is left out */
    struct str content_type; /* kept apart for filters; STR_NONE: none */
    int64_t content_length;  /* -1: not known */
    time_t last_modified;    /* -1: none; kept apart for validators and ranges */
    struct str etag;         /* STR_NONE: none */
    struct body *body;       /* NULL: empty */
    struct fields trailers;
    struct { /* adds to the trailers once the body is over; NULL: nothing does */
        void (*run)(struct exchange *x, const void *settings);
        const void *settings;
    } at_end;
    bool ranges_allowed;     /* the body can be cut by the range feature (Accept-Ranges) */
    struct str charset;      /* X-Accel-Charset: what charset is to make of it; STR_NONE: none */
    bool varies_by_encoding; /* gzip_vary has said so */
    bool relayed;            /* a backend's: its validators were the backend's to judge */
};

struct exchange {
    struct arena arena;
    struct snapshot *snapshot;
    const struct virtual_server *server;
    const struct location *location;
    const struct server_codec *codec;
    void *connection; /* the codec's own */
    struct client *client;
    struct trace *trace;             /* usher explain: what it meets is told; NULL in a server */
    const struct address *real_peer; /* by real_ip_header, for this request; NULL: client->peer */
    struct str real_peer_text;

    struct request_head request;
    struct str host; /* $host: from the request line, Host field or the server's name; lower case,
                        no port */
    struct str uri;  /* $uri: normalised, changed by internal redirects */
    struct str args; /* $args; STR_NONE when there is none */
    bool uri_is_raw; /* uri still stands for request.path as it came (proxy_pass without URI sends
                        it untouched) */
    bool uri_rewritten;   /* by a rewrite with break: proxy_pass passes it whole */
    bool uri_changed;     /* by rewrite: the location is to be found anew */
    bool pattern_failed;  /* a regex took more than its match limit: what it says is not known */
    bool rewrite_stopped; /* the rest of a rewrite program is left out */
    bool internal;        /* after an internal redirect or error_page */
    bool at_server;     /* an internal redirect begins with the server's rewrite directives again */
    bool at_named;      /* an internal redirect has set the location: no search */
    unsigned redirects; /* internal ones so far, at most 10 */
    unsigned n_captures;
    struct str *captures; /* of the last match, no more than it has: ask exchange_capture */
    struct str *values;   /* cached variables by index, snapshot->n_variables */
    unsigned computing;   /* how deep variables ask for variables just now */

    struct body *request_body; /* what content handlers pull; NULL when there is none. Wraps the
                                  codec's with limits */
    uint64_t body_received;    /* bytes of request body so far */
    struct fields request_trailers; /* what followed a chunked body, once that was read */
    struct str buffered_body;       /* $request_body: set when it was read whole into memory */
    bool body_streamed;             /* passed on unread: it cannot be had again */
    bool body_kept;                 /* read whole: buffered_body, or body_file when it is not -1 */
    int body_file;
    uint64_t body_file_size;
    struct str body_path;  /* client_body_in_file_only: the file's name; else STR_NONE */
    bool body_path_passes; /* the file goes with x */

    struct response response;
    bool has_compressed; /* beside the file that answers lies one for gzip_static */
    bool head_sent;      /* nothing can be replaced any more */
    enum fault fault;
    bool error_handled;      /* an error_page has acted, and none may again */
    bool error_keeps_status; /* error_status is the answer's, whatever the page's own is */
    unsigned error_status;   /* the status being handled by error_page; 0 otherwise */
    bool keep_alive;         /* may the connection go on after this? anyone may clear it */
    bool client_gone;
    struct fiber *cancel_on_gone; /* cancelled when the client goes away; NULL: nothing waits */
    struct fields carried;        /* fields of an X-Accel-Redirect, or of an error that has a page,
                                     that go into the final response */
    bool let_in;                  /* access_grant, by the handler that has just passed */
    bool any_suffices;            /* the access phases run with satisfy any */
    bool early_failure;  /* the front failed it before any phase (malformed head): only its error
                            page is made */
    bool timed_out;      /* the client stalled beyond its time: reset_timedout_connection */
    uint64_t limit_rate; /* $limit_rate, bytes a second of response body; 0: no limit */
    uint64_t limit_rate_after; /* so many bytes leave unhindered */
    bool limit_rate_known;     /* by a backend or by set: limit_rate does not ask further */
    bool aborted;              /* the response broke off: the connection cannot go on */
    unsigned refused;          /* by response_refuse; 0: no */
    struct exchange_end *ends; /* newest first */
    enum limit_status limit_req, limit_conn; /* judged once, whatever locations come */

    uint64_t began_us, began_wall_us;
    uint64_t request_bytes;               /* $request_length */
    uint64_t sent_bytes, sent_body_bytes; /* $bytes_sent, $body_bytes_sent: kept by the codec */
    struct upstream_trail *trail; /* the tries at backends, for $upstream_*; NULL when none */
    const char
        *doing; /* for error lines, " while …": "connecting to upstream"; NULL: nothing to add
                 */
    const struct tls_hello *hello; /* of a handshake under way, for $ssl_server_name; else NULL */
    bool pipelined; /* $pipe: the request was there before the last response had gone */

    /* exchange/subrequest/subrequest.h */
    bool is_after;           /* what it was made by is over, and was answered whole */
    bool is_subrequest;      /* made by another exchange, not by a client */
    unsigned short depth;    /* how many parents there are above it */
    struct exchange *parent; /* NULL: it is a client's, or a copy that has outlived it */
    struct ssi *ssi;         /* exchange/ssi/values.h */
    struct subrequest *own;  /* of a sub-request, else NULL */
    struct exchange *copies, *next_copy; /* exchange/subrequest/copy.h */
    unsigned subrequests, alive;         /* of the outermost: how many it has made, how many live */
};

/* Whose request it is: the connection's peer, or whom a trusted proxy names (real_ip_header). */
static inline const struct address *
exchange_peer(const struct exchange *x)
{
    return x->real_peer ? x->real_peer : &x->client->peer;
}

static inline struct str
exchange_peer_text(const struct exchange *x)
{
    return x->real_peer ? x->real_peer_text : x->client->peer_text;
}

/* $1 and its kin; STR_NONE: that group took no part in the last match, or there is none. */
static inline struct str
exchange_capture(const struct exchange *x, unsigned group)
{
    return group < x->n_captures ? x->captures[group] : STR_NONE;
}

/* The only way to end a request badly: logs at the level of the fault's row, sets x->fault and
 * x->response.status, returns FAILED. The line is the row's sentence and the particulars: "while …"
 * and quoted ones follow it, others come after a colon; "open() … failed" and what begins with
 * "client" or "upstream" stands alone; empty ones ("%s", "") leave the sentence. */
enum verdict fail(struct exchange *x, enum fault fault, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same with " (errno: text)", which goes before " while …" as in nginx. */
enum verdict fail_errno(struct exchange *x, enum fault fault, int error, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Only the line: a try that another one follows. error 0: none. */
void note_fault(struct exchange *x, enum fault fault, int error, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Answers with a bare status (return 404; error_page applies) — not a fault, no log line. */
enum verdict status_only(struct exchange *x, unsigned status);
/* Is the length of a response known to be zero, for want of a body? A backend's answer to HEAD says
 * nothing of the body that GET would have. */
bool response_is_empty(const struct exchange *x);
/* Forgets the response prepared so far and begins one of that status. */
void response_init(struct exchange *x, unsigned status);
/* Gives it a body of bytes that live as long as x; the fields stay. */
void response_set_body(struct exchange *x, struct str content_type, struct str body);
/* Answers with a small body of our own making. body lives as long as x. */
enum verdict answer(struct exchange *x, unsigned status, struct str content_type, struct str body);
/* Location: is made absolute by absolute_redirect and friends. */
struct str redirect_location(struct exchange *x, struct str location);
enum verdict redirect(struct exchange *x, unsigned status, struct str location);
/* Changes uri and args and asks for a new location search; fails after 10. uri is decoded already
 * (as error_page, index and try_files have it); "@name" goes to the named location and leaves uri
 * and args as they are. */
enum verdict internal_redirect(struct exchange *x, struct str uri, struct str args);
/* The same for a target as a peer writes it (X-Accel-Redirect): percent-encoded, dot segments and
 * all, with its arguments after '?'. */
enum verdict internal_redirect_encoded(struct exchange *x, struct str target);

/* e lives as long as x. */
void exchange_at_end(struct exchange *x, struct exchange_end *e);

/* A log line about x at that level: adds " (errno: text)" unless error is 0, " while …" from
 * x->doing, and ", client: …, server: …, request: …, upstream: …, host: …,
 * referrer: …" as nginx does. */
void exchange_log(struct exchange *x, enum log_level level, int error, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
const struct error_log *exchange_error_log(const struct exchange *x);
bool exchange_log_wants(const struct exchange *x, enum log_level level);

/* Runs the phases, sends the response, logs. The codec has filled in the request; afterwards only
 * x->arena is left to be freed. */
void exchange_run(struct exchange *x);
/* With x->trace: the same up to the response, which is told and not sent. No backend is asked and
 * no name resolved. */
void exchange_explain(struct exchange *x);
/* Begins an exchange in its own arena with the thread's current snapshot, and ends it. */
struct exchange *exchange_open(struct client *client, const struct server_codec *codec,
                               void *connection);
/* The same in a snapshot that somebody uses, current or not. */
struct exchange *exchange_open_in(struct snapshot *snapshot, struct client *client,
                                  const struct server_codec *codec, void *connection);
void exchange_close(struct exchange *x);

/* From a header filter: the response is not to be sent, the error page of that status is. Its head
 * is begun anew (fields added afterwards stay on the default page), and passes the filters again;
 * only the first refusal of an exchange is heeded: ask x->refused before. */
void response_refuse(struct exchange *x, unsigned status);

/* A response field set by features: appended to x->response.fields. */
void response_add(struct exchange *x, struct str name, struct str value);
