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

/* RFC 9113 7; what of it is used here. */
enum h2_code {
    H2_NO_ERROR = 0,
    H2_PROTOCOL_ERROR = 1,
    H2_INTERNAL_ERROR = 2,
    H2_REFUSED_STREAM = 7,
    H2_CANCEL = 8,
    H2_ENHANCE_YOUR_CALM = 11,
};

/* What we announce and bear. 0 in a limit: the library's default. */
struct h2_settings {
    bool server;
    uint32_t max_streams;       /* concurrent, of the peer's making */
    uint32_t stream_window;     /* bytes a stream may have sent before anybody reads */
    uint32_t reading_window;    /* and ahead of a reader who has shown that he reads */
    uint32_t connection_window; /* the same for all streams of the link: its ceiling of memory */
    size_t max_head;  /* bytes of a decoded field block, RFC 9113 6.5.2's way of counting */
    size_t max_field; /* bytes of one name and value */
    unsigned max_fields;
    size_t chunk;             /* DATA frames at most this long (http2_chunk_size) */
    bool connect_protocol;    /* RFC 8441 */
    uint64_t send_timeout_ms; /* nothing of what is to be written could be for so long: the end */
    uint64_t head_timeout_ms; /* a field block was begun and not ended for so long: the end */
};

/* What its owner is told, in the loop's context (or within h2_link_open); handlers never park. A
 * client's link needs none but on_change. */
struct h2_events {
    /* Server: a request's field block begins. Returns where its texts are to go (an arena that
     * lives until h2_stream_close), NULL: refuse it. May set s->owner. */
    struct arena *(*on_open)(struct h2_link *l, struct h2_stream *s);
    /* Server: the head is whole and well-formed as HTTP/2 goes. */
    void (*on_request)(struct h2_link *l, struct h2_stream *s);
    /* Server: instead of on_request, the head is well-formed HTTP/2 and too large: an answer with
     * that status is owed (431, 414). s->head has what was kept of it. */
    void (*on_refused)(struct h2_link *l, struct h2_stream *s, unsigned status);
    /* The peer gave the stream up, it was malformed (s->why), or the link is dead: who works for it
     * may stop. Once a stream at most, also instead of on_request; it may be closed right here. */
    void (*on_gone)(struct h2_link *l, struct h2_stream *s);
    /* A stream was freed, GOAWAY or SETTINGS came, or the link died (h2_link_error): its owner
     * looks what that means. It must not close the link within this call; a timer may. */
    void (*on_change)(struct h2_link *l);
};

/* One message's head, both directions. Texts live in the stream's arena when read; names of fields
 * are in small letters then. */
struct h2_head {
    /* request */
    struct str method, scheme, authority, path, protocol; /* protocol: RFC 8441, else STR_NONE */
    /* response */
    unsigned status;
    struct fields fields; /* regular ones. To be sent: names in any case, and those that HTTP/2
                             forbids (RFC 9113 8.2.2) are left out */
};

struct h2_stream {
    struct h2_link *link;
    struct list at; /* in the link's list; the link's own */
    int32_t id;
    void *owner;
    struct h2_head head;    /* as read: a request's, or a response's present one (1xx too) */
    struct fields trailers; /* as read, once h2_read has given 0 */
    size_t head_bytes;      /* of the field block, names and values */
    size_t chunk;           /* DATA frames at most this long; 0: as the link's settings say */
    bool last_piece;        /* nothing but trailers follows what h2_read has just given */
    bool end_of_body;       /* the peer has said END_STREAM; some of it may be unread */
    bool gone;              /* it ended before both sides had said all */
    uint32_t error;         /* RFC 9113 7: why it is gone */
    const char *why;        /* malformed: in which way; may be NULL */
    uint64_t bytes_sent;    /* of frames */
    uint64_t body_sent;     /* of DATA frames, heads included */
};

/* Takes over an open conn (plain or TLS, handshake done) whose memory is the caller's and outlives
 * the link, with its watch's on_event and its owner; `ahead` was read from it already. Announces
 * our settings. */
struct h2_link *h2_link_open(struct conn *c, const struct h2_settings *settings,
                             const struct h2_events *events, void *owner, struct str ahead);
void *h2_link_owner(const struct h2_link *l);
/* Frees the link, with a GOAWAY if it lives, as far as the socket takes it; its streams must have
 * been closed (h2_stream_close), what of them was not sent yet is lost. The conn stays the
 * caller's. */
void h2_link_close(struct h2_link *l);
/* Why it is dead (negative errno: -ECONNRESET, -EPROTO, -ETIMEDOUT …, -EPIPE: it ended in good
 * order, by GOAWAY or the peer's close); 0: it lives. *why, when not NULL, has particulars for the
 * log, or NULL. */
int h2_link_error(const struct h2_link *l, const char **why);
/* GOAWAY with that code: no new streams after those that were seen; with H2_NO_ERROR first a
 * warning, as the peer may have some on their way (RFC 9113 6.8). Streams under way go on; the link
 * dies of -EPIPE after the last one. */
void h2_link_goaway(struct h2_link *l, uint32_t code);
unsigned h2_link_streams(const struct h2_link *l); /* those not closed by their owner yet */
/* Client: how many more streams the peer bears now; 0 too when the link is dead or GOAWAY came. */
unsigned h2_link_room(const struct h2_link *l);

/* Client: opens a stream and sends the request's head. `last`: there is no body. NULL: no room.
 * What fields and texts point to is copied. The answer's texts go to arena. */
struct h2_stream *h2_request(struct h2_link *l, const struct h2_head *head, bool last,
                             struct arena *arena, void *owner);
/* Client: waits for the next response head, interim or final, in s->head. 0 or -errno; -ECONNRESET:
 * the stream was reset, or the link's error; -EPROTO: malformed (s->why); -EMSGSIZE: too large;
 * -ESTALE: the peer has not processed the request (REFUSED_STREAM, GOAWAY): it may be sent again,
 * whatever it is. */
int h2_read_head(struct h2_stream *s, uint64_t deadline) __attribute__((warn_unused_result));

/* The next piece of the peer's body: 1 with *out not empty, 0 at the end (trailers are in), or
 * -errno: -ECONNRESET when it was reset. The bytes live until the next call; they count against the
 * windows until then. */
int h2_read(struct h2_stream *s, struct str *out, uint64_t deadline)
    __attribute__((warn_unused_result));
/* Is nothing but trailers left to read? */
bool h2_has_ended(const struct h2_stream *s);
/* Is there something to read (a piece, the end, an error) without parking? */
bool h2_is_readable(const struct h2_stream *s);

/* Queues a head; 1xx: more than one may come. Does not wait; what it points to is copied. `last`
 * ends the stream. 0, or -ECONNRESET when the stream is gone. */
int h2_write_head(struct h2_stream *s, const struct h2_head *head, bool last)
    __attribute__((warn_unused_result));
/* Server: what a response's own Priority field says goes over what the client asked for (RFC 9218
 * 8). Before its head is written. */
void h2_prioritise(struct h2_stream *s, struct str priority);
/* Wait until the frames are on their way, that is in the link's output; each wait for windows or
 * the socket may last timeout_ms. `last` ends the stream. After an error it must be closed. 0,
 * -ETIMEDOUT, -ECANCELED, -ECONNRESET. */
int h2_write(struct h2_stream *s, struct str bytes, bool last, uint64_t timeout_ms)
    __attribute__((warn_unused_result));
/* The same for size bytes of a file from offset. -EIO: it is shorter. */
int h2_write_file(struct h2_stream *s, int file, off_t offset, size_t size, bool last,
                  uint64_t timeout_ms) __attribute__((warn_unused_result));
/* Ends our side with trailers (NULL or empty: none), which are waited for as pieces are. */
int h2_write_end(struct h2_stream *s, const struct fields *trailers, uint64_t timeout_ms)
    __attribute__((warn_unused_result));
/* RST_STREAM, unless it has ended both ways. It is gone then, on_gone is not called. */
void h2_reset(struct h2_stream *s, uint32_t code);
/* The caller's use ends; resets what has not ended: with NO_ERROR after a whole response of ours
 * (RFC 9113 8.1), else CANCEL. What was queued still leaves. Does not park. */
void h2_stream_close(struct h2_stream *s);
