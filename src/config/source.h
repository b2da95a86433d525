/* The text of a configuration: every file that was read, in order, and what each include pattern
 * found.
 *
 * The supervisor reads files (it may be the only one with the right to); the worker compiles from
 * the same sources, handed over as one descriptor. -T prints them.
 *
 * Files that a configuration names and that are no part of its text (certificates, keys, passwords)
 * are data: sealed and handed over like the rest, but never printed and of no order. What could not
 * be read is remembered too, so that both sides find the same. */
#pragma once

#include "base/map.h"

struct source {
    struct source *next;
    unsigned order;  /* 1 for the first file read */
    struct str path; /* absolute, as nginx prints it */
    struct str text; /* of data: STR_NONE when it could not be read */
    int error;       /* of data: why not (errno) */
    bool watched;    /* of data: a change of the file is to be taken up without being asked */
    bool broken;     /* of data: what was read is of no use */
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
    struct source *data; /* newest first */
    struct include_result *includes;
    struct map by_path, by_pattern, data_by_path;
    bool sealed; /* loaded from a descriptor: never touches the file system */
};

void sources_init(struct sources *s, struct arena *a);
/* Of one file: an include of a device or a log by mistake must not take all memory. */
enum { SOURCE_MAX = 256 << 20 };
/* The file's source, read now unless known. NULL and *error (errno) when it cannot be read. */
struct source *sources_open(struct sources *s, struct str path, int *error);
/* The same for data, any bytes. The path is absolute. */
struct source *sources_open_data(struct sources *s, struct str path, int *error);
/* The data of that path, when it was asked for, is watched. */
void sources_watch(struct sources *s, struct str path);
/* The data of that path, read now unless known, is of no use. */
void sources_mark_broken(struct sources *s, struct str path);
/* Data marked as broken in `judged`, of which s is a copy, takes the bytes that `former` has of it,
 * if they are others. How many did. */
unsigned sources_take_former(struct sources *s, const struct sources *judged,
                             const struct sources *former);
/* Can the file be read, and has it other bytes than these? */
bool source_has_changed(const struct source *data);
/* Reads all watched data anew; what cannot be read stays as it was. */
void sources_renew(struct sources *s);
/* Overwrites all data, which may be secret; before the arena goes. */
void sources_wipe(struct sources *s);
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
/* What is known from elsewhere, not copied; at the end of its list. `found` may be filled later. */
struct source *sources_add(struct sources *s, struct str path, struct str text);
struct source *sources_add_data(struct sources *s, struct str path, struct str text, int error);
struct include_result *sources_add_pattern(struct sources *s, struct str pattern);
/* -T: "# configuration file PATH:\n", text, "\n" each, once per file. */
void sources_print(const struct sources *s, int fd);
