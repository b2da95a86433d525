/* Files are read by whoever may, and reach the others with the configuration's text. */
#include "exchange/secure/ssl_file.h"

bool
ssl_file_load(struct compile *c, const struct ssl_file *f, struct str *out)
{
    int error = 0;
    *out = STR_NONE;
    if (f == NULL)
        return true;
    const struct source *s = sources_open_data(c->sources, f->path, &error);
    if (s) {
        *out = s->text;
        return true;
    }
    diag_add(c->diags, LEVEL_EMERG, f->span, "open() \"" STR_FMT "\" failed (%d: %s)",
             STR_ARG(f->path), error, strerrordesc_np(error));
    return false;
}

/* As nginx: 'SSL_CTX_load_verify_locations("ca.pem") failed (SSL: …)'. */
void
ssl_file_blame(struct compile *c, enum log_level level, const struct ssl_file *f,
               struct span otherwise, const struct tls_problem *p)
{
    const char *name_ends = f ? strstr(p->text, "()") : NULL;
    if (name_ends == NULL) {
        diag_add(c->diags, level, otherwise, "%s", p->text);
        return;
    }
    diag_add(c->diags, level, f->span, "%.*s(\"" STR_FMT "\"%s", (int)(name_ends - p->text),
             p->text, STR_ARG(f->path), name_ends + 1);
}
