/* A body that is made of another's bytes as they pass: one buffer of output for each piece of
 * input, and none where the input can go on as it is. */
#include "exchange/body/filter.h"
#include "net/buffer.h"

static void
drop_buffer(struct body_rewrite *w)
{
    buffer_put(w->buffer);
    w->buffer = NULL;
    w->n = 0;
    w->view = STR_NONE;
}

static struct buffer *
take_buffer(const struct body_rewrite *w)
{
    if (w->shares && w->reserve <= BUFFER_SMALL)
        return buffer_take_small();
    return buffer_take(w->reserve > BUFFER_SIZE ? w->reserve : BUFFER_SIZE);
}

char *
body_rewrite_room(struct body_rewrite *w, size_t *n)
{
    if (w->buffer == NULL)
        w->buffer = take_buffer(w);
    *n = w->buffer->cap - w->n;
    return w->buffer->data + w->n;
}

void
body_rewrite_wrote(struct body_rewrite *w, size_t n)
{
    w->n += n;
}

void
body_rewrite_put(struct body_rewrite *w, struct str bytes)
{
    if (bytes.n == 0)
        return;
    size_t room;
    char *to = body_rewrite_room(w, &room);
    struct str now = str_head(bytes, room);
    memcpy(to, now.p, now.n);
    w->n += now.n;
    w->rest = str_skip(bytes, now.n);
}

void
body_rewrite_pass(struct body_rewrite *w, struct str bytes)
{
    if (w->n)
        body_rewrite_put(w, bytes);
    else
        w->view = bytes;
}

static int
pull(struct body_rewrite *w)
{
    struct chunk chunk;
    int r = w->last ? 0 : body_next(w->inner, &chunk);
    if (r > 0)
        w->in = chunk.bytes;
    w->last = r == 0 || (r > 0 && chunk.last);
    return r;
}

static bool
has_work(const struct body_rewrite *w)
{
    return !w->done && (w->in.n || w->last);
}

static bool
is_full(const struct body_rewrite *w)
{
    return w->view.n || (w->n && w->buffer->cap - w->n < w->reserve + 1);
}

/* What is there goes out before anything waits. */
static int
fill(struct body_rewrite *w)
{
    int r = 0;
    while (r >= 0 && !is_full(w)) {
        if (w->rest.n) {
            struct str rest = w->rest;
            w->rest = STR_NONE;
            body_rewrite_put(w, rest);
        } else if (has_work(w)) {
            r = w->work(w);
        } else if (w->n || w->done) {
            break;
        } else {
            r = pull(w);
        }
    }
    return r < 0 ? r : 0;
}

static int
next(struct body *b, struct chunk *out)
{
    struct body_rewrite *w = (struct body_rewrite *)b;
    drop_buffer(w);
    int r = fill(w);
    if (r < 0)
        return r;
    out->bytes = w->view.n ? w->view : (struct str){ w->buffer ? w->buffer->data : NULL, w->n };
    out->last = w->done && w->rest.n == 0;
    return out->bytes.n > 0;
}

static bool
is_ready(struct body *b)
{
    struct body_rewrite *w = (struct body_rewrite *)b;
    return w->rest.n || has_work(w) || w->done || body_ready(w->inner);
}

static void
close_all(struct body *b)
{
    struct body_rewrite *w = (struct body_rewrite *)b;
    drop_buffer(w);
    if (w->close)
        w->close(w);
    w->close = NULL;
    body_close(w->inner);
}

void
body_rewrite_begin(struct body_rewrite *w, struct exchange *x)
{
    static const struct body_ops ops = { .next = next, .ready = is_ready, .close = close_all };
    w->body.ops = &ops;
    w->shares = x->codec->shares;
    if (x->response.body == NULL)
        return;
    w->inner = body_in_memory(&x->arena, x->response.body);
    x->response.body = &w->body;
}
