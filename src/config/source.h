/* The text of a configuration: every file that was read, in order, and what each include pattern
 * found.
 *
 * The supervisor reads files (it may be the only one with the right to); the worker compiles from
 * the same sources, handed over as one descriptor. -T prints them. */
#pragma once

#include "base/map.h"

struct source {
    struct source *next;
    unsigned order;  /* 1 for the first file read */
    struct str path; /* absolute, as nginx prints it */
    struct str text;
};

struct include_result { /* one include pattern, already made absolute, and the files it found,
                           sorted */
    struct include_result *next;
    struct str pattern;
    struct str *paths;
    unsigned n;
};

struct sources {
    struct arena *arena;
    struct source *first, *last;
    struct include_result *includes;
    struct map by_path, by_pattern;
    bool sealed; /* loaded from a descriptor: never touches the file system */
};

void sources_init(struct sources *s, struct arena *a);
/* The file's source, read now unless known. NULL and *error (errno) when it cannot be read. */
struct source *sources_open(struct sources *s, struct str path, int *error);
/* A source made of given text (usher proxy --from …, -g directives, tests), or the known one of
 * this name and text. What is named "command line" is not numbered by lines in problems, as in
 * nginx. */
struct source *sources_add_text(struct sources *s, struct str name, struct str text);
/* The files a pattern names: itself when it has no glob characters, else the sorted matches (maybe
 * none). */
const struct include_result *sources_glob(struct sources *s, struct str pattern);
/* `to` gets what `from` holds, copied into its own arena: settings point into the text and may
 * outlive `from`. Sealed when `from` is. */
void sources_copy(struct sources *to, const struct sources *from);
/* Written to and read from a descriptor (a memfd). 0 or -errno. */
int sources_save(const struct sources *s, int fd);
int sources_load(struct sources *s, int fd);
/* -T: "# configuration file PATH:\n", text, "\n" each, once per file. */
void sources_print(const struct sources *s, int fd);
