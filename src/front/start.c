/* From a request's head to its server and path. */
#include "front/start.h"

#include "exchange/secure/client_check.h"
#include "http/uri.h"

void
start_init(struct exchange *x, const struct listen_address *l)
{
    x->server = l->fallback;
    x->host = x->server->name;
    x->uri = STR("/");
}

void
start_refuse(struct exchange *x, enum fault fault, const char *why)
{
    x->early_failure = true;
    x->doing = "reading client request headers";
    x->keep_alive = false;
    fail(x, fault, "%s", why);
}

/* A Host field that does not decide is still to be valid (RFC 9112 3.2). */
static bool
is_valid(struct exchange *x, struct str unused)
{
    struct str host;
    int port;
    return unused.p == NULL || host_parse(unused, &x->arena, &host, &port);
}

/* The request line or :authority first, then the Host field (RFC 9112 3.2.2, RFC 9113 8.3.1). */
bool
start_choose_server(struct exchange *x, const struct listen_address *l)
{
    struct request_head *r = &x->request;
    struct str field = fields_value(&r->fields, HEADER_HOST);
    struct str authority = r->authority.p ? r->authority : field;
    int port;
    if (authority.p == NULL) {
        x->server = listen_address_server(l, STR(""), x);
        x->host = x->server->name;
        return true;
    }
    bool both = field.p != authority.p;
    if (!host_parse(authority, &x->arena, &x->host, &port) || (both && !is_valid(x, field))) {
        start_refuse(x, FAULT_BAD_HOST, "client sent invalid host header");
        return false;
    }
    x->server = listen_address_server(l, x->host, x);
    return true;
}

static void
check_client(struct exchange *x)
{
    x->doing = "reading client request headers";
    x->early_failure = client_check(x) == FAILED;
    if (x->early_failure)
        x->keep_alive = false;
    else
        x->doing = NULL;
}

void
start_path(struct exchange *x)
{
    struct request_head *r = &x->request;
    bool refused = r->method == METHOD_TRACE || r->method == METHOD_CONNECT;
    x->args = r->args.n ? r->args : STR_NONE;
    x->uri_is_raw = true;
    if (uri_normalize(r->path, x->server->settings->merge_slashes, &x->arena, &x->uri) != URI_OK)
        start_refuse(x, refused ? FAULT_METHOD_NOT_ALLOWED : FAULT_BAD_REQUEST, "invalid URI");
    else if (refused)
        start_refuse(x, FAULT_METHOD_NOT_ALLOWED, "TRACE and CONNECT are not for a reverse proxy");
    else
        check_client(x);
}
