/* What the tests of this room share: groups from configuration text, and backends on loopback. */
#pragma once

#include "net/listen.h"
#include "upstream/pool.h"
#include "upstream/table.h"
#include "upstream/view.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

struct groups {
    struct arena arena;
    struct sources sources;
    struct diags diags;
    struct compile compile;
    struct upstream_table *table;
    struct scope *http;
};

static struct groups *open_groups;

static bool
set_http(struct setting *s)
{
    struct scope *scope = scope_open(s->scope, s->node, IN_HTTP, NULL);
    open_groups->http = scope;
    scope_run(scope);
    return true;
}

static const struct directive house_rows[] = {
    { "http", NO_FIELD, IN_MAIN, .help = "h", .syntax = "", .flags = BLOCK, .args_max = ARGS_NONE,
      .set = set_http },
    { 0 },
};
static const struct directive_set house_set = { "house", 8, house_rows, NULL };
static const struct directive_set *const house_sets[] = { &config_directives, &house_set,
                                                          &upstream_directives, NULL };

/* text is what stands in http { }. */
static inline bool
groups_compile(struct groups *g, const char *text)
{
    *g = (struct groups){ 0 };
    open_groups = g;
    arena_init(&g->arena, 0);
    sources_init(&g->sources, &g->arena);
    diags_init(&g->diags, &g->arena);
    struct str all = arena_printf(&g->arena, "http {\n%s\n}", text);
    struct source *source = sources_add_text(&g->sources, STR("/c"), all);
    struct node *root = config_parse_text(&g->sources, source, &g->diags, &g->arena);
    compile_init(&g->compile, &g->arena, &g->sources, &g->diags, house_sets);
    bool good = compile_run(&g->compile, root);
    g->table = upstream_table_of(&g->compile);
    return good;
}

static inline struct upstream *
groups_find(struct groups *g, const char *name)
{
    struct upstream *u = upstream_find(&g->compile, g->http, str_of(name));
    assert_non_null(u);
    return u;
}

static inline void
groups_close(struct groups *g)
{
    upstream_table_fini(g->table);
    arena_fini(&g->arena);
}

/* Compiles and starts; must not be refused. */
static inline struct upstream *
groups_start(struct groups *g, const char *text)
{
    bool good = groups_compile(g, text);
    if (!good)
        print_error("%.*s\n", STR_ARG(g->diags.first->message));
    assert_true(good);
    upstream_table_start(g->table);
    return groups_find(g, "g");
}

static inline void
groups_stop(struct groups *g)
{
    upstream_table_stop(g->table);
    (void)fiber_yield(); /* fibers that were cancelled end */
    groups_close(g);
}

static inline int
listen_on_loopback(struct address *at)
{
    const char *step;
    struct listen_options o = { .backlog = 64, .fastopen = -1, .so_keepalive = -1 };
    assert_true(address_parse(STR("127.0.0.1"), 0, &o.address));
    int fd = listen_open(&o, &step);
    assert_true(fd >= 0);
    at->size = sizeof *at;
    assert_int_equal(getsockname(fd, &at->any, &at->size), 0);
    return fd;
}

/* Picks, reports, and says which: the last digits of the name. */
static inline int
pick_once(struct upstream *u, struct arena *arena, enum attempt_result result)
{
    struct attempt a;
    attempt_init(&a, u, arena);
    int e = attempt_pick(&a, 0);
    if (e < 0)
        return e;
    struct str name = peer_name(a.peer);
    int id = name.p[name.n - 1] - '0';
    attempt_report(&a, result);
    assert_null(a.peer);
    return id;
}

#define IN_LOOP(name, fn)                              \
    static void name(void **state)                     \
    {                                                  \
        assert_int_equal(loop_run_fiber(fn, NULL), 0); \
        assert_int_equal(health_count(), 0);           \
        assert_int_equal(pool_idle_count(), 0);        \
        assert_int_equal(pool_lane_count(), 0);        \
    }
