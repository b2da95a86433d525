/* charset_map: a byte of the one charset becomes a byte of the other, or up to three of UTF-8; and
 * back. What is no UTF-8 becomes "?", byte by byte: nothing is swallowed. */
#include "exchange/body/charset_map.h"

#include "exchange/body/filter.h"

#include <stdio.h>

enum { UTF8_MOST = 4, PAGE = 256, HIGH = 128, REFERENCE_MOST = sizeof "&#1114111;" };

/* The bytes that stand for one byte. */
struct code {
    uint8_t n;
    char bytes[UTF8_MOST];
};

/* One charset_map: both ways. */
struct charset_map {
    struct charset_map *next;
    struct str from, to;
    bool wide;              /* `to` is UTF-8 */
    bool moves_ascii;       /* a line has a byte of ASCII: not all of it stays itself */
    struct code there[256]; /* of a byte of `from` */
    char back[256];         /* of a byte of `to`; or, when it is wide: */
    char *pages[256];       /* by code point / PAGE: of the others; NULL: none of them, 0: none */
};

#define UTF8 STR("utf-8")

static bool
read_code(struct setting *s, const struct node *line, unsigned word, size_t most, struct code *out)
{
    struct str hex = line->words[word].text;
    uint64_t value;
    out->n = (uint8_t)((hex.n + 1) / 2);
    if (hex.n == 0 || hex.n > 2 * most || (hex.n % 2 && most > 1) ||
        !str_hex_to_u64(hex, UINT32_MAX, &value)) {
        diag_add(s->compile->diags, LEVEL_EMERG, line->words[word].span,
                 "invalid value \"" STR_FMT "\"", STR_ARG(hex));
        return false;
    }
    for (unsigned i = out->n; i > 0; i--, value >>= 8)
        out->bytes[i - 1] = (char)(uint8_t)value;
    return true;
}

/* Reads one character at p: how many bytes it has, 0: it goes on beyond the end, -1: it is none. */
static int
utf8_read(struct str s, uint32_t *out)
{
    uint8_t first = (uint8_t)s.p[0];
    unsigned n = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    static const uint32_t least[UTF8_MOST + 1] = { 0, 0, 0x80, 0x800, 0x10000 };
    if (n == 0)
        return -1;
    uint32_t point = first & (0x7f >> n);
    for (unsigned i = 1; i < n; i++) {
        if (i == s.n)
            return 0;
        if (((uint8_t)s.p[i] & 0xc0) != 0x80)
            return -1;
        point = point << 6 | ((uint8_t)s.p[i] & 0x3f);
    }
    *out = point;
    bool half = point >= 0xd800 && point < 0xe000; /* of UTF-16: no character */
    return half || point < least[n] || point > 0x10ffff ? -1 : (int)n;
}

static bool
map_wide(struct setting *s, const struct node *line, struct charset_map *map, uint8_t from)
{
    const struct code *to = &map->there[from];
    uint32_t point;
    if (utf8_read((struct str){ to->bytes, to->n }, &point) != to->n || point / PAGE >= 256) {
        diag_add(s->compile->diags, LEVEL_EMERG, line->words[1].span,
                 "invalid value \"" STR_FMT "\"", STR_ARG(line->words[1].text));
        return false;
    }
    char **page = &map->pages[point / PAGE];
    if (*page == NULL)
        *page = arena_get(s->compile->arena, PAGE);
    (*page)[point % PAGE] = (char)from;
    return true;
}

static bool
read_line(struct setting *s, const struct node *line, struct charset_map *map)
{
    struct code from;
    if (line->n != 2) {
        diag_add(s->compile->diags, LEVEL_EMERG, line->words[0].span, "invalid parameters number");
        return false;
    }
    if (!read_code(s, line, 0, 1, &from))
        return false;
    uint8_t byte = (uint8_t)from.bytes[0];
    if (!read_code(s, line, 1, map->wide ? UTF8_MOST : 1, &map->there[byte]))
        return false;
    map->moves_ascii |= byte < HIGH || (uint8_t)map->there[byte].bytes[0] < HIGH;
    if (map->wide)
        return map_wide(s, line, map, byte);
    map->back[(uint8_t)map->there[byte].bytes[0]] = (char)byte;
    return true;
}

/* ASCII is itself, and what no line names is "?". */
static void
init_map(struct charset_map *map)
{
    for (unsigned i = 0; i < 256; i++) {
        map->there[i] = (struct code){ 1, { i < HIGH ? (char)i : '?' } };
        map->back[i] = i < HIGH ? (char)i : '?';
    }
}

static bool
is_map(const struct charset_map *map, struct str a, struct str b)
{
    return str_eq_nocase(map->from, a) && str_eq_nocase(map->to, b);
}

static bool
judge_names(struct setting *s, const struct charset_map *others, struct str from, struct str to)
{
    if (str_eq_nocase(from, to))
        return setting_error(
            s, 2, "\"charset_map\" between the same charsets \"" STR_FMT "\" and \"" STR_FMT "\"",
            STR_ARG(from), STR_ARG(to));
    for (const struct charset_map *m = others; m; m = m->next)
        if (is_map(m, from, to) || is_map(m, to, from))
            return setting_error(
                s, 0, "duplicate \"charset_map\" between \"" STR_FMT "\" and \"" STR_FMT "\"",
                STR_ARG(from), STR_ARG(to));
    return true;
}

bool
charset_map_set(struct setting *s)
{
    struct charset_map **list = s->field;
    struct str from = setting_arg(s, 1), to = setting_arg(s, 2);
    if (!judge_names(s, *list, from, to))
        return false;
    struct charset_map *map = arena_new(s->compile->arena, struct charset_map);
    *map = (struct charset_map){ *list, from, to, str_eq_nocase(to, UTF8) };
    init_map(map);
    *list = map;
    bool fine = true;
    for (const struct node *line = s->node->children; line; line = line->next)
        fine &= read_line(s, line, map);
    return fine;
}

bool
charset_map_find(const struct charset_map *maps, struct str from, struct str to,
                 struct conversion *out)
{
    for (const struct charset_map *m = maps; m; m = m->next)
        if (is_map(m, from, to) || is_map(m, to, from)) {
            *out = (struct conversion){ m, !is_map(m, from, to) };
            return true;
        }
    return false;
}

struct str
charset_map_spelling(const struct charset_map *maps, struct str name)
{
    struct str found = STR_NONE;
    for (const struct charset_map *m = maps; m; m = m->next) /* the last first */
        if (str_eq_nocase(m->from, name))
            found = m->from;
        else if (str_eq_nocase(m->to, name))
            found = m->to;
    return found;
}

struct charset_body {
    struct body_rewrite rewrite; /* first */
    struct conversion how;
    char begun[UTF8_MOST]; /* a character that goes on in the next piece */
    size_t n_begun;
};

static size_t
ascii_run(struct str s)
{
    size_t n = 0;
    for (uint64_t eight; s.n - n >= sizeof eight; n += sizeof eight) {
        memcpy(&eight, s.p + n, sizeof eight);
        if (eight & 0x8080808080808080)
            break;
    }
    while (n < s.n && (uint8_t)s.p[n] < HIGH)
        n++;
    return n;
}

static int
convert_bytes(struct charset_body *b)
{
    struct body_rewrite *w = &b->rewrite;
    size_t room;
    char *to = body_rewrite_room(w, &room);
    struct str in = str_head(w->in, room / UTF8_MOST);
    const struct charset_map *map = b->how.map;
    size_t n = 0;
    for (size_t i = 0; i < in.n; i++) {
        const struct code *code = &map->there[(uint8_t)in.p[i]];
        if (b->how.back) {
            to[n++] = map->back[(uint8_t)in.p[i]];
            continue;
        }
        memcpy(to + n, code->bytes, UTF8_MOST);
        n += code->n;
    }
    body_rewrite_wrote(w, n);
    w->in = str_skip(w->in, in.n);
    return 0;
}

/* One character of UTF-8: its byte, or a reference to it. */
static size_t
put_point(const struct charset_map *map, uint32_t point, char *to)
{
    const char *page = point / PAGE < 256 ? map->pages[point / PAGE] : NULL;
    if (page && page[point % PAGE]) {
        *to = page[point % PAGE];
        return 1;
    }
    return (size_t)snprintf(to, REFERENCE_MOST, "&#%u;", point);
}

/* Converts what stands at the front of s. Returns how much of it was taken; 0: more is needed. */
static size_t
convert_point(const struct charset_map *map, struct str s, char *to, size_t *n)
{
    uint32_t point = (uint8_t)s.p[0];
    int taken = point < HIGH ? 1 : utf8_read(s, &point);
    if (taken > 0 && point < HIGH)
        to[(*n)++] = s.p[0];
    else if (taken > 0)
        *n += put_point(map, point, to + *n);
    else if (taken < 0)
        to[(*n)++] = '?';
    return taken < 0 ? 1 : (size_t)taken;
}

/* The character that began in the piece before, a byte more each time. */
static void
go_on(struct charset_body *b)
{
    struct body_rewrite *w = &b->rewrite;
    size_t room, n = 0, before = b->n_begun;
    char *to = body_rewrite_room(w, &room);
    b->begun[b->n_begun++] = w->in.p[0];
    size_t taken = convert_point(b->how.map, (struct str){ b->begun, b->n_begun }, to, &n);
    body_rewrite_wrote(w, n);
    if (taken == 0 || taken == b->n_begun) {
        w->in = str_skip(w->in, 1);
        b->n_begun = taken ? 0 : b->n_begun;
    } else { /* it was none */
        b->n_begun = before - taken;
        memmove(b->begun, b->begun + taken, b->n_begun);
    }
}

static int
convert_utf8(struct charset_body *b)
{
    struct body_rewrite *w = &b->rewrite;
    size_t room, n = 0;
    char *to = body_rewrite_room(w, &room);
    while (w->in.n && room - n >= REFERENCE_MOST) {
        size_t taken = convert_point(b->how.map, w->in, to, &n);
        if (taken == 0) {
            b->n_begun = w->in.n;
            memcpy(b->begun, w->in.p, w->in.n);
            taken = w->in.n;
        }
        w->in = str_skip(w->in, taken);
    }
    body_rewrite_wrote(w, n);
    return 0;
}

static int
work(struct body_rewrite *w)
{
    struct charset_body *b = (struct charset_body *)w;
    if (w->in.n == 0) {
        w->done = true; /* the beginning of a character that never came is dropped */
        return 0;
    }
    if (b->n_begun) {
        go_on(b);
        return 0;
    }
    bool from_utf8 = b->how.map->wide && b->how.back;
    if ((from_utf8 || !b->how.map->moves_ascii) && ascii_run(w->in) == w->in.n) {
        struct str in = w->in;
        w->in = STR_NONE;
        body_rewrite_pass(w, in);
        return 0;
    }
    return from_utf8 ? convert_utf8(b) : convert_bytes(b);
}

void
charset_map_convert(struct exchange *x, struct conversion how)
{
    if (how.map->wide) /* else a byte becomes a byte */
        body_filter_head(x, 0);
    if (x->response.body == NULL)
        return;
    struct charset_body *b = arena_new(&x->arena, struct charset_body);
    b->how = how;
    b->rewrite.work = work;
    b->rewrite.reserve = 64;
    body_rewrite_begin(&b->rewrite, x);
}
