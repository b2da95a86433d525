/* What the first word of "listen" names: the addresses of a host, at each port of a range. */
#pragma once

#include "config/compile.h"
#include "net/address.h"

struct listen_place {
    struct address *v;
    unsigned n;
};

/* "80", "*:80", "1.2.3.4", "[::1]:8000-8010", "localhost:80", "unix:/path". Names are looked up at
 * once, by the system's resolver: an address to listen on is the machine's own. False (reported)
 * when it is malformed or unknown. */
bool listen_place_parse(struct setting *s, unsigned word, struct listen_place *out);
