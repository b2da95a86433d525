/* Static files: what answers when nothing else does, from below root or alias.
 *
 * Four system calls a request: open, fstat, close, and the codec's read or sendfile. The URI is
 * normalised, so no path leaves the root but by a symbolic link of its owner's making. */
#include "exchange/feature.h"
#include "exchange/hosts/location.h"
#include "exchange/path.h"
#include "exchange/types.h"
#include "http/uri.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define EVERYWHERE (IN_HTTP | IN_SERVER | IN_LOCATION)

static bool
ignore(struct setting *s)
{
    return true;
}

#define ACCEPTED(name_, syntax_, example_, why)                                             \
    {                                                                                       \
        name_, NO_FIELD, EVERYWHERE, .set = ignore, .flags = IGNORED, .args_min = 1,        \
                                     .args_max = 3, .syntax = syntax_, .example = example_, \
                                     .help = "Accepted; " why                               \
    }

static const struct directive directives[] = {
    ACCEPTED("open_file_cache", "off | max=n [inactive=time]", "open_file_cache max=1000;",
             "a file is opened anew for each request, so that none is served stale."),
    ACCEPTED("open_file_cache_valid", "time", "open_file_cache_valid 60s;",
             "there is no cache of open files."),
    ACCEPTED("open_file_cache_min_uses", "number", "open_file_cache_min_uses 2;",
             "there is no cache of open files."),
    ACCEPTED("open_file_cache_errors", "on | off", "open_file_cache_errors on;",
             "there is no cache of open files."),
    ACCEPTED("aio", "on | off | threads[=pool]", "aio threads;",
             "files are sent straight from the page cache."),
    ACCEPTED("aio_write", "on | off", "aio_write on;", "there is nothing it would speed up."),
    ACCEPTED("directio", "size | off", "directio 4m;",
             "files are sent straight from the page cache."),
    ACCEPTED("directio_alignment", "size", "directio_alignment 4k;", "there is no direct I/O."),
    ACCEPTED("read_ahead", "size", "read_ahead 0;", "the kernel reads ahead by itself."),
    ACCEPTED("output_buffers", "number size", "output_buffers 2 32k;",
             "small files take one buffer, others none."),
    ACCEPTED("postpone_output", "size", "postpone_output 1460;",
             "a head and the first piece of its body always leave together."),
    { 0 },
};

/* The error log speaks of missing files unless log_not_found says otherwise. */
static enum verdict
refuse(struct exchange *x, struct str path, int error)
{
    bool missing = error == ENOENT || error == ENOTDIR || error == ENAMETOOLONG;
    enum fault fault = missing ? FAULT_NOT_FOUND : error == EACCES ? FAULT_FORBIDDEN : FAULT_FILE;
    if (missing && !x->location->core->log_not_found)
        return status_only(x, 404);
    return fail_errno(x, fault, error, "open() \"" STR_FMT "\" failed", STR_ARG(path));
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

static char *
put_hex(char *p, uint64_t value)
{
    unsigned digits = 1;
    for (uint64_t rest = value >> 4; rest; rest >>= 4)
        digits++;
    for (unsigned i = digits; i-- > 0; value >>= 4)
        p[i] = "0123456789abcdef"[value & 15];
    return p + digits;
}

/* "modified-size", both in hexadecimal, as nginx makes it: a cluster of both agrees. */
static struct str
etag_of(struct exchange *x, const struct stat *st)
{
    char *start = arena_text(&x->arena, 40), *p = start;
    *p++ = '"';
    p = put_hex(p, (uint64_t)st->st_mtime);
    *p++ = '-';
    p = put_hex(p, (uint64_t)st->st_size);
    *p++ = '"';
    return str_between(start, p);
}

/* The response owns the descriptor from here on. */
static enum verdict
send_file(struct exchange *x, int file, const struct stat *st)
{
    struct response *r = &x->response;
    uint64_t size = (uint64_t)st->st_size;
    response_init(x, 200);
    r->content_type = types_of(x, x->uri);
    r->content_length = st->st_size;
    r->last_modified = st->st_mtime;
    if (x->location->core->etag)
        r->etag = etag_of(x, st);
    r->ranges_allowed = true;
    r->body = body_of_file(&x->arena, file, 0, size, true);
    return DONE;
}

static enum verdict
judge(struct exchange *x, struct str path, int file)
{
    struct stat st;
    enum verdict v;
    if (fstat(file, &st) < 0)
        v = refuse(x, path, errno);
    else if (S_ISDIR(st.st_mode))
        v = add_slash(x);
    else if (!S_ISREG(st.st_mode))
        v = fail(x, FAULT_NOT_FOUND, "\"" STR_FMT "\" is not a regular file", STR_ARG(path));
    else if (x->request.method == METHOD_POST)
        v = status_only(x, 405);
    else
        return send_file(x, file, &st);
    close(file);
    return v;
}

static enum verdict
serve(struct exchange *x, const void *settings)
{
    enum method method = x->request.method;
    if (method != METHOD_GET && method != METHOD_HEAD && method != METHOD_POST)
        return status_only(x, 405);
    struct str path = request_path(x, x->uri);
    if (path.p == NULL)
        return FAILED;
    if (str_ends(x->uri, STR("/")))
        return fail(x, FAULT_FORBIDDEN, "directory index of \"" STR_FMT "\" is forbidden",
                    STR_ARG(path));
    int file = open(path.p, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    return file < 0 ? refuse(x, path, errno) : judge(x, path, file);
}

const struct feature static_files = {
    .name = "static",
    .phase = PHASE_CONTENT,
    .directives = directives,
    .on_request = serve,
};
