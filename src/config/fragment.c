/* Wrapping a fragment: the top level's nodes are copied, what is below them is shared. */
#include "config/fragment.h"

static bool
is_complete(const struct node *root)
{
    static const struct str names[] = { { "events", 6 }, { "http", 4 }, { "stream", 6 } };
    for (const struct node *child = root->children; child; child = child->next)
        for (unsigned i = 0; i < 3; i++)
            if (str_eq(child->words[0].text, names[i]))
                return true;
    return false;
}

static bool
belongs_in_main(const struct compile *c, const struct node *node)
{
    return rows_try(c, node->words[0].text, IN_MAIN) != NULL;
}

static bool
belongs_in_http(const struct compile *c, const struct node *node)
{
    return !belongs_in_main(c, node) && rows_try(c, node->words[0].text, IN_HTTP) != NULL;
}

static struct node *
make_http(struct compile *c, const struct node *root)
{
    struct node *http = arena_new(c->arena, struct node);
    http->words = arena_new(c->arena, struct word);
    http->words[0] = (struct word){ .text = STR("http"), .span = root->words[0].span };
    http->n = 1;
    http->block = true;
    http->end = http->close = root->words[0].span;
    return http;
}

const struct node *
fragment_wrap(struct compile *c, const struct node *root)
{
    bool has_http = false;
    for (const struct node *child = root->children; child; child = child->next)
        has_http |= belongs_in_http(c, child);
    if (!has_http || is_complete(root))
        return root;
    struct node *whole = arena_new(c->arena, struct node), *http = make_http(c, root);
    struct node **in_main = &whole->children, **in_http = &http->children;
    *whole = *root;
    whole->children = NULL;
    http->parent = whole;
    for (const struct node *child = root->children; child; child = child->next) {
        struct node *copy = arena_new(c->arena, struct node);
        bool stays = belongs_in_main(c, child);
        *copy = *child;
        copy->next = NULL;
        copy->parent = stays ? whole : http;
        struct node ***tail = stays ? &in_main : &in_http;
        **tail = copy;
        *tail = &copy->next;
    }
    *in_main = http;
    return whole;
}
