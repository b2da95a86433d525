/* Files below a root: opened and looked at as disable_symlinks and open_file_cache say, by whoever
 * serves them. */
#pragma once

#include "config/compile.h"
#include "exchange/body/body.h"
#include "exchange/exchange.h"
#include "exchange/files/reading.h"

#include <errno.h>
#include <sys/stat.h>

enum symlinks { SYMLINKS_ALLOWED, SYMLINKS_REFUSED, SYMLINKS_OF_OWNER };

struct template;
struct file_cache;
struct cached_file;

/* http, server, location */
struct file_settings {
    struct symlink_rule {
        enum symlinks symlinks;
        const struct template *from; /* this part of a path is not judged; NULL: all of it is */
    } rule;
    struct file_cache *cache; /* NULL: none */
    struct msec valid;
    unsigned min_uses;
    bool errors;
    struct reading_settings reading;
};

extern const struct directive_set file_directives;

struct file {
    int fd; /* -1: only looked at */
    struct stat st;
    struct cached_file *cached; /* whose fd it is; NULL: ours */
};

/* For reading. The path is followed by a NUL. 0 or -errno; -ELOOP for a link that is not allowed.
 * Directories are opened too. */
int file_open(struct exchange *x, struct str path, struct file *out)
    __attribute__((warn_unused_result));
/* Only what it is. Nothing to be closed. */
int file_look(struct exchange *x, struct str path, struct stat *out)
    __attribute__((warn_unused_result));
void file_close(struct file *f);
/* Length, Last-Modified and ETag of the response that it becomes; ranges are allowed. */
void file_describe(struct exchange *x, const struct stat *st);
/* All of it; f is the body's from here on. */
struct body *file_body(struct exchange *x, struct file *f);

/* What the log calls opening a file here: "open()". */
const char *file_open_call(const struct exchange *x);

/* It is not there. Whoever logs that asks log_not_found first. */
static inline bool
file_error_is_missing(int error)
{
    return error == -ENOENT || error == -ENOTDIR || error == -ENAMETOOLONG;
}

static inline bool
file_error_is_refusal(int error)
{
    return error == -EACCES || error == -ELOOP || error == -EMLINK;
}
