/* auth_request: a sub-request says who may come in. auth_request_set: what else it says is kept in
 * variables. */
#include "exchange/auth/satisfy.h"
#include "exchange/feature.h"
#include "exchange/snapshot.h"
#include "exchange/subrequest/subrequest.h"
#include "exchange/trace.h"

struct assignment {
    struct assignment *next;
    const struct variable_ref *variable;
    const struct template *value;
};

struct settings {
    struct str uri; /* "off": none */
    struct assignments {
        struct assignment *first, **end;
    } * assignments;
};

static bool
set_variable(struct setting *s)
{
    struct settings *my = s->settings;
    struct snapshot *snapshot = s->compile->snapshot;
    struct assignment *new = arena_new(s->compile->arena, struct assignment);
    struct str name = setting_arg(s, 1);
    if (!str_starts(name, STR("$")) || name.n < 2)
        return setting_error(s, 1, "invalid variable name \"" STR_FMT "\"", STR_ARG(name));
    new->variable = variable_define(&snapshot->variables, str_skip(name, 1));
    if (new->variable == NULL)
        return setting_error(s, 1, "the duplicate \"" STR_FMT "\" variable",
                             STR_ARG(str_skip(name, 1)));
    new->value = template_compile(s, 2, setting_arg(s, 2));
    if (my->assignments == NULL) {
        my->assignments = arena_new(s->compile->arena, struct assignments);
        my->assignments->end = &my->assignments->first;
    }
    *my->assignments->end = new;
    my->assignments->end = &new->next;
    return new->value != NULL;
}

static const struct directive directives[] = {
    { "auth_request", FIELD(struct settings, uri), IN_HTTP | IN_SERVER | IN_LOCATION,
      .initial = "off", .syntax = "uri | off", .example = "auth_request /auth;",
      .help = "A sub-request to that URI decides on access: 2xx allows it, 401 and 403 deny it, "
              "anything else is an error (500)." },
    { "auth_request_set", PLACE(struct settings, assignments), IN_HTTP | IN_SERVER | IN_LOCATION,
      .set = set_variable, .flags = MANY, .args_min = 2, .syntax = "$variable value",
      .example = "auth_request_set $user $upstream_http_x_user;",
      .help = "Gives a variable a value when auth_request's sub-request has ended; the value's "
              "variables are the sub-request's, as $upstream_http_…." },
    { 0 },
};

static bool
is_used(const void *settings)
{
    const struct settings *my = settings;
    return !str_eq(my->uri, STR("off"));
}

static void
assign(struct exchange *x, struct exchange *child, const struct settings *my)
{
    for (const struct assignment *a = my->assignments ? my->assignments->first : NULL; a;
         a = a->next)
        variable_store(x, a->variable, arena_dup(&x->arena, template_eval(a->value, child)));
}

/* How to log in goes with the refusal. */
static enum verdict
refuse(struct exchange *x, const struct exchange *child)
{
    const struct fields *from = &child->response.fields;
    response_init(x, 401);
    for (unsigned i = 0; i < from->n; i++)
        if (from->v[i].id == HEADER_WWW_AUTHENTICATE)
            fields_add_known(&x->response.fields, HEADER_WWW_AUTHENTICATE,
                             arena_dup(&x->arena, from->v[i].value));
    return status_only(x, 401);
}

static enum verdict
judge(struct exchange *x, const struct exchange *child)
{
    unsigned status = child->response.status;
    if (status == 403)
        return status_only(x, 403);
    if (status == 401)
        return refuse(x, child);
    if (status >= 200 && status < 300) {
        access_grant(x);
        return PASS;
    }
    return fail(x, FAULT_INTERNAL, "auth request unexpected status: %u", status);
}

/* The steps of the sub-request are told below; a backend is taken to say yes. */
static int
explain_run(struct exchange *x, struct exchange *child)
{
    trace_say(x, "auth", NULL, "asks " STR_FMT ":", STR_ARG(child->uri));
    child->trace = x->trace;
    x->trace->depth++;
    int r = subrequest_run(child);
    x->trace->depth--;
    if (r == 0)
        trace_say(x, "auth", NULL, "%s answers %u%s",
                  child->response.relayed ? "the backend" : "it", child->response.status,
                  child->response.relayed ? ", which is assumed" : "");
    return r;
}

static enum verdict
ask(struct exchange *x, const void *settings)
{
    const struct settings *my = settings;
    struct exchange *child = subrequest_open(x, my->uri, STR_NONE, 0);
    if (child == NULL)
        return status_only(x, 500);
    int r = x->trace ? explain_run(x, child) : subrequest_run(child);
    enum verdict v = r < 0 ? subrequest_cancelled(x) : PASS;
    if (v == PASS) {
        assign(x, child, my);
        v = judge(x, child);
    }
    subrequest_close(child);
    return v;
}

const struct feature auth_request = {
    .name = "auth_request",
    .phase = PHASE_AUTH,
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .used = is_used,
    .on_request = ask,
    .explain = ask,
};
