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

struct hop_names
hop_names_of(const struct fields *fields)
{
    for (unsigned i = 0; i < fields->n; i++)
        if (fields->v[i].id == HEADER_CONNECTION && !is_plain(fields->v[i].value))
            return (struct hop_names){ fields };
    return (struct hop_names){ NULL };
}

bool
hop_names_has(const struct hop_names *names, const struct field *f)
{
    for (unsigned i = 0; names->fields && i < names->fields->n; i++) {
        const struct field *c = &names->fields->v[i];
        if (c->id == HEADER_CONNECTION && list_has_token(c->value, f->name))
            return true;
    }
    return false;
}
