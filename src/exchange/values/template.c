/* Templates: an operation is a piece of text, a variable or a capture. */
#include "exchange/values/template.h"

#include "exchange/snapshot.h"

enum op_kind { OP_TEXT, OP_VARIABLE, OP_CAPTURE };

struct op {
    enum op_kind kind;
    unsigned group;
    struct str text;
    const struct variable_ref *ref;
};

struct template
{
    struct op *ops;
    unsigned n;
    bool plain;
    struct str text; /* of a plain one */
    size_t guess;    /* first size of the buffer */
};

/* A template being compiled, and where in the text it stands. */
struct compiling {
    struct setting *setting;
    unsigned word;
    struct str rest;
    struct op *ops; /* room for every piece the text can have */
    unsigned n;
};

/* --- compiling --- */

struct pending {
    struct setting setting;
    unsigned word;
    const struct variable_ref *ref;
};

static struct variable_table *
table_of(struct compile *c)
{
    struct snapshot *snapshot = c->snapshot;
    return &snapshot->variables;
}

static void
judge_pending(struct compile *c, void *arg)
{
    struct pending *p = arg;
    if (variable_resolve(table_of(c), p->ref))
        return;
    setting_error(&p->setting, p->word, "unknown \"" STR_FMT "\" variable", STR_ARG(p->ref->name));
    struct str near = variable_suggest(table_of(c), p->ref->name);
    if (near.n)
        setting_hint(&p->setting, "did you mean \"$" STR_FMT "\"?", STR_ARG(near));
}

static const struct variable_ref *
use(struct compiling *t, struct str name)
{
    struct compile *c = t->setting->compile;
    const struct variable_ref *ref = variable_reserve(table_of(c), name);
    if (ref->variable == NULL) {
        struct pending *p = arena_new(c->arena, struct pending);
        *p = (struct pending){ *t->setting, t->word, ref };
        compile_defer(c, judge_pending, p);
    }
    return ref;
}

static void
add(struct compiling *t, struct op op)
{
    struct op *last = t->n ? &t->ops[t->n - 1] : NULL;
    if (op.kind == OP_TEXT && op.text.n == 0)
        return;
    if (op.kind == OP_TEXT && last && last->kind == OP_TEXT)
        last->text = arena_join(t->setting->compile->arena, last->text, op.text);
    else
        t->ops[t->n++] = op;
}

static bool
is_name_byte(char c)
{
    return (c >= '0' && c <= '9') || (byte_lower(c) >= 'a' && byte_lower(c) <= 'z') || c == '_';
}

static struct str
take_name(struct compiling *t)
{
    size_t n = 0;
    while (n < t->rest.n && is_name_byte(t->rest.p[n]))
        n++;
    struct str name = str_head(t->rest, n);
    t->rest = str_skip(t->rest, n);
    return name;
}

/* t->rest stands behind the '$'. */
static bool
take_variable(struct compiling *t)
{
    if (t->rest.n && t->rest.p[0] >= '1' && t->rest.p[0] <= '9') {
        add(t, (struct op){ .kind = OP_CAPTURE, .group = (unsigned)(t->rest.p[0] - '0') });
        t->rest = str_skip(t->rest, 1);
        return true;
    }
    bool braces = t->rest.n && t->rest.p[0] == '{';
    t->rest = str_skip(t->rest, braces);
    struct str name = take_name(t);
    if (braces && (t->rest.n == 0 || t->rest.p[0] != '}'))
        return setting_error(t->setting, t->word,
                             "the closing bracket in \"" STR_FMT "\" variable is missing",
                             STR_ARG(name));
    t->rest = str_skip(t->rest, braces);
    if (name.n == 0)
        return setting_error(t->setting, t->word, "invalid variable name");
    add(t, (struct op){ .kind = OP_VARIABLE, .ref = use(t, name) });
    return true;
}

static bool
take_all(struct compiling *t, unsigned word, struct str text)
{
    t->word = word;
    t->rest = text;
    while (t->rest.n) {
        ptrdiff_t dollar = str_find(t->rest, '$');
        size_t n = dollar < 0 ? t->rest.n : (size_t)dollar;
        add(t, (struct op){ .kind = OP_TEXT, .text = str_head(t->rest, n) });
        t->rest = str_skip(t->rest, n);
        if (dollar < 0)
            break;
        t->rest = str_skip(t->rest, 1);
        if (!take_variable(t))
            return false;
    }
    return true;
}

static size_t
pieces_at_most(struct str text)
{
    size_t n = 1;
    for (size_t i = 0; i < text.n; i++)
        n += 2 * (text.p[i] == '$');
    return n;
}

static const struct template *
finish(struct arena *a, struct op *ops, unsigned n)
{
    struct template *t = arena_new(a, struct template);
    *t = (struct template){ .ops = ops, .n = n, .guess = 64 };
    t->plain = n == 0 || (n == 1 && ops[0].kind == OP_TEXT);
    t->text = n && t->plain ? ops[0].text : STR("");
    for (unsigned i = 0; i < n; i++)
        t->guess += ops[i].kind == OP_TEXT ? ops[i].text.n : 24;
    return t;
}

const struct template *
template_compile(struct setting *s, unsigned word, struct str text)
{
    struct arena *a = s->compile->arena;
    struct compiling t = { .setting = s, .ops = arena_array(a, struct op, pieces_at_most(text)) };
    return take_all(&t, word, text) ? finish(a, t.ops, t.n) : NULL;
}

const struct template *
template_compile_words(struct setting *s, unsigned first)
{
    struct arena *a = s->compile->arena;
    struct compiling t = { .setting = s };
    size_t pieces = 0;
    for (unsigned i = first; i < s->node->n; i++)
        pieces += pieces_at_most(setting_arg(s, i));
    t.ops = arena_array(a, struct op, pieces + 1);
    for (unsigned i = first; i < s->node->n; i++)
        if (!take_all(&t, i, setting_arg(s, i)))
            return NULL;
    return finish(a, t.ops, t.n);
}

const struct template *
template_of_text(struct arena *a, struct str text)
{
    struct op *op = arena_new(a, struct op);
    *op = (struct op){ .kind = OP_TEXT, .text = text };
    return finish(a, op, text.n > 0);
}

static bool
parse_template(struct setting *s, struct word word, void *field)
{
    unsigned at = 0;
    for (unsigned i = 1; i < s->node->n; i++)
        if (s->node->words[i].text.p == word.text.p)
            at = i;
    const struct template **place = field;
    const struct template *t = template_compile(s, at, word.text);
    if (t)
        *place = t;
    return t != NULL;
}

const struct value_type value_template = { "text with variables", parse_template };

/* --- evaluating --- */

bool
template_is_plain(const struct template *t)
{
    return t->plain;
}

struct str
template_plain(const struct template *t)
{
    return t->plain ? t->text : STR_NONE;
}

static bool
value_of(const struct op *op, struct exchange *x, struct str *out)
{
    if (op->kind == OP_VARIABLE)
        return variable_get(x, op->ref, out);
    struct str captured = exchange_capture(x, op->group);
    *out = captured.p ? captured : STR("");
    return captured.p != NULL;
}

void
template_write(const struct template *t, struct exchange *x, struct buf *b, escape_fn *escape)
{
    for (const struct op *op = t->ops, *end = op + t->n; op < end; op++) {
        if (op->kind == OP_TEXT) {
            buf_put(b, op->text);
            continue;
        }
        struct str value;
        bool present = value_of(op, x, &value);
        if (escape)
            escape(b, value, present);
        else
            buf_put(b, value);
    }
}

static struct str
finished(struct exchange *x, const struct buf *b)
{
    if (!b->full)
        return b->n ? buf_str(b) : STR("");
    fail(x, FAULT_VALUE_TOO_LARGE, "a value with variables is larger than %d bytes", TEMPLATE_MAX);
    return STR_NONE;
}

struct str
template_eval(const struct template *t, struct exchange *x)
{
    struct str value;
    struct buf b;
    if (t->plain)
        return t->text;
    if (t->n == 1) {
        value_of(t->ops, x, &value);
        return value.p ? value : STR("");
    }
    buf_init(&b, &x->arena, t->guess, TEMPLATE_MAX);
    template_write(t, x, &b, NULL);
    return finished(x, &b);
}

struct str
template_eval_captures(const struct template *t, struct exchange *x, enum uri_escape how)
{
    struct buf b;
    buf_init(&b, &x->arena, t->guess, TEMPLATE_MAX);
    for (const struct op *op = t->ops, *end = op + t->n; op < end; op++) {
        struct str value = op->text;
        if (op->kind != OP_TEXT)
            (void)value_of(op, x, &value);
        bool captured = op->kind != OP_TEXT && op->kind != OP_VARIABLE;
        buf_put(&b, captured ? uri_escape(value, how, &x->arena) : value);
    }
    return finished(x, &b);
}

bool
template_true(const struct template *t, struct exchange *x)
{
    struct str value = template_eval(t, x);
    return value.n && !str_eq(value, STR("0"));
}
