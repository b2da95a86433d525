/* The listen directive: which addresses a server answers on, and with what socket options. */
#pragma once

#include "exchange/hosts/server.h"

/* One server's use of an address, until its names are known. */
struct listen_use {
    struct listen_use *next;
    struct listen_address *address;
};

bool listen_set(struct setting *s);
/* A server without listen: *:80, or *:8000 without the rights for it (as nginx). */
bool listen_default(struct compile *c, struct server_build *b);
