/* Notices that files have changed which the configuration in force wants watched.
 *
 * Files are replaced in many ways: written in place, renamed over, by a symbolic link on their way
 * that leads elsewhere (certbot, Kubernetes). So the directories on the way are watched (inotify),
 * and when something has happened there and it is quiet again, the bytes themselves are compared.
 */
#pragma once

#include "config/source.h"

struct file_watch {
    int fd;           /* -1: nothing is watched; readable when something happened */
    uint64_t look_at; /* clock_ms moment to compare; NEVER: nothing has happened */
    uint64_t latest;  /* ... however much goes on meanwhile */
};

void file_watch_init(struct file_watch *w);
void file_watch_close(struct file_watch *w);
/* Watches the ways to the watched data of s, and no others any more; they are compared soon, as
 * they may have changed since they were read. */
void file_watch_settle(struct file_watch *w, const struct sources *s);
/* Takes what fd tells. */
void file_watch_read(struct file_watch *w);
/* The time has come: one of s that has changed, and how many; NULL when none has. */
const struct source *file_watch_look(struct file_watch *w, const struct sources *s, unsigned *n);
