/* Context, shape and number: nginx's sentences, with a hint on how to mend it. */
#include "config/check.h"

#include "config/foreign.h"
#include "config/slip.h"
#include "config/suggest.h"

enum { SUGGESTIONS_MAX = 100 };

struct diag *
directive_problem(struct compile *c, enum log_level level, const struct node *node,
                  struct span shown, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct str message = arena_vprintf(c->arena, format, args);
    va_end(args);
    struct span line = node->end.line ? node->end : shown;
    struct diag *diag = diag_add(c->diags, level, line, STR_FMT, STR_ARG(message));
    diag_show(diag, shown);
    return diag;
}

bool
takes_arguments(const struct directive *d, unsigned n)
{
    unsigned min = d->args_min, max = d->args_max;
    if (min == 0 && max == 0) {
        min = 1;
        max = d->flags & CHOICES_ADD ? ARGS_ANY : 1;
    }
    if (max == ARGS_NONE)
        return n == 0;
    if (max == 0)
        max = min;
    return n >= min && (n <= max || max == ARGS_ANY);
}

bool
begins_directive(const struct compile *c, const struct node *node, unsigned word)
{
    const struct word *w = &node->words[word];
    return word > 0 && word < node->n && w->span.line > w[-1].span.line && !w->quoted &&
           rows_any(c, w->text) != NULL;
}

static unsigned
find_next_directive(const struct compile *c, const struct node *node)
{
    for (unsigned i = 1; i < node->n; i++)
        if (begins_directive(c, node, i))
            return i;
    return 0;
}

/* Adds a problem about the shape of a directive. Returns what scope_check gives as *next. */
__attribute__((format(printf, 4, 5))) static unsigned
refuse_shape(struct compile *c, const struct node *node, const struct directive *d,
             const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct str message = arena_vprintf(c->arena, format, args);
    va_end(args);
    struct diag *diag =
        directive_problem(c, LEVEL_EMERG, node, node->words[0].span, STR_FMT, STR_ARG(message));
    unsigned next = find_next_directive(c, node);
    if (next == 0 || !takes_arguments(d, next - 1))
        return 0;
    diag_show(diag, span_after(node->words[next - 1].span));
    diag_hint(c->diags, diag, "is \"%s\" missing here?", d->flags & BLOCK ? "{" : ";");
    c->unopened |= (d->flags & BLOCK) != 0;
    return d->flags & BLOCK ? 0 : next;
}

static void
hint(struct compile *c, const char *before, struct buf *b)
{
    struct diag *last = c->diags->last;
    if (last->hint.n == 0)
        diag_hint(c->diags, last, "%s" STR_FMT, before, STR_ARG(buf_str(b)));
}

static void
hint_foreign(struct compile *c, struct str name, const char *module)
{
    struct buf b;
    buf_init(&b, c->arena, 64, 0);
    foreign_print(name, module, &b);
    hint(c, "", &b);
}

static struct row *
refuse_unknown(struct scope *s, const struct node *node)
{
    struct compile *c = s->compile;
    struct str name = node->words[0].text;
    struct diag *diag = directive_problem(c, LEVEL_EMERG, node, node->words[0].span,
                                          "unknown directive \"" STR_FMT "\"", STR_ARG(name));
    const char *module = foreign_module(name), *slip = slip_in_name(name);
    struct str near = STR_NONE;
    slip_hint(c->diags, diag, node);
    if (slip)
        diag_hint(c->diags, diag, "%s", slip);
    if (module == NULL && diag->hint.n == 0 && c->suggested++ < SUGGESTIONS_MAX)
        near = suggest_directive(c->sets, name, s->context);
    if (module)
        hint_foreign(c, name, module);
    else if (near.n)
        diag_hint(c->diags, diag, "did you mean \"" STR_FMT "\"?", STR_ARG(near));
    return NULL;
}

static struct row *
refuse_place(struct scope *s, const struct node *node, const struct row *row)
{
    struct compile *c = s->compile;
    struct str name = node->words[0].text;
    unsigned contexts = 0;
    struct buf b;
    if (c->unopened) /* it may belong in the block whose brace is missing */
        return NULL;
    for (; row; row = row->next)
        contexts |= row->directive->contexts;
    directive_problem(c, LEVEL_EMERG, node, node->words[0].span,
                      "\"" STR_FMT "\" directive is not allowed here", STR_ARG(name));
    buf_init(&b, c->arena, 64, 0);
    contexts_print(contexts, &b);
    hint(c, "it belongs in: ", &b);
    return NULL;
}

void
syntax_print(const struct directive *d, struct buf *b)
{
    const char *mark = d->flags & CHOICES_ADD ? " ..." : "", *between = " ";
    buf_put(b, str_of(d->name));
    if (d->syntax) {
        buf_printf(b, "%s%s", d->syntax[0] ? " " : "", d->syntax);
    } else if (d->choices) {
        for (const struct choice *choice = d->choices; choice->name; choice++, between = " | ")
            buf_printf(b, "%s%s", between, choice->name);
        buf_put(b, str_of(mark));
    } else if (d->field.type) {
        buf_printf(b, " %s", d->field.type->syntax);
    }
    bool braces = d->syntax && strchr(d->syntax, '{');
    buf_put(b, str_of(braces ? "" : d->flags & BLOCK ? " { ... }" : ";"));
}

static unsigned
refuse_arguments(struct compile *c, const struct node *node, const struct directive *d)
{
    struct buf b;
    unsigned next =
        refuse_shape(c, node, d, "invalid number of arguments in \"%s\" directive", d->name);
    slip_hint(c->diags, c->diags->last, node);
    buf_init(&b, c->arena, 64, 0);
    syntax_print(d, &b);
    hint(c, "syntax: ", &b);
    return next;
}

/* False, and reported, when block or arguments are not as the row wants them. */
static bool
check_shape(struct compile *c, const struct node *node, const struct directive *d, unsigned *next)
{
    if (node->block && !(d->flags & BLOCK))
        *next = refuse_shape(c, node, d, "directive \"%s\" is not terminated by \";\"", d->name);
    else if (!node->block && (d->flags & BLOCK))
        *next = refuse_shape(c, node, d, "directive \"%s\" has no opening \"{\"", d->name);
    else if (!takes_arguments(d, node->n - 1))
        *next = refuse_arguments(c, node, d);
    else
        return true;
    return false;
}

struct row *
scope_check(struct scope *s, const struct node *node, unsigned *next)
{
    struct compile *c = s->compile;
    struct str name = node->words[0].text;
    struct row *row = rows_try(c, name, s->context);
    *next = 0;
    if (row == NULL) {
        const struct row *any = rows_any(c, name);
        *next = find_next_directive(c, node);
        return any ? refuse_place(s, node, any) : refuse_unknown(s, node);
    }
    const struct directive *d = row->directive;
    if (!check_shape(c, node, d, next))
        return NULL;
    if (row->seen == s->serial && !(d->flags & (MANY | REPEATABLE | CHOICES_ADD))) {
        directive_problem(c, LEVEL_EMERG, node, node->words[0].span,
                          "\"%s\" directive is duplicate", d->name);
        return NULL;
    }
    row->seen = s->serial;
    return row;
}
