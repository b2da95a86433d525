/* The parser: words to a tree, files into files.
 *
 * It knows no directive but include. Blocks are kept on a stack of its own, so that only files
 * within files recurse, and both depths are bounded. What is wrong is reported in nginx's words at
 * nginx's place; the excerpt shows where to mend it: the line that lacks ";" or the brace that was
 * never closed. */
#include "config/lexer.h"
#include "config/slip.h"

#include <errno.h>

struct open_block {
    struct node *node, **tail; /* tail: where the next child goes */
    unsigned line, indent;     /* of its brace */
};

/* What all files of one configuration have in common. */
struct parser {
    struct sources *sources;
    struct diags *diags;
    struct arena *arena;
    struct str directory; /* includes are relative to it */
    struct word *words;   /* of the directive being read */
    unsigned n, cap;
};

/* One file being read. */
struct reading {
    struct parser *parser;
    struct reading *includer;
    const struct source *source;
    struct lexer lexer;
    unsigned files;             /* deep, this one counted */
    unsigned outside;           /* blocks around the include */
    unsigned depth;             /* blocks open in this file; blocks[0] is what the file stands in */
    const struct node *crooked; /* the first block whose brace stands further left than it */
    bool misread;               /* braces of a word were taken for a block's */
    bool stopped;
    struct open_block blocks[NESTING_MAX + 1];
};

static void read_file(struct reading *r);

static struct diag *
report(struct reading *r, struct span span, const char *message)
{
    return diag_add(r->parser->diags, LEVEL_EMERG, span, "%s", message);
}

static void
push_word(struct parser *p, struct word word)
{
    if (p->n == p->cap) {
        unsigned cap = p->cap ? p->cap * 2 : 16;
        struct word *words = arena_array(p->arena, struct word, cap);
        if (p->n)
            memcpy(words, p->words, p->n * sizeof(words[0]));
        p->words = words;
        p->cap = cap;
    }
    p->words[p->n++] = word;
}

/* The words read so far become a node, at the end of the innermost open block. */
static struct node *
add_node(struct reading *r, struct span end)
{
    struct parser *p = r->parser;
    struct open_block *in = &r->blocks[r->depth];
    struct node *node = arena_new(p->arena, struct node);
    node->words = arena_array(p->arena, struct word, p->n);
    memcpy(node->words, p->words, p->n * sizeof(node->words[0]));
    node->n = p->n;
    node->end = end;
    node->parent = in->node;
    *in->tail = node;
    in->tail = &node->next;
    p->n = 0;
    return node;
}

static struct str
directory_of(struct str path)
{
    while (path.n && path.p[path.n - 1] != '/')
        path.n--;
    return path;
}

static bool
is_being_read(const struct reading *r, const struct source *source)
{
    for (; r; r = r->includer)
        if (r->source == source)
            return true;
    return false;
}

static void
include_file(struct reading *r, const struct word *word, struct str path)
{
    struct parser *p = r->parser;
    int error = 0;
    const struct source *source = sources_open(p->sources, path, &error);
    if (source == NULL) {
        diag_add(p->diags, LEVEL_EMERG, word->span, "%s \"" STR_FMT "\" failed (%d: %s)",
                 error == EISDIR ? "pread()" : "open()", STR_ARG(path), error,
                 strerrordesc_np(error));
    } else if (is_being_read(r, source)) {
        diag_add(p->diags, LEVEL_EMERG, word->span, "include of \"" STR_FMT "\" within itself",
                 STR_ARG(path));
    } else if (r->files == INCLUDE_MAX) {
        diag_add(p->diags, LEVEL_EMERG, word->span, "files are included more than %d deep",
                 INCLUDE_MAX);
    } else {
        struct reading *inner = arena_new(p->arena, struct reading);
        inner->parser = p;
        inner->includer = r;
        inner->source = source;
        inner->files = r->files + 1;
        inner->outside = r->outside + r->depth;
        inner->blocks[0] = r->blocks[r->depth];
        read_file(inner);
        r->blocks[r->depth].tail = inner->blocks[0].tail;
    }
}

static void
include(struct reading *r)
{
    struct parser *p = r->parser;
    struct word word = p->words[1];
    struct str pattern = word.text;
    p->n = 0;
    if (!str_starts(pattern, STR("/")))
        pattern = arena_join(p->arena, p->directory, pattern);
    const struct include_result *found = sources_glob(p->sources, pattern);
    for (unsigned i = 0; i < found->n; i++)
        include_file(r, &word, found->paths[i]);
}

static void
end_directive(struct reading *r, struct span at)
{
    struct parser *p = r->parser;
    if (p->n == 0)
        diag_hint(p->diags, report(r, at, "unexpected \";\""),
                  "there is nothing that it could end");
    else if (p->n == 2 && str_eq(p->words[0].text, STR("include")))
        include(r);
    else
        add_node(r, at);
}

/* A block without a name is read to its end, and forgotten. */
static struct node *
nameless(struct reading *r, struct span at)
{
    report(r, at, "unexpected \"{\"");
    struct node *node = arena_new(r->parser->arena, struct node);
    node->words = arena_new(r->parser->arena, struct word);
    node->words[0].span = at;
    node->n = 1;
    return node;
}

/* Blanks at the start of the lexer's line. */
static unsigned
indentation(const struct lexer *l)
{
    const char *p = l->line_start;
    while (p < l->end && (*p == ' ' || *p == '\t'))
        p++;
    return (unsigned)(p - l->line_start);
}

/* When braces do not balance, the one that is missing belongs, as a rule, to the first block that
 * seems to be closed by the brace of a block around it. */
static void
note_crooked(struct reading *r, struct span at)
{
    const struct open_block *block = &r->blocks[r->depth];
    bool first_in_line = indentation(&r->lexer) + 1 == at.column;
    if (r->crooked == NULL && first_in_line && block->line != at.line &&
        at.column - 1 < block->indent)
        r->crooked = block->node;
}

static void
open_block(struct reading *r, struct span at)
{
    struct node *node = r->parser->n ? add_node(r, at) : nameless(r, at);
    node->block = true;
    r->misread |= slip_ends_repetition(node->words[0].text);
    if (r->outside + r->depth == NESTING_MAX) {
        diag_add(r->parser->diags, LEVEL_EMERG, at, "blocks are nested more than %d deep",
                 NESTING_MAX);
        r->stopped = true;
        return;
    }
    r->blocks[++r->depth] =
        (struct open_block){ node, &node->children, at.line, indentation(&r->lexer) };
}

static void
close_block(struct reading *r, struct span at)
{
    if (r->parser->n) {
        struct span last = r->parser->words[r->parser->n - 1].span;
        struct diag *diag = report(r, at, "unexpected \"}\"");
        diag_show(diag, span_after(last));
        diag_hint(r->parser->diags, diag, "is \";\" missing here?");
        end_directive(r, at);
    } else if (r->depth == 0) {
        struct diag *diag = report(r, at, "unexpected \"}\"");
        diag_hint(r->parser->diags, diag, "no block is open here");
    }
    if (r->depth == 0)
        return;
    note_crooked(r, at);
    r->blocks[r->depth--].node->close = at;
}

static void
end_file(struct reading *r, struct span at)
{
    struct parser *p = r->parser;
    if (p->n || r->lexer.unclosed.line) {
        bool option = str_eq(r->source->path, STR("command line"));
        struct diag *diag = report(r, at,
                                   option ? "unexpected end of parameter, expecting \";\""
                                          : "unexpected end of file, expecting \";\" or \"}\"");
        bool quote = r->lexer.unclosed.line;
        diag_show(diag, quote ? r->lexer.unclosed : span_after(p->words[p->n - 1].span));
        diag_hint(p->diags, diag, quote ? "this quote is never closed" : "is \";\" missing here?");
        p->n = 0;
    }
    if (r->depth == 0 || r->lexer.unclosed.line || r->misread)
        return;
    const struct node *block = r->crooked ? r->crooked : r->blocks[r->depth].node;
    struct diag *diag = report(r, at, "unexpected end of file, expecting \"}\"");
    diag_show(diag, block->words[0].span);
    diag_hint(p->diags, diag, "\"" STR_FMT "\", opened in line %u, is never closed",
              STR_ARG(block->words[0].text), block->words[0].span.line);
}

/* One word for what is no text, rather than one for each of its bytes. */
static bool
is_text(struct reading *r)
{
    struct str text = r->source->text;
    if (text.n == 0 || memchr(text.p, '\0', text.n) == NULL)
        return true;
    struct diag *diag = report(r, (struct span){ r->source, 1, 1, 1 }, "unexpected zero byte");
    bool wide = str_starts(text, STR("\xff\xfe")) || str_starts(text, STR("\xfe\xff"));
    diag_show(diag, (struct span){ 0 });
    diag_hint(r->parser->diags, diag,
              wide ? "the file is UTF-16: save it as UTF-8" : "the file is no text");
    return false;
}

static void
read_file(struct reading *r)
{
    lexer_init(&r->lexer, r->source, r->parser->diags, r->parser->arena);
    r->stopped = !is_text(r);
    while (!r->stopped) {
        struct token token = lexer_next(&r->lexer);
        switch (token.kind) {
        case TOKEN_WORD:
            push_word(r->parser, token.word);
            break;
        case TOKEN_SEMICOLON:
            end_directive(r, token.word.span);
            break;
        case TOKEN_OPEN:
            open_block(r, token.word.span);
            break;
        case TOKEN_CLOSE:
            close_block(r, token.word.span);
            break;
        case TOKEN_END:
            end_file(r, token.word.span);
            r->stopped = true;
            break;
        }
    }
    r->parser->n = 0;
}

struct node *
config_parse_text(struct sources *s, struct source *text, struct diags *d, struct arena *a)
{
    struct parser parser = { s, d, a, directory_of(text->path), NULL, 0, 0 };
    struct node *root = arena_new(a, struct node);
    struct reading *r = arena_new(a, struct reading);
    root->block = true;
    root->n = 1;
    root->words = arena_new(a, struct word);
    root->words[0].span = (struct span){ text, 1, 1, 1 };
    r->parser = &parser;
    r->source = text;
    r->files = 1;
    r->blocks[0] = (struct open_block){ root, &root->children };
    read_file(r);
    return root;
}

struct node *
config_parse(struct sources *s, struct str path, struct diags *d, struct arena *a)
{
    int error = 0;
    struct source *source = sources_open(s, path, &error);
    if (source)
        return config_parse_text(s, source, d, a);
    diag_add(d, LEVEL_EMERG, (struct span){ 0 }, "%s \"" STR_FMT "\" failed (%d: %s)",
             error == EISDIR ? "pread()" : "open()", STR_ARG(path), error, strerrordesc_np(error));
    struct source *nothing = arena_new(a, struct source);
    nothing->path = path;
    nothing->text = STR("");
    return config_parse_text(s, nothing, d, a);
}
