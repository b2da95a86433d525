/* The small answers: a body of our own, a redirect, another location. */
#include "exchange/files/path.h"
#include "exchange/hosts/location.h"
#include "exchange/snapshot.h"
#include "http/uri.h"

void
response_init(struct exchange *x, unsigned status)
{
    struct response *r = &x->response;
    body_close(r->body);
    *r = (struct response){ .status = status, .last_modified = -1 };
    fields_init(&r->fields, &x->arena);
    fields_init(&r->trailers, &x->arena);
}

bool
response_is_empty(const struct exchange *x)
{
    const struct response *r = &x->response;
    return r->body == NULL && r->content_length < 0 &&
           !(r->relayed && x->request.method == METHOD_HEAD);
}

void
response_set_body(struct exchange *x, struct str content_type, struct str body)
{
    struct response *r = &x->response;
    body_close(r->body);
    r->content_type = content_type;
    r->content_length = (int64_t)body.n;
    r->body = body.n ? body_of_str(&x->arena, body) : NULL;
}

enum verdict
answer(struct exchange *x, unsigned status, struct str content_type, struct str body)
{
    response_init(x, status);
    response_set_body(x, content_type, body);
    return DONE;
}

static unsigned
default_port(const struct exchange *x)
{
    return x->client->tls ? 443 : 80;
}

/* Who says no name gets the address that it came to. */
static struct str
redirect_host(struct exchange *x, const struct core_settings *core)
{
    bool named = x->request.authority.n || fields_find(&x->request.fields, HEADER_HOST);
    if (core->server_name_in_redirect && x->server->name.n)
        return x->server->name;
    return named ? x->host : address_text(&x->client->local, false, &x->arena);
}

/* scheme://host[:port] of a redirect, as absolute_redirect, server_name_in_redirect and
 * port_in_redirect say. */
static struct str
make_absolute(struct exchange *x, struct str path)
{
    const struct core_settings *core = (x->location ? x->location : x->server->root)->core;
    struct str host = redirect_host(x, core);
    unsigned port = address_port(&x->client->local);
    const char *scheme = x->client->tls ? "https" : "http";
    if (!core->absolute_redirect)
        return path;
    if (core->port_in_redirect && port && port != default_port(x))
        return arena_printf(&x->arena, "%s://" STR_FMT ":%u" STR_FMT, scheme, STR_ARG(host), port,
                            STR_ARG(path));
    return arena_printf(&x->arena, "%s://" STR_FMT STR_FMT, scheme, STR_ARG(host), STR_ARG(path));
}

struct str
redirect_location(struct exchange *x, struct str location)
{
    return str_starts(location, STR("/")) ? make_absolute(x, location) : location;
}

/* A location made of variables may bring a line break along, which would end the field. */
static bool
is_one_line(struct str s)
{
    return str_find(s, '\n') < 0 && str_find(s, '\r') < 0 && str_find(s, '\0') < 0;
}

enum verdict
redirect(struct exchange *x, unsigned status, struct str location)
{
    if (!is_one_line(location))
        return fail(x, FAULT_INTERNAL, "a line break in the location of a redirect");
    response_init(x, status);
    fields_add_known(&x->response.fields, HEADER_LOCATION, redirect_location(x, location));
    return FAILED;
}

static enum verdict
go_to_named(struct exchange *x, struct str name)
{
    struct location *l = x->server->named ? map_try(x->server->named, name) : NULL;
    if (l == NULL)
        return fail(x, FAULT_INTERNAL, "could not find named location \"" STR_FMT "\"",
                    STR_ARG(name));
    location_enter(x, l);
    x->at_named = true;
    return RESTART;
}

enum verdict
internal_redirect(struct exchange *x, struct str uri, struct str args)
{
    if (++x->redirects > 10)
        return fail(x, FAULT_REDIRECT_CYCLE, "while internally redirecting to \"" STR_FMT "\"",
                    STR_ARG(uri));
    x->internal = true;
    if (uri.n && uri.p[0] == '@')
        return go_to_named(x, uri);
    x->uri_is_raw = x->uri_rewritten = false;
    x->uri = uri;
    x->args = args;
    x->at_server = true;
    return RESTART;
}

enum verdict
internal_redirect_encoded(struct exchange *x, struct str target)
{
    struct str uri, rest = target, path = str_cut(&rest, '?');
    if (str_starts(target, STR("@")))
        return internal_redirect(x, target, STR_NONE);
    if (path_climbs(uri_decode(path, &x->arena)) ||
        uri_normalize(path, x->server->settings->merge_slashes, &x->arena, &uri) != URI_OK)
        return fail(x, FAULT_NOT_FOUND, "unsafe URI \"" STR_FMT "\" was detected", STR_ARG(target));
    return internal_redirect(x, uri, rest);
}

void
response_refuse(struct exchange *x, unsigned status)
{
    x->refused = status;
    response_init(x, status);
}

void
response_add(struct exchange *x, struct str name, struct str value)
{
    fields_add(&x->response.fields, name, value);
}
