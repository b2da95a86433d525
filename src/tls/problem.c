/* The queue's errors in the order in which they came, each with the data that OpenSSL noted, as
 * nginx writes them. What does not fit is cut. */
#include "tls/problem.h"

#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>

struct line {
    char *text;
    size_t n, cap;
};

static void
put(struct line *l, const char *text)
{
    int n = snprintf(l->text + l->n, l->cap - l->n, "%s", text);
    l->n = n < 0 || (size_t)n >= l->cap - l->n ? l->cap - 1 : l->n + (size_t)n;
}

static void
put_errors(struct line *l)
{
    const char *data;
    int flags;
    for (unsigned long e; (e = ERR_get_error_all(NULL, NULL, NULL, &data, &flags)) != 0;) {
        char name[160];
        ERR_error_string_n(e, name, sizeof name);
        put(l, " ");
        put(l, name);
        if ((flags & ERR_TXT_STRING) && data && data[0]) {
            put(l, ":");
            put(l, data);
        }
    }
}

void
tls_problem_take(struct tls_problem *p, const char *what)
{
    struct line l = { p->text, 0, sizeof p->text };
    bool known = ERR_peek_error() != 0;
    p->about = NULL;
    put(&l, what);
    if (known) {
        put(&l, " (SSL:");
        put_errors(&l);
        put(&l, ")");
    }
    ERR_clear_error();
}

void
tls_problem_clear(void)
{
    if (ERR_peek_error() != 0)
        ERR_clear_error();
}

void
tls_problem_say(struct tls_problem *p, const char *format, ...)
{
    va_list args;
    p->about = NULL;
    va_start(args, format);
    vsnprintf(p->text, sizeof p->text, format, args);
    va_end(args);
}
