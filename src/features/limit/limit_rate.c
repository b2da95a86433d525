/* limit_rate, limit_rate_after: how fast a response leaves. The pace itself is
 * exchange/body/pace.c, which $limit_rate and X-Accel-Limit-Rate set as well; both go over what is
 * written here. */
#include "exchange/feature.h"

#define EVERYWHERE (IN_HTTP | IN_SERVER | IN_LOCATION | IN_LOCATION_IF)

struct settings {
    const struct template *rate, *after; /* NULL: 0 */
};

static bool
set_size(struct setting *s)
{
    const struct template **size = s->field;
    uint64_t bytes;
    *size = template_compile(s, 1, setting_arg(s, 1));
    if (*size == NULL || !template_is_plain(*size))
        return *size != NULL;
    if (!parse_bytes(template_plain(*size), &bytes))
        return setting_error(s, 1, "\"" STR_FMT "\" directive invalid value",
                             STR_ARG(setting_arg(s, 0)));
    if (bytes == 0)
        *size = NULL;
    return true;
}

static const struct directive directives[] = {
    { "limit_rate", PLACE(struct settings, rate), EVERYWHERE, .set = set_size, .syntax = "rate",
      .unset = "0", .example = "limit_rate 200k;",
      .help = "Bytes a second in which a response is sent; of each request, so that a client with "
              "two connections gets twice as much. 0: no limit. May have variables." },
    { "limit_rate_after", PLACE(struct settings, after), EVERYWHERE, .set = set_size,
      .syntax = "size", .unset = "0", .example = "limit_rate_after 500k;",
      .help = "So much of a response is sent before its rate is limited. May have variables." },
    { 0 },
};

static uint64_t
size_of(struct exchange *x, const struct template *t)
{
    uint64_t size = 0;
    if (t && !parse_bytes(template_eval(t, x), &size))
        size = 0;
    return size;
}

static void
set_pace(struct exchange *x, const void *settings)
{
    const struct settings *my = settings;
    if (!x->limit_rate_known)
        x->limit_rate = size_of(x, my->rate);
    x->limit_rate_after = size_of(x, my->after);
}

static bool
is_used(const void *settings)
{
    const struct settings *my = settings;
    return my->rate || my->after;
}

const struct feature limit_rate_ = {
    .name = "limit_rate",
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .used = is_used,
    .on_response = set_pace,
};
