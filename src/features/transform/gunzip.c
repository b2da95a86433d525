/* gunzip: responses in gzip are taken apart for the clients that do not accept it. */
#include "exchange/accept_gzip.h"
#include "exchange/body/filter.h"
#include "exchange/feature.h"

#include <errno.h>
#include <zlib.h>

struct settings {
    bool on;
};

#define EVERYWHERE (IN_HTTP | IN_SERVER | IN_LOCATION)

static bool
set_buffers(struct setting *s)
{
    uint64_t n, size;
    if (!str_to_u64(setting_arg(s, 1), UINT32_MAX, &n) || n == 0)
        return setting_error(s, 1, "\"gunzip_buffers\" directive invalid value");
    return (parse_bytes(setting_arg(s, 2), &size) && size > 0) ||
           setting_error(s, 2, "\"gunzip_buffers\" directive invalid value");
}

static const struct directive directives[] = {
    { "gunzip", FIELD(struct settings, on), EVERYWHERE, .initial = "off",
      .help =
          "Takes responses with \"Content-Encoding: gzip\" apart for clients that do not accept "
          "gzip (by gzip_http_version, gzip_proxied and gzip_disable too)." },
    { "gunzip_buffers", NO_FIELD, EVERYWHERE, .set = set_buffers, .flags = IGNORED, .args_min = 2,
      .args_max = 2, .syntax = "number size", .example = "gunzip_buffers 32 4k;",
      .help = "Accepted; buffers size themselves." },
    { 0 },
};

struct gunzip_body {
    struct body_rewrite rewrite; /* first */
    struct exchange *x;
    z_stream z;
    bool ended; /* a member is whole: another may follow */
};

/* What zlib needs (some 40 KiB) goes with the exchange. */
static void *
allocate(void *arena, unsigned n, unsigned size)
{
    return arena_raw(arena, (size_t)n * size);
}

static void
leave(void *arena, void *piece)
{
}

static int
refuse(struct gunzip_body *b, int r)
{
    fail(b->x, FAULT_CONTENT_CODING, "inflate() failed: %d%s%s", r, b->z.msg ? ", " : "",
         b->z.msg ? b->z.msg : "");
    return -EIO;
}

/* Bytes after a member's end begin another one (RFC 1952 2.2). */
static int
begin_member(struct gunzip_body *b)
{
    b->ended = false;
    return inflateReset(&b->z) == Z_OK ? 0 : refuse(b, Z_STREAM_ERROR);
}

static int
end(struct gunzip_body *b)
{
    b->rewrite.done = true;
    return b->ended ? 0 : refuse(b, Z_BUF_ERROR);
}

static int
work(struct body_rewrite *w)
{
    struct gunzip_body *b = (struct gunzip_body *)w;
    size_t room, most = w->in.n < UINT32_MAX ? w->in.n : UINT32_MAX;
    if (w->in.n == 0)
        return end(b);
    if (b->ended && begin_member(b) < 0)
        return -EIO;
    b->z.next_out = (Bytef *)body_rewrite_room(w, &room);
    b->z.avail_out = (uInt)room;
    b->z.next_in = (Bytef *)w->in.p;
    b->z.avail_in = (uInt)most;
    int r = inflate(&b->z, Z_NO_FLUSH);
    if (r != Z_OK && r != Z_STREAM_END)
        return refuse(b, r);
    w->in = str_skip(w->in, most - b->z.avail_in);
    body_rewrite_wrote(w, room - b->z.avail_out);
    b->ended = r == Z_STREAM_END;
    return 0;
}

static void
begin(struct exchange *x)
{
    struct gunzip_body *b = arena_new(&x->arena, struct gunzip_body);
    b->x = x;
    b->z.zalloc = allocate;
    b->z.zfree = leave;
    b->z.opaque = &x->arena;
    if (inflateInit2(&b->z, 16 + MAX_WBITS) != Z_OK)
        return;
    b->rewrite.work = work;
    body_rewrite_begin(&b->rewrite, x);
}

static bool
is_used(const void *settings)
{
    return ((const struct settings *)settings)->on;
}

static void
run(struct exchange *x, const void *settings)
{
    struct response *r = &x->response;
    if (!str_eq_nocase(fields_value(&r->fields, HEADER_CONTENT_ENCODING), STR("gzip")))
        return;
    accept_gzip_vary(x);
    if (accept_gzip(x))
        return;
    fields_remove(&r->fields, HEADER_CONTENT_ENCODING);
    body_filter_head(x, BODY_WEAKENS_ETAG | BODY_LOSES_RANGES);
    if (r->body)
        begin(x);
}

const struct feature gunzip_ = {
    .name = "gunzip",
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .used = is_used,
    .on_response = run,
};
