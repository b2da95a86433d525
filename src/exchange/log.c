/* How an exchange ends badly, and what the error log says about it. */
#include "exchange/log.h"

#include "exchange/settings.h"
#include "exchange/snapshot.h"
#include "exchange/trail.h"
#include "observe/log.h"

const struct error_log *
exchange_error_log(const struct exchange *x)
{
    if (x->location && x->location->core && x->location->core->error_log)
        return x->location->core->error_log;
    if (x->server && x->server->root && x->server->root->core && x->server->root->core->error_log)
        return x->server->root->core->error_log;
    if (x->snapshot && x->snapshot->error_log)
        return x->snapshot->error_log;
    return error_log_global();
}

bool
exchange_log_wants(const struct exchange *x, enum log_level level)
{
    return log_wants(exchange_error_log(x), level);
}

static void
put_clean(struct buf *b, struct str s)
{
    size_t from = b->n;
    buf_put(b, s);
    for (size_t i = from; i < b->n; i++)
        if ((unsigned char)b->p[i] < 0x20 || b->p[i] == 0x7f)
            b->p[i] = '?';
}

static void
put_part(struct buf *b, const char *label, struct str value, bool quoted)
{
    buf_put(b, str_of(label));
    put_clean(b, value);
    if (quoted)
        buf_byte(b, '"');
}

static void
put_upstream(struct buf *b, const struct upstream_trail *t)
{
    if (t == NULL || t->last == NULL)
        return;
    buf_put(b, STR(", upstream: \""));
    put_clean(b, t->scheme);
    put_clean(b, t->last->peer);
    if (str_starts(t->last->peer, STR("unix:")))
        buf_byte(b, ':');
    put_clean(b, t->uri);
    buf_byte(b, '"');
}

static void
put_field(struct buf *b, const struct exchange *x, enum header id, const char *label)
{
    struct str value = fields_value(&x->request.fields, id);
    if (value.p)
        put_part(b, label, value, true);
}

void
exchange_describe(const struct exchange *x, struct buf *b)
{
    if (x->doing)
        put_part(b, " while ", str_of(x->doing), false);
    if (x->client)
        put_part(b, ", client: ", x->client->peer_text, false);
    if (x->server)
        put_part(b, ", server: ", x->server->name, false);
    if (x->request.line.n)
        put_part(b, ", request: \"", x->request.line, true);
    put_upstream(b, x->trail);
    put_field(b, x, HEADER_HOST, ", host: \"");
    put_field(b, x, HEADER_REFERER, ", referrer: \"");
}

static void
put_errno(struct buf *b, int error)
{
    const char *text = strerrordesc_np(error);
    buf_put(b, STR(" ("));
    buf_u64(b, (uint64_t)error);
    put_part(b, ": ", str_of(text ? text : "Unknown error"), false);
    buf_byte(b, ')');
}

__attribute__((format(printf, 5, 0))) static void
log_line(struct exchange *x, enum log_level level, int error, const char *otherwise,
         const char *format, va_list args)
{
    const struct error_log *log = exchange_error_log(x);
    struct buf b;
    if (!log_wants(log, level))
        return;
    struct str words = arena_vprintf(&x->arena, format, args);
    buf_init(&b, &x->arena, 512, 0);
    put_clean(&b, words.n ? words : str_of(otherwise));
    if (error)
        put_errno(&b, error < 0 ? -error : error);
    exchange_describe(x, &b);
    log_write(log, level, x->client ? x->client->serial : 0, STR_FMT, STR_ARG(buf_str(&b)));
}

void
exchange_log(struct exchange *x, enum log_level level, int error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    log_line(x, level, error, NULL, format, args);
    va_end(args);
}

__attribute__((format(printf, 4, 0))) static enum verdict
end_badly(struct exchange *x, enum fault fault, int error, const char *format, va_list args)
{
    const struct fault_row *row = fault_row(fault);
    x->fault = fault;
    x->response.status = row->status;
    log_line(x, row->level, error, row->sentence, format, args);
    return FAILED;
}

enum verdict
fail(struct exchange *x, enum fault fault, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    enum verdict verdict = end_badly(x, fault, 0, format, args);
    va_end(args);
    return verdict;
}

enum verdict
fail_errno(struct exchange *x, enum fault fault, int error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    enum verdict verdict = end_badly(x, fault, error, format, args);
    va_end(args);
    return verdict;
}

enum verdict
status_only(struct exchange *x, unsigned status)
{
    x->fault = FAULT_NONE;
    x->response.status = status;
    return FAILED;
}
