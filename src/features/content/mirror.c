/* mirror: copies of requests to other locations, whose answers nobody reads.
 *
 * They run on their own: neither the answer nor the connection's next request waits for them. */
#include "exchange/body/request_body.h"
#include "exchange/feature.h"
#include "exchange/subrequest/copy.h"
#include "exchange/subrequest/subrequest.h"
#include "exchange/trace.h"
#include "fiber/fiber.h"

struct settings {
    struct mirrors {
        unsigned n;
        bool off;
        struct str *uris;
    } * mirrors;
    bool request_body;
};

static bool
set_mirror(struct setting *s)
{
    struct settings *my = s->settings;
    struct arena *a = s->compile->arena;
    struct str uri = setting_arg(s, 1), *old;
    bool off = str_eq(uri, STR("off"));
    if (my->mirrors && (off || my->mirrors->off))
        return setting_error(s, 0, "\"mirror\" directive is duplicate");
    if (my->mirrors == NULL)
        my->mirrors = arena_new(a, struct mirrors);
    my->mirrors->off = off;
    if (off)
        return true;
    old = my->mirrors->uris;
    my->mirrors->uris = arena_array(a, struct str, my->mirrors->n + 1);
    for (unsigned i = 0; i < my->mirrors->n; i++)
        my->mirrors->uris[i] = old[i];
    my->mirrors->uris[my->mirrors->n++] = uri;
    return true;
}

static const struct directive directives[] = {
    { "mirror", PLACE(struct settings, mirrors), IN_HTTP | IN_SERVER | IN_LOCATION,
      .set = set_mirror, .flags = MANY, .syntax = "uri | off", .unset = "off",
      .example = "mirror /mirror;",
      .help = "Sends a copy of each request to that URI as well; its answer is dropped, and nobody "
              "waits for it. May stand several times." },
    { "mirror_request_body", FIELD(struct settings, request_body),
      IN_HTTP | IN_SERVER | IN_LOCATION, .initial = "on",
      .help = "Whether copies have the request's body, which is then read whole before anything "
              "else is done with the request." },
    { 0 },
};

static bool
is_used(const void *settings)
{
    const struct settings *my = settings;
    return my->mirrors && my->mirrors->n;
}

static enum verdict
copy(struct exchange *x, const void *settings)
{
    const struct settings *my = settings;
    unsigned flags = SUBREQUEST_METHOD | (my->request_body ? SUBREQUEST_BODY : 0);
    if (x->is_subrequest)
        return PASS;
    enum verdict v = my->request_body ? request_body_read(x) : PASS;
    for (unsigned i = 0; v == PASS && i < my->mirrors->n; i++)
        (void)copy_start(x, my->mirrors->uris[i], x->args, flags);
    if (x->client->tls)
        (void)fiber_yield(); /* what they say of the connection, they say while it is there */
    return v;
}

static enum verdict
explain(struct exchange *x, const void *settings)
{
    const struct settings *my = settings;
    for (unsigned i = 0; i < my->mirrors->n && !x->is_subrequest; i++)
        trace_say(x, "", NULL, "copies the request to " STR_FMT ", and waits for no answer",
                  STR_ARG(my->mirrors->uris[i]));
    return PASS;
}

const struct feature mirror = {
    .name = "mirror",
    .phase = PHASE_PRECONTENT,
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .used = is_used,
    .on_request = copy,
    .explain = explain,
};
