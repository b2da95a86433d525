/* The rows of ssl_stapling* and ssl_ocsp*. */
#include "exchange/secure/ocsp_settings.h"

#include "tls/ocsp_fetch.h"

#include <unistd.h>

#define EVERYWHERE (IN_HTTP | IN_SERVER)

static const struct choice client_choices[] = {
    { "off", OCSP_CLIENTS_OFF }, { "on", OCSP_CLIENTS_ON }, { "leaf", OCSP_CLIENTS_LEAF }, { 0 }
};

static bool
set_responder(struct setting *s)
{
    struct ocsp_url parts;
    struct str url = setting_arg(s, 1);
    if (!ocsp_url_parse(url, &parts))
        return setting_error(s, 1, "invalid URL prefix in OCSP responder \"" STR_FMT "\"",
                             STR_ARG(url));
    *(struct str *)s->field = url;
    return true;
}

/* ssl_ocsp_cache off | shared:NAME:SIZE */
static bool
set_cache(struct setting *s)
{
    struct ocsp_cache_settings *cache = s->field;
    struct str arg = setting_arg(s, 1), rest = arg;
    uint64_t size;
    *cache = (struct ocsp_cache_settings){ 0 };
    if (str_eq(arg, STR("off")))
        return true;
    struct str kind = str_cut(&rest, ':'), name = str_cut(&rest, ':');
    if (!str_eq(kind, STR("shared")) || name.n == 0 || !parse_bytes(rest, &size))
        return setting_error(s, 1, "invalid OCSP cache \"" STR_FMT "\"", STR_ARG(arg));
    if (size < 8 * (uint64_t)sysconf(_SC_PAGESIZE))
        return setting_error(s, 1, "OCSP cache \"" STR_FMT "\" is too small", STR_ARG(arg));
    *cache = (struct ocsp_cache_settings){ name, { size } };
    return true;
}

static const struct directive rows[] = {
    { "ssl_stapling", FIELD(struct ocsp_settings, stapling), EVERYWHERE, .initial = "off",
      .help = "Sends the OCSP response about the server's certificate with it. The issuer's "
              "certificate must be in the chain or in ssl_trusted_certificate. A response is "
              "fetched when a handshake finds it missing or old, and always verified." },
    { "ssl_stapling_file", PLACE(struct ocsp_settings, stapling_file), EVERYWHERE,
      .set = ssl_set_file, .syntax = "file", .example = "ssl_stapling_file example.com.ocsp;",
      .help = "The response to be sent, in DER as openssl ocsp writes it, in place of one that is "
              "fetched." },
    { "ssl_stapling_responder", PLACE(struct ocsp_settings, stapling_responder), EVERYWHERE,
      .set = set_responder, .syntax = "url",
      .example = "ssl_stapling_responder http://ocsp.example/;",
      .help = "Asks this responder rather than the one that the certificate names. Only http:// is "
              "possible." },
    { "ssl_stapling_verify", FIELD(struct ocsp_settings, stapling_verify), EVERYWHERE,
      .initial = "off",
      .help = "Whether who signed a response must lead to ssl_trusted_certificate, too. That the "
              "certificate's issuer signed it, or allowed it, is verified in any case." },
    { "ssl_ocsp", FIELD(struct ocsp_settings, clients), EVERYWHERE, .initial = "off",
      .choices = client_choices,
      .help = "Asks responders whether clients' certificates are revoked: all of the chain, or the "
              "client's own (leaf). Who cannot be asked about is refused. Needs "
              "ssl_verify_client." },
    { "ssl_ocsp_responder", PLACE(struct ocsp_settings, responder), EVERYWHERE,
      .set = set_responder, .syntax = "url", .example = "ssl_ocsp_responder http://ocsp.example/;",
      .help = "Asks this responder rather than those that clients' certificates name. Only http:// "
              "is possible." },
    { "ssl_ocsp_cache", PLACE(struct ocsp_settings, cache), EVERYWHERE, .initial = "off",
      .set = set_cache, .syntax = "off | shared:name:size",
      .example = "ssl_ocsp_cache shared:ocsp:10m;",
      .help = "Keeps what responders said of clients' certificates for as long as it holds. Caches "
              "of one name are one, for all threads and over reloads." },
    { 0 },
};

const struct directive_set ocsp_directives = {
    .name = "ocsp",
    .settings_size = sizeof(struct ocsp_settings),
    .directives = rows,
};
