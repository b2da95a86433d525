/* FastCGI 1.0 on the wire, as a web server speaks it to a responder: a request to records, records
 * to events. No sockets, no clock. One request at a time a connection; its id is 1.
 *
 * Refused: another version, another request's id, records that no responder has to send, stdout
 * after its end, an END_REQUEST that is not eight bytes or says that the request was not done. */
#pragma once

#include "base/buf.h"

enum { FCGI_HEADER_SIZE = 8, FCGI_CONTENT_MAX = 65535 };

enum fcgi_event {
    FCGI_MORE,       /* all of *in was consumed */
    FCGI_STDOUT,     /* *data, not empty: a view into in */
    FCGI_STDERR,     /* the same */
    FCGI_STDOUT_END, /* may be missing: FCGI_END ends the stream too */
    FCGI_END,        /* the request is done; *in is what follows it */
    FCGI_BAD,        /* the connection must go */
};

struct fcgi_reader {
    unsigned char header[FCGI_HEADER_SIZE]; /* of a record, then what END_REQUEST contains */
    unsigned have;                          /* bytes of it */
    unsigned char type;                     /* of the present record; 0: its header is awaited */
    unsigned left, padding;                 /* bytes that are to come of it */
    bool stdout_ended;
    const char *why; /* of FCGI_BAD, in nginx's words, and the number that follows them */
    unsigned number;
};

void fcgi_reader_init(struct fcgi_reader *r);
enum fcgi_event fcgi_next(struct fcgi_reader *r, struct str *in, struct str *data)
    __attribute__((warn_unused_result));
/* Gives back the last n bytes of the data that fcgi_next has just given: *in begins with them
 * again. */
void fcgi_give_back(struct fcgi_reader *r, unsigned n);
/* Was the data that fcgi_next has just given the last of its record? */
bool fcgi_record_is_over(const struct fcgi_reader *r);

/* A request's head: begin, parameters, end; then its body as stdin records, and an empty one. */
struct fcgi_writer {
    struct buf *b;
    size_t record; /* where the header of the open PARAMS record lies */
};

void fcgi_write_begin(struct fcgi_writer *w, struct buf *b, bool keep_conn);
void fcgi_write_param(struct fcgi_writer *w, struct str name, struct str value);
void fcgi_write_params_end(struct fcgi_writer *w);
/* The header of n bytes of stdin, at most FCGI_CONTENT_MAX; 0 ends it. */
void fcgi_stdin_header(char out[FCGI_HEADER_SIZE], size_t n);
