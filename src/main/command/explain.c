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
#include "wire/h1.h"

#include <stdlib.h>
#include <unistd.h>

enum { FINE, BROKEN = 2, WORDS_MAX = 3 };

/* What was typed. */
struct question {
    struct str words[WORDS_MAX]; /* file, method, URL */
    unsigned n;
    struct str from, prefix, here;
    struct buf fields; /* each with its CRLF */
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
read_arguments(struct question *q, char **argv, struct arena *a)
{
    for (; *argv; argv++) {
        bool last = argv[1] == NULL;
        if (strcmp(*argv, "-H") == 0 && !last) {
            if (!take_field(q, str_of(*++argv)))
                return false;
        } else if (strcmp(*argv, "--from") == 0 && !last) {
            q->from = str_of(*++argv);
        } else if (strcmp(*argv, "-p") == 0 && !last) {
            struct str prefix = str_of(*++argv);
            q->prefix = str_starts(prefix, STR("/")) ? prefix : arena_join(a, q->here, prefix);
        } else if (**argv == '-' || q->n == WORDS_MAX) {
            return usage();
        } else {
            q->words[q->n++] = str_of(*argv);
        }
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
    ptrdiff_t slash = str_find(rest, '/');
    q->authority = slash < 0 ? rest : str_head(rest, (size_t)slash);
    q->target = slash < 0 ? STR("/") : str_skip(rest, (size_t)slash);
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
    buf_printf(&b, STR_FMT " " STR_FMT " HTTP/1.1\r\n", STR_ARG(q->words[1]), STR_ARG(q->target));
    if (!q->has_host)
        buf_printf(&b, "Host: " STR_FMT "\r\n",
                   STR_ARG(q->authority.n ? q->authority : STR("localhost")));
    buf_put(&b, buf_str(&q->fields));
    buf_put(&b, STR("\r\n"));
    return buf_str(&b);
}

static void
tell_server(struct exchange *x, const struct listen_address *l, bool tls)
{
    bool by_name = host_table_find(l->hosts, x->host, NULL) != NULL;
    const struct span *at = l->span.source ? &l->span : NULL;
    trace_say(x, "listen", at, STR_FMT "%s", STR_ARG(l->text),
              l->tls == tls ? ""
              : l->tls      ? ": speaks TLS, the URL does not"
                            : ": speaks no TLS, the URL does");
    trace_say(x, "server", &x->server->span, STR_FMT ": %s",
              STR_ARG(x->server->name.n ? x->server->name : STR("without a name")),
              by_name          ? "has the request's host"
              : l->has_default ? "the address's default_server, as none has the request's host"
                               : "the address's first, as none has the request's host");
}

/* As a front end begins an exchange. */
static void
start(struct exchange *x, const struct listen_address *l, struct str head, bool tls)
{
    const struct server_settings *settings = l->fallback->settings;
    struct h1_limits limits = { .line = settings->large.size.n,
                                .fields = settings->max_headers,
                                .underscores = settings->underscores_in_headers,
                                .ignore_invalid = settings->ignore_invalid_headers };
    enum fault fault;
    const char *why;
    start_init(x, l);
    if (h1_parse_request(head, &limits, &x->request, &fault, &why) != H1_DONE)
        start_refuse(x, fault, why);
    else if (start_choose_server(x, l))
        start_path(x);
    if (x->request.framing != FRAMING_NONE)
        x->request_body = body_of_str(&x->arena, STR("")); /* none of it is here */
    x->client->tls = tls;                                  /* no certificate is asked for */
    tell_server(x, l, tls);
}

struct way {
    struct exchange *x;
    const struct listen_address *address;
    struct str head;
    bool tls;
};

/* Some handlers give work to other threads, which takes a fiber. */
static void
go(void *arg)
{
    struct way *w = arg;
    start(w->x, w->address, w->head, w->tls);
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
    struct way w = { exchange_open_in(s, &client, &nowhere, NULL), l, head_of(q, a), q->tls };
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
