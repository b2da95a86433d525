/* base/: arenas, buffers, maps, heaps, strings. */
#include "base/buf.h"
#include "base/heap.h"
#include "base/map.h"
#include "base/must.h"
#include "base/random.h"

#include "../test.h"

static void
arena_pieces_are_zeroed_aligned_and_apart(void **state)
{
    struct arena a;
    arena_init(&a, 0);
    char *last = NULL;
    for (size_t n = 1; n < 10000; n += 97) {
        char *p = arena_get(&a, n);
        assert_int_equal((uintptr_t)p % 16, 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(p[i], 0);
        memset(p, 'x', n);
        if (last)
            assert_int_equal(last[0], 'x');
        last = p;
    }
    arena_fini(&a);
}

static void
arena_try_refuses_over_the_limit(void **state)
{
    struct arena a;
    arena_init(&a, 1000);
    assert_non_null(arena_try(&a, 600));
    assert_null(arena_try(&a, 600));
    assert_null(arena_try(&a, SIZE_MAX / 4));
    assert_non_null(arena_try(&a, 400));
    arena_fini(&a);
}

static void
a_buffer_grows_to_its_bound_and_no_further(void **state)
{
    struct arena a;
    struct buf b;
    arena_init(&a, 0);
    buf_init(&b, &a, 4, 100);
    for (int i = 0; i < 10; i++)
        buf_put(&b, STR("0123456789"));
    assert_int_equal(b.n, 100);
    assert_false(b.full);
    buf_byte(&b, '!');
    assert_true(b.full);
    assert_int_equal(b.n, 100);
    buf_init(&b, &a, 0, 0);
    buf_u64(&b, UINT64_MAX);
    buf_printf(&b, "-%d", 7);
    assert_true(str_eq(buf_str(&b), STR("18446744073709551615-7")));
    arena_fini(&a);
}

static void
a_map_finds_what_was_put(void **state)
{
    struct arena a;
    struct map m;
    arena_init(&a, 0);
    map_init(&m, &a, true);
    for (uintptr_t i = 1; i <= 1000; i++)
        assert_null(map_put(&m, arena_printf(&a, "Name-%d", (int)i), (void *)i));
    assert_ptr_equal(map_try(&m, STR("nAME-777")), (void *)777);
    assert_null(map_try(&m, STR("name-1001")));
    assert_ptr_equal(map_put(&m, STR("name-5"), (void *)55), (void *)5);
    size_t seen = 0;
    for (struct map_entry *e = map_next(&m, NULL); e; e = map_next(&m, e))
        seen++;
    assert_int_equal(seen, 1000);
    arena_fini(&a);
}

static void
a_map_knows_the_key_nearest_to_a_slip(void **state)
{
    struct arena a;
    struct map m;
    arena_init(&a, 0);
    map_init(&m, &a, false);
    map_put(&m, STR("backend"), &m);
    map_put(&m, STR("backed"), &m);
    map_put(&m, STR("front"), &m);
    assert_true(str_eq(map_nearest(&m, STR("bakend"), 1), STR("backend")));
    assert_true(str_eq(map_nearest(&m, STR("backe"), 2), STR("backed")));
    assert_true(str_eq(map_nearest(&m, STR("front"), 2), STR("front")));
    assert_null(map_nearest(&m, STR("other"), 2).p);
    arena_fini(&a);
}

static void
a_heap_gives_the_earliest_first(void **state)
{
    static struct heap_node nodes[500];
    struct heap h;
    heap_init(&h);
    for (int i = 0; i < 500; i++)
        heap_add(&h, &nodes[i], random_below(1000));
    for (int i = 0; i < 500; i += 3)
        heap_remove(&h, &nodes[i]);
    for (int i = 1; i < 500; i += 3)
        heap_move(&h, &nodes[i], random_below(1000));
    uint64_t last = 0;
    while (heap_first(&h)) {
        assert_true(heap_first(&h)->at >= last);
        last = heap_first(&h)->at;
        heap_remove(&h, heap_first(&h));
    }
    heap_fini(&h);
}

static void
strings_compare_cut_and_convert(void **state)
{
    struct str rest = STR("a,b,,c");
    assert_true(str_eq(str_cut(&rest, ','), STR("a")));
    assert_true(str_eq(str_cut(&rest, ','), STR("b")));
    assert_true(str_eq(str_cut(&rest, ','), STR("")));
    assert_true(str_eq(str_cut(&rest, ','), STR("c")));
    assert_null(rest.p);
    uint64_t v;
    assert_true(str_to_u64(STR("18446744073709551615"), UINT64_MAX, &v));
    assert_false(str_to_u64(STR("18446744073709551616"), UINT64_MAX, &v));
    assert_false(str_to_u64(STR("1a"), UINT64_MAX, &v));
    assert_false(str_to_u64(STR(""), UINT64_MAX, &v));
    assert_true(str_hex_to_u64(STR("fF"), 255, &v));
    assert_true(str_hash_nocase(STR("Content-Length@[")) ==
                str_hash_nocase(STR("content-length@[")));
    assert_false(str_hash_nocase(STR("@[`{")) == str_hash_nocase(STR("`{`{")));
    assert_int_equal(str_distance(STR("lisen"), STR("listen"), 2), 1);
    assert_int_equal(str_distance(STR("abc"), STR("xyz"), 2), 3);
    assert_int_equal(str_find_str_nocase(STR("xxChunked"), STR("chunked")), 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_pieces_are_zeroed_aligned_and_apart),
        cmocka_unit_test(arena_try_refuses_over_the_limit),
        cmocka_unit_test(a_buffer_grows_to_its_bound_and_no_further),
        cmocka_unit_test(a_map_finds_what_was_put),
        cmocka_unit_test(a_map_knows_the_key_nearest_to_a_slip),
        cmocka_unit_test(a_heap_gives_the_earliest_first),
        cmocka_unit_test(strings_compare_cut_and_convert),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
