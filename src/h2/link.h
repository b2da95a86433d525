/* Inside the room: what a link and its streams consist of, and who does what for them. */
#pragma once

#include "h2/budget.h"
#include "h2/h2.h"
#include "net/buffer.h"

#include <nghttp2/nghttp2.h>

struct h2_link {
    struct conn *conn;
    nghttp2_session *session;
    struct h2_settings settings;
    const struct h2_events *events;
    void *owner;
    struct list streams; /* all that were not freed */
    unsigned n_streams;  /* of them not closed by their owner */
    struct turn_end turn;
    struct timer timer; /* the earliest of the deadlines below; NEVER: off */
    uint64_t send_deadline, head_deadline, goaway_deadline;
    struct buffer *out; /* frames on their way; NULL: none */
    size_t out_start, out_end;
    struct h2_budget budget;
    uint32_t last_id;                  /* the highest that HEADERS has opened */
    uint32_t skipped_from, skipped_to; /* the last range that it has skipped; 0: none */
    struct stream *block;              /* whose field block is being decoded */
    int error;                         /* why it is to die or has died */
    bool dead;                         /* its streams and its owner were told */
    bool calmed;                       /* it went beyond a budget: the last GOAWAY is on its way */
    bool read_again;                   /* there may be more to read, in the next turn */
    bool broken;                       /* a GOAWAY with an error has been made */
    bool full; /* the socket is: nothing more is made until it takes something */
    enum { GOAWAY_NONE, GOAWAY_WARNED, GOAWAY_SAID } goaway;
    const char *why;
    char why_text[128];
};

/* Bytes of a body that wait for their reader. */
struct piece {
    struct piece *next;
    size_t start, end, cap;
    char data[];
};

/* A head that waits for its reader: a client's, interim ones before it. */
struct waiting_head {
    struct list link;
    struct h2_head head;
};

struct stream {
    struct h2_stream pub; /* first */
    struct list at;       /* in the link's list */
    struct arena *arena;
    struct fiber *reader, *writer; /* parked for it */
    /* What comes. */
    struct piece *in, *in_last;
    uint64_t consumed;
    bool wide;             /* it has the window of one who reads */
    size_t given;          /* of the first piece, by the last h2_read */
    struct list heads;     /* struct waiting_head */
    struct h2_head *block; /* the head or (NULL) trailers that are being decoded */
    unsigned n_fields, n_interim;
    unsigned refused; /* 431 or 414: the block is too large, nothing more of it is kept */
    /* What goes. */
    const char *out; /* or, when NULL, from the file */
    size_t out_left;
    int file;
    off_t file_offset;
    const struct fields *out_trailers;
    bool out_last;  /* nothing comes after out_left but the trailers */
    bool out_ended; /* END_STREAM has been made */
    bool deferred;  /* nghttp2 waits for nghttp2_session_resume_data */
    bool broken;    /* what was promised to nghttp2 is gone: reset it instead */
    bool short_file;
    bool head_whole; /* on_request or on_refused was called */
    bool closed;     /* by its owner */
    bool done;       /* by nghttp2 */
};

static inline struct stream *
stream_of(struct h2_stream *s)
{
    return (struct stream *)s;
}

/* link.c: the link is to die of this, in the loop's context soon. The first reason counts. */
void h2_link_fail(struct h2_link *l, int error, const char *why);
/* GOAWAY ENHANCE_YOUR_CALM, and the end. */
void h2_link_calm(struct h2_link *l, const char *why);
/* The peer has answered our PING. */
void h2_link_heard_ping(struct h2_link *l);
/* There may be frames to be made: at the end of the turn. */
void h2_link_touch(struct h2_link *l);
/* The deadlines have changed. */
void h2_link_set_timer(struct h2_link *l);

/* session.c */
int h2_session_open(struct h2_link *l);

/* input.c: reads what is there, within what is fair for a turn. In the loop's context. */
void h2_input_read(struct h2_link *l);
/* Bytes that were read already. */
void h2_input_take(struct h2_link *l, struct str bytes);

/* output.c: makes frames as long as there is room for them. */
void h2_output_fill(struct h2_link *l);
bool h2_output_is_full(const struct h2_link *l);
/* Makes and writes them until the socket is full. */
void h2_output_push(struct h2_link *l);
nghttp2_data_provider h2_output_of(struct stream *st);
int h2_output_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head,
                        size_t n, nghttp2_data_source *source, void *user);

/* stream.c */
struct stream *h2_stream_open(struct h2_link *l, int32_t id);
void h2_stream_free(struct stream *st);
/* It will not be whole: its owner is told. */
void h2_stream_lose(struct stream *st, uint32_t code);
/* It ended for nghttp2, or the link is dead. */
void h2_stream_end(struct stream *st, uint32_t code);
void h2_stream_take(struct stream *st, struct str bytes);
void h2_wake(struct fiber **who);

/* block.c: nghttp2's callbacks for field blocks */
int h2_block_begin(nghttp2_session *session, const nghttp2_frame *frame, void *user);
int h2_block_field(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
                   nghttp2_rcbuf *value, uint8_t flags, void *user);
int h2_block_bad_field(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
                       nghttp2_rcbuf *value, uint8_t flags, void *user);
void h2_block_end(struct h2_link *l, const nghttp2_frame *frame);

/* fields.c: a field into the head (or trailers) that is being decoded. False: no memory for it. */
bool h2_fields_take(struct stream *st, struct str name, struct str value);
/* Cookie's crumbs become one field (RFC 9113 8.2.3). */
void h2_fields_join_cookies(struct fields *f);
/* What is to be sent of a head; `to` holds it until h2_fields_release. */
struct h2_nv {
    nghttp2_nv *v;
    size_t n;
    struct buffer *memory;
    char digits[3]; /* of :status */
};
void h2_fields_make(struct h2_nv *to, const struct h2_head *head, bool request);
void h2_fields_make_trailers(struct h2_nv *to, const struct fields *f);
void h2_fields_release(struct h2_nv *to);
