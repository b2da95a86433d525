/* Variables about the tries at backends. Several tries are told apart by ", ", groups of servers
 * (after an internal redirect) by " : ". */
#include "exchange/snapshot.h"
#include "exchange/upstream_trail.h"
#include "exchange/values/print.h"

typedef void put_fn(struct exchange *x, struct buf *b, const struct upstream_step *step);

static bool
each_step(struct exchange *x, struct str *out, put_fn *put)
{
    struct buf b;
    if (x->trail == NULL || x->trail->first == NULL)
        return false;
    buf_init(&b, &x->arena, 32, 0);
    for (const struct upstream_step *s = x->trail->first; s; s = s->next) {
        put(x, &b, s);
        if (s->next)
            buf_put(&b, s->group_end ? STR(" : ") : STR(", "));
    }
    *out = buf_str(&b);
    return true;
}

static void
put_addr(struct exchange *x, struct buf *b, const struct upstream_step *s)
{
    buf_put(b, s->peer);
}

static void
put_status(struct exchange *x, struct buf *b, const struct upstream_step *s)
{
    if (s->status)
        buf_u64(b, s->status);
    else
        buf_byte(b, '-');
}

static void
put_time(struct exchange *x, struct buf *b, int64_t us)
{
    buf_put(b, us < 0 ? STR("-") : print_seconds(x, (uint64_t)us));
}

static void
put_connect_time(struct exchange *x, struct buf *b, const struct upstream_step *s)
{
    put_time(x, b, s->connect_us);
}

static void
put_header_time(struct exchange *x, struct buf *b, const struct upstream_step *s)
{
    put_time(x, b, s->header_us);
}

static void
put_response_time(struct exchange *x, struct buf *b, const struct upstream_step *s)
{
    put_time(x, b, s->response_us);
}

static void
put_response_length(struct exchange *x, struct buf *b, const struct upstream_step *s)
{
    buf_u64(b, s->body);
}

static void
put_bytes_sent(struct exchange *x, struct buf *b, const struct upstream_step *s)
{
    buf_u64(b, s->sent);
}

static void
put_bytes_received(struct exchange *x, struct buf *b, const struct upstream_step *s)
{
    buf_u64(b, s->received);
}

#define STEPS(what)                                                              \
    static bool get_##what(struct exchange *x, struct str rest, struct str *out) \
    {                                                                            \
        return each_step(x, out, put_##what);                                    \
    }

STEPS(addr)
STEPS(status)
STEPS(connect_time)
STEPS(header_time)
STEPS(response_time)
STEPS(response_length)
STEPS(bytes_sent)
STEPS(bytes_received)

static bool
get_last_addr(struct exchange *x, struct str rest, struct str *out)
{
    return x->trail && x->trail->last && give(x->trail->last->peer, out);
}

static bool
get_last_server_name(struct exchange *x, struct str rest, struct str *out)
{
    return x->trail && give(x->trail->last_server, out);
}

static bool
get_http(struct exchange *x, struct str rest, struct str *out)
{
    return x->trail && x->trail->fields && print_fields(x, x->trail->fields, rest, out);
}

static bool
get_trailer(struct exchange *x, struct str rest, struct str *out)
{
    return x->trail && x->trail->trailers && print_fields(x, x->trail->trailers, rest, out);
}

static bool
get_cookie(struct exchange *x, struct str rest, struct str *out)
{
    const struct fields *f = x->trail ? x->trail->fields : NULL;
    for (unsigned i = 0; f && i < f->n; i++) {
        struct str value = f->v[i].value;
        if (f->v[i].id != HEADER_SET_COOKIE)
            continue;
        value = str_trim(str_cut(&value, ';'));
        struct str name = str_trim(str_cut(&value, '='));
        if (value.p && str_eq_nocase(name, rest))
            return give(str_trim(value), out);
    }
    return false;
}

/* The cache and the queue come with features of their own. */
static bool
get_none(struct exchange *x, struct str rest, struct str *out)
{
    return false;
}

static bool
get_proxy_host(struct exchange *x, struct str rest, struct str *out)
{
    return x->trail && give(x->trail->host, out);
}

static bool
get_proxy_port(struct exchange *x, struct str rest, struct str *out)
{
    return x->trail && give(x->trail->port, out);
}

static bool
get_proxy_add_x_forwarded_for(struct exchange *x, struct str rest, struct str *out)
{
    struct str had, addr = exchange_peer_text(x);
    if (!print_fields(x, &x->request.fields, STR("x_forwarded_for"), &had))
        return give(addr, out);
    *out = arena_join(&x->arena, arena_join(&x->arena, had, STR(", ")), addr);
    return true;
}

enum { EACH = VARIABLE_VOLATILE, ANY = VARIABLE_VOLATILE | VARIABLE_PREFIX };

const struct variable upstream_variables[] = {
    { "proxy_add_x_forwarded_for", get_proxy_add_x_forwarded_for, NULL, EACH,
      "The X-Forwarded-For request field with $remote_addr appended." },
    { "proxy_host", get_proxy_host, NULL, EACH, "Name and port of proxy_pass's server." },
    { "proxy_port", get_proxy_port, NULL, EACH, "Port of proxy_pass's server, or the default." },
    { "upstream_addr", get_addr, NULL, EACH, "Addresses of the servers that were tried." },
    { "upstream_bytes_received", get_bytes_received, NULL, EACH, "Bytes received from each." },
    { "upstream_bytes_sent", get_bytes_sent, NULL, EACH, "Bytes sent to each." },
    { "upstream_cache_status", get_none, NULL, EACH, "What the cache did: HIT, MISS …" },
    { "upstream_connect_time", get_connect_time, NULL, EACH,
      "Seconds that each connection took to be established." },
    { "upstream_cookie_", get_cookie, NULL, ANY,
      "The cookie of that name in the last response's Set-Cookie fields." },
    { "upstream_header_time", get_header_time, NULL, EACH,
      "Seconds until each response's head was there." },
    { "upstream_http_", get_http, NULL, ANY, "Any field of the last server's response." },
    { "upstream_last_addr", get_last_addr, NULL, EACH, "Address of the server tried last." },
    { "upstream_last_server_name", get_last_server_name, NULL, EACH,
      "The server chosen last as its group has it; for proxy_ssl_name." },
    { "upstream_queue_time", get_none, NULL, EACH, "Seconds spent in the group's queue." },
    { "upstream_response_length", get_response_length, NULL, EACH,
      "Bytes of body received from each." },
    { "upstream_response_time", get_response_time, NULL, EACH,
      "Seconds until each response was read to its end." },
    { "upstream_status", get_status, NULL, EACH, "Status of each server's response." },
    { "upstream_trailer_", get_trailer, NULL, ANY,
      "Any field at the end of the last server's response." },
    { 0 },
};
