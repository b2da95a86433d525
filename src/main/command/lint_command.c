/* Each file is compiled as -t would, then its tree is judged. */
#include "main/command/lint_command.h"

#include "lint/report.h"
#include "main/command/usage.h"
#include "main/command/version.h"
#include "main/configuration.h"
#include "main/registry.h"
#include "main/report.h"

#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CLEAN, FOUND, BROKEN };
enum form { TEXT, JSON, SARIF };

struct wish {
    enum form form;
    struct str prefix, only, without, here;
    bool rules, manual;
};

static bool
complain(const char *what, struct str which)
{
    fprintf(stderr, "%s: %s \"" STR_FMT "\"\n", program_name(), what, STR_ARG(which));
    return false;
}

static bool
set_form(struct wish *w, struct str name)
{
    static const char *const names[] = { "text", "json", "sarif" };
    for (unsigned i = 0; i < 3; i++)
        if (str_eq(name, str_of(names[i]))) {
            w->form = (enum form)i;
            return true;
        }
    return complain("unknown format", name);
}

static bool
take(struct wish *w, struct str word)
{
    if (str_starts(word, STR("--format=")))
        return set_form(w, str_skip(word, 9));
    if (str_starts(word, STR("--rule=")))
        w->only = str_skip(word, 7);
    else if (str_starts(word, STR("--disable=")))
        w->without = str_skip(word, 10);
    else if (str_eq(word, STR("--rules")))
        w->rules = true;
    else if (str_eq(word, STR("--manual")))
        w->manual = true;
    else
        return complain("invalid option:", word);
    return true;
}

static bool
choose(struct lint *l, const struct wish *w)
{
    struct str unknown;
    if ((w->only.n && !lint_only(l, w->only, &unknown)) ||
        (w->without.n && !lint_without(l, w->without, &unknown)))
        return complain("unknown rule", unknown);
    return true;
}

static void
add_duplicate_names(struct lint *l, const struct diags *d)
{
    for (const struct diag *diag = d->first; diag; diag = diag->next)
        if (str_starts(diag->message, STR("conflicting server name")))
            lint_add_of(l, "duplicate-server-name", diag->shown, diag->message);
}

static void
print(struct lint_report *r, const struct wish *w, const struct lint *l)
{
    if (w->form == TEXT)
        lint_print_text(r, l);
    else if (w->form == JSON)
        lint_print_json(r, l);
    else
        lint_print_sarif(r, l);
}

/* The tree is parsed again, from the text that was compiled. One that does not compile has traps
 * all the same, unless braces or files are missing. */
static int
judge(struct snapshot *s, const struct options *o, const struct diags *d, const struct wish *w,
      struct lint_report *r)
{
    struct lint l;
    struct diags again;
    diags_init(&again, &s->arena);
    lint_init(&l, &s->arena, registry_sets());
    if (!choose(&l, w))
        return BROKEN;
    const struct node *tree = config_parse(&s->sources, o->conf, &again, &s->arena);
    if (again.errors)
        return BROKEN;
    lint_comments(&l, &s->sources);
    lint_tree(&l, tree);
    add_duplicate_names(&l, d);
    lint_judge_comments(&l);
    print(r, w, &l);
    return d->errors ? BROKEN : l.warnings ? FOUND : CLEAN;
}

static int
lint_file(struct str path, const struct wish *w, struct lint_report *r, struct arena *a)
{
    struct diags d;
    struct options o = { .error_log = STR("stderr"), .access_log = STR("/dev/null") };
    bool input = str_eq(path, STR("-"));
    o.conf = input                        ? STR("/dev/stdin")
             : str_starts(path, STR("/")) ? path
                                          : arena_join(a, w->here, path);
    const char *slash = memrchr(o.conf.p, '/', o.conf.n);
    o.prefix = w->prefix.n ? w->prefix : input ? w->here : str_between(o.conf.p, slash + 1);
    struct snapshot *s = configuration_compile(&o, NULL, &d);
    if (d.errors)
        report_diags(&d, true);
    int code = judge(s, &o, &d, w, r);
    snapshot_free(s);
    return code;
}

/* A directory is its usher.conf or nginx.conf, which include the others; else all that end in
 * ".conf". */
static int
lint_directory(struct str path, const struct wish *w, struct lint_report *r, struct arena *a)
{
    static const char *const patterns[] = { "/usher.conf", "/nginx.conf", "/*.conf" };
    int worst = CLEAN;
    glob_t found;
    for (unsigned i = 0; i < 3; i++) {
        struct str pattern = arena_join(a, path, str_of(patterns[i]));
        if (glob(pattern.p, 0, NULL, &found) != 0)
            continue;
        for (size_t k = 0; k < found.gl_pathc; k++) {
            struct str file = arena_dup(a, str_of(found.gl_pathv[k]));
            int code = lint_file(file, w, r, a);
            worst = code > worst ? code : worst;
        }
        globfree(&found);
        return worst;
    }
    complain("no configuration in", path);
    return BROKEN;
}

static bool
is_directory(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int
lint_files(char **files, const struct wish *w, struct buf *b, struct arena *a)
{
    struct lint_report r = { b, w->here };
    int worst = CLEAN;
    if (w->form == JSON)
        buf_byte(b, '[');
    else if (w->form == SARIF)
        lint_begin_sarif(&r);
    for (; *files; files++) {
        int code = is_directory(*files) ? lint_directory(str_of(*files), w, &r, a)
                                        : lint_file(str_of(*files), w, &r, a);
        worst = code > worst ? code : worst;
    }
    if (w->form == JSON)
        buf_put(b, STR("\n]\n"));
    else if (w->form == SARIF)
        lint_end_sarif(&r, worst != BROKEN);
    return worst;
}

static int
show_rules(const struct wish *w, struct buf *b)
{
    if (w->manual)
        lint_print_manual(b);
    else if (w->form == JSON)
        lint_print_rules_json(b);
    else
        lint_print_rules(b);
    return CLEAN;
}

static int
usage(void)
{
    usage_print_command(stderr, "lint");
    return BROKEN;
}

static int
run(char **argv, struct arena *a)
{
    struct buf b;
    char *here = getcwd(NULL, 0);
    struct wish w = { .here = arena_printf(a, "%s/", here ? here : "") };
    free(here);
    for (; *argv && **argv == '-' && argv[0][1]; argv++) {
        if (strcmp(*argv, "-p") == 0 && argv[1]) {
            struct str prefix = str_of(*++argv);
            w.prefix = str_starts(prefix, STR("/")) ? prefix : arena_join(a, w.here, prefix);
        } else if (!take(&w, str_of(*argv))) {
            return usage();
        }
    }
    if (!w.rules && !w.manual && *argv == NULL)
        return usage();
    buf_init(&b, a, 65536, 0);
    int code = w.rules || w.manual ? show_rules(&w, &b) : lint_files(argv, &w, &b, a);
    fwrite(b.p, 1, b.n, stdout);
    return code;
}

int
lint_command(char **argv)
{
    struct arena a;
    arena_init(&a, 0);
    int code = run(argv, &a);
    arena_fini(&a);
    return code;
}
