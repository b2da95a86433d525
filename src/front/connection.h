/* A client's connection, whatever it speaks: the socket, its place among the thread's connections,
 * and the protocol that serves it. At rest it has neither fiber nor buffer. */
#pragma once

#include "exchange/exchange.h"
#include "net/conn.h"

struct listener;
struct connection;

/* For the first request of a connection that a process about to end has accepted. */
enum { FIRST_REQUEST_MS = 1000 };

/* What a protocol does with its connections. All but serve: in the loop's context. */
struct protocol {
    const char *name;
    /* Something came on an idle connection: on a fiber of its own, which is c->fiber. It ends with
     * connection_rest, connection_release, or with the connection in another protocol's hands. */
    void (*serve)(struct connection *c);
    /* Closes it now, while it is idle: its time is up, it must make room, its address is gone. */
    void (*close)(struct connection *c);
    /* A graceful end was asked for, of idle and busy ones: what is under way goes on. */
    void (*drain)(struct connection *c);
    /* Ends a busy one as fast as it can: its exchanges are cancelled. */
    void (*kill)(struct connection *c);
    /* Would closing the idle one now break a promise? */
    bool (*is_spared)(const struct connection *c);
    /* Frees c->session; may be NULL. */
    void (*fini)(struct connection *c);
};

/* What each request moves lies together, in the first lines of cache. */
struct connection {
    struct conn conn; /* first */
    struct listener *listener;
    const struct protocol *protocol; /* never NULL */
    void *session;                   /* the protocol's own */
    struct fiber *fiber;             /* of protocol->serve; NULL while idle */
    struct list link;                /* in the thread's idle or busy list */
    struct timer timer;              /* while idle: protocol->close when it is due */
    bool idle;
    bool kept;  /* idle after a request, so that a next is no more than likely */
    bool reset; /* to be closed with a RST */
    struct client client;
    char peer_text[INET6_ADDRSTRLEN];
};

/* Takes an accepted socket. Closes it when it cannot be registered. */
void connection_open(struct listener *l, int fd, const struct address *peer);
/* Waits for what comes next, until the deadline. The end of the fiber, whose caller returns. */
void connection_rest(struct connection *c, uint64_t deadline);
/* An idle one has work again, without a fiber of its own (h2); and has none again. */
void connection_set_busy(struct connection *c);
void connection_set_idle(struct connection *c, uint64_t deadline);
/* Closes and frees, idle or busy; nothing runs on it any more. */
void connection_release(struct connection *c);
/* Is there something to read? Asks the kernel. */
bool connection_has_unread(const struct connection *c);
/* It has just connected; its request is on its way. */
bool connection_is_newborn(const struct connection *c);
