/* Values of ssl_* directives that are more than a word: files, caches, commands. */
#include "exchange/secure/ssl_settings.h"

#include "base/list.h"

#include <unistd.h>

enum { BUILTIN_SESSIONS = 20480, BYTES_A_SESSION = 256 };

static bool
refuse_value(struct setting *s, unsigned word)
{
    return setting_error(s, word, "invalid parameter \"" STR_FMT "\"",
                         STR_ARG(setting_arg(s, word)));
}

static struct ssl_file *
file_of(struct setting *s)
{
    struct ssl_file *f = arena_new(s->compile->arena, struct ssl_file);
    f->text = setting_arg(s, 1);
    f->path = compile_conf_path(s->compile, f->text);
    f->span = s->node->words[1].span;
    return f;
}

static struct ssl_file *
add_file(struct setting *s)
{
    struct ssl_files *files = s->field;
    struct ssl_file *f = file_of(s);
    if (files->end == NULL)
        files->end = &files->first;
    *files->end = f;
    files->end = &f->next;
    return f;
}

bool
ssl_set_file(struct setting *s)
{
    *(const struct ssl_file **)s->field = file_of(s);
    return true;
}

bool
ssl_set_ticket_key(struct setting *s)
{
    add_file(s);
    return true;
}

/* ssl_certificate and its key: a path or "data:" and a text, both may have variables. */
bool
ssl_set_certificate(struct setting *s)
{
    struct ssl_file *f = add_file(s);
    struct str text = f->text;
    if (str_starts(text, STR("engine:")) || str_starts(text, STR("store:")))
        return setting_error(s, 1, "\"" STR_FMT "\": keys are read from files only", STR_ARG(text));
    f->data = str_starts(text, STR("data:"));
    if (f->data)
        text = str_skip(text, 5);
    const struct template *t = template_compile(s, 1, text);
    if (t == NULL)
        return false;
    f->name = template_is_plain(t) ? NULL : t;
    if (f->data)
        f->path = text;
    return true;
}

/* ssl_certificate_cache off | max=N [inactive=TIME] [valid=TIME] */
bool
ssl_set_certificate_cache(struct setting *s)
{
    struct ssl_cache_settings *cache = s->field;
    *cache = (struct ssl_cache_settings){ 0, 10000, 60000 };
    if (str_eq(setting_arg(s, 1), STR("off")) && s->node->n == 2) {
        cache->max = 0;
        return true;
    }
    for (unsigned i = 1; i < s->node->n; i++) {
        struct str value;
        uint64_t n;
        bool ok = false;
        if (setting_parameter(s, i, STR("max"), &value) && (ok = str_to_u64(value, 1 << 20, &n)))
            cache->max = (unsigned)n;
        else if (setting_parameter(s, i, STR("inactive"), &value))
            ok = parse_msec(value, &cache->inactive_ms);
        else if (setting_parameter(s, i, STR("valid"), &value))
            ok = parse_msec(value, &cache->valid_ms);
        if (!ok)
            return refuse_value(s, i);
    }
    return cache->max > 0 ||
           setting_error(s, 0, "\"%s\" must have the \"max\" parameter", s->row->name);
}

static bool
refuse_cache(struct setting *s, unsigned word)
{
    return setting_error(s, word, "invalid session cache \"" STR_FMT "\"",
                         STR_ARG(setting_arg(s, word)));
}

/* builtin[:SESSIONS] */
static bool
set_builtin(struct setting *s, unsigned word, struct ssl_session_cache *cache)
{
    struct str rest = setting_arg(s, word), name = str_cut(&rest, ':');
    uint64_t sessions = BUILTIN_SESSIONS;
    if (rest.p && (!str_to_u64(rest, 1 << 24, &sessions) || sessions == 0))
        return refuse_cache(s, word);
    if (cache->name.p == NULL)
        *cache = (struct ssl_session_cache){ .name = name, .size = { sessions * BYTES_A_SESSION } };
    return true;
}

/* shared:NAME:SIZE */
static bool
set_shared(struct setting *s, unsigned word, struct ssl_session_cache *cache)
{
    struct str rest = str_skip(setting_arg(s, word), 7), name = str_cut(&rest, ':');
    uint64_t size;
    if (name.n == 0 || rest.p == NULL || !parse_bytes(rest, &size))
        return refuse_cache(s, word);
    if (size < 8 * (uint64_t)sysconf(_SC_PAGESIZE))
        return setting_error(s, word, "session cache \"" STR_FMT "\" is too small",
                             STR_ARG(setting_arg(s, word)));
    *cache = (struct ssl_session_cache){ .name = name, .size = { size } };
    return true;
}

/* ssl_session_cache off | none | [builtin[:N]] [shared:NAME:SIZE] */
bool
ssl_set_session_cache(struct setting *s)
{
    struct ssl_session_cache *cache = s->field;
    *cache = (struct ssl_session_cache){ 0 };
    for (unsigned i = 1; i < s->node->n; i++) {
        struct str arg = setting_arg(s, i);
        bool ok;
        if (str_eq(arg, STR("off")) || str_eq(arg, STR("none"))) {
            cache->off = str_eq(arg, STR("off"));
            ok = true;
        } else if (str_eq(arg, STR("builtin")) || str_starts(arg, STR("builtin:"))) {
            ok = set_builtin(s, i, cache);
        } else if (str_starts(arg, STR("shared:"))) {
            ok = set_shared(s, i, cache);
        } else {
            ok = refuse_cache(s, i);
        }
        if (!ok)
            return false;
    }
    return true;
}

/* ssl_conf_command NAME VALUE */
bool
ssl_set_command(struct setting *s)
{
    struct ssl_settings *my = container_of(s->field, struct ssl_settings, commands);
    struct tls_command *command = arena_new(s->compile->arena, struct tls_command);
    *command = (struct tls_command){ NULL, setting_arg(s, 1), setting_arg(s, 2) };
    if (my->commands == NULL) /* the first of this block */
        my->commands_end = &my->commands;
    *my->commands_end = command;
    my->commands_end = &command->next;
    return true;
}

bool
ssl_set_key_log(struct setting *s)
{
    *(struct log_file **)s->field = log_file_secret(s->compile, setting_arg(s, 1));
    return true;
}
