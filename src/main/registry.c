/* The one place that knows every room. A feature needs no line here: it is in features/meson.build.
 */
#include "main/registry.h"

#include "exchange/accept_gzip.h"
#include "exchange/auth/satisfy.h"
#include "exchange/feature.h"
#include "exchange/files/files.h"
#include "exchange/http2.h"
#include "exchange/rewrite/program.h"
#include "exchange/secure/certificate_settings.h"
#include "exchange/secure/ocsp_settings.h"
#include "exchange/secure/ssl_settings.h"
#include "exchange/settings.h"
#include "main/settings.h"
#include "observe/log.h"
#include "upstream/upstream.h"

static const struct directive_set *const rooms[] = {
    &config_directives,
    &process_directives,
    &log_directives,
    &http_directives,
    &server_directives,
    &core_directives,
    &accepted_directives,
    &upstream_directives,
    &ssl_directives,
    &access_directives,
    &http2_directives,
    &gzip_directives,
    &file_directives,
    &certificate_directives,
    &ocsp_directives,
    &program_set,
    NULL,
};

const struct directive_set *const *
registry_sets(void)
{
    static const struct directive_set *const *sets;
    if (sets == NULL)
        sets = directive_sets(rooms);
    return sets;
}
