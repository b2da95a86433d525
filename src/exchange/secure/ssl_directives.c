/* The rows of ssl_*: what nginx's http_ssl_module sets per server. */
#include "exchange/secure/ssl_settings.h"

#define EVERYWHERE  (IN_HTTP | IN_SERVER)
#define SSL(member) FIELD(struct ssl_settings, member)
#define OWN(member) PLACE(struct ssl_settings, member)

static const struct choice protocol_choices[] = { { "SSLv2", TLS_SSL2 },
                                                  { "SSLv3", TLS_SSL3 },
                                                  { "TLSv1", TLS_1_0 },
                                                  { "TLSv1.1", TLS_1_1 },
                                                  { "TLSv1.2", TLS_1_2 },
                                                  { "TLSv1.3", TLS_1_3 },
                                                  { 0 } };

static const struct choice verify_choices[] = { { "off", TLS_VERIFY_OFF },
                                                { "on", TLS_VERIFY_ON },
                                                { "optional", TLS_VERIFY_OPTIONAL },
                                                { "optional_no_ca", TLS_VERIFY_OPTIONAL_NO_CA },
                                                { 0 } };

static bool
refuse_ech(struct setting *s)
{
    return setting_error(s, 0, "encrypted client hello is not in usher");
}

static const struct directive rows[] = {
    { "ssl_certificate", OWN(certificates), EVERYWHERE, .set = ssl_set_certificate, .flags = MANY,
      .syntax = "file | data:text", .example = "ssl_certificate example.com.pem;",
      .help = "The server's certificate, followed by its intermediates, in PEM. May stand several "
              "times, for keys of several types. With variables, it is read at each handshake "
              "unless ssl_certificate_cache keeps it." },
    { "ssl_certificate_key", OWN(keys), EVERYWHERE, .set = ssl_set_certificate, .flags = MANY,
      .syntax = "file | data:text", .example = "ssl_certificate_key example.com.key;",
      .help = "The private key of the certificate, in PEM; one for each ssl_certificate, in the "
              "same order." },
    { "ssl_certificate_cache", OWN(certificate_cache), EVERYWHERE, .initial = "off",
      .set = ssl_set_certificate_cache, .args_min = 1, .args_max = 3,
      .syntax = "off | max=number [inactive=time] [valid=time]",
      .example = "ssl_certificate_cache max=1000 inactive=20s valid=1m;",
      .help = "Keeps certificates whose names have variables: as many, as long as they are used, "
              "and looked at anew when that old." },
    { "ssl_certificate_compression", SSL(certificate_compression), EVERYWHERE, .initial = "off",
      .flags = IGNORED, .help = "Accepted; certificates are sent as they are." },
    { "ssl_password_file", OWN(passwords), EVERYWHERE, .set = ssl_set_file, .syntax = "file",
      .example = "ssl_password_file keys.pass;",
      .help = "Passphrases of private keys, one a line; all are tried." },
    { "ssl_protocols", SSL(protocols), EVERYWHERE, .initial = "TLSv1.2 TLSv1.3",
      .choices = protocol_choices, .flags = CHOICES_ADD,
      .help = "The protocols that are spoken. SSLv2 and SSLv3 are accepted here and never "
              "spoken.",
      .differs = "in nginx those of the default server hold for all servers of its address." },
    { "ssl_ciphers", SSL(ciphers), EVERYWHERE,
      .initial = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20", .syntax = "ciphers",
      .help = "Ciphers of TLSv1.2 and older, as OpenSSL writes them. By default all of them have "
              "forward secrecy; for those of TLSv1.3: ssl_conf_command Ciphersuites.",
      .differs = "nginx has HIGH:!aNULL:!MD5 by default." },
    { "ssl_prefer_server_ciphers", SSL(prefer_server_ciphers), EVERYWHERE, .initial = "off",
      .help = "Whether the server's order of ciphers counts rather than the client's." },
    { "ssl_ecdh_curve", SSL(curves), EVERYWHERE, .initial = "auto", .syntax = "curve[:curve...]",
      .help = "Groups for the key exchange, by preference; auto: OpenSSL's own list." },
    { "ssl_dhparam", OWN(dhparam), EVERYWHERE, .set = ssl_set_file, .syntax = "file",
      .example = "ssl_dhparam dh4096.pem;",
      .help = "Parameters for DHE ciphers. Without them, those are not used." },
    { "ssl_session_cache", OWN(session_cache), EVERYWHERE, .initial = "none",
      .set = ssl_set_session_cache, .flags = REPEATABLE, .args_min = 1, .args_max = 2,
      .syntax = "off | none | [builtin[:size]] [shared:name:size]",
      .example = "ssl_session_cache shared:SSL:10m;",
      .help = "Where sessions are stored for clients of TLSv1.2 that resume by ID. Caches of one "
              "name are one, for all threads and over reloads. Tickets need none.",
      .differs = "it is not needed for resumption: tickets are common to all threads, and outlive "
                 "reloads." },
    { "ssl_session_timeout", SSL(session_timeout), EVERYWHERE, .initial = "5m",
      .help = "How long a session may be resumed." },
    { "ssl_session_tickets", SSL(session_tickets), EVERYWHERE, .initial = "on",
      .help = "Whether clients may resume by ticket." },
    { "ssl_session_ticket_key", OWN(ticket_keys), EVERYWHERE, .set = ssl_set_ticket_key,
      .flags = MANY, .syntax = "file", .example = "ssl_session_ticket_key ticket.key;",
      .help = "A key for tickets, 48 or 80 random bytes, to share sessions between machines. The "
              "first encrypts, the others only decrypt. Without any, the process makes and changes "
              "its own." },
    { "ssl_early_data", SSL(early_data), EVERYWHERE, .initial = "off",
      .help = "Accepts early data of TLSv1.3 (0-RTT). Such requests may be replayed: pass "
              "$ssl_early_data on as Early-Data." },
    { "ssl_buffer_size", SSL(buffer_size), EVERYWHERE, .syntax = "size",
      .example = "ssl_buffer_size 4k;",
      .help =
          "The largest record that is sent. By default records begin small and grow to 16k with "
          "the transfer.",
      .differs = "in nginx it is the size of every record, 16k by default." },
    { "ssl_client_certificate", OWN(client_certificate), EVERYWHERE, .set = ssl_set_file,
      .syntax = "file", .example = "ssl_client_certificate clients-ca.pem;",
      .help = "Authorities whose client certificates are trusted, in PEM. Their names are sent to "
              "clients." },
    { "ssl_trusted_certificate", OWN(trusted_certificate), EVERYWHERE, .set = ssl_set_file,
      .syntax = "file", .example = "ssl_trusted_certificate ca.pem;",
      .help = "Authorities that are trusted for client certificates and OCSP responses, in PEM. "
              "Their names are not sent." },
    { "ssl_crl", OWN(crl), EVERYWHERE, .set = ssl_set_file, .syntax = "file",
      .example = "ssl_crl revoked.pem;",
      .help = "Revoked client certificates (CRL, in PEM); one list of each authority of the "
              "chain." },
    { "ssl_verify_client", SSL(verify), EVERYWHERE, .initial = "off", .choices = verify_choices,
      .help = "Whether clients must (on) or may (optional) have a certificate that is trusted, or "
              "any (optional_no_ca); see $ssl_client_verify. Who fails is answered with 400, or by "
              "the error_page of 495 (bad certificate) or 496 (none)." },
    { "ssl_verify_depth", SSL(verify_depth), EVERYWHERE, .initial = "1",
      .help = "How many intermediate certificates a client's chain may have." },
    { "ssl_reject_handshake", SSL(reject_handshake), EVERYWHERE, .initial = "off",
      .help = "Refuses handshakes for the server's names: with listen default_server, those for "
              "names that no server has." },
    { "ssl_conf_command", OWN(commands), EVERYWHERE, .set = ssl_set_command, .flags = MANY,
      .args_min = 2, .syntax = "name value",
      .example = "ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;",
      .help = "Any other setting of OpenSSL, as SSL_CONF_cmd(3) has it." },
    { "ssl_key_log", OWN(key_log), EVERYWHERE, .set = ssl_set_key_log, .syntax = "file",
      .example = "ssl_key_log logs/keys.log;",
      .help = "Writes the secrets of all connections to a file, for Wireshark. Whoever reads it "
              "reads the connections." },
    { "ssl_object_cache_inheritable", SSL(object_cache_inheritable), IN_MAIN, .initial = "on",
      .flags = IGNORED,
      .help = "Accepted; what has not changed is never loaded again at a reload." },
    { "ssl_ech_file", NO_FIELD, EVERYWHERE, .set = refuse_ech, .flags = REPEATABLE,
      .syntax = "file", .example = "ssl_ech_file ech.pem;",
      .help = "Refused: encrypted client hello is not there." },
    { 0 },
};

const struct directive_set ssl_directives = {
    .name = "ssl",
    .settings_size = sizeof(struct ssl_settings),
    .directives = rows,
};
