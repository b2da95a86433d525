/* index: a URI that ends with a slash is answered by the first of these files that exists. */
#include "exchange/feature.h"
#include "exchange/files/files.h"
#include "exchange/files/path.h"
#include "exchange/hosts/location.h"

struct candidate {
    struct candidate *next;
    const struct template *name;
};

struct settings {
    struct candidate *files;
};

/* Appends to the list of this level. */
static bool
set_index(struct setting *s)
{
    struct candidate **end = &((struct settings *)s->settings)->files;
    while (*end)
        end = &(*end)->next;
    for (unsigned i = 1; i < s->node->n; i++) {
        struct str name = setting_arg(s, i);
        if (name.n == 0)
            return setting_error(s, i, "index \"\" in \"index\" directive is invalid");
        if (name.p[0] == '/' && i + 1 < s->node->n)
            setting_warn(s, i, "only the last index in \"index\" directive should be absolute");
        struct candidate *c = arena_new(s->compile->arena, struct candidate);
        c->name = template_compile(s, i, name);
        if (c->name == NULL)
            return false;
        *end = c;
        end = &c->next;
    }
    return true;
}

static const struct directive directives[] = {
    { "index", PLACE(struct settings, files), IN_HTTP | IN_SERVER | IN_LOCATION,
      .initial = "index.html", .set = set_index, .flags = MANY, .args_min = 1, .args_max = ARGS_ANY,
      .syntax = "file ...", .example = "index index.html index.htm;",
      .help = "Files that answer for a directory: the first that exists, by an internal redirect. "
              "The last may be a URI from the root, which is taken unseen." },
    { 0 },
};

static enum verdict
refuse(struct exchange *x, struct str path, int error)
{
    bool missing = file_error_is_missing(error);
    if (missing && !x->location->core->log_not_found)
        return status_only(x, 404);
    if (missing)
        return fail_errno(x, FAULT_NOT_FOUND, -error, "\"" STR_FMT "\" is not found",
                          STR_ARG(path));
    if (file_error_is_refusal(error))
        return fail_errno(x, FAULT_FORBIDDEN, -error, "\"" STR_FMT "\" is forbidden",
                          STR_ARG(path));
    return fail_errno(x, FAULT_FILE, -error, "stat() \"" STR_FMT "\" failed", STR_ARG(path));
}

/* One file: RESTART when it answers, PASS when the next may be tried, else what is wrong. */
static enum verdict
try_file(struct exchange *x, struct str directory, struct str name)
{
    struct stat st;
    struct arena *a = &x->arena;
    if (name.n && name.p[0] == '/')
        return internal_redirect(x, name, x->args);
    struct str path = arena_dup(a, arena_join(a, directory, name));
    int error = file_look(x, path, &st);
    if (error == 0)
        return internal_redirect(x, arena_join(a, x->uri, name), x->args);
    if (error == -ENOENT && file_look(x, directory, &st) == 0)
        return PASS;
    return refuse(x, path, error);
}

static enum verdict
find_index(struct exchange *x, const void *settings)
{
    const struct settings *my = settings;
    enum method method = x->request.method;
    enum verdict v = PASS;
    if (!str_ends(x->uri, STR("/")))
        return PASS;
    if (method != METHOD_GET && method != METHOD_HEAD && method != METHOD_POST)
        return PASS;
    struct str directory = request_path(x, x->uri);
    if (directory.p == NULL)
        return FAILED;
    for (const struct candidate *c = my->files; c && v == PASS; c = c->next) {
        struct str name = template_eval(c->name, x);
        v = name.p ? try_file(x, directory, name) : FAILED;
    }
    return v;
}

const struct feature index_ = {
    .name = "index",
    .phase = PHASE_CONTENT,
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .on_request = find_index,
    .explain = find_index,
};
