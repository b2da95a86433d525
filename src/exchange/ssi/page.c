/* The queue between commands and what is sent. */
#include "exchange/ssi/page.h"

#include "exchange/subrequest/subrequest.h"

#include <errno.h>

enum { GATHERED = 4096, SMALL = 1024 };

struct ssi_item *
ssi_put(struct ssi_page *p)
{
    return &p->queue[(p->first + p->n++) % SSI_QUEUE];
}

void
ssi_put_text(struct ssi_page *p, struct str text)
{
    if (text.n)
        *ssi_put(p) = (struct ssi_item){ .text = text };
}

static struct ssi_item *
front(struct ssi_page *p)
{
    return &p->queue[p->first];
}

static void
pop(struct ssi_page *p)
{
    ssi_item_close(front(p));
    p->first = (p->first + 1) % SSI_QUEUE;
    if (--p->n == 0)
        p->hold = false;
}

static void
take_text(struct ssi_page *p, struct str text)
{
    if (p->in_block)
        buf_put(&p->block, text);
    else if (!p->skips)
        ssi_put_text(p, text);
}

/* The arenas give nothing back before the request ends. */
static bool
is_spent(struct ssi_page *p)
{
    p->spent =
        p->x->arena.used > SSI_MEMORY_MAX || exchange_root(p->x)->arena.used > SSI_MEMORY_MAX;
    return p->spent;
}

/* A command may give one item, and an error one more. */
static void
parse(struct ssi_page *p)
{
    struct str text;
    while (p->in.n && p->n < SSI_QUEUE - 1 && !p->hold)
        switch (is_spent(p) ? SSI_MORE : ssi_next(&p->parser, &p->in, &text)) {
        case SSI_MORE:
            return;
        case SSI_TEXT:
            take_text(p, text);
            break;
        case SSI_COMMAND:
            ssi_run(p);
            break;
        case SSI_BAD:
            exchange_log(p->x, LEVEL_ERROR, 0, "%s", p->parser.error);
            if (!p->skips && !p->in_block)
                ssi_put_error(p);
            break;
        }
}

static bool
is_small_text(const struct ssi_page *p)
{
    const struct ssi_item *item = &p->queue[p->first];
    return p->n && item->child == NULL && item->text.n <= SMALL;
}

/* Many small texts would be as many writes. */
static void
gather(struct ssi_page *p, struct chunk *out)
{
    struct str text = front(p)->text;
    pop(p);
    out->bytes = text;
    if (!is_small_text(p) || text.n > SMALL)
        return;
    if (p->gathered == NULL)
        p->gathered = arena_text(&p->x->arena, GATHERED);
    memcpy(p->gathered, text.p, text.n);
    out->bytes.p = p->gathered;
    while (is_small_text(p) && out->bytes.n + front(p)->text.n <= GATHERED) {
        text = front(p)->text;
        memcpy(p->gathered + out->bytes.n, text.p, text.n);
        out->bytes.n += text.n;
        pop(p);
    }
}

static int
read_more(struct ssi_page *p)
{
    struct chunk chunk;
    int r = body_next(p->inner, &chunk);
    p->ended = r <= 0;
    p->in = r > 0 ? chunk.bytes : STR_NONE;
    if (r == 0 && ssi_is_wrong(&p->parser))
        exchange_log(p->x, LEVEL_ERROR, 0, "%s", p->parser.error);
    return r;
}

static int
next(struct body *b, struct chunk *out)
{
    struct ssi_page *p = (struct ssi_page *)b;
    p->x->doing = "sending response to client";
    for (int r = 0;;) {
        if (p->n && front(p)->child == NULL) {
            gather(p, out);
            return 1;
        }
        if (p->n) {
            r = ssi_item_next(p, front(p), out);
            out->last = false;
            if (r != 0)
                return r;
            pop(p);
        } else if (p->spent) {
            fail(p->x, FAULT_INTERNAL, "SSI commands take too much memory");
            return -EIO;
        } else if (p->in.n) {
            parse(p);
        } else if (p->ended || (r = read_more(p)) < 0) {
            return r < 0 ? r : 0;
        }
    }
}

static bool
ready(struct body *b)
{
    const struct ssi_page *p = (const struct ssi_page *)b;
    const struct ssi_item *item = &p->queue[p->first];
    if (p->n)
        return item->child == NULL || (item->body && body_ready(item->body));
    return p->in.n == 0 && !p->ended && body_ready(p->inner);
}

static void
close_all(struct body *b)
{
    struct ssi_page *p = (struct ssi_page *)b;
    while (p->n)
        pop(p);
    body_close(p->inner);
    p->inner = NULL;
}

struct body *
ssi_body(struct exchange *x, struct body *inner, const struct ssi_settings *my)
{
    static const struct body_ops ops = { .next = next, .ready = ready, .close = close_all };
    struct ssi_page *p = arena_new(&x->arena, struct ssi_page);
    *p = (struct ssi_page){ { &ops }, x, my, inner };
    ssi_init(&p->parser, &x->arena, my->value_length);
    ssi_of(x)->settings = my;
    return &p->body;
}
