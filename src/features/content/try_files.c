/* try_files: the first path that exists takes the place of the URI; when there is none, the last
 * word says what answers. It runs before the location's content, whatever that is. */
#include "exchange/feature.h"
#include "exchange/files/files.h"
#include "exchange/files/path.h"
#include "exchange/hosts/location.h"

struct
try {
    const struct template *path;
    bool directory; /* it was written with a slash at its end, which path is without */
};

struct settings {
    struct try *tries;
    unsigned n;
    const struct template *last; /* "/uri?args" or "@name"; NULL: status */
    unsigned status;
};

static bool
set_last(struct setting *s, struct settings *my)
{
    unsigned word = s->node->n - 1;
    struct str last = setting_arg(s, word);
    uint64_t status;
    if (last.n == 0 || last.p[0] != '=') {
        my->last = template_compile(s, word, last);
        return my->last != NULL;
    }
    if (!str_to_u64(str_skip(last, 1), 999, &status))
        return setting_error(s, word, "invalid code \"" STR_FMT "\"", STR_ARG(last));
    my->status = (unsigned)status;
    return true;
}

static bool
set_try_files(struct setting *s)
{
    struct settings *my = s->settings;
    *my = (struct settings){ .n = s->node->n - 2 };
    my->tries = arena_array(s->compile->arena, struct try, my->n);
    for (unsigned i = 0; i < my->n; i++) {
        struct str path = setting_arg(s, i + 1);
        my->tries[i].directory = str_ends(path, STR("/"));
        path.n -= my->tries[i].directory;
        my->tries[i].path = template_compile(s, i + 1, path);
        if (my->tries[i].path == NULL)
            return false;
    }
    return set_last(s, my);
}

static const struct directive directives[] = {
    { "try_files", NO_FIELD, IN_SERVER | IN_LOCATION, .set = set_try_files, .args_min = 2,
      .args_max = ARGS_ANY, .syntax = "file ... uri | file ... =code",
      .example = "try_files $uri $uri/ /index.html;",
      .help = "The first file that exists below root or alias (a directory where a slash ends the "
              "word) answers in place of the URI; else the last word: another URI, a named "
              "location, or a status.",
      .differs = "a path made of variables does not climb out of the root." },
    { 0 },
};

/* An alias stands for the location's name, so a path that begins with that name is meant without
 * it; any other stands below the alias, and its URI below the name. */
static struct str
uri_of(struct exchange *x, struct str value)
{
    const struct core_settings *core = x->location->core;
    size_t cut = core->alias_cut;
    if (!core->alias || cut > x->uri.n || str_starts(value, str_head(x->uri, cut)))
        return value;
    return arena_join(&x->arena, str_head(x->uri, cut), value);
}

/* Is it there? Then it is x->uri; x->uri_is_raw stays, as nginx has it: a proxy_pass without a URI
 * goes on sending what the client asked for. FAILED when the path cannot be evaluated, PASS when it
 * is not there. */
static enum verdict
try_one(struct exchange *x, const struct try *t)
{
    struct stat st;
    struct str value = template_eval(t->path, x);
    if (value.p == NULL)
        return FAILED;
    struct str uri = uri_of(x, value), path = request_path(x, uri);
    if (path.p == NULL)
        return FAILED;
    int error = file_look(x, path, &st);
    if (error < 0) {
        if (!file_error_is_missing(error))
            exchange_log(x, LEVEL_CRIT, -error, "stat() \"" STR_FMT "\" failed", STR_ARG(path));
        return PASS;
    }
    if ((S_ISDIR(st.st_mode) != 0) != t->directory)
        return PASS;
    x->uri = uri.n || !t->directory ? uri : STR("/");
    return DONE;
}

static enum verdict
fall_back(struct exchange *x, const struct settings *my)
{
    if (my->last == NULL)
        return status_only(x, my->status);
    struct str uri = template_eval(my->last, x), args = STR("");
    if (uri.p == NULL)
        return FAILED;
    ptrdiff_t query = uri.n && uri.p[0] != '@' ? str_find(uri, '?') : -1;
    if (query >= 0) {
        args = str_skip(uri, (size_t)query + 1);
        uri = str_head(uri, (size_t)query);
    }
    return internal_redirect(x, uri, args);
}

/* A path that was found goes on to the location's content. */
static enum verdict
try_files(struct exchange *x, const void *settings)
{
    const struct settings *my = settings;
    for (unsigned i = 0; i < my->n; i++) {
        enum verdict v = try_one(x, &my->tries[i]);
        if (v != PASS)
            return v == DONE ? PASS : v;
    }
    return fall_back(x, my);
}

const struct feature try_files_ = {
    .name = "try_files",
    .phase = PHASE_PRECONTENT,
    .own_only = true,
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .on_request = try_files,
    .explain = try_files,
};
