/* Signals as events: blocked everywhere, read from one descriptor by the thread that watches over
 * the process. */
#pragma once

#include <sys/signalfd.h>

enum signal_order { /* what nginx's signals ask for */
                    ORDER_NONE,
                    ORDER_RELOAD,
                    ORDER_REOPEN,
                    ORDER_UPGRADE,
                    ORDER_STOP_WORKERS, /* WINCH: no more accepting */
                    ORDER_QUIT,
                    ORDER_TERMINATE,
                    ORDER_CHILD,
                    ORDER_IGNORED,
};

/* Blocks them in the calling thread (and all that it makes) and ignores SIGPIPE. The descriptor. */
int signals_open(void);
/* The order of the next one that is waiting; ORDER_NONE when none
 * waits. Announces it in the log as nginx does. */
enum signal_order signals_next(int fd);
/* The signal of -s NAME. */
int signals_number(const char *name);
