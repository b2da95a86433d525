/* Variables that tell what the client asked for. */
#include "base/random.h"
#include "exchange/auth/credentials.h"
#include "exchange/snapshot.h"
#include "exchange/subrequest/subrequest.h"
#include "exchange/values/print.h"
#include "http/cookie.h"
#include "http/uri.h"

static bool
get_args(struct exchange *x, struct str rest, struct str *out)
{
    *out = x->args;
    return x->args.p != NULL;
}

static void
set_args(struct exchange *x, struct str value)
{
    x->args = value;
    x->uri_is_raw = false;
}

static bool
get_is_args(struct exchange *x, struct str rest, struct str *out)
{
    *out = x->args.n ? STR("?") : STR("");
    return true;
}

static bool
get_arg(struct exchange *x, struct str rest, struct str *out)
{
    return x->args.n && give(uri_arg(x->args, rest), out);
}

static bool
get_uri(struct exchange *x, struct str rest, struct str *out)
{
    return give(x->uri, out);
}

static bool
get_request(struct exchange *x, struct str rest, struct str *out)
{
    *out = x->request.line;
    return x->request.line.n > 0;
}

/* Path and arguments stand side by side in what was read, whatever the form of the target. */
static bool
get_request_uri(struct exchange *x, struct str rest, struct str *out)
{
    const struct request_head *r = &x->request;
    if (r->target.n && r->target.p[0] == '/')
        return give(r->target, out);
    if (r->path.p == NULL || r->path.n == 0)
        return give(r->target, out);
    return give(str_between(r->path.p, r->args.p ? r->args.p + r->args.n : r->path.p + r->path.n),
                out);
}

static bool
get_request_method(struct exchange *x, struct str rest, struct str *out)
{
    *out = exchange_root(x)->request.method_name; /* the client's, in sub-requests too */
    return out->n > 0;
}

static bool
get_request_id(struct exchange *x, struct str rest, struct str *out)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char id[16];
    char *text = arena_text(&x->arena, 32);
    random_bytes(id, sizeof id);
    for (unsigned i = 0; i < sizeof id; i++) {
        text[2 * i] = digits[id[i] >> 4];
        text[2 * i + 1] = digits[id[i] & 15];
    }
    *out = (struct str){ text, 32 };
    return true;
}

static bool
get_request_length(struct exchange *x, struct str rest, struct str *out)
{
    *out = print_u64(x, x->request_bytes);
    return true;
}

static bool
get_request_body(struct exchange *x, struct str rest, struct str *out)
{
    return give(x->buffered_body, out);
}

static bool
get_request_body_file(struct exchange *x, struct str rest, struct str *out)
{
    return give(x->body_path, out);
}

static bool
get_http(struct exchange *x, struct str rest, struct str *out)
{
    return print_fields(x, &x->request.fields, rest, out);
}

static bool
get_content_length(struct exchange *x, struct str rest, struct str *out)
{
    if (x->body_kept && x->request.framing != FRAMING_LENGTH) {
        *out = print_u64(x, x->body_file_size); /* it came without, and was read whole */
        return true;
    }
    if (x->request.framing == FRAMING_CHUNKED && !x->body_streamed && x->response.status != 444)
        return give(STR("0"), out); /* nothing of it was asked for */
    return give(fields_value(&x->request.fields, HEADER_CONTENT_LENGTH), out);
}

static bool
get_content_type(struct exchange *x, struct str rest, struct str *out)
{
    return give(fields_value(&x->request.fields, HEADER_CONTENT_TYPE), out);
}

static bool
get_cookie(struct exchange *x, struct str rest, struct str *out)
{
    const struct fields *f = &x->request.fields;
    *out = STR_NONE;
    for (unsigned i = 0; i < f->n && out->p == NULL; i++)
        if (f->v[i].id == HEADER_COOKIE)
            *out = cookie_value(f->v[i].value, rest);
    return out->p != NULL;
}

static bool
get_host(struct exchange *x, struct str rest, struct str *out)
{
    *out = x->host.n || x->server == NULL ? x->host : x->server->name;
    return true;
}

static bool
get_request_port(struct exchange *x, struct str rest, struct str *out)
{
    struct str host, authority = x->request.authority;
    int port = -1;
    if (authority.n == 0)
        authority = fields_value(&x->request.fields, HEADER_HOST);
    if (authority.n == 0 || !host_parse(authority, &x->arena, &host, &port) || port < 0)
        return false;
    *out = print_u64(x, (uint64_t)port);
    return true;
}

static bool
get_is_request_port(struct exchange *x, struct str rest, struct str *out)
{
    struct str port;
    *out = get_request_port(x, rest, &port) ? STR(":") : STR("");
    return true;
}

static bool
get_server_protocol(struct exchange *x, struct str rest, struct str *out)
{
    switch (x->request.version) {
    case VERSION_09:
        return give(STR("HTTP/0.9"), out);
    case VERSION_10:
        return give(STR("HTTP/1.0"), out);
    case VERSION_11:
        return give(STR("HTTP/1.1"), out);
    case VERSION_20:
        return give(STR("HTTP/2.0"), out);
    case VERSION_30:
        return give(STR("HTTP/3.0"), out);
    }
    return false;
}

static bool
get_remote_user(struct exchange *x, struct str rest, struct str *out)
{
    struct str password;
    return credentials_basic(x, out, &password);
}

static bool
get_limit_rate(struct exchange *x, struct str rest, struct str *out)
{
    *out = print_u64(x, x->limit_rate);
    return true;
}

static void
set_limit_rate(struct exchange *x, struct str value)
{
    uint64_t rate;
    if (!parse_bytes(value, &rate))
        return;
    x->limit_rate = rate;
    x->limit_rate_known = true;
}

enum {
    EACH = VARIABLE_VOLATILE,
    MAY = VARIABLE_VOLATILE | VARIABLE_SETTABLE,
    ANY = VARIABLE_VOLATILE | VARIABLE_PREFIX
};

const struct variable request_variables[] = {
    { "arg_", get_arg, NULL, ANY, "Argument of that name in the request line." },
    { "args", get_args, set_args, MAY, "Arguments in the request line." },
    { "content_length", get_content_length, NULL, EACH, "The Content-Length request field." },
    { "content_type", get_content_type, NULL, EACH, "The Content-Type request field." },
    { "cookie_", get_cookie, NULL, ANY, "The cookie of that name." },
    { "document_uri", get_uri, NULL, EACH, "Same as $uri." },
    { "host", get_host, NULL, EACH,
      "Host name from the request line, else from the Host field, else the server's name; in lower "
      "case, without a port." },
    { "http_", get_http, NULL, ANY,
      "Any request field; its name in lower case with dashes as underscores." },
    { "is_args", get_is_args, NULL, EACH, "\"?\" if the request has arguments, else empty." },
    { "is_request_port", get_is_request_port, NULL, EACH,
      "\":\" if $request_port is not empty, else empty." },
    { "limit_rate", get_limit_rate, set_limit_rate, MAY,
      "Bytes a second to the client; setting it limits the rate. 0: no limit." },
    { "query_string", get_args, NULL, EACH, "Same as $args." },
    { "remote_user", get_remote_user, NULL, 0, "User name given by Basic authentication." },
    { "request", get_request, NULL, EACH, "The whole request line as it came." },
    { "request_body", get_request_body, NULL, EACH,
      "The request body, when it was read whole into memory." },
    { "request_body_file", get_request_body_file, NULL, EACH,
      "Name of the file that holds the request body, with client_body_in_file_only." },
    { "request_id", get_request_id, NULL, 0, "16 random bytes in hexadecimal, one a request." },
    { "request_length", get_request_length, NULL, EACH,
      "Bytes of the request: line, header and body." },
    { "request_method", get_request_method, NULL, EACH, "The request method, as GET." },
    { "request_port", get_request_port, NULL, EACH,
      "Port from the request line's authority, else from the Host field." },
    { "request_uri", get_request_uri, NULL, EACH, "The original URI with arguments, as it came." },
    { "server_protocol", get_server_protocol, NULL, EACH, "The request's protocol, as HTTP/1.1." },
    { "uri", get_uri, NULL, EACH,
      "The current URI, normalised and decoded, changed by internal redirects." },
    { 0 },
};
