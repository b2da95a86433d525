/* fastcgi_pass: FastCGI backends. Here are the address, the parameters and what a URI is split
 * into; the rest is the gateway's. */
#include "gateway/fcgi_client.h"
#include "gateway/pass.h"
#include "gateway/rows.h"

/* fastcgi_*: shared by all locations that set none of their own */
struct settings {
    struct fcgi_settings fcgi;
    struct str index;
    struct regex *split;
};

extern const struct feature fastcgi_pass;

static const struct url_scheme schemes[] = { { "fastcgi", 0, "", false }, { NULL } };

static const struct pass_family family = {
    .feature = &fastcgi_pass,
    .rules = { .schemes = schemes, .bare = true, .schemeless = true },
};

static bool
set_pass(struct setting *s)
{
    return pass_set(s, &family, arena_new(s->compile->arena, struct pass));
}

static bool
set_catch_stderr(struct setting *s)
{
    struct fcgi_word **words = s->field, *word = arena_new(s->compile->arena, struct fcgi_word);
    word->text = setting_arg(s, 1);
    word->next = *words;
    *words = word;
    return true;
}

static bool
set_split(struct setting *s)
{
    struct regex **split = s->field, *regex = regex_compile(s, 1, setting_arg(s, 1), false);
    if (regex == NULL)
        return false;
    if (regex->captures != 2)
        return setting_error(s, 1, "pattern \"" STR_FMT "\" must have 2 captures",
                             STR_ARG(setting_arg(s, 1)));
    *split = regex;
    return true;
}

static const struct directive directives[] = {
    { "fastcgi_pass", NO_FIELD, IN_LOCATION | IN_LOCATION_IF | IN_LIMIT_EXCEPT, .set = set_pass,
      .flags = SETTINGS_APART, .syntax = "address",
      .example = "fastcgi_pass unix:/run/php/php-fpm.sock;",
      .help =
          "Passes requests to a FastCGI server or a group of servers: host:port, unix:/path, or "
          "a group's name. May have variables." },
    { "fastcgi_param", PLACE(struct settings, fcgi.params), GATEWAY_IN, .set = cgi_params_set,
      .flags = MANY, .args_min = 2, .args_max = 3, .syntax = "parameter value [if_not_empty]",
      .example = "fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;",
      .help = "A parameter of requests; the packaged fastcgi.conf has the usual ones. The client's "
              "fields are passed as HTTP_* beside them, but for those that a parameter names, "
              "those for one hop, and Proxy. Inherited only by blocks that set none." },
    { "fastcgi_index", FIELD(struct settings, index), GATEWAY_IN, .syntax = "name",
      .example = "fastcgi_index index.php;",
      .help = "What $fastcgi_script_name has after a URI that ends with a slash." },
    { "fastcgi_split_path_info", PLACE(struct settings, split), IN_LOCATION, .set = set_split,
      .flags = REPEATABLE, .syntax = "regex",
      .example = "fastcgi_split_path_info ^(.+\\.php)(/.+)$;",
      .help = "Splits the URI by its two captures: $fastcgi_script_name and $fastcgi_path_info." },
    { "fastcgi_keep_conn", FIELD(struct settings, fcgi.keep_conn), GATEWAY_IN, .initial = "off",
      .help = "Asks servers to keep connections open, for the next requests." },
    { "fastcgi_catch_stderr", PLACE(struct settings, fcgi.catch_stderr), GATEWAY_IN,
      .set = set_catch_stderr, .flags = MANY, .syntax = "string",
      .example = "fastcgi_catch_stderr \"PHP Fatal error\";",
      .help = "When a server's stderr has the string before its response's head, the response is "
              "invalid: fastcgi_next_upstream invalid_header may act on it." },
    { "fastcgi_send_lowat", NO_FIELD, GATEWAY_IN, .set = gateway_ignore, .flags = IGNORED,
      .syntax = "size", .example = "fastcgi_send_lowat 12k;",
      .help = "Accepted; Linux has no use for it." },
    GATEWAY_ROWS("fastcgi_", struct settings, fcgi.gateway),
    { 0 },
};

static bool
complete(struct scope *scope, void *settings)
{
    return gateway_complete(scope, &((struct settings *)settings)->fcgi.gateway);
}

/* The URI's two parts. The exchange's own captures stay what they were. */
static void
split(struct exchange *x, const struct settings *my, struct str *script, struct str *path_info)
{
    struct str *captures = x->captures;
    unsigned n = x->n_captures;
    *script = x->uri;
    *path_info = STR("");
    if (my->split && regex_match(my->split, x->uri, x)) {
        *script = exchange_capture(x, 1);
        *path_info = exchange_capture(x, 2);
    }
    x->captures = captures;
    x->n_captures = n;
}

static bool
get_script_name(struct exchange *x, struct str rest, struct str *out)
{
    const struct settings *my = feature_settings(x, &fastcgi_pass);
    struct str path_info;
    split(x, my, out, &path_info);
    if (out->n && out->p[out->n - 1] == '/' && my->index.n)
        *out = arena_join(&x->arena, *out, my->index);
    return true;
}

static bool
get_path_info(struct exchange *x, struct str rest, struct str *out)
{
    struct str script;
    split(x, feature_settings(x, &fastcgi_pass), &script, out);
    return out->n > 0;
}

static const struct variable variables[] = {
    { "fastcgi_script_name", get_script_name, NULL, VARIABLE_VOLATILE,
      "The URI, with fastcgi_index after a slash; or the first part of fastcgi_split_path_info." },
    { "fastcgi_path_info", get_path_info, NULL, VARIABLE_VOLATILE,
      "The second part of fastcgi_split_path_info." },
    { 0 },
};

static enum verdict
run(struct exchange *x, const void *settings)
{
    const struct pass *pass = settings;
    const struct settings *my = pass->settings;
    return pass_run(x, pass, &my->fcgi.gateway, &fcgi_client_codec);
}

const struct feature fastcgi_pass = {
    .name = "fastcgi_pass",
    .phase = PHASE_CONTENT,
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .complete = complete,
    .on_request = run,
    .explain = run,
    .content_only = true,
    .variables = variables,
};
