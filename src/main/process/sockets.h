/* Which sockets listen: held by the supervisor from start to end, over reloads, crashes and
 * upgrades.
 *
 * An inet address has a socket for each thread (SO_REUSEPORT: the kernel spreads the connections),
 * a unix path has one for all. A socket is never closed while its address is still listened on:
 * connections that wait in its queue would be reset. So when threads become fewer, some serve two
 * sockets. */
#pragma once

#include "exchange/snapshot.h"

struct socket_group {
    struct socket_group *next;
    struct listen_options options;
    struct str text;  /* malloc; "0.0.0.0:80" */
    int *fds;         /* n of them */
    unsigned n, kept; /* kept: how many were open before the latest sockets_open */
    bool wanted;
};

struct sockets {
    struct socket_group *first;
    int *inherited; /* ended by -1; NULL: none. Sockets of a former program, not yet asked for */
    bool shared;    /* with another program: socket files are not removed */
};

/* Takes over the sockets that USHER_LISTENERS names ("4;5;7;"), and removes it from the
 * environment. */
void sockets_inherit(struct sockets *l);
/* Opens what the snapshot asks for and is not open yet, for that many threads; tries again for some
 * seconds as nginx does. Reports what fails; false then, and nothing has changed. After it,
 * sockets_settle or nothing more. */
bool sockets_open(struct sockets *l, const struct snapshot *s, unsigned threads);
/* The snapshot is in force: applies changed options, closes what no one wants any more. */
void sockets_settle(struct sockets *l, const struct snapshot *s);
/* Closes all; socket files are removed when `unlink` says so and no other program shares them. */
void sockets_close(struct sockets *l, bool unlink);
/* Drops what it knows and leaves the descriptors open: somebody else owns them now. */
void sockets_forget(struct sockets *l);
/* The value of USHER_LISTENERS for a new program; its descriptors outlive exec from now on. malloc.
 */
char *sockets_export(const struct sockets *l);
