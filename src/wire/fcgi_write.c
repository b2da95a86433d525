/* Writing a request. A parameter is kept whole within a record where it can be: PHP reads each
 * PARAMS record by itself. */
#include "base/must.h"
#include "wire/fcgi.h"

enum { BEGIN_REQUEST = 1, PARAMS = 4, STDIN = 5 };

static void
fill_header(char *out, int type, size_t n)
{
    const unsigned char header[FCGI_HEADER_SIZE] = {
        1, (unsigned char)type, 0, 1, (unsigned char)(n >> 8), (unsigned char)n, 0, 0
    };
    memcpy(out, header, sizeof header);
}

void
fcgi_stdin_header(char out[FCGI_HEADER_SIZE], size_t n)
{
    must(n <= FCGI_CONTENT_MAX);
    fill_header(out, STDIN, n);
}

static void
put_header(struct buf *b, int type, size_t n)
{
    char header[FCGI_HEADER_SIZE];
    fill_header(header, type, n);
    buf_put(b, (struct str){ header, sizeof header });
}

static void
open_record(struct fcgi_writer *w)
{
    w->record = w->b->n;
    put_header(w->b, PARAMS, 0);
}

static size_t
size_of(const struct fcgi_writer *w)
{
    return w->b->n - w->record - FCGI_HEADER_SIZE;
}

static void
close_record(struct fcgi_writer *w)
{
    if (size_of(w))
        fill_header(w->b->p + w->record, PARAMS, size_of(w));
    else
        w->b->n = w->record;
}

void
fcgi_write_begin(struct fcgi_writer *w, struct buf *b, bool keep_conn)
{
    const char begin[FCGI_HEADER_SIZE] = { 0, 1 /* responder */, (char)keep_conn };
    w->b = b;
    put_header(b, BEGIN_REQUEST, sizeof begin);
    buf_put(b, (struct str){ begin, sizeof begin });
    open_record(w);
}

/* One byte, or four with the highest bit set. Returns how many. */
static size_t
encode_length(size_t n, unsigned char out[4])
{
    must(n < 0x80000000);
    out[0] = (unsigned char)n;
    if (n < 128)
        return 1;
    out[0] = (unsigned char)(n >> 24 | 0x80);
    out[1] = (unsigned char)(n >> 16);
    out[2] = (unsigned char)(n >> 8);
    out[3] = (unsigned char)n;
    return 4;
}

/* Goes on in another record when this one is full. */
static void
put_divided(struct fcgi_writer *w, struct str s)
{
    while (s.n) {
        if (size_of(w) == FCGI_CONTENT_MAX) {
            close_record(w);
            open_record(w);
        }
        struct str piece = str_head(s, FCGI_CONTENT_MAX - size_of(w));
        buf_put(w->b, piece);
        s = str_skip(s, piece.n);
    }
}

void
fcgi_write_param(struct fcgi_writer *w, struct str name, struct str value)
{
    unsigned char lengths[8];
    size_t n = encode_length(name.n, lengths);
    n += encode_length(value.n, lengths + n);
    if (size_of(w) && size_of(w) + n + name.n + value.n > FCGI_CONTENT_MAX) {
        close_record(w);
        open_record(w);
    }
    put_divided(w, (struct str){ (const char *)lengths, n });
    put_divided(w, name);
    put_divided(w, value);
}

void
fcgi_write_params_end(struct fcgi_writer *w)
{
    close_record(w);
    put_header(w->b, PARAMS, 0);
}
