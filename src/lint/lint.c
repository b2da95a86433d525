/* The walk over the tree, and the list of findings. */
#include "lint/lint.h"

#include "base/must.h"
#include "lint/suppress.h"
#include "lint/tree.h"

const struct rule *
lint_rule(struct str id)
{
    for (const struct rule *rule = lint_rules; rule->id; rule++)
        if (str_eq(str_of(rule->id), id))
            return rule;
    return NULL;
}

void
lint_init(struct lint *l, struct arena *a, const struct directive_set *const *sets)
{
    unsigned n = 0;
    while (lint_rules[n].id)
        n++;
    *l = (struct lint){ .arena = a, .sets = sets, .off = arena_array(a, bool, n) };
    l->end = &l->first;
}

static bool
mark(struct lint *l, struct str list, bool off, struct str *unknown)
{
    while (list.p) {
        struct str id = str_trim(str_cut(&list, ','));
        const struct rule *rule = lint_rule(id);
        if (rule == NULL) {
            *unknown = id;
            return false;
        }
        l->off[rule - lint_rules] = off;
    }
    return true;
}

bool
lint_only(struct lint *l, struct str list, struct str *unknown)
{
    for (unsigned i = 0; lint_rules[i].id; i++)
        l->off[i] = true;
    return mark(l, list, false, unknown);
}

bool
lint_without(struct lint *l, struct str list, struct str *unknown)
{
    return mark(l, list, true, unknown);
}

/* What a file says that is included several times is told once. */
static bool
is_known(const struct lint *l, const struct rule *rule, const struct span *at, struct str message)
{
    for (const struct finding *f = l->first; f; f = f->next)
        if (f->rule == rule && f->span.line == at->line && f->span.column == at->column &&
            f->span.source && at->source && str_eq(f->span.source->path, at->source->path) &&
            str_eq(f->message, message))
            return true;
    return false;
}

static void
add(struct lint *l, const struct rule *rule, struct span at, struct str message)
{
    if (l->off[rule - lint_rules] || is_suppressed(l, &at, str_of(rule->id)) ||
        is_known(l, rule, &at, message))
        return;
    struct finding *f = arena_new(l->arena, struct finding);
    *f = (struct finding){ NULL, rule, at, message };
    *l->end = f;
    l->end = &f->next;
    *(rule->level == LEVEL_WARN ? &l->warnings : &l->notices) += 1;
}

void
lint_add(struct lint *l, struct span at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(l, l->rule, at, arena_vprintf(l->arena, format, args));
    va_end(args);
}

void
lint_add_of(struct lint *l, const char *id, struct span at, struct str message)
{
    const struct rule *rule = lint_rule(str_of(id));
    must(rule != NULL);
    add(l, rule, at, message);
}

static void
ask(struct lint *l, const struct node *node)
{
    for (unsigned i = 0; lint_rules[i].id; i++) {
        l->rule = &lint_rules[i];
        if (!l->off[i] && l->rule->check)
            l->rule->check(l, node);
    }
}

/* The parser bounds how deep blocks nest. */
void
lint_tree(struct lint *l, const struct node *root)
{
    for (const struct node *node = root->children; node; node = node->next) {
        ask(l, node);
        if (!node_is_table(node))
            lint_tree(l, node);
    }
}
