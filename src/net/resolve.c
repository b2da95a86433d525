/* The thread's cache of names, and the fibers that wait for an answer.
 *
 * One question a name is under way at a time: whoever asks meanwhile waits for the same answer.
 * Failures are kept for a second, so that a busy site with a dead name does not flood its resolver.
 * Each resolver setting has its own channel and names; there are as many as distinct `resolver`
 * directives, so they are never closed while the thread lives. */
#include "net/resolve.h"

#include "base/must.h"
#include "fiber/sync.h"
#include "net/dns.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { BUCKETS = 256, NAMES_MAX = 4096, TTL_MIN_MS = 1000, TTL_MAX_MS = 3600 * 1000 };

struct name {
    struct name *next; /* in the bucket */
    struct resolver *resolver;
    bool pending;
    unsigned waiters;
    struct fiber_condition answered;
    int error;
    struct address *addresses; /* owned */
    unsigned n;
    uint64_t fresh_until;
    size_t length;
    char text[];
};

struct resolver {
    struct resolver *next;
    struct resolver_settings settings; /* a copy; servers owned */
    bool system;
    struct dns *dns;
    uint64_t stamp; /* of the system's settings when dns was opened */
    unsigned under_way;
    struct name *buckets[BUCKETS];
    unsigned n_names;
};

static __thread struct resolver *resolvers;

/* --- Resolvers --- */

static bool
same_settings(const struct resolver *r, const struct resolver_settings *s)
{
    if (r->system || s == NULL)
        return r->system && s == NULL;
    if (r->settings.n_servers != s->n_servers || r->settings.valid_ms != s->valid_ms ||
        r->settings.ipv4 != s->ipv4 || r->settings.ipv6 != s->ipv6)
        return false;
    for (unsigned i = 0; i < s->n_servers; i++)
        if (!address_equal(&r->settings.servers[i], &s->servers[i]))
            return false;
    return true;
}

static void
copy_settings(struct resolver *r, const struct resolver_settings *s)
{
    r->settings = *s;
    struct address *servers = calloc(s->n_servers + 1, sizeof *servers);
    must(servers != NULL);
    for (unsigned i = 0; i < s->n_servers; i++)
        servers[i] = s->servers[i];
    r->settings.servers = servers;
}

static struct resolver *
find_resolver(const struct resolver_settings *s)
{
    for (struct resolver *r = resolvers; r; r = r->next)
        if (same_settings(r, s))
            return r;
    struct resolver *r = calloc(1, sizeof *r);
    must(r != NULL);
    r->system = s == NULL;
    if (s)
        copy_settings(r, s);
    r->next = resolvers;
    resolvers = r;
    return r;
}

/* --- Names --- */

static void
free_name(struct name *n)
{
    must(n->waiters == 0);
    free(n->addresses);
    free(n);
}

/* Room for new names: those that nobody waits for and that are stale by `now` go. */
static void
sweep(struct resolver *r, uint64_t now)
{
    for (unsigned i = 0; i < BUCKETS; i++)
        for (struct name **at = &r->buckets[i]; *at;) {
            struct name *n = *at;
            if (n->pending || n->waiters || n->fresh_until > now) {
                at = &n->next;
                continue;
            }
            *at = n->next;
            r->n_names--;
            free_name(n);
        }
}

static struct name *
add_name(struct resolver *r, struct str text, struct name **bucket)
{
    if (r->n_names >= NAMES_MAX)
        sweep(r, clock_ms());
    if (r->n_names >= NAMES_MAX) /* a peer chooses the names: better no cache than no bound */
        sweep(r, NEVER);
    struct name *n = calloc(1, sizeof *n + text.n + 1);
    must(n != NULL);
    n->resolver = r;
    n->length = text.n;
    for (size_t i = 0; i < text.n; i++)
        n->text[i] = byte_lower(text.p[i]);
    fiber_condition_init(&n->answered);
    n->next = *bucket;
    *bucket = n;
    r->n_names++;
    return n;
}

static struct name *
find_name(struct resolver *r, struct str text)
{
    struct name **bucket = &r->buckets[str_hash_nocase(text) % BUCKETS];
    for (struct name *n = *bucket; n; n = n->next)
        if (str_eq_nocase((struct str){ n->text, n->length }, text))
            return n;
    return add_name(r, text, bucket);
}

static uint64_t
lifetime(const struct name *n, const struct dns_answer *a)
{
    uint64_t valid = n->resolver->settings.valid_ms;
    uint64_t ttl = a->error ? TTL_MIN_MS : valid ? valid : a->ttl_ms;
    if (ttl < TTL_MIN_MS)
        return TTL_MIN_MS;
    return ttl > TTL_MAX_MS && !valid ? TTL_MAX_MS : ttl;
}

static void
take_answer(void *arg, const struct dns_answer *a)
{
    struct name *n = arg;
    free(n->addresses);
    n->addresses = NULL;
    n->n = a->error ? 0 : a->n;
    if (n->n) {
        n->addresses = malloc(n->n * sizeof *n->addresses);
        must(n->addresses != NULL);
        memcpy(n->addresses, a->addresses, n->n * sizeof *n->addresses);
    }
    n->resolver->under_way--;
    n->error = a->error;
    n->fresh_until = clock_in(lifetime(n, a));
    n->pending = false;
    fiber_condition_broadcast(&n->answered);
}

static uint64_t
system_stamp(void)
{
    struct stat st;
    if (stat("/etc/resolv.conf", &st) < 0)
        return 0;
    return (uint64_t)st.st_mtim.tv_sec * 1000000000 + (uint64_t)st.st_mtim.tv_nsec + st.st_ino;
}

/* The system's settings change under a long-lived process (DHCP, a VPN): read anew then. */
static void
refresh_channel(struct resolver *r)
{
    uint64_t stamp = r->system ? system_stamp() : 0;
    if (r->dns && stamp != r->stamp && r->under_way == 0) {
        dns_close(r->dns);
        r->dns = NULL;
    }
    if (r->dns)
        return;
    r->dns = dns_open(r->system ? NULL : &r->settings);
    r->stamp = stamp;
}

static int
ask(struct name *n)
{
    struct resolver *r = n->resolver;
    refresh_channel(r);
    if (r->dns == NULL)
        return -EAGAIN;
    n->pending = true;
    r->under_way++;
    dns_ask(r->dns, n->text, take_answer, n);
    return 0;
}

static int
await(struct name *n, uint64_t deadline)
{
    int e = 0;
    n->waiters++;
    while (n->pending && e == 0)
        e = fiber_condition_wait(&n->answered, deadline);
    n->waiters--;
    return e;
}

int
resolve(struct str name, const struct resolver_settings *settings, struct arena *a,
        struct answer *out, uint64_t deadline)
{
    *out = (struct answer){ 0 };
    if (name.n == 0 || name.n > 255 || memchr(name.p, '\0', name.n))
        return -ENOENT;
    uint64_t limit = settings && settings->timeout_ms ? clock_in(settings->timeout_ms) : NEVER;
    struct name *n = find_name(find_resolver(settings), name);
    int e = 0;
    if (!n->pending && n->fresh_until <= clock_ms())
        e = ask(n);
    if (e == 0)
        e = await(n, deadline < limit ? deadline : limit);
    if (e == 0)
        e = n->error;
    if (e < 0)
        return e;
    out->n = n->n;
    out->addresses = arena_array(a, struct address, n->n);
    memcpy(out->addresses, n->addresses, n->n * sizeof *n->addresses);
    out->fresh_until = n->fresh_until;
    return 0;
}

static void
free_resolver(struct resolver *r)
{
    if (r->dns)
        dns_close(r->dns);
    for (unsigned i = 0; i < BUCKETS; i++)
        while (r->buckets[i]) {
            struct name *n = r->buckets[i];
            r->buckets[i] = n->next;
            free_name(n);
        }
    free((void *)r->settings.servers);
    free(r);
}

void
resolve_fini(void)
{
    while (resolvers) {
        struct resolver *r = resolvers;
        resolvers = r->next;
        free_resolver(r);
    }
}
