/* add_before_body, add_after_body: other locations' answers around a response. */
#include "exchange/body/filter.h"
#include "exchange/feature.h"
#include "exchange/mime_types.h"
#include "exchange/subrequest/subrequest.h"

#include <errno.h>

struct settings {
    struct str before, after;
    struct mime_types *types;
};

static bool
set_uri(struct setting *s)
{
    struct str *uri = s->field;
    *uri = setting_arg(s, 1);
    return true;
}

#define EVERYWHERE (IN_HTTP | IN_SERVER | IN_LOCATION)

static const struct directive directives[] = {
    { "add_before_body", PLACE(struct settings, before), EVERYWHERE, .set = set_uri,
      .syntax = "uri", .example = "add_before_body /header.html;",
      .help = "Puts the answer of a sub-request to that URI before the response's body. An empty "
              "string undoes what an outer block says." },
    { "add_after_body", PLACE(struct settings, after), EVERYWHERE, .set = set_uri, .syntax = "uri",
      .example = "add_after_body /footer.html;",
      .help = "Puts the answer of a sub-request to that URI after the response's body. An empty "
              "string undoes what an outer block says." },
    { "addition_types", PLACE(struct settings, types), EVERYWHERE, .set = mime_types_set,
      .flags = MANY, .args_min = 1, .args_max = ARGS_ANY, .syntax = "mime-type ...",
      .unset = "text/html", .example = "addition_types text/plain;",
      .help = "Content types, beside text/html, of the responses that are added to; * is any." },
    { 0 },
};

static bool
is_used(const void *settings)
{
    const struct settings *my = settings;
    return my->before.n || my->after.n;
}

/* Three bodies behind one another; each sub-request is made when its turn has come. */
struct added_body {
    struct body body; /* first */
    struct exchange *x;
    const struct settings *my;
    struct body *inner;
    enum { BEFORE, BETWEEN, AFTER, DONE_WITH } at;
    struct exchange *child;
    struct body *added;
};

static int
open_added(struct added_body *b, struct str uri)
{
    if (uri.n == 0)
        return 0;
    b->child = subrequest_open(b->x, uri, STR_NONE, 0);
    if (b->child == NULL)
        return -EIO;
    int r = subrequest_run(b->child);
    b->added = r < 0 ? NULL : subrequest_body(b->child);
    return r;
}

static void
close_added(struct added_body *b)
{
    if (b->child)
        subrequest_close(b->child);
    b->child = NULL;
    b->added = NULL;
}

static int
next_added(struct added_body *b, struct str uri, struct chunk *out)
{
    int r = b->child ? 0 : open_added(b, uri);
    if (r == 0 && b->added)
        r = body_next(b->added, out);
    if (r == 0)
        close_added(b);
    return r;
}

static int
next(struct body *body, struct chunk *out)
{
    struct added_body *b = (struct added_body *)body;
    int r = 0;
    while (b->at != DONE_WITH && r == 0) {
        if (b->at == BETWEEN)
            r = body_next(b->inner, out);
        else
            r = next_added(b, b->at == BEFORE ? b->my->before : b->my->after, out);
        if (r == 0)
            b->at++;
    }
    out->last = false;
    return r;
}

static bool
ready(struct body *body)
{
    const struct added_body *b = (const struct added_body *)body;
    return b->at == BETWEEN ? body_ready(b->inner) : b->added && body_ready(b->added);
}

static void
close_all(struct body *body)
{
    struct added_body *b = (struct added_body *)body;
    close_added(b);
    body_close(b->inner);
}

static void
add(struct exchange *x, const void *settings)
{
    static const struct body_ops ops = { .next = next, .ready = ready, .close = close_all };
    const struct settings *my = settings;
    struct response *r = &x->response;
    if (r->status != 200 || !mime_types_have(my->types, r->content_type))
        return;
    struct body *inner = r->body ? r->body : body_of_str(&x->arena, STR(""));
    struct added_body *b = arena_new(&x->arena, struct added_body);
    *b = (struct added_body){ { &ops }, x, my, inner };
    r->body = &b->body;
    body_filter_head(x, BODY_WEAKENS_ETAG | BODY_LOSES_RANGES);
}

const struct feature addition = {
    .name = "addition",
    .phase = PHASE_NONE,
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .used = is_used,
    .on_response = add,
};
