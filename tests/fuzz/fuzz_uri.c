/* A normalised path climbs nowhere, and is itself again after escaping and normalising. */
#include "http/uri.h"
#include "target.h"

static void
check_normal(struct str uri, bool merge)
{
    must(uri.n > 0 && uri.p[0] == '/');
    for (struct str rest = str_skip(uri, 1); rest.p;) {
        struct str segment = str_cut(&rest, '/');
        must(!str_eq(segment, STR(".")) && !str_eq(segment, STR("..")));
        must(!merge || segment.n > 0 || rest.p == NULL);
    }
}

static void
check_path(struct str raw, bool merge, struct arena *a)
{
    struct str uri, again;
    if (uri_normalize(raw, merge, a, &uri) != URI_OK || str_eq(raw, STR("*")))
        return;
    check_normal(uri, merge);
    must(uri_normalize(uri_escape(uri, ESCAPE_URI, a), merge, a, &again) == URI_OK);
    must(str_eq(uri, again));
}

static void
check_host(struct str authority, struct arena *a)
{
    struct str host, again;
    int port;
    if (!host_parse(authority, a, &host, &port))
        return;
    must(host.n > 0 && port >= -1 && port <= 65535);
    must(host_parse(host, a, &again, &port) && str_eq(host, again) && port == -1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct str in = { (const char *)data, size };
    arena_init(&a, 0);
    check_path(in, true, &a);
    check_path(in, false, &a);
    check_host(in, &a);
    must(str_eq(uri_decode(uri_escape(in, ESCAPE_URI_COMPONENT, &a), &a), in));
    (void)uri_arg(in, STR("a"));
    arena_fini(&a);
    return 0;
}
