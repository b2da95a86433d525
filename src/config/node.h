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
    struct span end;       /* the ";" or "{" that ends the words */
    struct span close;     /* the closing brace; line 0 when there is none */
};

enum {
    NESTING_MAX = 64, /* blocks within blocks; deeper is an error */
    INCLUDE_MAX = 32  /* files within files */
};

/* Parses path and what it includes into one tree under a nameless root. Problems go to d; the tree
 * is as complete as it can be, so that compiling can go on to find more. Never NULL: an unreadable
 * file is a problem in d and gives an empty tree. `include` with one argument is expanded wherever
 * it stands (in types and map too) and is not in the tree. Includes are relative to the directory
 * of the configuration file (`path`). The tree points into the sources' text: both must live as
 * long as what is compiled from them. A top level without http and events is put into http when
 * it is compiled (config/fragment.h). */
struct node *config_parse(struct sources *s, struct str path, struct diags *d, struct arena *a);
/* The same for text already at hand (-g directives, usher proxy). */
struct node *config_parse_text(struct sources *s, struct source *text, struct diags *d,
                               struct arena *a);
