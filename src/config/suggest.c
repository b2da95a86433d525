/* Names are near when few edits part them: one in a short word, three in a long one. */
#include "config/suggest.h"

static size_t
limit_for(struct str text)
{
    return text.n <= 3 ? 1 : text.n <= 7 ? 2 : 3;
}

static size_t
distance(struct str a, struct str b, size_t limit)
{
    size_t longer = a.n > b.n ? a.n - b.n : b.n - a.n;
    return longer > limit ? limit + 1 : str_distance(a, b, limit);
}

/* Twice the edits, and one more for what may not stand here. Ties go to the first in the alphabet,
 * so that the answer does not depend on the order of the table. */
struct str
suggest_directive(const struct directive_set *const *sets, struct str name, unsigned contexts)
{
    struct str best = STR_NONE;
    size_t limit = limit_for(name), best_cost = SIZE_MAX;
    for (unsigned i = 0; sets[i]; i++) {
        for (const struct directive *d = sets[i]->directives; d && d->name; d++) {
            struct str known = str_of(d->name);
            size_t edits = distance(name, known, limit);
            size_t cost = 2 * edits + !(d->contexts & contexts);
            if (edits > limit || cost > best_cost ||
                (cost == best_cost && str_compare(known, best) >= 0))
                continue;
            best = known;
            best_cost = cost;
        }
    }
    return best;
}

struct str
suggest_choice(const struct choice *choices, struct str text)
{
    struct str best = STR_NONE;
    size_t limit = limit_for(text);
    for (const struct choice *choice = choices; choice && choice->name; choice++) {
        size_t edits = distance(text, str_of(choice->name), limit);
        if (edits > limit)
            continue;
        best = str_of(choice->name);
        limit = edits ? edits - 1 : 0;
    }
    return best;
}
