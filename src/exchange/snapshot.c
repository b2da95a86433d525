/* Compiling a snapshot and counting its holders: each thread holds the one it uses as current, plus
 * those that its exchanges began with. */
#include "exchange/snapshot.h"

#include "base/must.h"
#include "exchange/limits/challenge.h"
#include "exchange/values/regex.h"
#include "exchange/zones/zone.h"

#include <stdatomic.h>
#include <stdlib.h>

static _Atomic unsigned alive;
static _Atomic uint64_t generations;
static __thread struct snapshot *current;

unsigned
snapshot_count(void)
{
    return alive;
}

static struct snapshot *
open_snapshot(void)
{
    struct snapshot *snap = calloc(1, sizeof *snap);
    must(snap != NULL);
    arena_init(&snap->arena, 0);
    sources_init(&snap->sources, &snap->arena);
    alive++;
    return snap;
}

/* As nginx refuses it: most likely the file is just being written, and a reload that took it at
 * its word would close every listener. */
static struct node *
refuse_empty(struct node *root, struct str path, struct diags *d)
{
    if (root->children == NULL && d->errors == 0)
        diag_hint(
            d,
            diag_add(d, LEVEL_EMERG, (struct span){ 0 }, "no \"events\" section in configuration"),
            "\"" STR_FMT "\" holds no directive", STR_ARG(path));
    return root;
}

static struct node *
parse(const struct snapshot_request *r, struct snapshot *snap, struct diags *d)
{
    struct arena *a = &snap->arena;
    if (r->text.p)
        return config_parse_text(
            &snap->sources, sources_add_text(&snap->sources, STR("command line"), r->text), d, a);
    return refuse_empty(config_parse(&snap->sources, r->path, d, a), r->path, d);
}

/* -g: directives that stand before the file's own. */
static void
prepend_directives(const struct snapshot_request *r, struct snapshot *snap, struct diags *d,
                   struct node *root)
{
    struct source *text = sources_add_text(&snap->sources, STR("command line"), r->directives);
    struct node *extra = config_parse_text(&snap->sources, text, d, &snap->arena);
    struct node **end = &extra->children;
    while (*end) {
        (*end)->parent = root;
        end = &(*end)->next;
    }
    *end = root->children;
    root->children = extra->children;
}

static void
init_compile(const struct snapshot_request *r, struct snapshot *snap, struct diags *d)
{
    struct compile *c = &snap->compile;
    compile_init(c, &snap->arena, &snap->sources, d, r->sets);
    c->snapshot = snap;
    c->prefix = arena_dup(&snap->arena, r->prefix);
    const char *slash = r->path.n ? memrchr(r->path.p, '/', r->path.n) : NULL;
    c->conf_dir = slash ? arena_dup(&snap->arena, str_between(r->path.p, slash + 1)) : c->prefix;
    challenge_prepare();
    variable_table_init(&snap->variables, &snap->arena);
    variable_table_add_core(&snap->variables);
    for (unsigned i = 0; features[i]; i++)
        if (features[i]->variables)
            variable_table_add(&snap->variables, features[i]->variables);
}

/* Every address must have a server; those without any listen in http have none at all. */
static void
finish(struct snapshot *snap)
{
    snap->n_variables = snap->variables.n_indexed;
    snap->upstreams = upstream_table_of(&snap->compile);
}

struct snapshot *
snapshot_compile(const struct snapshot_request *r, struct diags *d)
{
    struct snapshot *snap = open_snapshot();
    diags_init(d, &snap->arena);
    if (r->sources)
        sources_copy(&snap->sources, r->sources);
    struct node *root = parse(r, snap, d);
    if (r->directives.n)
        prepend_directives(r, snap, d, root);
    init_compile(r, snap, d);
    compile_run(&snap->compile, root);
    finish(snap);
    snap->generation = ++generations;
    return snap;
}

void
snapshot_free(struct snapshot *s)
{
    must(s->holds == 0);
    if (s->upstreams)
        upstream_table_fini(s->upstreams);
    regexes_free(&s->compile);
    compile_fini(&s->compile);
    sources_wipe(&s->sources);
    struct arena a = s->arena;
    arena_fini(&a);
    free(s);
    alive--;
}

const struct listen_address *
snapshot_listen(const struct snapshot *s, struct str text)
{
    for (unsigned i = 0; i < s->n_listens; i++)
        if (str_eq(s->listens[i]->text, text))
            return s->listens[i];
    return NULL;
}

static void
drop(struct snapshot *s)
{
    uint64_t generation = s->generation;
    if (atomic_fetch_sub(&s->holds, 1) > 1)
        return;
    snapshot_free(s);
    if (snapshot_count() > 0) /* else there is no log any more */
        log_write(error_log_global(), LEVEL_NOTICE, 0, "snapshot %llu freed",
                  (unsigned long long)generation);
}

/* The thread's hold goes when it neither is current nor has exchanges left. */
static void
leave_if_unused(struct snapshot *s)
{
    if (s == current || s->uses[thread_index] > 0)
        return;
    if (s->upstreams)
        upstream_table_stop(s->upstreams);
    drop(s);
}

void
snapshot_adopt(struct snapshot *s)
{
    struct snapshot *former = current;
    if (s) {
        atomic_fetch_add(&s->holds, 1);
        if (s->upstreams)
            upstream_table_start(s->upstreams);
    }
    if (s && thread_index == 0)
        zones_tell(s);
    current = s;
    if (former)
        leave_if_unused(former);
}

struct snapshot *
snapshot_current(void)
{
    return current;
}

void
snapshot_hold(struct snapshot *s)
{
    atomic_fetch_add(&s->holds, 1);
}

void
snapshot_drop(struct snapshot *s)
{
    drop(s);
}

void
snapshot_use(struct snapshot *s)
{
    s->uses[thread_index]++;
}

void
snapshot_unuse(struct snapshot *s)
{
    must(s->uses[thread_index] > 0);
    s->uses[thread_index]--;
    if (s != current)
        leave_if_unused(s);
}
