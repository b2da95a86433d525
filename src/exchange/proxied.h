/* Who a connection comes from and was meant for, as its PROXY protocol header says. */
#pragma once

#include "net/address.h"

/* Owned by the connection; the texts and TLVs are its own. */
struct proxied {
    struct address source, destination;
    struct str source_text, destination_text; /* without ports; of version 1 as they came */
    struct str tlvs;
};
