/* Static files: what answers when nothing else does, from below root or alias.
 *
 * Four system calls a request: open, fstat, close, and the codec's read or sendfile; the last alone
 * where open_file_cache knows the file. The URI is normalised, so no path leaves the root but by a
 * symbolic link of its owner's making. */
#include "exchange/feature.h"
#include "exchange/files/files.h"
#include "exchange/files/path.h"
#include "exchange/files/types.h"
#include "exchange/hosts/location.h"
#include "http/uri.h"

/* The error log speaks of missing files unless log_not_found says otherwise. */
static enum verdict
refuse(struct exchange *x, struct str path, int error)
{
    bool missing = file_error_is_missing(error);
    enum fault fault = missing                        ? FAULT_NOT_FOUND
                       : file_error_is_refusal(error) ? FAULT_FORBIDDEN
                                                      : FAULT_FILE;
    if (missing && !x->location->core->log_not_found)
        return status_only(x, 404);
    return fail_errno(x, fault, -error, "%s \"" STR_FMT "\" failed", file_open_call(x),
                      STR_ARG(path));
}

static enum verdict
add_slash(struct exchange *x)
{
    struct arena *a = &x->arena;
    struct str to = arena_join(a, uri_escape(x->uri, ESCAPE_URI, a), STR("/"));
    if (x->args.n)
        to = arena_join(a, arena_join(a, to, STR("?")), x->args);
    return redirect(x, 301, to);
}

/* The response owns the file from here on. */
static enum verdict
send_file(struct exchange *x, struct file *f)
{
    struct response *r = &x->response;
    response_init(x, 200);
    r->content_type = types_of(x, x->uri);
    file_describe(x, &f->st);
    r->body = file_body(x, f);
    return DONE;
}

static enum verdict
refuse_odd(struct exchange *x, struct str path)
{
    exchange_log(x, LEVEL_CRIT, 0, "\"" STR_FMT "\" is not a regular file", STR_ARG(path));
    return status_only(x, 404);
}

static enum verdict
judge(struct exchange *x, struct str path, struct file *f)
{
    enum verdict v;
    if (S_ISDIR(f->st.st_mode))
        v = add_slash(x);
    else if (!S_ISREG(f->st.st_mode))
        v = refuse_odd(x, path);
    else if (x->request.method == METHOD_POST)
        v = status_only(x, 405);
    else
        return send_file(x, f);
    file_close(f);
    return v;
}

static enum verdict
serve(struct exchange *x, const void *settings)
{
    enum method method = x->request.method;
    struct file f;
    if (method != METHOD_GET && method != METHOD_HEAD && method != METHOD_POST)
        return status_only(x, 405);
    struct str path = request_path(x, x->uri);
    if (path.p == NULL)
        return FAILED;
    if (str_ends(x->uri, STR("/")))
        return fail(x, FAULT_FORBIDDEN, "directory index of \"" STR_FMT "\" is forbidden",
                    STR_ARG(path));
    int error = file_open(x, path, &f);
    return error < 0 ? refuse(x, path, error) : judge(x, path, &f);
}

const struct feature static_files = {
    .name = "static",
    .phase = PHASE_CONTENT,
    .on_request = serve,
    .explain = serve,
};
