/* Opening a path whose symbolic links are judged one by one. */
#pragma once

#include "exchange/files/files.h"

/* open(2) of a path that begins with a slash and is followed by a NUL. trusted: how many of its
 * bytes, whole segments, are not judged. A descriptor or -errno. */
int symlinks_open(struct str path, size_t trusted, enum symlinks rule, int flags)
    __attribute__((warn_unused_result));
