/* c-ares in the loop: its sockets are watches, its clock is one timer.
 *
 * Watches are edge-triggered, c-ares thinks in levels. So a readable socket is given to it until it
 * is dry, and a socket on which it wants to write is given to it in the next turn, whether or not
 * an edge comes. */
#include "net/dns.h"

#include "base/buf.h"
#include "base/must.h"
#include "fiber/loop.h"

#include <ares.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { ADDRESSES_MAX = 256, STEPS_MAX = 64 };

/* A socket of the channel. */
struct endpoint {
    struct watch watch; /* first */
    struct list link;
    struct dns *dns;
    bool wants_write;
};

struct dns {
    ares_channel channel;
    struct timer timer; /* c-ares' own time-outs */
    struct timer flush; /* due when a socket wants to be written */
    struct list endpoints;
    int family;
    bool own_servers;
};

struct question {
    dns_fn *fn;
    void *arg;
};

static void
start_library(void)
{
    must(ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS);
}

static void
set_timer(struct dns *d)
{
    struct timeval t;
    if (ares_timeout(d->channel, NULL, &t) == NULL)
        timer_set(&d->timer, NEVER);
    else
        timer_set(&d->timer, clock_in((uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_usec / 1000 + 1));
}

static void
fire(struct timer *t)
{
    struct dns *d = container_of(t, struct dns, timer);
    ares_process_fd(d->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    set_timer(d);
}

static struct endpoint *
find_endpoint(struct dns *d, int fd)
{
    for (struct list *l = d->endpoints.next; l != &d->endpoints; l = l->next) {
        struct endpoint *e = container_of(l, struct endpoint, link);
        if (e->watch.fd == fd)
            return e;
    }
    return NULL;
}

static struct endpoint *
find_writer(struct dns *d)
{
    for (struct list *l = d->endpoints.next; l != &d->endpoints; l = l->next)
        if (container_of(l, struct endpoint, link)->wants_write)
            return container_of(l, struct endpoint, link);
    return NULL;
}

static void
flush(struct timer *t)
{
    struct dns *d = container_of(t, struct dns, flush);
    struct endpoint *e;
    /* Any of them may be closed on the way, or be wanted again at once. */
    for (int i = 0; i < STEPS_MAX && (e = find_writer(d)) != NULL; i++) {
        e->wants_write = false;
        ares_process_fd(d->channel, ARES_SOCKET_BAD, e->watch.fd);
    }
    set_timer(d);
}

static bool
has_bytes(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    return poll(&p, 1, 0) > 0;
}

static void
on_event(struct watch *w, unsigned bits)
{
    struct dns *d = ((struct endpoint *)w)->dns;
    int fd = w->fd;
    w->ready = 0;
    if (bits & WATCH_WRITE)
        ares_process_fd(d->channel, ARES_SOCKET_BAD, fd);
    /* c-ares may close the socket at any step: w is only looked up from here on. */
    for (int i = 0; i < STEPS_MAX && find_endpoint(d, fd) && has_bytes(fd); i++)
        ares_process_fd(d->channel, fd, ARES_SOCKET_BAD);
    set_timer(d);
}

static struct endpoint *
open_endpoint(struct dns *d, int fd)
{
    struct endpoint *e = calloc(1, sizeof *e);
    must(e != NULL);
    if (watch_open(&e->watch, fd, 0) < 0) {
        free(e); /* the question times out */
        return NULL;
    }
    e->watch.on_event = on_event;
    e->dns = d;
    list_push_front(&d->endpoints, &e->link);
    return e;
}

/* c-ares tells which sockets it has; 0, 0 is its word for "about to close". */
static void
on_socket(void *arg, ares_socket_t fd, int readable, int writable)
{
    struct dns *d = arg;
    struct endpoint *e = find_endpoint(d, fd);
    if (!readable && !writable) {
        if (e == NULL)
            return;
        list_remove(&e->link);
        watch_close(&e->watch);
        free(e);
        return;
    }
    if (e == NULL)
        e = open_endpoint(d, fd);
    if (e == NULL)
        return;
    e->wants_write = writable;
    if (writable)
        timer_set(&d->flush, clock_ms());
}

/* "1.1.1.1:53,[::1]:5353" as c-ares takes it. */
static void
set_servers(struct dns *d, const struct resolver_settings *s)
{
    struct arena a;
    struct buf b;
    arena_init(&a, 0);
    buf_init(&b, &a, 64, 0);
    for (unsigned i = 0; i < s->n_servers; i++) {
        char text[ADDRESS_TEXT_MAX];
        size_t n = address_print(&s->servers[i], true, text);
        buf_put(&b, (struct str){ ",", i > 0 });
        buf_put(&b, (struct str){ text, n });
    }
    buf_byte(&b, '\0');
    (void)ares_set_servers_ports_csv(d->channel, b.p);
    arena_fini(&a);
}

static int
family_of(const struct resolver_settings *s)
{
    if (s == NULL || s->ipv4 == s->ipv6)
        return AF_UNSPEC;
    return s->ipv4 ? AF_INET : AF_INET6;
}

struct dns *
dns_open(const struct resolver_settings *settings)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_library);
    struct dns *d = calloc(1, sizeof *d);
    must(d != NULL);
    d->family = family_of(settings);
    d->own_servers = settings && settings->n_servers > 0;
    list_init(&d->endpoints);
    timer_init(&d->timer, fire);
    timer_init(&d->flush, flush);
    struct ares_options o = { .sock_state_cb = on_socket, .sock_state_cb_data = d };
    int mask = ARES_OPT_SOCK_STATE_CB;
    if (d->own_servers) { /* as nginx: turn by turn, and no search domains */
        o.timeout = 2000;
        o.tries = 3;
        o.flags = ARES_FLAG_NOSEARCH;
        mask |= ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_FLAGS | ARES_OPT_ROTATE;
    }
    if (ares_init_options(&d->channel, &o, mask) != ARES_SUCCESS) {
        free(d);
        return NULL;
    }
    if (d->own_servers)
        set_servers(d, settings);
    return d;
}

void
dns_close(struct dns *d)
{
    ares_destroy(d->channel);
    timer_fini(&d->timer);
    timer_fini(&d->flush);
    must(list_empty(&d->endpoints));
    free(d);
}

/* --- Answers --- */

static int
error_of(int status)
{
    switch (status) {
    case ARES_SUCCESS:
        return 0;
    case ARES_ENODATA:
    case ARES_ENOTFOUND:
    case ARES_EBADNAME:
        return -ENOENT;
    case ARES_ETIMEOUT:
        return -ETIMEDOUT;
    case ARES_ECANCELLED:
    case ARES_EDESTRUCTION:
        return -ECANCELED;
    default:
        return -EAGAIN;
    }
}

/* A host without an IPv6 route would only collect ENETUNREACH from AAAA records: ask the kernel for
 * a route, which sends nothing. */
static bool
has_route(const struct address *a)
{
    if (a->any.sa_family != AF_INET6)
        return true;
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    struct address to = *a;
    address_set_port(&to, 9);
    bool reached = connect(fd, &to.any, to.size) == 0;
    close(fd);
    return reached;
}

static struct address *
room_for(const struct ares_addrinfo *info)
{
    size_t n = 1;
    for (const struct ares_addrinfo_node *i = info ? info->nodes : NULL; i; i = i->ai_next)
        n++;
    struct address *room = calloc(n < ADDRESSES_MAX ? n : ADDRESSES_MAX, sizeof *room);
    must(room != NULL);
    return room;
}

static unsigned
collect(const struct ares_addrinfo *info, bool routed, struct address *out, uint64_t *ttl_ms)
{
    unsigned n = 0;
    for (const struct ares_addrinfo_node *i = info->nodes; i && n < ADDRESSES_MAX; i = i->ai_next) {
        struct address a;
        if (i->ai_addrlen > (int)sizeof a.v6)
            continue;
        memset(&a, 0, sizeof a); /* answers are compared byte by byte */
        a.size = (socklen_t)i->ai_addrlen;
        memcpy(&a.any, i->ai_addr, a.size);
        address_set_port(&a, 0);
        if (routed && !has_route(&a))
            continue;
        uint64_t ttl = i->ai_ttl > 0 ? (uint64_t)i->ai_ttl * 1000 : 0;
        if (n == 0 || ttl < *ttl_ms)
            *ttl_ms = ttl;
        out[n++] = a;
    }
    return n;
}

static void
on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
    struct question q = *(struct question *)arg;
    struct address *addresses = room_for(info);
    struct dns_answer answer = { .error = error_of(status), .addresses = addresses };
    free(arg);
    if (info) {
        answer.n = collect(info, true, addresses, &answer.ttl_ms);
        if (answer.n == 0)
            answer.n = collect(info, false, addresses, &answer.ttl_ms);
        ares_freeaddrinfo(info);
    }
    if (answer.error == 0 && answer.n == 0)
        answer.error = -ENOENT;
    q.fn(q.arg, &answer);
    free(addresses);
}

void
dns_ask(struct dns *d, const char *name, dns_fn *fn, void *arg)
{
    struct ares_addrinfo_hints hints = { .ai_family = d->family,
                                         .ai_socktype = SOCK_STREAM,
                                         .ai_flags = ARES_AI_NOSORT };
    struct question *q = malloc(sizeof *q);
    must(q != NULL);
    *q = (struct question){ fn, arg };
    ares_getaddrinfo(d->channel, name, NULL, &hints, on_answer, q);
    set_timer(d);
}
