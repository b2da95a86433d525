/* The types block and the look-up by extension. */
#include "exchange/types.h"

#include "exchange/location.h"

static struct map *
own_table(struct setting *s)
{
    struct core_settings *my = s->settings;
    struct map *table = arena_new(s->compile->arena, struct map);
    map_init(table, s->compile->arena, true);
    my->types = table;
    return table;
}

bool
types_set(struct setting *s)
{
    struct map *table = own_table(s);
    for (const struct node *line = s->node->children; line; line = line->next)
        for (unsigned i = 1; i < line->n; i++)
            map_put(table, line->words[i].text, &line->words[0].text);
    return true;
}

struct str
types_of(struct exchange *x, struct str path)
{
    const struct core_settings *core = (x->location ? x->location : x->server->root)->core;
    for (size_t i = path.n; i > 0 && path.p[i - 1] != '/'; i--)
        if (path.p[i - 1] == '.') {
            const struct str *type = core->types ? map_try(core->types, str_skip(path, i)) : NULL;
            return type ? *type : template_eval(core->default_type, x);
        }
    return template_eval(core->default_type, x);
}
