/* The command line is turned into a configuration: there is one way to configure usher, and this is
 * how to begin to learn it. */
#include "main/command/proxy_command.h"

#include "base/buf.h"
#include "main/command/usage.h"
#include "main/command/version.h"

static struct str
complain(const char *what, const char *which)
{
    fprintf(stderr, "%s: %s%s\n", program_name(), what, which);
    usage_print_command(stderr, "proxy");
    return STR_NONE;
}

/* Nothing that would end a word of the configuration. */
static bool
is_address(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || strchr("{};\"'\\$#", s.p[i]))
            return false;
    return s.n > 0;
}

/* "http://" is what people paste. */
static struct str
without_scheme(struct str s)
{
    s = str_starts(s, STR("http://")) ? str_skip(s, 7) : s;
    return s.n && s.p[s.n - 1] == '/' && !str_starts(s, STR("unix:")) ? str_head(s, s.n - 1) : s;
}

/* A port alone, or ":PORT", is one of this machine. */
static bool
is_port(struct str s)
{
    uint64_t port;
    return str_to_u64(s, UINT16_MAX, &port);
}

static bool
put_servers(struct buf *b, struct str list)
{
    while (list.p) {
        struct str server = without_scheme(str_cut(&list, ','));
        if (!is_address(server))
            return false;
        struct str port = server.p[0] == ':' ? str_skip(server, 1) : server;
        const char *host = is_port(port) ? "127.0.0.1:" : "";
        buf_printf(b, "    server %s" STR_FMT ";\n", host, STR_ARG(*host ? port : server));
    }
    return true;
}

static struct str
text_of(const char *from, const char *to, struct arena *a)
{
    struct buf b;
    struct str listen = without_scheme(str_of(from));
    if (str_starts(listen, STR(":")))
        listen = str_skip(listen, 1);
    if (!is_address(listen))
        return complain("not an address: ", from);
    buf_init(&b, a, 1024, 1 << 20);
    buf_put(&b, STR("worker_processes auto;\nerror_log stderr warn;\n"
                    "events { worker_connections 8192; }\nhttp {\n"
                    "map $http_upgrade $connection_upgrade { default upgrade; \"\" \"\"; }\n"
                    "upstream backends {\n"));
    if (strstr(to, "https://"))
        return complain("TLS towards a backend (proxy_pass https://) takes a configuration file: ",
                        to);
    if (!put_servers(&b, str_of(to)))
        return complain("not addresses: ", to);
    buf_printf(&b,
               "}\nserver {\n    listen " STR_FMT ";\n    location / {\n"
               "        proxy_pass http://backends;\n"
               "        proxy_http_version 1.1;\n"
               "        proxy_set_header Upgrade $http_upgrade;\n"
               "        proxy_set_header Connection $connection_upgrade;\n"
               "        proxy_set_header Host $http_host;\n"
               "        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n"
               "        proxy_set_header X-Forwarded-Proto $scheme;\n"
               "    }\n}\n}\n",
               STR_ARG(listen));
    return buf_str(&b);
}

/* --NAME VALUE or --NAME=VALUE: the value, NULL when this is another option. *argv moves on to its
 * last word. */
static const char *
value_of(const char *option, char ***argv)
{
    size_t n = strlen(option);
    if (strncmp(**argv, option, n) != 0)
        return NULL;
    const char *rest = **argv + n;
    if (*rest == '=')
        return rest + 1;
    if (*rest)
        return NULL;
    return (*argv)[1] ? *++*argv : "";
}

struct str
proxy_command_configuration(char **argv, struct arena *a)
{
    const char *from = NULL, *to = NULL, *value;
    for (; *argv; argv++) {
        const char *option = *argv;
        if ((value = value_of("--from", &argv)))
            from = value;
        else if ((value = value_of("--to", &argv)))
            to = value;
        else
            return complain("invalid option: ", option);
        if (*value == '\0')
            return complain("an address is missing after ", option);
    }
    if (from == NULL || to == NULL)
        return complain("needed: ", from ? "--to" : "--from");
    return text_of(from, to, a);
}
