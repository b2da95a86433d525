/* Lines of an explanation, and the directives that they are about, found in the syntax tree. */
#include "exchange/trace.h"

#include "exchange/snapshot.h"

enum { SHOWN_MAX = 160 }; /* bytes of a directive */

static void
put_place(struct trace *t, const struct span *at)
{
    if (at == NULL || at->source == NULL)
        return;
    struct str path = at->source->path;
    if (t->here.n && str_starts(path, t->here))
        path = str_skip(path, t->here.n);
    buf_printf(t->b, "  (" STR_FMT ":%u)", STR_ARG(path), at->line);
}

/* A terminal must not obey what stands in a request or a file. */
static void
put_visible(struct buf *b, struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        buf_byte(b, (unsigned char)s.p[i] < ' ' || s.p[i] == 127 ? '.' : s.p[i]);
}

static void
say(struct exchange *x, const char *label, const struct span *at, struct str line)
{
    struct trace *t = x->trace;
    buf_printf(t->b, "%-11s%*s", label, (int)(4 * t->depth), "");
    put_visible(t->b, line);
    put_place(t, at);
    buf_byte(t->b, '\n');
}

void
trace_say(struct exchange *x, const char *label, const struct span *at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(x, label, at, arena_vprintf(&x->arena, format, args));
    va_end(args);
}

static struct str
text_of(const struct node *node, struct arena *a)
{
    struct buf b;
    buf_init(&b, a, 64, 0);
    for (unsigned i = 0; i < node->n; i++)
        buf_printf(&b, "%s%s" STR_FMT "%s", i && !str_eq(node->words[i].text, STR(")")) ? " " : "",
                   node->words[i].quoted ? "\"" : "", STR_ARG(node->words[i].text),
                   node->words[i].quoted ? "\"" : "");
    struct str text = buf_str(&b);
    return text.n > SHOWN_MAX ? arena_join(a, str_head(text, SHOWN_MAX), STR("...")) : text;
}

void
trace_say_node(struct exchange *x, const char *label, const struct node *node, struct str what)
{
    struct str text = text_of(node, &x->arena);
    say(x, label, &node->words[0].span, arena_join(&x->arena, text, what));
}

static const struct node *
node_of(const struct exchange *x)
{
    return (x->location ? x->location : x->server->root)->node;
}

static bool
stands_in(const struct node *block, struct str name, const struct node *until)
{
    for (const struct node *n = block->children; n && n != until; n = n->next)
        if (str_eq(n->words[0].text, name))
            return true;
    return false;
}

/* A name that an inner block has too does not hold from here. */
static bool
is_replaced(const struct node *inner, const struct node *block, struct str name)
{
    for (; inner != block; inner = inner->parent)
        if (stands_in(inner, name, NULL))
            return true;
    return false;
}

/* What stands in http alone (zones, formats) defines, and holds nowhere. */
static bool
is_of(const struct feature *f, struct str name)
{
    for (const struct directive *d = f->directives; d && d->name; d++)
        if (str_eq(str_of(d->name), name) && !(d->flags & BLOCK))
            return d->contexts & (IN_SERVER | IN_LOCATION | IN_LOCATION_IF);
    return false;
}

unsigned
trace_directives(struct exchange *x, const char *label, const struct feature *f, const char *what)
{
    unsigned n = 0;
    const struct node *inner = node_of(x);
    for (const struct node *block = inner; block; block = block->parent)
        for (const struct node *node = block->children; node; node = node->next)
            if (is_of(f, node->words[0].text) && !is_replaced(inner, block, node->words[0].text)) {
                trace_say_node(x, label, node, str_of(what));
                n++;
            }
    return n;
}

bool
trace_in_force(struct exchange *x, const char *label, const char *names)
{
    for (const struct node *block = node_of(x); block; block = block->parent)
        for (const struct node *node = block->children; node; node = node->next)
            if (str_is_among(node->words[0].text, str_of(names))) {
                trace_say_node(x, label, node, STR(""));
                return true;
            }
    return false;
}

typedef bool match_fn(const struct node *node, struct str text);

static bool
is_called(const struct node *node, struct str argument)
{
    return node->n > 1 && str_eq(node->words[1].text, argument);
}

static bool
has_word(const struct node *node, struct str start)
{
    for (unsigned i = 1; i < node->n; i++)
        if (str_starts(node->words[i].text, start))
            return true;
    return false;
}

/* Groups and zones stand at the top level and in http. */
static const struct node *
find_global(const struct node *root, const char *name, match_fn *matches, struct str text)
{
    for (const struct node *node = root->children; node; node = node->next) {
        if (str_eq(node->words[0].text, str_of(name)) && matches(node, text))
            return node;
        bool is_http = str_eq(node->words[0].text, STR("http"));
        const struct node *found = is_http ? find_global(node, name, matches, text) : NULL;
        if (found)
            return found;
    }
    return NULL;
}

static const struct node *
root_of(const struct exchange *x)
{
    const struct node *root = node_of(x);
    while (root->parent)
        root = root->parent;
    return root;
}

void
trace_definition(struct exchange *x, const char *label, const char *name, struct str start)
{
    const struct node *node = find_global(root_of(x), name, has_word, start);
    if (node)
        trace_say_node(x, label, node, STR(""));
}

bool
trace_block(struct exchange *x, const char *label, const char *name, struct str argument)
{
    const struct node *block = find_global(root_of(x), name, is_called, argument);
    if (block == NULL)
        return false;
    trace_say_node(x, label, block, STR(""));
    for (const struct node *node = block->children; node; node = node->next)
        trace_say_node(x, "", node, STR(""));
    return true;
}
