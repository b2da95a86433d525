/* The location block: modifier and name, its settings, its handlers, its nested blocks. */
#include "exchange/hosts/location_build.h"

#include "exchange/accept_gzip.h"
#include "exchange/files/files.h"
#include "exchange/hosts/handlers.h"
#include "exchange/hosts/location_set.h"
#include "exchange/hosts/server.h"
#include "exchange/rewrite/program.h"

/* The locations of a level while it is compiled hang on their parent as a list. */
struct level {
    struct location **v;
    unsigned n, cap;
    struct map seen; /* kind and name → location, for duplicates */
};

static struct level *
level_open(struct arena *a)
{
    struct level *level = arena_new(a, struct level);
    map_init(&level->seen, a, false);
    return level;
}

static void
append(struct level *level, struct arena *a, struct location *l)
{
    if (level->n == level->cap) {
        struct location **old = level->v;
        level->cap = level->cap ? level->cap * 2 : 8;
        level->v = arena_array(a, struct location *, level->cap);
        if (level->n)
            memcpy(level->v, old, level->n * sizeof *old);
    }
    level->v[level->n++] = l;
}

static bool
is_modifier(struct str word)
{
    return str_eq(word, STR("=")) || str_eq(word, STR("^~")) || str_eq(word, STR("~")) ||
           str_eq(word, STR("~*"));
}

/* Splits "=/x", "~*\.php$" and the like; the modifier may stand in a word of its own. */
static bool
parse_name(struct setting *s, struct location *l, struct str *modifier)
{
    struct str first = setting_arg(s, 1);
    if (s->node->n == 3) {
        *modifier = first;
        l->name = setting_arg(s, 2);
        return is_modifier(first) ||
               setting_error(s, 1, "invalid location modifier \"" STR_FMT "\"", STR_ARG(first));
    }
    size_t n = str_starts(first, STR("="))    ? 1
               : str_starts(first, STR("^~")) ? 2
               : str_starts(first, STR("~*")) ? 2
               : str_starts(first, STR("~"))  ? 1
                                              : 0;
    *modifier = str_head(first, n);
    l->name = str_skip(first, n);
    return true;
}

static bool
set_kind(struct setting *s, struct location *l, struct str modifier)
{
    if (modifier.n == 0)
        l->kind = l->name.n && l->name.p[0] == '@' ? LOCATION_NAMED : LOCATION_PREFIX;
    else if (str_eq(modifier, STR("=")))
        l->kind = LOCATION_EXACT;
    else if (str_eq(modifier, STR("^~")))
        l->kind = LOCATION_PREFIX_FINAL;
    else {
        l->kind = LOCATION_REGEX;
        l->regex = regex_compile(s, s->node->n - 1, l->name, modifier.n == 2);
        return l->regex != NULL;
    }
    return true;
}

/* What may stand in what. */
static bool
fits(struct setting *s, const struct location *l, const struct location *parent)
{
    bool is_static =
        l->kind == LOCATION_PREFIX || l->kind == LOCATION_PREFIX_FINAL || l->kind == LOCATION_EXACT;
    if (parent->kind == LOCATION_ROOT)
        return true;
    if (parent->kind == LOCATION_EXACT || parent->kind == LOCATION_NAMED)
        return setting_error(
            s, 0, "location \"" STR_FMT "\" cannot be inside the %s location \"" STR_FMT "\"",
            STR_ARG(l->name), parent->kind == LOCATION_EXACT ? "exact" : "named",
            STR_ARG(parent->name));
    if (l->kind == LOCATION_NAMED)
        return setting_error(s, 0, "named location \"" STR_FMT "\" can be on the server level only",
                             STR_ARG(l->name));
    if (is_static && !str_starts(l->name, parent->name))
        return setting_error(s, 0, "location \"" STR_FMT "\" is outside location \"" STR_FMT "\"",
                             STR_ARG(l->name), STR_ARG(parent->name));
    return true;
}

static bool
is_new(struct setting *s, const struct location *l, struct map *seen)
{
    if (l->kind == LOCATION_REGEX)
        return true;
    enum location_kind kind = l->kind == LOCATION_PREFIX_FINAL ? LOCATION_PREFIX : l->kind;
    struct str key = arena_printf(s->compile->arena, "%d" STR_FMT, kind, STR_ARG(l->name));
    if (map_try(seen, key) == NULL)
        map_put(seen, key, (void *)l);
    else if (l->kind == LOCATION_NAMED) /* nginx says nothing: the first answers */
        setting_warn(s, 0, "duplicate location \"" STR_FMT "\", ignored", STR_ARG(l->name));
    else
        return setting_error(s, 0, "duplicate location \"" STR_FMT "\"", STR_ARG(l->name));
    return true;
}

static void
take_settings(struct location *l, struct scope *s)
{
    l->settings = s->settings;
    l->core = scope_settings(s, &core_directives);
    l->access = scope_settings(s, &access_directives);
    l->http2 = scope_settings(s, &http2_directives);
    l->gzip = scope_settings(s, &gzip_directives);
    l->files = scope_settings(s, &file_directives);
    l->error_log = error_log_of(s);
    l->program = l->kind == LOCATION_ROOT ? NULL : program_of(s); /* the server's has run */
    l->node = s->node;
    l->span = s->node->words[0].span;
}

static void
name_it(struct setting *s, struct location *l)
{
    struct virtual_server *server = (struct virtual_server *)l->server;
    if (l->kind != LOCATION_NAMED)
        return;
    if (server->named == NULL) {
        server->named = arena_new(s->compile->arena, struct map);
        map_init(server->named, s->compile->arena, false);
    }
    if (map_try(server->named, l->name) == NULL)
        map_put(server->named, l->name, l);
}

bool
location_open(struct setting *s)
{
    struct compile *c = s->compile;
    struct server_build *b = scope_enclosing(s->scope, IN_SERVER)->object;
    struct location *parent = s->scope->context == IN_SERVER ? b->server->root : s->scope->object;
    struct location *l = arena_new(c->arena, struct location);
    struct str modifier;
    l->server = b->server;
    l->parent = parent;
    if (!parse_name(s, l, &modifier) || !set_kind(s, l, modifier) || !fits(s, l, parent) ||
        !is_new(s, l, &parent->level->seen))
        return false;
    append(parent->level, c->arena, l);
    l->level = level_open(c->arena);
    struct scope *scope = scope_open(s->scope, s->node, IN_LOCATION, l);
    scope_run_simple(scope);
    take_settings(l, scope);
    name_it(s, l);
    calls_of_location(scope, l);
    if (l->content.feature && !l->content.feature->content_stays && l->kind != LOCATION_REGEX &&
        l->name.n && l->name.p[l->name.n - 1] == '/')
        l->redirect_slash = l->name;
    scope_run_blocks(scope);
    location_build_finish(l, c->arena);
    return true;
}

/* A block within a location, whose settings hold in its place under some condition. */
static struct scope *
open_variant(struct scope *outer, const struct node *node, enum location_kind kind,
             struct location **out)
{
    struct location *l = arena_new(outer->compile->arena, struct location);
    const struct location *around = outer->object;
    *l = (struct location){ .kind = kind,
                            .name = around->name,
                            .regex = around->regex,
                            .server = around->server,
                            .parent = (struct location *)around };
    struct scope *scope =
        scope_open(outer, node, kind == LOCATION_IF ? IN_LOCATION_IF : IN_LIMIT_EXCEPT, l);
    scope_run_simple(scope);
    bool stays = kind == LOCATION_EXCEPT && around->content.feature &&
                 around->content.feature->content_stays;
    if (l->content.feature == NULL && !stays)
        l->content = around->content;
    take_settings(l, scope);
    calls_of_location(scope, l);
    scope_run_blocks(scope);
    *out = l;
    return scope;
}

struct scope *
location_open_if(struct scope *outer, const struct node *node, struct location **out)
{
    return open_variant(outer, node, LOCATION_IF, out);
}

void
location_open_except(struct scope *outer, const struct node *node, uint32_t methods)
{
    struct location *around = outer->object;
    around->methods = methods;
    open_variant(outer, node, LOCATION_EXCEPT, &around->except);
}

void
location_build_root(struct scope *s, struct virtual_server *server)
{
    struct location *l = arena_new(s->compile->arena, struct location);
    *l = (struct location){ .kind = LOCATION_ROOT,
                            .name = STR(""),
                            .server = server,
                            .level = level_open(s->compile->arena) };
    server->root = l;
    l->content = ((struct server_build *)s->object)->content;
    take_settings(l, s);
    calls_of_location(s, l);
}

void
location_build_finish(struct location *l, struct arena *a)
{
    if (l->level->n)
        l->inner = location_set_build(a, l->level->v, l->level->n);
    l->level = NULL;
}

bool
location_set_content(struct setting *s, const struct feature *f, const void *settings)
{
    bool in_server = s->scope->context == IN_SERVER;
    struct call *content = in_server ? &((struct server_build *)s->scope->object)->content
                                     : &((struct location *)s->scope->object)->content;
    if (content->feature)
        return setting_error(s, 0, "\"" STR_FMT "\" directive is duplicate",
                             STR_ARG(setting_arg(s, 0)));
    *content = (struct call){ f, settings };
    return true;
}
