/* nginx's directives by module, for those that no row has: the answer to "unknown directive" then
 * says which module is missing. A row always wins over this table. */
#include "config/suggest.h"

const char *
foreign_module(struct str name)
{
    (void)name;
    return NULL;
}
