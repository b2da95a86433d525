/* Prefixes in a sorted array, each knowing the next shorter one: one binary search, then a short
 * walk. */
#include "exchange/hosts/location_set.h"

#include <endian.h>
#include <stdlib.h>

/* Shorter names count as followed by zero bytes, which keeps the order: a URI has none. */
static uint64_t
head_of(struct str s)
{
    uint64_t head = 0;
    memcpy(&head, s.p, s.n < sizeof head ? s.n : sizeof head);
    return be64toh(head);
}

static int
compare(const struct prefix_entry *e, uint64_t head, struct str s)
{
    if (e->head != head)
        return e->head < head ? -1 : 1;
    return str_compare(e->name, s);
}

static int
by_name(const void *a, const void *b)
{
    const struct prefix_entry *q = b;
    return compare(a, q->head, q->name);
}

static void
link_enclosing(struct location_set *set)
{
    for (int i = 0; i < (int)set->n_prefixes; i++) {
        int outer = i - 1;
        struct str name = set->prefixes[i].name;
        while (outer >= 0 && !str_starts(name, set->prefixes[outer].name))
            outer = set->prefixes[outer].enclosing;
        set->prefixes[i].enclosing = outer;
    }
}

static void
add(struct location_set *set, struct arena *a, struct location *l)
{
    if (l->redirect_slash.p)
        map_put(&set->slashless, str_head(l->name, l->name.n - 1), l);
    switch (l->kind) {
    case LOCATION_EXACT:
        map_put(&set->exact, l->name, l);
        break;
    case LOCATION_REGEX:
        set->regexes[set->n_regexes++] = l;
        break;
    case LOCATION_PREFIX:
    case LOCATION_PREFIX_FINAL:
        set->prefixes[set->n_prefixes++] =
            (struct prefix_entry){ .head = head_of(l->name), .name = l->name, .location = l };
        break;
    case LOCATION_ROOT:
    case LOCATION_NAMED:
    case LOCATION_IF:
    case LOCATION_EXCEPT:
        break;
    }
}

struct location_set *
location_set_build(struct arena *a, struct location **list, unsigned n)
{
    struct location_set *set = arena_new(a, struct location_set);
    map_init(&set->exact, a, false);
    map_init(&set->slashless, a, false);
    set->prefixes = arena_array(a, struct prefix_entry, n);
    set->regexes = arena_array(a, struct location *, n);
    for (unsigned i = 0; i < n; i++)
        add(set, a, list[i]);
    qsort(set->prefixes, set->n_prefixes, sizeof *set->prefixes, by_name);
    link_enclosing(set);
    return set;
}

struct location *
location_set_longest(const struct location_set *set, struct str uri)
{
    uint64_t head = head_of(uri);
    int low = 0, high = (int)set->n_prefixes; /* the last entry not above uri is at low - 1 */
    while (low < high) {
        int middle = (low + high) / 2;
        if (compare(&set->prefixes[middle], head, uri) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (int i = low - 1; i >= 0; i = set->prefixes[i].enclosing)
        if (str_starts(uri, set->prefixes[i].name))
            return set->prefixes[i].location;
    return NULL;
}
