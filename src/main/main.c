/* The program: what was asked for, and who does it. */
#include "main/command/explain.h"
#include "main/command/fmt.h"
#include "main/command/help.h"
#include "main/command/lint_command.h"
#include "main/command/proxy_command.h"
#include "main/command/send_signal.h"
#include "main/command/usage.h"
#include "main/command/version.h"
#include "main/configuration.h"
#include "main/process/start.h"
#include "main/process/title.h"
#include "main/registry.h"

static int
show(const struct options *o)
{
    if (o->build)
        program_print_build(stderr, registry_sets());
    else
        program_print_version(stderr);
    if (o->usage)
        usage_print(stderr);
    return 0;
}

static int
act(const struct options *o)
{
    if (o->usage || o->version || o->build)
        return show(o);
    if (o->test)
        return configuration_test(o);
    if (o->signal)
        return send_signal(o);
    return start(o);
}

/* What needs no running usher. */
static const struct {
    const char *name;
    int (*run)(char **argv);
} commands[] = {
    { "explain", explain },
    { "fmt", fmt },
    { "help", help },
    { "lint", lint_command },
};

static int
run(int argc, char **argv, struct arena *a)
{
    struct options o;
    const char *command = argc > 1 ? argv[1] : "";
    if (*command && usage_is_asked(argv + 2) && usage_print_command(stdout, command))
        return 0;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(command, commands[i].name) == 0)
            return commands[i].run(argv + 2);
    if (strcmp(command, "proxy") == 0) {
        struct str text = proxy_command_configuration(argv + 2, a);
        if (text.p == NULL)
            return 1;
        options_for_text(&o, argv, text, a);
        return act(&o);
    }
    return options_parse(&o, argc, argv, a) ? act(&o) : 1;
}

int
main(int argc, char **argv)
{
    struct arena a;
    arena_init(&a, 0);
    argv = title_init(argc, argv);
    program_name_set(argc > 0 ? argv[0] : "usher");
    int code = run(argc, argv, &a);
    arena_fini(&a);
    return code;
}
