/* HTTP/1 on the wire (RFC 9112): bytes to heads and chunks, and back. No sockets, no clock, no
 * policy beyond the RFC's MUSTs: strict, so that no two parties can read a message differently.
 *
 * Refused: bare CR or LF anywhere in a head, NUL and other control bytes, whitespace before the
 * colon, obsolete folding, empty or illegal names, conflicting or repeated Content-Length,
 * Transfer-Encoding together with Content-Length, a coding other than chunked or chunked not last,
 * HTTP/1.0 with Transfer-Encoding (requests), an absent Host in 1.1, more than one Host, a second
 * line of a field with one value where nginx refuses it (requests). Leading empty lines (CRLF)
 * before a request line are skipped. */
#pragma once

#include "base/buf.h"
#include "base/fault.h"
#include "http/message.h"

/* What a head may be; from large_client_header_buffers, max_headers and their like. */
struct h1_limits {
    size_t line;         /* longest request line (414) and longest field line (431) */
    unsigned fields;     /* most field lines, dropped ones included; 0: any number */
    bool underscores;    /* underscores_in_headers: else such fields are invalid */
    bool ignore_invalid; /* ignore_invalid_headers: names with illegal characters are dropped rather
                            than refused; never those that look like a framing field's */
};

enum h1_outcome { H1_DONE, H1_MORE, H1_BAD };

/* Where the head ends: looks for an empty line from *scanned on (0 at first; updated, so a
 * trickling peer costs no second look). H1_DONE: *head_size is set; empty lines before the head are
 * part of it. A head with bare line feeds is found too, so that it is refused and not waited for.
 */
enum h1_outcome h1_find_head_end(struct str in, size_t *scanned, size_t *head_size);

/* Parses a complete head (as found above). Fields go into out->fields, whose arena is set by
 * fields_init; all views point into `head`, but for the target of an absolute-form with an empty
 * path, which is in the fields' arena. Target "*" is for OPTIONS only; CONNECT has an authority and
 * an empty path. The values of Host and authority are not judged here (host_parse). On H1_BAD
 * *fault tells which row and *why the particulars (a static string). */
enum h1_outcome h1_parse_request(struct str head, const struct h1_limits *limits,
                                 struct request_head *out, enum fault *fault, const char **why)
    __attribute__((warn_unused_result));
/* Fills target, path and args from an origin-form, or "*" for OPTIONS. False: it is neither. */
bool h1_cut_target(struct str target, struct request_head *out);
/* `to` is the method the response answers (HEAD and CONNECT change framing). Accepts what real
 * backends send where it is harmless (missing reason, blanks before a colon, any token as a name).
 * With FRAMING_NONE content_length still tells what Content-Length said (HEAD, 304). 1xx have
 * FRAMING_NONE. */
enum h1_outcome h1_parse_response(struct str head, const struct h1_limits *limits, enum method to,
                                  struct response_head *out, const char **why)
    __attribute__((warn_unused_result));
/* RFC 9110 5.6.2: is every byte a token byte? False when empty. */
bool h1_is_token(struct str s);
/* What a refused head's request line says, for the log, as far as it can be seen. */
struct str h1_first_line(struct str in);

/* --- Chunked bodies (RFC 9112 7.1) --- */

struct h1_chunked {
    unsigned char state;
    unsigned char digits; /* of the present size, then the trailer lines */
    uint64_t left;        /* bytes left of the present chunk */
    size_t overhead;      /* bytes of the present size line or trailer section, bounded */
    struct fields
        *trailers;   /* where trailers go; NULL: dropped. Their text is copied into its arena */
    struct buf line; /* the trailer line being gathered (init lazily in trailers' arena) */
};

/* trailers may be NULL. */
void h1_chunked_init(struct h1_chunked *c, struct fields *trailers);
/* Consumes from *in. H1_DONE: the body has ended, *in is what follows it. H1_MORE with data->n > 0:
 * a piece of the body (a view into in), call again with what is left in *in; H1_MORE with data->n
 * == 0: all of *in was consumed. H1_BAD: framing is broken, the connection must go. */
enum h1_outcome h1_chunked_next(struct h1_chunked *c, struct str *in, struct str *data)
    __attribute__((warn_unused_result));

/* --- Writing --- */

enum { H1_CHUNK_HEAD_MAX = 18 };
/* "1f4\r\n" into out (H1_CHUNK_HEAD_MAX bytes); returns its length. size must not be 0. */
size_t h1_chunk_head(uint64_t size, char *out);
/* "0\r\n", trailers, "\r\n". trailers may be NULL. */
void h1_write_last_chunk(struct buf *b, const struct fields *trailers);
/* "HTTP/1.1 200 OK\r\n" — status lines of known codes are prebuilt. */
void h1_write_status_line(struct buf *b, unsigned status, struct str reason);
/* "Name: value\r\n" for each. One with CR, LF or NUL (a value made of variables may have them)
 * would be a second field, and is left out. */
void h1_write_fields(struct buf *b, const struct fields *f);
void h1_write_field(struct buf *b, struct str name, struct str value);
