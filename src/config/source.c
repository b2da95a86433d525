/* Reading files and include patterns, each once.
 *
 * Saved form: "F" path text and "I" pattern count paths…, ended by "E"; each text is a 64-bit
 * length and its bytes, in the machine's own order: writer and reader are one program. */
#include "config/source.h"

#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

static const char magic[8] = "USHERC1\n";

void
sources_init(struct sources *s, struct arena *a)
{
    *s = (struct sources){ .arena = a };
    map_init(&s->by_path, a, false);
    map_init(&s->by_pattern, a, false);
}

static struct source *
add(struct sources *s, struct str path, struct str text)
{
    struct source *source = arena_new(s->arena, struct source);
    if (str_starts(text, STR("\xef\xbb\xbf"))) /* the mark that some editors put at the start */
        text = str_skip(text, 3);
    source->path = path;
    source->text = text;
    source->order = s->last ? s->last->order + 1 : 1;
    *(s->last ? &s->last->next : &s->first) = source;
    s->last = source;
    map_put(&s->by_path, path, source);
    return source;
}

/* All that fd has, into b. 0 or -errno. Pipes and /dev/stdin are read as well as files. */
static int
read_all(int fd, struct buf *b)
{
    for (;;) {
        char *at = buf_room(b, 65536);
        ssize_t n = read(fd, at, 65536);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return 0;
        b->n += (size_t)n;
    }
}

static int
read_file(struct arena *a, struct str path, struct str *text)
{
    int fd = open(arena_dup(a, path).p, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    struct stat status;
    struct buf b;
    size_t expected = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? status.st_size : 0;
    buf_init(&b, a, expected + 65536, 0);
    int result = read_all(fd, &b);
    close(fd);
    *text = buf_str(&b);
    return result;
}

struct source *
sources_open(struct sources *s, struct str path, int *error)
{
    struct source *known = map_try(&s->by_path, path);
    if (known)
        return known;
    struct str text;
    int result = s->sealed ? -ENOENT : read_file(s->arena, path, &text);
    if (result < 0) {
        *error = -result;
        return NULL;
    }
    return add(s, arena_dup(s->arena, path), text);
}

struct source *
sources_add_text(struct sources *s, struct str name, struct str text)
{
    struct source *known = map_try(&s->by_path, name);
    if (known && str_eq(known->text, text))
        return known;
    return add(s, arena_dup(s->arena, name), arena_dup(s->arena, text));
}

static bool
has_glob(struct str pattern)
{
    for (size_t i = 0; i < pattern.n; i++)
        if (memchr("*?[", pattern.p[i], 3))
            return true;
    return false;
}

static void
find_matches(struct sources *s, struct include_result *found)
{
    glob_t matches;
    if (glob(found->pattern.p, 0, NULL, &matches) != 0)
        return;
    found->n = (unsigned)matches.gl_pathc;
    found->paths = arena_array(s->arena, struct str, found->n);
    for (unsigned i = 0; i < found->n; i++)
        found->paths[i] = arena_dup(s->arena, str_of(matches.gl_pathv[i]));
    globfree(&matches);
}

static struct include_result *
add_pattern(struct sources *s, struct str pattern)
{
    struct include_result *found = arena_new(s->arena, struct include_result);
    found->pattern = pattern;
    found->next = s->includes;
    s->includes = found;
    map_put(&s->by_pattern, pattern, found);
    return found;
}

const struct include_result *
sources_glob(struct sources *s, struct str pattern)
{
    struct include_result *found = map_try(&s->by_pattern, pattern);
    if (found)
        return found;
    found = add_pattern(s, arena_dup(s->arena, pattern));
    if (!has_glob(pattern)) {
        found->n = 1;
        found->paths = &found->pattern;
    } else if (!s->sealed) {
        find_matches(s, found);
    }
    return found;
}

void
sources_copy(struct sources *to, const struct sources *from)
{
    for (const struct source *source = from->first; source; source = source->next)
        add(to, arena_dup(to->arena, source->path), arena_dup(to->arena, source->text));
    for (const struct include_result *i = from->includes; i; i = i->next) {
        struct include_result *copy = add_pattern(to, arena_dup(to->arena, i->pattern));
        copy->n = i->n;
        copy->paths = arena_array(to->arena, struct str, i->n);
        for (unsigned k = 0; k < i->n; k++)
            copy->paths[k] = arena_dup(to->arena, i->paths[k]);
    }
    to->sealed = from->sealed;
}

static void
put_text(struct buf *b, struct str text)
{
    uint64_t n = text.n;
    buf_put(b, (struct str){ (const char *)&n, sizeof(n) });
    buf_put(b, text);
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
    buf_init(&b, &a, 65536, 0);
    buf_put(&b, (struct str){ magic, sizeof(magic) });
    for (const struct source *source = s->first; source; source = source->next) {
        buf_byte(&b, 'F');
        put_text(&b, source->path);
        put_text(&b, source->text);
    }
    for (const struct include_result *i = s->includes; i; i = i->next) {
        uint64_t n = i->n;
        buf_byte(&b, 'I');
        put_text(&b, i->pattern);
        buf_put(&b, (struct str){ (const char *)&n, sizeof(n) });
        for (unsigned k = 0; k < i->n; k++)
            put_text(&b, i->paths[k]);
    }
    buf_byte(&b, 'E');
    int result = write_all(fd, buf_str(&b));
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
    struct include_result *found = add_pattern(s, pattern);
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
    add(s, path, text);
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
                     : kind == 'I' ? take_include(s, &rest)
                                   : false;
        if (!taken)
            return false;
    }
    return false;
}

int
sources_load(struct sources *s, int fd)
{
    struct buf b;
    buf_init(&b, s->arena, 65536, 0);
    if (lseek(fd, 0, SEEK_SET) < 0 && errno != ESPIPE)
        return -errno;
    int result = read_all(fd, &b);
    if (result < 0)
        return result;
    s->sealed = true;
    struct str all = buf_str(&b);
    if (!str_starts(all, (struct str){ magic, sizeof(magic) }))
        return -EINVAL;
    return take_records(s, str_skip(all, sizeof(magic))) ? 0 : -EINVAL;
}

void
sources_print(const struct sources *s, int fd)
{
    for (const struct source *source = s->first; source; source = source->next) {
        struct arena a;
        arena_init(&a, 0);
        struct str head =
            arena_printf(&a, "# configuration file " STR_FMT ":\n", STR_ARG(source->path));
        if (write_all(fd, head) == 0 && write_all(fd, source->text) == 0)
            (void)!write_all(fd, STR("\n"));
        arena_fini(&a);
    }
}
