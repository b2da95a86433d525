/* Syslog destinations. One connected socket serves all threads: a datagram is one system call. */
#include "observe/syslog.h"

#include "base/clock.h"
#include "base/must.h"
#include "net/address.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TAG_MAX = 32, RETRY_MS = 1000, DEFAULT_PORT = 514, LOCAL7 = 23, INFO = 6 };

struct syslog {
    struct str server;
    char tag[TAG_MAX + 1];
    unsigned facility, severity;
    bool hostname, has_facility, has_severity;
    char host[256];
    pthread_mutex_t lock; /* of opening */
    _Atomic int fd;
    _Atomic uint64_t retry_ms;
};

static const char *const facilities[] = {
    "kern",   "user",   "mail",     "daemon", "auth",   "intern", "lpr",    "news",
    "uucp",   "clock",  "authpriv", "ftp",    "ntp",    "audit",  "alert",  "cron",
    "local0", "local1", "local2",   "local3", "local4", "local5", "local6", "local7",
};
static const char *const severities[] = { "emerg", "alert",  "crit", "error",
                                          "warn",  "notice", "info", "debug" };

static bool
position(const char *const *names, unsigned n, struct str name, unsigned *out)
{
    for (unsigned i = 0; i < n; i++)
        if (str_eq(name, str_of(names[i]))) {
            *out = i;
            return true;
        }
    return false;
}

struct parsing {
    struct setting *setting;
    unsigned word;
    struct syslog *log;
};

static bool
take_server(struct parsing *p, struct str value)
{
    struct str host;
    int port = -1;
    if (p->log->server.p)
        return setting_error(p->setting, p->word, "duplicate syslog \"server\"");
    bool is_unix = str_starts(value, STR("unix:"));
    if (!is_unix && (!address_split(value, &host, &port) || port == 0))
        return setting_error(p->setting, p->word, "invalid port in syslog server \"" STR_FMT "\"",
                             STR_ARG(value));
    char *copy = strndup(value.p, value.n);
    must(copy);
    p->log->server = (struct str){ copy, value.n };
    return true;
}

static bool
take_facility(struct parsing *p, struct str value)
{
    if (p->log->has_facility)
        return setting_error(p->setting, p->word, "duplicate syslog \"facility\"");
    p->log->has_facility = true;
    if (position(facilities, 24, value, &p->log->facility))
        return true;
    return setting_error(p->setting, p->word, "unknown syslog facility \"" STR_FMT "\"",
                         STR_ARG(value));
}

static bool
take_severity(struct parsing *p, struct str value)
{
    if (p->log->has_severity)
        return setting_error(p->setting, p->word, "duplicate syslog \"severity\"");
    p->log->has_severity = true;
    if (position(severities, 8, value, &p->log->severity))
        return true;
    return setting_error(p->setting, p->word, "unknown syslog severity \"" STR_FMT "\"",
                         STR_ARG(value));
}

static bool
take_tag(struct parsing *p, struct str value)
{
    if (p->log->tag[0])
        return setting_error(p->setting, p->word, "duplicate syslog \"tag\"");
    if (value.n > TAG_MAX)
        return setting_error(p->setting, p->word, "syslog tag length exceeds %d", TAG_MAX);
    for (size_t i = 0; i < value.n; i++) {
        char c = byte_lower(value.p[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'))
            return setting_error(p->setting, p->word,
                                 "syslog \"tag\" only allows alphanumeric characters and "
                                 "underscore");
    }
    memcpy(p->log->tag, value.p, value.n);
    return true;
}

static bool
take_parameter(struct parsing *p, struct str text)
{
    static const struct {
        const char *name;
        bool (*take)(struct parsing *p, struct str value);
    } known[] = { { "server=", take_server },
                  { "facility=", take_facility },
                  { "severity=", take_severity },
                  { "tag=", take_tag } };
    if (str_eq(text, STR("nohostname"))) {
        p->log->hostname = false;
        return true;
    }
    for (unsigned i = 0; i < sizeof known / sizeof *known; i++)
        if (str_starts(text, str_of(known[i].name)))
            return known[i].take(p, str_skip(text, strlen(known[i].name)));
    return setting_error(p->setting, p->word, "unknown syslog parameter \"" STR_FMT "\"",
                         STR_ARG(text));
}

static bool
take_parameters(struct parsing *p, struct str text)
{
    do {
        if (!take_parameter(p, str_cut(&text, ',')))
            return false;
    } while (text.p);
    if (p->log->server.p)
        return true;
    return setting_error(p->setting, p->word, "no syslog server specified");
}

struct syslog *
syslog_parse(struct setting *s, unsigned word, struct str text)
{
    struct syslog *l = calloc(1, sizeof *l);
    must(l);
    l->facility = LOCAL7;
    l->severity = INFO;
    l->hostname = true;
    l->fd = -1;
    pthread_mutex_init(&l->lock, NULL);
    struct parsing p = { s, word, l };
    if (!take_parameters(&p, text)) {
        syslog_free(l);
        return NULL;
    }
    if (l->tag[0] == 0)
        strcpy(l->tag, "nginx"); /* nginx's default: what receivers filter by */
    gethostname(l->host, sizeof l->host - 1);
    return l;
}

void
syslog_free(struct syslog *l)
{
    if (l->fd >= 0)
        close(l->fd);
    pthread_mutex_destroy(&l->lock);
    free((char *)l->server.p);
    free(l);
}

static int
connect_to(const struct sockaddr *a, socklen_t n)
{
    int fd = socket(a->sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, a, n) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static int
resolve_and_connect(struct str server)
{
    struct str host;
    int port, fd = -1;
    char name[256], service[12];
    struct addrinfo *found = NULL, hints = { .ai_socktype = SOCK_DGRAM };
    if (!address_split(server, &host, &port) || host.n >= sizeof name)
        return -1;
    snprintf(name, sizeof name, STR_FMT, STR_ARG(host));
    snprintf(service, sizeof service, "%d", port < 0 ? DEFAULT_PORT : port);
    if (getaddrinfo(name, service, &hints, &found) != 0)
        return -1;
    for (struct addrinfo *a = found; a && fd < 0; a = a->ai_next)
        fd = connect_to(a->ai_addr, a->ai_addrlen);
    freeaddrinfo(found);
    return fd;
}

void
syslog_open(struct syslog *l)
{
    struct address a;
    pthread_mutex_lock(&l->lock);
    if (l->fd < 0)
        l->fd = address_parse(l->server, DEFAULT_PORT, &a) ? connect_to(&a.any, a.size)
                                                           : resolve_and_connect(l->server);
    pthread_mutex_unlock(&l->lock);
}

/* A receiver that was restarted has another socket behind the same path: connect again, at most
 * once a second. Names are not resolved here, as that may take long. */
static void
open_again(struct syslog *l)
{
    struct address a;
    uint64_t now = clock_ms(), due = l->retry_ms;
    if (now < due || !atomic_compare_exchange_strong(&l->retry_ms, &due, now + RETRY_MS))
        return;
    if (!address_parse(l->server, DEFAULT_PORT, &a))
        return;
    int fd = connect_to(&a.any, a.size);
    if (fd < 0)
        return;
    if (l->fd < 0) {
        l->fd = fd;
        return;
    }
    dup3(fd, l->fd, O_CLOEXEC);
    close(fd);
}

/* "<190>Sep  8 12:00:00 host tag: " */
static int
print_head(const struct syslog *l, char *out, size_t room, unsigned severity)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t now = (time_t)(clock_wall_us() / 1000000);
    struct tm t;
    localtime_r(&now, &t);
    return snprintf(out, room, "<%u>%.3s %2d %02d:%02d:%02d %s%s%s: ", l->facility * 8 + severity,
                    months + 3 * t.tm_mon, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec,
                    l->hostname ? l->host : "", l->hostname ? " " : "", l->tag);
}

void
syslog_send(struct syslog *l, struct str line, int severity)
{
    char head[512];
    int n = print_head(l, head, sizeof head, severity < 0 ? l->severity : (unsigned)severity);
    if (line.n && line.p[line.n - 1] == '\n')
        line.n--;
    struct iovec parts[] = { { head, (size_t)n }, { (char *)line.p, line.n } };
    struct msghdr m = { .msg_iov = parts, .msg_iovlen = 2 };
    if (l->fd < 0)
        open_again(l);
    if (l->fd < 0 || sendmsg(l->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 || errno == EAGAIN)
        return;
    open_again(l);
    sendmsg(l->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}
