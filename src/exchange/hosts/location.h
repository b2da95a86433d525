/* Virtual servers and locations: where a request goes (nginx's server_name and location rules). */
#pragma once

#include "exchange/auth/satisfy.h"
#include "exchange/feature.h"
#include "exchange/http2.h"
#include "exchange/settings.h"
#include "net/listen.h"

/* One handler with the settings it runs with. */
struct call {
    const struct feature *feature;
    const void *settings;
};

struct calls {
    struct call *v;
    unsigned n;
};

enum location_kind {
    LOCATION_ROOT,
    LOCATION_PREFIX,
    LOCATION_PREFIX_FINAL /* ^~ */,
    LOCATION_EXACT,
    LOCATION_REGEX,
    LOCATION_NAMED,
    LOCATION_IF,    /* the settings of an `if`, under its location's name */
    LOCATION_EXCEPT /* those of limit_except */
};

struct location {
    enum location_kind kind;
    struct str name; /* as written, without modifier */
    struct regex *regex;
    const struct virtual_server *server;
    struct location *parent;    /* NULL: the server's own (LOCATION_ROOT) */
    struct location_set *inner; /* nested locations, or NULL */
    struct level *level;        /* their list while it is compiled, else NULL */
    struct location *except;    /* in its place for methods that are not in `methods`; or NULL */
    uint32_t methods;           /* bits by enum method */
    const struct core_settings *core;
    const struct access_settings *access;
    const struct http2_settings *http2;
    const struct gzip_settings *gzip;
    const struct file_settings *files;
    const struct error_log *error_log;
    void *const *settings;         /* of all sets, by index: for variables */
    const struct program *program; /* rewrite and its like; NULL: none */
    struct call content;           /* set by a directive of its own (proxy_pass), never inherited */
    struct calls on_found;         /* PHASE_FOUND */
    struct calls on_request;       /* the phases from PHASE_INPUT on, in order, content last */
    struct calls on_response, on_log;
    struct str redirect_slash; /* "/api/" of a proxying prefix location: "/api" gets a 301 to it */
    const struct node *node;   /* the block */
    struct span span;
};

struct file_settings;

struct virtual_server {
    struct str name;       /* first server_name, for $server_name */
    struct location *root; /* the server's own settings; answers when no location matches */
    struct location_set *locations;
    struct map *named; /* "@name" → location; NULL when there is none */
    const struct core_settings *core;
    const struct server_settings *settings;
    const struct tls_server *tls;  /* NULL: no address of it has TLS */
    struct calls on_request;       /* before the location is known */
    const struct program *program; /* runs after them */
    struct span span;
};

struct tls_server;

enum listen_protocol { LISTEN_TLS = 1 << 0, LISTEN_HTTP2 = 1 << 1, LISTEN_PROXY = 1 << 2 };

/* An address that is listened on, in one snapshot: who answers there. */
struct listen_address {
    struct listen_options options;
    struct str text; /* "0.0.0.0:80": the key that a listener of the process keeps */
    struct virtual_server *fallback; /* default_server, or the first */
    struct host_table *hosts;
    bool has_default; /* some server said default_server */
    bool tls, proxy_protocol, http2;
    unsigned protocols; /* enum listen_protocol bits */
    struct span span;
};

/* The server for a host (already lower case, without port); captures of a regex name go to x (may
 * be NULL). */
const struct virtual_server *listen_address_server(const struct listen_address *l, struct str host,
                                                   struct exchange *x);
/* Sets the location's (or server's) own content handler (proxy_pass and its like), called with
 * those settings; false (reported) when it has one already. */
bool location_set_content(struct setting *s, const struct feature *f, const void *settings);
/* Goes there, or to its limit_except. */
void location_enter(struct exchange *x, const struct location *l);
/* Finds x->location for x->uri by nginx's rules. */
enum verdict location_find(struct exchange *x);
