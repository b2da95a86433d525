/* What a client hands in as a password, and files of passwords: base64 both ways, and the stored
 * password of each user as a plain look at the lines finds it. */
#include "exchange/auth/password_check.h"
#include "exchange/auth/password_file.h"
#include "http/base64.h"
#include "target.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static void
check_base64(struct str in, struct arena *a)
{
    struct str text = base64_encode(a, in), bytes = base64_decode(a, text);
    must(str_eq(bytes, in) && text.n == (in.n + 2) / 3 * 4);
    bytes = base64_decode(a, in);
    must(bytes.n <= in.n / 4 * 3 + 2);
    if (bytes.n && in.n % 4 == 0 && str_find(in, '=') < 0)
        must(str_eq(base64_encode(a, bytes), in));
    bytes = base64url_decode(a, in);
    must(bytes.p == NULL || (str_find(in, '+') < 0 && str_find(in, '/') < 0) ||
         str_find(in, '=') >= 0);
}

/* Those that the system's crypt(3) knows may be made to take their time. */
static void
check_password(struct str stored, struct str password, struct arena *a)
{
    if (!password_is_slow(stored) || str_starts(stored, STR("$apr1$")))
        (void)password_matches(stored, password);
    must(password_matches(arena_join(a, STR("{PLAIN}"), password), password));
    must(password_matches(arena_join(a, STR("{PLAIN}"), password), stored) ==
         str_eq(password, stored));
}

/* The first line of each user counts. */
static void
check_lines(const struct password_file *f, struct str text)
{
    for (struct str rest = text; rest.n;) {
        struct str line = str_cut(&rest, '\n'), after = line, user = str_cut(&after, ':');
        struct str stored = password_file_find(f, user);
        bool any = user.n < line.n && user.n > 0 && user.p[0] != '#';
        must((stored.p != NULL) == any || user.n == line.n);
        must(stored.n == 0 || memmem(text.p, text.n, stored.p, stored.n) != NULL);
    }
}

static void
check_file(struct str text)
{
    static int fd = -1;
    static char path[40];
    const struct password_file *f;
    const char *failed;
    if (fd < 0) {
        fd = memfd_create("fuzz", 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    must(ftruncate(fd, 0) == 0 && pwrite(fd, text.p, text.n, 0) == (ssize_t)text.n);
    must(password_file_open(str_of(path), &f, &failed) == 0);
    check_lines(f, text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct str in = { (const char *)data, size }, rest = in, stored = str_cut(&rest, '\n');
    if (size == 0)
        return 0;
    arena_init(&a, 0);
    check_base64(in, &a);
    check_password(stored, rest, &a);
    check_file(in);
    arena_fini(&a);
    return 0;
}
