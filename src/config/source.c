/* Reading files and include patterns, each once. */
#include "config/source.h"

#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_AT_ONCE = 65536 };

void
sources_init(struct sources *s, struct arena *a)
{
    *s = (struct sources){ .arena = a };
    map_init(&s->by_path, a, false);
    map_init(&s->by_pattern, a, false);
    map_init(&s->data_by_path, a, false);
}

struct source *
sources_add(struct sources *s, struct str path, struct str text)
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
        char *at = buf_room(b, READ_AT_ONCE);
        if (at == NULL)
            return -EFBIG;
        ssize_t n = read(fd, at, READ_AT_ONCE);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return 0;
        b->n += (size_t)n;
    }
}

/* With it the buffer need not grow, and no half of a key stays behind. */
static size_t
size_of(int fd)
{
    struct stat status;
    bool known = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    return known ? (size_t)status.st_size : 0;
}

static int
read_file(struct arena *a, struct str path, struct str *text)
{
    struct buf b;
    int fd = open(arena_dup(a, path).p, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    size_t size = size_of(fd);
    if (size < SOURCE_MAX)
        buf_init(&b, a, size + READ_AT_ONCE, SOURCE_MAX);
    int result = size < SOURCE_MAX ? read_all(fd, &b) : -EFBIG;
    close(fd);
    if (result == 0)
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
    return sources_add(s, arena_dup(s->arena, path), text);
}

struct source *
sources_add_data(struct sources *s, struct str path, struct str text, int error)
{
    struct source *source = arena_new(s->arena, struct source);
    *source = (struct source){ .next = s->data, .path = path, .text = text, .error = error };
    s->data = source;
    map_put(&s->data_by_path, path, source);
    return source;
}

/* Files are many and small: each is read into memory that the next will use, and only what it has
 * stays. */
static int
read_data(struct arena *a, struct str path, struct str *text)
{
    struct arena room;
    struct buf b;
    int fd = open(path.p, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    size_t size = size_of(fd);
    arena_init(&room, 0);
    buf_init(&b, &room, (size < SOURCE_MAX ? size : 0) + READ_AT_ONCE, SOURCE_MAX);
    int result = read_all(fd, &b);
    close(fd);
    if (result == 0)
        *text = arena_dup(a, buf_str(&b));
    if (b.n)
        explicit_bzero(b.p, b.n);
    arena_fini(&room);
    return result;
}

struct source *
sources_open_data(struct sources *s, struct str path, int *error)
{
    struct source *known = map_try(&s->data_by_path, path);
    if (known == NULL) {
        struct str text = STR_NONE, own = arena_dup(s->arena, path);
        int result = s->sealed ? -ENOENT : read_data(s->arena, own, &text);
        known = sources_add_data(s, own, text, -result);
    }
    *error = known->error;
    return known->error ? NULL : known;
}

void
sources_watch(struct sources *s, struct str path)
{
    struct source *known = map_try(&s->data_by_path, path);
    if (known)
        known->watched = true;
}

void
sources_mark_broken(struct sources *s, struct str path)
{
    int error;
    (void)sources_open_data(s, path, &error);
    struct source *known = map_try(&s->data_by_path, path);
    known->broken = true;
}

static bool
take_former(struct sources *s, struct str path, const struct sources *former)
{
    struct source *mine = map_try(&s->data_by_path, path);
    const struct source *other = map_try(&former->data_by_path, path);
    if (other == NULL || other->error || (mine->error == 0 && str_eq(mine->text, other->text)))
        return false;
    mine->text = arena_dup(s->arena, other->text);
    mine->error = 0;
    return true;
}

unsigned
sources_take_former(struct sources *s, const struct sources *judged, const struct sources *former)
{
    unsigned n = 0;
    for (const struct source *d = judged->data; d; d = d->next)
        n += d->broken && take_former(s, d->path, former);
    return n;
}

bool
source_has_changed(const struct source *data)
{
    struct arena a;
    struct str text;
    arena_init(&a, 0);
    bool changed = read_data(&a, data->path, &text) == 0;
    if (changed) {
        changed = data->error || !str_eq(text, data->text);
        explicit_bzero((void *)(uintptr_t)text.p, text.n);
    }
    arena_fini(&a);
    return changed;
}

void
sources_renew(struct sources *s)
{
    for (struct source *d = s->data; d; d = d->next) {
        struct str former = d->text;
        if (!d->watched || read_data(s->arena, d->path, &d->text) < 0)
            continue;
        d->error = 0;
        if (former.n)
            explicit_bzero((void *)(uintptr_t)former.p, former.n);
    }
}

void
sources_wipe(struct sources *s)
{
    for (struct source *d = s->data; d; d = d->next) {
        if (d->text.n)
            explicit_bzero((void *)(uintptr_t)d->text.p, d->text.n);
        d->text = STR_NONE;
    }
}

struct source *
sources_add_text(struct sources *s, struct str name, struct str text)
{
    struct source *known = map_try(&s->by_path, name);
    if (known && str_eq(known->text, text))
        return known;
    return sources_add(s, arena_dup(s->arena, name), arena_dup(s->arena, text));
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

struct include_result *
sources_add_pattern(struct sources *s, struct str pattern)
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
    found = sources_add_pattern(s, arena_dup(s->arena, pattern));
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
        sources_add(to, arena_dup(to->arena, source->path), arena_dup(to->arena, source->text));
    for (const struct include_result *i = from->includes; i; i = i->next) {
        struct include_result *copy = sources_add_pattern(to, arena_dup(to->arena, i->pattern));
        copy->n = i->n;
        copy->paths = arena_array(to->arena, struct str, i->n);
        for (unsigned k = 0; k < i->n; k++)
            copy->paths[k] = arena_dup(to->arena, i->paths[k]);
    }
    for (const struct source *data = from->data; data; data = data->next) {
        struct str text = data->error ? STR_NONE : arena_dup(to->arena, data->text);
        sources_add_data(to, arena_dup(to->arena, data->path), text, data->error)->watched =
            data->watched;
    }
    to->sealed = from->sealed;
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
