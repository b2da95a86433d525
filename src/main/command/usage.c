/* One line for each command, said by "usher -h" and by the command that was called otherwise. */
#include "main/command/usage.h"

#include "main/command/version.h"

static const struct {
    const char *name, *words, *purpose;
} commands[] = {
    { "proxy", "--from [HOST:]PORT --to [HOST:]PORT[,[HOST:]PORT...]",
      "takes HTTP requests on one address and passes them to the others in turn" },
    { "help", "[DIRECTIVE | '$VARIABLE' | RULE | --names | --manual DIRECTORY]",
      "explains a directive, a variable, or a rule of lint" },
    { "lint",
      "[--format=text|json|sarif] [--rule=ID,...] [--disable=ID,...] [-p PREFIX] "
      "FILE|DIRECTORY|-...",
      "names what is allowed in a configuration and most likely not meant" },
    { "lint", "--rules [--format=json]", "lists what it looks for" },
    { "explain",
      "FILE METHOD URL [-H 'NAME: VALUE']... [--from ADDRESS] [--sni NAME] [--http 1.0|1.1|2] "
      "[-p PREFIX]",
      "tells what a request would meet, and why" },
    { "fmt", "[-w | --check] FILE|-...", "lays a configuration out" },
};

bool
usage_is_asked(char *const *argv)
{
    return *argv && (strcmp(*argv, "-h") == 0 || strcmp(*argv, "--help") == 0);
}

bool
usage_print_command(FILE *to, const char *command)
{
    const char *before = "Usage:";
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(commands[i].name, command) != 0)
            continue;
        fprintf(to, "%-6s %s %s %s\n         %s\n", before, program_name(), command,
                commands[i].words, commands[i].purpose);
        before = "";
    }
    return *before == '\0';
}

void
usage_print(FILE *to)
{
    fprintf(to,
            "Usage: %s [-?hvVtTq] [-s signal] [-p prefix]\n"
            "             [-e filename] [-c filename] [-g directives]\n",
            program_name());
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        fprintf(to, "       %s %s %s\n         %s\n", program_name(), commands[i].name,
                commands[i].words, commands[i].purpose);
    fprintf(to, "\n"
                "Options:\n"
                "  -?,-h         : this help\n"
                "  -v            : show version and exit\n"
                "  -V            : show version and configure options then exit\n"
                "  -t            : test configuration and exit\n"
                "  -T            : test configuration, dump it and exit\n"
                "  -q            : suppress non-error messages during configuration testing\n"
                "  -s signal     : send signal to a master process: stop, quit, reopen, reload\n"
                "  -p prefix     : set prefix path (default: " PREFIX_PATH "/)\n"
                "  -e filename   : set error log file (default: " ERROR_LOG_PATH ")\n"
                "  -c filename   : set configuration file (default: " CONF_PATH ")\n"
                "  -g directives : set global directives out of configuration file\n"
                "\n");
}
