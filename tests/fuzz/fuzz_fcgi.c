/* A FastCGI answer read whole and in pieces must be the same; the CGI head in its stdout, once
 * taken, must be one that HTTP/1 takes too. The first byte is the size of the pieces. */
#include "target.h"
#include "wire/cgi.h"
#include "wire/fcgi.h"

struct reading {
    struct arena arena;
    struct buf out, err;
    enum fcgi_event event;
};

static void
read_answer(struct reading *r, struct str text, size_t step)
{
    struct fcgi_reader reader;
    struct str data;
    *r = (struct reading){ .event = FCGI_MORE };
    arena_init(&r->arena, 0);
    buf_init(&r->out, &r->arena, 0, 0);
    buf_init(&r->err, &r->arena, 0, 0);
    fcgi_reader_init(&reader);
    for (struct str in = str_head(text, step); text.n; in = str_head(text, step)) {
        text = str_skip(text, in.n);
        while ((r->event = fcgi_next(&reader, &in, &data)) != FCGI_MORE) {
            must(r->event != FCGI_BAD || reader.why != NULL);
            if (r->event == FCGI_BAD || r->event == FCGI_END)
                return;
            must(data.n > 0 || r->event == FCGI_STDOUT_END);
            buf_put(r->event == FCGI_STDERR ? &r->err : &r->out, data);
        }
        must(in.n == 0);
    }
}

static void
check_with_http(const struct response_head *head, struct arena *a)
{
    const struct h1_limits limits = { .line = 1 << 20, .fields = 64, .underscores = true };
    struct response_head again;
    const char *why;
    struct buf b;
    buf_init(&b, a, 0, 0);
    h1_write_status_line(&b, head->status, head->reason);
    for (unsigned i = 0; i < head->fields.n; i++)
        if (head->fields.v[i].id != HEADER_TRANSFER_ENCODING)
            h1_write_field(&b, head->fields.v[i].name, head->fields.v[i].value);
    buf_put(&b, STR("\r\n"));
    fields_init(&again.fields, a);
    must(h1_parse_response(buf_str(&b), &limits, METHOD_GET, &again, &why) == H1_DONE);
    must(again.status == head->status && again.content_length == head->content_length);
}

static void
check_head(struct reading *r)
{
    struct response_head head, other;
    const char *why;
    struct str out = buf_str(&r->out);
    size_t scanned = 0, size;
    fields_init(&head.fields, &r->arena);
    fields_init(&other.fields, &r->arena);
    if (out.n == 0 || cgi_find_head_end(out, &scanned, &size) != H1_DONE)
        return;
    must(size <= out.n && scanned == size);
    if (cgi_parse_head(str_head(out, size), 64, METHOD_GET, &head, &why) == H1_DONE)
        check_with_http(&head, &r->arena);
    if (cgi_parse_head_with_line(str_head(out, size), 64, METHOD_GET, &other, &why) == H1_DONE)
        check_with_http(&other, &r->arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reading whole, pieces;
    if (size < 2)
        return 0;
    struct str text = { (const char *)data + 1, size - 1 };
    read_answer(&whole, text, text.n);
    read_answer(&pieces, text, data[0] ? data[0] : 1);
    must(whole.event == pieces.event);
    must(str_eq(buf_str(&whole.out), buf_str(&pieces.out)));
    must(str_eq(buf_str(&whole.err), buf_str(&pieces.err)));
    check_head(&whole);
    arena_fini(&whole.arena);
    arena_fini(&pieces.arena);
    return 0;
}
