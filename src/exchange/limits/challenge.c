#include "exchange/limits/challenge.h"
bool
challenge_use(struct setting *s, struct str zone)
{
    return setting_error(s, 0, "action=challenge is not there yet");
}
bool
challenge_passed(struct exchange *x, struct str zone, struct str key)
{
    return false;
}
unsigned
challenge_factor(const struct exchange *x)
{
    return 1;
}
enum verdict
challenge_page(struct exchange *x, struct str zone, struct str key)
{
    return status_only(x, 503);
}
