/* access_log, log_format, open_log_file_cache: one line a request.
 *
 * A line is its format's template written in one pass into the exchange's arena, its variables
 * escaped on the way, and handed to the destination's buffer. Nothing is formatted for a location
 * that logs nowhere. */
#include "exchange/feature.h"
#include "exchange/settings.h"
#include "exchange/snapshot.h"
#include "http/scan.h"
#include "observe/log.h"
#include "observe/log_cache.h"

#include <errno.h>
#include <sys/stat.h>

struct format {
    const struct template *line;
    escape_fn *escape;
};

/* One access_log line of the configuration. */
struct target {
    struct target *next;
    struct compile *compile;
    struct str format_name;
    const struct format *format; /* found at the compile's end: it may be defined later */
    struct log_file *file;       /* NULL: the path has variables, or is the default not asked for */
    const struct template *path; /* with variables; else NULL */
    const struct template *condition;
    struct log_buffering buffering;
};

struct targets {
    bool off;
    struct target *first, **end;
};

struct settings {
    struct targets *log;
    struct map *formats; /* name → struct format *; one a compile */
    struct map *buffers; /* path → struct target *, the first that buffers it */
    const struct variable_ref *document_root;
    struct log_cache_settings cache;
};

/* --- escaping: nginx's log_format escape=, checked against it byte by byte --- */

static const char hex[] = "0123456789ABCDEF";

SCAN(unquotable, (c < 0x20) | (c >= 0x7f) | (c == '"') | (c == '\\'))

static void
escape_default(struct buf *b, struct str value, bool present)
{
    const char *from = value.p, *end = from + value.n, *at;
    if (!present) {
        buf_byte(b, '-');
        return;
    }
    for (; (at = scan_unquotable(from, end)) < end; from = at + 1) {
        unsigned char c = (unsigned char)*at;
        buf_put(b, str_between(from, at));
        buf_put(b, (struct str){ (char[]){ '\\', 'x', hex[c >> 4], hex[c & 15] }, 4 });
    }
    buf_put(b, str_between(from, end));
}

static void
put_json_byte(struct buf *b, unsigned char c)
{
    static const char named[] = "\bb\ff\nn\rr\tt\"\"\\\\";
    for (const char *p = named; *p; p += 2)
        if ((unsigned char)*p == c) {
            buf_put(b, (struct str){ (char[]){ '\\', p[1] }, 2 });
            return;
        }
    buf_put(b, STR("\\u00"));
    buf_put(b, (struct str){ (char[]){ hex[c >> 4], hex[c & 15] }, 2 });
}

static void
escape_json(struct buf *b, struct str value, bool present)
{
    size_t from = 0;
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        buf_put(b, str_between(value.p + from, value.p + i));
        put_json_byte(b, c);
        from = i + 1;
    }
    buf_put(b, str_skip(value, from));
}

/* --- log_format --- */

static const char combined[] = "$remote_addr - $remote_user [$time_local] \"$request\" $status "
                               "$body_bytes_sent \"$http_referer\" \"$http_user_agent\"";

static bool
parse_escape(struct setting *s, escape_fn **out, unsigned *first)
{
    struct str how;
    *out = escape_default;
    *first = 2;
    if (!setting_parameter(s, 2, STR("escape"), &how))
        return true;
    *first = 3;
    if (str_eq(how, STR("json")))
        *out = escape_json;
    else if (str_eq(how, STR("none")))
        *out = NULL;
    else if (!str_eq(how, STR("default")))
        return setting_error(s, 2, "unknown log format escaping \"" STR_FMT "\"", STR_ARG(how));
    return true;
}

static bool
set_log_format(struct setting *s)
{
    struct settings *my = s->settings;
    struct format *format = arena_new(s->compile->arena, struct format);
    unsigned first;
    if (map_try(my->formats, setting_arg(s, 1)))
        return setting_error(s, 1, "duplicate \"log_format\" name \"" STR_FMT "\"",
                             STR_ARG(setting_arg(s, 1)));
    if (!parse_escape(s, &format->escape, &first))
        return false;
    format->line = template_compile_words(s, first);
    if (format->line)
        map_put(my->formats, setting_arg(s, 1), format);
    return format->line != NULL;
}

/* --- access_log --- */

static bool
set_buffer(struct setting *s, unsigned i, struct str value, struct target *t)
{
    uint64_t size;
    if (!parse_bytes(value, &size) || size == 0)
        return setting_error(s, i, "invalid buffer size \"" STR_FMT "\"", STR_ARG(value));
    t->buffering.size = size;
    return true;
}

static bool
set_gzip(struct setting *s, unsigned i, struct str value, struct target *t)
{
    uint64_t level = 1;
    if (value.p && (!str_to_u64(value, 9, &level) || level == 0))
        return setting_error(s, i, "invalid compression level \"" STR_FMT "\"", STR_ARG(value));
    t->buffering.gzip = (int)level;
    if (t->buffering.size == 0)
        t->buffering.size = 64 * 1024;
    return true;
}

static bool
set_flush(struct setting *s, unsigned i, struct str value, struct target *t)
{
    if (!parse_msec(value, &t->buffering.flush_ms) || t->buffering.flush_ms == 0)
        return setting_error(s, i, "invalid flush time \"" STR_FMT "\"", STR_ARG(value));
    return true;
}

static bool
set_parameter(struct setting *s, unsigned i, struct target *t)
{
    struct str value;
    if (setting_parameter(s, i, STR("buffer"), &value))
        return set_buffer(s, i, value, t);
    if (setting_parameter(s, i, STR("gzip"), &value))
        return set_gzip(s, i, value, t);
    if (str_eq(setting_arg(s, i), STR("gzip")))
        return set_gzip(s, i, STR_NONE, t);
    if (setting_parameter(s, i, STR("flush"), &value))
        return set_flush(s, i, value, t);
    if (setting_parameter(s, i, STR("if"), &value)) {
        t->condition = template_compile(s, i, value);
        return t->condition != NULL;
    }
    return setting_error(s, i, "invalid parameter \"" STR_FMT "\"", STR_ARG(setting_arg(s, i)));
}

static bool
same_buffering(const struct log_buffering *a, const struct log_buffering *b)
{
    return a->size == b->size && a->flush_ms == b->flush_ms && a->gzip == b->gzip;
}

/* A destination has one buffer, so all that name it must agree. */
static bool
judge_buffering(struct setting *s, struct target *t)
{
    struct settings *my = s->settings;
    struct str path = setting_arg(s, 1);
    if (t->buffering.flush_ms && t->buffering.size == 0)
        return setting_error(s, 1, "no buffer is defined for access_log \"" STR_FMT "\"",
                             STR_ARG(path));
    if (t->buffering.size == 0)
        return true;
    if (t->path)
        return setting_error(s, 1, "buffered logs cannot have variables in name");
    if (log_file_is_syslog(t->file))
        return setting_error(s, 1, "logs to syslog cannot be buffered");
    struct target *other = map_try(my->buffers, log_file_path(t->file));
    if (other && !same_buffering(&other->buffering, &t->buffering))
        return setting_error(s, 1,
                             "access_log \"" STR_FMT "\" already defined with conflicting "
                             "parameters",
                             STR_ARG(path));
    map_put(my->buffers, log_file_path(t->file), t);
    return true;
}

struct pending {
    struct setting setting;
    struct target *target;
};

static void
find_format(struct compile *c, void *arg)
{
    struct pending *p = arg;
    const struct settings *my = p->setting.settings;
    p->target->format = map_try(my->formats, p->target->format_name);
    if (p->target->format == NULL)
        setting_error(&p->setting, 2, "unknown log format \"" STR_FMT "\"",
                      STR_ARG(p->target->format_name));
}

static struct targets *
targets_of(struct settings *my, struct arena *a)
{
    if (my->log == NULL) {
        my->log = arena_new(a, struct targets);
        my->log->end = &my->log->first;
    }
    return my->log;
}

static void
append(struct targets *log, struct target *t)
{
    *log->end = t;
    log->end = &t->next;
}

static bool
set_off(struct setting *s)
{
    if (s->node->n > 2)
        return setting_error(s, 2, "invalid parameter \"" STR_FMT "\"", STR_ARG(setting_arg(s, 2)));
    targets_of(s->settings, s->compile->arena)->off = true;
    return true;
}

static bool
set_path(struct setting *s, struct target *t)
{
    struct str path = setting_arg(s, 1);
    if (!str_starts(path, STR("syslog:")) && str_find(path, '$') >= 0) {
        t->path = template_compile(s, 1, path);
        return t->path != NULL;
    }
    t->file = log_file_get(s, 1, path);
    return t->file != NULL;
}

static bool
set_access_log(struct setting *s)
{
    struct arena *a = s->compile->arena;
    if (str_eq(setting_arg(s, 1), STR("off")))
        return set_off(s);
    struct target *t = arena_new(a, struct target);
    t->compile = s->compile;
    t->format_name = s->node->n > 2 ? setting_arg(s, 2) : STR("combined");
    if (!set_path(s, t))
        return false;
    for (unsigned i = 3; i < s->node->n; i++)
        if (!set_parameter(s, i, t))
            return false;
    if (!judge_buffering(s, t))
        return false;
    struct pending *p = arena_new(a, struct pending);
    *p = (struct pending){ *s, t };
    compile_defer(s->compile, find_format, p);
    append(targets_of(s->settings, a), t);
    return true;
}

/* --- open_log_file_cache --- */

static bool
parse_cache_word(struct str word, struct log_cache_settings *out)
{
    uint64_t n;
    struct str value = word;
    struct str name = str_cut(&value, '=');
    if (str_eq(name, STR("max")) && str_to_u64(value, 1000000, &n) && n)
        out->max = (unsigned)n;
    else if (str_eq(name, STR("min_uses")) && str_to_u64(value, 1000000, &n) && n)
        out->min_uses = (unsigned)n;
    else if (str_eq(name, STR("inactive")))
        return parse_msec(value, &out->inactive_ms);
    else if (str_eq(name, STR("valid")))
        return parse_msec(value, &out->valid_ms);
    else
        return false;
    return true;
}

static bool
set_cache(struct setting *s)
{
    struct log_cache_settings cache = { 0, 1, 10000, 60000 };
    struct log_cache_settings *field = s->field;
    for (unsigned i = 1; i < s->node->n; i++) {
        bool off = s->node->n == 2 && str_eq(setting_arg(s, i), STR("off"));
        if (off) {
            *field = cache;
            return true;
        }
        if (!parse_cache_word(setting_arg(s, i), &cache))
            return setting_error(s, i, "invalid \"open_log_file_cache\" parameter \"" STR_FMT "\"",
                                 STR_ARG(setting_arg(s, i)));
    }
    if (cache.max == 0)
        return setting_error(s, 0, "\"open_log_file_cache\" must have \"max\" parameter");
    *field = cache;
    return true;
}

/* --- what holds where nothing is said --- */

static bool
complete(struct scope *scope, void *settings)
{
    struct settings *my = settings;
    struct compile *c = scope->compile;
    if (scope->parent)
        return true;
    struct snapshot *snapshot = c->snapshot;
    struct setting none = { .compile = c, .scope = scope };
    struct format *format = arena_new(c->arena, struct format);
    struct target *t = arena_new(c->arena, struct target);
    *format = (struct format){ template_compile(&none, 0, str_of(combined)), escape_default };
    *t = (struct target){ .compile = c, .format = format };
    my->formats = arena_new(c->arena, struct map);
    my->buffers = arena_new(c->arena, struct map);
    map_init(my->formats, c->arena, false);
    map_init(my->buffers, c->arena, false);
    map_put(my->formats, STR("combined"), format);
    my->document_root = variable_reserve(&snapshot->variables, STR("document_root"));
    append(targets_of(my, c->arena), t);
    return true;
}

/* The default log is named only where it is used: a file that nobody asked for is not made. */
static bool
used(const void *settings)
{
    const struct settings *my = settings;
    if (my->log->off)
        return false;
    for (struct target *t = my->log->first; t; t = t->next)
        if (t->file == NULL && t->path == NULL)
            t->file = log_file_default(t->compile, log_default_access);
    return my->log->first != NULL;
}

static const struct directive directives[] = {
    { "access_log", PLACE(struct settings, log),
      IN_HTTP | IN_SERVER | IN_LOCATION | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
      .help = "Logs requests to a file or to syslog, in the format named (combined when none is). "
              "Lines may be gathered in a buffer and compressed; with if= only requests for which "
              "the condition is neither empty nor 0 are logged. The path may hold variables. off "
              "cancels all of this level.",
      .syntax = "path [format [buffer=size] [gzip[=level]] [flush=time] [if=condition]] | off",
      .unset = HTTP_LOG_PATH " combined", .example = "access_log logs/access.log combined;",
      .flags = MANY, .args_min = 1, .args_max = ARGS_ANY, .set = set_access_log },
    { "log_format", NO_FIELD, IN_HTTP,
      .help = "Defines a format for access_log: text with variables, its arguments joined. "
              "Variables' values are escaped for quoted text (default), for JSON, or not at all.",
      .syntax = "name [escape=default|json|none] string ...",
      .example = "log_format short '$remote_addr \"$request\" $status';", .flags = REPEATABLE,
      .args_min = 2, .args_max = ARGS_ANY, .set = set_log_format },
    { "open_log_file_cache", PLACE(struct settings, cache), IN_HTTP | IN_SERVER | IN_LOCATION,
      .initial = "off",
      .help = "Keeps log files open whose path holds variables: at most max of them in each "
              "thread, closed when unused for inactive, looked at again after valid.",
      .syntax = "max=N [inactive=time] [min_uses=N] [valid=time] | off",
      .example = "open_log_file_cache max=1000 inactive=20s valid=1m min_uses=2;", .args_min = 1,
      .args_max = 4, .set = set_cache },
    { 0 },
};

/* --- logging --- */

/* What a request says may name a file, never a way out of its directory. */
static bool
is_safe(struct str path)
{
    struct str rest = path;
    while (rest.p)
        if (str_eq(str_cut(&rest, '/'), STR("..")))
            return false;
    return path.n && memchr(path.p, 0, path.n) == NULL;
}

/* nginx asks this of logs with variables, so that made-up names make no files. */
static bool
has_root(struct exchange *x, const struct settings *my)
{
    struct str root;
    struct stat st;
    if (!variable_get(x, my->document_root, &root))
        return false;
    if (stat(arena_dup(&x->arena, root).p, &st) == 0 && S_ISDIR(st.st_mode))
        return true;
    exchange_log(x, LEVEL_ERROR, errno, "testing \"" STR_FMT "\" existence failed", STR_ARG(root));
    return false;
}

static void
log_by_name(struct exchange *x, const struct settings *my, const struct target *t, struct str line)
{
    struct str path = template_eval(t->path, x);
    if (!is_safe(path) || !has_root(x, my))
        return;
    if (path.p[0] != '/')
        path = arena_printf(&x->arena, STR_FMT "/" STR_FMT, STR_ARG(t->compile->prefix),
                            STR_ARG(path));
    path = arena_dup(&x->arena, path);
    int error = log_cache_write(&my->cache, path, line);
    if (error)
        exchange_log(x, LEVEL_CRIT, error, "open() \"" STR_FMT "\" failed", STR_ARG(path));
}

static void
log_to(struct exchange *x, const struct settings *my, const struct target *t)
{
    struct buf line;
    if (t->condition && !template_true(t->condition, x))
        return;
    buf_init(&line, &x->arena, 512, 0);
    template_write(t->format->line, x, &line, t->format->escape);
    buf_byte(&line, '\n');
    if (t->path)
        log_by_name(x, my, t, buf_str(&line));
    else
        log_file_write(t->file, &t->buffering, buf_str(&line));
}

static void
log_exchange(struct exchange *x, const void *settings)
{
    const struct settings *my = settings;
    for (const struct target *t = my->log->first; t; t = t->next)
        log_to(x, my, t);
}

const struct feature access_log = {
    .name = "access_log",
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .complete = complete,
    .used = used,
    .on_log = log_exchange,
};
