/* Any text, laid out: its words stay what they were, and a second time nothing changes. */
#include "target.h"

#include "config/format.h"
#include "config/lexer.h"

static struct token
next(struct lexer *l)
{
    struct token token = lexer_next(l);
    while (token.kind == TOKEN_END && l->at < l->end)
        token = lexer_next(l);
    return token;
}

static void
must_have_the_same_words(struct source *a, struct source *b, struct diags *d)
{
    struct lexer left, right;
    lexer_init(&left, a, d, d->arena);
    lexer_init(&right, b, d, d->arena);
    for (;;) {
        struct token l = next(&left), r = next(&right);
        must(l.kind == r.kind && str_eq(l.word.text, r.word.text) &&
             l.word.quoted == r.word.quoted);
        if (l.kind == TOKEN_END)
            return;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena a;
    struct sources s;
    struct diags d;
    struct buf once, twice;
    struct str text = { (const char *)data, n };
    arena_init(&a, 0);
    sources_init(&s, &a);
    diags_init(&d, &a);
    buf_init(&once, &a, 1000, 0);
    buf_init(&twice, &a, 1000, 0);
    struct source *before = sources_add_text(&s, STR("before"), text);
    if (config_format(before, &d, &once)) {
        struct source *after = sources_add_text(&s, STR("after"), buf_str(&once));
        if (str_find_str(text, STR("_by_lua_block")) < 0)
            must_have_the_same_words(before, after, &d);
        must(config_format(after, &d, &twice) && str_eq(buf_str(&once), buf_str(&twice)));
    }
    arena_fini(&a);
    return 0;
}
