/* Rows of ours about certificates: what a broken one means, and whether a new one is noticed. */
#include "exchange/secure/certificate_settings.h"

static const struct directive rows[] = {
    { "strict", FIELD(struct certificate_settings, strict), IN_MAIN, .initial = "off",
      .help = "Whether a certificate that is missing, broken or without its key is an error of the "
              "configuration, as in nginx. Otherwise it is a warning, and handshakes for that "
              "server are refused while all others go on." },
    { "ssl_certificate_watch", FIELD(struct certificate_settings, watch), IN_HTTP | IN_SERVER,
      .initial = "off",
      .help = "Takes up changed files of certificates, keys and authorities without a reload being "
              "asked for: the configuration in force is compiled anew with them. Files that belong "
              "together are waited for; a broken one changes nothing. Not with master_process "
              "off." },
    { 0 },
};

const struct directive_set certificate_directives = {
    .name = "certificate",
    .settings_size = sizeof(struct certificate_settings),
    .directives = rows,
};
