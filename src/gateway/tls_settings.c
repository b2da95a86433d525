/* From the proxy_ssl_* of a block to a TLS context and a certificate: once for all locations that
 * share them, and only where TLS may be spoken. */
#include "gateway/tls_settings.h"

#include "config/source.h"
#include "exchange/secure/ssl_file.h"
#include "gateway/tls.h"

const struct choice gateway_tls_protocol_choices[] = {
    { "SSLv2", TLS_SSL2 },  { "SSLv3", TLS_SSL3 },  { "TLSv1", TLS_1_0 }, { "TLSv1.1", TLS_1_1 },
    { "TLSv1.2", TLS_1_2 }, { "TLSv1.3", TLS_1_3 }, { NULL, 0 }
};

/* One making. */
struct making {
    struct compile *compile;
    struct span at;
    const char *prefix;
    const struct gateway_tls_settings *my;
    struct str *passwords;
    unsigned n_passwords;
};

/* One, in place of an outer block's; an empty name takes that away. */
bool
gateway_tls_set_certificate(struct setting *s)
{
    struct ssl_files *files = s->field;
    *files = (struct ssl_files){ NULL, NULL };
    return setting_arg(s, 1).n == 0 || ssl_set_certificate(s);
}

bool
gateway_tls_complete(struct scope *scope, struct gateway_tls_settings *my)
{
    my->made = arena_new(scope->compile->arena, struct gateway_tls);
    return true;
}

static bool
load(struct making *m, const struct ssl_file *f, const char *what, struct str *out)
{
    struct compile *c = m->compile;
    int error = 0;
    *out = STR_NONE;
    if (f == NULL)
        return true;
    if (f->data) {
        *out = f->path;
        return true;
    }
    const struct source *s = sources_open_data(c->sources, f->path, &error);
    if (s == NULL) {
        diag_add(c->diags, LEVEL_EMERG, f->span,
                 "cannot load %s \"" STR_FMT "\": open() failed (%d: %s)", what, STR_ARG(f->path),
                 error, strerrordesc_np(error));
        return false;
    }
    *out = s->text;
    return true;
}

static bool
load_passwords(struct making *m)
{
    struct str text;
    if (!load(m, m->my->ssl.passwords, "password file", &text))
        return false;
    for (size_t i = 0; i < text.n; i++)
        m->n_passwords += text.p[i] == '\n';
    m->passwords = arena_array(m->compile->arena, struct str, m->n_passwords + 1);
    m->n_passwords = 0;
    while (text.n) {
        struct str line = str_cut(&text, '\n');
        if (str_ends(line, STR("\r")))
            line.n--;
        if (line.n)
            m->passwords[m->n_passwords++] = line;
    }
    return true;
}

static bool
load_verification(struct making *m, struct tls_profile *p)
{
    const struct gateway_tls_settings *my = m->my;
    if (!my->verify)
        return true;
    if (my->ssl.trusted_certificate == NULL) {
        diag_add(m->compile->diags, LEVEL_EMERG, m->at,
                 "no %sssl_trusted_certificate for %sssl_verify", m->prefix, m->prefix);
        return false;
    }
    p->verify = TLS_VERIFY_ON;
    p->verify_depth = my->ssl.verify_depth;
    return load(m, my->ssl.trusted_certificate, "certificate", &p->trusted) &&
           load(m, my->ssl.crl, "CRL", &p->crl);
}

static bool
make_context(struct making *m)
{
    struct gateway_tls *made = m->my->made;
    struct tls_problem problem;
    struct tls_profile p;
    memset(&p, 0, sizeof p);
    p.protocols = m->my->ssl.protocols;
    p.ciphers = m->my->ssl.ciphers;
    p.commands = m->my->ssl.commands;
    p.reuse_sessions = m->my->session_reuse;
    p.key_log = m->my->ssl.key_log;
    if (!load_verification(m, &p))
        return false;
    made->context = tls_context_get(&p, &problem);
    if (made->context == NULL)
        ssl_file_blame(m->compile, LEVEL_EMERG,
                       problem.about == &p.trusted ? m->my->ssl.trusted_certificate
                       : problem.about == &p.crl   ? m->my->ssl.crl
                                                   : NULL,
                       m->at, &problem);
    return made->context != NULL;
}

/* --- our own certificate --- */

static bool
load_certificate(struct making *m, const struct ssl_file *f, const struct ssl_file *key)
{
    struct tls_problem problem;
    struct certificate_input in = { .path = f->data ? STR("data:") : f->path,
                                    .key_path = key->data ? STR("data:") : key->path,
                                    .passwords = m->passwords,
                                    .n_passwords = m->n_passwords };
    if (!load(m, f, "certificate", &in.pem) || !load(m, key, "certificate key", &in.key_pem))
        return false;
    m->my->made->certificate = certificate_get(&in, &problem);
    if (m->my->made->certificate)
        return true;
    diag_add(m->compile->diags, LEVEL_EMERG, f->span, "%s", problem.text);
    return false;
}

static bool
make_certificate(struct making *m)
{
    const struct ssl_settings *ssl = &m->my->ssl;
    const struct ssl_file *f = ssl->certificates.first, *key = ssl->keys.first;
    if (f == NULL)
        return true;
    if (key == NULL) {
        diag_add(m->compile->diags, LEVEL_EMERG, f->span,
                 "no \"%sssl_certificate_key\" is defined for certificate \"" STR_FMT "\"",
                 m->prefix, STR_ARG(f->text));
        return false;
    }
    if (!load_passwords(m))
        return false;
    if (f->name == NULL && key->name == NULL)
        return load_certificate(m, f, key);
    m->my->made->named = named_certificates_open(m->compile, ssl, m->passwords, m->n_passwords);
    return true;
}

static void
drop(struct compile *c, void *arg)
{
    struct gateway_tls *made = arg;
    if (made->context)
        tls_context_drop(made->context);
    if (made->certificate)
        certificate_drop(made->certificate);
}

void
gateway_tls_prepare(struct compile *c, struct span at, const char *prefix,
                    const struct gateway_tls_settings *my)
{
    struct making m = { .compile = c, .at = at, .prefix = prefix, .my = my };
    if (my->made->tried)
        return;
    my->made->tried = true;
    compile_finally(c, drop, my->made);
    if (make_context(&m))
        (void)make_certificate(&m);
}
