/* The few socket calls that relay.c and backend.c share.
 *
 * Both programs exist to cost as little as a program of their kind can, so they use plain Linux
 * calls and nothing of usher's: what they measure must not move when usher does. Every failure
 * here is one of setting up; it is said on stderr and ends the program. */
#pragma once

#include <stdint.h>
#include <sys/epoll.h>

/* Everything an edge can tell; one registration serves a descriptor for its whole life. */
#define LOOPBACK_EVENTS (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)

/* The port number that text spells. */
uint16_t loopback_port(const char *text);

/* A non-blocking socket listening on 127.0.0.1:port. */
int loopback_listen(uint16_t port);

/* The next waiting connection, non-blocking and without Nagle's delay; -1 when none waits. */
int loopback_accept(int listener);

/* A connection to 127.0.0.1:port that may still be under way; -1 when it cannot be begun. */
int loopback_connect(uint16_t port);

/* Report fd's edges on epoll with tag as their data.ptr. */
void loopback_watch(int epoll, int fd, uint32_t events, void *tag);
