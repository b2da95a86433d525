#include "stage.h"

#include <stdlib.h>

extern const struct feature access_log;
static struct stage *current;
static struct directive_set log_set;

static bool
set_http(struct setting *s)
{
    struct scope *http = scope_open(s->scope, s->node, IN_HTTP, NULL);
    scope_run(http);
    current->log_settings = scope_settings(http, &log_set);
    return true;
}

static bool
set_text(struct setting *s)
{
    const struct template *t = template_compile(s, 1, setting_arg(s, 1));
    current->texts[current->n_texts++] = t;
    return t != NULL;
}

static bool
set_pattern(struct setting *s)
{
    struct regex *r = regex_compile(s, 1, setting_arg(s, 1), s->node->n > 2);
    current->patterns[current->n_patterns++] = r;
    return r != NULL;
}

static const struct directive rows[] = {
    { "http", NO_FIELD, IN_MAIN, .help = "The block.", .syntax = "{ ... }", .flags = BLOCK,
      .args_max = ARGS_NONE, .set = set_http },
    { "text", NO_FIELD, IN_HTTP, .help = "A template.", .syntax = "text", .flags = REPEATABLE,
      .set = set_text },
    { "pattern", NO_FIELD, IN_HTTP, .help = "A regular expression.", .syntax = "regex [nocase]",
      .flags = REPEATABLE, .args_min = 1, .args_max = 2, .set = set_pattern },
    { 0 },
};
static const struct directive_set stage_set = { .name = "stage", .directives = rows };

static void
open_exchange(struct stage *s)
{
    struct exchange *x = &s->x;
    s->client =
        (struct client){ .peer_text = STR("127.0.0.1"), .serial = 7, .requests = 1, .fd = -1 };
    s->client.peer = s->client.local = (struct address){
        .size = sizeof(struct sockaddr_in),
        .v4 = { .sin_family = AF_INET, .sin_port = htons(80), .sin_addr = { htonl(0x7f000001) } },
    };
    arena_init(&x->arena, 0);
    x->snapshot = s->snapshot;
    x->client = &s->client;
    x->request = (struct request_head){ .line = STR("GET /a?x=1 HTTP/1.1"),
                                        .method_name = STR("GET"),
                                        .method = METHOD_GET,
                                        .target = STR("/a?x=1"),
                                        .path = STR("/a"),
                                        .args = STR("x=1"),
                                        .version = VERSION_11 };
    fields_init(&x->request.fields, &x->arena);
    fields_init(&x->response.fields, &x->arena);
    fields_init(&x->response.trailers, &x->arena);
    x->response.content_length = -1;
    x->response.last_modified = -1;
    x->uri = STR("/a");
    x->args = STR("x=1");
    x->host = STR("example.com");
}

bool
stage_open(struct stage *s, const char *text)
{
    const struct directive_set *sets[] = { &stage_set, &log_directives, &log_set, NULL };
    *s = (struct stage){ .snapshot = calloc(1, sizeof(struct snapshot)) };
    struct snapshot *snap = s->snapshot;
    current = s;
    log_set = (struct directive_set){ access_log.name, access_log.settings_size,
                                      access_log.directives, access_log.complete };
    arena_init(&snap->arena, 0);
    sources_init(&snap->sources, &snap->arena);
    diags_init(&s->diags, &snap->arena);
    compile_init(&snap->compile, &snap->arena, &snap->sources, &s->diags, sets);
    snap->compile.snapshot = snap;
    snap->compile.prefix = STR("/tmp/");
    variable_table_init(&snap->variables, &snap->arena);
    variable_table_add_core(&snap->variables);
    struct str whole = arena_printf(&snap->arena, "http { %s }", text);
    struct source *source = sources_add_text(&snap->sources, STR("/test.conf"), whole);
    bool good = compile_run(&snap->compile,
                            config_parse_text(&snap->sources, source, &s->diags, &snap->arena));
    open_exchange(s);
    return good && s->diags.errors == 0;
}

void
stage_close(struct stage *s)
{
    regexes_free(&s->snapshot->compile);
    arena_fini(&s->x.arena);
    arena_fini(&s->snapshot->arena);
    free(s->snapshot);
}

const char *
stage_problem(const struct stage *s)
{
    return s->diags.first ? arena_dup(&s->snapshot->arena, s->diags.first->message).p : "";
}

const char *
stage_eval(struct stage *s)
{
    return arena_dup(&s->x.arena, template_eval(s->texts[0], &s->x)).p;
}

void
stage_request_field(struct stage *s, const char *name, const char *value)
{
    fields_add(&s->x.request.fields, str_of(name), str_of(value));
}
