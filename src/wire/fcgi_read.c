/* Reading records. What a record may be is judged by its header alone, before its content. */
#include "base/must.h"
#include "wire/fcgi.h"

enum { VERSION = 1, END_REQUEST = 3, STDOUT = 6, STDERR = 7, REQUEST_ID = 1 };

void
fcgi_reader_init(struct fcgi_reader *r)
{
    *r = (struct fcgi_reader){ .have = 0 };
}

static enum fcgi_event
refuse(struct fcgi_reader *r, const char *why, unsigned number)
{
    r->why = why;
    r->number = number;
    return FCGI_BAD;
}

/* At most n bytes. in may be the absent string: nothing of it is touched then. */
static struct str
take(struct str *in, size_t n)
{
    struct str taken = str_head(*in, n);
    if (taken.n)
        *in = str_skip(*in, taken.n);
    return taken;
}

/* Gathers eight bytes in r->header. */
static bool
gather(struct fcgi_reader *r, struct str *in)
{
    struct str some = take(in, FCGI_HEADER_SIZE - r->have);
    if (some.n)
        memcpy(r->header + r->have, some.p, some.n);
    r->have += (unsigned)some.n;
    return r->have == FCGI_HEADER_SIZE;
}

static enum fcgi_event
judge_header(struct fcgi_reader *r)
{
    unsigned type = r->header[1], id = r->header[2] * 256U + r->header[3];
    unsigned length = r->header[4] * 256U + r->header[5];
    if (r->header[0] != VERSION)
        return refuse(r, "upstream sent unsupported FastCGI protocol version", r->header[0]);
    if (type != STDOUT && type != STDERR && type != END_REQUEST)
        return refuse(r, "upstream sent invalid FastCGI record type", type);
    if (id != REQUEST_ID)
        return refuse(r, "upstream sent unexpected FastCGI request id", id);
    if (type == END_REQUEST && length != FCGI_HEADER_SIZE)
        return refuse(r, "upstream sent FastCGI END_REQUEST of invalid length", length);
    if (type == STDOUT && r->stdout_ended)
        return refuse(r, "upstream sent FastCGI stdout after its end, bytes", length);
    return FCGI_MORE;
}

static enum fcgi_event
begin_record(struct fcgi_reader *r)
{
    if (judge_header(r) == FCGI_BAD)
        return FCGI_BAD;
    r->type = r->header[1];
    r->left = r->header[4] * 256U + r->header[5];
    r->padding = r->header[6];
    r->have = 0;
    if (r->type != STDOUT || r->left > 0)
        return FCGI_MORE;
    r->stdout_ended = true;
    return FCGI_STDOUT_END;
}

static enum fcgi_event
take_data(struct fcgi_reader *r, struct str *in, struct str *data)
{
    *data = take(in, r->left);
    r->left -= (unsigned)data->n;
    return r->type == STDOUT ? FCGI_STDOUT : FCGI_STDERR;
}

static enum fcgi_event
take_end(struct fcgi_reader *r, struct str *in)
{
    enum { PROTOCOL_STATUS = 4 };
    if (!gather(r, in))
        return FCGI_MORE;
    r->left = r->have = 0;
    r->stdout_ended = true;
    if (r->header[PROTOCOL_STATUS] != 0)
        return refuse(r, "upstream refused FastCGI request, protocol status",
                      r->header[PROTOCOL_STATUS]);
    return FCGI_MORE;
}

/* True when nothing is left of the present record. An END_REQUEST's padding is the end's: the
 * connection is at rest after it. */
static bool
skip_padding(struct fcgi_reader *r, struct str *in)
{
    r->padding -= (unsigned)take(in, r->padding).n;
    return r->padding == 0;
}

enum fcgi_event
fcgi_next(struct fcgi_reader *r, struct str *in, struct str *data)
{
    enum fcgi_event event;
    *data = STR_NONE;
    for (;;) {
        if (r->type == 0) {
            if (!gather(r, in))
                return FCGI_MORE;
            if ((event = begin_record(r)) != FCGI_MORE)
                return event;
        }
        if (r->left && r->type != END_REQUEST)
            return in->n ? take_data(r, in, data) : FCGI_MORE;
        if (r->left && ((event = take_end(r, in)) == FCGI_BAD || r->left))
            return event;
        if (!skip_padding(r, in))
            return FCGI_MORE;
        bool ended = r->type == END_REQUEST;
        r->type = 0;
        if (ended)
            return FCGI_END;
    }
}

void
fcgi_give_back(struct fcgi_reader *r, unsigned n)
{
    must(r->type == STDOUT && r->left + n <= FCGI_CONTENT_MAX);
    r->left += n;
}

bool
fcgi_record_is_over(const struct fcgi_reader *r)
{
    return r->left == 0;
}
