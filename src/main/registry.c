/* The one place that knows everybody. A feature needs no line here: its line is in
 * features/meson.build. */
#include "main/registry.h"

#include "exchange/feature.h"
#include "exchange/settings.h"
#include "front/front.h"
#include "main/settings.h"

#include <stdlib.h>

static const struct directive_set *const rooms[] = {
    &config_directives, &process_directives, &log_directives,      &http_directives,
    &server_directives, &core_directives,    &upstream_directives,
};

enum { ROOMS = sizeof rooms / sizeof rooms[0] };

const struct directive_set *const *
registry_sets(void)
{
    static const struct directive_set **sets;
    if (sets)
        return sets;
    unsigned n = 0, at = 0;
    while (features[n])
        n++;
    sets = calloc(ROOMS + n + 1, sizeof *sets);
    for (; at < ROOMS; at++)
        sets[at] = rooms[at];
    for (unsigned i = 0; i < n; i++)
        if (feature_set(features[i])->directives)
            sets[at++] = feature_set(features[i]);
    return sets;
}
