/* The keys lie in a file without a name that two processes ever see. */
#include "main/process/ticket_handover.h"

#include "main/report.h"
#include "tls/ticket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define VARIABLE "USHER_TICKET_KEYS"

void
ticket_handover_export(void)
{
    unsigned char state[TICKET_STATE_SIZE];
    char number[16];
    int fd = memfd_create("ticket keys", 0);
    ticket_keys_save(state);
    if (fd < 0 || pwrite(fd, state, sizeof state, 0) != sizeof state) {
        report(LEVEL_WARN, errno, "session ticket keys cannot be handed over");
        return;
    }
    snprintf(number, sizeof number, "%d", fd);
    setenv(VARIABLE, number, 1);
}

static bool
take(const char *number)
{
    char state[TICKET_STATE_SIZE + 1];
    uint64_t fd;
    if (number == NULL || !str_to_u64(str_of(number), 1 << 20, &fd))
        return false;
    ssize_t n = pread((int)fd, state, sizeof state, 0);
    bool fine = n > 0 && ticket_keys_load((struct str){ state, (size_t)n });
    explicit_bzero(state, sizeof state);
    if (fine)
        close((int)fd);
    return fine;
}

void
ticket_handover_take(void)
{
    if (!take(getenv(VARIABLE)))
        ticket_keys_begin();
    unsetenv(VARIABLE);
}
