/* error_page: the configured answer to an error, else a small page of our own. */
#include "exchange/error_page.h"

#include "exchange/hosts/location.h"

struct error_page {
    unsigned status;
    int overwrite; /* -1: keep the status; 0: take the page's ("="); else that code */
    const struct template *uri;
};

struct error_pages {
    struct error_page *v;
    unsigned n, cap;
};

static struct error_page *
add(struct setting *s)
{
    struct error_pages **pages = s->field;
    if (*pages == NULL)
        *pages = arena_new(s->compile->arena, struct error_pages);
    struct error_pages *my = *pages;
    if (my->n == my->cap) {
        struct error_page *old = my->v;
        my->cap = my->cap ? my->cap * 2 : 4;
        my->v = arena_array(s->compile->arena, struct error_page, my->cap);
        if (my->n)
            memcpy(my->v, old, my->n * sizeof *old);
    }
    return &my->v[my->n++];
}

/* "=", "=200": the word before the URI. False when it is malformed. */
static bool
parse_overwrite(struct str word, int *overwrite)
{
    uint64_t code;
    if (word.n == 1) {
        *overwrite = 0;
        return true;
    }
    if (!str_to_u64(str_skip(word, 1), 999, &code))
        return false;
    *overwrite = (int)code;
    return true;
}

bool
error_page_set(struct setting *s)
{
    unsigned last = s->node->n - 1, codes = last;
    int overwrite = -1;
    if (last > 2 && str_starts(setting_arg(s, last - 1), STR("="))) {
        codes = last - 1;
        if (!parse_overwrite(setting_arg(s, codes), &overwrite))
            return setting_error(s, codes, "invalid value \"" STR_FMT "\"",
                                 STR_ARG(setting_arg(s, codes)));
    }
    const struct template *uri = template_compile(s, last, setting_arg(s, last));
    if (uri == NULL)
        return false;
    for (unsigned i = 1; i < codes; i++) {
        uint64_t status;
        if (!str_to_u64(setting_arg(s, i), UINT32_MAX, &status))
            return setting_error(s, i, "invalid value \"" STR_FMT "\"", STR_ARG(setting_arg(s, i)));
        if (status < 300 || status > 599)
            return setting_error(s, i, "value \"" STR_FMT "\" must be between 300 and 599",
                                 STR_ARG(setting_arg(s, i)));
        if (status == 499)
            return setting_error(s, i, "invalid value \"499\"");
        *add(s) = (struct error_page){ (unsigned)status, overwrite, uri };
    }
    return true;
}

static const struct error_page *
find(const struct core_settings *core, unsigned status)
{
    const struct error_pages *pages = core->error_pages;
    for (unsigned i = 0; pages && i < pages->n; i++)
        if (pages->v[i].status == status)
            return &pages->v[i];
    return NULL;
}

bool
error_page_wants(const struct exchange *x, unsigned status)
{
    return find((x->location ? x->location : x->server->root)->core, status) != NULL;
}

struct str
server_signature(struct exchange *x)
{
    const struct core_settings *core = (x->location ? x->location : x->server->root)->core;
    if (core->signature)
        return template_eval(core->signature, x);
    return core->server_tokens == TOKENS_OFF ? STR("usher") : STR("usher/" USHER_VERSION);
}

/* The page calls some statuses otherwise than the status line does: scripts look for these words.
 */
static struct str
title(unsigned status)
{
    return status == 302   ? STR("Found")
           : status == 401 ? STR("Authorization Required")
                           : status_reason(status);
}

/* What error_page knows by a number of its own and clients see as 400. */
static struct str
bad_request(unsigned status)
{
    return status == 494   ? STR("Request Header Or Cookie Too Large")
           : status == 495 ? STR("The SSL certificate error")
           : status == 496 ? STR("No required SSL certificate was sent")
           : status == 497 ? STR("The plain HTTP request was sent to HTTPS port")
                           : STR_NONE;
}

/* nginx's page, with usher's name. */
static enum verdict
default_page(struct exchange *x, unsigned code)
{
    struct buf b;
    struct str trouble = bad_request(code), name = server_signature(x);
    unsigned status = trouble.p ? 400 : code;
    struct str reason = title(status);
    x->response.status = status;
    fields_remove(&x->carried, HEADER_CONTENT_TYPE); /* it was the type of another answer */
    if (status < 300 || status == 304 || reason.n == 0) {
        response_set_body(x, STR_NONE, STR_NONE);
        return DONE;
    }
    buf_init(&b, &x->arena, 512, 0);
    buf_put(&b, STR("<html>\r\n<head><title>"));
    buf_u64(&b, status);
    buf_byte(&b, ' ');
    buf_put(&b, trouble.p ? trouble : reason);
    buf_put(&b, STR("</title></head>\r\n<body>\r\n<center><h1>"));
    buf_u64(&b, status);
    buf_byte(&b, ' ');
    buf_put(&b, reason);
    buf_put(&b, STR("</h1></center>\r\n"));
    if (trouble.p)
        buf_printf(&b, "<center>" STR_FMT "</center>\r\n", STR_ARG(trouble));
    buf_put(&b, STR("<hr><center>"));
    buf_put(&b, name);
    buf_put(&b, STR("</center>\r\n</body>\r\n</html>\r\n"));
    response_set_body(x, STR("text/html"), buf_str(&b));
    return DONE;
}

/* What the error itself had to say (WWW-Authenticate of a 401, Location of a redirect) stays with
 * the page that takes its place. */
static void
carry_fields(struct exchange *x)
{
    const struct fields *from = &x->response.fields;
    if (from->n && x->carried.arena == NULL)
        fields_init(&x->carried, &x->arena);
    for (unsigned i = 0; i < from->n; i++)
        fields_push(&x->carried, from->v[i].name, from->v[i].value, from->v[i].id);
}

/* The page's URI: "/…" or "@name" inside, anything else is a redirect (302 unless "=code" says
 * otherwise). */
static enum verdict
follow(struct exchange *x, const struct error_page *page, unsigned status)
{
    x->error_status = status;
    if (page->overwrite >= 0)
        x->error_status = (unsigned)page->overwrite;
    x->error_keeps_status = page->overwrite != 0;
    struct str uri = template_eval(page->uri, x); /* it may say $status */
    if (uri.n && uri.p[0] == '@')
        return internal_redirect(x, uri, STR_NONE);
    if (uri.n && uri.p[0] == '/') {
        if (x->request.method != METHOD_HEAD) {
            x->request.method = METHOD_GET;
            x->request.method_name = STR("GET");
        }
        ptrdiff_t query = str_find(uri, '?');
        struct str args = template_is_plain(page->uri) ? STR_NONE : STR("");
        if (query >= 0) {
            args = str_skip(uri, (size_t)query + 1);
            uri = str_head(uri, (size_t)query);
        }
        return internal_redirect(x, uri, args);
    }
    unsigned code = x->error_status;
    bool is_redirect = code == 301 || code == 302 || code == 303 || code == 307 || code == 308;
    x->error_status = 0;
    return redirect(x, is_redirect ? code : 302, uri);
}

/* After these nginx does not trust the connection any more. */
static bool
ends_connection(unsigned status)
{
    return status == 400 || status == 413 || status == 414 || status == 500 || status == 501 ||
           (bad_request(status).p && status != 494);
}

enum verdict
error_page_answer(struct exchange *x, unsigned status)
{
    const struct core_settings *core = (x->location ? x->location : x->server->root)->core;
    const struct error_page *page = find(core, status);
    if (ends_connection(status))
        x->keep_alive = false;
    if (page == NULL || x->error_handled || x->redirects > 10 || status == 499) {
        x->error_keeps_status = false;
        return default_page(x, status);
    }
    x->error_handled = !core->recursive_error_pages;
    carry_fields(x);
    return follow(x, page, bad_request(status).p ? 400 : status);
}
