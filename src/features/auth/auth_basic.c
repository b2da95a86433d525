/* auth_basic: user name and password (RFC 7617), from a file that is asked about its age at each
 * request.
 *
 * Slow hashes are computed in off-load threads, at most BUSY_MAX at once: who guesses passwords
 * must not hold up handshakes, which need these threads too. Each thread has LANES for its
 * requests: the same password is in the same lane, so that those behind the first find it among the
 * recent successes. An unknown user costs as much as a known one. */
#include "base/thread.h"
#include "exchange/auth/credentials.h"
#include "exchange/auth/password_cache.h"
#include "exchange/auth/password_check.h"
#include "exchange/auth/password_file.h"
#include "exchange/auth/satisfy.h"
#include "exchange/feature.h"
#include "exchange/snapshot.h"
#include "exchange/trace.h"
#include "fiber/offload.h"
#include "fiber/sync.h"

#include <errno.h>
#include <stdatomic.h>

struct settings {
    const struct template *realm, *file; /* file NULL: nobody is asked */
    uint64_t cache_ms;                   /* 0: off */
};

enum { LANES = 2, QUEUE_MAX = 64, BUSY_MAX = 2, TURN_MS = 3 };

/* --- the directives --- */

static bool
set_file(struct setting *s)
{
    const struct template **file = s->field;
    struct str path = setting_arg(s, 1);
    bool plain = str_find(path, '$') < 0;
    *file = template_compile(s, 1, plain ? compile_conf_path(s->compile, path) : path);
    return *file != NULL;
}

static bool
set_cache(struct setting *s)
{
    uint64_t *ms = s->field;
    struct str text = setting_arg(s, 1);
    *ms = 0;
    return str_eq(text, STR("off")) || parse_msec(text, ms) ||
           setting_error(s, 1, "\"auth_basic_cache\" directive invalid value");
}

#define EVERYWHERE (IN_HTTP | IN_SERVER | IN_LOCATION | IN_LIMIT_EXCEPT)

static const struct directive directives[] = {
    { "auth_basic", FIELD(struct settings, realm), EVERYWHERE, .initial = "off",
      .syntax = "string | off", .example = "auth_basic \"closed site\";",
      .help = "Asks for user name and password; the string is the realm that browsers show. May "
              "have variables." },
    { "auth_basic_user_file", PLACE(struct settings, file), EVERYWHERE, .set = set_file,
      .syntax = "file", .example = "auth_basic_user_file htpasswd;",
      .help = "Users and passwords, \"user:password\" a line. Passwords as htpasswd and crypt(3) "
              "store them: bcrypt, yescrypt, SHA-2, $apr1$, {SHA}, {SSHA}, {PLAIN}. A change "
              "counts at once. May have variables; relative to the configuration's directory." },
    { "auth_basic_cache", PLACE(struct settings, cache_ms), EVERYWHERE, .set = set_cache,
      .initial = "1m", .syntax = "time | off",
      .help = "How long a password that was right, and whose hash is slow, is not computed again. "
              "Only a keyed digest is kept, in memory; a change of the file counts at once." },
    { 0 },
};

static bool
is_used(const void *settings)
{
    const struct settings *my = settings;
    return my->file &&
           !(template_is_plain(my->realm) && str_eq(template_plain(my->realm), STR("off")));
}

/* --- slow passwords --- */

struct lane {
    struct fiber_mutex mutex;
    bool ready;
    unsigned waiting;
};

static struct lane lanes[THREADS_MAX][LANES];

static _Atomic unsigned busy; /* off-load threads with a password, of all threads' */

struct job {
    struct str stored, password;
    bool matches;
};

static void
run_job(void *arg)
{
    struct job *j = arg;
    j->matches = password_matches(j->stored, j->password);
}

static struct lane *
lane_of(const struct password_key *k)
{
    struct lane *l = &lanes[thread_index][k->v[1] % LANES];
    if (!l->ready)
        fiber_mutex_init(&l->mutex);
    l->ready = true;
    return l;
}

/* Between the threads of a process; a thread alone has no more lanes than there are turns. */
static int
take_turn(void)
{
    unsigned n = atomic_load(&busy);
    for (;;) {
        if (n < BUSY_MAX && atomic_compare_exchange_weak(&busy, &n, n + 1))
            return 0;
        if (n < BUSY_MAX)
            continue;
        int r = fiber_sleep(TURN_MS);
        if (r < 0)
            return r;
        n = atomic_load(&busy);
    }
}

static int
run_slow(struct job *j)
{
    int r = take_turn();
    if (r < 0)
        return r;
    offload(run_job, j);
    atomic_fetch_sub(&busy, 1);
    return 0;
}

/* Waits for its turn; someone before may have had the same password. 1: it is right, 0: it is not,
 * -errno: it cannot be known. */
static int
compute(struct lane *l, const struct password_key *k, struct job *j, uint64_t cache_ms)
{
    int r = fiber_mutex_lock(&l->mutex, NEVER);
    if (r < 0)
        return r;
    j->matches = cache_ms && password_cache_has(k);
    if (!j->matches) {
        r = run_slow(j);
        if (j->matches && cache_ms)
            password_cache_add(k, cache_ms);
    }
    fiber_mutex_unlock(&l->mutex);
    return r < 0 ? r : j->matches;
}

static int
check_slow(struct exchange *x, struct str user, struct job *j, uint64_t cache_ms)
{
    struct password_key key = password_key_of(j->stored, user, j->password);
    struct lane *l = lane_of(&key);
    if (cache_ms && password_cache_has(&key))
        return 1;
    if (x->client_gone)
        return -ECANCELED;
    if (l->waiting >= QUEUE_MAX)
        return -EBUSY;
    struct fiber *before = x->cancel_on_gone;
    x->cancel_on_gone = fiber_self();
    l->waiting++;
    int r = compute(l, &key, j, cache_ms);
    l->waiting--;
    x->cancel_on_gone = before;
    return r;
}

/* --- the request --- */

static enum verdict
ask(struct exchange *x, struct str realm)
{
    struct str value = arena_printf(&x->arena, "Basic realm=\"" STR_FMT "\"", STR_ARG(realm));
    fields_set(&x->response.fields, HEADER_WWW_AUTHENTICATE, value);
    return status_only(x, 401);
}

static enum verdict
fail_file(struct exchange *x, int error, const char *call, struct str path)
{
    exchange_log(x, error == ENOENT ? LEVEL_ERROR : LEVEL_CRIT, error, "%s \"" STR_FMT "\" failed",
                 call, STR_ARG(path));
    return status_only(x, error == ENOENT ? 403 : 500);
}

/* A value without a NUL at its end, maybe, and relative, maybe. */
static struct str
path_of(struct exchange *x, const struct template *file)
{
    struct str path = template_eval(file, x), dir = x->snapshot->compile.conf_dir;
    bool absolute = path.n && path.p[0] == '/';
    return arena_join(&x->arena, absolute ? STR("") : dir, path);
}

struct claim {
    struct str user, realm, path;
    bool known;
};

static enum verdict
decide(struct exchange *x, const struct claim *c, int result)
{
    if (result == -EBUSY) {
        exchange_log(x, LEVEL_ERROR, 0, "too many passwords wait for being checked");
        return status_only(x, 503);
    }
    if (result < 0)
        return fail(x, FAULT_CLIENT_GONE, "%s", "");
    if (result && c->known) {
        access_grant(x);
        return PASS;
    }
    if (c->known)
        exchange_log(x, LEVEL_ERROR, 0, "user \"" STR_FMT "\": password mismatch",
                     STR_ARG(c->user));
    else
        exchange_log(x, LEVEL_ERROR, 0, "user \"" STR_FMT "\" was not found in \"" STR_FMT "\"",
                     STR_ARG(c->user), STR_ARG(c->path));
    return ask(x, c->realm);
}

static enum verdict
check(struct exchange *x, const void *settings)
{
    const struct settings *my = settings;
    const struct password_file *file;
    const char *call;
    struct claim c = { .realm = template_eval(my->realm, x) };
    struct job j = { .matches = false };
    if (str_eq(c.realm, STR("off")))
        return PASS;
    if (!credentials_basic(x, &c.user, &j.password)) {
        exchange_log(x, LEVEL_INFO, 0, "no user/password was provided for basic authentication");
        return ask(x, c.realm);
    }
    c.path = path_of(x, my->file);
    int r = password_file_open(c.path, &file, &call);
    if (r < 0)
        return fail_file(x, -r, call, c.path);
    struct str stored = password_file_find(file, c.user);
    c.known = stored.p != NULL;
    j.stored = arena_dup(&x->arena, c.known ? stored : password_file_any(file));
    if (password_is_slow(j.stored))
        return decide(x, &c, check_slow(x, c.user, &j, c.known ? my->cache_ms : 0));
    return decide(x, &c, password_matches(j.stored, j.password));
}

static enum verdict
explain(struct exchange *x, const void *settings)
{
    const struct settings *my = settings;
    struct str user, password, realm = template_eval(my->realm, x);
    if (str_eq(realm, STR("off")))
        return PASS;
    bool said = credentials_basic(x, &user, &password);
    if (!said)
        trace_say(x, "", NULL,
                  "asks for a password, realm \"" STR_FMT
                  "\": say it with -H 'Authorization: Basic ...'",
                  STR_ARG(realm));
    enum verdict v = check(x, settings);
    if (said && v == PASS)
        trace_say(x, "", NULL, "the password of \"" STR_FMT "\" is right", STR_ARG(user));
    return v;
}

const struct feature auth_basic = {
    .name = "auth_basic",
    .phase = PHASE_AUTH,
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .used = is_used,
    .on_request = check,
    .explain = explain,
};
