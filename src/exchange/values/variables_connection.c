/* Variables about the client's connection and who serves it. */
#include "base/version.h"
#include "exchange/snapshot.h"
#include "exchange/values/print.h"
#include "observe/connections.h"

#include <netinet/tcp.h>
#include <pthread.h>
#include <unistd.h>

static bool
get_remote_addr(struct exchange *x, struct str rest, struct str *out)
{
    return give(exchange_peer_text(x), out);
}

static bool
give_port(struct exchange *x, const struct address *a, struct str *out)
{
    unsigned port = address_port(a);
    *out = port ? print_u64(x, port) : STR("");
    return true;
}

static bool
get_remote_port(struct exchange *x, struct str rest, struct str *out)
{
    return give_port(x, exchange_peer(x), out);
}

static bool
get_binary_remote_addr(struct exchange *x, struct str rest, struct str *out)
{
    const struct address *a = exchange_peer(x);
    switch (a->any.sa_family) {
    case AF_INET:
        *out = (struct str){ (const char *)&a->v4.sin_addr, sizeof a->v4.sin_addr };
        return true;
    case AF_INET6:
        *out = (struct str){ (const char *)&a->v6.sin6_addr, sizeof a->v6.sin6_addr };
        return true;
    default:
        return give(exchange_peer_text(x), out);
    }
}

static bool
is_wildcard(const struct address *a)
{
    return a->any.sa_family == AF_INET
               ? a->v4.sin_addr.s_addr == htonl(INADDR_ANY)
               : a->any.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&a->v6.sin6_addr);
}

/* A listener on every address learns only from the socket which one was meant: asked when wanted.
 */
static bool
get_server_addr(struct exchange *x, struct str rest, struct str *out)
{
    struct address local = x->client->local;
    socklen_t n = sizeof local.v6;
    if (is_wildcard(&local) && x->client->fd > 0 && getsockname(x->client->fd, &local.any, &n) == 0)
        local.size = n;
    return give(address_text(&local, false, &x->arena), out);
}

static bool
get_server_port(struct exchange *x, struct str rest, struct str *out)
{
    return give_port(x, &x->client->local, out);
}

static bool
get_server_name(struct exchange *x, struct str rest, struct str *out)
{
    *out = x->server ? x->server->name : STR("");
    return true;
}

static bool
get_scheme(struct exchange *x, struct str rest, struct str *out)
{
    *out = x->client->tls ? STR("https") : STR("http");
    return true;
}

static bool
get_https(struct exchange *x, struct str rest, struct str *out)
{
    *out = x->client->tls ? STR("on") : STR("");
    return true;
}

static bool
get_connection(struct exchange *x, struct str rest, struct str *out)
{
    *out = print_u64(x, x->client->serial);
    return true;
}

static bool
get_connection_requests(struct exchange *x, struct str rest, struct str *out)
{
    *out = print_u64(x, x->client->requests);
    return true;
}

#define CONNECTIONS(what)                                                                    \
    static bool get_connections_##what(struct exchange *x, struct str rest, struct str *out) \
    {                                                                                        \
        *out = print_u64(x, connection_counts().what);                                       \
        return true;                                                                         \
    }

CONNECTIONS(active)
CONNECTIONS(reading)
CONNECTIONS(writing)
CONNECTIONS(waiting)

static bool
get_connection_time(struct exchange *x, struct str rest, struct str *out)
{
    uint64_t now = clock_ms(), began = x->client->began_ms;
    *out = print_seconds(x, now > began ? (now - began) * 1000 : 0);
    return true;
}

static bool
get_pipe(struct exchange *x, struct str rest, struct str *out)
{
    *out = x->pipelined ? STR("p") : STR(".");
    return true;
}

/* One table row a figure; rest of the name tells which. */
static bool
read_tcp_info(const struct exchange *x, struct tcp_info *info)
{
    socklen_t n = sizeof *info;
    return x->client->fd > 0 && getsockopt(x->client->fd, IPPROTO_TCP, TCP_INFO, info, &n) == 0;
}

static bool
get_tcpinfo(struct exchange *x, struct str rest, struct str *out)
{
    struct tcp_info info = { 0 };
    if (!read_tcp_info(x, &info))
        return false;
    if (str_eq(rest, STR("rtt")))
        *out = print_u64(x, info.tcpi_rtt);
    else if (str_eq(rest, STR("rttvar")))
        *out = print_u64(x, info.tcpi_rttvar);
    else if (str_eq(rest, STR("snd_cwnd")))
        *out = print_u64(x, info.tcpi_snd_cwnd);
    else if (str_eq(rest, STR("rcv_space")))
        *out = print_u64(x, info.tcpi_rcv_space);
    else
        return false;
    return true;
}

static char host_name[256];
static pthread_once_t host_name_once = PTHREAD_ONCE_INIT;

static void
read_host_name(void)
{
    if (gethostname(host_name, sizeof host_name - 1) != 0)
        host_name[0] = 0;
    for (char *c = host_name; *c; c++)
        *c = byte_lower(*c);
}

static bool
get_http2(struct exchange *x, struct str rest, struct str *out)
{
    bool h2 = x->request.version == VERSION_20;
    *out = !h2 ? STR("") : x->client->tls ? STR("h2") : STR("h2c");
    return true;
}

static bool
get_hostname(struct exchange *x, struct str rest, struct str *out)
{
    pthread_once(&host_name_once, read_host_name);
    *out = str_of(host_name);
    return true;
}

static bool
get_nginx_version(struct exchange *x, struct str rest, struct str *out)
{
    return give(STR(NGINX_VERSION), out);
}

static bool
get_pid(struct exchange *x, struct str rest, struct str *out)
{
    *out = print_u64(x, (uint64_t)getpid());
    return true;
}

enum { EACH = VARIABLE_VOLATILE, ANY = VARIABLE_VOLATILE | VARIABLE_PREFIX };

const struct variable connection_variables[] = {
    { "binary_remote_addr", get_binary_remote_addr, NULL, EACH,
      "The client's address as bytes: 4 for IPv4, 16 for IPv6." },
    { "connection", get_connection, NULL, EACH, "The connection's serial number." },
    { "connection_requests", get_connection_requests, NULL, EACH,
      "Requests made through the connection so far." },
    { "connection_time", get_connection_time, NULL, EACH,
      "Age of the connection in seconds with milliseconds." },
    { "connections_active", get_connections_active, NULL, EACH,
      "Client connections, waiting ones included." },
    { "connections_reading", get_connections_reading, NULL, EACH,
      "Connections whose request is being read." },
    { "connections_waiting", get_connections_waiting, NULL, EACH,
      "Idle connections that wait for a request." },
    { "connections_writing", get_connections_writing, NULL, EACH, "Requests being answered." },
    { "hostname", get_hostname, NULL, EACH, "Name of this machine." },
    { "http2", get_http2, NULL, EACH,
      "\"h2\" for HTTP/2 over TLS, \"h2c\" for HTTP/2 in the clear, else empty." },
    { "https", get_https, NULL, EACH, "\"on\" if the connection is TLS, else empty." },
    { "nginx_version", get_nginx_version, NULL, EACH, "The version of nginx that usher follows." },
    { "pid", get_pid, NULL, EACH, "Number of the worker process." },
    { "pipe", get_pipe, NULL, EACH, "\"p\" if the request was pipelined, else \".\"." },
    { "remote_addr", get_remote_addr, NULL, EACH, "The client's address." },
    { "remote_port", get_remote_port, NULL, EACH, "The client's port." },
    { "scheme", get_scheme, NULL, EACH, "\"http\" or \"https\"." },
    { "server_addr", get_server_addr, NULL, 0, "The address that accepted the request." },
    { "server_name", get_server_name, NULL, EACH, "The first name of the server that answers." },
    { "server_port", get_server_port, NULL, EACH, "The port that accepted the request." },
    { "tcpinfo_", get_tcpinfo, NULL, ANY,
      "The kernel's figures of the connection: rtt, rttvar, snd_cwnd, rcv_space." },
    { 0 },
};
