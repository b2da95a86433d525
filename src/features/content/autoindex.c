/* autoindex: the list of a directory that has no index file, as a page, JSON, JSONP or XML.
 *
 * Names are gathered away from the event loop; the list is written as the client reads it, when the
 * header filters have said what its charset is. */
#include "exchange/feature.h"
#include "exchange/files/path.h"
#include "exchange/hosts/location.h"
#include "fiber/offload.h"
#include "http/date.h"
#include "http/uri.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

enum format { FORMAT_HTML, FORMAT_JSON, FORMAT_JSONP, FORMAT_XML };

struct settings {
    bool on, exact_size, localtime;
    unsigned format;
};

static const struct choice formats[] = { { "html", FORMAT_HTML },
                                         { "json", FORMAT_JSON },
                                         { "jsonp", FORMAT_JSONP },
                                         { "xml", FORMAT_XML },
                                         { 0 } };

#define EVERYWHERE (IN_HTTP | IN_SERVER | IN_LOCATION)
#define MY(member) FIELD(struct settings, member)

static const struct directive directives[] = {
    { "autoindex", MY(on), EVERYWHERE, .initial = "off",
      .help = "Whether a directory without an index file is answered by the list of what is in it; "
              "names that begin with a dot are left out." },
    { "autoindex_exact_size", MY(exact_size), EVERYWHERE, .initial = "on",
      .help = "Whether a page of autoindex has sizes in bytes, or rounded to K, M and G." },
    { "autoindex_localtime", MY(localtime), EVERYWHERE, .initial = "off",
      .help = "Whether a page of autoindex has times in the local time zone, or in UTC." },
    { "autoindex_format", MY(format), EVERYWHERE, .initial = "html", .choices = formats,
      .help = "What autoindex writes. With jsonp, the argument callback of the request names the "
              "function; without it, the answer is JSON." },
    { 0 },
};

struct entry {
    struct entry *next;
    struct str name;
    struct stat st;
};

struct directory {
    struct arena *arena;
    const char *path;
    struct entry **v;
    size_t n, failed; /* failed: entries that may not be looked at */
    int error;        /* -errno, or 0 */
};

/* A link that leads nowhere is listed as what it is. */
static int
look(int dir, const char *name, struct stat *st)
{
    if (fstatat(dir, name, st, 0) == 0)
        return 0;
    if (errno != ENOENT && errno != ELOOP)
        return -errno;
    return fstatat(dir, name, st, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static struct entry *
gather(struct directory *d, DIR *open)
{
    struct entry *first = NULL;
    for (const struct dirent *e = readdir(open); e; e = readdir(open)) {
        struct stat st;
        if (e->d_name[0] == '.')
            continue;
        if (look(dirfd(open), e->d_name, &st) < 0) {
            d->failed++;
            continue;
        }
        struct entry *entry = arena_new(d->arena, struct entry);
        *entry = (struct entry){ first, arena_dup(d->arena, str_of(e->d_name)), st };
        first = entry;
        d->n++;
    }
    return first;
}

static int
directories_first(const void *a, const void *b)
{
    const struct entry *p = *(struct entry *const *)a, *q = *(struct entry *const *)b;
    if (S_ISDIR(p->st.st_mode) != S_ISDIR(q->st.st_mode))
        return S_ISDIR(p->st.st_mode) ? -1 : 1;
    return str_compare(p->name, q->name);
}

/* In an off-load thread. */
static void
read_directory(void *arg)
{
    struct directory *d = arg;
    DIR *open = opendir(d->path);
    if (open == NULL) {
        d->error = -errno;
        return;
    }
    const struct entry *e = gather(d, open);
    closedir(open);
    d->v = arena_array(d->arena, struct entry *, d->n + 1);
    for (size_t i = 0; e; e = e->next)
        d->v[i++] = (struct entry *)e;
    qsort(d->v, d->n, sizeof *d->v, directories_first);
}

/* --- writing --- */

struct list_body {
    struct body body; /* first */
    struct exchange *x;
    const struct settings *my;
    struct entry **v;
    size_t n, at;
    struct str callback; /* of JSONP */
    struct buf text;
    bool begun, ended;
};

static void
put_html(struct buf *b, struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '<')
            buf_put(b, STR("&lt;"));
        else if (s.p[i] == '>')
            buf_put(b, STR("&gt;"));
        else if (s.p[i] == '&')
            buf_put(b, STR("&amp;"));
        else if (s.p[i] == '"')
            buf_put(b, STR("&quot;"));
        else
            buf_byte(b, s.p[i]);
}

/* How many bytes the first `most` characters have, and *count, how many characters there are. */
static size_t
measure(struct str s, bool utf8, size_t most, size_t *count)
{
    size_t cut = 0, n = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (utf8 && (s.p[i] & 0xc0) == 0x80)
            continue;
        if (n++ == most)
            cut = i;
    }
    *count = n;
    return n > most ? cut : s.n;
}

static void
put_time(struct buf *b, time_t t, bool local)
{
    static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    struct tm tm;
    if (local)
        localtime_r(&t, &tm);
    else
        gmtime_r(&t, &tm);
    buf_printf(b, "%02d-%s-%d %02d:%02d ", tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900,
               tm.tm_hour, tm.tm_min);
}

/* At most four digits and their unit, rounded. */
static void
put_rounded(struct buf *b, uint64_t size)
{
    static const struct {
        uint64_t from;
        unsigned bits;
        char unit;
    } scales[] = { { 1 << 30, 30, 'G' }, { 1 << 20, 20, 'M' }, { 10000, 10, 'K' } };
    for (size_t i = 0; i < sizeof scales / sizeof scales[0]; i++)
        if (size >= scales[i].from) {
            uint64_t half = UINT64_C(1) << (scales[i].bits - 1);
            buf_printf(b, "%6" PRIu64 "%c", (size + half) >> scales[i].bits, scales[i].unit);
            return;
        }
    buf_printf(b, " %6" PRIu64, size);
}

static bool
is_utf8(const struct exchange *x)
{
    struct str type = x->response.content_type, charset = STR("charset=utf-8");
    return type.n > charset.n && str_eq_nocase(str_skip(type, type.n - charset.n), charset);
}

static void
put_html_entry(struct list_body *my, const struct entry *e)
{
    enum { WIDTH = 50, SHORTENED = 47 };
    struct buf *b = &my->text;
    bool directory = S_ISDIR(e->st.st_mode), utf8 = is_utf8(my->x);
    size_t count, cut = measure(e->name, utf8, SHORTENED, &count);
    bool too_long = count > WIDTH;
    buf_put(b, STR("<a href=\""));
    buf_put(b, uri_escape(e->name, ESCAPE_URI_COMPONENT, &my->x->arena));
    buf_put(b, directory ? STR("/\">") : STR("\">"));
    put_html(b, too_long ? str_head(e->name, cut) : e->name);
    if (too_long)
        buf_put(b, STR("..&gt;"));
    else if (directory && count < WIDTH)
        buf_byte(b, '/');
    buf_put(b, STR("</a> "));
    for (size_t i = count + directory; i < WIDTH; i++)
        buf_byte(b, ' ');
    put_time(b, e->st.st_mtime, my->my->localtime);
    if (directory)
        buf_printf(b, my->my->exact_size ? "%19s" : "%7s", "-");
    else if (my->my->exact_size)
        buf_printf(b, "%19" PRIu64, (uint64_t)e->st.st_size);
    else
        put_rounded(b, (uint64_t)e->st.st_size);
    buf_put(b, STR("\r\n"));
}

static const char *
kind_of(const struct entry *e)
{
    return S_ISDIR(e->st.st_mode) ? "directory" : S_ISREG(e->st.st_mode) ? "file" : "other";
}

static void
put_json_text(struct buf *b, struct str s)
{
    static const char letters[32] = {
        ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'
    };
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '"' || c == '\\')
            buf_printf(b, "\\%c", c);
        else if (c < 32 && letters[c])
            buf_printf(b, "\\%c", letters[c]);
        else if (c < 32)
            buf_printf(b, "\\u%04X", c);
        else
            buf_byte(b, (char)c);
    }
}

static void
put_json_entry(struct list_body *my, const struct entry *e)
{
    char date[HTTP_DATE_SIZE];
    struct buf *b = &my->text;
    date_format_http(e->st.st_mtime, date);
    buf_put(b, STR("{ \"name\":\""));
    put_json_text(b, e->name);
    buf_printf(b, "\", \"type\":\"%s\", \"mtime\":\"%.*s\"", kind_of(e), HTTP_DATE_SIZE, date);
    if (S_ISREG(e->st.st_mode))
        buf_printf(b, ", \"size\":%" PRIu64, (uint64_t)e->st.st_size);
    buf_put(b, my->at == my->n ? STR(" }") : STR(" },\r\n"));
}

static void
put_xml_entry(struct list_body *my, const struct entry *e)
{
    struct tm tm;
    struct buf *b = &my->text;
    gmtime_r(&e->st.st_mtime, &tm);
    buf_printf(b, "<%s mtime=\"%04d-%02d-%02dT%02d:%02d:%02dZ\"", kind_of(e), tm.tm_year + 1900,
               tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
    if (S_ISREG(e->st.st_mode))
        buf_printf(b, " size=\"%" PRIu64 "\"", (uint64_t)e->st.st_size);
    buf_byte(b, '>');
    put_html(b, e->name);
    buf_printf(b, "</%s>\r\n", kind_of(e));
}

static void
put_start(struct list_body *my)
{
    struct buf *b = &my->text;
    switch ((enum format)my->my->format) {
    case FORMAT_HTML:
        buf_put(b, STR("<html>\r\n<head><title>Index of "));
        put_html(b, my->x->uri);
        buf_put(b, STR("</title></head>\r\n<body>\r\n<h1>Index of "));
        put_html(b, my->x->uri);
        buf_put(b, STR("</h1><hr><pre><a href=\"../\">../</a>\r\n"));
        return;
    case FORMAT_XML:
        buf_put(b, STR("<?xml version=\"1.0\"?>\r\n<list>\r\n"));
        return;
    case FORMAT_JSON:
    case FORMAT_JSONP:
        if (my->callback.n)
            buf_printf(b, "/* callback */\r\n" STR_FMT "(", STR_ARG(my->callback));
        buf_put(b, STR("[\r\n"));
        return;
    }
}

static void
put_end(struct list_body *my)
{
    struct buf *b = &my->text;
    switch ((enum format)my->my->format) {
    case FORMAT_HTML:
        buf_put(b, STR("</pre><hr></body>\r\n</html>\r\n"));
        return;
    case FORMAT_XML:
        buf_put(b, STR("</list>\r\n"));
        return;
    case FORMAT_JSON:
    case FORMAT_JSONP:
        buf_put(b, my->n ? STR("\r\n]") : STR("]"));
        if (my->callback.n)
            buf_put(b, STR(");"));
        return;
    }
}

static void
put_entry(struct list_body *my, const struct entry *e)
{
    if (my->my->format == FORMAT_HTML)
        put_html_entry(my, e);
    else if (my->my->format == FORMAT_XML)
        put_xml_entry(my, e);
    else
        put_json_entry(my, e);
}

static int
next(struct body *body, struct chunk *out)
{
    enum { PIECE = 16 * 1024 };
    struct list_body *my = (struct list_body *)body;
    if (my->ended)
        return 0;
    my->text.n = 0;
    if (!my->begun)
        put_start(my);
    my->begun = true;
    while (my->at < my->n && my->text.n < PIECE)
        put_entry(my, my->v[my->at++]);
    my->ended = my->at == my->n;
    if (my->ended)
        put_end(my);
    out->bytes = buf_str(&my->text);
    out->last = my->ended;
    return 1;
}

/* --- answering --- */

/* True with *callback empty when there is none. */
static bool
find_callback(const struct exchange *x, struct str *callback)
{
    enum { MOST = 128 };
    *callback = uri_arg(x->args, STR("callback"));
    if (callback->n > MOST)
        return false;
    for (size_t i = 0; i < callback->n; i++) {
        char c = callback->p[i], lower = byte_lower(c);
        if (!(lower >= 'a' && lower <= 'z') && !(c >= '0' && c <= '9') && c != '_' && c != '.')
            return false;
    }
    return true;
}

static enum verdict
refuse(struct exchange *x, struct str path, int error)
{
    bool missing = error == -ENOENT || error == -ENOTDIR || error == -ENAMETOOLONG;
    enum fault fault = missing ? FAULT_NOT_FOUND : error == -EACCES ? FAULT_FORBIDDEN : FAULT_FILE;
    return fail_errno(x, fault, -error, "opendir() \"" STR_FMT "\" failed", STR_ARG(path));
}

static void
answer_list(struct exchange *x, const struct settings *my, const struct directory *d,
            struct str callback)
{
    static const struct body_ops ops = { .next = next };
    struct list_body *body = arena_new(&x->arena, struct list_body);
    *body = (struct list_body){ { &ops }, x, my, d->v, d->n, .callback = callback };
    buf_init(&body->text, &x->arena, 1024, 0);
    response_init(x, 200);
    x->response.content_type = my->format == FORMAT_HTML  ? STR("text/html")
                               : my->format == FORMAT_XML ? STR("text/xml; charset=utf-8")
                               : callback.n               ? STR("application/javascript")
                                                          : STR("application/json");
    x->response.content_length = -1;
    x->response.body = &body->body;
}

static enum verdict
list(struct exchange *x, const void *settings)
{
    const struct settings *my = settings;
    struct str callback = STR_NONE;
    if (!str_ends(x->uri, STR("/")))
        return PASS;
    if (x->request.method != METHOD_GET && x->request.method != METHOD_HEAD)
        return PASS;
    struct str path = request_path(x, x->uri);
    if (path.p == NULL)
        return FAILED;
    if (my->format == FORMAT_JSONP && !find_callback(x, &callback)) {
        exchange_log(x, LEVEL_INFO, 0, "client sent invalid callback name: \"" STR_FMT "\"",
                     STR_ARG(callback));
        return status_only(x, 400);
    }
    struct directory d = { .arena = &x->arena, .path = path.p };
    offload_waiting(read_directory, &d);
    if (d.error < 0)
        return refuse(x, path, d.error);
    if (d.failed)
        exchange_log(x, LEVEL_CRIT, 0, "%zu entries of \"" STR_FMT "\" cannot be looked at",
                     d.failed, STR_ARG(path));
    answer_list(x, my, &d, callback);
    return DONE;
}

static bool
is_used(const void *settings)
{
    return ((const struct settings *)settings)->on;
}

const struct feature autoindex_ = {
    .name = "autoindex",
    .phase = PHASE_CONTENT,
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .used = is_used,
    .on_request = list,
    .explain = list,
};
