/* What a sub-request has from its parent, and how it ends. */
#include "exchange/subrequest/make.h"

#include "exchange/hosts/location.h"
#include "exchange/run.h"
#include "exchange/snapshot.h"
#include "exchange/subrequest/subrequest.h"

#include <errno.h>
#include <fcntl.h>

/* --- a codec for what no client hears of --- */

static int
refuse(struct exchange *x)
{
    return -EPIPE;
}

static int
refuse_chunk(struct exchange *x, struct chunk *chunk)
{
    return -EPIPE;
}

static int
drop_interim(struct exchange *x, unsigned status, const struct fields *fields)
{
    return 0;
}

static const struct server_codec no_codec = {
    .name = "sub-request",
    .read_body = refuse_chunk,
    .write_interim = drop_interim,
    .write_head = refuse,
    .write_body = refuse_chunk,
    .write_end = refuse,
    .flush = refuse,
};

/* --- what it has from its parent --- */

static void
take_request(struct exchange *x, const struct exchange *parent, unsigned flags)
{
    struct request_head *r = &x->request;
    const struct fields *from = &parent->request.fields;
    *r = parent->request;
    fields_init(&r->fields, &x->arena);
    for (unsigned i = 0; i < from->n; i++)
        fields_push(&r->fields, from->v[i].name, from->v[i].value, from->v[i].id);
    r->expect_continue = r->upgrade = false;
    if (!(flags & SUBREQUEST_METHOD)) {
        r->method = METHOD_GET;
        r->method_name = STR("GET");
    }
}

static void
take_body(struct exchange *x, const struct exchange *parent, unsigned flags)
{
    if (!(flags & SUBREQUEST_BODY) || !parent->body_kept) {
        x->request.content_length = 0;
        if (x->request.framing != FRAMING_LENGTH)
            x->request.framing = FRAMING_NONE; /* a length that was said is said to be 0 */
        return;
    }
    x->body_kept = true;
    x->buffered_body = parent->buffered_body;
    x->body_file_size = parent->body_file_size;
    if (parent->body_path.p)
        x->body_path = arena_dup(&x->arena, parent->body_path);
    if (parent->body_file >= 0)
        x->body_file = fcntl(parent->body_file, F_DUPFD_CLOEXEC, 0);
}

struct str *
subrequest_copy_values(struct exchange *x)
{
    size_t n = x->snapshot->variables.n_indexed;
    struct str *copy = arena_array(&x->arena, struct str, n);
    if (x->parent->values)
        memcpy(copy, x->parent->values, n * sizeof *copy);
    return copy;
}

struct exchange *
subrequest_make(struct exchange *parent, struct str uri, struct str args, unsigned flags)
{
    struct exchange *x = exchange_open_in(parent->snapshot, parent->client, &no_codec, NULL);
    x->parent = parent;
    x->depth = (unsigned short)(parent->depth + 1);
    x->is_subrequest = x->internal = true;
    x->server = parent->server;
    x->host = parent->host;
    x->real_peer = parent->real_peer;
    x->real_peer_text = parent->real_peer_text;
    x->uri = uri;
    x->args = args;
    x->values = subrequest_copy_values(x);
    take_request(x, parent, flags);
    take_body(x, parent, flags);
    return x;
}

/* A backend's connection can serve again when what it said was read: as far as that is here. */
static void
drop_body(struct exchange *x)
{
    enum { LITTLE = 64 * 1024 };
    struct body *b = x->response.body;
    struct chunk chunk;
    size_t dropped = 0;
    while (b && dropped < LITTLE && body_ready(b) && body_next(b, &chunk) > 0)
        dropped += chunk_size(&chunk);
    body_close(b);
    x->response.body = NULL;
}

void
subrequest_end(struct exchange *x)
{
    const struct location *l = x->location ? x->location : x->server->root;
    drop_body(x);
    if (l->core->log_subrequest && x->trace == NULL)
        exchange_report(x);
}
