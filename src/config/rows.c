/* The index of all rows, built once per compilation from the sets. */
#include "config/rows.h"

#include "base/must.h"

static struct str
pointer_key(const struct directive_set *const *set)
{
    return (struct str){ (const char *)set, sizeof(*set) };
}

static void
add_name(struct compile *c, struct row *row)
{
    struct str name = str_of(row->directive->name);
    struct row *known = map_try(&c->rows, name);
    if (known == NULL) {
        map_put(&c->rows, name, row);
        return;
    }
    while (known->next)
        known = known->next;
    known->next = row;
}

static struct row *
field_owner(struct set_rows *rows, unsigned upto)
{
    const struct field_place *field = &rows->rows[upto].directive->field;
    for (unsigned i = 0; i < upto; i++) {
        const struct directive *other = rows->rows[i].directive;
        if (field->size && other->field.size && other->field.offset == field->offset)
            return &rows->rows[i];
    }
    return &rows->rows[upto];
}

static void
add_set(struct compile *c, unsigned index)
{
    const struct directive_set *set = c->sets[index];
    struct set_rows *rows = arena_new(c->arena, struct set_rows);
    rows->index = index;
    for (const struct directive *d = set->directives; d && d->name; d++)
        rows->n++;
    rows->rows = arena_array(c->arena, struct row, rows->n + 1);
    for (unsigned i = 0; i < rows->n; i++) {
        struct row *row = &rows->rows[i];
        row->directive = &set->directives[i];
        row->set = set;
        row->set_index = index;
        row->field_owner = field_owner(rows, i);
        add_name(c, row);
    }
    map_put(&c->set_rows, pointer_key(&c->sets[index]), rows);
}

void
rows_build(struct compile *c)
{
    map_init(&c->rows, c->arena, false);
    map_init(&c->set_rows, c->arena, false);
    for (unsigned i = 0; i < c->n_sets; i++)
        add_set(c, i);
}

struct row *
rows_any(const struct compile *c, struct str name)
{
    return map_try(&c->rows, name);
}

struct row *
rows_try(const struct compile *c, struct str name, enum context context)
{
    struct row *row = rows_any(c, name);
    while (row && !(row->directive->contexts & context))
        row = row->next;
    return row;
}

const struct set_rows *
rows_of_set(const struct compile *c, const struct directive_set *set)
{
    const struct set_rows *rows = map_try(&c->set_rows, pointer_key(&set));
    must(rows != NULL);
    return rows;
}

void
contexts_print(unsigned contexts, struct buf *b)
{
    static const char *const names[] = {
        "main",     "events",       "http",           "server",          "location",
        "upstream", "if in server", "if in location", "limit_except",    "types",
        "block",    "stream",       "stream server",  "stream upstream",
    };
    enum { EVERYWHERE = (IN_STREAM_UPSTREAM << 1) - 1 };
    if (contexts == EVERYWHERE) {
        buf_put(b, STR("any"));
        return;
    }
    bool first = true;
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!(contexts & (1u << i)))
            continue;
        buf_printf(b, "%s%s", first ? "" : ", ", names[i]);
        first = false;
    }
}
