/* A small house of directives that the config tests compile against, and how they do it. */
#pragma once

#include "config/compile.h"

struct house {
    struct arena arena;
    struct sources sources;
    struct diags diags;
    struct compile compile;
    struct str output; /* all problems as they are shown, errors and warnings */
    unsigned servers;  /* server blocks opened */
};

/* What a server block made: its settings as they were when the block ended. */
struct house_settings {
    struct bytes body;
    struct msec timeout;
    bool tokens;
    unsigned requests, satisfy, next;
    struct str name;
    unsigned rules, listens, types;
    bool completed;
};

/* Settings of the n-th scope that ended, counted from 0; scopes end inner first. */
const struct house_settings *house_scope(unsigned n);
/* Compiles text that stands in /conf/t.conf. False when there were errors. */
bool house_compile(struct house *h, const char *text);
void house_close(struct house *h);
