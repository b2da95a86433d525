/* Files whose reading may take long: aio and directio. Their bytes come by way of a buffer, and
 * where the page cache does not have them an off-load thread waits for the disk. */
#pragma once

#include "config/compile.h"
#include "exchange/body/body.h"

struct exchange;
struct file;

struct reading_settings {
    struct thread_pool_name *pools; /* that thread_pool made */
    bool aio;
    uint64_t directio; /* files of this size and above are read past the page cache */
    struct bytes directio_alignment, read_ahead;
    size_t piece; /* output_buffers: how much is read at a time */
};

bool reading_set_aio(struct setting *s);
bool reading_set_directio(struct setting *s);
bool reading_set_buffers(struct setting *s);
bool reading_set_pool(struct setting *s);

/* Of a file, which it owns from now on; NULL: settings ask for nothing, and f is still the
 * caller's. */
struct body *reading_body(struct exchange *x, const struct reading_settings *my, struct file *f);
