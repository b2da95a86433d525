/* Flags, by hand: nginx's way of clustering them and of taking their arguments is not getopt's. */
#include "main/command/options.h"

#include "main/command/version.h"

#include <stdlib.h>
#include <unistd.h>

struct reading {
    struct options *options;
    struct arena *arena;
    char **next; /* the argument to read next */
    const char *prefix, *conf, *error_log;
};

static bool
complain(const char *format, const char *what)
{
    fprintf(stderr, "%s: ", program_name());
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    fprintf(stderr, format, what);
#pragma GCC diagnostic pop
    fputc('\n', stderr);
    return false;
}

/* The rest of the word, or the next word. */
static const char *
argument(struct reading *r, const char *rest)
{
    return *rest ? rest : *r->next ? *r->next++ : NULL;
}

static bool
take(const char **out, const char *value, const char *complaint)
{
    *out = value;
    return value && *value ? true : complain("option \"%s", complaint);
}

static bool
take_signal(struct reading *r, const char *value)
{
    static const char *const known[] = { "stop", "quit", "reopen", "reload" };
    if (!take(&r->options->signal, value, "-s\" requires parameter"))
        return false;
    for (unsigned i = 0; i < 4; i++)
        if (strcmp(value, known[i]) == 0)
            return true;
    return complain("invalid option: \"-s %s\"", value);
}

/* A flag that takes an argument. */
static bool
take_argument(struct reading *r, char flag, const char *rest)
{
    const char *value = argument(r, rest), *directives;
    switch (flag) {
    case 'p':
        return take(&r->prefix, value, "-p\" requires directory name");
    case 'e':
        return take(&r->error_log, value, "-e\" requires file name");
    case 'c':
        return take(&r->conf, value, "-c\" requires file name");
    case 'g':
        if (!take(&directives, value, "-g\" requires parameter"))
            return false;
        r->options->directives = str_of(directives);
        return true;
    default:
        return take_signal(r, value);
    }
}

static bool
take_plain(struct options *o, char flag)
{
    switch (flag) {
    case '?':
    case 'h':
        o->usage = true;
        return true;
    case 'v':
        o->version = true;
        return true;
    case 'V':
        o->build = true;
        return true;
    case 't':
        o->test = true;
        return true;
    case 'T':
        o->test = o->dump = true;
        return true;
    case 'q':
        o->quiet = true;
        return true;
    default:
        return complain("invalid option: \"%s\"", (char[]){ flag, '\0' });
    }
}

static bool
take_word(struct reading *r, const char *word)
{
    if (strcmp(word, "--help") == 0 || strcmp(word, "--version") == 0)
        return take_plain(r->options, word[2]);
    if (*word != '-')
        return complain("invalid option: \"%s\"\n      | -h shows what there is", word);
    while (*++word) {
        if (strchr("pecgs", *word))
            return take_argument(r, *word, word + 1);
        if (!take_plain(r->options, *word))
            return false;
    }
    return true;
}

static struct str
absolute(struct arena *a, struct str base, const char *path)
{
    return *path == '/' ? arena_dup(a, str_of(path)) : arena_join(a, base, str_of(path));
}

static struct str
directory(struct arena *a, const char *path)
{
    char *here = getcwd(NULL, 0);
    struct str base = arena_printf(a, "%s/", here ? here : "");
    free(here);
    struct str full = absolute(a, base, path);
    return str_ends(full, STR("/")) ? full : arena_join(a, full, STR("/"));
}

/* Without -c: usher.conf of the prefix, or of its conf/. */
static struct str
default_conf(struct arena *a, struct str prefix)
{
    struct str here = arena_join(a, prefix, STR("usher.conf"));
    struct str below = arena_join(a, prefix, STR("conf/usher.conf"));
    return access(here.p, F_OK) < 0 && access(below.p, F_OK) == 0 ? below : here;
}

static void
settle_paths(struct reading *r)
{
    struct options *o = r->options;
    struct arena *a = r->arena;
    bool own = r->prefix != NULL; /* everything below the given prefix */
    o->prefix = directory(a, own ? r->prefix : PREFIX_PATH);
    o->conf = r->conf ? absolute(a, o->prefix, r->conf)
              : own   ? default_conf(a, o->prefix)
                      : str_of(CONF_PATH);
    o->error_log = r->error_log ? str_of(r->error_log)
                   : own        ? arena_join(a, o->prefix, STR("logs/error.log"))
                                : str_of(ERROR_LOG_PATH);
    o->access_log = own ? arena_join(a, o->prefix, STR("logs/access.log")) : str_of(HTTP_LOG_PATH);
    o->pid = own ? arena_join(a, o->prefix, STR("logs/usher.pid")) : str_of(PID_PATH);
}

bool
options_parse(struct options *o, int argc, char **argv, struct arena *a)
{
    *o = (struct options){ .argv = argv };
    struct reading r = { .options = o, .arena = a, .next = argv + (argc > 0) };
    while (*r.next) {
        const char *word = *r.next++;
        if (!take_word(&r, word))
            return false;
    }
    settle_paths(&r);
    return true;
}

void
options_for_text(struct options *o, char **argv, struct str text, struct arena *a)
{
    *o = (struct options){ .argv = argv, .text = text };
    o->prefix = directory(a, ".");
    o->error_log = STR("stderr");
    o->access_log = STR("/dev/stdout");
}
