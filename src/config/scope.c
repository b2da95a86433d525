/* Scopes: one settings struct a set, shared with the parent until something is set. */
#include "config/scope.h"

#include "base/must.h"
#include "config/check.h"

/* A block that waits for the directives beside it. */
struct pending {
    struct pending *next;
    const struct node *node;
    struct row *row; /* NULL: run is called instead */
    void (*run)(struct scope *s, void *arg);
    void *arg;
};

struct scope *
scope_open(struct scope *parent, const struct node *node, enum context context, void *object)
{
    struct compile *c = parent->compile;
    struct scope *s = arena_new(c->arena, struct scope);
    s->compile = c;
    s->parent = parent;
    s->node = node;
    s->context = context;
    s->object = object;
    s->serial = ++c->serial;
    s->settings = arena_array(c->arena, void *, c->n_sets + 1);
    memcpy(s->settings, parent->settings, c->n_sets * sizeof(s->settings[0]));
    return s;
}

struct scope *
scope_enclosing(struct scope *s, unsigned contexts)
{
    while (s && !(s->context & contexts))
        s = s->parent;
    return s;
}

const void *
scope_settings(const struct scope *s, const struct directive_set *set)
{
    return s->settings[rows_of_set(s->compile, set)->index];
}

static bool
owns(const struct scope *s, unsigned index)
{
    return s->parent == NULL || s->settings[index] != s->parent->settings[index];
}

static void *
own(struct scope *s, unsigned index)
{
    size_t size = s->compile->sets[index]->settings_size;
    if (owns(s, index) || size == 0)
        return s->settings[index];
    void *copy = arena_get(s->compile->arena, size);
    memcpy(copy, s->settings[index], size);
    return s->settings[index] = copy;
}

void *
scope_settings_own(struct scope *s, const struct directive_set *set)
{
    return own(s, rows_of_set(s->compile, set)->index);
}

/* Every argument through the row's type. */
static bool
set_field(struct setting *setting)
{
    const struct value_type *type = setting->row->field.type;
    bool fine = true;
    for (unsigned i = 1; type && i < setting->node->n; i++)
        fine = type->parse(setting, setting->node->words[i], setting->field) && fine;
    return fine;
}

bool
scope_apply(struct scope *s, const struct node *node, struct row *row)
{
    const struct directive *directive = row->directive;
    const struct field_place *field = &directive->field;
    bool opens_scope = (directive->flags & BLOCK) && !(directive->flags & RAW);
    bool apart = (opens_scope && field->size == 0) || (directive->flags & SETTINGS_APART);
    unsigned index = row->set_index;
    struct setting setting = { s->compile, s, directive, node, NULL, NULL };
    setting.settings = apart ? s->settings[index] : own(s, index);
    setting.field = (char *)setting.settings + field->offset;
    bool additive = directive->flags & (MANY | CHOICES_ADD);
    if (additive && field->size && row->field_owner->emptied != s->serial) {
        memset(setting.field, 0, field->size);
        row->field_owner->emptied = s->serial;
    }
    return directive->set ? directive->set(&setting) : set_field(&setting);
}

static void
complete(struct scope *s)
{
    for (unsigned i = 0; i < s->compile->n_sets; i++) {
        const struct directive_set *set = s->compile->sets[i];
        if (set->complete && owns(s, i))
            set->complete(s, s->settings[i]);
    }
}

static struct pending *
add_pending(struct scope *s)
{
    struct pending *later = arena_new(s->compile->arena, struct pending);
    *s->pending_end = later;
    s->pending_end = &later->next;
    return later;
}

/* A directive is checked and, unless it opens a scope, applied. */
static void
take(struct scope *s, const struct node *node, struct row *row)
{
    unsigned flags = row->directive->flags;
    if (!(flags & BLOCK) || (flags & RAW)) {
        scope_apply(s, node, row);
        return;
    }
    *add_pending(s) = (struct pending){ .node = node, .row = row };
}

void
scope_after(struct scope *s, void (*run)(struct scope *s, void *arg), void *arg)
{
    *add_pending(s) = (struct pending){ .run = run, .arg = arg };
}

/* Half of a directive in which a ";" was forgotten. */
static const struct node *
part(struct scope *s, const struct node *node, unsigned from, unsigned to)
{
    struct node *half = arena_new(s->compile->arena, struct node);
    *half = *node;
    half->words = node->words + from;
    half->n = to - from;
    if (to == node->n)
        return half;
    half->block = false;
    half->children = NULL;
    half->end = half->words[half->n - 1].span;
    return half;
}

/* The first half; what is wrong with its name or place was said of the whole. */
static void
take_half(struct scope *s, const struct node *half)
{
    unsigned ignored;
    struct row *row = rows_try(s->compile, half->words[0].text, s->context);
    if (row && (row = scope_check(s, half, &ignored)))
        take(s, half, row);
}

void
scope_run_simple(struct scope *s)
{
    s->pending_end = &s->pending;
    for (const struct node *child = s->node->children; child; child = child->next) {
        const struct node *node = child;
        unsigned next;
        struct row *row;
        while ((row = scope_check(s, node, &next)) == NULL && next) {
            take_half(s, part(s, node, 0, next));
            node = part(s, node, next, node->n);
            if (rows_try(s->compile, node->words[0].text, s->context) == NULL)
                break; /* whose it is shows when the first half has its end */
        }
        if (row)
            take(s, node, row);
    }
    complete(s);
}

void
scope_run_blocks(struct scope *s)
{
    must(s->pending_end != NULL);
    for (const struct pending *later = s->pending; later; later = later->next)
        if (later->row)
            scope_apply(s, later->node, later->row);
        else
            later->run(s, later->arg);
}

void
scope_run(struct scope *s)
{
    scope_run_simple(s);
    scope_run_blocks(s);
}
