/* What the gateway's rows share: lists of field names, choices, checks. */
#include "gateway/rows.h"

const struct choice gateway_next_upstream_choices[] = {
    { "error", NEXT_ERROR },
    { "timeout", NEXT_TIMEOUT },
    { "invalid_header", NEXT_INVALID_HEADER },
    { "http_500", NEXT_HTTP_500 },
    { "http_502", NEXT_HTTP_502 },
    { "http_503", NEXT_HTTP_503 },
    { "http_504", NEXT_HTTP_504 },
    { "http_403", NEXT_HTTP_403 },
    { "http_404", NEXT_HTTP_404 },
    { "http_429", NEXT_HTTP_429 },
    { "non_idempotent", NEXT_NON_IDEMPOTENT },
    { "off", NEXT_OFF },
    { NULL, 0 },
};

const struct choice gateway_ignore_choices[] = {
    { "X-Accel-Redirect", IGNORE_X_ACCEL_REDIRECT },
    { "X-Accel-Expires", IGNORE_X_ACCEL_EXPIRES },
    { "X-Accel-Limit-Rate", IGNORE_X_ACCEL_LIMIT_RATE },
    { "X-Accel-Buffering", IGNORE_X_ACCEL_BUFFERING },
    { "X-Accel-Charset", IGNORE_X_ACCEL_CHARSET },
    { "Expires", IGNORE_EXPIRES },
    { "Cache-Control", IGNORE_CACHE_CONTROL },
    { "Set-Cookie", IGNORE_SET_COOKIE },
    { "Vary", IGNORE_VARY },
    { NULL, 0 },
};

static struct set_header *
add_header(struct setting *s)
{
    struct set_headers **field = s->field, *set = *field;
    struct arena *a = s->compile->arena;
    if (set == NULL) {
        set = *field = arena_new(a, struct set_headers);
        map_init(&set->others, a, true);
    }
    if (set->n == set->cap) {
        struct set_header *old = set->v;
        set->cap = set->cap ? set->cap * 2 : 8;
        set->v = arena_array(a, struct set_header, set->cap);
        if (set->n)
            memcpy(set->v, old, set->n * sizeof *old);
    }
    return &set->v[set->n++];
}

bool
gateway_set_header(struct setting *s)
{
    if (!h1_is_token(setting_arg(s, 1)))
        return setting_error(s, 1, "invalid header name \"" STR_FMT "\"",
                             STR_ARG(setting_arg(s, 1)));
    struct set_header *h = add_header(s);
    struct set_headers *set = *(struct set_headers **)s->field;
    h->name = setting_arg(s, 1);
    h->id = header_id(h->name);
    h->value = template_compile(s, 2, setting_arg(s, 2));
    if (h->id != HEADER_OTHER)
        set->known[h->id] = true;
    else
        map_put(&set->others, h->name, h);
    return h->value != NULL;
}

bool
gateway_set_hide(struct setting *s)
{
    struct name_list **field = s->field, *list = *field;
    struct str name = setting_arg(s, 1);
    if (list == NULL) {
        list = *field = arena_new(s->compile->arena, struct name_list);
        map_init(&list->names, s->compile->arena, true);
    }
    if (header_id(name) != HEADER_OTHER)
        list->known[header_id(name)] = true;
    else
        map_put(&list->names, name, list);
    return true;
}

bool
gateway_set_limit_rate(struct setting *s)
{
    const struct template **rate = s->field;
    uint64_t bytes;
    *rate = template_compile(s, 1, setting_arg(s, 1));
    if (*rate == NULL)
        return false;
    if (!template_is_plain(*rate))
        return true;
    if (!parse_bytes(template_plain(*rate), &bytes))
        return setting_error(s, 1, "invalid value \"" STR_FMT "\"", STR_ARG(setting_arg(s, 1)));
    if (bytes == 0)
        *rate = NULL;
    return true;
}

bool
gateway_set_bind(struct setting *s)
{
    const struct template **bind = s->field;
    struct address address;
    if (s->node->n == 3 && !str_eq(setting_arg(s, 2), STR("transparent")))
        return setting_error(s, 2, "invalid parameter \"" STR_FMT "\"", STR_ARG(setting_arg(s, 2)));
    if (s->node->n == 3)
        return setting_error(s, 2, "transparent proxying is not supported by this usher yet");
    *bind = NULL;
    if (str_eq(setting_arg(s, 1), STR("off")))
        return true;
    *bind = template_compile(s, 1, setting_arg(s, 1));
    if (*bind && template_is_plain(*bind) && !address_parse(template_plain(*bind), 0, &address))
        return setting_error(s, 1, "invalid address \"" STR_FMT "\"", STR_ARG(setting_arg(s, 1)));
    return *bind != NULL;
}

bool
gateway_ignore(struct setting *s)
{
    return true;
}

bool
gateway_complete(struct scope *scope, struct gateway_settings *my)
{
    if (my->next_upstream & NEXT_OFF)
        my->next_upstream = NEXT_OFF;
    return true;
}
