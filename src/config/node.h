/* The syntax tree: simple directives and blocks, each word with its place. Immutable once parsed.
 */
#pragma once

#include "config/diag.h"

struct word {
    struct str text; /* quotes and escapes resolved as nginx does */
    struct span span;
    bool quoted;
};

struct node {
    struct node *next, *parent;
    struct node *children; /* first, or NULL */
    struct word *words;    /* words[0] is the name */
    unsigned n;            /* words, at least 1 (in raw blocks too) */
    bool block;            /* has { } */
    struct span close;     /* the closing brace */
};

/* Parses path and what it includes into one tree under a nameless root. Problems go to d; the tree
 * is as complete as it can be, so that compiling can go on to find more. A top level with server,
 * upstream, map … and no http block is wrapped in one (unless the file has an events or http
 * block). Includes are relative to the directory of the configuration file (`path`). */
struct node *config_parse(struct sources *s, struct str path, struct diags *d, struct arena *a);
/* The same for text already at hand (-g directives, usher proxy). */
struct node *config_parse_text(struct sources *s, struct source *text, struct diags *d,
                               struct arena *a);
