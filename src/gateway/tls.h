/* Towards whom a try speaks TLS: what was made of the settings, and what the exchange adds. */
#pragma once

#include "exchange/secure/named_certificates.h"
#include "gateway/tls_settings.h"

struct gateway_tls {
    bool tried;
    struct tls_context *context;
    struct certificate *certificate;
    struct named_certificates *named; /* NULL: the certificate's name has no variables */
};
