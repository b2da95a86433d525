/* What the supervisor and its worker process say to each other: short messages, each with at most
 * one descriptor, over a pair of sockets. */
#pragma once

#include "base/str.h"

enum handover_kind {
    /* to the worker */
    HANDOVER_LOG = 1,  /* text: path; fd: opened for it */
    HANDOVER_REOPENED, /* all LOGs were sent: buffered lines go to the former files first */
    HANDOVER_LISTEN,   /* text: address; number: which of its sockets; fd: the socket */
    HANDOVER_UNLISTEN, /* text: address */
    HANDOVER_RELOAD,   /* fd: the sources, sealed; what came before belongs to it */
    HANDOVER_DRAIN,    /* graceful end */
    HANDOVER_TERMINATE,
    /* from the worker */
    HANDOVER_READY,   /* every thread accepts */
    HANDOVER_ADOPTED, /* number: generation */
    HANDOVER_REFUSED,
};

enum { HANDOVER_TEXT = 4096 };

struct handover {
    enum handover_kind kind;
    unsigned number;
    int fd; /* -1: none; the receiver owns it */
    size_t n;
    char text[HANDOVER_TEXT];
};

/* A connected pair, close-on-exec. 0 or -errno. */
int handover_pair(int ends[2]);
/* Blocks while the other side is busy, some seconds at most. fd -1: none; it stays the sender's.
 * 0 or -errno. */
int handover_send(int to, enum handover_kind kind, unsigned number, struct str text, int fd);
/* 1 with a message, 0 when the other side is gone, -EAGAIN when nothing waits, or -errno. */
int handover_receive(int from, struct handover *m);
