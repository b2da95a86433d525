/* Socket addresses: IPv4, IPv6 and unix. */
#pragma once

#include "base/arena.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

struct address {
    socklen_t size;
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un un;
    };
};

enum { ADDRESS_TEXT_MAX = 128 };

/* "1.2.3.4:80", "[::1]:80", "unix:/path", or without port (then default_port). False when it is not
 * a literal address (a name, a bad port): no DNS here. */
bool address_parse(struct str text, unsigned default_port, struct address *out)
    __attribute__((warn_unused_result));
/* Splits "host:port", "[v6]:port", "host": port_out -1 when absent. An IPv6 host comes without its
 * brackets. False when malformed. */
bool address_split(struct str text, struct str *host, int *port_out);
/* As nginx prints it: "127.0.0.1:80", "[::1]:80", "unix:/path". With `port` false: "127.0.0.1",
 * "::1", "unix:". */
size_t address_print(const struct address *a, bool port, char out[ADDRESS_TEXT_MAX]);
struct str address_text(const struct address *a, bool port, struct arena *arena);
unsigned address_port(const struct address *a); /* 0 for unix */
void address_set_port(struct address *a, unsigned port);
bool address_equal(const struct address *a, const struct address *b);
uint64_t address_hash(const struct address *a);
