/* Any bytes as what a name server answers: the question ends, with addresses or without, and
 * nothing is left of it.
 *
 * The first byte says whether the question stands in the answer before what follows its header. */
#include "fiber/loop.h"
#include "net/resolve.h"
#include "target.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEADER = 12, PATIENCE_MS = 20 };

struct play {
    struct str says;
    bool over;
};

static struct address server;
static int fd = -1;

static void
start(void)
{
    must(loop_open() == 0);
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    must(address_parse(STR("127.0.0.1"), 0, &server));
    must(bind(fd, &server.any, server.size) == 0);
    must(getsockname(fd, &server.any, &server.size) == 0);
}

/* The question's number, the header that was given, the question where it is wanted, the rest. */
static size_t
make(const struct play *p, const unsigned char *asked, size_t n, unsigned char *out)
{
    struct str head = str_head(str_skip(p->says, 1), HEADER - 2);
    struct str rest = str_skip(p->says, 1 + head.n);
    size_t at = 2;
    memcpy(out, asked, 2);
    if (head.n)
        memcpy(out + at, head.p, head.n);
    at += head.n;
    if (p->says.p[0] & 1 && head.n == HEADER - 2) {
        memcpy(out + at, asked + HEADER, n - HEADER);
        at += n - HEADER;
    }
    if (rest.n)
        memcpy(out + at, rest.p, rest.n);
    return at + rest.n;
}

static void
serve(void *arg)
{
    struct play *p = arg;
    unsigned char asked[512], answer[4096];
    while (!p->over) {
        struct address from = { .size = sizeof from.un };
        ssize_t n = recvfrom(fd, asked, sizeof asked, 0, &from.any, &from.size);
        if (n > HEADER)
            (void)!sendto(fd, answer, make(p, asked, (size_t)n, answer), 0, &from.any, from.size);
        must(fiber_yield() == 0);
    }
}

static void
ask(void *arg)
{
    struct play *p = arg;
    struct resolver_settings settings = { .servers = &server, .n_servers = 1, .ipv4 = true };
    struct arena a;
    struct answer found = { 0 };
    struct child child;
    arena_init(&a, 0);
    child_start(&child, serve, p);
    int r = resolve(STR("a.example"), &settings, &a, &found, clock_in(PATIENCE_MS));
    must(r == 0 || r == -ENOENT || r == -ETIMEDOUT || r == -EAGAIN);
    must((r == 0) == (found.n > 0));
    for (unsigned i = 0; i < found.n; i++)
        must(found.addresses[i].any.sa_family == AF_INET && address_port(&found.addresses[i]) == 0);
    p->over = true;
    child_join(&child);
    arena_fini(&a);
    resolve_fini();
    loop_stop();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct play p = { .says = { (const char *)data, size } };
    if (size < 1 || size > 2048)
        return 0;
    if (fd < 0)
        start();
    fiber_spawn(ask, &p);
    loop_run();
    return 0;
}
