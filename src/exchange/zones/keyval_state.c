/* JSON by jansson. A reader of the file sees the former text or the new one, never a part. */
#include "exchange/zones/keyval_state.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct str
string_of(const json_t *v)
{
    return (struct str){ json_string_value(v), json_string_length(v) };
}

/* False: it is no value. */
static bool
read_value(const json_t *v, struct str *value, uint64_t *expires_ms)
{
    if (json_is_object(v)) {
        const json_t *expire = json_object_get(v, "expire");
        if (expire && (!json_is_integer(expire) || json_integer_value(expire) < 0))
            return false;
        if (expire)
            *expires_ms = (uint64_t)json_integer_value(expire);
        v = json_object_get(v, "value");
    }
    *value = string_of(v);
    return json_is_string(v);
}

static bool
read_pair(struct keyval_table *t, struct str key, const json_t *v, uint64_t expires_ms,
          uint64_t now_ms, struct keyval_problem *p)
{
    struct str value;
    const char *why = "has no value that is text";
    if (read_value(v, &value, &expires_ms)) {
        if (expires_ms && expires_ms <= now_ms)
            return true;
        switch (keyval_table_put(t, key, value, expires_ms, KEYVAL_PUT_ANY, now_ms)) {
        case KEYVAL_DONE:
        case KEYVAL_EXISTS:
        case KEYVAL_ABSENT:
            return true;
        case KEYVAL_FULL:
            why = "does not fit into the zone";
            break;
        case KEYVAL_BAD:
            why = "is no key of the zone's type";
            break;
        }
    }
    (void)snprintf(p->text, sizeof p->text, "\"%.100s\" %s", key.p, why);
    return false;
}

bool
keyval_state_read(struct keyval_table *t, struct str text, uint64_t expires_ms, uint64_t now_ms,
                  struct keyval_problem *p)
{
    json_error_t error;
    json_t *root = json_loadb(text.p ? text.p : "", text.n, 0, &error);
    if (root == NULL) {
        (void)snprintf(p->text, sizeof p->text, "%s in line %d", error.text, error.line);
        return false;
    }
    bool good = json_is_object(root);
    if (!good)
        (void)snprintf(p->text, sizeof p->text, "it is no JSON object");
    for (void *i = good ? json_object_iter(root) : NULL; i && good;
         i = json_object_iter_next(root, i)) {
        struct str key = { json_object_iter_key(i), json_object_iter_key_len(i) };
        good = read_pair(t, key, json_object_iter_value(i), expires_ms, now_ms, p);
    }
    json_decref(root);
    return good;
}

/* What is no UTF-8 cannot be written, and is left out. */
static void
add(void *arg, struct str key, struct str value, uint64_t expires_ms)
{
    json_t *root = arg, *v = json_stringn(value.p, value.n);
    if (v && expires_ms)
        v = json_pack("{s:o, s:I}", "value", v, "expire", (json_int_t)expires_ms);
    if (v)
        json_object_setn_new(root, key.p, key.n, v);
}

char *
keyval_state_print(const struct keyval_table *t, uint64_t now_ms)
{
    json_t *root = json_object();
    keyval_table_each(t, add, root, now_ms);
    char *text = json_dumps(root, JSON_INDENT(1) | JSON_SORT_KEYS);
    json_decref(root);
    return text;
}

static int
write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -errno;
        p += done;
        n -= (size_t)done;
    }
    return 0;
}

static int
write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int r = write_all(fd, text, strlen(text));
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    if (close(fd) < 0 && r == 0)
        r = -errno;
    return r;
}

int
keyval_state_write(const char *path, const char *text)
{
    char *beside;
    if (asprintf(&beside, "%s.new", path) < 0)
        return -ENOMEM;
    int r = write_file(beside, text);
    if (r == 0 && rename(beside, path) < 0)
        r = -errno;
    free(beside);
    return r;
}
