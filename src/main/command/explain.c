/* A request is made from the command line, and goes the way of every other: parsed, given to the
 * server of an address, and through the phases, with a trace that is printed. */
#include "main/command/explain.h"

#include "exchange/hosts/host_table.h"
#include "exchange/trace.h"
#include "fiber/loop.h"
#include "fiber/offload.h"
#include "front/start.h"
#include "main/command/usage.h"
#include "main/command/version.h"
#include "main/configuration.h"
#include "main/report.h"
#include "tls/session.h"
#include "wire/h1.h"

#include <stdlib.h>
#include <unistd.h>

enum { FINE, BROKEN = 2, WORDS_MAX = 3 };

/* What was typed. */
struct question {
    struct str words[WORDS_MAX]; /* file, method, URL */
    unsigned n;
    struct str from, prefix, here;
    struct str sni, version; /* "1.0", "1.1", "2" */
    struct buf fields;       /* each with its CRLF */
    bool has_host;
    /* of the URL */
    bool tls;
    struct str authority, target;
    unsigned port;
};

static bool
complain(const char *what, struct str which)
{
    fprintf(stderr, "%s: %s \"" STR_FMT "\"\n", program_name(), what, STR_ARG(which));
    return false;
}

static bool
usage(void)
{
    usage_print_command(stderr, "explain");
    return false;
}

static bool
take_field(struct question *q, struct str line)
{
    if (str_find(line, ':') <= 0 || str_find(line, '\n') >= 0 || str_find(line, '\r') >= 0)
        return complain("this is no field:", line);
    q->has_host |= str_starts_nocase(line, STR("host:"));
    buf_printf(&q->fields, STR_FMT "\r\n", STR_ARG(line));
    return true;
}

static bool
take_version(struct question *q, struct str version)
{
    q->version = version;
    return str_is_among(version, STR("1.0 1.1 2")) || complain("unknown version of HTTP:", version);
}

/* -x VALUE */
static bool
take_option(struct question *q, const char *name, struct str value, struct arena *a)
{
    if (strcmp(name, "-H") == 0)
        return take_field(q, value);
    if (strcmp(name, "--http") == 0)
        return take_version(q, value);
    if (strcmp(name, "--from") == 0)
        q->from = value;
    else if (strcmp(name, "--sni") == 0)
        q->sni = value;
    else if (strcmp(name, "-p") == 0)
        q->prefix = str_starts(value, STR("/")) ? value : arena_join(a, q->here, value);
    else
        return usage();
    return true;
}

static bool
read_arguments(struct question *q, char **argv, struct arena *a)
{
    for (; *argv; argv++) {
        if (**argv != '-' && q->n < WORDS_MAX) {
            q->words[q->n++] = str_of(*argv);
            continue;
        }
        if (**argv != '-' || argv[1] == NULL)
            return usage();
        const char *name = *argv++;
        if (!take_option(q, name, str_of(*argv), a))
            return false;
    }
    return q->n == WORDS_MAX || usage();
}

/* "https://host[:port]/path?args", or the path alone. */
static bool
read_url(struct question *q, struct arena *a)
{
    struct str url = q->words[2], host;
    int port = -1;
    q->tls = str_starts_nocase(url, STR("https://"));
    bool whole = q->tls || str_starts_nocase(url, STR("http://"));
    if (!whole && !str_starts(url, STR("/")))
        return complain("neither a URL nor a path:", url);
    struct str rest = whole ? str_skip(url, q->tls ? 8 : 7) : url;
    rest = str_cut(&rest, '#');
    size_t n = 0;
    while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
        n++;
    q->authority = str_head(rest, n);
    q->target = str_skip(rest, n);
    if (!str_starts(q->target, STR("/")))
        q->target = arena_join(a, STR("/"), q->target);
    if (whole && !host_parse(q->authority, a, &host, &port))
        return complain("no host:", url);
    q->port = port > 0 ? (unsigned)port : !whole ? 0 : q->tls ? 443 : 80;
    return true;
}

/* The address that the URL's port is one of; else the first that speaks its protocol. */
static const struct listen_address *
choose_address(const struct snapshot *s, const struct question *q)
{
    const struct listen_address *found = NULL;
    for (unsigned i = 0; i < s->n_listens; i++) {
        const struct listen_address *l = s->listens[i];
        if (q->port && address_port(&l->options.address) == q->port)
            return l;
        if (found == NULL || (found->tls != q->tls && l->tls == q->tls))
            found = l;
    }
    return found;
}

static bool
open_client(struct client *c, const struct question *q, const struct listen_address *l,
            struct arena *a)
{
    *c = (struct client){ .serial = 1, .requests = 1, .fd = -1 };
    if (!address_parse(q->from.n ? q->from : STR("127.0.0.1"), 0, &c->peer))
        return complain("no address:", q->from);
    c->peer_text = address_text(&c->peer, false, a);
    c->local = l->options.address;
    return true;
}

static int
discard_body(struct exchange *x, struct chunk *out)
{
    *out = (struct chunk){ .last = true };
    return 0;
}

static int
discard(struct exchange *x)
{
    return 0;
}

static const struct server_codec nowhere = { .name = "HTTP/1",
                                             .read_body = discard_body,
                                             .write_head = discard,
                                             .write_end = discard,
                                             .flush = discard };

static struct str
head_of(const struct question *q, struct arena *a)
{
    struct buf b;
    buf_init(&b, a, 1024, 0);
    buf_printf(&b, STR_FMT " " STR_FMT " HTTP/%s\r\n", STR_ARG(q->words[1]), STR_ARG(q->target),
               str_eq(q->version, STR("1.0")) ? "1.0" : "1.1");
    if (!q->has_host)
        buf_printf(&b, "Host: " STR_FMT "\r\n",
                   STR_ARG(q->authority.n ? q->authority : STR("localhost")));
    buf_put(&b, buf_str(&q->fields));
    buf_put(&b, STR("\r\n"));
    return buf_str(&b);
}

static void
tell_listen(struct exchange *x, const struct listen_address *l, const struct question *q)
{
    const struct span *at = l->span.source ? &l->span : NULL;
    bool elsewhere = q->port && address_port(&l->options.address) != q->port;
    trace_say(x, "listen", at, STR_FMT "%s%s", STR_ARG(l->text),
              elsewhere ? arena_printf(&x->arena, ", as nothing listens on port %u", q->port).p
                        : "",
              l->tls == q->tls ? ""
              : l->tls         ? ": speaks TLS, the URL does not"
                               : ": speaks no TLS, the URL does");
}

static void
tell_server(struct exchange *x, const struct listen_address *l)
{
    bool by_name = host_table_find(l->hosts, x->host, NULL) != NULL;
    trace_say(x, "server", &x->server->span, STR_FMT ": %s",
              STR_ARG(x->server->name.n ? x->server->name : STR("without a name")),
              by_name          ? "has the request's host"
              : l->has_default ? "the address's default_server, as none has the request's host"
                               : "the address's first, as none has the request's host");
}

/* Whose certificate the hello gets: its name is the URL's host unless told otherwise. */
static void
tell_handshake(struct exchange *x, const struct listen_address *l, struct tls_hello *hello)
{
    const struct virtual_server *answers = x->server;
    const struct virtual_server *greets = host_table_find(l->hosts, hello->server_name, NULL);
    x->server = greets ? greets : l->fallback;
    trace_say(x, "tls", &x->server->span, "%s" STR_FMT, hello->server_name.n ? "SNI " : "no SNI",
              STR_ARG(hello->server_name));
    (void)trace_in_force(x, "", "ssl_reject_handshake ssl_certificate");
    x->server = answers;
    x->hello = hello;
}

/* Its head was read as HTTP/1's. */
static void
become_h2(struct exchange *x)
{
    struct request_head *r = &x->request;
    ptrdiff_t end = str_find_str(r->line, STR(" HTTP/1.1"));
    r->version = VERSION_20;
    if (end > 0)
        r->line = arena_join(&x->arena, str_head(r->line, (size_t)end), STR(" HTTP/2.0"));
}

struct way {
    struct exchange *x;
    const struct listen_address *address;
    const struct question *q;
    struct str head;
    struct tls_hello hello;
};

/* As a front end begins an exchange. */
static void
start(struct way *w)
{
    struct exchange *x = w->x;
    const struct listen_address *l = w->address;
    const struct server_settings *settings = l->fallback->settings;
    struct h1_limits limits = { .line = settings->large.size.n,
                                .fields = settings->max_headers,
                                .underscores = settings->underscores_in_headers,
                                .ignore_invalid = settings->ignore_invalid_headers };
    enum fault fault;
    const char *why;
    start_init(x, l);
    if (h1_parse_request(w->head, &limits, &x->request, &fault, &why) != H1_DONE)
        start_refuse(x, fault, why);
    else if (start_choose_server(x, l))
        start_path(x);
    if (x->request.framing != FRAMING_NONE)
        x->request_body = body_of_str(&x->arena, STR("")); /* none of it is here */
    if (str_eq(w->q->version, STR("2")))
        become_h2(x);
    x->client->tls = w->q->tls; /* no certificate is asked for */
    tell_listen(x, l, w->q);
    if (w->q->tls && l->tls)
        tell_handshake(x, l, &w->hello);
    tell_server(x, l);
}

/* The hello's name: no address may be one (RFC 6066 3). */
static struct tls_hello
hello_of(const struct question *q, struct arena *a)
{
    struct tls_hello hello = { .server_name = STR_NONE };
    struct address none;
    int port;
    struct str name = q->sni.n ? q->sni : q->authority;
    bool named = name.n && !address_parse(name, 443, &none);
    if (named && !host_parse(name, a, &hello.server_name, &port))
        hello.server_name = STR_NONE;
    return hello;
}

/* Some handlers give work to other threads, which takes a fiber. */
static void
go(void *arg)
{
    struct way *w = arg;
    start(w);
    exchange_explain(w->x);
    exchange_close(w->x);
}

static int
answer_question(struct snapshot *s, const struct question *q, struct arena *a)
{
    struct client client;
    struct buf b;
    const struct listen_address *l = choose_address(s, q);
    if (l == NULL) {
        complain("nothing listens in", q->words[0]);
        return BROKEN;
    }
    if (!open_client(&client, q, l, a))
        return BROKEN;
    buf_init(&b, a, 4096, 0);
    struct trace trace = { .b = &b, .here = q->here };
    snapshot_use(s); /* so that the exchange's end is not the snapshot's */
    struct way w = { exchange_open_in(s, &client, &nowhere, NULL), l, q, head_of(q, a),
                     hello_of(q, a) };
    w.x->trace = &trace;
    if (loop_run_fiber(go, &w) < 0)
        return BROKEN;
    offload_fini();
    fwrite(b.p, 1, b.n, stdout);
    return FINE;
}

static int
ask(const struct question *q, struct arena *a)
{
    struct diags d;
    struct options o = { .error_log = STR("stderr"), .access_log = STR("/dev/null") };
    o.conf = str_starts(q->words[0], STR("/")) ? q->words[0] : arena_join(a, q->here, q->words[0]);
    const char *slash = memrchr(o.conf.p, '/', o.conf.n);
    o.prefix = q->prefix.n ? q->prefix : str_between(o.conf.p, slash + 1);
    struct snapshot *s = configuration_compile(&o, NULL, &d);
    int code = BROKEN;
    if (d.errors)
        report_diags(&d, true);
    else
        code = answer_question(s, q, a);
    snapshot_free(s);
    return code;
}

int
explain(char **argv)
{
    struct arena a;
    struct question q = { .n = 0 };
    arena_init(&a, 0);
    char *here = getcwd(NULL, 0);
    q.here = arena_printf(&a, "%s/", here ? here : "");
    free(here);
    buf_init(&q.fields, &a, 256, 0);
    bool fine = read_arguments(&q, argv, &a) && read_url(&q, &a);
    int code = fine ? ask(&q, &a) : BROKEN;
    arena_fini(&a);
    return code;
}
