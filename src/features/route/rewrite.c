/* rewrite REGEX REPLACEMENT [last | break | redirect | permanent]: another URI for a request whose
 * URI matches. */
#include "exchange/feature.h"
#include "exchange/hosts/location.h"
#include "exchange/rewrite/program.h"
#include "exchange/values/regex.h"
#include "http/uri.h"

enum flag { NO_FLAG, FLAG_LAST, FLAG_BREAK, FLAG_REDIRECT, FLAG_PERMANENT };

struct rewrite {
    struct op op; /* first */
    struct regex *regex;
    const struct template *uri;
    const struct template *args; /* after the replacement's '?'; NULL: it has none */
    enum flag flag;
    bool drops_args; /* it ends in '?': the request's own are not added */
};

struct settings {
    bool log;
};

extern const struct feature rewrite_;

static const struct choice flags[] = { { "last", FLAG_LAST },
                                       { "break", FLAG_BREAK },
                                       { "redirect", FLAG_REDIRECT },
                                       { "permanent", FLAG_PERMANENT },
                                       { NULL, 0 } };

static bool
is_url(struct str s)
{
    return str_starts(s, STR("http://")) || str_starts(s, STR("https://")) ||
           str_starts(s, STR("$scheme"));
}

static bool
set_flag(struct setting *s, struct rewrite *r)
{
    for (const struct choice *c = flags; c->name; c++)
        if (str_eq(setting_arg(s, 3), str_of(c->name))) {
            if (r->flag != FLAG_REDIRECT || c->value == FLAG_PERMANENT)
                r->flag = (enum flag)c->value; /* a URL redirects, whatever is said */
            return true;
        }
    return setting_error(s, 3, "invalid parameter \"" STR_FMT "\"", STR_ARG(setting_arg(s, 3)));
}

static bool
set_replacement(struct setting *s, struct rewrite *r)
{
    struct str uri = setting_arg(s, 2);
    if (is_url(uri))
        r->flag = FLAG_REDIRECT;
    r->drops_args = str_ends(uri, STR("?"));
    if (r->drops_args)
        uri = str_head(uri, uri.n - 1);
    ptrdiff_t query = str_find(uri, '?');
    if (query >= 0) {
        r->args = template_compile(s, 2, str_skip(uri, (size_t)query + 1));
        uri = str_head(uri, (size_t)query);
    }
    r->uri = template_compile(s, 2, uri);
    return r->uri != NULL && (query < 0 || r->args != NULL);
}

static void
tell(struct exchange *x, const struct rewrite *r, const char *how)
{
    const struct settings *my = feature_settings(x, &rewrite_);
    if (my->log)
        exchange_log(x, LEVEL_NOTICE, 0, "\"" STR_FMT "\" %s \"" STR_FMT "\"",
                     STR_ARG(r->regex->pattern), how, STR_ARG(x->uri));
}

static enum uri_escape
escape_of(const struct exchange *x)
{
    return program_escapes_captures(x) ? ESCAPE_ARGS : ESCAPE_UNSENDABLE;
}

/* The replacement's arguments, then the request's own. */
static struct str
new_args(struct exchange *x, const struct rewrite *r)
{
    struct str own = r->drops_args ? str_head(x->args, 0) : x->args;
    if (r->args == NULL)
        return own;
    struct str args = template_eval_captures(r->args, x, escape_of(x));
    if (own.n == 0)
        return args;
    return arena_join(&x->arena, arena_join(&x->arena, args, STR("&")), own);
}

/* A redirect's path is as readable as it may be; what a capture had after a '?' stays escaped. */
static struct str
readable(struct exchange *x, struct str uri)
{
    ptrdiff_t query = str_find(uri, '?');
    struct str path = query < 0 ? uri : str_head(uri, (size_t)query);
    struct buf b;
    buf_init(&b, &x->arena, uri.n, 0);
    for (struct str rest = path; rest.n;) {
        struct str one = str_head(rest, rest.p[0] == '%' && rest.n > 2 ? 3 : 1);
        struct str byte = uri_decode(one, &x->arena);
        rest = str_skip(rest, one.n);
        buf_put(&b, uri_escape(byte, ESCAPE_REDIRECT, &x->arena).n == 1 ? byte : one);
        if (byte.p[0] == '?') {
            buf_put(&b, rest);
            break;
        }
    }
    buf_put(&b, str_skip(uri, path.n));
    return buf_str(&b);
}

static enum verdict
redirect_to(struct exchange *x, const struct rewrite *r, struct str uri, struct str args)
{
    if (args.n || r->args)
        uri = arena_join(&x->arena, arena_join(&x->arena, uri, STR("?")), args);
    const struct settings *my = feature_settings(x, &rewrite_);
    if (my->log)
        exchange_log(x, LEVEL_NOTICE, 0, "rewritten redirect: \"" STR_FMT "\"", STR_ARG(uri));
    return redirect(x, r->flag == FLAG_PERMANENT ? 301 : 302, uri);
}

static enum verdict
run(struct exchange *x, const struct op *op)
{
    const struct rewrite *r = (const struct rewrite *)op;
    bool redirects = r->flag == FLAG_REDIRECT || r->flag == FLAG_PERMANENT;
    if (!regex_match_fresh(r->regex, x->uri, x)) {
        tell(x, r, "does not match");
        return PASS;
    }
    tell(x, r, "matches");
    struct str uri = redirects ? readable(x, template_eval_captures(r->uri, x, escape_of(x)))
                               : template_eval(r->uri, x);
    struct str args = new_args(x, r);
    if (uri.p == NULL)
        return FAILED;
    if (redirects)
        return redirect_to(x, r, uri, args);
    if (uri.n == 0)
        return fail(x, FAULT_INTERNAL, "the rewritten URI has a zero length");
    x->uri = uri;
    x->args = args;
    x->uri_is_raw = false;
    x->internal = true;
    x->uri_changed = true;
    const struct settings *my = feature_settings(x, &rewrite_);
    if (my->log)
        exchange_log(x, LEVEL_NOTICE, 0, "rewritten data: \"" STR_FMT "\", args: \"" STR_FMT "\"",
                     STR_ARG(uri), STR_ARG(args));
    if (r->flag != NO_FLAG)
        program_stop(x, r->flag == FLAG_LAST);
    return PASS;
}

static bool
set_rewrite(struct setting *s)
{
    struct rewrite *r = arena_new(s->compile->arena, struct rewrite);
    r->op.run = run;
    r->regex = regex_compile(s, 1, setting_arg(s, 1), false);
    if (r->regex == NULL || !set_replacement(s, r) || (s->node->n == 4 && !set_flag(s, r)))
        return false;
    program_append(s, &r->op);
    return true;
}

static const struct directive directives[] = {
    { "rewrite", NO_FIELD, IN_SERVER | IN_LOCATION | IN_SERVER_IF | IN_LOCATION_IF,
      .set = set_rewrite, .flags = REPEATABLE | SETTINGS_APART, .args_min = 2, .args_max = 3,
      .syntax = "regex replacement [last | break | redirect | permanent]",
      .example = "rewrite ^/users/(.*)$ /show?user=$1 last;",
      .help = "Changes the URI of requests that match. Directives run in the order of the text; "
              "last looks for a new location, break goes on in this one, redirect (302) and "
              "permanent (301) answer, as a replacement does that begins with http://, https:// or "
              "$scheme. The request's arguments are added unless the replacement ends in ?." },
    { "rewrite_log", FIELD(struct settings, log),
      IN_HTTP | IN_SERVER | IN_LOCATION | IN_SERVER_IF | IN_LOCATION_IF, .initial = "off",
      .help = "Whether the error log tells, at the level notice, what rewrite does." },
    { 0 },
};

const struct feature rewrite_ = {
    .name = "rewrite",
    .settings_size = sizeof(struct settings),
    .directives = directives,
};
