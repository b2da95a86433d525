/* Rows as a page of man(7). */
#include "config/manual.h"

#include "config/check.h"

#include <stdlib.h>

/* A character beyond ASCII, by its number; returns its last byte. The source's texts are UTF-8. */
static const char *
put_character(struct buf *b, const char *p)
{
    unsigned char lead = (unsigned char)*p;
    unsigned code = lead & (lead < 0xe0 ? 0x1f : lead < 0xf0 ? 0x0f : 0x07);
    while (((unsigned char)p[1] & 0xc0) == 0x80)
        code = code << 6 | ((unsigned char)*++p & 0x3f);
    buf_printf(b, "\\[u%04X]", code);
    return p;
}

/* Backslashes are written out, hyphens stay what they are, and no line begins with a request. */
static void
put_text(struct buf *b, const char *text)
{
    bool line_start = true;
    for (; *text; text++) {
        if (line_start && (*text == '.' || *text == '\''))
            buf_put(b, STR("\\&"));
        line_start = *text == '\n';
        if (*text == '\\')
            buf_put(b, STR("\\e"));
        else if (*text == '-')
            buf_put(b, STR("\\-"));
        else if ((unsigned char)*text >= 0x80)
            text = put_character(b, text);
        else
            buf_byte(b, *text);
    }
}

static void
put_default(struct buf *b, const struct directive *d)
{
    const char *value = d->initial ? d->initial : d->unset;
    if (value == NULL)
        return;
    buf_put(b, STR("\n.br\nDefault: "));
    put_text(b, value[0] ? value : "none");
}

static void
put_directive(struct buf *b, const struct directive *d)
{
    struct buf line;
    buf_init(&line, b->arena, 256, 0);
    syntax_print(d, &line);
    buf_byte(&line, '\0');
    buf_put(b, STR(".TP\n.B "));
    put_text(b, line.p);
    buf_byte(b, '\n');
    put_text(b, d->help ? d->help : "");
    put_default(b, d);
    line.n = 0;
    contexts_print(d->contexts, &line);
    buf_byte(&line, '\0');
    buf_put(b, STR("\n.br\nIn: "));
    put_text(b, line.p);
    buf_byte(b, '\n');
}

static int
by_name(const void *left, const void *right)
{
    const struct directive *const *a = left, *const *b = right;
    return strcmp((*a)->name, (*b)->name);
}

void
manual_print_roff(struct buf *b, const struct directive_set *const *sets)
{
    unsigned n = 0;
    for (unsigned i = 0; sets[i]; i++)
        for (const struct directive *d = sets[i]->directives; d && d->name; d++)
            n += d->name[0] != '_';
    const struct directive **all = arena_array(b->arena, const struct directive *, n + 1),
                           **to = all;
    for (unsigned i = 0; sets[i]; i++)
        for (const struct directive *d = sets[i]->directives; d && d->name; d++)
            if (d->name[0] != '_')
                *to++ = d;
    qsort(all, n, sizeof all[0], by_name);
    buf_put(b, STR(".SH DIRECTIVES\n"));
    for (unsigned i = 0; i < n; i++)
        put_directive(b, all[i]);
}
