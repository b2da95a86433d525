/* Access logs. Buffered ones: one buffer a thread and destination, written when full, when its
 * timer fires and at the thread's end; compressed when asked, each write one gzip member. Of the
 * others, lines for a file that come in one turn of the loop leave in one write at its end. */
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

/* Lines of the present turn, all for one file. */
struct turn_lines {
    struct turn_end turn; /* first */
    struct log_file *file;
    size_t n;
    char bytes[16 * 1024];
};

static __thread struct turn_lines *lines;

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

/* --- lines of a turn --- */

static void
put_lines(struct turn_lines *l)
{
    if (l->n)
        log_file_put(l->file, (struct str){ l->bytes, l->n }, -1);
    l->n = 0;
}

static void
end_turn(struct turn_end *t)
{
    put_lines((struct turn_lines *)t);
}

static void
add_line(struct log_file *f, struct str line)
{
    if (lines == NULL) {
        lines = calloc(1, sizeof *lines);
        must(lines);
        lines->turn.run = end_turn;
    }
    if (lines->file != f || line.n > sizeof lines->bytes - lines->n)
        put_lines(lines);
    if (line.n > sizeof lines->bytes) {
        log_file_put(f, line, -1);
        return;
    }
    lines->file = f;
    memcpy(lines->bytes + lines->n, line.p, line.n);
    lines->n += line.n;
    loop_at_turn_end(&lines->turn);
}

static void
end_lines(void)
{
    if (lines == NULL)
        return;
    put_lines(lines);
    if (list_linked(&lines->turn.link))
        list_remove(&lines->turn.link);
    free(lines);
    lines = NULL;
}

/* At once where nobody would write later, and where a reader waits. */
static void
write_line(struct log_file *f, struct str line)
{
    if (f->regular && loop_self())
        add_line(f, line);
    else
        log_file_put(f, line, -1);
}

void
log_file_write(struct log_file *f, const struct log_buffering *how, struct str line)
{
    if (how == NULL || how->size == 0) {
        write_line(f, line);
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
    end_lines();
    log_cache_close();
}
