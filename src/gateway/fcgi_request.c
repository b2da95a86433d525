/* Parameters of a FastCGI request. What a client's field would say under a configured name is not
 * passed, and nothing that could be taken for the environment's own: HTTP_PROXY. */
#include "gateway/fcgi_request.h"

#include "gateway/hop_by_hop.h"
#include "wire/fcgi.h"

static void
write_configured(struct gateway *g, const struct fcgi_settings *my, struct fcgi_writer *w)
{
    const struct fcgi_params *params = my->params;
    for (const struct fcgi_param *p = params ? params->first : NULL; p; p = p->next) {
        struct str value = template_eval(p->value, g->x);
        if (value.n || !p->if_not_empty)
            fcgi_write_param(w, p->name, value);
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
write_field(const struct fcgi_settings *my, struct fcgi_writer *w, struct str name,
            struct str value)
{
    if (my->params == NULL || map_try(&my->params->names, name) == NULL)
        fcgi_write_param(w, name, value);
}

/* The target's own authority goes before the field (RFC 9112 3.2.2). */
static void
write_host(struct gateway *g, const struct fcgi_settings *my, struct fcgi_writer *w)
{
    const struct request_head *r = &g->x->request;
    struct str host = r->authority.n ? r->authority : fields_value(&r->fields, HEADER_HOST);
    if (host.n)
        write_field(my, w, STR("HTTP_HOST"), host);
}

/* Lines of one name are one value, as HTTP joins them. */
static void
write_client_fields(struct gateway *g, const struct fcgi_settings *my, struct fcgi_writer *w)
{
    const struct fields *fields = &g->x->request.fields;
    const struct hop_names names = hop_names_of(fields);
    for (unsigned i = 0; i < fields->n; i++) {
        const struct field *f = &fields->v[i];
        if (!is_passed(fields, &names, i))
            continue;
        struct str name = variable_name(g, f->name);
        struct str separator = f->id == HEADER_COOKIE ? STR("; ") : STR(", ");
        write_field(my, w, name, fields_joined(fields, f->name, separator, &g->x->arena));
    }
}

void
fcgi_write_request(struct gateway *g, const struct fcgi_settings *my, struct buf *b)
{
    struct fcgi_writer w;
    fcgi_write_begin(&w, b, my->keep_conn);
    write_configured(g, my, &w);
    if (g->my->pass_request_headers) {
        write_host(g, my, &w);
        write_client_fields(g, my, &w);
    }
    fcgi_write_params_end(&w);
}
