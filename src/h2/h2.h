/* HTTP/2 over a conn, either side (RFC 9113): an nghttp2 session whose streams have blocking-style
 * calls for fibers.
 *
 * A link reads when its conn has something, in the loop's context, and writes at the end of a loop
 * turn: the frames of all streams that became ready in that turn leave in one write (one TLS record
 * run). At rest it holds neither buffer nor fiber. All calls belong to its thread. Streams are used
 * by one fiber a direction. */
#pragma once

#include "http/field.h"
#include "net/conn.h"

struct h2_link;
struct h2_stream;

/* What we announce and bear. 0 in a limit: the library's default. */
struct h2_settings {
    bool server;
    uint32_t max_streams;       /* concurrent, of the peer's making */
    uint32_t stream_window;     /* bytes a stream may have sent ahead of its reader */
    uint32_t connection_window; /* the same for all streams of the link */
    uint32_t max_frame;
    size_t max_head;  /* bytes of a decoded field block, RFC 9113 6.5.2's way of counting */
    size_t max_field; /* bytes of one name and value */
    unsigned max_fields;
    size_t chunk;             /* DATA frames at most this long (http2_chunk_size) */
    bool connect_protocol;    /* RFC 8441 */
    uint64_t send_timeout_ms; /* nothing of what is to be written could be for so long: the end */
    uint64_t read_timeout_ms; /* half a frame or field block was there for so long: the end */
};

/* What its owner is told, in the loop's context; handlers never park. */
struct h2_events {
    /* Server: a request's field block begins. Returns where its fields are to go (an arena that
     * lives as long as the stream), NULL: refuse it. Sets s->owner. */
    struct arena *(*on_open)(struct h2_link *l, struct h2_stream *s);
    /* Server: the head is whole and well-formed as HTTP/2 goes. */
    void (*on_request)(struct h2_link *l, struct h2_stream *s);
    /* Server: the head is well-formed HTTP/2 and too large, or not HTTP: an answer is owed (431,
     * 400 …), or the stream was reset already when status is 0. */
    void (*on_refused)(struct h2_link *l, struct h2_stream *s, unsigned status, const char *why);
    /* The peer gave the stream up, or the link is dead: who works for it may stop. Once a stream.
     */
    void (*on_gone)(struct h2_link *l, struct h2_stream *s);
    /* A stream ended or began, GOAWAY came, or the link died (h2_link_error): its owner looks what
     * that means. It may close the link, but not within this call: it sets a timer or a flag. */
    void (*on_change)(struct h2_link *l);
};

/* One message's head, both directions. Texts live in the stream's arena when read. */
struct h2_head {
    /* request */
    struct str method, scheme, authority, path, protocol; /* protocol: RFC 8441, else STR_NONE */
    /* response */
    unsigned status;
    struct fields fields; /* regular ones */
};

struct h2_stream {
    struct h2_link *link;
    struct list at; /* in the link's list; the link's own */
    int32_t id;
    void *owner;
    struct h2_head head;    /* as read: a request's, or a response's last (1xx too) */
    struct fields trailers; /* as read, once h2_read has given 0 */
    bool end_of_body;       /* the peer has said END_STREAM; nothing or trailers may be unread */
    uint32_t error;         /* RFC 9113 7: the peer's RST_STREAM; meaningful when gone */
    bool gone;
    uint64_t bytes_sent; /* of frames, for $bytes_sent */
};

/* Takes over an open conn (plain or TLS, handshake done) whose memory is the caller's and outlives
 * the link; `ahead` was read from it already. Announces our settings. NULL: no memory. */
struct h2_link *h2_link_open(struct conn *c, const struct h2_settings *settings,
                             const struct h2_events *events, void *owner, struct str ahead);
void *h2_link_owner(const struct h2_link *l);
/* Frees the link and gives up what streams are left (their fibers must have ended); the conn stays
 * the caller's. */
void h2_link_close(struct h2_link *l);
/* Why it is dead (negative errno: -ECONNRESET, -EPROTO, -ETIMEDOUT …, -EPIPE: the peer closed in
 * good order); 0: it lives. *why, when not NULL, has particulars for the log. */
int h2_link_error(const struct h2_link *l, const char **why);
/* GOAWAY with that code: no new streams after those that were seen; with 0 first a warning when
 * the peer may have some on their way (RFC 9113 6.8). Streams under way go on. */
void h2_link_goaway(struct h2_link *l, uint32_t code);
unsigned h2_link_streams(const struct h2_link *l); /* open ones */
/* Client: how many more streams the peer bears now; 0 too when the link is dead or the peer says
 * GOAWAY. */
unsigned h2_link_room(const struct h2_link *l);

/* Client: opens a stream and sends the request's head. `last`: there is no body. NULL: no room.
 * What fields and texts point to is copied. The answer's fields go to arena. */
struct h2_stream *h2_request(struct h2_link *l, const struct h2_head *head, bool last,
                             struct arena *arena, void *owner);
/* Client: waits for the next response head, interim or final, in s->head. 0 or -errno; -EPROTO with
 * *why; -ESTALE: the peer refused the stream unprocessed (REFUSED_STREAM, GOAWAY): it may be sent
 * again, whatever it is. */
int h2_read_head(struct h2_stream *s, uint64_t deadline, const char **why)
    __attribute__((warn_unused_result));

/* The next piece of the peer's body: 1 with *out not empty, 0 at the end (trailers are in), or
 * -errno: -ECONNRESET when it was reset. The bytes live until the next call; they count against the
 * windows until then. */
int h2_read(struct h2_stream *s, struct str *out, uint64_t deadline)
    __attribute__((warn_unused_result));
/* Is there something to read without parking? */
bool h2_is_readable(const struct h2_stream *s);

/* Queue a head (1xx: more than one may come), pieces of body, the end with trailers (NULL: none).
 * Head and trailers are copied and do not wait. h2_write waits until the frames were handed to the
 * socket; each wait for windows or the socket may last timeout_ms. `last` ends the stream. */
int h2_write_head(struct h2_stream *s, const struct h2_head *head, bool last)
    __attribute__((warn_unused_result));
int h2_write(struct h2_stream *s, struct str bytes, bool last, uint64_t timeout_ms)
    __attribute__((warn_unused_result));
int h2_write_end(struct h2_stream *s, const struct fields *trailers)
    __attribute__((warn_unused_result));
/* RST_STREAM, unless it has ended both ways. */
void h2_reset(struct h2_stream *s, uint32_t code);
/* The caller's use ends; resets what has not ended (NO_ERROR after a whole response, else CANCEL).
 * What was queued still leaves, its bytes copied. */
void h2_stream_close(struct h2_stream *s);
