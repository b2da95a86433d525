/* The rows about opening and reading files, and the door through which all are opened. */
#include "exchange/files/files.h"

#include "exchange/files/cache.h"
#include "exchange/files/symlinks.h"
#include "exchange/hosts/location.h"

#include <fcntl.h>
#include <unistd.h>

#define EVERYWHERE    (IN_HTTP | IN_SERVER | IN_LOCATION)
#define FILES(member) FIELD(struct file_settings, member)

static bool
take_mode(struct symlink_rule *rule, struct str word, struct str *mode)
{
    *mode = word;
    rule->symlinks = str_eq(word, STR("on")) ? SYMLINKS_REFUSED : SYMLINKS_ALLOWED;
    if (str_eq(word, STR("if_not_owner")))
        rule->symlinks = SYMLINKS_OF_OWNER;
    return rule->symlinks != SYMLINKS_ALLOWED || str_eq(word, STR("off"));
}

/* disable_symlinks off | on | if_not_owner [from=PART] */
static bool
set_symlinks(struct setting *s)
{
    struct symlink_rule *rule = s->field;
    struct str mode = STR_NONE, from = STR_NONE, value;
    *rule = (struct symlink_rule){ SYMLINKS_ALLOWED, NULL };
    for (unsigned i = 1; i < s->node->n; i++) {
        struct str word = setting_arg(s, i);
        bool is_from = setting_parameter(s, i, STR("from"), &value);
        struct str former = is_from ? from : mode;
        if (!is_from && !take_mode(rule, word, &mode))
            return setting_error(s, i, "invalid parameter \"" STR_FMT "\"", STR_ARG(word));
        if (former.p)
            return setting_error(s, i, "duplicate parameters \"" STR_FMT " " STR_FMT "\"",
                                 STR_ARG(setting_arg(s, 1)), STR_ARG(word));
        if (is_from && (rule->from = template_compile(s, i, from = value)) == NULL)
            return false;
    }
    if (mode.p == NULL)
        return setting_error(
            s, 0, "\"disable_symlinks\" must have \"off\", \"on\" or \"if_not_owner\" parameter");
    if (from.p && rule->symlinks == SYMLINKS_ALLOWED)
        return setting_error(s, 0, "\"from=\" cannot be used with \"off\" parameter");
    return true;
}

static void
close_cache(struct compile *c, void *cache)
{
    file_cache_close(cache);
}

/* open_file_cache off | max=N [inactive=TIME] */
static bool
set_cache(struct setting *s)
{
    struct file_cache **cache = s->field;
    struct str value;
    uint64_t max = 0, inactive = 60000;
    bool none = false;
    *cache = NULL;
    for (unsigned i = 1; i < s->node->n; i++) {
        struct str word = setting_arg(s, i);
        bool off = str_eq(word, STR("off")), fine = off;
        if (setting_parameter(s, i, STR("max"), &value))
            fine = str_to_u64(value, 1 << 20, &max) && max > 0;
        else if (setting_parameter(s, i, STR("inactive"), &value))
            fine = parse_msec(value, &inactive);
        if (!fine)
            return setting_error(s, i, "invalid \"open_file_cache\" parameter \"" STR_FMT "\"",
                                 STR_ARG(word));
        none |= off;
    }
    if (none)
        return true;
    if (max == 0)
        return setting_error(s, 0, "\"open_file_cache\" must have the \"max\" parameter");
    *cache = file_cache_open((unsigned)max, inactive);
    if (*cache)
        compile_finally(s->compile, close_cache, *cache);
    return true;
}

static const struct directive rows[] = {
    { "disable_symlinks", PLACE(struct file_settings, rule), EVERYWHERE, .initial = "off",
      .set = set_symlinks, .args_min = 1, .args_max = 2,
      .syntax = "off | on [from=part] | if_not_owner [from=part]",
      .example = "disable_symlinks if_not_owner from=$document_root;",
      .help = "Whether a file is refused (403) when its path has a symbolic link: any, or one "
              "whose owner is not its target's. What from names, a beginning of the path, is not "
              "judged." },
    { "open_file_cache", PLACE(struct file_settings, cache), EVERYWHERE, .initial = "off",
      .set = set_cache, .args_min = 1, .args_max = 2, .syntax = "off | max=N [inactive=time]",
      .example = "open_file_cache max=1000 inactive=20s;",
      .help = "Keeps files open, and remembers sizes, times and directories, of at most N paths in "
              "each thread; of those that nobody asks for within the time (60s) least long." },
    { "open_file_cache_valid", FILES(valid), EVERYWHERE, .initial = "60s",
      .help = "After this time what open_file_cache holds is compared with the disk again." },
    { "open_file_cache_min_uses", FILES(min_uses), EVERYWHERE, .initial = "1",
      .help = "How often a file must be asked for, with pauses of no more than open_file_cache's "
              "inactive, to stay open." },
    { "open_file_cache_errors", FILES(errors), EVERYWHERE, .initial = "off",
      .help = "Whether open_file_cache remembers also that a file is not there." },
    { "aio", PLACE(struct file_settings, reading.aio), EVERYWHERE, .initial = "off",
      .set = reading_set_aio, .syntax = "on | off | threads[=pool]", .example = "aio threads;",
      .help = "Whether files are read by threads of their own where the page cache does not have "
              "them, so that no disk holds up a thread that serves. \"on\" is the same as "
              "\"threads\"." },
    { "directio", PLACE(struct file_settings, reading.directio), EVERYWHERE, .initial = "off",
      .set = reading_set_directio, .syntax = "size | off", .example = "directio 4m;",
      .help = "Files of this size and above are read past the page cache (O_DIRECT), by threads "
              "of their own; by way of the cache where the file system refuses." },
    { "directio_alignment", FILES(reading.directio_alignment), EVERYWHERE, .initial = "512",
      .example = "directio_alignment 4k;",
      .help = "To what reads of directio are aligned; to 4k at least." },
    { "output_buffers", PLACE(struct file_settings, reading.piece), EVERYWHERE, .initial = "2 32k",
      .set = reading_set_buffers, .args_min = 2, .syntax = "number size",
      .example = "output_buffers 1 512k;",
      .help = "How much of a file is read at a time by aio and directio: all the buffers "
              "together, at most 1m." },
    { "read_ahead", FILES(reading.read_ahead), EVERYWHERE, .initial = "0",
      .example = "read_ahead 512k;",
      .help = "Tells the kernel that files will be read from one end to the other, unless 0. How "
              "far it reads ahead is its affair." },
    { "thread_pool", PLACE(struct file_settings, reading.pools), IN_MAIN, .flags = REPEATABLE,
      .set = reading_set_pool, .args_min = 2, .args_max = 3,
      .syntax = "name threads=number [max_queue=number]",
      .example = "thread_pool default threads=32 max_queue=65536;",
      .help = "A name for \"aio threads=\". Files are read by up to 32 threads, shared by all "
              "and started as they are needed." },
    { 0 },
};

const struct directive_set file_directives = {
    .name = "files",
    .settings_size = sizeof(struct file_settings),
    .directives = rows,
};

static const struct file_settings *
settings_of(const struct exchange *x)
{
    return (x->location ? x->location : x->server->root)->files;
}

/* The part of the path that from= names, when the path begins with it. */
static size_t
trusted_part(struct exchange *x, const struct symlink_rule *rule, struct str path)
{
    struct str from = rule->from ? template_eval(rule->from, x) : STR_NONE;
    while (from.n && from.p[from.n - 1] == '/')
        from.n--;
    bool begins = from.n && str_starts(path, from);
    return begins && (path.n == from.n || path.p[from.n] == '/') ? from.n : 0;
}

int
file_ask(const struct file_question *q, struct file *out)
{
    int flags = O_CLOEXEC | (q->look ? O_PATH : O_RDONLY | O_NONBLOCK);
    *out = (struct file){ .fd = -1 };
    if (q->look && q->symlinks == SYMLINKS_ALLOWED)
        return stat(q->path.p, &out->st) < 0 ? -errno : 0;
    if (q->symlinks == SYMLINKS_ALLOWED)
        out->fd = open(q->path.p, flags);
    else
        out->fd = symlinks_open(q->path, q->trusted, q->symlinks, flags);
    if (out->fd < 0)
        return q->symlinks == SYMLINKS_ALLOWED ? -errno : out->fd;
    int error = fstat(out->fd, &out->st) < 0 ? -errno : 0;
    if (error || q->look)
        file_close(out);
    return error;
}

static int
ask(struct exchange *x, struct str path, bool look, struct file *out)
{
    const struct file_settings *my = settings_of(x);
    struct file_question q = { .path = path, .symlinks = my->rule.symlinks, .look = look };
    if (q.symlinks != SYMLINKS_ALLOWED)
        q.trusted = trusted_part(x, &my->rule, path);
    return my->cache ? file_cache_ask(my, &q, out) : file_ask(&q, out);
}

int
file_open(struct exchange *x, struct str path, struct file *out)
{
    return ask(x, path, false, out);
}

int
file_look(struct exchange *x, struct str path, struct stat *out)
{
    struct file f;
    int error = ask(x, path, true, &f);
    *out = f.st;
    return error;
}

static char *
put_hex(char *p, uint64_t value)
{
    unsigned digits = 1;
    for (uint64_t rest = value >> 4; rest; rest >>= 4)
        digits++;
    for (unsigned i = digits; i-- > 0; value >>= 4)
        p[i] = "0123456789abcdef"[value & 15];
    return p + digits;
}

/* "modified-size", both in hexadecimal, as nginx makes it: a cluster of both agrees. */
static struct str
etag_of(struct exchange *x, const struct stat *st)
{
    char *start = arena_text(&x->arena, 40), *p = start;
    *p++ = '"';
    p = put_hex(p, (uint64_t)st->st_mtime);
    *p++ = '-';
    p = put_hex(p, (uint64_t)st->st_size);
    *p++ = '"';
    return str_between(start, p);
}

void
file_describe(struct exchange *x, const struct stat *st)
{
    struct response *r = &x->response;
    r->content_length = st->st_size;
    r->last_modified = st->st_mtime;
    r->ranges_allowed = true;
    if (x->location->core->etag)
        r->etag = etag_of(x, st);
}

const char *
file_open_call(const struct exchange *x)
{
    return settings_of(x)->rule.symlinks == SYMLINKS_ALLOWED ? "open()" : "openat()";
}

void
file_close(struct file *f)
{
    if (f->cached)
        cached_file_drop(f->cached);
    else if (f->fd >= 0)
        close(f->fd);
    *f = (struct file){ .fd = -1, .st = f->st };
}

static void
let_go(void *cached)
{
    cached_file_drop(cached);
}

struct body *
file_body(struct exchange *x, struct file *f)
{
    const struct reading_settings *reading = &settings_of(x)->reading;
    uint64_t size = (uint64_t)f->st.st_size;
    if (reading->read_ahead.n)
        (void)posix_fadvise(f->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    struct body *body = reading_body(x, reading, f);
    if (body)
        return body;
    if (f->cached)
        return body_of_shared_file(&x->arena, f->fd, size, let_go, f->cached);
    return body_of_file(&x->arena, f->fd, 0, size, true);
}
