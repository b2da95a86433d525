/* Methods and status codes: names to ids and back. */
#include "http/message.h"

static const struct str methods[] = {
    [METHOD_OTHER] = { NULL, 0 },
#define METHOD(name) [METHOD_##name] = { #name, sizeof(#name) - 1 }
    METHOD(GET),
    METHOD(HEAD),
    METHOD(POST),
    METHOD(PUT),
    METHOD(DELETE),
    METHOD(CONNECT),
    METHOD(OPTIONS),
    METHOD(TRACE),
    METHOD(PATCH),
    METHOD(COPY),
    METHOD(LOCK),
    METHOD(MKCOL),
    METHOD(MOVE),
    METHOD(PROPFIND),
    METHOD(PROPPATCH),
    METHOD(UNLOCK),
#undef METHOD
};

/* Every name but PROPPATCH and PROPFIND's last bytes fits a word: one comparison each. */
static inline uint64_t
pack(struct str s)
{
    uint64_t w = 0;
    memcpy(&w, s.p, s.n < 8 ? s.n : 8);
    return w;
}

static enum method
search(struct str name)
{
    for (enum method m = METHOD_HEAD; m <= METHOD_UNLOCK; m++)
        if (methods[m].n == name.n && pack(methods[m]) == pack(name))
            return str_eq(methods[m], name) ? m : METHOD_OTHER;
    return METHOD_OTHER;
}

enum method
method_id(struct str name)
{
    if (name.n == 3 && memcmp(name.p, "GET", 3) == 0)
        return METHOD_GET;
    if (name.n == 4 && memcmp(name.p, "POST", 4) == 0)
        return METHOD_POST;
    return name.n >= 3 && name.n <= 9 ? search(name) : METHOD_OTHER;
}

struct str
method_name(enum method m)
{
    return methods[m];
}

bool
method_is_idempotent(enum method m)
{
    return m != METHOD_POST && m != METHOD_LOCK && m != METHOD_PATCH;
}

struct str
status_reason(unsigned status)
{
    switch (status) {
#define X(code, reason) \
    case code:          \
        return STR(reason);
#include "http/status_reasons.def"
#undef X
    }
    return STR_NONE;
}
