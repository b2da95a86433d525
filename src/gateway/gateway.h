/* The gateway: answers an exchange by asking a backend. What differs between protocols (proxy_pass,
 * grpc_pass, fastcgi_pass …) is only the client codec; tries, time-outs, bodies, response head
 * rules and upgrades are here.
 *
 * A feature embeds struct gateway_settings in its settings, takes the rows from gateway/rows.h and
 * calls gateway_run. */
#pragma once

#include "exchange/hosts/location.h"
#include "net/buffer.h"
#include "upstream/upstream.h"
#include "wire/h1.h"

/* name and value of proxy_set_header */
struct set_header {
    struct str name;
    enum header id;
    const struct template *value;
};

struct set_headers {
    struct set_header *v;
    unsigned n, cap;
    bool known[HEADER_COUNT]; /* of v's names, for leaving out what the client sent */
    struct map others;
};

struct name_list {
    struct map names;
    bool known[HEADER_COUNT];
};

struct rewrite_rules; /* gateway/rewrite.c: proxy_redirect, proxy_cookie_* */
struct client_codec;
struct proxy_tlvs;           /* gateway/proxy_tlvs.c */
struct gateway_tls_settings; /* gateway/tls_settings.h */

struct gateway_settings {
    struct msec connect_timeout, send_timeout, read_timeout;
    unsigned next_upstream;            /* enum next_upstream bits */
    unsigned next_upstream_tries;      /* 0: as many as there are peers */
    struct msec next_upstream_timeout; /* 0: none */
    bool request_buffering, buffering;
    bool intercept_errors, ignore_client_abort;
    bool pass_request_headers, pass_request_body;
    bool socket_keepalive;
    unsigned proxy_protocol; /* the version of the header that connections begin with; 0: none */
    struct proxy_tlvs *proxy_tlvs; /* that it has; NULL: none */
    bool force_ranges;
    struct bytes buffer_size; /* a response head may be this large */
    bool pass_trailers;
    const struct template *limit_rate;
    const struct template *set_body, *method;
    struct set_headers *set_headers;
    struct name_list *hide, *pass;
    unsigned ignore_headers;         /* enum ignore_header bits */
    struct rewrite_rules *redirects; /* "off": rules.off */
    struct rewrite_rules *cookie_domains, *cookie_paths, *cookie_flags;
    const struct template *bind; /* NULL: any address */
};

enum ignore_header {
    IGNORE_X_ACCEL_REDIRECT = 1 << 0,
    IGNORE_X_ACCEL_EXPIRES = 1 << 1,
    IGNORE_X_ACCEL_LIMIT_RATE = 1 << 2,
    IGNORE_X_ACCEL_BUFFERING = 1 << 3,
    IGNORE_X_ACCEL_CHARSET = 1 << 4,
    IGNORE_EXPIRES = 1 << 5,
    IGNORE_CACHE_CONTROL = 1 << 6,
    IGNORE_SET_COOKIE = 1 << 7,
    IGNORE_VARY = 1 << 8,
};

/* Where a request goes, worked out by the feature for each exchange. */
struct gateway_target {
    struct upstream *upstream;
    struct str host;                        /* $proxy_host: host[:port] as in the URL */
    struct str port;                        /* $proxy_port */
    bool named;                             /* by $proxy_host and $proxy_port: proxy_pass alone */
    struct str scheme;                      /* "http" */
    const struct gateway_tls_settings *tls; /* NULL: plain */
    struct str uri;                         /* path and arguments as they go on the wire */
    /* What `default` of proxy_redirect turns back: the URL's prefix and the location's name. */
    struct str redirect_from, redirect_to;
};

/* One exchange at the gateway; in its arena. */
struct gateway {
    struct exchange *x;
    const struct gateway_settings *my;
    const struct client_codec *codec;
    struct gateway_target target;
    unsigned http_version; /* enum version towards the backend */
    struct attempt attempt;
    struct tls_target *tls;     /* NULL: plain */
    struct str identity;        /* which connections may be used */
    struct upstream_step *step; /* of the present try */
    struct buf request_head;    /* serialised once */
    /* The request's body: none, in memory, in an unlinked file, or streaming as it comes. */
    struct str body_bytes;
    int body_file; /* -1: none */
    uint64_t body_size;
    bool body_streams; /* as it comes from the client */
    bool body_chunked; /* streaming without a known length */
    bool body_begun;   /* a piece was taken from the client: it cannot be sent twice */
    struct buf replay; /* but what a backend has not looked at can be, as long as all is here */
    bool body_lost;    /* it is not any more */
    struct child uploader;
    int upload_error; /* negative errno; client's side when upload_client */
    bool uploading, upload_started, upload_client;
    uint64_t moved_ms;    /* when the upload last made progress */
    bool request_sent;    /* of the present try: bytes have left */
    bool unprocessed;     /* the backend says that it has not acted on it */
    struct fiber *fiber;  /* the exchange's */
    uint64_t sent_before; /* by the connection, before this try's request */
    bool says_close;      /* our request's Connection has "close" */
    /* The response. */
    struct buffer *in; /* unread bytes of the backend, between start and end; NULL: none */
    size_t start, end;
    struct response_head head;
    bool head_taken; /* the answer is on its way to the client */
    uint64_t left;   /* of a body with a length */
    bool body_ended;
    struct h1_chunked *chunked; /* NULL: not so framed */
    struct body body;           /* x->response.body; its owner is found by container_of */
    struct fields trailers;
    const char *why; /* the particulars of a body's -EPROTO; NULL: what HTTP/1 has */
    void *own;       /* the codec's state, when it needs more than is here */
};

/* How to speak with a backend. Calls return 0 (or as body_next) or a negative errno; they may park.
 */
struct client_codec {
    const char *name;
    bool needs_length;  /* a body of unknown length is read whole before it is sent */
    bool shares;        /* many exchanges share a connection: HTTP/2 */
    bool passes_status; /* but Status goes on, as nginx has it with uwsgi */
    bool own_missing;   /* its 404 is answered as if it were ours: it comes without a page */
    bool is_cgi;        /* RFC 3875: Status stops here, Server and Date are the answer's own */
    /* For usher explain: the parameters of a CGI request; NULL: it has none. */
    const struct cgi_params *(*params)(const struct gateway *g);
    /* Fills g->request_head; once for all tries. PASS, or FAILED: it cannot be said safely. */
    enum verdict (*write_request)(struct gateway *g);
    /* Sends the head and, when it is in memory, the body. */
    int (*send_request)(struct gateway *g);
    /* Sends a piece of a body from the client or a file, and its end. */
    int (*send_body)(struct gateway *g, const struct chunk *chunk);
    int (*end_body)(struct gateway *g);
    /* Reads one response head into g->head; interim ones too. -EPROTO: malformed, -EMSGSIZE: too
     * large, -EPIPE: closed before a byte, -ECONNRESET. *why says particulars. */
    int (*read_head)(struct gateway *g, const char **why);
    /* As body_next; sets g->body_ended with the last piece. -EPIPE: closed early; -EPROTO:
     * malformed. */
    int (*read_body)(struct gateway *g, struct chunk *out);
    /* May the connection serve another request, now that the response was read to its end? */
    bool (*may_keep)(const struct gateway *g);
    /* Where a connection is shared, what else it asks of the connection. NULL: it is asked itself.
     */
    bool (*is_ready)(const struct gateway *g); /* will read_body answer without parking? */
    void (*hang_up)(struct gateway *g);        /* ends a read_head that g->fiber waits in */
    void (*end_try)(struct gateway *g);        /* before the connection is let go */
};

extern const struct client_codec h1_client_codec;
extern const struct client_codec h2_client_codec; /* HTTP/2 */

enum verdict gateway_run(struct exchange *x, const struct gateway_settings *my,
                         const struct client_codec *codec, const struct gateway_target *target,
                         unsigned http_version);

/* --- between the gateway's files --- */

/* gateway/request_body.c: reads the body whole as settings ask, or prepares streaming. Returns
 * PASS, or FAILED. */
enum verdict gateway_take_body(struct gateway *g);
/* Is the body sent by a fiber of its own, as it does not lie in memory or may have to wait for the
 * backend's window? */
bool gateway_uploads(const struct gateway *g);
/* Begins that; after send_request. */
void gateway_send_body(struct gateway *g);
/* Joins the uploader. Its fault, if it failed on the client's side, is told by upload_client. */
void gateway_end_upload(struct gateway *g);
/* gateway/response.c: g->head becomes x->response by the rules of nginx. PASS: go on sending; else
 * a verdict (X-Accel-Redirect, intercepted). */
enum verdict gateway_take_response(struct gateway *g);
/* Ends the try; the connection goes back to the pool when the response was read to its end. */
void gateway_finish(struct gateway *g);
/* gateway/run.c: lets go of the try's connection; of what was read of it. */
void gateway_release(struct gateway *g, bool keep);
void gateway_drop_input(struct gateway *g);
/* gateway/tunnel.c: after a 101, bytes both ways until one side ends or both are idle for
 * read_timeout. */
enum verdict gateway_tunnel(struct gateway *g);
/* gateway/rewrite.c */
struct str rewrite_redirect(struct gateway *g, struct str value);
struct str rewrite_cookie(struct gateway *g, struct str set_cookie);
