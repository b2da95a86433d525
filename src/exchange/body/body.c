/* Bodies made of bytes at hand or of a file; draining. */
#include "exchange/body/body.h"

#include <errno.h>
#include <unistd.h>

struct bytes_body {
    struct body body; /* first */
    struct str all, bytes;
};

static int
next_bytes(struct body *b, struct chunk *out)
{
    struct bytes_body *my = (struct bytes_body *)b;
    if (my->bytes.n == 0)
        return 0;
    out->bytes = my->bytes;
    out->last = true;
    my->bytes.n = 0;
    return 1;
}

static void
seek_bytes(struct body *b, uint64_t from, uint64_t size)
{
    struct bytes_body *my = (struct bytes_body *)b;
    my->bytes = str_head(str_skip(my->all, from), size);
}

struct body *
body_of_str(struct arena *a, struct str bytes)
{
    static const struct body_ops ops = { .next = next_bytes, .seek = seek_bytes };
    struct bytes_body *my = arena_new(a, struct bytes_body);
    *my = (struct bytes_body){ { &ops }, bytes, bytes };
    return &my->body;
}

struct file_body {
    struct body body; /* first */
    int file;
    void (*release)(void *held); /* lets go of the file; NULL: nobody need */
    void *held;
    off_t start; /* of the whole */
    off_t offset;
    uint64_t size;
};

static int
next_file(struct body *b, struct chunk *out)
{
    struct file_body *my = (struct file_body *)b;
    if (my->size == 0)
        return 0;
    out->file = my->file;
    out->file_offset = my->offset;
    out->file_size = my->size;
    out->last = true;
    my->size = 0;
    return 1;
}

static void
seek_file(struct body *b, uint64_t from, uint64_t size)
{
    struct file_body *my = (struct file_body *)b;
    my->offset = my->start + (off_t)from;
    my->size = size;
}

static void
close_file(struct body *b)
{
    struct file_body *my = (struct file_body *)b;
    if (my->release)
        my->release(my->held);
}

static struct file_body *
open_file(struct arena *a, int file, off_t offset, uint64_t size)
{
    static const struct body_ops ops = { .next = next_file,
                                         .seek = seek_file,
                                         .close = close_file };
    struct file_body *my = arena_new(a, struct file_body);
    *my = (struct file_body){
        { &ops }, .file = file, .start = offset, .offset = offset, .size = size
    };
    return my;
}

static void
close_own(void *held)
{
    close(((struct file_body *)held)->file);
}

struct body *
body_of_file(struct arena *a, int file, off_t offset, uint64_t size, bool owned)
{
    struct file_body *my = open_file(a, file, offset, size);
    my->release = owned ? close_own : NULL;
    my->held = my;
    return &my->body;
}

struct body *
body_of_shared_file(struct arena *a, int file, uint64_t size, void (*release)(void *held),
                    void *held)
{
    struct file_body *my = open_file(a, file, 0, size);
    my->release = release;
    my->held = held;
    return &my->body;
}

void
body_close(struct body *b)
{
    if (b && b->ops->close)
        b->ops->close(b);
}

int
body_drain(struct body *b, uint64_t most)
{
    struct chunk chunk;
    int r;
    while ((r = body_next(b, &chunk)) > 0) {
        if (chunk_size(&chunk) > most)
            return -EMSGSIZE;
        most -= chunk_size(&chunk);
    }
    return r;
}
