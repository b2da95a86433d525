/* Features as directive sets: the registry of both. */
#include "exchange/feature.h"

#include "base/must.h"
#include "exchange/hosts/location.h"
#include "exchange/snapshot.h"

enum { SETS_MAX = 256 };

static struct directive_set feature_sets[SETS_MAX]; /* by the feature's place in features[] */
static const struct directive_set *all_sets[SETS_MAX];
static unsigned n_rooms;

const struct directive_set *const *
directive_sets(const struct directive_set *const *rooms)
{
    unsigned n = 0;
    while (rooms[n]) {
        all_sets[n] = rooms[n];
        n++;
    }
    n_rooms = n;
    for (unsigned i = 0; features[i]; i++) {
        const struct feature *f = features[i];
        must(n + 1 < SETS_MAX);
        feature_sets[i] =
            (struct directive_set){ f->name, f->settings_size, f->directives, f->complete };
        all_sets[n++] = &feature_sets[i];
    }
    all_sets[n] = NULL;
    return all_sets;
}

static unsigned
place(const struct feature *f)
{
    unsigned i = 0;
    while (features[i] != f) {
        must(features[i] != NULL);
        i++;
    }
    return i;
}

const struct directive_set *
feature_set(const struct feature *f)
{
    return &feature_sets[place(f)];
}

const void *
feature_settings(const struct exchange *x, const struct feature *f)
{
    const struct location *l = x->location ? x->location : x->server->root;
    return l->settings[n_rooms + place(f)];
}
