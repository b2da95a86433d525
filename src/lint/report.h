/* How findings and rules are shown. */
#pragma once

#include "lint/lint.h"

/* Paths below `here` (a directory with its slash, or STR_NONE) are shown without it. */
struct lint_report {
    struct buf *b;
    struct str here;
};

/* "[warn] MESSAGE [rule] in FILE:LINE", the line, a caret, and how to mend it. */
void lint_print_text(const struct lint_report *r, const struct lint *l);
/* A list of objects: rule, level, file, line, column, endColumn, message, fix. Findings of several
 * files go into one list: begin, one call a file, end. */
void lint_print_json(const struct lint_report *r, const struct lint *l);
/* SARIF 2.1.0, between its beginning and its end. */
void lint_begin_sarif(const struct lint_report *r);
void lint_print_sarif(const struct lint_report *r, const struct lint *l);
/* loaded: all files did. */
void lint_end_sarif(const struct lint_report *r, bool loaded);
/* The rules: a line each, a list of objects, or the page docs/lint.md. */
void lint_print_rules(struct buf *b);
void lint_print_rules_json(struct buf *b);
void lint_print_manual(struct buf *b);
/* The path as it is shown. */
struct str lint_path(const struct lint_report *r, const struct finding *f);
const char *lint_level(enum log_level level);
