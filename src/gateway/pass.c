/* A location's backend, and the settings that hold there. */
#include "gateway/pass.h"

#include "gateway/tls_settings.h"

/* All blocks around the location are read by then. */
static void
find_settings(struct compile *c, void *arg)
{
    struct pass *p = arg;
    const struct pass_family *family = p->family;
    p->settings = scope_settings(p->url.target.scope, feature_set(family->feature));
    if (family->tls_prefix == NULL)
        return;
    p->url.tls = (const void *)((const char *)p->settings + family->tls_offset);
    if (url_may_be_tls(&p->url))
        gateway_tls_prepare(c, p->url.target.span, family->tls_prefix, p->url.tls);
}

bool
pass_set(struct setting *s, const struct pass_family *family, struct pass *p)
{
    p->family = family;
    if (!url_set(s, &family->rules, &p->url))
        return false;
    compile_defer(s->compile, find_settings, p);
    return location_set_content(s, family->feature, p);
}

enum verdict
pass_run(struct exchange *x, const struct pass *p, const struct gateway_settings *my,
         const struct client_codec *codec)
{
    struct gateway_target target = { .redirect_to = STR_NONE };
    struct str uri;
    enum verdict v = url_find(x, &p->url, my, &target, &uri);
    return v == PASS ? gateway_run(x, my, codec, &target, VERSION_11) : v;
}
