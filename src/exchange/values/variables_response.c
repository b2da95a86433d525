/* Variables about the answer to the client. */
#include "exchange/settings.h"
#include "exchange/snapshot.h"
#include "exchange/values/print.h"
#include "http/date.h"

static bool
get_status(struct exchange *x, struct str rest, struct str *out)
{
    bool kept = x->error_status && x->error_keeps_status;
    unsigned status = kept ? x->error_status : x->response.status;
    if (status < 100 || status > 999)
        return give(x->request.version == VERSION_09 ? STR("009") : STR("000"), out);
    *out = print_u64(x, status);
    return true;
}

static bool
get_bytes_sent(struct exchange *x, struct str rest, struct str *out)
{
    *out = print_u64(x, x->sent_bytes);
    return true;
}

static bool
get_body_bytes_sent(struct exchange *x, struct str rest, struct str *out)
{
    *out = print_u64(x, x->sent_body_bytes);
    return true;
}

static bool
get_request_completion(struct exchange *x, struct str rest, struct str *out)
{
    *out = x->is_after || (x->head_sent && !x->client_gone && !x->aborted) ? STR("OK") : STR("");
    return true;
}

/* Fields that the codec writes by itself, or that the response keeps apart. */

static bool
sent_content_length(struct exchange *x, struct str *out)
{
    unsigned status = x->response.status;
    int64_t length = x->response.content_length;
    if (length < (status == 304) || status < 200 || status == 204 || status == 444)
        return false;
    *out = print_u64(x, (uint64_t)length);
    return true;
}

static bool
sent_content_type(struct exchange *x, struct str *out)
{
    *out = x->response.content_type;
    return out->n > 0;
}

static bool
sent_last_modified(struct exchange *x, struct str *out)
{
    if (x->response.last_modified < 0)
        return false;
    char *text = arena_text(&x->arena, HTTP_DATE_SIZE);
    date_format_http(x->response.last_modified, text);
    *out = (struct str){ text, HTTP_DATE_SIZE };
    return true;
}

static bool
sent_etag(struct exchange *x, struct str *out)
{
    return give(x->response.etag, out);
}

static bool
sent_server(struct exchange *x, struct str *out)
{
    return give(x->response.server, out);
}

static bool
sent_date(struct exchange *x, struct str *out)
{
    return give(x->response.date, out);
}

static bool
sent_connection(struct exchange *x, struct str *out)
{
    *out = x->response.status == 101 ? STR("upgrade")
           : x->keep_alive           ? STR("keep-alive")
                                     : STR("close");
    return true;
}

static bool
sent_keep_alive(struct exchange *x, struct str *out)
{
    const struct core_settings *core = x->location ? x->location->core : NULL;
    if (!x->keep_alive || core == NULL || core->keepalive_header.ms == 0)
        return false;
    *out = arena_printf(&x->arena, "timeout=%llu",
                        (unsigned long long)core->keepalive_header.ms / 1000);
    return true;
}

static bool
sent_transfer_encoding(struct exchange *x, struct str *out)
{
    bool bodiless =
        x->response.status < 200 || x->response.status == 204 || x->response.status == 304;
    *out = STR("chunked");
    return x->head_sent && x->request.version == VERSION_11 && x->response.content_length < 0 &&
           !bodiless;
}

static const struct {
    const char *name;
    bool (*get)(struct exchange *x, struct str *out);
} apart[] = {
    { "connection", sent_connection },
    { "content_length", sent_content_length },
    { "content_type", sent_content_type },
    { "date", sent_date },
    { "etag", sent_etag },
    { "keep_alive", sent_keep_alive },
    { "last_modified", sent_last_modified },
    { "server", sent_server },
    { "transfer_encoding", sent_transfer_encoding },
};

static bool
get_sent_http(struct exchange *x, struct str rest, struct str *out)
{
    if (print_fields(x, &x->response.fields, rest, out))
        return true;
    for (unsigned i = 0; i < sizeof apart / sizeof *apart; i++)
        if (str_eq(rest, str_of(apart[i].name)))
            return apart[i].get(x, out);
    return false;
}

static bool
get_sent_trailer(struct exchange *x, struct str rest, struct str *out)
{
    return print_fields(x, &x->response.trailers, rest, out);
}

enum { EACH = VARIABLE_VOLATILE, ANY = VARIABLE_VOLATILE | VARIABLE_PREFIX };

const struct variable response_variables[] = {
    { "body_bytes_sent", get_body_bytes_sent, NULL, EACH,
      "Bytes of body sent to the client, without the head." },
    { "bytes_sent", get_bytes_sent, NULL, EACH, "Bytes sent to the client." },
    { "request_completion", get_request_completion, NULL, EACH,
      "\"OK\" if the answer was sent whole, else empty." },
    { "sent_http_", get_sent_http, NULL, ANY,
      "Any response field; its name in lower case with dashes as underscores." },
    { "sent_trailer_", get_sent_trailer, NULL, ANY, "Any field sent at the end of the response." },
    { "status", get_status, NULL, EACH, "The response's status." },
    { 0 },
};
