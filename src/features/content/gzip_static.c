/* gzip_static: the file that lies beside the one asked for, compressed ahead of time, goes to who
 * may have gzip. */
#include "exchange/accept_gzip.h"
#include "exchange/feature.h"
#include "exchange/files/files.h"
#include "exchange/files/path.h"
#include "exchange/files/types.h"

enum when { WHEN_OFF, WHEN_ACCEPTED, WHEN_ALWAYS };

struct settings {
    unsigned when;
};

static const struct choice choices[] = {
    { "off", WHEN_OFF }, { "on", WHEN_ACCEPTED }, { "always", WHEN_ALWAYS }, { 0 }
};

static const struct directive directives[] = {
    { "gzip_static", FIELD(struct settings, when), IN_HTTP | IN_SERVER | IN_LOCATION,
      .initial = "off", .choices = choices,
      .help = "Whether a file of the same name with .gz at its end is sent in a file's place, to "
              "clients that accept gzip, or always. Times of both should be the same." },
    { 0 },
};

static void
send_compressed(struct exchange *x, struct file *f)
{
    struct response *r = &x->response;
    response_init(x, 200);
    r->content_type = types_of(x, x->uri);
    file_describe(x, &f->st);
    r->ranges_allowed = false; /* as nginx has it */
    r->body = file_body(x, f);
    fields_add_known(&r->fields, HEADER_CONTENT_ENCODING, STR("gzip"));
}

static enum verdict
look_beside(struct exchange *x, const struct settings *my)
{
    struct file f;
    struct str path = request_path(x, x->uri);
    if (path.p == NULL)
        return FAILED;
    path = arena_dup(&x->arena, arena_join(&x->arena, path, STR(".gz")));
    int error = file_open(x, path, &f);
    if (error == -EACCES || error == -ELOOP || file_error_is_missing(error))
        return PASS;
    if (error < 0) {
        exchange_log(x, LEVEL_CRIT, -error, "open() \"" STR_FMT "\" failed", STR_ARG(path));
        return PASS;
    }
    if (!S_ISREG(f.st.st_mode)) {
        file_close(&f);
        return PASS;
    }
    x->has_compressed = my->when == WHEN_ACCEPTED;
    if (my->when == WHEN_ACCEPTED && !accept_gzip(x)) {
        file_close(&f);
        return PASS;
    }
    send_compressed(x, &f);
    return DONE;
}

static enum verdict
serve(struct exchange *x, const void *settings)
{
    const struct settings *my = settings;
    if (x->request.method != METHOD_GET && x->request.method != METHOD_HEAD)
        return PASS;
    if (str_ends(x->uri, STR("/")))
        return PASS;
    return look_beside(x, my);
}

static void
say_so(struct exchange *x, const void *settings)
{
    if (x->has_compressed)
        accept_gzip_vary(x);
}

static bool
is_used(const void *settings)
{
    return ((const struct settings *)settings)->when != WHEN_OFF;
}

const struct feature gzip_static_ = {
    .name = "gzip_static",
    .phase = PHASE_CONTENT,
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .used = is_used,
    .on_request = serve,
    .explain = serve,
    .on_response = say_so,
};
