/* Everything here is a question about struct node; nothing is kept. */
#include "lint/tree.h"

bool
node_is(const struct node *node, const char *name)
{
    return str_eq(node->words[0].text, str_of(name));
}

bool
node_is_any(const struct node *node, const char *names)
{
    return str_is_among(node->words[0].text, str_of(names));
}

bool
node_is_table(const struct node *node)
{
    return node->block &&
           node_is_any(node, "map geo types split_clients charset_map geoip2 num_map");
}

struct str
node_arg(const struct node *node, unsigned i)
{
    return i < node->n ? node->words[i].text : STR_NONE;
}

bool
node_has_arg(const struct node *node, const char *text)
{
    for (unsigned i = 1; i < node->n; i++)
        if (str_eq(node->words[i].text, str_of(text)))
            return true;
    return false;
}

struct span
node_span(const struct node *node)
{
    return node->words[0].span;
}

struct span
node_arg_span(const struct node *node, unsigned i)
{
    return node->words[i < node->n ? i : 0].span;
}

const struct node *
node_child(const struct node *block, const char *names)
{
    for (const struct node *child = block->children; child; child = child->next)
        if (node_is_any(child, names))
            return child;
    return NULL;
}

const struct node *
node_after(const struct node *node, const char *names)
{
    for (node = node->next; node; node = node->next)
        if (node_is_any(node, names))
            return node;
    return NULL;
}

const struct node *
node_in_force(const struct node *block, const char *names)
{
    const struct node *found = NULL;
    for (; block && found == NULL; block = block->parent)
        found = node_child(block, names);
    return found;
}

const struct node *
node_enclosing(const struct node *node, const char *name)
{
    for (node = node->parent; node && node->parent; node = node->parent)
        if (node_is(node, name))
            return node;
    return NULL;
}

static const struct node *
find_global(const struct node *block, const char *name, const struct node **after)
{
    for (const struct node *node = block->children; node; node = node->next) {
        if (node_is(node, name)) {
            if (*after == NULL)
                return node;
            if (*after == node)
                *after = NULL;
        }
        const struct node *found = node_is(node, "http") ? find_global(node, name, after) : NULL;
        if (found)
            return found;
    }
    return NULL;
}

const struct node *
node_global(const struct node *anywhere, const char *name, const struct node *after)
{
    while (anywhere->parent)
        anywhere = anywhere->parent;
    return find_global(anywhere, name, &after);
}

struct str
node_place(struct lint *l, const struct node *node, const struct node *looked_at)
{
    struct span at = node_span(node), from = node_span(looked_at);
    struct str line = arena_printf(l->arena, "line %u", at.line), path = at.source->path;
    if (from.source == at.source || str_eq(path, from.source->path))
        return line;
    const char *slash = memrchr(path.p, '/', path.n);
    path = slash ? str_between(slash + 1, path.p + path.n) : path;
    return arena_printf(l->arena, STR_FMT " of " STR_FMT, STR_ARG(line), STR_ARG(path));
}

struct place
place_of(const struct node *location)
{
    static const struct {
        struct str mark;
        enum place_kind kind;
    } marks[] = { { { "=", 1 }, PLACE_EXACT },
                  { { "^~", 2 }, PLACE_FINAL },
                  { { "~*", 2 }, PLACE_NOCASE },
                  { { "~", 1 }, PLACE_REGEX } };
    struct str first = node_arg(location, 1), second = node_arg(location, 2);
    struct span span = node_arg_span(location, second.p ? 2 : 1);
    for (unsigned i = 0; i < 4; i++)
        if (second.p ? str_eq(first, marks[i].mark) : str_starts(first, marks[i].mark))
            return (struct place){ marks[i].kind,
                                   second.p ? second : str_skip(first, marks[i].mark.n), span };
    enum place_kind kind = str_starts(first, STR("@")) ? PLACE_NAMED : PLACE_PREFIX;
    return (struct place){ kind, first, span };
}

bool
place_is_regex(const struct place *p)
{
    return p->kind == PLACE_REGEX || p->kind == PLACE_NOCASE;
}

bool
place_is_prefix(const struct place *p)
{
    return p->kind == PLACE_PREFIX || p->kind == PLACE_FINAL;
}

static bool
is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool
next_variable(struct str *rest, struct str *name)
{
    ptrdiff_t at;
    while ((at = str_find(*rest, '$')) >= 0) {
        struct str text = str_skip(*rest, (size_t)at + 1);
        size_t n = 0;
        text = str_skip(text, text.n && text.p[0] == '{');
        while (n < text.n && is_name(text.p[n]))
            n++;
        *name = str_head(text, n);
        *rest = str_skip(text, n);
        if (n)
            return true;
    }
    return false;
}

bool
has_variable(struct str text, const char *names)
{
    struct str name;
    while (next_variable(&text, &name))
        if (str_is_among(name, str_of(names)))
            return true;
    return false;
}
