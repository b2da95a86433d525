/* The Authorization field of Basic authentication. */
#include "exchange/auth/credentials.h"

#include "http/base64.h"

bool
credentials_basic(struct exchange *x, struct str *user, struct str *password)
{
    struct str value = fields_value(&x->request.fields, HEADER_AUTHORIZATION);
    if (!str_starts_nocase(value, STR("Basic ")))
        return false;
    value = str_skip(value, 6);
    while (value.n && value.p[0] == ' ')
        value = str_skip(value, 1);
    struct str pair = base64_decode(&x->arena, value);
    ptrdiff_t colon = str_find(pair, ':');
    if (colon <= 0)
        return false;
    *user = str_head(pair, (size_t)colon);
    *password = str_skip(pair, (size_t)colon + 1);
    return true;
}
