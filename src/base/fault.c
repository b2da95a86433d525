/* The fault table's rows. */
#include "base/fault.h"

#include "base/must.h"

static const struct fault_row rows[] = {
#define X(name, whose, status, retry, level, sentence) \
    [name] = { #name, whose, status, retry, level, sentence },
#include "base/fault.def"
#undef X
};

const struct fault_row *
fault_row(enum fault fault)
{
    must((unsigned)fault < FAULT_COUNT);
    return &rows[fault];
}
