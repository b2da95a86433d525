/* The blocks that hold everything: events, http, server, location. */
#include "exchange/hosts/listen_directive.h"
#include "exchange/hosts/location_build.h"
#include "exchange/hosts/server.h"

static bool
open_events(struct setting *s)
{
    scope_run(scope_open(s->scope, s->node, IN_EVENTS, NULL));
    return true;
}

static bool
open_http(struct setting *s)
{
    scope_run(scope_open(s->scope, s->node, IN_HTTP, NULL));
    return true;
}

static const struct directive rows[] = {
    { "events", NO_FIELD, IN_MAIN, .set = open_events, .flags = BLOCK, .args_max = ARGS_NONE,
      .syntax = "{ ... }", .example = "events { worker_connections 8192; }",
      .help = "Holds the directives about connection processing." },
    { "http", NO_FIELD, IN_MAIN, .set = open_http, .flags = BLOCK, .args_max = ARGS_NONE,
      .syntax = "{ ... }", .example = "http { server { listen 8080; } }",
      .help = "Holds the HTTP servers. A file that begins with server or upstream is read as if it "
              "stood in this block." },
    { "server", NO_FIELD, IN_HTTP, .set = server_open, .flags = BLOCK | REPEATABLE,
      .args_max = ARGS_NONE, .syntax = "{ ... }", .example = "server { listen 8080; }",
      .help = "A virtual server: chosen by the address (listen) and the host (server_name). For "
              "hosts that no server of an address names, the one that is marked default_server "
              "answers, else the first." },
    { "listen", NO_FIELD, IN_SERVER, .set = listen_set, .flags = REPEATABLE, .args_min = 1,
      .args_max = ARGS_ANY,
      .syntax =
          "address[:port[-port]] | port[-port] | unix:path [default_server] [ssl] [http2] "
          "[backlog=n] [reuseport] [ipv6only=on|off] [so_keepalive=on|off|idle:interval:count] "
          "[fastopen=n] [rcvbuf=size] [sndbuf=size] [deferred] [bind]",
      .unset = "*:80", .example = "listen 127.0.0.1:8080 default_server;",
      .help = "An address that the server answers on; *:80 when there is none. Every thread has a "
              "socket of its own (SO_REUSEPORT). With ssl, its clients speak TLS." },
    { "server_name", NO_FIELD, IN_SERVER, .set = server_name_set, .flags = REPEATABLE,
      .args_min = 1, .args_max = ARGS_ANY, .syntax = "name ...", .unset = "\"\"",
      .example = "server_name example.com *.example.com ~^www\\d+\\.example\\.net$;",
      .help = "Names of the server: exact, with a leading or trailing wildcard, or a regular "
              "expression after a tilde; an empty name takes requests without Host." },
    { "location", NO_FIELD, IN_SERVER | IN_LOCATION, .set = location_open,
      .flags = BLOCK | REPEATABLE, .args_min = 1, .args_max = 2,
      .syntax = "[ = | ~ | ~* | ^~ ] uri { ... } | @name { ... }",
      .example = "location /api/ { return 204; }",
      .help = "Settings for the requests whose normalised URI matches: exactly (=), by the longest "
              "prefix (^~: without looking at regular expressions), or by the first matching "
              "regular expression (~, ~* without regard to case)." },
    { 0 },
};

static void
keep_error_log(struct compile *c, void *main)
{
    struct snapshot *snap = c->snapshot;
    snap->error_log = error_log_of(main);
}

/* The program reads its own settings from the main scope's. */
static bool
keep_main(struct scope *scope, void *settings)
{
    struct snapshot *snap = scope->compile->snapshot;
    if (scope->context == IN_MAIN) {
        snap->main_settings = scope->settings;
        compile_defer(scope->compile, keep_error_log, scope);
    }
    return true;
}

const struct directive_set http_directives = {
    .name = "http",
    .directives = rows,
    .complete = keep_main,
};
