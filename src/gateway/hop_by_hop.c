/* One table of what stops here, for requests, responses, interim responses and trailers. */
#include "gateway/hop_by_hop.h"

bool
hop_is_bound(enum header id)
{
    switch ((int)id) {
    case HEADER_CONNECTION:
    case HEADER_KEEP_ALIVE:
    case HEADER_PROXY_CONNECTION:
    case HEADER_TE:
    case HEADER_TRANSFER_ENCODING:
    case HEADER_UPGRADE:
        return true;
    default:
        return false;
    }
}

bool
hop_is_bad_trailer(enum header id)
{
    switch ((int)id) {
    case HEADER_AUTHORIZATION:
    case HEADER_CONTENT_ENCODING:
    case HEADER_CONTENT_LENGTH:
    case HEADER_CONTENT_RANGE:
    case HEADER_CONTENT_TYPE:
    case HEADER_COOKIE:
    case HEADER_EXPECT:
    case HEADER_HOST:
    case HEADER_PROXY_AUTHORIZATION:
    case HEADER_SET_COOKIE:
    case HEADER_TRAILER:
        return true;
    default:
        return hop_is_bound(id);
    }
}

/* Nearly all peers send one of these words or none. */
static bool
is_plain(struct str value)
{
    return str_eq_nocase(value, STR("keep-alive")) || str_eq_nocase(value, STR("close")) ||
           str_eq_nocase(value, STR("upgrade"));
}

/* A peer may name as many as its head has room for: no field is compared with all of them. */
struct hop_names
hop_names_of(const struct fields *fields)
{
    struct hop_names n;
    map_init(&n.names, fields->arena, true);
    for (unsigned i = 0; i < fields->n; i++) {
        struct str rest = fields->v[i].value, name;
        if (fields->v[i].id != HEADER_CONNECTION || is_plain(rest))
            continue;
        while (list_next(&rest, &name))
            map_put(&n.names, name, (void *)(uintptr_t)name.p);
    }
    return n;
}

bool
hop_names_has(const struct hop_names *names, const struct field *f)
{
    return map_try(&names->names, f->name) != NULL;
}
