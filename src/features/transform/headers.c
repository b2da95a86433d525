/* add_header, add_trailer, expires: what a location adds to its responses. */
#include "exchange/feature.h"
#include "http/date.h"

/* One line of add_header or add_trailer. */
struct addition {
    struct addition *next;
    struct str name;
    const struct template *value;
    bool always; /* whatever the status */
};

/* A level's own, then what it takes over from the one outside. */
struct additions {
    struct addition *first, **end;
    const struct additions *outer;
};

enum inherit { INHERIT_OFF, INHERIT_ON, INHERIT_MERGE };
enum expires {
    EXPIRES_OFF,
    EXPIRES_EPOCH,
    EXPIRES_MAX,
    EXPIRES_IN,
    EXPIRES_MODIFIED,
    EXPIRES_DAILY
};

struct expiry {
    enum expires kind;
    int64_t seconds; /* from now, from the modification, or from midnight */
};

struct settings {
    struct additions *headers, *trailers;
    unsigned headers_inherit, trailers_inherit; /* enum inherit */
    struct expires_setting {
        struct expiry fixed;
        const struct template *text; /* with variables; NULL: fixed */
        bool modified;
    } expires;
};

extern const struct feature headers_;

enum { DAY = 86400 };

static bool
set_addition(struct setting *s)
{
    struct additions **list = s->field;
    struct arena *a = s->compile->arena;
    struct addition *new = arena_new(a, struct addition);
    if (*list == NULL) {
        *list = arena_new(a, struct additions);
        (*list)->end = &(*list)->first;
    }
    new->name = setting_arg(s, 1);
    new->value = template_compile(s, 2, setting_arg(s, 2));
    new->always = s->node->n == 4;
    *(*list)->end = new;
    (*list)->end = &new->next;
    if (new->always && !str_eq(setting_arg(s, 3), STR("always")))
        return setting_error(s, 3, "invalid parameter \"" STR_FMT "\"", STR_ARG(setting_arg(s, 3)));
    return new->value != NULL;
}

/* "30d", "+30d", "-1", "@15h30m", "epoch", "max", "off". */
static bool
parse_expiry(struct str text, bool modified, struct expiry *out)
{
    uint64_t ms;
    char sign = text.n ? text.p[0] : 0;
    bool daily = sign == '@', negative = sign == '-';
    enum expires word = str_eq(text, STR("epoch")) ? EXPIRES_EPOCH
                        : str_eq(text, STR("max")) ? EXPIRES_MAX
                                                   : EXPIRES_OFF;
    *out = (struct expiry){ .kind = word };
    if (!modified && (word != EXPIRES_OFF || str_eq(text, STR("off"))))
        return true;
    if (!parse_msec(str_skip(text, sign == '+' || daily || negative), &ms) ||
        (daily && ms > DAY * 1000ULL) || (daily && modified))
        return false;
    out->kind = modified ? EXPIRES_MODIFIED : daily ? EXPIRES_DAILY : EXPIRES_IN;
    out->seconds = (int64_t)(ms / 1000) * (negative ? -1 : 1);
    return true;
}

static bool
set_expires(struct setting *s)
{
    struct expires_setting *my = s->field;
    unsigned last = s->node->n - 1;
    struct str text = setting_arg(s, last);
    *my = (struct expires_setting){ .modified = last == 2 };
    if (my->modified && !str_eq(setting_arg(s, 1), STR("modified")))
        return setting_error(s, 1, "invalid value \"" STR_FMT "\"", STR_ARG(setting_arg(s, 1)));
    if (str_find(text, '$') >= 0) {
        my->text = template_compile(s, last, text);
        return my->text != NULL;
    }
    return parse_expiry(text, my->modified, &my->fixed) || setting_error(s, last, "invalid value");
}

static const struct choice inherit_choices[] = {
    { "on", INHERIT_ON }, { "off", INHERIT_OFF }, { "merge", INHERIT_MERGE }, { 0 }
};

#define EVERYWHERE (IN_HTTP | IN_SERVER | IN_LOCATION)

static const struct directive directives[] = {
    { "add_header", PLACE(struct settings, headers), EVERYWHERE | IN_LOCATION_IF,
      .set = set_addition, .flags = MANY, .args_min = 2, .args_max = 3,
      .syntax = "name value [always]", .example = "add_header X-Frame-Options DENY always;",
      .help = "Adds a field to responses with the status 200, 201, 204, 206, 301, 302, 303, 304, "
              "307 or 308; always: to all. Inherited only by blocks that set none of their own, "
              "unless add_header_inherit says otherwise." },
    { "add_trailer", PLACE(struct settings, trailers), EVERYWHERE | IN_LOCATION_IF,
      .set = set_addition, .flags = MANY, .args_min = 2, .args_max = 3,
      .syntax = "name value [always]", .example = "add_trailer X-Time $request_time;",
      .help = "The same for a field at the end of the response." },
    { "add_header_inherit", FIELD(struct settings, headers_inherit), EVERYWHERE | IN_LOCATION_IF,
      .initial = "on", .choices = inherit_choices,
      .help = "What becomes of the outer block's add_header: taken over where the block has none "
              "of its own, never, or always (merge)." },
    { "add_trailer_inherit", FIELD(struct settings, trailers_inherit), EVERYWHERE | IN_LOCATION_IF,
      .initial = "on", .choices = inherit_choices,
      .help = "The same for the outer block's add_trailer." },
    { "expires", PLACE(struct settings, expires), EVERYWHERE | IN_LOCATION_IF, .initial = "off",
      .set = set_expires, .args_min = 1, .args_max = 2,
      .syntax = "[modified] time | epoch | max | off", .example = "expires 30d;",
      .help = "Sets the Expires and Cache-Control fields: so long after now (negative: no-cache), "
              "after the modification, or at a time of day (@15h30m). May have variables." },
    { 0 },
};

/* What the block has of its own and what it gets. */
static void
inherit(enum inherit how, struct additions **mine, struct additions *outer)
{
    bool own = *mine && *mine != outer;
    if (how == INHERIT_OFF && !own)
        *mine = NULL;
    else if (how == INHERIT_MERGE && own)
        (*mine)->outer = outer;
}

static bool
complete(struct scope *scope, void *settings)
{
    struct settings *my = settings;
    if (scope->parent == NULL)
        return true;
    const struct settings *outer = scope_settings(scope->parent, feature_set(&headers_));
    inherit((enum inherit)my->headers_inherit, &my->headers, outer->headers);
    inherit((enum inherit)my->trailers_inherit, &my->trailers, outer->trailers);
    return true;
}

static bool
is_used(const void *settings)
{
    const struct settings *my = settings;
    return my->headers || my->trailers || my->expires.text || my->expires.fixed.kind != EXPIRES_OFF;
}

static bool
is_good(unsigned status)
{
    return status == 200 || status == 201 || status == 204 || status == 206 ||
           (status >= 301 && status <= 304) || status == 307 || status == 308;
}

/* A value from variables may bring a line break along, which would be a second field, or a NUL. */
static bool
is_safe(struct str value)
{
    return str_find(value, '\n') < 0 && str_find(value, '\r') < 0 && str_find(value, '\0') < 0;
}

/* Those that the codec or a filter keeps apart. */
static void
add_header(struct exchange *x, struct str name, struct str value)
{
    struct response *r = &x->response;
    enum header id = header_id(name);
    if (id == HEADER_ETAG || id == HEADER_LAST_MODIFIED)
        fields_remove(&r->fields, id); /* a backend's */
    if (id == HEADER_ETAG)
        r->etag = value; /* empty: it is taken away */
    else if (id == HEADER_LAST_MODIFIED)
        r->last_modified = value.n ? date_parse_http(value) : -1;
    if (value.n && id != HEADER_ETAG && (id != HEADER_LAST_MODIFIED || r->last_modified < 0))
        fields_push(&r->fields, name, value, id);
}

static void
add_trailer(struct exchange *x, struct str name, struct str value)
{
    if (value.n)
        fields_add(&x->response.trailers, name, value);
}

static void
add_all(struct exchange *x, const struct additions *list, bool good,
        void (*add)(struct exchange *x, struct str name, struct str value))
{
    for (; list; list = list->outer)
        for (const struct addition *a = list->first; a; a = a->next) {
            if (!good && !a->always)
                continue;
            struct str value = template_eval(a->value, x);
            if (is_safe(value))
                add(x, a->name, value);
        }
}

static time_t
seconds_to(time_t now, int64_t of_day)
{
    struct tm tm;
    localtime_r(&now, &tm);
    int64_t passed = tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec;
    return (time_t)(of_day > passed ? of_day - passed : of_day - passed + DAY);
}

static void
set_cache_fields(struct exchange *x, time_t expires, struct str cache_control)
{
    char *text = arena_text(&x->arena, HTTP_DATE_SIZE);
    date_format_http(expires, text);
    fields_set(&x->response.fields, HEADER_EXPIRES, (struct str){ text, HTTP_DATE_SIZE });
    fields_set(&x->response.fields, HEADER_CACHE_CONTROL, cache_control);
}

/* A backend's own stands among the fields. */
static time_t
modified_at(const struct exchange *x)
{
    const struct response *r = &x->response;
    return r->last_modified >= 0 ? r->last_modified
                                 : date_parse_http(fields_value(&r->fields, HEADER_LAST_MODIFIED));
}

static void
expire(struct exchange *x, const struct expires_setting *my)
{
    enum { LAST_DAY = 2145916555, MAX_AGE = 315360000 }; /* 31 Dec 2037 23:55:55, ten years */
    struct expiry e = my->fixed;
    time_t now = (time_t)(clock_wall_us() / 1000000), from = now;
    if (my->text && !parse_expiry(template_eval(my->text, x), my->modified, &e))
        return;
    switch (e.kind) {
    case EXPIRES_OFF:
        return;
    case EXPIRES_EPOCH:
        set_cache_fields(x, 1, STR("no-cache"));
        return;
    case EXPIRES_MAX:
        set_cache_fields(x, LAST_DAY, arena_printf(&x->arena, "max-age=%d", MAX_AGE));
        return;
    case EXPIRES_DAILY:
        e.seconds = seconds_to(now, e.seconds);
        break;
    case EXPIRES_MODIFIED:
        if (e.seconds && modified_at(x) >= 0) /* 0 is now, as nginx has it */
            from = modified_at(x);
        break;
    case EXPIRES_IN:
        break;
    }
    time_t at = from + (time_t)e.seconds;
    bool past = at < now || e.seconds < 0;
    set_cache_fields(x, at,
                     past ? STR("no-cache")
                          : arena_printf(&x->arena, "max-age=%lld", (long long)(at - now)));
}

static bool
has_any(const struct additions *list, bool good)
{
    for (; list; list = list->outer)
        for (const struct addition *a = list->first; a; a = a->next)
            if (good || a->always)
                return true;
    return false;
}

static void
add_trailers(struct exchange *x, const void *settings)
{
    const struct settings *my = settings;
    add_all(x, my->trailers, is_good(x->response.status), add_trailer);
}

static void
run(struct exchange *x, const void *settings)
{
    const struct settings *my = settings;
    bool good = is_good(x->response.status);
    if (good)
        expire(x, &my->expires);
    add_all(x, my->headers, good, add_header);
    if (has_any(my->trailers, good)) {
        x->response.at_end.run = add_trailers;
        x->response.at_end.settings = my;
    }
}

const struct feature headers_ = {
    .name = "headers",
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .complete = complete,
    .used = is_used,
    .on_response = run,
};
