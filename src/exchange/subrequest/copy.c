/* A copy is a sub-request that owns all it needs. */
#include "exchange/subrequest/copy.h"

#include "exchange/run.h"
#include "exchange/snapshot.h"
#include "exchange/subrequest/make.h"

/* So many at a time in a thread: a mirror that hangs must not take all memory. */
enum { COPIES_MAX = 1024 };

static __thread unsigned running;

static void
copy_text(struct exchange *x, struct str *s)
{
    if (s->p)
        *s = arena_dup(&x->arena, *s);
}

/* They lie side by side, as $request_uri has them. */
static void
copy_path(struct exchange *x, struct str *path, struct str *args)
{
    if (path->p == NULL)
        return;
    const char *end = args->p ? args->p + args->n : path->p + path->n;
    struct str both = arena_dup(&x->arena, str_between(path->p, end));
    if (args->p)
        args->p = both.p + (args->p - path->p);
    path->p = both.p;
}

static void
copy_client(struct exchange *x)
{
    struct client *client = arena_new(&x->arena, struct client);
    *client = *x->client;
    copy_text(x, &client->peer_text);
    x->client = client;
}

static void
copy_all(struct exchange *x)
{
    struct request_head *r = &x->request;
    struct str *const texts[] = { &x->host,          &x->uri,       &x->args,
                                  &x->buffered_body, &r->line,      &r->target,
                                  &r->scheme,        &r->authority, &r->method_name };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        copy_text(x, texts[i]);
    copy_path(x, &r->path, &r->args);
    for (unsigned i = 0; i < r->fields.n; i++) {
        copy_text(x, &r->fields.v[i].name);
        copy_text(x, &r->fields.v[i].value);
    }
    for (unsigned i = 0; i < x->snapshot->variables.n_indexed; i++)
        copy_text(x, &x->values[i]);
    copy_client(x);
}

static void
leave_parent(struct exchange *x)
{
    struct exchange **at = &x->parent->copies;
    while (*at != x)
        at = &(*at)->next_copy;
    *at = x->next_copy;
}

static void
run(void *arg)
{
    struct exchange *x = arg;
    (void)exchange_prepare(x);
    x->head_sent = true;
    subrequest_end(x);
    if (x->parent)
        leave_parent(x);
    running--;
    exchange_close(x);
}

struct exchange *
copy_start(struct exchange *parent, struct str uri, struct str args, unsigned flags)
{
    if (running >= COPIES_MAX) {
        exchange_log(parent, LEVEL_WARN, 0,
                     "%u copies of requests are under way, none is sent to \"" STR_FMT "\"",
                     running, STR_ARG(uri));
        return NULL;
    }
    struct exchange *x = subrequest_make(parent, uri, args, flags);
    copy_all(x);
    x->next_copy = parent->copies;
    parent->copies = x;
    running++;
    (void)fiber_spawn(run, x);
    return x;
}

void
copy_forget_parent(struct exchange *parent)
{
    for (struct exchange *x = parent->copies; x; x = x->next_copy) {
        x->parent = NULL;
        x->client->conn = NULL;
        x->client->fd = -1;
    }
}
