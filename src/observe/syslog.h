/* Syslog over a unix or UDP socket (RFC 3164), as nginx's syslog: prefix configures it. */
#pragma once

#include "config/compile.h"

struct syslog;

/* "server=…[,facility=…][,tag=…][,severity=…][,nohostname]". Problems are reported at word: NULL
 * then. Own memory. */
struct syslog *syslog_parse(struct setting *s, unsigned word, struct str text);
void syslog_free(struct syslog *l);
/* Resolves and connects; a server that cannot be reached is tried again while sending. */
void syslog_open(struct syslog *l);
/* One datagram; a newline at the end is left out. severity -1: the one configured. Never blocks. */
void syslog_send(struct syslog *l, struct str line, int severity);
