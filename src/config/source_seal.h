/* Sources on their way from one process to another. */
#pragma once

#include "config/source.h"

/* Written to and read from a descriptor (a memfd). 0 or -errno. */
int sources_save(const struct sources *s, int fd);
int sources_load(struct sources *s, int fd);
