/* Text to words: nginx's grammar of quotes, escapes and comments.
 *
 * A word is quoted with ' or ", or bare up to a blank, ";" or "{"; inside a bare word "{" belongs
 * to it after "$", and "}", "#" and quotes are ordinary. In both, backslash shields the next byte,
 * and of the pairs only \" \' \\ \t \r \n are resolved: a regex keeps its own. */
#pragma once

#include "config/node.h"

enum token_kind { TOKEN_WORD, TOKEN_SEMICOLON, TOKEN_OPEN, TOKEN_CLOSE, TOKEN_END };

struct token {
    enum token_kind kind;
    struct word word; /* its span is the place of any token; the rest is for TOKEN_WORD */
};

struct lexer {
    const struct source *source;
    struct diags *diags;
    struct arena *arena; /* for words that had escapes; the others point into the text */
    const char *at, *end, *line_start;
    unsigned line;
    struct span unclosed; /* the quote that the text ended in; line 0 when none */
};

void lexer_init(struct lexer *l, const struct source *source, struct diags *d, struct arena *a);
/* TOKEN_END again and again at the end. */
struct token lexer_next(struct lexer *l);
/* Leaves out n bytes that are not nginx's language. */
void lexer_skip(struct lexer *l, size_t n);
