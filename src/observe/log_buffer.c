/* Buffered access logs: one buffer a thread and destination, written when full, when its timer
 * fires and at the thread's end; compressed when asked, each write one gzip member. */
#include "base/must.h"
#include "fiber/loop.h"
#include "observe/log_cache.h"
#include "observe/log_file.h"

#include <stdlib.h>
#include <zlib.h>

struct log_buffer {
    struct timer timer; /* first */
    struct log_buffer *next;
    struct log_file *file;
    struct log_buffering how;
    bool timed;
    size_t n;
    char bytes[];
};

static __thread struct log_buffer *mine;

enum { GZIP_WINDOW = 15 + 16, GZIP_MEMORY = 8 };

/* False when zlib could not; the caller writes plain bytes then. */
static bool
put_compressed(struct log_buffer *b)
{
    z_stream z = { 0 };
    if (deflateInit2(&z, b->how.gzip, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY, Z_DEFAULT_STRATEGY))
        return false;
    size_t room = deflateBound(&z, b->n);
    char *out = malloc(room);
    must(out);
    z.next_in = (Bytef *)b->bytes;
    z.avail_in = (uInt)b->n;
    z.next_out = (Bytef *)out;
    z.avail_out = (uInt)room;
    bool whole = deflate(&z, Z_FINISH) == Z_STREAM_END;
    if (whole)
        log_file_put(b->file, (struct str){ out, room - z.avail_out }, -1);
    deflateEnd(&z);
    free(out);
    return whole;
}

static void
flush(struct log_buffer *b)
{
    if (b->n && (b->how.gzip == 0 || !put_compressed(b)))
        log_file_put(b->file, (struct str){ b->bytes, b->n }, -1);
    b->n = 0;
    if (b->timed)
        timer_set(&b->timer, NEVER);
}

static void
fire(struct timer *t)
{
    flush((struct log_buffer *)t);
}

static struct log_buffer *
buffer_of(struct log_file *f, const struct log_buffering *how)
{
    struct log_buffer *b = mine;
    while (b && b->file != f)
        b = b->next;
    if (b)
        return b;
    b = calloc(1, sizeof *b + how->size);
    must(b);
    b->file = f;
    b->how = *how;
    b->timed = how->flush_ms && loop_self();
    if (b->timed)
        timer_init(&b->timer, fire);
    b->next = mine;
    return mine = b;
}

/* A reload may have changed the size or the compression. */
static struct log_buffer *
fitting_buffer(struct log_file *f, const struct log_buffering *how)
{
    struct log_buffer *b = buffer_of(f, how);
    if (b->how.size == how->size && b->how.gzip == how->gzip && b->how.flush_ms == how->flush_ms)
        return b;
    log_flush_thread();
    return buffer_of(f, how);
}

void
log_file_write(struct log_file *f, const struct log_buffering *how, struct str line)
{
    if (how == NULL || how->size == 0) {
        log_file_put(f, line, -1);
        return;
    }
    struct log_buffer *b = fitting_buffer(f, how);
    if (line.n > how->size - b->n)
        flush(b);
    if (line.n > how->size) {
        log_file_put(f, line, -1);
        return;
    }
    if (b->n == 0 && b->timed)
        timer_set(&b->timer, clock_in(how->flush_ms));
    memcpy(b->bytes + b->n, line.p, line.n);
    b->n += line.n;
}

void
log_flush_thread(void)
{
    for (struct log_buffer *b = mine, *next; b; b = next) {
        next = b->next;
        flush(b);
        if (b->timed)
            timer_fini(&b->timer);
        free(b);
    }
    mine = NULL;
    log_cache_close();
}
