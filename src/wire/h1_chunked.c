/* Chunked bodies (RFC 9112 7.1), byte for byte as the grammar has it: no bare line feeds, no blanks
 * where none belong, no sizes that overflow. Extensions are passed over, within a bound. */
#include "wire/h1_parse.h"

enum state {
    SIZE,         /* in the digits */
    SIZE_BLANK,   /* blanks after them: an extension must follow (RFC 9112 7.1.1) */
    EXTENSION,    /* until CR */
    SIZE_LF,      /* after the size line's CR */
    DATA,         /* `left` bytes */
    DATA_CR,      /* after the chunk's data */
    DATA_LF,      /* and its CR */
    TRAILER,      /* first byte of a trailer line, or of the end */
    TRAILER_NAME, /* until the colon */
    TRAILER_TEXT, /* until CR */
    TRAILER_LF,   /* after it */
    END_LF,       /* after the CR of the empty line */
    DONE,
};

/* A size line may be this long, a trailer section that. */
enum { SIZE_LINE_MAX = 4096, TRAILERS_MAX = 16384, TRAILERS_COUNT_MAX = 100, DIGITS_MAX = 16 };

void
h1_chunked_init(struct h1_chunked *c, struct fields *trailers)
{
    *c = (struct h1_chunked){ .state = SIZE, .trailers = trailers };
}

static int
hex_value(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte = byte_lower(byte);
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static bool
is_text(char byte)
{
    return (unsigned char)byte >= 0x20 ? byte != 0x7f : byte == '\t';
}

static bool
is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

static bool
take_digit(struct h1_chunked *c, int value)
{
    if (++c->digits > DIGITS_MAX || c->left > (uint64_t)INT64_MAX >> 4)
        return false;
    c->left = c->left << 4 | (uint64_t)value;
    return true;
}

/* The bytes of a size line after the first digit, or before it. */
static bool
step_size(struct h1_chunked *c, char byte)
{
    int value = hex_value(byte);
    if (c->state == SIZE && value >= 0)
        return take_digit(c, value);
    if (c->digits == 0)
        return false;
    if (byte == ';')
        c->state = EXTENSION;
    else if (is_blank(byte))
        c->state = SIZE_BLANK;
    else if (byte == '\r' && c->state == SIZE)
        c->state = SIZE_LF;
    else
        return false;
    return true;
}

static bool
step_extension(struct h1_chunked *c, char byte)
{
    if (byte == '\r')
        c->state = SIZE_LF;
    return byte == '\r' || is_text(byte);
}

static bool
end_size_line(struct h1_chunked *c, char byte)
{
    c->state = c->left ? DATA : TRAILER;
    c->digits = 0;
    c->overhead = 0;
    return byte == '\n';
}

static void
gather(struct h1_chunked *c, char byte)
{
    if (c->trailers == NULL)
        return;
    if (c->line.arena == NULL)
        buf_init(&c->line, c->trailers->arena, 0, TRAILERS_MAX);
    buf_byte(&c->line, byte);
}

/* RFC 9110 6.5.1: fields that frame, route, authenticate or describe how to read the body cannot
 * come after it. They are dropped. */
static bool
may_trail(enum header id)
{
    switch ((unsigned)id) {
    case HEADER_AUTHORIZATION:
    case HEADER_CACHE_CONTROL:
    case HEADER_CONNECTION:
    case HEADER_CONTENT_ENCODING:
    case HEADER_CONTENT_LENGTH:
    case HEADER_CONTENT_RANGE:
    case HEADER_CONTENT_TYPE:
    case HEADER_COOKIE:
    case HEADER_EXPECT:
    case HEADER_HOST:
    case HEADER_KEEP_ALIVE:
    case HEADER_PROXY_AUTHENTICATE:
    case HEADER_PROXY_AUTHORIZATION:
    case HEADER_PROXY_CONNECTION:
    case HEADER_RANGE:
    case HEADER_SET_COOKIE:
    case HEADER_TE:
    case HEADER_TRAILER:
    case HEADER_TRANSFER_ENCODING:
    case HEADER_UPGRADE:
    case HEADER_WWW_AUTHENTICATE:
    case HEADER_X_FORWARDED_FOR:
    case HEADER_X_FORWARDED_PROTO:
    case HEADER_X_REAL_IP:
        return false;
    }
    return true;
}

static bool
end_trailer(struct h1_chunked *c, char byte)
{
    c->state = TRAILER;
    if (byte != '\n' || ++c->digits > TRAILERS_COUNT_MAX)
        return false;
    if (c->trailers == NULL)
        return true;
    struct str value = buf_str(&c->line), name = str_cut(&value, ':');
    enum header id = header_id(name);
    if (may_trail(id) && !h1_looks_like_framing(name))
        fields_push(c->trailers, arena_dup(c->trailers->arena, name),
                    arena_dup(c->trailers->arena, str_trim(value)), id);
    c->line.n = 0;
    return true;
}

static bool
step_trailer(struct h1_chunked *c, char byte)
{
    if (c->state == TRAILER && byte == '\r') {
        c->state = END_LF;
        return true;
    }
    if (c->state == TRAILER_TEXT && byte == '\r') {
        c->state = TRAILER_LF;
        return true;
    }
    gather(c, byte);
    if (c->state == TRAILER_TEXT)
        return is_text(byte);
    if (c->state == TRAILER_NAME && byte == ':') {
        c->state = TRAILER_TEXT;
        return true;
    }
    c->state = TRAILER_NAME;
    return h1_is_token((struct str){ &byte, 1 });
}

/* One byte that is not data. False when it cannot be there. */
static bool
step(struct h1_chunked *c, char byte)
{
    switch ((enum state)c->state) {
    case SIZE:
    case SIZE_BLANK:
        return ++c->overhead <= SIZE_LINE_MAX && step_size(c, byte);
    case EXTENSION:
        return ++c->overhead <= SIZE_LINE_MAX && step_extension(c, byte);
    case SIZE_LF:
        return end_size_line(c, byte);
    case DATA_CR:
        c->state = DATA_LF;
        return byte == '\r';
    case DATA_LF:
        c->state = SIZE;
        return byte == '\n';
    case TRAILER:
    case TRAILER_NAME:
    case TRAILER_TEXT:
        return ++c->overhead <= TRAILERS_MAX && step_trailer(c, byte);
    case TRAILER_LF:
        return end_trailer(c, byte);
    case END_LF:
        c->state = DONE;
        return byte == '\n';
    case DATA:
    case DONE:
        break;
    }
    return false;
}

static void
take_data(struct h1_chunked *c, struct str *in, struct str *data)
{
    *data = str_head(*in, c->left < in->n ? (size_t)c->left : in->n);
    *in = str_skip(*in, data->n);
    c->left -= data->n;
    if (c->left == 0)
        c->state = DATA_CR;
}

enum h1_outcome
h1_chunked_next(struct h1_chunked *c, struct str *in, struct str *data)
{
    *data = STR_NONE;
    while (c->state != DONE) {
        if (in->n == 0)
            return H1_MORE;
        if (c->state == DATA) {
            take_data(c, in, data);
            return H1_MORE;
        }
        if (!step(c, in->p[0]))
            return H1_BAD;
        *in = str_skip(*in, 1);
    }
    return H1_DONE;
}
