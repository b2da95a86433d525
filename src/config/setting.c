/* What rows' .set callbacks use: their arguments and their problems. */
#include "config/check.h"
#include "config/slip.h"

static bool
refuse(struct setting *s, enum log_level level, unsigned word, struct str message)
{
    const struct node *node = s->node;
    struct diags *d = s->compile->diags;
    struct span span = node->words[word < node->n ? word : 0].span;
    if (s->unended)
        return false;
    struct diag *diag = directive_problem(s->compile, level, node, span, STR_FMT, STR_ARG(message));
    if (begins_directive(s->compile, node, word)) {
        diag_show(diag, span_after(node->words[word - 1].span));
        diag_hint(d, diag, "is \";\" missing here?");
        s->unended = true; /* what follows are the words of another */
    } else {
        slip_hint(d, diag, node);
    }
    return false;
}

void
setting_hint(struct setting *s, const char *format, ...)
{
    va_list args;
    struct diags *d = s->compile->diags;
    va_start(args, format);
    if (d->last->hint.n == 0)
        d->last->hint = arena_vprintf(d->arena, format, args);
    va_end(args);
}

bool
setting_error(struct setting *s, unsigned word, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct str message = arena_vprintf(s->compile->arena, format, args);
    va_end(args);
    return refuse(s, LEVEL_EMERG, word, message);
}

bool
setting_warn(struct setting *s, unsigned word, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct str message = arena_vprintf(s->compile->arena, format, args);
    va_end(args);
    return refuse(s, LEVEL_WARN, word, message);
}

struct str
setting_arg(const struct setting *s, unsigned i)
{
    return i < s->node->n ? s->node->words[i].text : STR_NONE;
}

bool
setting_parameter(const struct setting *s, unsigned i, struct str name, struct str *value)
{
    struct str arg = setting_arg(s, i);
    if (!str_starts(arg, name) || arg.n <= name.n || arg.p[name.n] != '=')
        return false;
    *value = str_skip(arg, name.n + 1);
    return true;
}

static struct str
absolute(struct compile *c, struct str base, struct str path)
{
    if (str_starts(path, STR("/")) || base.n == 0)
        return path;
    bool slash = str_ends(base, STR("/"));
    return arena_printf(c->arena, STR_FMT "%s" STR_FMT, STR_ARG(base), slash ? "" : "/",
                        STR_ARG(path));
}

struct str
compile_path(struct compile *c, struct str path)
{
    return absolute(c, c->prefix, path);
}

struct str
compile_conf_path(struct compile *c, struct str path)
{
    return absolute(c, c->conf_dir, path);
}
