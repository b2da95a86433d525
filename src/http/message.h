/* The heads of HTTP messages, whatever the version on the wire: what codecs make and take. */
#pragma once

#include "http/field.h"

enum method {
    METHOD_OTHER,
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_DELETE,
    METHOD_CONNECT,
    METHOD_OPTIONS,
    METHOD_TRACE,
    METHOD_PATCH,
    METHOD_COPY,
    METHOD_LOCK,
    METHOD_MKCOL,
    METHOD_MOVE,
    METHOD_PROPFIND,
    METHOD_PROPPATCH,
    METHOD_UNLOCK,
};

enum version { VERSION_09 = 9, VERSION_10 = 10, VERSION_11 = 11, VERSION_20 = 20, VERSION_30 = 30 };

/* How long a body is (RFC 9112 6.3). */
enum framing {
    FRAMING_NONE,   /* no body */
    FRAMING_LENGTH, /* content_length bytes, may be 0 */
    FRAMING_CHUNKED,
    FRAMING_CLOSE,  /* responses only: until the connection ends */
    FRAMING_STREAM, /* HTTP/2 and 3: until the stream ends */
};

struct request_head {
    struct str line; /* the request line as it came, for $request */
    struct str method_name;
    enum method method;
    struct str target;    /* as it came; absolute-form has scheme and authority cut off below */
    struct str scheme;    /* absolute-form only, else STR_NONE */
    struct str authority; /* absolute-form (RFC 9112 3.2.2) or :authority */
    struct str path;      /* raw path, still encoded; "*" for OPTIONS * */
    struct str args;      /* after the first '?'; STR_NONE when there is no '?' */
    enum version version;
    struct fields fields;
    enum framing framing;
    uint64_t content_length; /* with FRAMING_LENGTH */
    bool keep_alive;         /* what version and Connection say together */
    bool expect_continue;
    bool upgrade; /* Connection: upgrade with an Upgrade field */
};

struct response_head {
    unsigned status;
    struct str reason; /* as it came; STR_NONE: the standard phrase */
    enum version version;
    struct fields fields;
    enum framing framing;
    uint64_t content_length;
    bool keep_alive;
};

/* Idempotent by RFC 9110 9.2.2 (proxy_next_upstream's non_idempotent is about the others:
 * nginx names POST, LOCK and PATCH). */
bool method_is_idempotent(enum method m);
enum method method_id(struct str name);
struct str method_name(enum method m);
/* "OK" for 200 …; STR_NONE for unknown codes. */
struct str status_reason(unsigned status);
