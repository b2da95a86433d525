/* Problems and how they look: nginx's line, then the source line with a caret under the place. */
#include "config/diag.h"

#include <stdlib.h>

enum {
    EXCERPT_MAX = 120, /* bytes of a source line that are shown */
    EXCERPT_LEAD = 40  /* of them at most before the place, when the line is longer */
};

struct span
span_after(struct span word)
{
    word.column += word.length;
    word.length = 1;
    return word;
}

void
diags_init(struct diags *d, struct arena *a)
{
    *d = (struct diags){ .arena = a };
}

struct diag *
diag_add(struct diags *d, enum log_level level, struct span span, const char *format, ...)
{
    va_list args;
    struct diag *diag = arena_new(d->arena, struct diag);
    va_start(args, format);
    diag->message = arena_vprintf(d->arena, format, args);
    va_end(args);
    diag->level = level;
    diag->span = diag->shown = span;
    *(d->last ? &d->last->next : &d->first) = diag;
    d->last = diag;
    *(level <= LEVEL_ERROR ? &d->errors : &d->warnings) += 1;
    return diag;
}

void
diag_hint(struct diags *d, struct diag *diag, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    diag->hint = arena_vprintf(d->arena, format, args);
    va_end(args);
}

void
diag_show(struct diag *diag, struct span shown)
{
    diag->shown = shown;
}

static int
compare(const void *left, const void *right)
{
    const struct diag *a = *(struct diag *const *)left, *b = *(struct diag *const *)right;
    unsigned a_file = a->span.source ? a->span.source->order : 0;
    unsigned b_file = b->span.source ? b->span.source->order : 0;
    if (a_file != b_file)
        return a_file < b_file ? -1 : 1;
    if (a->span.line != b->span.line)
        return a->span.line < b->span.line ? -1 : 1;
    return (a->span.column > b->span.column) - (a->span.column < b->span.column);
}

/* glibc's qsort merges, and so is stable, as long as it gets memory. */
void
diags_sort(struct diags *d)
{
    unsigned n = d->errors + d->warnings, i = 0;
    if (n < 2)
        return;
    struct diag **all = arena_array(d->arena, struct diag *, n);
    for (struct diag *diag = d->first; diag; diag = diag->next)
        all[i++] = diag;
    qsort(all, n, sizeof(all[0]), compare);
    for (i = 0; i < n; i++)
        all[i]->next = i + 1 < n ? all[i + 1] : NULL;
    d->first = all[0];
    d->last = all[n - 1];
}

/* A terminal must not obey what stands in a file: control bytes become dots. A line stays
 * a line. */
static void
put_visible(struct buf *b, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        buf_byte(b, (c < ' ' && c != '\t') || c == 127 ? '.' : (char)c);
    }
}

void
diag_line(const struct diag *diag, struct buf *b)
{
    put_visible(b, diag->message);
    const struct source *source = diag->span.source;
    if (source == NULL)
        return;
    buf_printf(b, " in " STR_FMT, STR_ARG(source->path));
    if (!str_eq(source->path, STR("command line")))
        buf_printf(b, ":%u", diag->span.line);
}

/* Line `line` of the text, without its end. */
static struct str
find_line(struct str text, unsigned line)
{
    struct str found = str_cut(&text, '\n');
    while (--line && text.p)
        found = str_cut(&text, '\n');
    if (line)
        return STR("");
    if (found.n && found.p[found.n - 1] == '\r')
        found.n--;
    return found;
}

static bool
continues_character(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* Blanks as wide as the text above them, then carets. */
static void
put_carets(struct buf *b, struct str before, struct str under)
{
    for (size_t i = 0; i < before.n; i++)
        if (!continues_character(before.p[i]))
            buf_byte(b, before.p[i] == '\t' ? '\t' : ' ');
    buf_byte(b, '^');
    for (size_t i = 1; i < under.n; i++)
        if (!continues_character(under.p[i]))
            buf_byte(b, '^');
}

void
diag_excerpt(const struct diag *diag, struct buf *b)
{
    const struct span *at = &diag->shown;
    if (at->source == NULL || at->line == 0) {
        if (diag->hint.n)
            buf_printf(b, "      | " STR_FMT "\n", STR_ARG(diag->hint));
        return;
    }
    struct str line = find_line(at->source->text, at->line);
    size_t column = at->column && at->column - 1 < line.n ? at->column - 1 : line.n;
    size_t from = 0;
    if (line.n > EXCERPT_MAX && column > EXCERPT_LEAD)
        from = column - EXCERPT_LEAD;
    while (from && from < line.n && continues_character(line.p[from]))
        from--;
    const char *left = from ? "..." : "", *gap = from ? "   " : "";
    struct str shown = str_head(str_skip(line, from), EXCERPT_MAX);
    buf_printf(b, "%5u | %s", at->line, left);
    put_visible(b, shown);
    buf_printf(b, "%s\n      | %s", from + shown.n < line.n ? "..." : "", gap);
    struct str before = str_head(shown, column - from);
    put_carets(b, before, str_head(str_skip(shown, before.n), at->length));
    if (diag->hint.n)
        buf_printf(b, " " STR_FMT, STR_ARG(diag->hint));
    buf_byte(b, '\n');
}
