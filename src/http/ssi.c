/* The states of a command, byte by byte. */
#include "http/ssi.h"

#include <stdio.h>

static const struct str opening = { "<!--#", 5 };

enum state {
    TEXT,
    BEFORE_COMMAND,
    COMMAND,
    BEFORE_NAME,
    NAME,
    BEFORE_EQUALS,
    BEFORE_VALUE,
    VALUE,
    ESCAPED,
    AFTER_VALUE,
    DASH,
    DASHES,
    WRONG,
    WRONG_DASH,
    WRONG_DASHES
};

void
ssi_init(struct ssi_parser *p, struct arena *a, size_t value_max)
{
    *p = (struct ssi_parser){ .state = TEXT, .value_max = value_max };
    buf_init(&p->text, a, 256, 0);
}

bool
ssi_is_wrong(const struct ssi_parser *p)
{
    return p->state >= WRONG;
}

struct str
ssi_command(const struct ssi_parser *p)
{
    return (struct str){ p->text.p, p->name_n };
}

struct str
ssi_parameter_name(const struct ssi_parser *p, unsigned i)
{
    return (struct str){ p->text.p + p->v[i].name, p->v[i].name_n };
}

struct str
ssi_parameter_value(const struct ssi_parser *p, unsigned i)
{
    return (struct str){ p->text.p + p->v[i].value, p->v[i].value_n };
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

enum { SHOWN = 64 }; /* of a text in an error */

static struct str
shown(struct str s)
{
    return str_head(s, SHOWN);
}

static void
unexpected(struct ssi_parser *p, char c, const char *where)
{
    struct str command = shown(ssi_command(p));
    snprintf(p->error, sizeof p->error, "unexpected \"%c\" symbol %sin \"" STR_FMT "\" SSI command",
             c, where, STR_ARG(command));
    p->state = WRONG;
}

static void
unexpected_at_parameter(struct ssi_parser *p, char c, const char *where)
{
    char text[2 * SHOWN + 64];
    struct str name = shown(ssi_parameter_name(p, p->n - 1));
    snprintf(text, sizeof text, "%s \"" STR_FMT "\" parameter ", where, STR_ARG(name));
    unexpected(p, c, text);
}

static void
unexpected_after_value(struct ssi_parser *p, char c)
{
    char text[SHOWN + 32];
    struct str value = shown(ssi_parameter_value(p, p->n - 1));
    snprintf(text, sizeof text, "after \"" STR_FMT "\" value of", STR_ARG(value));
    unexpected_at_parameter(p, c, text);
}

static void
too_long(struct ssi_parser *p, char c, struct str what, const char *kind)
{
    snprintf(p->error, sizeof p->error, "too long \"" STR_FMT "%c...\" %s SSI command",
             STR_ARG(shown(what)), c, kind);
    p->state = WRONG;
}

static void
too_long_value(struct ssi_parser *p, char c)
{
    char kind[3 * SSI_NAME_MAX];
    snprintf(kind, sizeof kind, "value of \"" STR_FMT "\" parameter in \"" STR_FMT "\"",
             STR_ARG(ssi_parameter_name(p, p->n - 1)), STR_ARG(ssi_command(p)));
    too_long(p, c, ssi_parameter_value(p, p->n - 1), kind);
}

static void
begin_command(struct ssi_parser *p)
{
    p->state = BEFORE_COMMAND;
    p->text.n = p->name_n = 0;
    p->n = 0;
    p->error[0] = '\0';
}

static void
put_command(struct ssi_parser *p, char c)
{
    if (p->name_n == SSI_NAME_MAX) {
        too_long(p, c, ssi_command(p), "name");
        return;
    }
    p->state = COMMAND;
    buf_byte(&p->text, c);
    p->name_n++;
}

static void
begin_parameter(struct ssi_parser *p, char c)
{
    if (p->n == SSI_PARAMETERS_MAX) {
        snprintf(p->error, sizeof p->error, "too many \"" STR_FMT "\" SSI command parameters",
                 STR_ARG(ssi_command(p)));
        p->state = WRONG;
        return;
    }
    p->v[p->n++] = (struct ssi_parameter){ .name = p->text.n, .name_n = 1 };
    buf_byte(&p->text, c);
    p->state = NAME;
}

static void
put_name(struct ssi_parser *p, char c)
{
    struct ssi_parameter *v = &p->v[p->n - 1];
    if (v->name_n == SSI_NAME_MAX) {
        too_long(p, c, ssi_parameter_name(p, p->n - 1), "parameter in");
        return;
    }
    buf_byte(&p->text, c);
    v->name_n++;
}

static void
put_value(struct ssi_parser *p, char c)
{
    struct ssi_parameter *v = &p->v[p->n - 1];
    p->state = VALUE;
    if (v->value_n >= p->value_max) {
        too_long_value(p, c);
        return;
    }
    buf_byte(&p->text, c);
    v->value_n++;
}

static void
take_in_name(struct ssi_parser *p, char c)
{
    if (is_blank(c))
        p->state = BEFORE_EQUALS;
    else if (c == '=')
        p->state = BEFORE_VALUE;
    else if (c == '-')
        unexpected_at_parameter(p, c, "after");
    else
        put_name(p, c);
}

static void
take_before_value(struct ssi_parser *p, char c)
{
    if (c == '"' || c == '\'') {
        p->quote = c;
        p->v[p->n - 1].value = p->text.n;
        p->state = VALUE;
    } else if (!is_blank(c)) {
        unexpected_at_parameter(p, c, "before value of");
    }
}

static void
take_in_value(struct ssi_parser *p, char c)
{
    if (p->state == ESCAPED) {
        if (c != p->quote && c != '\\')
            put_value(p, '\\');
        if (p->state != WRONG)
            put_value(p, c);
    } else if (c == '\\') {
        p->state = ESCAPED;
    } else if (c == p->quote) {
        p->state = AFTER_VALUE;
    } else {
        put_value(p, c);
    }
}

/* Only the end of a command that is wrong is looked for. */
static void
take_wrong(struct ssi_parser *p, char c)
{
    if (c == '-')
        p->state = p->state == WRONG ? WRONG_DASH : WRONG_DASHES;
    else
        p->state = p->state == WRONG_DASHES && c == '>' ? TEXT : WRONG;
}

static void
take_dashes(struct ssi_parser *p, char c)
{
    if (p->state == DASH && c == '-')
        p->state = DASHES;
    else if (p->state == DASHES && c == '>')
        p->state = TEXT;
    else
        unexpected(p, c, "");
}

static void
take_between(struct ssi_parser *p, char c)
{
    if (is_blank(c))
        p->state = BEFORE_NAME;
    else if (c == '-')
        p->state = DASH;
    else if (p->state == COMMAND)
        put_command(p, c);
    else if (p->state == AFTER_VALUE)
        unexpected_after_value(p, c);
    else
        begin_parameter(p, c);
}

static void
take(struct ssi_parser *p, char c)
{
    switch ((enum state)p->state) {
    case TEXT:
        break;
    case BEFORE_COMMAND:
        if (!is_blank(c))
            put_command(p, c);
        break;
    case COMMAND:
    case BEFORE_NAME:
    case AFTER_VALUE:
        take_between(p, c);
        break;
    case NAME:
        take_in_name(p, c);
        break;
    case BEFORE_EQUALS:
        if (c == '=')
            p->state = BEFORE_VALUE;
        else if (!is_blank(c))
            unexpected_at_parameter(p, c, "after");
        break;
    case BEFORE_VALUE:
        take_before_value(p, c);
        break;
    case VALUE:
    case ESCAPED:
        take_in_value(p, c);
        break;
    case DASH:
    case DASHES:
        take_dashes(p, c);
        break;
    case WRONG:
    case WRONG_DASH:
    case WRONG_DASHES:
        take_wrong(p, c);
        break;
    }
}

/* Up to the next byte that may begin a command; at such a byte, one step further. */
static bool
find_text(struct ssi_parser *p, struct str *in, struct str *text)
{
    const char *at = p->matched ? in->p : memchr(in->p, '<', in->n);
    size_t n = at ? (size_t)(at - in->p) : in->n;
    *text = str_head(*in, n);
    *in = str_skip(*in, n);
    if (n)
        return true;
    if (in->p[0] != opening.p[p->matched]) {
        *text = str_head(opening, p->matched);
        p->matched = 0;
        return true;
    }
    *in = str_skip(*in, 1);
    if (++p->matched == opening.n) {
        p->matched = 0;
        begin_command(p);
    }
    return false;
}

enum ssi_token
ssi_next(struct ssi_parser *p, struct str *in, struct str *text)
{
    while (in->n) {
        if (p->state == TEXT) {
            if (find_text(p, in, text))
                return SSI_TEXT;
            continue;
        }
        char c = in->p[0];
        *in = str_skip(*in, 1);
        take(p, c);
        if (p->state == TEXT)
            return p->error[0] ? SSI_BAD : SSI_COMMAND;
    }
    return SSI_MORE;
}
