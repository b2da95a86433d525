/* The lexer: one pass, a view of the text for each word without escapes. */
#include "config/lexer.h"

void
lexer_init(struct lexer *l, const struct source *source, struct diags *d, struct arena *a)
{
    struct str text = source->text;
    if (text.p == NULL)
        text = STR("");
    *l = (struct lexer){ .source = source, .diags = d, .arena = a, .line = 1 };
    l->at = l->line_start = text.p;
    l->end = text.p + text.n;
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct span
place(const struct lexer *l)
{
    return (struct span){ l->source, l->line, (unsigned)(l->at - l->line_start) + 1, 1 };
}

/* Moves on to `to`, counting lines. */
static void
advance(struct lexer *l, const char *to)
{
    const char *newline;
    while ((newline = memchr(l->at, '\n', (size_t)(to - l->at)))) {
        l->line++;
        l->at = l->line_start = newline + 1;
    }
    l->at = to;
}

static void
skip_blanks_and_comments(struct lexer *l)
{
    while (l->at < l->end) {
        if (*l->at == '\n') {
            l->line++;
            l->line_start = ++l->at;
        } else if (is_blank(*l->at)) {
            l->at++;
        } else if (*l->at == '#') {
            const char *newline = memchr(l->at, '\n', (size_t)(l->end - l->at));
            l->at = newline ? newline : l->end;
        } else {
            return;
        }
    }
}

/* The byte that a pair stands for, or 0 when backslash and byte both stay. */
static char
resolve(char c)
{
    switch (c) {
    case '"':
    case '\'':
    case '\\':
        return c;
    case 't':
        return '\t';
    case 'r':
        return '\r';
    case 'n':
        return '\n';
    default:
        return 0;
    }
}

static struct str
unescape(struct lexer *l, struct str raw)
{
    if (str_find(raw, '\\') < 0)
        return raw;
    char *text = arena_text(l->arena, raw.n), *to = text;
    for (size_t i = 0; i < raw.n; i++) {
        char byte = raw.p[i] == '\\' && i + 1 < raw.n ? resolve(raw.p[i + 1]) : 0;
        *to++ = byte ? byte : raw.p[i];
        if (byte)
            i++;
        else if (raw.p[i] == '\\' && i + 1 < raw.n)
            *to++ = raw.p[++i];
    }
    return str_between(text, to);
}

static const char *
end_of_bare(const struct lexer *l)
{
    const char *p = l->at;
    while (p < l->end && !is_blank(*p) && *p != ';' && *p != '{') {
        bool shields = *p == '\\' || (*p == '$' && p + 1 < l->end && p[1] == '{');
        p += shields && p + 1 < l->end ? 2 : 1;
    }
    return p;
}

/* Of the closing quote, or NULL. */
static const char *
end_of_quoted(const struct lexer *l)
{
    for (const char *p = l->at + 1; p < l->end; p++) {
        if (*p == *l->at)
            return p;
        if (*p == '\\')
            p++;
    }
    return NULL;
}

/* A quoted word must be followed by a blank, ";", "{" or ")"; what is glued to it is skipped. "}"
 * is the parser's to refuse. */
static void
check_after_quote(struct lexer *l, unsigned began)
{
    if (l->at == l->end || is_blank(*l->at) || memchr(";{})", *l->at, 4))
        return;
    struct diag *diag = diag_add(l->diags, LEVEL_EMERG, place(l), "unexpected \"%c\"", *l->at);
    if (began == l->line)
        diag_hint(l->diags, diag, "a blank belongs after the closing quote");
    else
        diag_hint(l->diags, diag, "the quote that ends here began in line %u", began);
    advance(l, end_of_bare(l));
}

static struct token
quoted_word(struct lexer *l)
{
    struct token token = { TOKEN_WORD, { .quoted = true, .span = place(l) } };
    const char *start = l->at, *close = end_of_quoted(l);
    if (close == NULL) {
        l->unclosed = token.word.span;
        advance(l, l->end);
        return (struct token){ TOKEN_END, { .span = place(l) } };
    }
    token.word.span.length = (unsigned)(close + 1 - start);
    token.word.text = unescape(l, str_between(start + 1, close));
    advance(l, close + 1);
    check_after_quote(l, token.word.span.line);
    return token;
}

static struct token
bare_word(struct lexer *l)
{
    struct token token = { TOKEN_WORD, { .span = place(l) } };
    struct str raw = str_between(l->at, end_of_bare(l));
    token.word.span.length = (unsigned)raw.n;
    token.word.text = unescape(l, raw);
    advance(l, raw.p + raw.n);
    return token;
}

struct token
lexer_next(struct lexer *l)
{
    skip_blanks_and_comments(l);
    struct token token = { TOKEN_END, { .span = place(l) } };
    if (l->at == l->end)
        return token;
    switch (*l->at) {
    case ';':
        token.kind = TOKEN_SEMICOLON;
        break;
    case '{':
        token.kind = TOKEN_OPEN;
        break;
    case '}':
        token.kind = TOKEN_CLOSE;
        break;
    case '"':
    case '\'':
        return quoted_word(l);
    default:
        return bare_word(l);
    }
    l->at++;
    return token;
}

void
lexer_skip(struct lexer *l, size_t n)
{
    advance(l, l->at + n);
}
