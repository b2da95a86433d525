/* Host names and what they stand for (server_name, map): exact, "*.example.com", "www.example.*",
 * ".example.com", regex (nginx's order). */
#pragma once

#include "exchange/values/regex.h"

struct host_table {
    struct map exact;    /* host → what it stands for */
    struct map leading;  /* "example.com" of "*.example.com" */
    struct map trailing; /* "www.example" of "www.example.*" */
    struct host_regex {
        struct host_regex *next;
        struct regex *regex;
        void *value;
    } * first_regex, **regex_end;
};

struct host_table *host_table_open(struct arena *a);
/* Adds a name as written (regex given when it begins with "~"). False when that name is there
 * already: it keeps its value. */
bool host_table_add(struct host_table *t, struct str name, struct regex *regex, void *value);
/* NULL when no name matches. Ignores case but in regexes. */
void *host_table_find(const struct host_table *t, struct str host, struct exchange *x);
