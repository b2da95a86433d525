/* Fields from HPACK and to it: known names keep their ids, and small letters without being copied.
 */
#include "h2/link.h"

/* --- Names in small letters --- */

enum { NAME_MAX_KNOWN = 32 };
static char lower_text[HEADER_COUNT][NAME_MAX_KNOWN];
static struct str lower[HEADER_COUNT];

static void
copy_lower(char *to, struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        to[i] = byte_lower(s.p[i]);
}

__attribute__((constructor)) static void
fill_lower(void)
{
    for (enum header id = HEADER_OTHER + 1; id < HEADER_COUNT; id++) {
        struct str name = header_name(id);
        copy_lower(lower_text[id], name);
        lower[id] = (struct str){ lower_text[id], name.n };
    }
}

/* --- What came --- */

static bool
keep(struct arena *a, struct str s, struct str *out)
{
    char *p = arena_try_text(a, s.n + 1);
    if (p == NULL)
        return false;
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    *out = (struct str){ p, s.n };
    return true;
}

static struct str *
pseudo_of(struct h2_head *head, struct str name)
{
    if (str_eq(name, STR(":method")))
        return &head->method;
    if (str_eq(name, STR(":path")))
        return &head->path;
    if (str_eq(name, STR(":scheme")))
        return &head->scheme;
    if (str_eq(name, STR(":authority")))
        return &head->authority;
    return str_eq(name, STR(":protocol")) ? &head->protocol : NULL;
}

static bool
take_pseudo(struct stream *st, struct str name, struct str value)
{
    uint64_t status;
    if (st->block == NULL)
        return true;
    if (str_eq(name, STR(":status"))) {
        st->block->status = str_to_u64(value, 999, &status) ? (unsigned)status : 0;
        return true;
    }
    struct str *to = pseudo_of(st->block, name);
    return to == NULL || keep(st->arena, value, to);
}

bool
h2_fields_take(struct stream *st, struct str name, struct str value)
{
    struct fields *to = st->block ? &st->block->fields : &st->pub.trailers;
    if (name.n && name.p[0] == ':')
        return take_pseudo(st, name, value);
    enum header id = header_id(name);
    if (!keep(st->arena, str_trim(value), &value))
        return false;
    if (id != HEADER_OTHER)
        name = lower[id];
    else if (!keep(st->arena, name, &name))
        return false;
    fields_push(to, name, value, id);
    return true;
}

void
h2_fields_join_cookies(struct fields *f)
{
    size_t size = 0, n = 0;
    unsigned crumbs = 0;
    for (unsigned i = 0; i < f->n; i++)
        if (f->v[i].id == HEADER_COOKIE) {
            size += f->v[i].value.n + 2;
            crumbs++;
        }
    if (crumbs < 2)
        return;
    char *text = arena_text(f->arena, size);
    for (unsigned i = 0; i < f->n; i++) {
        struct str value = f->v[i].value;
        if (f->v[i].id != HEADER_COOKIE)
            continue;
        memcpy(text + n, "; ", n ? 2 : 0);
        n += n ? 2 : 0;
        if (value.n)
            memcpy(text + n, value.p, value.n);
        n += value.n;
    }
    fields_set(f, HEADER_COOKIE, (struct str){ text, n });
}

/* --- What goes --- */

/* RFC 9113 8.2.2 */
static bool
is_forbidden(const struct field *f)
{
    switch ((int)f->id) {
    case HEADER_CONNECTION:
    case HEADER_KEEP_ALIVE:
    case HEADER_PROXY_CONNECTION:
    case HEADER_TRANSFER_ENCODING:
    case HEADER_UPGRADE:
        return true;
    case HEADER_TE:
        return !str_eq_nocase(f->value, STR("trailers"));
    default:
        return f->name.n == 0 || f->name.p[0] == ':';
    }
}

static void
begin(struct h2_nv *to, const struct fields *f, size_t pseudo)
{
    size_t size = (f->n + pseudo) * sizeof *to->v;
    for (unsigned i = 0; i < f->n; i++)
        size += f->v[i].id == HEADER_OTHER ? f->v[i].name.n : 0;
    to->memory = buffer_take(size);
    to->v = (nghttp2_nv *)to->memory->data;
    to->n = 0;
}

static void
put(struct h2_nv *to, struct str name, struct str value, uint8_t flags)
{
    to->v[to->n++] = (nghttp2_nv){ .name = (uint8_t *)name.p,
                                   .namelen = name.n,
                                   .value = (uint8_t *)(value.p ? value.p : ""),
                                   .valuelen = value.n,
                                   .flags = flags };
}

/* Credentials are not for the table that compresses (RFC 7541 7.1.3); short-lived values neither,
 * they would push out what comes again. */
static uint8_t
flags_of(enum header id)
{
    switch ((int)id) {
    case HEADER_AUTHORIZATION:
    case HEADER_SET_COOKIE:
        return NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_INDEX;
    default:
        return NGHTTP2_NV_FLAG_NO_COPY_NAME;
    }
}

/* A value made of variables may bring what no field can hold; it is left out, as in HTTP/1. */
static bool
is_fit(struct str value)
{
    return value.n == 0 || nghttp2_check_header_value((const uint8_t *)value.p, value.n);
}

static void
put_fields(struct h2_nv *to, const struct fields *f, size_t most)
{
    char *text = to->memory->data + most * sizeof *to->v;
    for (unsigned i = 0; i < f->n; i++) {
        const struct field *field = &f->v[i];
        if (is_forbidden(field) || !is_fit(field->value))
            continue;
        if (field->id != HEADER_OTHER) {
            put(to, lower[field->id], field->value, flags_of(field->id));
            continue;
        }
        struct str name = { text, field->name.n };
        copy_lower(text, field->name);
        if (nghttp2_check_header_name((const uint8_t *)text, name.n))
            put(to, name, field->value, NGHTTP2_NV_FLAG_NONE);
        text += name.n;
    }
}

static void
put_some(struct h2_nv *to, struct str name, struct str value)
{
    if (value.p)
        put(to, name, value, NGHTTP2_NV_FLAG_NO_COPY_NAME);
}

static void
put_status(struct h2_nv *to, unsigned status)
{
    to->digits[0] = (char)('0' + status / 100 % 10);
    to->digits[1] = (char)('0' + status / 10 % 10);
    to->digits[2] = (char)('0' + status % 10);
    put_some(to, STR(":status"), (struct str){ to->digits, sizeof to->digits });
}

enum { PSEUDO_MOST = 5 };

void
h2_fields_make(struct h2_nv *to, const struct h2_head *head, bool request)
{
    begin(to, &head->fields, PSEUDO_MOST);
    if (request) {
        put_some(to, STR(":method"), head->method);
        put_some(to, STR(":scheme"), head->scheme);
        put_some(to, STR(":authority"), head->authority);
        put_some(to, STR(":path"), head->path);
        put_some(to, STR(":protocol"), head->protocol);
    } else {
        put_status(to, head->status);
    }
    put_fields(to, &head->fields, head->fields.n + PSEUDO_MOST);
}

void
h2_fields_make_trailers(struct h2_nv *to, const struct fields *f)
{
    begin(to, f, 0);
    put_fields(to, f, f->n);
}

void
h2_fields_release(struct h2_nv *to)
{
    buffer_put(to->memory);
}
