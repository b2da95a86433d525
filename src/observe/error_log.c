/* The error_log directive: "error_log file [level]", several a scope. */
#include "observe/log.h"

struct settings {
    struct error_log *log; /* this scope's; NULL after MANY's zeroing until the first .set */
};

static const struct choice levels[] = {
    { "debug", LEVEL_DEBUG }, { "info", LEVEL_INFO },   { "notice", LEVEL_NOTICE },
    { "warn", LEVEL_WARN },   { "error", LEVEL_ERROR }, { "crit", LEVEL_CRIT },
    { "alert", LEVEL_ALERT }, { "emerg", LEVEL_EMERG }, { 0 },
};

static bool
parse_level(struct setting *s, enum log_level *out)
{
    *out = LEVEL_ERROR;
    if (s->node->n < 3)
        return true;
    struct str name = setting_arg(s, 2);
    for (const struct choice *c = levels; c->name; c++)
        if (str_eq(name, str_of(c->name))) {
            *out = (enum log_level)c->value;
            return true;
        }
    return setting_error(s, 2, "invalid log level \"" STR_FMT "\"", STR_ARG(name));
}

static void
add_target(struct arena *a, struct error_log *l, struct log_file *f, enum log_level level)
{
    struct error_target *grown = arena_array(a, struct error_target, l->n + 1);
    if (l->n)
        memcpy(grown, l->targets, sizeof *grown * l->n);
    grown[l->n++] = (struct error_target){ f, level };
    l->targets = grown;
    if (level > l->level)
        l->level = level;
}

static bool
set_error_log(struct setting *s)
{
    struct settings *my = s->settings;
    enum log_level level;
    if (str_starts(setting_arg(s, 1), STR("memory:")))
        return setting_error(s, 1, "error_log to a memory buffer is not supported");
    if (!parse_level(s, &level))
        return false;
    struct log_file *f = log_file_get(s, 1, setting_arg(s, 1));
    if (f == NULL)
        return false;
    if (my->log == NULL)
        my->log = arena_new(s->compile->arena, struct error_log);
    add_target(s->compile->arena, my->log, f, level);
    return true;
}

/* The default is not an .initial: a file that is not used is not to be made. */
static bool
complete(struct scope *scope, void *settings)
{
    struct settings *my = settings;
    struct compile *c = scope->compile;
    if (my->log)
        return true;
    my->log = arena_new(c->arena, struct error_log);
    add_target(c->arena, my->log, log_file_default(c, log_default_error), LEVEL_ERROR);
    return true;
}

static const struct directive directives[] = {
    { "error_log", PLACE(struct settings, log),
      IN_MAIN | IN_HTTP | IN_SERVER | IN_LOCATION | IN_STREAM | IN_STREAM_SERVER,
      .help = "Where errors are logged, and from which level on: debug, info, notice, warn, error, "
              "crit, alert or emerg. The file may be stderr or syslog:server=address[,...].",
      .syntax = "file [level]", .unset = ERROR_LOG_PATH " error",
      .example = "error_log logs/error.log error;", .flags = MANY, .args_min = 1, .args_max = 2,
      .set = set_error_log },
    { 0 },
};

const struct directive_set log_directives = {
    .name = "error_log",
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .complete = complete,
};

const struct error_log *
error_log_of(struct scope *s)
{
    const struct settings *my = scope_settings(s, &log_directives);
    return my->log;
}
