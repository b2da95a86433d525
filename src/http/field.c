/* Field lists, and the table that turns a name into its id. */
#include "http/field.h"

#include "base/must.h"

enum { FIRST_FIELDS = 16 };

void
fields_init(struct fields *f, struct arena *a)
{
    *f = (struct fields){ .arena = a };
}

static void
grow(struct fields *f)
{
    unsigned cap = f->cap ? f->cap * 2 : FIRST_FIELDS;
    struct field *v = arena_raw(f->arena, cap * sizeof *v);
    if (f->n)
        memcpy(v, f->v, f->n * sizeof *v);
    f->v = v;
    f->cap = cap;
}

struct field *
fields_push(struct fields *f, struct str name, struct str value, enum header id)
{
    if (f->n == f->cap)
        grow(f);
    struct field *field = &f->v[f->n++];
    *field = (struct field){ name, value, id };
    return field;
}

struct field *
fields_add(struct fields *f, struct str name, struct str value)
{
    return fields_push(f, name, value, header_id(name));
}

struct field *
fields_add_known(struct fields *f, enum header id, struct str value)
{
    must(id != HEADER_OTHER && id < HEADER_COUNT);
    return fields_push(f, header_name(id), value, id);
}

static bool
is_named(const struct field *field, enum header id, struct str name)
{
    return field->id == id && (id != HEADER_OTHER || str_eq_nocase(field->name, name));
}

/* Removes all fields of that name from index `from` on. */
static void
remove_from(struct fields *f, unsigned from, enum header id, struct str name)
{
    unsigned kept = from;
    for (unsigned i = from; i < f->n; i++)
        if (!is_named(&f->v[i], id, name))
            f->v[kept++] = f->v[i];
    f->n = kept;
}

void
fields_set(struct fields *f, enum header id, struct str value)
{
    struct field *first = fields_find(f, id);
    if (first == NULL) {
        fields_add_known(f, id, value);
        return;
    }
    first->value = value;
    remove_from(f, (unsigned)(first - f->v) + 1, id, STR_NONE);
}

void
fields_remove(struct fields *f, enum header id)
{
    must(id != HEADER_OTHER);
    remove_from(f, 0, id, STR_NONE);
}

void
fields_remove_named(struct fields *f, struct str name)
{
    remove_from(f, 0, header_id(name), name);
}

struct field *
fields_find(const struct fields *f, enum header id)
{
    must(id != HEADER_OTHER);
    for (unsigned i = 0; i < f->n; i++)
        if (f->v[i].id == id)
            return &f->v[i];
    return NULL;
}

struct field *
fields_find_named(const struct fields *f, struct str name)
{
    enum header id = header_id(name);
    for (unsigned i = 0; i < f->n; i++)
        if (is_named(&f->v[i], id, name))
            return &f->v[i];
    return NULL;
}

struct str
fields_value(const struct fields *f, enum header id)
{
    struct field *field = fields_find(f, id);
    return field ? field->value : STR_NONE;
}

struct str
fields_joined(const struct fields *f, struct str name, struct str separator, struct arena *a)
{
    enum header id = header_id(name);
    struct str joined = STR_NONE;
    for (unsigned i = 0; i < f->n; i++) {
        if (!is_named(&f->v[i], id, name))
            continue;
        joined = joined.p == NULL ? f->v[i].value
                                  : arena_join(a, arena_join(a, joined, separator), f->v[i].value);
    }
    return joined;
}

static bool
is_spelled(struct str name, struct str underscored)
{
    if (name.n != underscored.n)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i] == '-' ? '_' : byte_lower(name.p[i]);
        if (c != byte_lower(underscored.p[i]))
            return false;
    }
    return true;
}

struct field *
fields_find_variable(const struct fields *f, struct str underscored)
{
    for (unsigned i = 0; i < f->n; i++)
        if (is_spelled(f->v[i].name, underscored))
            return &f->v[i];
    return NULL;
}
