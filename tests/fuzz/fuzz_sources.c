/* Sealed sources on their way between processes: what can be read is written as as many bytes (data
 * in the other order), and nothing of the file system is looked at. */
#include "config/source_seal.h"
#include "target.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct reading {
    struct arena arena;
    struct sources sources;
    int result;
};

static int
file_of(const void *p, size_t n)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    must(fd >= 0 && pwrite(fd, p, n, 0) == (ssize_t)n);
    return fd;
}

static void
load(struct reading *r, int fd)
{
    arena_init(&r->arena, 0);
    sources_init(&r->sources, &r->arena);
    r->result = sources_load(&r->sources, fd);
    must(r->sources.sealed);
    close(fd);
}

static struct str
save(struct reading *r, int fd)
{
    must(sources_save(&r->sources, fd) == 0);
    size_t n = (size_t)lseek(fd, 0, SEEK_END);
    char *p = arena_text(&r->arena, n);
    must(pread(fd, p, n, 0) == (ssize_t)n);
    return (struct str){ p, n };
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reading one, two;
    int error = 0;
    load(&one, file_of(data, size));
    if (one.result == 0) {
        int fd = file_of("", 0), other = file_of("", 0);
        struct str text = save(&one, fd);
        load(&two, fd);
        must(two.result == 0 && save(&two, other).n == text.n);
        must(sources_open(&two.sources, STR("/etc/passwd"), &error) == NULL || error == 0);
        close(other);
        arena_fini(&two.arena);
    }
    arena_fini(&one.arena);
    return 0;
}
