/* Known field names: text to id and back.
 *
 * A name is found by one multiplication over its first and last eight bytes and one comparison of
 * words. The table is filled before main: the list in header_names.def stays the only list. */
#include "http/field.h"

#include "base/must.h"

enum { SLOTS = 512, NAME_MAX = 24 };

static const struct str names[HEADER_COUNT] = {
    [HEADER_OTHER] = { NULL, 0 },
#define X(id, name) [id] = { name, sizeof(name) - 1 },
#include "http/header_names.def"
#undef X
};

/* Small letters, and the bits that may differ from them: 0x20 where there is a letter. */
struct spelling {
    char lower[NAME_MAX], letter[NAME_MAX];
    uint8_t n, id;
};

static struct spelling slots[SLOTS];

static inline uint64_t
load8(const char *p)
{
    uint64_t w;
    memcpy(&w, p, sizeof w);
    return w;
}

static inline uint64_t
load4(const char *p)
{
    uint32_t w;
    memcpy(&w, p, sizeof w);
    return w;
}

/* The first and last eight bytes, overlapping when there are fewer than sixteen. */
static inline void
load_ends(const char *p, size_t n, uint64_t *first, uint64_t *last)
{
    if (n >= 8) {
        *first = load8(p);
        *last = load8(p + n - 8);
    } else if (n >= 4) {
        *first = load4(p);
        *last = load4(p + n - 4);
    } else {
        *first = (uint8_t)p[0] | (uint64_t)(uint8_t)p[n / 2] << 8;
        *last = (uint8_t)p[n - 1];
    }
}

static inline unsigned
slot_of(uint64_t first, uint64_t last, size_t n)
{
    const uint64_t small = 0x2020202020202020u;
    uint64_t h = ((first | small) ^ ((last | small) * 0x9e3779b97f4a7c15u)) + n;
    return (unsigned)((h * 0xd6e8feb86659fd93u) >> 55);
}

static inline bool
is_spelled(const struct spelling *s, struct str name, uint64_t first, uint64_t last)
{
    uint64_t want_first, want_last, loose_first, loose_last;
    load_ends(s->lower, name.n, &want_first, &want_last);
    load_ends(s->letter, name.n, &loose_first, &loose_last);
    if (((first ^ want_first) & ~loose_first) | ((last ^ want_last) & ~loose_last))
        return false;
    if (name.n <= 16)
        return true;
    uint64_t loose = load8(s->letter + 8);
    return ((load8(name.p + 8) ^ load8(s->lower + 8)) & ~loose) == 0;
}

enum header
header_id(struct str name)
{
    uint64_t first, last;
    if (name.n == 0 || name.n > NAME_MAX)
        return HEADER_OTHER;
    load_ends(name.p, name.n, &first, &last);
    for (unsigned i = slot_of(first, last, name.n); slots[i].n; i = (i + 1) % SLOTS)
        if (slots[i].n == name.n && is_spelled(&slots[i], name, first, last))
            return slots[i].id;
    return HEADER_OTHER;
}

struct str
header_name(enum header id)
{
    must(id < HEADER_COUNT);
    return names[id];
}

static void
enter(enum header id)
{
    struct str name = names[id];
    struct spelling s = { .n = (uint8_t)name.n, .id = (uint8_t)id };
    uint64_t first, last;
    must(name.n > 0 && name.n <= NAME_MAX);
    for (size_t i = 0; i < name.n; i++) {
        s.lower[i] = byte_lower(name.p[i]);
        s.letter[i] = s.lower[i] >= 'a' && s.lower[i] <= 'z' ? 0x20 : 0;
    }
    load_ends(s.lower, name.n, &first, &last);
    unsigned at = slot_of(first, last, name.n);
    while (slots[at].n)
        at = (at + 1) % SLOTS;
    slots[at] = s;
}

__attribute__((constructor)) static void
fill_slots(void)
{
    for (enum header id = HEADER_OTHER + 1; id < HEADER_COUNT; id++)
        enter(id);
}
