/* Loading certificates at a handshake, and the cache of them: a table by name in the order of use,
 * under one lock that is not held while a file is read. */
#include "exchange/secure/named_certificates.h"

#include "base/list.h"
#include "base/must.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { FILE_MAX = 1 << 20, SLOTS = 256 };

struct named_certificates {
    struct pair {
        const struct ssl_file *certificate, *key;
    } pairs[CERTIFICATES_MAX];
    unsigned n;
    const struct str *passwords;
    unsigned n_passwords;
    struct str base; /* of relative paths */
    struct ssl_cache_settings settings;
    pthread_mutex_t lock; /* of what follows */
    struct list used;     /* last used first */
    struct entry *slots[SLOTS];
    unsigned n_entries;
};

struct entry {
    struct entry *next; /* of the slot */
    struct list at;
    struct str name; /* owned: malloc */
    struct certificate *certificate;
    uint64_t loaded_ms, used_ms;
};

/* --- the cache; all of it under the lock --- */

static struct entry **
place_of(struct named_certificates *n, struct str name)
{
    struct entry **e = &n->slots[str_hash(name) % SLOTS];
    while (*e && !str_eq((*e)->name, name))
        e = &(*e)->next;
    return e;
}

static void
forget(struct named_certificates *n, struct entry **place)
{
    struct entry *e = *place;
    *place = e->next;
    list_remove(&e->at);
    certificate_drop(e->certificate);
    free((char *)e->name.p);
    free(e);
    n->n_entries--;
}

static void
forget_unused(struct named_certificates *n)
{
    while (n->n_entries) {
        struct entry *oldest = container_of(n->used.prev, struct entry, at);
        if (n->n_entries <= n->settings.max &&
            clock_ms() - oldest->used_ms < n->settings.inactive_ms)
            return;
        forget(n, place_of(n, oldest->name));
    }
}

static struct certificate *
find(struct named_certificates *n, struct str name)
{
    struct entry **place = place_of(n, name), *e = *place;
    if (e == NULL)
        return NULL;
    if (clock_ms() - e->loaded_ms >= n->settings.valid_ms) {
        forget(n, place);
        return NULL;
    }
    e->used_ms = clock_ms();
    list_remove(&e->at);
    list_push_front(&n->used, &e->at);
    certificate_hold(e->certificate);
    return e->certificate;
}

static void
keep(struct named_certificates *n, struct str name, struct certificate *c)
{
    struct entry **place = place_of(n, name), *e;
    if (*place) /* another thread was faster */
        return;
    e = calloc(1, sizeof *e);
    must(e != NULL);
    e->name = (struct str){ strndup(name.p, name.n), name.n };
    e->certificate = c;
    certificate_hold(c);
    e->loaded_ms = e->used_ms = clock_ms();
    *place = e;
    list_push_front(&n->used, &e->at);
    n->n_entries++;
    forget_unused(n);
}

static void
fini(struct compile *c, void *arg)
{
    struct named_certificates *n = arg;
    (void)c;
    while (n->n_entries)
        forget(n, place_of(n, container_of(n->used.prev, struct entry, at)->name));
    pthread_mutex_destroy(&n->lock);
}

struct named_certificates *
named_certificates_open(struct compile *c, const struct ssl_settings *s,
                        const struct str *passwords, unsigned n_passwords)
{
    struct named_certificates *n = arena_new(c->arena, struct named_certificates);
    const struct ssl_file *key = s->keys.first;
    for (const struct ssl_file *f = s->certificates.first; f; f = f->next, key = key->next)
        n->pairs[n->n++] = (struct pair){ f, key };
    n->passwords = passwords;
    n->n_passwords = n_passwords;
    n->base = c->conf_dir;
    n->settings = s->certificate_cache;
    pthread_mutex_init(&n->lock, NULL);
    list_init(&n->used);
    compile_finally(c, fini, n);
    return n;
}

/* --- loading --- */

struct secret { /* bytes of a file, wiped when it is closed */
    char *p;
    size_t n;
};

static void
secret_close(struct secret *s)
{
    if (s->p)
        OPENSSL_cleanse(s->p, s->n);
    free(s->p);
}

static int
read_fd(int fd, struct secret *out)
{
    out->p = malloc(FILE_MAX);
    must(out->p != NULL);
    for (;;) {
        ssize_t n = read(fd, out->p + out->n, FILE_MAX - out->n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return 0;
        out->n += (size_t)n;
        if (out->n == FILE_MAX)
            return -EFBIG;
    }
}

static int
read_file(struct str path, struct secret *out)
{
    int fd = open(path.p, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    int e = read_fd(fd, out);
    close(fd);
    return e;
}

/* The file's path, or the text itself after "data:", at this handshake. */
static struct str
name_of(const struct named_certificates *n, const struct ssl_file *f, struct exchange *x)
{
    struct str name = f->name ? template_eval(f->name, x) : f->path;
    if (f->data || str_starts(name, STR("/")))
        return arena_dup(&x->arena, name);
    return arena_join(&x->arena, n->base, name);
}

/* *text is what the name stands for: the text itself, or the file's, then in `file`. */
static bool
read_pem(const struct ssl_file *f, struct str name, const char *what, struct secret *file,
         struct str *text, struct tls_problem *p)
{
    *text = name;
    if (f->data)
        return true;
    int e = read_file(name, file);
    *text = (struct str){ file->p, file->n };
    if (e < 0)
        tls_problem_say(p, "cannot load %s \"" STR_FMT "\": open() failed (%d: %s)", what,
                        STR_ARG(name), -e, strerrordesc_np(-e));
    return e == 0;
}

static struct certificate *
load(const struct named_certificates *n, const struct pair *pair, struct str name,
     struct str key_name, struct tls_problem *p)
{
    __attribute__((cleanup(secret_close))) struct secret pem = { NULL, 0 }, key = { NULL, 0 };
    struct certificate_input in = { .path = pair->certificate->data ? STR("data:") : name,
                                    .key_path = pair->key->data ? STR("data:") : key_name,
                                    .passwords = n->passwords,
                                    .n_passwords = n->n_passwords };
    if (!read_pem(pair->certificate, name, "certificate", &pem, &in.pem, p) ||
        !read_pem(pair->key, key_name, "certificate key", &key, &in.key_pem, p))
        return NULL;
    return certificate_get(&in, p);
}

static struct certificate *
get(struct named_certificates *n, const struct pair *pair, struct exchange *x,
    struct tls_problem *p)
{
    struct str name = name_of(n, pair->certificate, x), key_name = name_of(n, pair->key, x);
    if (n->settings.max == 0 || pair->certificate->data || pair->key->data)
        return load(n, pair, name, key_name, p);
    struct str both =
        arena_printf(&x->arena, STR_FMT "\n" STR_FMT, STR_ARG(name), STR_ARG(key_name));
    pthread_mutex_lock(&n->lock);
    struct certificate *c = find(n, both);
    pthread_mutex_unlock(&n->lock);
    if (c == NULL && (c = load(n, pair, name, key_name, p)) != NULL) {
        pthread_mutex_lock(&n->lock);
        keep(n, both, c);
        pthread_mutex_unlock(&n->lock);
    }
    return c;
}

int
named_certificates_get(struct named_certificates *n, struct exchange *x,
                       struct certificate *out[CERTIFICATES_MAX], struct tls_problem *p)
{
    for (unsigned i = 0; i < n->n; i++) {
        out[i] = get(n, &n->pairs[i], x, p);
        if (out[i])
            continue;
        while (i > 0)
            certificate_drop(out[--i]);
        return -1;
    }
    return (int)n->n;
}
