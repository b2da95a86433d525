/* How an exchange ends badly, and what the error log says about it. */
#include "exchange/log.h"

#include "exchange/settings.h"
#include "exchange/snapshot.h"
#include "exchange/trace.h"
#include "exchange/upstream_trail.h"
#include "observe/log.h"

const struct error_log *
exchange_error_log(const struct exchange *x)
{
    const struct location *l = x->location;
    if (l == NULL && x->server)
        l = x->server->root;
    if (l && l->error_log)
        return l->error_log;
    if (x->snapshot && x->snapshot->error_log)
        return x->snapshot->error_log;
    return error_log_global();
}

bool
exchange_log_wants(const struct exchange *x, enum log_level level)
{
    if (x->trace)
        return level <= LEVEL_INFO;
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
    buf_put(b, STR("://"));
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
    if (x->client)
        put_part(b, ", client: ", exchange_peer_text(x), false);
    if (x->server)
        put_part(b, ", server: ", x->server->name, false);
    if (x->request.line.n)
        put_part(b, ", request: \"", x->request.line, true);
    if (x->is_subrequest)
        put_part(b, ", subrequest: \"", x->uri, true);
    put_upstream(b, x->trail);
    put_field(b, x, HEADER_HOST, ", host: \"");
    put_field(b, x, HEADER_REFERER, ", referrer: \"");
}

static void
put_errno(struct buf *b, int error)
{
    if (error == 0)
        return;
    error = error < 0 ? -error : error;
    const char *text = strerrordesc_np(error);
    buf_put(b, STR(" ("));
    buf_u64(b, (uint64_t)error);
    put_part(b, ": ", str_of(text ? text : "Unknown error"), false);
    buf_byte(b, ')');
}

/* The errno stands before " while …", which is x->doing's when the words have none. */
static void
log_words(struct exchange *x, struct arena *a, enum log_level level, int error, struct str words)
{
    struct buf b;
    ptrdiff_t at = str_find_str(words, STR(" while "));
    size_t n = at < 0 ? words.n : (size_t)at;
    buf_init(&b, a, 512, 0);
    put_clean(&b, str_head(words, n));
    put_errno(&b, error);
    put_clean(&b, str_skip(words, n));
    if (x->doing && at < 0)
        put_part(&b, " while ", str_of(x->doing), false);
    if (x->trace) {
        trace_say(x, "logs", NULL, "[%s] " STR_FMT, log_level_name(level), STR_ARG(buf_str(&b)));
        return;
    }
    exchange_describe(x, &b);
    log_write(exchange_error_log(x), level, x->client ? x->client->serial : 0, STR_FMT,
              STR_ARG(buf_str(&b)));
}

void
exchange_log(struct exchange *x, enum log_level level, int error, const char *format, ...)
{
    struct arena line; /* an exchange may have many to say */
    va_list args;
    if (!exchange_log_wants(x, level))
        return;
    arena_init(&line, 0);
    va_start(args, format);
    log_words(x, &line, level, error, arena_vprintf(&line, format, args));
    va_end(args);
    arena_fini(&line);
}

/* Particulars that are a sentence of their own: a system call's failure, somebody who did
 * something, and those of faults whose row says no more than the status does. */
static bool
is_whole(enum fault fault, struct str particulars)
{
    bool vague = fault == FAULT_INTERNAL || fault == FAULT_NOT_FOUND || fault == FAULT_FORBIDDEN;
    return (vague && particulars.n) || str_starts(particulars, STR("client ")) ||
           str_starts(particulars, STR("upstream ")) || str_find_str(particulars, STR("() ")) >= 0;
}

static struct str
words_of(struct arena *a, enum fault fault, struct str particulars)
{
    struct str sentence = str_of(fault_row(fault)->sentence);
    bool clause = str_starts(particulars, STR("while "));
    ptrdiff_t at = clause ? str_find_str(sentence, STR(" while ")) : -1;
    if (is_whole(fault, particulars))
        return particulars;
    if (particulars.n == 0)
        return sentence;
    if (at >= 0)
        sentence.n = (size_t)at;
    bool follows = clause || particulars.p[0] == '"';
    return arena_join(a, arena_join(a, sentence, follows ? STR(" ") : STR(": ")), particulars);
}

__attribute__((format(printf, 4, 0))) static void
log_fault(struct exchange *x, enum fault fault, int error, const char *format, va_list args)
{
    enum log_level level = fault_row(fault)->level;
    struct arena line;
    if (!exchange_log_wants(x, level))
        return;
    arena_init(&line, 0);
    log_words(x, &line, level, error, words_of(&line, fault, arena_vprintf(&line, format, args)));
    arena_fini(&line);
}

void
note_fault(struct exchange *x, enum fault fault, int error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    log_fault(x, fault, error, format, args);
    va_end(args);
}

__attribute__((format(printf, 4, 0))) static enum verdict
end_badly(struct exchange *x, enum fault fault, int error, const char *format, va_list args)
{
    x->fault = fault;
    if (!x->head_sent) /* else it stays what the client was told */
        x->response.status = fault_row(fault)->status;
    log_fault(x, fault, error, format, args);
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
