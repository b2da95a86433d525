/* A server block while it is compiled. */
#pragma once

#include "exchange/snapshot.h"

struct server_name {
    struct server_name *next;
    struct str name;     /* lower case */
    struct regex *regex; /* of a name that begins with "~" */
    struct span span;
};

struct listen_use;

struct server_build {
    struct virtual_server *server;
    struct scope *scope;
    struct server_name *names, **names_end;
    struct listen_use *listens;
    struct call content; /* of the server's own, where no location answers */
};

bool server_open(struct setting *s);
bool server_name_set(struct setting *s);
