/* The kernel shows the memory where the arguments were; with the environment behind it there is
 * room for more. */
#include "main/process/title.h"

#include "main/command/version.h"

#include <stdlib.h>
#include <unistd.h>

static struct {
    char *room;
    size_t n;
    char **argv, **environment; /* our copies; a worker may take another environment */
} title;

/* One piece of memory: what is taken out of it later is not lost. */
static char **
copy_all(char **from)
{
    size_t n = 0, bytes = 0;
    for (; from[n]; n++)
        bytes += strlen(from[n]) + 1;
    char **to = malloc((n + 1) * sizeof *to + bytes);
    if (to == NULL)
        return from;
    char *text = (char *)(to + n + 1);
    for (size_t i = 0; i < n; i++) {
        to[i] = text;
        text = stpcpy(text, from[i]) + 1;
    }
    to[n] = NULL;
    return to;
}

/* How far the strings follow each other without a gap. */
static char *
contiguous_end(char **strings, char *end)
{
    for (; *strings; strings++)
        if (*strings == end)
            end = *strings + strlen(*strings) + 1;
    return end;
}

char **
title_init(int argc, char **argv)
{
    if (argc == 0)
        return argv;
    title.room = argv[0];
    title.n = (size_t)(contiguous_end(environ, contiguous_end(argv, argv[0])) - argv[0]);
    title.argv = copy_all(argv);
    environ = title.environment = copy_all(environ);
    return title.argv;
}

void
title_set(const char *what, bool whole)
{
    if (title.room == NULL)
        return;
    memset(title.room, 0, title.n);
    int at = snprintf(title.room, title.n, "%s: %s", program_name(), what);
    for (char **a = title.argv; whole && *a && at > 0 && (size_t)at < title.n; a++)
        at += snprintf(title.room + at, title.n - (size_t)at, " %s", *a);
}
