/* hide_technology: what backends tell of the programs they are made of does not go out, and our own
 * version neither. */
#include "exchange/feature.h"
#include "exchange/hosts/location.h"

struct settings {
    bool on;
};

/* A star stands for any rest. */
static const char *const names[] = {
    "X-Powered-By",
    "X-Powered-CMS",
    "X-AspNet-Version",
    "X-AspNetMvc-Version",
    "X-SourceFiles",
    "X-Generator",
    "X-Drupal-*",
    "X-Redirect-By",
    "X-Runtime",
    "X-Rack-Cache",
    "X-Server",
    "X-Backend-Server",
    "X-Turbo-Charged-By",
    "X-LiteSpeed-*",
    "X-Varnish",
    "X-Mod-Pagespeed",
    "X-Page-Speed",
    "X-OWA-Version",
    "X-Jenkins*",
    "Liferay-Portal",
    "MicrosoftSharePointTeamServices",
    "Server",
};

static bool
set_hide(struct setting *s)
{
    struct settings *my = s->settings;
    struct str word = setting_arg(s, 1);
    my->on = str_eq(word, STR("on"));
    if (!my->on && !str_eq(word, STR("off")))
        return setting_error(s, 1,
                             "invalid value \"" STR_FMT "\" in \"%s\" directive, it must be "
                             "\"on\" or \"off\"",
                             STR_ARG(word), s->row->name);
    struct core_settings *core = my->on ? scope_settings_own(s->scope, &core_directives) : NULL;
    if (core)
        core->server_tokens = TOKENS_OFF;
    return true;
}

static const struct directive directives[] = {
    { "hide_technology", PLACE(struct settings, on), IN_HTTP | IN_SERVER | IN_LOCATION,
      .initial = "off", .set = set_hide, .syntax = "on | off", .example = "hide_technology on;",
      .help = "Takes fields out of responses that tell which programs a site is made of: Server of "
              "backends, X-Powered-By, X-AspNet-Version, X-Generator, X-Runtime and their like; "
              "and is server_tokens off." },
    { 0 },
};

static bool
is_used(const void *settings)
{
    const struct settings *my = settings;
    return my->on;
}

static bool
tells(const struct field *f)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct str name = str_of(names[i]);
        bool wild = str_ends(name, STR("*"));
        if (wild ? str_starts_nocase(f->name, str_head(name, name.n - 1))
                 : str_eq_nocase(f->name, name))
            return true;
    }
    return false;
}

static void
hide(struct exchange *x, const void *settings)
{
    struct response *r = &x->response;
    unsigned kept = 0;
    (void)settings;
    if (!r->relayed)
        return;
    r->server = STR_NONE;
    for (unsigned i = 0; i < r->fields.n; i++)
        if (!tells(&r->fields.v[i]))
            r->fields.v[kept++] = r->fields.v[i];
    r->fields.n = kept;
}

const struct feature hide_technology = {
    .name = "hide_technology",
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .used = is_used,
    .on_response = hide,
};
