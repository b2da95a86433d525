/* security_headers: the fields that tell browsers to be careful, as one word. Each is set only
 * where neither the backend nor add_header has said it. */
#include "exchange/feature.h"

enum preset { OFF, STRICT, API };

struct settings {
    unsigned preset; /* enum preset */
};

static const struct choice presets[] = {
    { "off", OFF }, { "strict", STRICT }, { "api", API }, { 0 }
};

static const struct directive directives[] = {
    { "security_headers", FIELD(struct settings, preset), IN_HTTP | IN_SERVER | IN_LOCATION,
      .initial = "off", .choices = presets, .example = "security_headers strict;",
      .help = "Sets the response fields that browsers are told to be careful with, each where "
              "neither the backend nor add_header has set it: Strict-Transport-Security (over TLS "
              "only), X-Content-Type-Options, X-Frame-Options, Referrer-Policy, "
              "Permissions-Policy, Cross-Origin-Opener-Policy, Cross-Origin-Embedder-Policy, "
              "Cross-Origin-Resource-Policy and a Content-Security-Policy to begin with. strict is "
              "for sites whose parts are all their own, api for what no browser shows." },
    { 0 },
};

static const struct policy {
    const char *name, *strict, *api; /* NULL: none */
    bool tls;
} policies[] = {
    { "Strict-Transport-Security", "max-age=31536000; includeSubDomains",
      "max-age=31536000; includeSubDomains", true },
    { "X-Content-Type-Options", "nosniff", "nosniff", false },
    { "X-Frame-Options", "SAMEORIGIN", "DENY", false },
    { "Referrer-Policy", "strict-origin-when-cross-origin", "no-referrer", false },
    { "Permissions-Policy",
      "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()", NULL,
      false },
    { "Cross-Origin-Opener-Policy", "same-origin", NULL, false },
    { "Cross-Origin-Embedder-Policy", "require-corp", NULL, false },
    { "Cross-Origin-Resource-Policy", "same-origin", "same-origin", false },
    { "Content-Security-Policy",
      "default-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'; "
      "object-src 'none'",
      "default-src 'none'; frame-ancestors 'none'", false },
};

static bool
is_used(const void *settings)
{
    const struct settings *my = settings;
    return my->preset != OFF;
}

static void
add(struct exchange *x, const void *settings)
{
    const struct settings *my = settings;
    struct fields *fields = &x->response.fields;
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
        const struct policy *p = &policies[i];
        const char *value = my->preset == STRICT ? p->strict : p->api;
        struct str name = str_of(p->name);
        if (value && (x->client->tls || !p->tls) && fields_find_named(fields, name) == NULL)
            fields_push(fields, name, str_of(value), HEADER_OTHER);
    }
}

const struct feature security_headers = {
    .name = "security_headers",
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .used = is_used,
    .on_response = add,
};
