/* Variables about the file that a URI stands for: root or alias, and what follows. */
#include "exchange/files/path.h"
#include "exchange/snapshot.h"
#include "exchange/values/print.h"

#include <errno.h>
#include <stdlib.h>

static bool
get_document_root(struct exchange *x, struct str rest, struct str *out)
{
    *out = x->server ? document_root(x) : STR_NONE;
    return out->p != NULL;
}

static bool
get_realpath_root(struct exchange *x, struct str rest, struct str *out)
{
    struct str root;
    if (!get_document_root(x, rest, &root))
        return false;
    char *path = realpath(arena_dup(&x->arena, root).p, NULL);
    if (path == NULL) {
        exchange_log(x, LEVEL_CRIT, errno, "realpath() \"" STR_FMT "\" failed", STR_ARG(root));
        return false;
    }
    *out = arena_dup(&x->arena, str_of(path));
    free(path);
    return true;
}

static bool
get_request_filename(struct exchange *x, struct str rest, struct str *out)
{
    *out = x->server ? request_filename(x, x->uri) : STR_NONE;
    return out->p != NULL;
}

const struct variable file_variables[] = {
    { "document_root", get_document_root, NULL, VARIABLE_VOLATILE,
      "The root or alias in force, evaluated." },
    { "realpath_root", get_realpath_root, NULL, VARIABLE_VOLATILE,
      "$document_root with all symbolic links resolved." },
    { "request_filename", get_request_filename, NULL, VARIABLE_VOLATILE,
      "The file that the URI stands for by root or alias." },
    { 0 },
};
