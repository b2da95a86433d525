/* The table of variables and their values: names resolve at compile time to refs, values are
 * computed at the first use and kept in x->values unless volatile. */
#include "exchange/values/variable.h"

#include "base/must.h"
#include "exchange/snapshot.h"

/* In x->values: { NULL, 0 } is not asked yet, these are asked and without value, being computed. */
static const struct str absent = { NULL, 1 }, underway = { NULL, 2 };

/* Variables that ask for variables (map) do so on one fiber's stack. */
enum { DEPTH_MAX = 40 };

void
variable_table_init(struct variable_table *t, struct arena *a)
{
    *t = (struct variable_table){ .arena = a };
    map_init(&t->names, a, false);
    map_init(&t->used, a, false);
}

static void
add_prefix(struct variable_table *t, const struct variable *v)
{
    const struct variable **grown =
        arena_array(t->arena, const struct variable *, t->n_prefixes + 1);
    if (t->n_prefixes)
        memcpy(grown, t->prefixes, sizeof *grown * t->n_prefixes);
    grown[t->n_prefixes++] = v;
    t->prefixes = grown;
}

void
variable_table_add(struct variable_table *t, const struct variable *list)
{
    for (const struct variable *v = list; v && v->name; v++)
        if (v->flags & VARIABLE_PREFIX)
            add_prefix(t, v);
        else
            map_put(&t->names, str_of(v->name), (void *)v);
}

const struct variable *const core_variables[] = {
    request_variables,
    connection_variables,
    proxied_variables,
    time_variables,
    response_variables,
    file_variables,
    tls_variables,
    upstream_variables,
    client_certificate_variables,
    NULL,
};

void
variable_table_add_core(struct variable_table *t)
{
    for (const struct variable *const *list = core_variables; *list; list++)
        variable_table_add(t, *list);
}

static struct str
lower(struct arena *a, struct str s)
{
    struct str copy = arena_dup(a, s);
    for (size_t i = 0; i < s.n; i++)
        ((char *)copy.p)[i] = byte_lower(s.p[i]);
    return copy;
}

/* No two prefixes fit one name. */
static const struct variable *
find_prefix(const struct variable_table *t, struct str name)
{
    for (unsigned i = 0; i < t->n_prefixes; i++)
        if (str_starts(name, str_of(t->prefixes[i]->name)))
            return t->prefixes[i];
    return NULL;
}

/* Whole names first, then prefixes. */
static bool
find(struct variable_table *t, struct variable_ref *ref)
{
    const struct variable *prefix = find_prefix(t, ref->name);
    ref->variable = map_try(&t->names, ref->name);
    if (ref->variable == NULL)
        ref->variable = prefix;
    ref->rest = prefix ? str_skip(ref->name, strlen(prefix->name)) : STR_NONE;
    return ref->variable != NULL;
}

/* Is there never a value to keep? */
static bool
is_passing(const struct variable *v)
{
    bool stored = v->compute || ((v->flags & VARIABLE_SETTABLE) && v->set == NULL);
    return (v->flags & VARIABLE_VOLATILE) && !stored;
}

static void
settle(struct variable_table *t, struct variable_ref *ref)
{
    if (ref->variable && is_passing(ref->variable))
        ref->index = -1;
    else if (ref->index < 0)
        ref->index = (int)t->n_indexed++;
}

const struct variable_ref *
variable_reserve(struct variable_table *t, struct str name)
{
    struct str key = lower(t->arena, name);
    struct variable_ref *ref = map_try(&t->used, key);
    if (ref == NULL) {
        ref = arena_new(t->arena, struct variable_ref);
        *ref = (struct variable_ref){ .name = key, .index = -1 };
        map_put(&t->used, key, ref);
    }
    if (ref->variable == NULL) {
        find(t, ref);
        settle(t, ref);
    }
    return ref;
}

bool
variable_resolve(struct variable_table *t, const struct variable_ref *ref)
{
    return variable_reserve(t, ref->name)->variable != NULL;
}

struct str
variable_suggest(const struct variable_table *t, struct str name)
{
    return map_nearest(&t->names, name, name.n <= 3 ? 1 : 2);
}

const struct variable_ref *
variable_use(struct variable_table *t, struct str name)
{
    struct variable_ref sought = { .name = lower(t->arena, name) };
    return find(t, &sought) ? variable_reserve(t, name) : NULL;
}

/* A name of the configuration's own. It goes over a prefix ($arg_x) that has been used already. */
static struct variable *
add_own(struct variable_table *t, struct str key)
{
    struct variable *list = arena_array(t->arena, struct variable, 2);
    list[0] = (struct variable){ .name = key.p,
                                 .flags = VARIABLE_SETTABLE,
                                 .help = "Set by the configuration." };
    variable_table_add(t, list);
    struct variable_ref *used = map_try(&t->used, key);
    if (used) {
        used->variable = NULL;
        variable_reserve(t, key);
    }
    return list;
}

const struct variable_ref *
variable_define(struct variable_table *t, struct str name)
{
    struct str key = lower(t->arena, name);
    const struct variable *known = map_try(&t->names, key);
    if (known == NULL)
        known = add_own(t, key);
    return known->flags & VARIABLE_SETTABLE ? variable_reserve(t, key) : NULL;
}

const struct variable_ref *
variable_define_over(struct variable_table *t, struct str name)
{
    const struct variable_ref *ref = variable_define(t, name);
    const struct variable *prefix = ref ? find_prefix(t, ref->name) : NULL;
    struct variable *own = prefix ? map_try(&t->names, ref->name) : NULL;
    if (own && own->compute == NULL) {
        own->get = prefix->get;
        own->flags |= prefix->flags & VARIABLE_VOLATILE;
    }
    return ref;
}

bool
variable_define_computed(struct setting *s, unsigned word, struct str name,
                         variable_compute *compute, const void *data, unsigned flags)
{
    struct variable_table *t = &((struct snapshot *)s->compile->snapshot)->variables;
    struct str key = lower(t->arena, name);
    struct variable *known = map_try(&t->names, key);
    if (known && !(known->flags & VARIABLE_SETTABLE))
        return setting_error(s, word, "the duplicate \"" STR_FMT "\" variable", STR_ARG(name));
    if (known == NULL || known->get || known->set)
        known = add_own(t, key);
    known->compute = compute;
    known->data = data;
    known->flags = VARIABLE_SETTABLE | flags;
    settle(t, (struct variable_ref *)variable_reserve(t, key));
    return true;
}

static struct str *
slot(struct exchange *x, int index)
{
    if (x->values == NULL)
        x->values = arena_array(&x->arena, struct str, x->snapshot->variables.n_indexed);
    must((unsigned)index < x->snapshot->variables.n_indexed);
    return &x->values[index];
}

static bool
compute(struct exchange *x, const struct variable_ref *ref, struct str *out)
{
    *out = STR("");
    if (ref->variable->get && ref->variable->get(x, ref->rest, out))
        return true;
    *out = STR("");
    if (ref->variable->get)
        return false;
    const struct location *l = x->location ? x->location : x->server->root;
    if (l->core->uninitialized_variable_warn)
        exchange_log(x, LEVEL_WARN, 0, "using uninitialized \"" STR_FMT "\" variable",
                     STR_ARG(ref->name));
    return false;
}

/* What a directive defines may ask for itself. */
static bool
compute_own(struct exchange *x, const struct variable_ref *ref, struct str *kept, struct str *out)
{
    *out = STR("");
    if (x->computing == DEPTH_MAX || kept->n == underway.n) {
        exchange_log(x, LEVEL_ERROR, 0, "cycle while evaluating variable \"" STR_FMT "\"",
                     STR_ARG(ref->name));
        return false;
    }
    x->computing++;
    *kept = underway;
    bool has = ref->variable->compute(x, ref->variable->data, out);
    *kept = STR_NONE;
    x->computing--;
    return has;
}

bool
variable_get(struct exchange *x, const struct variable_ref *ref, struct str *out)
{
    if (ref->index < 0)
        return compute(x, ref, out);
    struct str *kept = slot(x, ref->index);
    if (kept->p == NULL && kept->n != absent.n) {
        bool own = ref->variable->compute != NULL;
        bool has = own ? compute_own(x, ref, kept, out) : compute(x, ref, out);
        if (ref->variable->flags & VARIABLE_VOLATILE)
            return has;
        *kept = !has ? absent : out->p ? *out : STR("");
    }
    bool has = kept->p != NULL;
    *out = has ? *kept : STR("");
    return has;
}

bool
variable_get_named(struct exchange *x, struct str name, struct str *out)
{
    struct variable_table *t = &x->snapshot->variables;
    const struct variable_ref *used = map_try(&t->used, name);
    struct variable_ref ref = { .name = name, .index = -1 };
    *out = STR("");
    if (used && used->variable)
        return variable_get(x, used, out);
    return find(t, &ref) && compute(x, &ref, out);
}

void
variable_store(struct exchange *x, const struct variable_ref *ref, struct str value)
{
    if (ref->variable->set)
        ref->variable->set(x, value);
    else
        *slot(x, ref->index) = value.p ? value : STR("");
}
