/* empty_gif: one transparent pixel, from memory. */
#include "exchange/feature.h"
#include "exchange/hosts/location.h"

static bool set_empty_gif(struct setting *s);

static const struct directive directives[] = {
    { "empty_gif", NO_FIELD, IN_LOCATION, .set = set_empty_gif, .flags = SETTINGS_APART,
      .args_max = ARGS_NONE, .syntax = "", .example = "empty_gif;",
      .help = "Answers with a transparent GIF image of one pixel." },
    { 0 },
};

/* GIF89a, 1 x 1, two colours, of which the second is transparent. */
static const char pixel[] = "GIF89a\1\0\1\0\200\1\0\0\0\0\377\377\377!\371\4\1\0\0\1\0,"
                            "\0\0\0\0\1\0\1\0\0\2\2L\1\0;";

enum { MODIFIED = 23349600 }; /* in 1970, as nginx says */

static enum verdict
serve(struct exchange *x, const void *settings)
{
    if (x->request.method != METHOD_GET && x->request.method != METHOD_HEAD)
        return status_only(x, 405);
    enum verdict v = answer(x, 200, STR("image/gif"), (struct str){ pixel, sizeof pixel - 1 });
    x->response.last_modified = MODIFIED;
    return v;
}

const struct feature empty_gif_ = {
    .name = "empty_gif",
    .phase = PHASE_CONTENT,
    .directives = directives,
    .on_request = serve,
    .explain = serve,
    .content_only = true,
    .content_stays = true,
};

static bool
set_empty_gif(struct setting *s)
{
    return location_set_content(s, &empty_gif_, "");
}
