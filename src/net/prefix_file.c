/* Reading lists of prefixes, and the tables of those in use. */
#include "net/prefix_file.h"

#include "base/must.h"
#include "net/prefix.h"

#include <pthread.h>
#include <stdlib.h>

/* A line without comment, blanks and the end that Windows gives it. */
static struct str
content(struct str line)
{
    ptrdiff_t comment = str_find(line, '#');
    if (comment >= 0)
        line = str_head(line, (size_t)comment);
    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    return str_trim(line);
}

unsigned
prefix_file_read(struct str text, struct prefix_builder *b, uint32_t value)
{
    for (unsigned n = 1; text.n; n++) {
        struct prefix p;
        struct prefix_bits bits;
        struct str line = content(str_cut(&text, '\n'));
        if (line.n == 0)
            continue;
        if (prefix_parse(line, &p) == PREFIX_BAD || !prefix_bits_of(&p, &bits))
            return n;
        prefix_builder_add(b, bits, value);
    }
    return 0;
}

/* --- those in use --- */

struct kept {
    struct kept *next;
    struct prefix_table *table; /* not held: whoever drops the last hold takes it out */
    uint64_t hash;
    size_t n;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct kept *all;

static struct prefix_table *
find(uint64_t hash, size_t n)
{
    for (struct kept *k = all; k; k = k->next)
        if (k->hash == hash && k->n == n) {
            prefix_table_hold(k->table);
            return k->table;
        }
    return NULL;
}

static struct prefix_table *
build(struct str text, unsigned *line)
{
    struct prefix_builder b;
    prefix_builder_init(&b);
    *line = prefix_file_read(text, &b, 0);
    if (*line == 0)
        return prefix_table_build(&b, PREFIX_LONGEST);
    prefix_builder_fini(&b);
    return NULL;
}

struct prefix_table *
prefix_file_table(struct str text, unsigned *line)
{
    uint64_t hash = str_hash(text);
    pthread_mutex_lock(&lock);
    struct prefix_table *t = find(hash, text.n);
    *line = 0;
    if (t == NULL && (t = build(text, line))) {
        struct kept *k = calloc(1, sizeof *k);
        must(k != NULL);
        *k = (struct kept){ all, t, hash, text.n };
        all = k;
    }
    pthread_mutex_unlock(&lock);
    return t;
}

void
prefix_file_table_drop(struct prefix_table *t)
{
    pthread_mutex_lock(&lock);
    struct kept **k = &all;
    while (*k && (*k)->table != t)
        k = &(*k)->next;
    if (prefix_table_drop(t)) {
        struct kept *gone = *k;
        *k = gone->next;
        free(gone);
    }
    pthread_mutex_unlock(&lock);
}
