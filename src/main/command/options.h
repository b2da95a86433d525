/* The command line: nginx's flags and usher's own sub-commands. */
#pragma once

#include "base/arena.h"

struct options {
    bool usage, version, build, test, dump, quiet;
    const char *signal;    /* -s */
    struct str prefix;     /* absolute, ends with '/' */
    struct str conf;       /* absolute; STR_NONE with text */
    struct str text;       /* usher proxy: the configuration itself */
    struct str directives; /* -g */
    struct str error_log;  /* the default one: -e, or below the prefix, or the built-in */
    struct str access_log; /* the default one */
    struct str pid;        /* the default one; STR_NONE: none is written */
    char **argv;           /* for a binary upgrade */
};

/* Reads flags (not sub-commands) into o, or says on stderr what is wrong, in nginx's words, and
 * returns false. Strings live in a or in argv. */
bool options_parse(struct options *o, int argc, char **argv, struct arena *a);
/* Options of a program that runs `text` in the foreground. */
void options_for_text(struct options *o, char **argv, struct str text, struct arena *a);
