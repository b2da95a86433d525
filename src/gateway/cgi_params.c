/* The meta-variables of a request, as CGI has them (RFC 3875 4.1). What a client's field would say
 * under a configured name is not passed, and nothing that could be taken for the environment's own:
 * HTTP_PROXY. */
#include "gateway/cgi_params.h"

#include "exchange/trace.h"
#include "gateway/hop_by_hop.h"

static void
write_configured(struct gateway *g, const struct cgi_params *params, struct cgi_sink *to)
{
    for (const struct cgi_param *p = params ? params->first : NULL; p; p = p->next) {
        struct str value = template_eval(p->value, g->x);
        if (value.n || !p->if_not_empty)
            to->put(to, p->name, value);
    }
}

/* "X-Name" as "HTTP_X_NAME". */
static struct str
variable_name(struct gateway *g, struct str name)
{
    struct str out = arena_join(&g->x->arena, STR("HTTP_"), name);
    char *p = (char *)out.p;
    for (size_t i = 5; i < out.n; i++)
        p[i] = p[i] == '-' ? '_' : p[i] >= 'a' && p[i] <= 'z' ? (char)(p[i] - 'a' + 'A') : p[i];
    return out;
}

static bool
is_first(const struct fields *fields, unsigned at)
{
    for (unsigned i = 0; i < at; i++)
        if (str_eq_nocase(fields->v[i].name, fields->v[at].name))
            return false;
    return true;
}

static bool
is_passed(const struct fields *fields, const struct hop_names *names, unsigned at)
{
    const struct field *f = &fields->v[at];
    return f->id != HEADER_HOST && !hop_is_bound(f->id) && !hop_names_has(names, f) &&
           !str_eq_nocase(f->name, STR("Proxy")) && is_first(fields, at);
}

static void
write_field(const struct cgi_params *params, struct cgi_sink *to, struct str name, struct str value)
{
    if (params == NULL || map_try(&params->names, name) == NULL)
        to->put(to, name, value);
}

/* The target's own authority goes before the field (RFC 9112 3.2.2). */
static void
write_host(struct gateway *g, const struct cgi_params *params, struct cgi_sink *to)
{
    const struct request_head *r = &g->x->request;
    struct str host = r->authority.n ? r->authority : fields_value(&r->fields, HEADER_HOST);
    if (host.n)
        write_field(params, to, STR("HTTP_HOST"), host);
}

/* Lines of one name are one value, as HTTP joins them. */
static void
write_client_fields(struct gateway *g, const struct cgi_params *params, struct cgi_sink *to)
{
    const struct fields *fields = &g->x->request.fields;
    const struct hop_names names = hop_names_of(fields);
    for (unsigned i = 0; i < fields->n; i++) {
        const struct field *f = &fields->v[i];
        if (!is_passed(fields, &names, i))
            continue;
        struct str name = variable_name(g, f->name);
        struct str separator = f->id == HEADER_COOKIE ? STR("; ") : STR(", ");
        write_field(params, to, name, fields_joined(fields, f->name, separator, &g->x->arena));
    }
}

void
cgi_params_write(struct gateway *g, const struct cgi_params *params, struct cgi_sink *to)
{
    write_configured(g, params, to);
    if (g->my->pass_request_headers) {
        write_host(g, params, to);
        write_client_fields(g, params, to);
    }
}

static struct cgi_params *
params_of(struct setting *s)
{
    struct cgi_params **params = s->field;
    if (*params == NULL) {
        *params = arena_new(s->compile->arena, struct cgi_params);
        (*params)->end = &(*params)->first;
        map_init(&(*params)->names, s->compile->arena, false);
    }
    return *params;
}

bool
cgi_params_set(struct setting *s)
{
    struct cgi_params *params = params_of(s);
    struct cgi_param *p = arena_new(s->compile->arena, struct cgi_param);
    if (s->node->n > 3 && !str_eq(setting_arg(s, 3), STR("if_not_empty")))
        return setting_error(s, 3, "invalid parameter \"" STR_FMT "\"", STR_ARG(setting_arg(s, 3)));
    p->name = setting_arg(s, 1);
    p->value = template_compile(s, 2, setting_arg(s, 2));
    p->if_not_empty = s->node->n > 3;
    *params->end = p;
    params->end = &p->next;
    map_put(&params->names, p->name, p);
    return p->value != NULL;
}

struct telling {
    struct cgi_sink sink; /* first */
    struct exchange *x;
    const char *label;
};

static void
tell(struct cgi_sink *to, struct str name, struct str value)
{
    struct telling *t = (struct telling *)to;
    trace_say(t->x, t->label, NULL, STR_FMT ": " STR_FMT, STR_ARG(name), STR_ARG(value));
    t->label = "";
}

void
cgi_params_explain(struct gateway *g, const struct cgi_params *params)
{
    struct telling to = { { tell }, g->x, "sends" };
    cgi_params_write(g, params, &to.sink);
}
