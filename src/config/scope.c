/* Scopes: one settings struct a set, shared with the parent until something is set. */
#include "config/apply.h"

#include "base/must.h"
#include "config/check.h"

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
    unsigned index = row->set_index;
    struct setting setting = { s->compile, s, directive, node, NULL, NULL };
    setting.settings = opens_scope && field->size == 0 ? s->settings[index] : own(s, index);
    setting.field = (char *)setting.settings + field->offset;
    bool additive = directive->flags & (MANY | CHOICES_ADD);
    if (additive && field->size && row->field_owner->emptied != s->serial) {
        memset(setting.field, 0, field->size);
        row->field_owner->emptied = s->serial;
    }
    return directive->set ? directive->set(&setting) : set_field(&setting);
}

static bool
is_deferred_block(const struct directive *d)
{
    return (d->flags & BLOCK) && !(d->flags & RAW);
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

void
scope_run_simple(struct scope *s)
{
    unsigned n = 0, i = 0;
    for (const struct node *child = s->node->children; child; child = child->next)
        n++;
    s->rows = arena_array(s->compile->arena, struct row *, n + 1);
    for (const struct node *child = s->node->children; child; child = child->next, i++) {
        struct row *row = s->rows[i] = scope_check(s, child);
        if (row && !is_deferred_block(row->directive))
            scope_apply(s, child, row);
    }
    complete(s);
}

void
scope_run_blocks(struct scope *s)
{
    unsigned i = 0;
    must(s->rows != NULL);
    for (const struct node *child = s->node->children; child; child = child->next, i++)
        if (s->rows[i] && is_deferred_block(s->rows[i]->directive))
            scope_apply(s, child, s->rows[i]);
}

void
scope_run(struct scope *s)
{
    scope_run_simple(s);
    scope_run_blocks(s);
}
