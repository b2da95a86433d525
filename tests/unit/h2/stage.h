/* Two links over a socket pair, for tests: the server runs a handler on a fiber for each request.
 */
#pragma once

#include "h2/h2.h"

struct stage;
typedef void handler_fn(struct stage *t, struct h2_stream *s);

struct stage {
    struct conn near, far; /* the client's end, the server's */
    struct h2_link *client, *server;
    struct h2_settings client_settings, server_settings;
    handler_fn *handler;
    unsigned requests, running, gone, refused, changes;
    struct arena arena; /* the client's texts */
    void *own;          /* the test's */
};

/* Fills defaults, sets nothing that is set. */
void stage_open(struct stage *t, handler_fn *handler);
/* Waits for the handlers to end. */
void stage_close(struct stage *t);
/* A request without body (last) or with one to come. */
struct h2_stream *stage_request(struct stage *t, struct str method, struct str path, bool last);
/* Runs fn(t) on a fiber in a loop of its own, with t at zero. */
void stage_run(void (*fn)(struct stage *t));
/* The body to its end, which must come, as text in the stage's arena. */
struct str stage_read_all(struct stage *t, struct h2_stream *s);
