/* Private to wire/h1_*.c: reading the field section of a head, and what its fields say about the
 * message around them. */
#pragma once

#include "http/scan.h"
#include "wire/h1.h"

/* Controls but HTAB, and DEL: what ends a field value, a reason phrase, a chunk extension. */
SCAN(control, ((c < 0x20) & (c != '\t')) | (c == 0x7f))

enum h1_side { H1_SIDE_REQUEST, H1_SIDE_RESPONSE };

/* What framing, persistence and upgrades are judged by, noted while the fields are read. */
struct h1_facts {
    unsigned hosts, lengths, codings;
    struct str length, coding; /* the first of each */
    bool connection_close, connection_keep_alive, connection_upgrade;
    bool has_upgrade, expects_continue;
    unsigned singles; /* bits of the fields that may come once, and have */
    bool doubled;     /* one of them came again */
};

/* One head being read. p moves on; end is the head's. */
struct h1_parse {
    const char *p, *end;
    const struct h1_limits *limits;
    enum h1_side side;
    struct fields *fields;
    unsigned seen; /* field lines, the dropped ones too */
    struct h1_facts facts;
    enum fault fault;
    const char *why;
};

/* Sets fault and why; always H1_BAD. */
enum h1_outcome h1_refuse(struct h1_parse *s, enum fault fault, const char *why);
/* Why the control byte at `at` cannot be there. */
const char *h1_control_why(const char *at, const char *end);
/* True for CRLF at `at`, both bytes before end. */
static inline bool
h1_is_crlf(const char *at, const char *end)
{
    return end - at >= 2 && at[0] == '\r' && at[1] == '\n';
}

/* The field lines and the empty line after them, which must end the head. */
enum h1_outcome h1_parse_fields(struct h1_parse *s);

void h1_note(struct h1_facts *facts, const struct field *field);
/* Is it a spelling that some other party may take for a field that frames or routes? */
bool h1_looks_like_framing(struct str name);

enum h1_coding { H1_CODING_CHUNKED, H1_CODING_UNKNOWN, H1_CODING_BROKEN };
/* RFC 9112 6.1, 7: what Transfer-Encoding asks for. */
enum h1_coding h1_read_coding(const struct h1_facts *facts);
/* RFC 9110 8.6: digits only, once. */
bool h1_read_length(const struct h1_facts *facts, uint64_t *out);
/* RFC 9112 9.3. */
bool h1_is_persistent(const struct h1_facts *facts, enum version version);
/* "HTTP/1.1" and its kin, eight bytes; 0 when it is none of HTTP's. A later minor version is read
 * as 1.1 (RFC 9110 2.5); another major one is its number times ten. */
unsigned h1_read_version(const char *p);
