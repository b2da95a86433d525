/* What is wrong with a configuration. All problems are collected and shown at once, in the order of
 * the text. */
#pragma once

#include "base/buf.h"
#include "base/fault.h"
#include "config/source.h"

struct span {
    const struct source *source; /* NULL: no place (command line, environment) */
    unsigned line, column;       /* 1-based; column counts bytes */
    unsigned length;             /* bytes to underline, at least 1 */
};

/* The place just behind a word, where a ";" would go. */
struct span span_after(struct span word);

struct diag {
    struct diag *next;
    enum log_level level; /* LEVEL_EMERG refuses the configuration; LEVEL_WARN does not */
    struct span span;     /* where nginx puts it (the end of a directive): the line of diag_line */
    struct span shown;    /* what the excerpt shows; the same unless diag_show said otherwise */
    struct str message;   /* nginx's words, without the place: 'unknown directive "lisen"' */
    struct str hint;      /* 'did you mean "listen"?', may be STR_NONE */
};

struct diags {
    struct arena *arena;
    struct diag *first, *last;
    unsigned errors, warnings;
};

void diags_init(struct diags *d, struct arena *a);
struct diag *diag_add(struct diags *d, enum log_level level, struct span span, const char *format,
                      ...) __attribute__((format(printf, 4, 5)));
void diag_hint(struct diags *d, struct diag *diag, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The excerpt shows this place instead of the one in the line: the brace that was never closed, the
 * end of the line where ";" is missing. */
void diag_show(struct diag *diag, struct span shown);
/* In the order of the text: by file as first read, then line and column. Stable. */
void diags_sort(struct diags *d);
/* nginx's line without time and pid, 'MESSAGE in FILE:LINE', into b; the caller adds the log
 * prefix. */
void diag_line(const struct diag *diag, struct buf *b);
/* The excerpt under it: the source line, a caret line, and the hint; the hint alone when there is
 * no place. */
void diag_excerpt(const struct diag *diag, struct buf *b);
