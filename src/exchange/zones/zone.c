/* Declared zones of a snapshot, and the process's table of their states. */
#include "exchange/zones/zone.h"

#include "base/must.h"
#include "exchange/snapshot.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

struct zone_state {
    struct zone_state *next;
    const struct zone_kind *kind;
    void *state;
    uint64_t size;
    struct str name, key; /* copies, name.p is to be freed */
    unsigned holds;
};

/* Guards the list and all holds. Fork: the supervisor has one thread. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct zone_state *states;

struct zones {
    struct map by_name;
};

/* A use that waits for the end of the text. */
struct use {
    struct setting setting;
    unsigned word;
    const struct zone *zone;
};

static struct zone_state *
make(const struct zone *z)
{
    void *opened = z->kind->open(z);
    if (opened == NULL)
        return NULL;
    struct zone_state *made = calloc(1, sizeof *made);
    char *text = malloc(z->name.n + z->key.n + 1);
    must(made != NULL && text != NULL);
    memcpy(text, z->name.p, z->name.n);
    if (z->key.n)
        memcpy(text + z->name.n, z->key.p, z->key.n);
    *made = (struct zone_state){ .next = states,
                                 .kind = z->kind,
                                 .state = opened,
                                 .size = z->size,
                                 .name = { text, z->name.n },
                                 .key = { text + z->name.n, z->key.n } };
    return states = made;
}

static struct zone_state *
find(struct zone *z)
{
    for (struct zone_state *each = states; each; each = each->next) {
        if (each->kind != z->kind || !str_eq(each->name, z->name))
            continue;
        if (each->size == z->size && str_eq(each->key, z->key))
            return each;
        z->renewed = true;
    }
    return NULL;
}

/* False with errno. */
static bool
hold(struct zone *z)
{
    pthread_mutex_lock(&lock);
    struct zone_state *found = find(z);
    if (found)
        z->renewed = false;
    else
        found = make(z);
    if (found)
        found->holds++;
    pthread_mutex_unlock(&lock);
    z->shared = found;
    z->state = found ? found->state : NULL;
    return found != NULL;
}

static void
drop(struct compile *c, void *arg)
{
    struct zone_state *mine = ((struct zone *)arg)->shared;
    (void)c;
    pthread_mutex_lock(&lock);
    bool last = --mine->holds == 0;
    struct zone_state **at = &states;
    while (last && *at != mine)
        at = &(*at)->next;
    if (last)
        *at = mine->next;
    pthread_mutex_unlock(&lock);
    if (!last)
        return;
    mine->kind->close(mine->state);
    free((char *)mine->name.p);
    free(mine);
}

size_t
zone_count(void)
{
    size_t n = 0;
    pthread_mutex_lock(&lock);
    for (const struct zone_state *each = states; each; each = each->next)
        n++;
    pthread_mutex_unlock(&lock);
    return n;
}

static struct zone *
reserve(struct compile *c, struct str name)
{
    struct snapshot *snap = c->snapshot;
    if (snap->zones == NULL) {
        snap->zones = arena_new(c->arena, struct zones);
        map_init(&snap->zones->by_name, c->arena, false);
    }
    struct zone *z = map_try(&snap->zones->by_name, name);
    if (z == NULL) {
        z = arena_new(c->arena, struct zone);
        z->name = name;
        map_put(&snap->zones->by_name, name, z);
    }
    return z;
}

/* NULL when the name is another kind's. */
static struct zone *
reserve_kind(struct setting *s, unsigned word, const struct zone_kind *kind, struct str name)
{
    struct zone *z = reserve(s->compile, name);
    if (z->kind == NULL)
        z->kind = kind;
    if (z->kind == kind)
        return z;
    setting_error(s, word,
                  "the shared memory zone \"" STR_FMT "\" is already declared for a different use",
                  STR_ARG(name));
    return NULL;
}

bool
zone_parse(struct setting *s, unsigned word, struct str text, struct zone *out)
{
    ptrdiff_t colon = str_find(text, ':');
    struct str size = colon < 0 ? STR("") : str_skip(text, (size_t)colon + 1);
    out->name = colon < 0 ? text : str_head(text, (size_t)colon);
    if (!parse_bytes(size, &out->size))
        return setting_error(s, word, "invalid zone size \"" STR_FMT "\"",
                             STR_ARG(setting_arg(s, word)));
    if (out->size < 8 * (uint64_t)sysconf(_SC_PAGESIZE))
        return setting_error(s, word, "zone \"" STR_FMT "\" is too small",
                             STR_ARG(setting_arg(s, word)));
    return true;
}

/* The text is over: a state for it, unless the text is refused anyhow. */
static void
open_state(struct compile *c, void *arg)
{
    struct use *declared = arg;
    struct zone *z = (struct zone *)declared->zone;
    if (c->diags->errors)
        return;
    if (hold(z))
        compile_finally(c, drop, z);
    else
        setting_error(&declared->setting, declared->word,
                      "zone \"" STR_FMT "\" cannot be made (%d: %s)", STR_ARG(z->name), errno,
                      strerror(errno));
}

static void
defer(struct setting *s, unsigned word, const struct zone *z,
      void (*run)(struct compile *c, void *arg))
{
    struct use *use = arena_new(s->compile->arena, struct use);
    *use = (struct use){ *s, word, z };
    compile_defer(s->compile, run, use);
}

struct zone *
zone_declare(struct setting *s, unsigned word, const struct zone *wanted)
{
    struct zone *z = reserve_kind(s, word, wanted->kind, wanted->name);
    if (z && z->size && z->size != wanted->size) {
        setting_error(s, word,
                      "the size %" PRIu64 " of shared memory zone \"" STR_FMT
                      "\" conflicts with already declared size %" PRIu64,
                      wanted->size, STR_ARG(z->name), z->size);
        return NULL;
    }
    if (z && z->size) {
        setting_error(s, word, "%s \"" STR_FMT "\" is already bound to key \"" STR_FMT "\"",
                      z->kind->directive, STR_ARG(z->name), STR_ARG(z->key));
        return NULL;
    }
    if (z == NULL)
        return NULL;
    z->key = wanted->key;
    z->size = wanted->size;
    z->own = wanted->own;
    defer(s, word, z, open_state);
    return z;
}

static void
check_declared(struct compile *c, void *arg)
{
    struct use *use = arg;
    (void)c;
    if (use->zone->size == 0)
        setting_error(&use->setting, use->word, "zero size shared memory zone \"" STR_FMT "\"",
                      STR_ARG(use->zone->name));
}

const struct zone *
zone_use(struct setting *s, unsigned word, const struct zone_kind *kind, struct str name)
{
    struct zone *z = reserve_kind(s, word, kind, name);
    if (z)
        defer(s, word, z, check_declared);
    return z;
}

void
zones_tell(const struct snapshot *s)
{
    if (s->zones == NULL)
        return;
    for (struct map_entry *e = map_next(&s->zones->by_name, NULL); e;
         e = map_next(&s->zones->by_name, e)) {
        const struct zone *z = e->value;
        if (z->renewed)
            log_write(error_log_global(), LEVEL_NOTICE, 0,
                      "%s \"" STR_FMT "\" begins anew: its key or size has changed",
                      z->kind->directive, STR_ARG(z->name));
    }
}
