/* Any file as a database of addresses: it is refused, or what it says is found in its bytes, by a
 * fiber with a fiber's stack. */
#include "fiber/loop.h"
#include "net/mmdb.h"
#include "target.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static char path[40];
static int fd = -1;

static void
ask(struct mmdb *m, const char *who)
{
    static const char *const paths[][4] = {
        { "a", NULL }, { "a", "b", "c", NULL }, { "z", "0", NULL }, { "n", NULL }, { NULL }
    };
    struct arena a;
    struct address address;
    must(address_parse(str_of(who), 0, &address));
    arena_init(&a, 0);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        (void)mmdb_find(m, &address, paths[i], &a);
    arena_fini(&a);
}

static void
look(void *arg)
{
    const char *problem;
    struct mmdb *m = mmdb_hold(str_of(path), &problem);
    must((m == NULL) == (problem != NULL));
    if (m) {
        ask(m, "1.2.3.4");
        ask(m, "255.255.255.255");
        ask(m, "[2001:db8::1]");
        (void)mmdb_times(m);
        mmdb_drop(m);
    }
    loop_stop();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (fd < 0) {
        fd = memfd_create("fuzz", 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        must(loop_open() == 0);
    }
    must(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
    fiber_spawn(look, NULL);
    loop_run();
    return 0;
}
