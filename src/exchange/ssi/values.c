/* Variables, texts and conditions of server-side includes. */
#include "exchange/ssi/values.h"

#include "exchange/subrequest/subrequest.h"
#include "exchange/values/regex.h"
#include "exchange/values/variable.h"

/* A page may double a variable as often as it likes. */
enum { TEXT_MAX = 256 * 1024 };

struct text {
    char *p;
    size_t n, room;
};

struct ssi *
ssi_of(struct exchange *x)
{
    if (x->ssi == NULL) {
        x->ssi = arena_new(&x->arena, struct ssi);
        map_init(&x->ssi->variables, &x->arena, true);
        map_init(&x->ssi->blocks, &x->arena, false);
        x->ssi->error_message = STR("[an error occurred while processing the directive]");
        x->ssi->time_format = STR("%A, %d-%b-%Y %H:%M:%S %Z");
    }
    return x->ssi;
}

static struct str
lower(struct arena *a, struct str s)
{
    char *p = arena_text(a, s.n);
    for (size_t i = 0; i < s.n; i++)
        p[i] = byte_lower(s.p[i]);
    return (struct str){ p, s.n };
}

void
ssi_set(struct exchange *x, struct str name, struct str value)
{
    struct exchange *root = exchange_root(x);
    struct ssi *ssi = ssi_of(root);
    struct text *t = map_try(&ssi->variables, name);
    if (t == NULL) {
        t = arena_new(&root->arena, struct text);
        map_put(&ssi->variables, arena_dup(&root->arena, name), t);
    }
    if (t->p == NULL || value.n > t->room) {
        t->p = arena_text(&root->arena, value.n + 1);
        t->room = value.n;
    }
    if (value.n)
        memcpy(t->p, value.p, value.n);
    t->n = value.n;
}

static bool
get_capture(const struct ssi *ssi, unsigned i, struct str *out)
{
    *out = i < ssi->n_captures ? ssi->captures[i] : STR_NONE;
    return out->p != NULL;
}

bool
ssi_get(struct exchange *x, struct str name, struct str *out)
{
    struct ssi *ssi = ssi_of(exchange_root(x));
    *out = STR("");
    if (name.n == 1 && name.p[0] >= '0' && name.p[0] <= '9')
        return get_capture(ssi, (unsigned)(name.p[0] - '0'), out);
    const struct text *t = map_try(&ssi->variables, name);
    if (t == NULL)
        return variable_get_named(x, lower(&x->arena, name), out);
    *out = (struct str){ t->p, t->n };
    return true;
}

static bool
is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* The name after a '$'; *rest goes on behind it. Empty: there is none. *open: its bracket is. */
static struct str
take_name(struct str *rest, bool *open)
{
    bool braces = rest->n && rest->p[0] == '{';
    struct str in = str_skip(*rest, braces);
    size_t n = 0;
    while (n < in.n && is_name(in.p[n]))
        n++;
    struct str name = str_head(in, n);
    bool closed = !braces || (n < in.n && in.p[n] == '}');
    *rest = str_skip(in, n + (braces && closed));
    *open = !closed;
    return name;
}

static struct str
refuse(struct exchange *x, struct str text, struct str name)
{
    if (name.n)
        exchange_log(x, LEVEL_ERROR, 0,
                     "the closing bracket in \"" STR_FMT "\" variable is missing", STR_ARG(name));
    else
        exchange_log(x, LEVEL_ERROR, 0, "invalid variable name in \"" STR_FMT "\"", STR_ARG(text));
    return STR_NONE;
}

struct str
ssi_text(struct exchange *x, struct str text)
{
    struct buf b;
    struct str rest = text, value;
    if (text.n == 0 || memchr(text.p, '$', text.n) == NULL)
        return text.n ? arena_dup(&x->arena, text) : STR("");
    buf_init(&b, &x->arena, text.n + 64, TEXT_MAX);
    while (rest.n && !b.full) {
        bool escaped = rest.n > 1 && rest.p[0] == '\\' && rest.p[1] == '$';
        char c = rest.p[escaped];
        rest = str_skip(rest, 1 + escaped);
        if (c != '$' || escaped) {
            buf_byte(&b, c);
            continue;
        }
        bool open;
        struct str name = take_name(&rest, &open);
        if (name.n == 0 || open)
            return refuse(x, text, name);
        if (ssi_get(x, name, &value))
            buf_put(&b, value);
    }
    buf_byte(&b, '\0'); /* never without memory */
    if (b.full) {
        exchange_log(x, LEVEL_ERROR, 0, "too long text of \"" STR_FMT "\" in SSI command",
                     STR_ARG(text));
        return STR_NONE;
    }
    return str_head(buf_str(&b), b.n - 1);
}

/* --- conditions --- */

static void
keep_group(void *arg, unsigned group, struct str name, struct str value)
{
    struct exchange *x = arg, *root = exchange_root(x);
    struct ssi *ssi = ssi_of(root);
    if (name.p) {
        ssi_set(x, name, value.p ? value : STR(""));
    } else if (group < sizeof ssi->captures / sizeof *ssi->captures) {
        ssi->captures[group] = value.p ? arena_dup(&root->arena, value) : STR_NONE;
        ssi->n_captures = group + 1;
    }
}

static int
compare_pattern(struct exchange *x, struct str left, struct str right, struct str all)
{
    if (right.p[right.n - 1] != '/') {
        exchange_log(x, LEVEL_ERROR, 0, "invalid expression in \"" STR_FMT "\"", STR_ARG(all));
        return -1;
    }
    struct str pattern = ssi_text(x, (struct str){ right.p + 1, right.n - 2 });
    return pattern.p ? regex_match_once(x, pattern, left, keep_group, x) : -1;
}

static int
compare(struct exchange *x, struct str left, struct str right, struct str all)
{
    if (right.n > 1 && right.p[0] == '/')
        return compare_pattern(x, left, right, all);
    right = ssi_text(x, right);
    return right.p ? str_eq(left, right) : -1;
}

int
ssi_condition(struct exchange *x, struct str text)
{
    size_t n = 0;
    while (n < text.n && text.p[n] != ' ' && text.p[n] != '=' && text.p[n] != '!')
        n++;
    struct str left = ssi_text(x, str_head(text, n)), rest = str_trim(str_skip(text, n));
    if (left.p == NULL)
        return -1;
    if (rest.n == 0)
        return left.n > 0;
    bool negative = str_starts(rest, STR("!="));
    if (!negative && rest.p[0] != '=') {
        exchange_log(x, LEVEL_ERROR, 0, "invalid expression in \"" STR_FMT "\"", STR_ARG(text));
        return -1;
    }
    int equal = compare(x, left, str_trim(str_skip(rest, 1 + negative)), text);
    return equal < 0 ? -1 : equal != negative;
}

/* --- blocks --- */

void
ssi_block_put(struct exchange *x, struct str name, struct str text)
{
    struct exchange *root = exchange_root(x);
    struct ssi *ssi = ssi_of(root);
    if (ssi_block_get(x, name).p)
        return; /* the first of a name counts */
    struct str *block = arena_new(&root->arena, struct str);
    *block = arena_dup(&root->arena, text);
    map_put(&ssi->blocks, arena_dup(&root->arena, name), block);
}

struct str
ssi_block_get(struct exchange *x, struct str name)
{
    const struct ssi *ssi = ssi_of(exchange_root(x));
    const struct str *block = map_try(&ssi->blocks, name);
    return block ? *block : STR_NONE;
}
