/* post_action: a request to another location when the client's own is over, whatever became of it;
 * its answer goes to nobody. */
#include "exchange/feature.h"
#include "exchange/subrequest/copy.h"
#include "exchange/subrequest/subrequest.h"

struct settings {
    struct str uri; /* STR_NONE: off */
};

static bool
set_uri(struct setting *s)
{
    struct str uri = setting_arg(s, 1);
    *(struct str *)s->field = str_eq(uri, STR("off")) ? STR_NONE : uri;
    return true;
}

static const struct directive directives[] = {
    { "post_action", PLACE(struct settings, uri),
      IN_HTTP | IN_SERVER | IN_LOCATION | IN_LOCATION_IF, .set = set_uri, .initial = "off",
      .syntax = "uri | @name | off", .example = "post_action /done;",
      .help = "Asks that location when a request is over. $request_completion, $bytes_sent and "
              "$body_bytes_sent there are those of the request; its answer is dropped.",
      .differs = "The connection's next request does not wait for it." },
    { 0 },
};

static bool
is_used(const void *settings)
{
    return ((const struct settings *)settings)->uri.n > 0;
}

static void
run(struct exchange *x, const void *settings)
{
    const struct settings *my = settings;
    bool named = my->uri.p[0] == '@', whole = x->head_sent && !x->client_gone && !x->aborted;
    if (x->is_subrequest)
        return;
    struct exchange *after =
        copy_start(x, named ? x->uri : my->uri, named ? x->args : STR_NONE, SUBREQUEST_METHOD);
    if (after == NULL)
        return;
    after->is_after = whole;
    after->began_us = x->began_us;
    after->sent_bytes = x->sent_bytes;
    after->sent_body_bytes = x->sent_body_bytes;
    if (named)
        (void)internal_redirect(after, my->uri, STR_NONE);
}

const struct feature post_action = {
    .name = "post_action",
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .used = is_used,
    .on_log = run,
};
