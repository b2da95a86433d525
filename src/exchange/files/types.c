/* The types block and the look-up by extension. */
#include "exchange/files/types.h"

#include "exchange/hosts/location.h"

const struct map *
types_default(struct arena *a)
{
    static const struct str html = { "text/html", 9 }, gif = { "image/gif", 9 },
                            jpeg = { "image/jpeg", 10 };
    struct map *table = arena_new(a, struct map);
    map_init(table, a, true);
    map_put(table, STR("html"), (void *)&html);
    map_put(table, STR("gif"), (void *)&gif);
    map_put(table, STR("jpg"), (void *)&jpeg);
    return table;
}

/* A block's first types forget the outer ones; those that follow add to it. */
static struct map *
own_table(struct setting *s)
{
    struct core_settings *my = s->settings;
    struct map *table = (struct map *)my->types;
    if (table == NULL) {
        table = arena_new(s->compile->arena, struct map);
        map_init(table, s->compile->arena, true);
        my->types = table;
    }
    return table;
}

static void
add(struct setting *s, struct map *table, const struct node *line, unsigned word)
{
    const struct str *type = &line->words[0].text, ext = line->words[word].text;
    const struct str *former = map_put(table, ext, (void *)type);
    if (former)
        diag_add(s->compile->diags, LEVEL_WARN, line->words[word].span,
                 "duplicate extension \"" STR_FMT "\", content type: \"" STR_FMT
                 "\", previous content type: \"" STR_FMT "\"",
                 STR_ARG(ext), STR_ARG(*type), STR_ARG(*former));
}

bool
types_set(struct setting *s)
{
    struct map *table = own_table(s);
    for (const struct node *line = s->node->children; line; line = line->next)
        for (unsigned i = 1; i < line->n; i++)
            add(s, table, line, i);
    return true;
}

/* What follows the last dot of the last segment; nothing when the segment begins with that dot. */
static struct str
extension(struct str uri)
{
    for (size_t i = uri.n; i > 1 && uri.p[i - 1] != '/'; i--)
        if (uri.p[i - 1] == '.')
            return uri.p[i - 2] == '/' ? STR_NONE : str_skip(uri, i);
    return STR_NONE;
}

struct str
types_of(struct exchange *x, struct str uri)
{
    const struct core_settings *core = (x->location ? x->location : x->server->root)->core;
    struct str ext = extension(uri);
    const struct str *type = ext.n ? map_try(core->types, ext) : NULL;
    return type ? *type : template_eval(core->default_type, x);
}
