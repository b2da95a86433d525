/* Files of users and passwords, "user:stored[:comment]" a line. Each thread keeps those it read
 * lately; one that has changed is read again, at once. */
#pragma once

#include "base/str.h"

struct password_file;

/* 0, or -errno and what failed ("open()"). path ends with a NUL. *out is good until the thread
 * opens another. */
int password_file_open(struct str path, const struct password_file **out, const char **failed);
/* The user's stored password; STR_NONE: there is no such user. */
struct str password_file_find(const struct password_file *f, struct str user);
/* Anybody's: what is to be tried in vain when the user is unknown, so that this takes as long. */
struct str password_file_any(const struct password_file *f);
