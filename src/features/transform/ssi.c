/* ssi: server-side includes in responses; what commands do is in exchange/ssi. */
#include "exchange/body/filter.h"
#include "exchange/feature.h"
#include "exchange/mime_types.h"
#include "exchange/ssi/page.h"

#include <time.h>

struct settings {
    bool enabled, last_modified, silent_errors;
    struct bytes value_length, min_file_chunk;
    struct mime_types *types;
    struct ssi_settings page; /* of the same, for exchange/ssi */
};

#define EVERYWHERE  (IN_HTTP | IN_SERVER | IN_LOCATION)
#define SSI(member) FIELD(struct settings, member)

static const struct directive directives[] = {
    { "ssi", SSI(enabled), EVERYWHERE | IN_LOCATION_IF, .initial = "off",
      .help = "Whether commands of server-side includes in responses are carried out: block, "
              "config, echo, if, include, set." },
    { "ssi_last_modified", SSI(last_modified), EVERYWHERE, .initial = "off",
      .help = "Whether Last-Modified stays; by default it goes, as the response is made anew." },
    { "ssi_min_file_chunk", SSI(min_file_chunk), EVERYWHERE, .initial = "1k", .flags = IGNORED,
      .help = "Accepted; pages are read piece by piece." },
    { "ssi_silent_errors", SSI(silent_errors), EVERYWHERE, .initial = "off",
      .help = "Whether nothing is put in the place of a command that failed, rather than \"[an "
              "error occurred while processing the directive]\"." },
    { "ssi_types", PLACE(struct settings, types), EVERYWHERE, .set = mime_types_set, .flags = MANY,
      .args_min = 1, .args_max = ARGS_ANY, .syntax = "mime-type ...", .unset = "text/html",
      .example = "ssi_types text/plain;",
      .help = "Content types, beside text/html, of the responses with commands; * is any." },
    { "ssi_value_length", SSI(value_length), EVERYWHERE, .initial = "256", .syntax = "length",
      .help = "Largest length of a parameter's value." },
    { 0 },
};

static bool
complete(struct scope *scope, void *settings)
{
    struct settings *my = settings;
    my->page = (struct ssi_settings){ my->silent_errors, my->value_length.n };
    return true;
}

static bool
is_used(const void *settings)
{
    return ((const struct settings *)settings)->enabled;
}

static void
carry_out(struct exchange *x, const void *settings)
{
    const struct settings *my = settings;
    struct response *r = &x->response;
    if (r->content_length == 0 || !mime_types_have(my->types, r->content_type))
        return;
    if (r->body)
        r->body = ssi_body(x, body_in_memory(&x->arena, r->body), &my->page);
    body_filter_head(x, BODY_LOSES_RANGES |
                            (my->last_modified ? BODY_WEAKENS_ETAG : BODY_LOSES_VALIDATORS));
}

/* --- $date_local, $date_gmt --- */

enum { DATE_MAX = 256 };

static bool
print(struct exchange *x, const struct tm *tm, struct str *out)
{
    struct str format = x->ssi ? x->ssi->time_format : STR("%A, %d-%b-%Y %H:%M:%S %Z");
    if (str_eq(format, STR("%s"))) {
        *out = arena_printf(&x->arena, "%lld", (long long)(clock_wall_us() / 1000000));
        return true;
    }
    char *text = arena_text(&x->arena, DATE_MAX);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    *out = (struct str){ text, strftime(text, DATE_MAX, arena_dup(&x->arena, format).p, tm) };
#pragma GCC diagnostic pop
    return out->n > 0;
}

static bool
get_local(struct exchange *x, struct str rest, struct str *out)
{
    struct tm tm;
    time_t now = (time_t)(clock_wall_us() / 1000000);
    return localtime_r(&now, &tm) && print(x, &tm, out);
}

static bool
get_gmt(struct exchange *x, struct str rest, struct str *out)
{
    struct tm tm;
    time_t now = (time_t)(clock_wall_us() / 1000000);
    return gmtime_r(&now, &tm) && print(x, &tm, out);
}

static const struct variable variables[] = {
    { "date_gmt", get_gmt, NULL, VARIABLE_VOLATILE,
      "The time in GMT, in the format that SSI's config timefmt gives." },
    { "date_local", get_local, NULL, VARIABLE_VOLATILE,
      "The time in the local zone, in the format that SSI's config timefmt gives." },
    { 0 },
};

const struct feature ssi = {
    .name = "ssi",
    .phase = PHASE_NONE,
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .complete = complete,
    .used = is_used,
    .on_response = carry_out,
    .filters_subrequests = true,
    .variables = variables,
};
