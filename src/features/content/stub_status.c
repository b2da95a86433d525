/* stub_status: the counts of connections and requests, as a page of four lines. */
#include "exchange/feature.h"
#include "exchange/hosts/location.h"
#include "observe/connections.h"

#include <inttypes.h>

static bool set_stub_status(struct setting *s);

static const struct directive directives[] = {
    { "stub_status", NO_FIELD, IN_SERVER | IN_LOCATION, .set = set_stub_status,
      .flags = SETTINGS_APART, .args_max = 1, .args_min = 0, .syntax = "",
      .example = "stub_status;",
      .help = "Answers with the numbers of connections (open, accepted, handled, and what they "
              "do) and requests." },
    { 0 },
};

static enum verdict
serve(struct exchange *x, const void *settings)
{
    if (x->request.method != METHOD_GET && x->request.method != METHOD_HEAD)
        return status_only(x, 405);
    const struct connection_counts n = connection_counts();
    struct str page =
        arena_printf(&x->arena,
                     "Active connections: %" PRIu64 " \n"
                     "server accepts handled requests\n"
                     " %" PRIu64 " %" PRIu64 " %" PRIu64 " \n"
                     "Reading: %" PRIu64 " Writing: %" PRIu64 " Waiting: %" PRIu64 " \n",
                     n.active, n.accepted, n.handled, n.requests, n.reading, n.writing, n.waiting);
    return answer(x, 200, STR("text/plain"), page);
}

const struct feature stub_status_ = {
    .name = "stub_status",
    .phase = PHASE_CONTENT,
    .directives = directives,
    .on_request = serve,
    .explain = serve,
    .content_only = true,
    .content_stays = true,
};

static bool
set_stub_status(struct setting *s)
{
    return location_set_content(s, &stub_status_, "");
}
