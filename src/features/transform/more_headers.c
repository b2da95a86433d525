/* more_set_headers and its kin: fields of responses of any status, and of requests, set and
 * cleared.
 *
 * As the add-on module headers_more has them: what an outer block says holds in inner ones too, and
 * comes first there. Framing (Connection, Transfer-Encoding, the length of a body that is there) is
 * not theirs to say. */
#include "exchange/feature.h"
#include "exchange/hosts/location.h"
#include "exchange/mime_types.h"
#include "http/date.h"
#include "http/uri.h"

enum { CHOICES_MOST = 32 };

/* One field of one directive. The list is of a block and all around it, the latest first. */
struct change {
    const struct change *before;
    struct str name; /* without a star at its end */
    enum header id;
    bool wild;                    /* all names that begin so */
    bool existing;                /* -r: only where there is one */
    bool add;                     /* -a: beside those that are there */
    const struct template *value; /* NULL: cleared */
    const struct conditions *when;
};

struct conditions {
    unsigned statuses[CHOICES_MOST], n_statuses;
    struct str types[CHOICES_MOST];
    unsigned n_types;
};

struct changes {
    const struct change **v;
    unsigned n;
};

struct settings {
    const struct change *output, *input; /* the last ones */
    struct changes outputs, inputs;      /* in order */
};

/* --- Reading --- */

static bool
is_input(const struct setting *s)
{
    return str_find_str(str_of(s->row->name), STR("_input_")) >= 0;
}

static bool
is_clear(const struct setting *s)
{
    return str_starts(str_of(s->row->name), STR("more_clear_"));
}

static bool
add_types(struct setting *s, unsigned word, struct conditions *c)
{
    struct str rest = setting_arg(s, word);
    while (rest.p) {
        struct str one = str_cut(&rest, ' ');
        if (one.n && c->n_types == CHOICES_MOST)
            return setting_error(s, word, "%s: too many types", s->row->name);
        if (one.n)
            c->types[c->n_types++] = one;
    }
    return true;
}

static bool
add_statuses(struct setting *s, unsigned word, struct conditions *c)
{
    struct str text = setting_arg(s, word), rest = text;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != ' ' && (text.p[i] < '0' || text.p[i] > '9'))
            return setting_error(
                s, word, "%s: invalid digit \"%c\" found in the status code list \"" STR_FMT "\"",
                s->row->name, text.p[i], STR_ARG(text));
    while (rest.p) {
        uint64_t status = 0;
        struct str one = str_cut(&rest, ' ');
        if (one.n && (!str_to_u64(one, 999, &status) || c->n_statuses == CHOICES_MOST))
            return setting_error(s, word, "%s: invalid status code \"" STR_FMT "\"", s->row->name,
                                 STR_ARG(one));
        if (one.n)
            c->statuses[c->n_statuses++] = (unsigned)status;
    }
    return true;
}

/* What the words before the first field say; *word moves to that. */
struct options {
    struct conditions when;
    bool existing, add;
};

static bool
read_option(struct setting *s, unsigned *word, struct options *o)
{
    struct str name = setting_arg(s, *word);
    bool types = str_eq(name, STR("-t")), statuses = str_eq(name, STR("-s")) && !is_input(s);
    if (str_eq(name, STR("-r")) && is_input(s)) {
        o->existing = true;
        return true;
    }
    if (str_eq(name, STR("-a")) && !is_clear(s) && !is_input(s)) {
        o->add = true;
        return true;
    }
    if (!types && !statuses)
        return setting_error(s, *word, "%s: invalid option name: \"" STR_FMT "\"", s->row->name,
                             STR_ARG(name));
    if (*word + 1 == s->node->n)
        return setting_error(s, *word, "%s: option " STR_FMT " takes an argument.", s->row->name,
                             STR_ARG(name));
    ++*word;
    return types ? add_types(s, *word, &o->when) : add_statuses(s, *word, &o->when);
}

static bool
is_token(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = byte_lower(name.p[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
            str_find(STR("!#$%&'*+-.^_`|~"), c) < 0)
            return false;
    }
    return name.n > 0;
}

/* "Name: value", or the name alone to clear it. */
static bool
add_change(struct setting *s, unsigned word, const struct options *o, const struct change **last)
{
    struct str value = setting_arg(s, word), name = str_trim(str_cut(&value, ':'));
    struct change *c = arena_new(s->compile->arena, struct change);
    if (!is_token(name))
        return setting_error(s, word, "invalid header name \"" STR_FMT "\"", STR_ARG(name));
    value = value.p && !is_clear(s) ? str_trim(value) : STR_NONE;
    *c = (struct change){ .before = *last, .existing = o->existing, .add = o->add };
    c->wild = value.n == 0 && name.p[name.n - 1] == '*';
    c->name = str_head(name, name.n - c->wild);
    c->id = c->wild ? HEADER_OTHER : header_id(name);
    if (o->when.n_statuses || o->when.n_types)
        c->when = &o->when;
    if (value.n)
        c->value = template_compile(s, word, value);
    *last = c;
    return value.n == 0 || c->value != NULL;
}

static bool
set_changes(struct setting *s)
{
    const struct change **last = s->field;
    struct options *o = arena_new(s->compile->arena, struct options);
    unsigned word = 1;
    bool ok = true;
    for (; word < s->node->n && str_starts(setting_arg(s, word), STR("-")); word++)
        if (!read_option(s, &word, o))
            return false;
    for (; word < s->node->n; word++)
        ok = add_change(s, word, o, last) && ok;
    return ok;
}

static struct changes
in_order(struct arena *a, const struct change *last)
{
    struct changes list = { .n = 0 };
    for (const struct change *c = last; c; c = c->before)
        list.n++;
    list.v = arena_array(a, const struct change *, list.n);
    unsigned at = list.n;
    for (const struct change *c = last; c; c = c->before)
        list.v[--at] = c;
    return list;
}

static bool
complete(struct scope *scope, void *settings)
{
    struct settings *my = settings;
    my->outputs = in_order(scope->compile->arena, my->output);
    my->inputs = in_order(scope->compile->arena, my->input);
    return true;
}

#define EVERYWHERE (IN_HTTP | IN_SERVER | IN_LOCATION | IN_LOCATION_IF)

#define ROW(name_, member, syntax_, example_, help_)                                      \
    {                                                                                     \
        name_, PLACE(struct settings, member), EVERYWHERE,                                \
            .set = set_changes, .flags = REPEATABLE, .args_min = 1, .args_max = ARGS_ANY, \
            .syntax = syntax_, .help = help_, .example = name_ " " example_ ";"           \
    }

static const struct directive directives[] = {
    ROW("more_set_headers", output, "[-a] [-t types]... [-s statuses]... \"Name: value\"...",
        "-s '404 410' 'X-Robots-Tag: noindex'",
        "Sets response fields, whatever the status, in place of those of the name that are there; "
        "one without value is cleared. -t: of responses of these types only; -s: of these "
        "statuses; -a: beside those that are there. Server and Content-Type are set so too; "
        "Connection, Transfer-Encoding and Content-Length are not."),
    ROW("more_clear_headers", output, "[-t types]... [-s statuses]... name...",
        "X-Powered-By 'X-Debug-*'",
        "Takes response fields away; a star at the end of a name stands for any rest."),
    ROW("more_set_input_headers", input, "[-r] [-t types]... \"Name: value\"...",
        "'Host: $host_of_backend'",
        "Sets request fields once the location's rewrite directives have run. -r: only those that "
        "are there; -t: of requests of these types only. $host follows Host."),
    ROW("more_clear_input_headers", input, "[-t types]... name...", "Authorization",
        "Takes request fields away, as above."),
    { 0 },
};

/* --- At work --- */

static bool
is_used(const void *settings)
{
    const struct settings *my = settings;
    return my->outputs.n || my->inputs.n;
}

static bool
has_type(const struct conditions *c, struct str type)
{
    for (unsigned i = 0; i < c->n_types; i++)
        if (str_eq_nocase(mime_type_of(type), c->types[i]))
            return true;
    return c->n_types == 0;
}

static bool
has_status(const struct conditions *c, unsigned status)
{
    for (unsigned i = 0; i < c->n_statuses; i++)
        if (c->statuses[i] == status)
            return true;
    return c->n_statuses == 0;
}

/* A value that would become more than one field counts as none. */
static struct str
value_of(struct exchange *x, const struct change *c)
{
    struct str value = c->value ? template_eval(c->value, x) : STR("");
    bool whole =
        str_find(value, '\n') < 0 && str_find(value, '\r') < 0 && str_find(value, '\0') < 0;
    return whole && value.p ? value : STR("");
}

static bool
is_meant(const struct change *c, const struct field *f)
{
    if (c->wild)
        return str_starts_nocase(f->name, c->name);
    return f->id == c->id && (c->id != HEADER_OTHER || str_eq_nocase(f->name, c->name));
}

/* The first of the name gets the value, the others go; all do when there is none. */
static void
change_list(struct fields *list, const struct change *c, struct str value)
{
    unsigned kept = 0;
    bool placed = c->add;
    for (unsigned i = 0; i < list->n; i++) {
        struct field f = list->v[i];
        if (!c->add && is_meant(c, &f)) {
            if (placed || value.n == 0)
                continue;
            f.value = value;
            placed = true;
        }
        list->v[kept++] = f;
    }
    list->n = kept;
    if (value.n && (c->add || (!placed && !c->existing)))
        fields_push(list, c->name, value, c->id);
}

static void
set_etag(struct exchange *x, struct str value)
{
    fields_remove(&x->response.fields, HEADER_ETAG);
    x->response.etag = value;
}

static void
set_last_modified(struct exchange *x, const struct change *c, struct str value)
{
    fields_remove(&x->response.fields, HEADER_LAST_MODIFIED);
    x->response.last_modified = value.n ? date_parse_http(value) : -1;
    if (value.n && x->response.last_modified < 0)
        change_list(&x->response.fields, c, value);
}

/* A charset that was known stays, unless another one is named. */
static void
set_content_type(struct exchange *x, struct str value)
{
    struct response *r = &x->response;
    struct str charset = mime_charset_of(r->content_type);
    if (value.n && charset.n && !mime_charset_of(value).p)
        r->content_type =
            arena_printf(&x->arena, STR_FMT "; charset=" STR_FMT, STR_ARG(value), STR_ARG(charset));
    else
        r->content_type = value.n ? value : STR_NONE;
}

/* Those that the codec or a filter keeps apart. False: it is among the fields. */
static bool
change_apart(struct exchange *x, const struct change *c, struct str value)
{
    struct response *r = &x->response;
    switch (c->id) {
    case HEADER_SERVER:
        r->server = value;
        return true;
    case HEADER_DATE:
        r->date = value;
        return true;
    case HEADER_CONTENT_TYPE:
        set_content_type(x, value);
        return true;
    case HEADER_ETAG:
        set_etag(x, value);
        return true;
    case HEADER_LAST_MODIFIED:
        set_last_modified(x, c, value);
        return true;
    case HEADER_CONTENT_LENGTH:
        if (value.n == 0)
            r->content_length = -1;
        return true;
    case HEADER_CONNECTION:
    case HEADER_KEEP_ALIVE:
    case HEADER_TRANSFER_ENCODING:
        return true;
    case HEADER_ACCEPT_RANGES:
        r->ranges_allowed = r->ranges_allowed && value.n;
        return false;
    default:
        return false;
    }
}

static void
change_response(struct exchange *x, const void *settings)
{
    const struct settings *my = settings;
    for (unsigned i = 0; i < my->outputs.n; i++) {
        const struct change *c = my->outputs.v[i];
        const struct response *r = &x->response;
        if (c->when && (!has_type(c->when, r->content_type) || !has_status(c->when, r->status)))
            continue;
        struct str value = value_of(x, c);
        if (c->id == HEADER_LOCATION && str_starts(value, STR("/")))
            value = redirect_location(x, value);
        if (!change_apart(x, c, value))
            change_list(&x->response.fields, c, value);
    }
}

/* The server that answers stays. */
static void
change_host(struct exchange *x, struct str value)
{
    int port;
    if (value.n == 0)
        x->host = x->server->name;
    else if (!host_parse(value, &x->arena, &x->host, &port))
        x->host = value;
    x->request.authority = STR_NONE;
}

/* How a body is framed was said on the wire. */
static bool
is_framing(enum header id)
{
    return id == HEADER_CONTENT_LENGTH || id == HEADER_TRANSFER_ENCODING ||
           id == HEADER_CONNECTION || id == HEADER_EXPECT || id == HEADER_UPGRADE;
}

static enum verdict
change_request(struct exchange *x, const void *settings)
{
    const struct settings *my = settings;
    struct fields *fields = &x->request.fields;
    for (unsigned i = 0; i < my->inputs.n; i++) {
        const struct change *c = my->inputs.v[i];
        if (is_framing(c->id) ||
            (c->when && !has_type(c->when, fields_value(fields, HEADER_CONTENT_TYPE))))
            continue;
        bool had = fields_find_named(fields, c->name) != NULL;
        struct str value = value_of(x, c);
        change_list(fields, c, value);
        if (c->id == HEADER_HOST && (had || !c->existing))
            change_host(x, value);
    }
    return PASS;
}

const struct feature more_headers = {
    .name = "more_headers",
    .phase = PHASE_INPUT,
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .complete = complete,
    .used = is_used,
    .on_request = change_request,
    .explain = change_request,
    .on_response = change_response,
};
