/* RFC 9218: nghttp2 heeds what clients say; a backend's word on its own answer is read here. */
#include "h2/link.h"

/* One member of the dictionary (RFC 9218 4): "u=3", "i", "i=?0"; others are for others to know. */
static void
take_member(struct str member, nghttp2_extpri *to)
{
    struct str value = member, key = str_trim(str_cut(&value, '='));
    value = str_cut(&value, ';');
    if (str_eq(key, STR("u")) && value.n == 1 && value.p[0] >= '0' && value.p[0] <= '7')
        to->urgency = (uint32_t)(value.p[0] - '0');
    else if (str_eq(str_cut(&key, ';'), STR("i")) && (value.p == NULL || str_eq(value, STR("?1"))))
        to->inc = 1;
    else if (str_eq(key, STR("i")) && str_eq(value, STR("?0")))
        to->inc = 0;
}

static void
take_field(struct str field, nghttp2_extpri *to)
{
    while (field.p)
        take_member(str_trim(str_cut(&field, ',')), to);
}

void
h2_prioritise(struct h2_stream *s, struct str response)
{
    nghttp2_extpri p = { .urgency = NGHTTP2_EXTPRI_DEFAULT_URGENCY };
    const struct field *request = fields_find_named(&s->head.fields, STR("priority"));
    if (stream_of(s)->done)
        return;
    if (request)
        take_field(request->value, &p);
    take_field(response, &p);
    (void)nghttp2_session_change_extpri_stream_priority(s->link->session, s->id, &p, 0);
}
