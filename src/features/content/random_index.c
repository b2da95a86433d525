/* random_index: a URI that ends with a slash is answered by some file of its directory. */
#include "base/random.h"
#include "exchange/feature.h"
#include "exchange/files/files.h"
#include "exchange/files/path.h"
#include "exchange/hosts/location.h"

#include <dirent.h>

struct settings {
    bool on;
};

static const struct directive directives[] = {
    { "random_index", FIELD(struct settings, on), IN_LOCATION, .initial = "off",
      .help = "Whether a directory is answered by a file in it that is chosen by chance; those "
              "whose names begin with a dot are left out. It goes before index." },
    { 0 },
};

static enum verdict
refuse(struct exchange *x, struct str directory, int error)
{
    struct str path = str_head(directory, directory.n - 1);
    if (file_error_is_missing(error))
        return fail_errno(x, FAULT_NOT_FOUND, -error, "opendir() \"" STR_FMT "\" failed",
                          STR_ARG(path));
    enum fault fault = file_error_is_refusal(error) ? FAULT_FORBIDDEN : FAULT_FILE;
    return fail_errno(x, fault, -error, "opendir() \"" STR_FMT "\" failed", STR_ARG(path));
}

static bool
is_file(struct exchange *x, struct str directory, const struct dirent *e)
{
    struct stat st;
    if (e->d_type != DT_UNKNOWN && e->d_type != DT_LNK)
        return e->d_type == DT_REG;
    struct str path = arena_printf(&x->arena, STR_FMT "%s", STR_ARG(directory), e->d_name);
    return stat(path.p, &st) == 0 && S_ISREG(st.st_mode);
}

/* Each of n files has its chance of 1/n, read in one pass. */
static struct str
choose(struct exchange *x, struct str directory, DIR *d)
{
    struct str chosen = STR_NONE;
    uint64_t seen = 0;
    for (const struct dirent *e = readdir(d); e; e = readdir(d))
        if (e->d_name[0] != '.' && is_file(x, directory, e) && random_below(++seen) == 0)
            chosen = arena_dup(&x->arena, str_of(e->d_name));
    return chosen;
}

static enum verdict
find_any(struct exchange *x, const void *settings)
{
    enum method method = x->request.method;
    if (!str_ends(x->uri, STR("/")))
        return PASS;
    if (method != METHOD_GET && method != METHOD_HEAD && method != METHOD_POST)
        return PASS;
    struct str directory = request_path(x, x->uri);
    if (directory.p == NULL)
        return FAILED;
    DIR *d = opendir(directory.p);
    if (d == NULL)
        return refuse(x, directory, -errno);
    struct str name = choose(x, directory, d);
    closedir(d);
    return name.n ? internal_redirect(x, arena_join(&x->arena, x->uri, name), x->args) : PASS;
}

static bool
is_used(const void *settings)
{
    return ((const struct settings *)settings)->on;
}

const struct feature random_index_ = {
    .name = "random_index",
    .phase = PHASE_CONTENT,
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .used = is_used,
    .on_request = find_any,
    .explain = find_any,
};
