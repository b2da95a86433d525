/* A memcached line never says more than it holds, and a key that was made safe is one word that
 * reads back. The first byte is the key's length. */
#include "base/must.h"
#include "target.h"
#include "wire/memcached.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct memcached_value value = { .why = NULL };
    if (size < 2 || data[0] > size - 1)
        return 0;
    arena_init(&a, 0);
    struct str all = { (const char *)data + 1, size - 1 };
    struct str key = memcached_key(str_head(all, data[0]), &a), line = str_skip(all, data[0]);
    must(str_find(key, ' ') < 0 && str_find(key, '\n') < 0 && str_find(key, '\r') < 0);
    enum memcached_answer answer = memcached_read_line(line, key, &value);
    must(answer != MEMCACHED_BAD || value.why);
    must(answer != MEMCACHED_VALUE || (line.n > 6 + key.n && value.flags <= UINT32_MAX));
    struct str own =
        arena_printf(&a, "VALUE " STR_FMT " 7 %u\r\n", STR_ARG(key), (unsigned)data[0]);
    if (memchr(key.p ? key.p : "", 0, key.n) == NULL)
        must(memcached_read_line(own, key, &value) == MEMCACHED_VALUE && value.size == data[0]);
    arena_fini(&a);
    return 0;
}
