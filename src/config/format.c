/* The lexer's tokens, and between them the text that it skips: line breaks and comments. Knows no
 * directive, so that snippets, types and map are laid out too. */
#include "config/format.h"

#include "config/lexer.h"
#include "config/lua.h"

enum { INDENT = 4 };

enum last {
    AT_START,
    AFTER_WORD,
    AFTER_SEMICOLON,
    AFTER_OPEN,
    AFTER_CLOSE,
    AFTER_COMMENT,
    AFTER_LUA
};

struct format {
    struct lexer lexer;
    struct diags *diags;
    struct buf *out;
    enum last last;
    unsigned depth;
    unsigned words; /* of the directive being read */
    bool lua;       /* its block is a program */
    bool one_line;  /* the block that is open is "{ a b; }" or "{ }" */
    struct span open[NESTING_MAX];
};

static bool
refuse(struct format *f, struct span at, const char *what)
{
    diag_add(f->diags, LEVEL_EMERG, at, "%s", what);
    return false;
}

static void
new_line(struct format *f, unsigned breaks)
{
    bool empty = breaks > 1 && f->words == 0 && f->last != AFTER_OPEN;
    if (f->last == AT_START)
        return;
    buf_put(f->out, empty ? STR("\n\n") : STR("\n"));
    for (unsigned i = INDENT * (f->depth + (f->words > 0)); i; i--)
        buf_byte(f->out, ' ');
}

/* What parts the next token or comment from what was written: `breaks` lines, or a blank. */
static void
part(struct format *f, unsigned breaks, bool touching)
{
    if (breaks)
        new_line(f, breaks);
    else if (!touching && f->last != AT_START)
        buf_byte(f->out, ' ');
}

/* Writes the comments of a gap; returns the line breaks after the last. */
static unsigned
put_comments(struct format *f, struct str gap)
{
    unsigned breaks = 0;
    while (gap.n) {
        if (gap.p[0] != '#') {
            breaks += gap.p[0] == '\n';
            gap = str_skip(gap, 1);
            continue;
        }
        ptrdiff_t end = str_find(gap, '\n');
        struct str comment = end < 0 ? gap : str_head(gap, (size_t)end);
        gap = str_skip(gap, comment.n);
        while (comment.n && memchr(" \t\r", comment.p[comment.n - 1], 3))
            comment.n--;
        part(f, breaks, false);
        buf_put(f->out, comment);
        f->last = AFTER_COMMENT;
        breaks = 0;
    }
    return breaks;
}

/* Does the block that has just begun end in this line, with one directive in it or none? */
static bool
is_one_line(const struct format *f)
{
    struct lexer ahead = f->lexer;
    struct diags told; /* what is wrong is found again */
    unsigned directives = 0;
    diags_init(&told, f->diags->arena);
    ahead.diags = &told;
    for (;;) {
        struct token token = lexer_next(&ahead);
        if (ahead.line != f->lexer.line || token.kind == TOKEN_OPEN || token.kind == TOKEN_END)
            return false;
        if (token.kind == TOKEN_CLOSE)
            return true;
        if (token.kind == TOKEN_SEMICOLON && ++directives > 1)
            return false;
    }
}

/* A directive begins in a line of its own, and so does the end of a block. */
static unsigned
least_breaks(const struct format *f, enum token_kind kind)
{
    bool begins = kind == TOKEN_WORD && f->words == 0;
    bool ends = kind == TOKEN_CLOSE && f->last != AFTER_LUA;
    bool after = f->last == AFTER_SEMICOLON || f->last == AFTER_CLOSE || f->last == AFTER_OPEN;
    return (begins || ends) && after && !f->one_line;
}

/* A ";" or "{" joins its directive, unless a comment stands between. */
static void
put(struct format *f, enum token_kind kind, unsigned breaks, bool touching, struct str text)
{
    bool joins = kind == TOKEN_SEMICOLON || kind == TOKEN_OPEN;
    bool glued = touching && (f->last == AFTER_WORD || f->last == AFTER_OPEN) &&
                 (kind == TOKEN_WORD || kind == TOKEN_CLOSE);
    if (f->last == AFTER_OPEN && kind == TOKEN_WORD)
        glued = false;
    if (f->last == AFTER_LUA)
        glued = true;
    else if (joins && f->last != AFTER_COMMENT)
        breaks = 0;
    if (breaks == 0 && least_breaks(f, kind))
        breaks = 1;
    if (kind == TOKEN_CLOSE && breaks > 1)
        breaks = 1;
    if (f->last == AT_START && str_starts(text, STR("\xef\xbb\xbf")))
        buf_byte(f->out, '\n'); /* or the word's beginning would be a byte order mark */
    if (f->last != AFTER_LUA || !touching)
        part(f, breaks, glued || (kind == TOKEN_SEMICOLON && breaks == 0));
    buf_put(f->out, text);
}

static bool
open_block(struct format *f, struct span at)
{
    if (f->words == 0)
        return refuse(f, at, "unexpected \"{\"");
    if (f->depth == NESTING_MAX)
        return refuse(f, at, "blocks are nested too deep");
    f->open[f->depth++] = at;
    f->words = 0;
    f->last = AFTER_OPEN;
    f->one_line = !f->lua && is_one_line(f);
    if (!f->lua)
        return true;
    struct str program = lua_until_brace(str_between(f->lexer.at, f->lexer.end));
    buf_put(f->out, program);
    lexer_skip(&f->lexer, program.n);
    f->last = AFTER_LUA;
    return true;
}

static bool
take(struct format *f, const struct token *token, unsigned breaks, bool touching, struct str text)
{
    struct span at = token->word.span;
    if (token->kind == TOKEN_SEMICOLON && f->words == 0)
        return refuse(f, at, "unexpected \";\"");
    if (token->kind == TOKEN_CLOSE && (f->words || f->depth == 0))
        return refuse(f, at, "unexpected \"}\"");
    f->depth -= token->kind == TOKEN_CLOSE;
    put(f, token->kind, breaks, touching, text);
    switch (token->kind) {
    case TOKEN_OPEN:
        return open_block(f, at);
    case TOKEN_WORD:
        if (f->words++ == 0)
            f->lua = str_ends(token->word.text, STR("_by_lua_block"));
        f->last = AFTER_WORD;
        return true;
    default:
        f->words = 0;
        f->one_line = f->one_line && token->kind == TOKEN_SEMICOLON;
        f->last = token->kind == TOKEN_CLOSE ? AFTER_CLOSE : AFTER_SEMICOLON;
        return true;
    }
}

static bool
end(struct format *f, struct span at)
{
    if (f->lexer.unclosed.line)
        return refuse(f, f->lexer.unclosed, "this quote is never closed");
    if (f->words)
        return refuse(f, at, "unexpected end of file, expecting \";\" or \"}\"");
    if (f->depth)
        return refuse(f, f->open[f->depth - 1], "this block is never closed");
    if (f->last != AT_START)
        buf_byte(f->out, '\n');
    return true;
}

bool
config_format(const struct source *source, struct diags *d, struct buf *out)
{
    struct format *f = arena_new(d->arena, struct format);
    unsigned before = d->errors;
    f->diags = d;
    f->out = out;
    lexer_init(&f->lexer, source, d, d->arena);
    for (;;) {
        const char *from = f->lexer.at;
        struct token token = lexer_next(&f->lexer);
        if (d->errors > before)
            return false;
        size_t length = token.kind == TOKEN_END ? 0 : token.word.span.length;
        const char *start = f->lexer.at - length;
        if (f->lexer.unclosed.line)
            return end(f, token.word.span);
        unsigned breaks = put_comments(f, str_between(from, start));
        if (token.kind == TOKEN_END)
            return end(f, token.word.span);
        if (!take(f, &token, breaks, from == start, (struct str){ start, length }))
            return false;
    }
}
