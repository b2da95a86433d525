/* The commands of server-side includes, as ngx_http_ssi_module documents them. */
#include "exchange/ssi/page.h"

enum { VALUES = 5, BLOCK_MAX = 256 * 1024 };

struct command {
    const char *name;
    const char *parameters[VALUES];
    unsigned mandatory; /* so many of them, the first ones */
    bool conditional;   /* heeded in what is not shown too */
    bool (*run)(struct ssi_page *p, const struct str *values);
};

static struct str
escape_entities(struct exchange *x, struct str s)
{
    struct buf b;
    buf_init(&b, &x->arena, s.n + 16, 0);
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '&')
            buf_put(&b, STR("&amp;"));
        else if (c == '<')
            buf_put(&b, STR("&lt;"));
        else if (c == '>')
            buf_put(&b, STR("&gt;"));
        else if (c == '"')
            buf_put(&b, STR("&quot;"));
        else
            buf_byte(&b, c);
    }
    return buf_str(&b);
}

/* What stands for itself in an attribute of HTML that is a URI. */
static bool
is_plain(unsigned char c)
{
    return c > ' ' && c < 0x7f && c != '"' && c != '#' && c != '%' && c != '\'' && c != '<' &&
           c != '>';
}

static struct str
escape_uri(struct exchange *x, struct str s)
{
    struct buf b;
    buf_init(&b, &x->arena, s.n + 16, 0);
    for (size_t i = 0; i < s.n; i++)
        if (is_plain((unsigned char)s.p[i]))
            buf_byte(&b, s.p[i]);
        else
            buf_printf(&b, "%%%02X", (unsigned char)s.p[i]);
    return buf_str(&b);
}

static struct str
encode(struct exchange *x, struct str value, struct str how)
{
    if (str_eq(how, STR("none")))
        return arena_dup(&x->arena, value);
    if (str_eq(how, STR("url")))
        return escape_uri(x, value);
    if (how.p && !str_eq(how, STR("entity")))
        exchange_log(x, LEVEL_ERROR, 0, "unknown encoding \"" STR_FMT "\" in the \"echo\" command",
                     STR_ARG(how));
    return escape_entities(x, value);
}

static bool
echo(struct ssi_page *p, const struct str *values)
{
    struct str value;
    if (!ssi_get(p->x, values[0], &value))
        value = values[1].p ? values[1] : STR("(none)");
    ssi_put_text(p, encode(p->x, value, values[2]));
    return true;
}

static bool
set(struct ssi_page *p, const struct str *values)
{
    struct str value = ssi_text(p->x, values[1]);
    if (value.p)
        ssi_set(p->x, values[0], value);
    return value.p != NULL;
}

static bool
configure(struct ssi_page *p, const struct str *values)
{
    struct ssi *ssi = ssi_of(p->x);
    if (values[0].p)
        ssi->error_message = arena_dup(&p->x->arena, values[0]);
    if (values[1].p)
        ssi->time_format = arena_dup(&p->x->arena, values[1]);
    return true;
}

static bool
choose(struct ssi_page *p, struct str condition)
{
    int holds = ssi_condition(p->x, condition);
    if (holds < 0)
        return false;
    p->place = IN_IF;
    p->chosen = holds;
    p->skips = !holds;
    return true;
}

static bool
begin_if(struct ssi_page *p, const struct str *values)
{
    if (p->place == OUTSIDE)
        return choose(p, values[0]);
    exchange_log(p->x, LEVEL_ERROR, 0, "the \"if\" command inside the \"if\" command");
    return false;
}

static bool
misplaced(struct ssi_page *p)
{
    exchange_log(p->x, LEVEL_ERROR, 0, "invalid context of SSI command: \"" STR_FMT "\"",
                 STR_ARG(ssi_command(&p->parser)));
    return false;
}

static bool
begin_elif(struct ssi_page *p, const struct str *values)
{
    if (p->place != IN_IF)
        return misplaced(p);
    p->skips = true;
    return p->chosen || choose(p, values[0]);
}

static bool
begin_else(struct ssi_page *p, const struct str *values)
{
    if (p->place != IN_IF)
        return misplaced(p);
    p->place = IN_ELSE;
    p->skips = p->chosen;
    return true;
}

static bool
end_if(struct ssi_page *p, const struct str *values)
{
    if (p->place == OUTSIDE)
        return misplaced(p);
    p->place = OUTSIDE;
    p->skips = false;
    return true;
}

static bool
begin_block(struct ssi_page *p, const struct str *values)
{
    if (p->in_block)
        ssi_block_put(p->x, p->block_name, buf_str(&p->block));
    p->in_block = true;
    p->block_name = arena_dup(&p->x->arena, values[0]);
    if (p->block.arena == NULL)
        buf_init(&p->block, &p->x->arena, 256, BLOCK_MAX);
    p->block.n = 0;
    return true;
}

static bool
end_block(struct ssi_page *p, const struct str *values)
{
    if (p->in_block)
        ssi_block_put(p->x, p->block_name, buf_str(&p->block));
    p->in_block = false;
    return true;
}

static const struct command commands[] = {
    { "include", { "virtual", "file", "wait", "set", "stub" }, 0, false, ssi_include },
    { "echo", { "var", "default", "encoding" }, 1, false, echo },
    { "set", { "var", "value" }, 2, false, set },
    { "config", { "errmsg", "timefmt" }, 0, false, configure },
    { "if", { "expr" }, 1, false, begin_if },
    { "elif", { "expr" }, 1, true, begin_elif },
    { "else", { NULL }, 0, true, begin_else },
    { "endif", { NULL }, 0, true, end_if },
    { "block", { "name" }, 1, false, begin_block },
    { "endblock", { NULL }, 0, false, end_block },
};

static const struct command *
find_command(struct str name)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (str_eq(name, str_of(commands[i].name)))
            return &commands[i];
    return NULL;
}

static int
find_parameter(const struct command *c, struct str name)
{
    for (int i = 0; i < VALUES && c->parameters[i]; i++)
        if (str_eq(name, str_of(c->parameters[i])))
            return i;
    return -1;
}

static bool
read_values(struct ssi_page *p, const struct command *c, struct str *values)
{
    const struct ssi_parser *from = &p->parser;
    for (unsigned i = 0; c->parameters[0] && i < from->n; i++) {
        struct str name = ssi_parameter_name(from, i);
        int at = find_parameter(c, name);
        if (at < 0 || values[at].p) {
            exchange_log(p->x, LEVEL_ERROR, 0,
                         at < 0 ? "invalid parameter name: \"" STR_FMT "\" in \"%s\" SSI command"
                                : "duplicate \"" STR_FMT "\" parameter in \"%s\" SSI command",
                         STR_ARG(name), c->name);
            return false;
        }
        values[at] = ssi_parameter_value(from, i);
    }
    for (unsigned i = 0; i < c->mandatory; i++)
        if (values[i].p == NULL) {
            exchange_log(p->x, LEVEL_ERROR, 0,
                         "mandatory \"%s\" parameter is absent in \"%s\" SSI command",
                         c->parameters[i], c->name);
            return false;
        }
    return true;
}

/* In a block commands stay as they are, until the block is used. */
static void
keep_in_block(struct ssi_page *p)
{
    const struct ssi_parser *from = &p->parser;
    buf_put(&p->block, STR("<!--#"));
    buf_put(&p->block, ssi_command(from));
    for (unsigned i = 0; i < from->n; i++) {
        struct str value = ssi_parameter_value(from, i);
        buf_byte(&p->block, ' ');
        buf_put(&p->block, ssi_parameter_name(from, i));
        buf_put(&p->block, STR("=\""));
        for (size_t k = 0; k < value.n; k++) {
            if (value.p[k] == '"' || value.p[k] == '\\')
                buf_byte(&p->block, '\\');
            buf_byte(&p->block, value.p[k]);
        }
        buf_byte(&p->block, '"');
    }
    buf_put(&p->block, STR(" -->"));
}

void
ssi_put_error(struct ssi_page *p)
{
    struct str message = ssi_of(p->x)->error_message;
    if (!p->my->silent_errors && message.n)
        ssi_put_text(p, message);
}

void
ssi_run(struct ssi_page *p)
{
    struct str name = ssi_command(&p->parser), values[VALUES] = { STR_NONE };
    const struct command *c = find_command(name);
    bool ends_block = c && (c->run == begin_block || c->run == end_block);
    if (p->in_block && !ends_block) {
        keep_in_block(p);
        return;
    }
    if (p->skips && !(c && c->conditional))
        return;
    if (c == NULL)
        exchange_log(p->x, LEVEL_ERROR, 0, "invalid SSI command: \"" STR_FMT "\"", STR_ARG(name));
    if (c == NULL || !read_values(p, c, values) || !c->run(p, values))
        ssi_put_error(p);
}
