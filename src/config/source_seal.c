/* Saved form: "F" path text, "D" path text error and "I" pattern count paths…, ended by "E"; each
 * text is a 64-bit length and its bytes, in the machine's own order: writer and reader are one
 * program.
 *
 * Some of it is secret: what passes through memory of ours on the way is overwritten. */
#include "config/source_seal.h"

#include "base/buf.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static const char magic[8] = "USHERC1\n";

static void
put_number(struct buf *b, uint64_t n)
{
    buf_put(b, (struct str){ (const char *)&n, sizeof n });
}

static void
put_text(struct buf *b, struct str text)
{
    put_number(b, text.n);
    buf_put(b, text);
}

static void
put_all(const struct sources *s, struct buf *b)
{
    buf_put(b, (struct str){ magic, sizeof(magic) });
    for (const struct source *source = s->first; source; source = source->next) {
        buf_byte(b, 'F');
        put_text(b, source->path);
        put_text(b, source->text);
    }
    for (const struct source *data = s->data; data; data = data->next) {
        buf_byte(b, 'D');
        put_text(b, data->path);
        put_text(b, data->text);
        put_number(b, (uint64_t)data->error);
    }
    for (const struct include_result *i = s->includes; i; i = i->next) {
        buf_byte(b, 'I');
        put_text(b, i->pattern);
        put_number(b, i->n);
        for (unsigned k = 0; k < i->n; k++)
            put_text(b, i->paths[k]);
    }
    buf_byte(b, 'E');
}

/* Room for all of it, so that no half of a key stays behind where the buffer was too small. */
static size_t
room_for(const struct sources *s)
{
    size_t n = sizeof magic + 1;
    for (const struct source *source = s->first; source; source = source->next)
        n += source->path.n + source->text.n + 32;
    for (const struct source *data = s->data; data; data = data->next)
        n += data->path.n + data->text.n + 32;
    for (const struct include_result *i = s->includes; i; i = i->next) {
        n += i->pattern.n + 32;
        for (unsigned k = 0; k < i->n; k++)
            n += i->paths[k].n + 32;
    }
    return n;
}

static int
write_all(int fd, struct str text)
{
    while (text.n) {
        ssize_t n = write(fd, text.p, text.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        text = str_skip(text, (size_t)n);
    }
    return 0;
}

int
sources_save(const struct sources *s, int fd)
{
    struct arena a;
    struct buf b;
    arena_init(&a, 0);
    buf_init(&b, &a, room_for(s), 0);
    put_all(s, &b);
    int result = write_all(fd, buf_str(&b));
    explicit_bzero(b.p, b.n);
    arena_fini(&a);
    return result;
}

static bool
take_number(struct str *rest, uint64_t *n)
{
    if (rest->n < sizeof(*n))
        return false;
    memcpy(n, rest->p, sizeof(*n));
    *rest = str_skip(*rest, sizeof(*n));
    return true;
}

static bool
take_text(struct str *rest, struct str *text)
{
    uint64_t n;
    if (!take_number(rest, &n) || n > rest->n)
        return false;
    *text = str_head(*rest, n);
    *rest = str_skip(*rest, n);
    return true;
}

static bool
take_include(struct sources *s, struct str *rest)
{
    struct str pattern;
    uint64_t n;
    if (!take_text(rest, &pattern) || !take_number(rest, &n) || n > rest->n / sizeof(n))
        return false;
    struct include_result *found = sources_add_pattern(s, pattern);
    found->n = (unsigned)n;
    found->paths = arena_array(s->arena, struct str, n);
    for (uint64_t i = 0; i < n; i++)
        if (!take_text(rest, &found->paths[i]))
            return false;
    return true;
}

static bool
take_source(struct sources *s, struct str *rest)
{
    struct str path, text;
    if (!take_text(rest, &path) || !take_text(rest, &text))
        return false;
    sources_add(s, path, text);
    return true;
}

static bool
take_data(struct sources *s, struct str *rest)
{
    struct str path, text;
    uint64_t error;
    if (!take_text(rest, &path) || !take_text(rest, &text) || !take_number(rest, &error))
        return false;
    sources_add_data(s, path, text, (int)error);
    return true;
}

static bool
take_records(struct sources *s, struct str rest)
{
    while (rest.n) {
        char kind = rest.p[0];
        rest = str_skip(rest, 1);
        if (kind == 'E')
            return rest.n == 0;
        bool taken = kind == 'F'   ? take_source(s, &rest)
                     : kind == 'D' ? take_data(s, &rest)
                     : kind == 'I' ? take_include(s, &rest)
                                   : false;
        if (!taken)
            return false;
    }
    return false;
}

/* All that fd holds from its start. 0 or -errno. */
static int
read_all(int fd, struct arena *a, struct str *all)
{
    struct stat status;
    if (fstat(fd, &status) < 0)
        return -errno;
    size_t n = 0, size = (size_t)status.st_size;
    char *p = arena_text(a, size + 1);
    while (n < size) {
        ssize_t some = pread(fd, p + n, size - n, (off_t)n);
        if (some == 0 || (some < 0 && errno != EINTR))
            return some ? -errno : -EINVAL;
        n += some > 0 ? (size_t)some : 0;
    }
    *all = (struct str){ p, n };
    return 0;
}

int
sources_load(struct sources *s, int fd)
{
    struct str all = STR_NONE;
    s->sealed = true;
    int result = read_all(fd, s->arena, &all);
    if (result < 0)
        return result;
    if (!str_starts(all, (struct str){ magic, sizeof(magic) }))
        return -EINVAL;
    return take_records(s, str_skip(all, sizeof(magic))) ? 0 : -EINVAL;
}
