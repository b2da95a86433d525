/* A broken certificate is its own site's trouble: the others are served, unless `strict`. */
#include "exchange/secure/server_certificates.h"

#include "exchange/secure/certificate_settings.h"
#include "exchange/secure/named_certificates.h"
#include "exchange/secure/ssl_file.h"

struct loading {
    struct compile *compile;
    const struct server_build *server;
    const struct ssl_settings *settings;
    const struct certificate_settings *care;
    struct map *checked;
    struct tls_server *out;
    struct str *passwords;
    unsigned n_passwords;
};

static bool
load_passwords(struct loading *l)
{
    struct str text, line;
    if (!ssl_file_load(l->compile, l->settings->passwords, &text))
        return false;
    for (size_t i = 0; i < text.n; i++)
        l->n_passwords += text.p[i] == '\n';
    l->passwords = arena_array(l->compile->arena, struct str, l->n_passwords + 1);
    l->n_passwords = 0;
    while (text.n) {
        line = str_cut(&text, '\n');
        if (str_ends(line, STR("\r")))
            line.n--;
        if (line.n)
            l->passwords[l->n_passwords++] = line;
    }
    return true;
}

/* --- what is said of them --- */

/* True: the rest of the configuration may stand. */
static bool
say_broken(struct loading *l, const struct ssl_file *f, const char *why)
{
    bool strict = l->care->strict;
    struct diag *d =
        diag_add(l->compile->diags, strict ? LEVEL_EMERG : LEVEL_WARN, f->span, "%s", why);
    l->out->broken = true;
    if (!strict)
        diag_hint(l->compile->diags, d,
                  "handshakes for this server are refused until it is mended; at a reload, what "
                  "was read before stays in use");
    return !strict;
}

static void
mark_broken(struct loading *l, const struct ssl_file *f)
{
    if (!f->data)
        sources_mark_broken(l->compile->sources, f->path);
}

struct telling {
    struct compile *compile;
    struct span span;
};

static void
warn(void *arg, struct str sentence)
{
    const struct telling *t = arg;
    diag_add(t->compile->diags, LEVEL_WARN, t->span, STR_FMT, STR_ARG(sentence));
}

static void
check_names(struct loading *l, struct certificate *c, struct telling *t)
{
    enum { NAMES = 64 };
    struct str names[NAMES];
    unsigned n = 0;
    const struct server_name *name = l->server->names;
    for (; name && n < NAMES; name = name->next)
        names[n++] = name->regex ? STR("~") : name->name;
    if (name == NULL)
        certificate_check_names(c, names, n, warn, t);
}

/* Of the certificate itself, once, however many servers have it. */
static void
check(struct loading *l, const struct ssl_file *f, struct certificate *c)
{
    struct telling t = { l->compile, f->span };
    struct str key = { (const char *)c->digest, sizeof c->digest };
    if (map_put(l->checked, key, c) == NULL)
        certificate_check(c, (time_t)(clock_wall_us() / 1000000), warn, &t);
    check_names(l, c, &t);
}

/* --- loading --- */

static bool
read_pem(struct loading *l, const struct ssl_file *f, const char *what, struct str *out,
         struct tls_problem *p)
{
    int error = 0;
    *out = f->path;
    if (f->data)
        return true;
    const struct source *s = sources_open_data(l->compile->sources, f->path, &error);
    if (s)
        *out = s->text;
    else
        tls_problem_say(p, "cannot load %s \"" STR_FMT "\": open() failed (%d: %s)", what,
                        STR_ARG(f->path), error, strerrordesc_np(error));
    return s != NULL;
}

static struct str
path_of(const struct ssl_file *f)
{
    return f->data ? STR("data:") : f->path;
}

static struct certificate *
load_pair(struct loading *l, const struct ssl_file *f, const struct ssl_file *key,
          struct tls_problem *p)
{
    struct certificate_input in = { .path = path_of(f),
                                    .key_path = path_of(key),
                                    .passwords = l->passwords,
                                    .n_passwords = l->n_passwords };
    if (!read_pem(l, f, "certificate", &in.pem, p) ||
        !read_pem(l, key, "certificate key", &in.key_pem, p))
        return NULL;
    return certificate_get(&in, p);
}

static bool
load_one(struct loading *l, const struct ssl_file *f, const struct ssl_file *key)
{
    struct tls_problem problem;
    struct certificate *c = load_pair(l, f, key, &problem);
    if (c == NULL) {
        mark_broken(l, f);
        mark_broken(l, key);
        return say_broken(l, f, problem.text);
    }
    l->out->certificates[l->out->n_certificates++] = c;
    check(l, f, c);
    return true;
}

static bool
has_variables(const struct ssl_settings *s)
{
    bool found = false;
    for (const struct ssl_file *f = s->certificates.first; f; f = f->next)
        found |= f->name != NULL;
    for (const struct ssl_file *f = s->keys.first; f; f = f->next)
        found |= f->name != NULL;
    return found;
}

/* Each certificate has its key, in order. Returns how many pairs there are, -1 when not. */
static int
count_pairs(struct loading *l)
{
    const struct ssl_file *f = l->settings->certificates.first, *key = l->settings->keys.first;
    int n = 0;
    for (; f && key; f = f->next, key = key->next)
        n++;
    if (f) {
        diag_add(l->compile->diags, LEVEL_EMERG, f->span,
                 "no \"ssl_certificate_key\" is defined for certificate \"" STR_FMT "\"",
                 STR_ARG(f->text));
        return -1;
    }
    if (n <= CERTIFICATES_MAX)
        return n;
    diag_add(l->compile->diags, LEVEL_EMERG, l->settings->certificates.first->span,
             "a server has at most %d certificates", CERTIFICATES_MAX);
    return -1;
}

static void
watch_list(struct sources *s, const struct ssl_file *f)
{
    for (; f; f = f->next)
        if (!f->data)
            sources_watch(s, f->path);
}

static void
watch(const struct loading *l)
{
    const struct ssl_settings *s = l->settings;
    struct sources *sources = l->compile->sources;
    watch_list(sources, s->certificates.first);
    watch_list(sources, s->keys.first);
    watch_list(sources, s->ticket_keys.first);
    watch_list(sources, s->passwords);
    watch_list(sources, s->client_certificate);
    watch_list(sources, s->trusted_certificate);
    watch_list(sources, s->crl);
}

static bool
load_all(struct loading *l, unsigned n)
{
    const struct ssl_settings *s = l->settings;
    const struct ssl_file *key = s->keys.first;
    bool fine = true;
    l->out->certificates = arena_array(l->compile->arena, struct certificate *, n);
    for (const struct ssl_file *f = s->certificates.first; f; f = f->next, key = key->next)
        fine = load_one(l, f, key) && fine;
    return fine;
}

bool
server_certificates_load(struct compile *c, const struct server_build *server,
                         const struct ssl_settings *settings, struct map *checked,
                         struct tls_server *out)
{
    struct loading l = { c,        server,
                         settings, scope_settings(server->scope, &certificate_directives),
                         checked,  out,
                         NULL,     0 };
    int n = count_pairs(&l);
    bool fine = n == 0 || (n > 0 && load_passwords(&l));
    if (n > 0 && fine) {
        if (has_variables(settings))
            out->named = named_certificates_open(c, settings, l.passwords, l.n_passwords);
        else
            fine = load_all(&l, (unsigned)n);
    }
    if (l.care->watch)
        watch(&l);
    return fine;
}
