/* h2/memory: pieces that come and go with each request. */
#include "h2/memory.h"

#include "../test.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static bool
is_filled(const unsigned char *p, size_t n, unsigned char with)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != with)
            return false;
    return true;
}

static void
what_was_put_back_comes_again_as_nothing(void **state)
{
    for (size_t n = 1; n < 4096; n = n * 3 / 2 + 1) {
        unsigned char *p = h2_memory_take(n);
        memset(p, 'x', n);
        h2_memory_put(p);
        p = h2_memory_take(n);
        assert_true(is_filled(p, n, 0));
        h2_memory_put(p);
    }
}

static void
pieces_in_use_do_not_share_bytes(void **state)
{
    enum { N = 300 };
    unsigned char *all[N];
    for (unsigned turn = 0; turn < 2; turn++) {
        for (size_t i = 0; i < N; i++)
            memset(all[i] = h2_memory_take(i * 7), (unsigned char)i, i * 7);
        for (size_t i = 0; i < N; i++) {
            assert_true(is_filled(all[i], i * 7, (unsigned char)i));
            h2_memory_put(all[i]);
        }
    }
}

static void
bytes_survive_growth_and_shrinking(void **state)
{
    nghttp2_mem *m = h2_memory();
    unsigned char *p = m->realloc(NULL, 10, m->mem_user_data);
    memset(p, 'a', 10);
    static const size_t sizes[] = { 20, 129, 1024, 1025, 70000, 1000, 10 };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        p = m->realloc(p, sizes[i], m->mem_user_data);
        assert_true(is_filled(p, 10, 'a'));
        memset(p, 'a', sizes[i]);
    }
    m->free(p, m->mem_user_data);
    m->free(NULL, m->mem_user_data);
}

static void
a_size_that_cannot_be_is_refused(void **state)
{
    nghttp2_mem *m = h2_memory();
    assert_null(m->malloc(SIZE_MAX, m->mem_user_data));
    assert_null(m->calloc(SIZE_MAX / 2, 3, m->mem_user_data));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_back_comes_again_as_nothing),
        cmocka_unit_test(pieces_in_use_do_not_share_bytes),
        cmocka_unit_test(bytes_survive_growth_and_shrinking),
        cmocka_unit_test(a_size_that_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
