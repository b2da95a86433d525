/* The rows of the core's settings: what nginx's http core module sets per location and per server.
 */
#include "exchange/settings.h"

#include "exchange/error_page.h"
#include "exchange/files/types.h"
#include "exchange/hosts/location.h"
#include "observe/log.h"

#define EVERYWHERE   (IN_HTTP | IN_SERVER | IN_LOCATION)
#define CORE(member) FIELD(struct core_settings, member)

static const struct choice in_file_choices[] = {
    { "off", BODY_IN_MEMORY }, { "on", BODY_IN_FILE }, { "clean", BODY_IN_FILE_CLEAN }, { 0 }
};

static const struct choice lingering_choices[] = {
    { "off", LINGERING_OFF }, { "on", LINGERING_ON }, { "always", LINGERING_ALWAYS }, { 0 }
};

/* server_tokens on | off | build | TEXT */
static bool
set_server_tokens(struct setting *s)
{
    struct core_settings *my = s->settings;
    struct str word = setting_arg(s, 1);
    my->signature = NULL;
    my->server_tokens = str_eq(word, STR("on"))      ? TOKENS_ON
                        : str_eq(word, STR("build")) ? TOKENS_BUILD
                                                     : TOKENS_OFF;
    if (my->server_tokens == TOKENS_OFF && !str_eq(word, STR("off")))
        my->signature = template_compile(s, 1, word);
    return my->server_tokens != TOKENS_OFF || str_eq(word, STR("off")) || my->signature;
}

/* client_body_temp_path PATH [LEVEL1 [LEVEL2 [LEVEL3]]] */
static bool
set_temp_path(struct setting *s)
{
    struct core_settings *my = s->settings;
    struct str path = compile_path(s->compile, setting_arg(s, 1));
    my->client_body_temp_path = arena_dup(s->compile->arena, path);
    for (unsigned i = 2; i < s->node->n; i++) {
        uint64_t level;
        if (!str_to_u64(setting_arg(s, i), 10, &level) || level == 0)
            return setting_error(s, i, "\"client_body_temp_path\" directive invalid value");
    }
    return true;
}

/* keepalive_timeout TIMEOUT [HEADER_TIMEOUT] */
static bool
set_keepalive_timeout(struct setting *s)
{
    struct core_settings *my = s->settings;
    if (!parse_msec(setting_arg(s, 1), &my->keepalive_timeout.ms)) {
        setting_error(s, 1, "\"keepalive_timeout\" directive invalid value");
        setting_hint(s, "a time belongs here, such as 65s");
        return false;
    }
    my->keepalive_header.ms = 0;
    if (s->node->n > 2 && !parse_msec(setting_arg(s, 2), &my->keepalive_header.ms))
        return setting_error(s, 2, "\"keepalive_timeout\" directive invalid value");
    return true;
}

static bool
set_path_root(struct setting *s, bool alias)
{
    struct core_settings *my = s->settings;
    struct str path = setting_arg(s, 1);
    if (my->root_scope == s->scope->serial && my->alias != alias)
        return setting_error(
            s, 0, "\"%s\" directive is duplicate, \"%s\" directive was specified earlier",
            alias ? "alias" : "root", my->alias ? "alias" : "root");
    my->root_scope = s->scope->serial;
    if (!str_starts(path, STR("$"))) /* a variable may be absolute: judged when it is known */
        path = compile_path(s->compile, path);
    if (!alias && path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    my->alias = alias;
    my->root = template_compile(s, 1, path);
    return my->root != NULL;
}

static bool
set_root(struct setting *s)
{
    return set_path_root(s, false);
}

static bool
set_alias(struct setting *s)
{
    struct core_settings *my = s->settings;
    const struct location *l = s->scope->object;
    if (l->kind == LOCATION_NAMED)
        return setting_error(s, 0,
                             "the \"alias\" directive cannot be used inside the named location");
    my->alias_cut = l->kind == LOCATION_REGEX ? SIZE_MAX : l->name.n;
    return set_path_root(s, true);
}

static bool
set_internal(struct setting *s)
{
    ((struct core_settings *)s->settings)->internal = true;
    return true;
}

/* early_hints STRING ... */
static bool
set_early_hints(struct setting *s)
{
    struct core_settings *my = s->settings;
    my->early_hints = arena_array(s->compile->arena, const struct template *, s->node->n);
    for (unsigned i = 1; i < s->node->n; i++)
        if ((my->early_hints[i - 1] = template_compile(s, i, setting_arg(s, i))) == NULL)
            return false;
    return true;
}

static bool
complete_core(struct scope *scope, void *settings)
{
    struct core_settings *my = settings;
    if (my->types == NULL)
        my->types = types_default(scope->compile->arena);
    return true;
}

static const struct directive core_rows[] = {
    { "server_tokens", PLACE(struct core_settings, server_tokens), EVERYWHERE, .initial = "on",
      .set = set_server_tokens, .syntax = "on | off | build | string",
      .example = "server_tokens off;",
      .help = "Whether the version is shown in the Server field and on error pages; or what is "
              "shown there, nothing if it is empty. May have variables." },
    { "absolute_redirect", CORE(absolute_redirect), EVERYWHERE, .initial = "on",
      .help = "Whether redirects made by usher name scheme, host and port; if off, they are "
              "relative." },
    { "port_in_redirect", CORE(port_in_redirect), EVERYWHERE, .initial = "on",
      .help = "Whether absolute redirects name the port when it is not the usual one." },
    { "server_name_in_redirect", CORE(server_name_in_redirect), EVERYWHERE, .initial = "off",
      .help = "Absolute redirects use the primary server_name rather than the Host field." },
    { "log_not_found", CORE(log_not_found), EVERYWHERE, .initial = "on",
      .help = "Whether files that are not found are logged in the error log." },
    { "log_subrequest", CORE(log_subrequest), EVERYWHERE, .initial = "off",
      .help = "Whether sub-requests are logged in the access log." },
    { "subrequest_output_buffer_size", CORE(subrequest_output_buffer_size), EVERYWHERE,
      .initial = "4k",
      .help =
          "Largest answer of a sub-request that is kept whole, as SSI's include with set does." },
    { "recursive_error_pages", CORE(recursive_error_pages), EVERYWHERE, .initial = "off",
      .help = "Whether error_page may act more than once for a request." },
    { "chunked_transfer_encoding", CORE(chunked_transfer_encoding), EVERYWHERE, .initial = "on",
      .help = "If off, responses of unknown length end with the connection." },
    { "reset_timedout_connection", CORE(reset_timedout_connection), EVERYWHERE, .initial = "off",
      .help = "Timed-out connections are reset, which frees their kernel memory at once." },
    { "tcp_nodelay", CORE(tcp_nodelay), EVERYWHERE, .initial = "on",
      .help = "Sets TCP_NODELAY on client connections." },
    { "tcp_nopush", CORE(tcp_nopush), EVERYWHERE, .initial = "off",
      .help = "Accepted; heads and bodies always leave together." },
    { "sendfile", CORE(sendfile), EVERYWHERE | IN_LOCATION_IF, .initial = "off",
      .help = "Accepted: large files are always sent with sendfile(2), small ones with their head "
              "in one write." },
    { "etag", CORE(etag), EVERYWHERE, .initial = "on",
      .help = "Whether responses from files carry an ETag, made of modification time and size." },
    { "lingering_close", CORE(lingering_close), EVERYWHERE, .initial = "on",
      .choices = lingering_choices,
      .help = "Whether a connection that is about to close reads on what the client still sends, "
              "so that the client can read the response: on where usher knows of unread data, "
              "always, or off." },
    { "lingering_time", CORE(lingering_time), EVERYWHERE, .initial = "30s",
      .help = "Longest time that unread request data is read and dropped." },
    { "lingering_timeout", CORE(lingering_timeout), EVERYWHERE, .initial = "5s",
      .help = "Longest wait for more such data; the connection is closed when none comes." },
    { "client_body_timeout", CORE(client_body_timeout), EVERYWHERE, .initial = "60s",
      .help = "Longest time between two reads of a request body; 408 beyond." },
    { "send_timeout", CORE(send_timeout), EVERYWHERE, .initial = "60s",
      .help = "Longest time between two writes of a response; the connection is closed beyond." },
    { "keepalive_timeout", PLACE(struct core_settings, keepalive_timeout), EVERYWHERE,
      .initial = "75s", .set = set_keepalive_timeout, .args_min = 1, .args_max = 2,
      .syntax = "timeout [header_timeout]",
      .help = "How long an idle client connection stays open; 0 turns keep-alive off. The second "
              "value is sent as \"Keep-Alive: timeout=…\"." },
    { "keepalive_time", CORE(keepalive_time), EVERYWHERE, .initial = "1h",
      .help = "Age at which a client connection is closed after its present request." },
    { "keepalive_min_timeout", CORE(keepalive_min_timeout), EVERYWHERE, .initial = "0",
      .help = "Time for which a graceful shutdown leaves an idle client connection open, so that a "
              "request that is on its way is not lost." },
    { "keepalive_requests", CORE(keepalive_requests), EVERYWHERE, .initial = "1000",
      .help = "Requests after which a client connection is closed." },
    { "client_body_buffer_size", CORE(client_body_buffer_size), EVERYWHERE, .initial = "16k",
      .help = "Request bodies that must be whole are kept in memory up to this size, in a "
              "temporary file beyond." },
    { "client_body_temp_path", PLACE(struct core_settings, client_body_temp_path), EVERYWHERE,
      .initial = "/tmp", .set = set_temp_path, .args_min = 1, .args_max = 4,
      .syntax = "path [level1 [level2 [level3]]]",
      .help =
          "Directory of temporary files for request bodies; they have no name there, except "
          "with client_body_in_file_only. It is made when it is missing; levels mean nothing." },
    { "client_body_in_file_only", CORE(client_body_in_file_only), EVERYWHERE, .initial = "off",
      .choices = in_file_choices,
      .help = "Whether a request body that is read whole always goes to a file, whose name is "
              "$request_body_file; with clean, the file is removed after the request." },
    { "uninitialized_variable_warn", CORE(uninitialized_variable_warn),
      EVERYWHERE | IN_SERVER_IF | IN_LOCATION_IF, .initial = "on",
      .help = "Whether the error log tells of variables that are used before set has given them a "
              "value." },
    { "root", PLACE(struct core_settings, root), EVERYWHERE | IN_LOCATION_IF, .initial = "html",
      .set = set_root, .syntax = "path",
      .help = "Directory of files: a request is answered by the file whose path is root followed "
              "by the URI. Relative to the prefix; may have variables." },
    { "alias", PLACE(struct core_settings, root), IN_LOCATION, .set = set_alias, .syntax = "path",
      .example = "alias /data/w3/images/;",
      .help = "Directory or file that takes the place of the location's prefix in a file's path. "
              "Both should end with a slash, or neither. May have variables.",
      .differs = "without its slash, an alias does not serve what lies beside it." },
    { "internal", PLACE(struct core_settings, internal), IN_LOCATION, .set = set_internal,
      .args_max = ARGS_NONE, .syntax = "", .example = "internal;",
      .help = "Only internal redirects (error_page, try_files, index, X-Accel-Redirect) lead to "
              "this location; clients that ask for it get 404." },
    { "default_type", CORE(default_type), EVERYWHERE, .initial = "text/plain",
      .syntax = "mime-type",
      .help = "Content type of files whose extension is not in types, and of return with a text. "
              "May have variables." },
    { "types", PLACE(struct core_settings, types), EVERYWHERE, .set = types_set, .initial = NULL,
      .flags = BLOCK | RAW | MANY, .args_max = ARGS_NONE, .syntax = "{ ... }",
      .unset = "{ text/html html; image/gif gif; image/jpeg jpg; }",
      .example = "types { text/html html htm; text/css css; }",
      .help = "Content types by file name extension, without regard to case. A block replaces the "
              "outer one's; the packaged mime.types has the usual ones." },
    { "error_page", PLACE(struct core_settings, error_pages), EVERYWHERE | IN_LOCATION_IF,
      .set = error_page_set, .args_min = 2, .args_max = ARGS_ANY, .flags = MANY,
      .syntax = "code ... [=[response]] uri", .example = "error_page 500 502 503 504 /50x.html;",
      .help = "What answers in place of an error: a URI (by an internal redirect), a named "
              "location, or a full URL (by a redirect). =code changes the status; = alone takes "
              "that of the answer. May have variables." },
    { "early_hints", PLACE(struct core_settings, early_hints), EVERYWHERE, .set = set_early_hints,
      .args_min = 1, .args_max = ARGS_ANY, .syntax = "string ...", .unset = "0",
      .example = "early_hints $http_sec_fetch_mode;",
      .help = "A server's 103 (Early Hints) is passed to the client when one of the strings is "
              "neither empty nor \"0\". May have variables. Other interim responses of servers are "
              "never passed." },
    { 0 },
};

const struct directive_set core_directives = {
    .name = "core",
    .settings_size = sizeof(struct core_settings),
    .directives = core_rows,
    .complete = complete_core,
};

#define SERVER(member) FIELD(struct server_settings, member)

/* large_client_header_buffers NUMBER SIZE */
static bool
set_large_buffers(struct setting *s)
{
    struct header_buffers *large = s->field;
    uint64_t n, size;
    if (!str_to_u64(setting_arg(s, 1), 1024, &n) || n == 0)
        return setting_error(s, 1, "invalid value \"" STR_FMT "\"", STR_ARG(setting_arg(s, 1)));
    if (!parse_bytes(setting_arg(s, 2), &size) || size < 128 || size > (16 << 20))
        return setting_error(s, 2, "invalid value \"" STR_FMT "\"", STR_ARG(setting_arg(s, 2)));
    *large = (struct header_buffers){ (unsigned)n, { size } };
    return true;
}

static const struct directive server_rows[] = {
    { "client_header_buffer_size", SERVER(client_header_buffer_size), IN_HTTP | IN_SERVER,
      .initial = "1k",
      .help = "Accepted; heads are read into one buffer whose size large_client_header_buffers "
              "gives." },
    { "large_client_header_buffers", PLACE(struct server_settings, large), IN_HTTP | IN_SERVER,
      .initial = "4 8k", .set = set_large_buffers, .args_min = 2, .args_max = 2,
      .syntax = "number size",
      .help = "A request line or a header line may have `size` bytes (414, 431), a whole head "
              "`number` times as many.",
      .differs = "a head that is too large is answered with 431, not 400." },
    { "client_header_timeout", SERVER(client_header_timeout), IN_HTTP | IN_SERVER, .initial = "60s",
      .help = "Time in which a request head must arrive; 408 beyond." },
    { "max_headers", SERVER(max_headers), IN_HTTP | IN_SERVER, .initial = "1000",
      .help = "Largest number of header fields in a request; 431 beyond." },
    { "http2", SERVER(http2), IN_HTTP | IN_SERVER, .initial = "off",
      .help = "Speaks HTTP/2 with the clients that offer it." },
    { "underscores_in_headers", SERVER(underscores_in_headers), IN_HTTP | IN_SERVER,
      .initial = "off", .help = "Whether underscores in field names are valid." },
    { "ignore_invalid_headers", SERVER(ignore_invalid_headers), IN_HTTP | IN_SERVER,
      .initial = "on",
      .help =
          "Fields with unusual names (underscores, unless underscores_in_headers allows them) are "
          "dropped; if off, the request is refused. Names that HTTP forbids are always refused." },
    { "merge_slashes", SERVER(merge_slashes), IN_HTTP | IN_SERVER, .initial = "on",
      .help = "Whether runs of slashes in a path count as one when locations and files are looked "
              "for." },
    { "connection_pool_size", SERVER(connection_pool_size), IN_HTTP | IN_SERVER, .initial = "512",
      .flags = IGNORED, .help = "Accepted; connections have no pool." },
    { "request_pool_size", SERVER(request_pool_size), IN_HTTP | IN_SERVER, .initial = "4k",
      .flags = IGNORED, .help = "Accepted; arenas size themselves." },
    { 0 },
};

const struct directive_set server_directives = {
    .name = "server",
    .settings_size = sizeof(struct server_settings),
    .directives = server_rows,
};
