/* Server names of one listen address: exact, "*.example.com", "www.example.*", ".example.com",
 * regex (nginx's order). */
#pragma once

#include "exchange/hosts/location.h"
#include "exchange/values/regex.h"

struct host_table {
    struct map exact;    /* host → struct virtual_server * */
    struct map leading;  /* "example.com" of "*.example.com" */
    struct map trailing; /* "www.example" of "www.example.*" */
    struct host_regex {
        struct host_regex *next;
        struct regex *regex;
        struct virtual_server *server;
    } * first_regex, **regex_end;
};

struct host_table *host_table_open(struct arena *a);
/* Adds a name as written (lower-cased by the caller; regex given when it begins with "~"). False
 * when a server has that name already: it keeps it. */
bool host_table_add(struct host_table *t, struct str name, struct regex *regex,
                    struct virtual_server *server);
/* NULL when no name matches. */
struct virtual_server *host_table_find(const struct host_table *t, struct str host,
                                       struct exchange *x);
