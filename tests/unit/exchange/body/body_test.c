/* exchange/body/body.c, body_cut.c: parts of bodies, sought or read over. */
#include "exchange/body/body.h"

#include "../../test.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* "0123456789" in pieces of `step`, only forward; counts what was pulled. */
struct digits {
    struct body body; /* first */
    size_t at, step;
    unsigned pulls;
    bool closed;
};

static int
next_digits(struct body *b, struct chunk *out)
{
    struct digits *my = (struct digits *)b;
    if (my->at == 10)
        return 0;
    size_t n = my->step < 10 - my->at ? my->step : 10 - my->at;
    out->bytes = (struct str){ &"0123456789"[my->at], n };
    my->at += n;
    my->pulls++;
    return 1;
}

static void
close_digits(struct body *b)
{
    ((struct digits *)b)->closed = true;
}

static const struct body_ops digit_ops = { .next = next_digits, .close = close_digits };

static void
expect(struct body *b, const char *text)
{
    struct chunk chunk;
    char all[64];
    size_t n = 0;
    while (body_next(b, &chunk) > 0) {
        if (chunk.file >= 0)
            assert_int_equal(pread(chunk.file, all + n, chunk.file_size, chunk.file_offset),
                             chunk.file_size);
        else
            memcpy(all + n, chunk.bytes.p, chunk.bytes.n);
        n += chunk_size(&chunk);
    }
    all[n] = '\0';
    assert_string_equal(all, text);
}

static void
a_part_of_a_forward_body_is_cut_from_any_pieces(void **state)
{
    for (size_t step = 1; step <= 10; step++) {
        struct arena a;
        struct digits digits = { .body = { &digit_ops }, .step = step };
        arena_init(&a, 0);
        struct body *part = body_cut(&a, &digits.body, 3, 4);
        expect(part, "3456");
        body_close(part);
        assert_true(digits.closed);
        arena_fini(&a);
    }
}

static void
what_is_beyond_the_part_is_not_pulled(void **state)
{
    struct arena a;
    struct digits digits = { .body = { &digit_ops }, .step = 1 };
    arena_init(&a, 0);
    expect(body_cut(&a, &digits.body, 0, 2), "01");
    assert_int_equal(digits.pulls, 2);
    arena_fini(&a);
}

static void
bytes_and_files_are_sought(void **state)
{
    struct arena a;
    char path[] = "/tmp/usher-body-XXXXXX";
    int file = mkstemp(path);
    arena_init(&a, 0);
    unlink(path);
    assert_int_equal(write(file, "xx0123456789", 12), 12);
    struct body *of_file = body_of_file(&a, file, 2, 10, true);
    struct body *of_str = body_of_str(&a, STR("0123456789"));
    expect(body_cut(&a, of_file, 8, 2), "89");
    expect(body_cut(&a, of_file, 0, 1), "0"); /* back again */
    expect(body_cut(&a, of_str, 9, 1), "9");
    expect(body_cut(&a, of_str, 1, 3), "123");
    body_close(of_file);
    assert_int_equal(lseek(file, 0, SEEK_CUR), -1);
    arena_fini(&a);
}

static void
a_body_is_drained_up_to_a_bound(void **state)
{
    struct digits few = { .body = { &digit_ops }, .step = 3 };
    struct digits many = { .body = { &digit_ops }, .step = 3 };
    assert_int_equal(body_drain(&few.body, 10), 0);
    assert_int_equal(body_drain(&many.body, 5), -EMSGSIZE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_of_a_forward_body_is_cut_from_any_pieces),
        cmocka_unit_test(what_is_beyond_the_part_is_not_pulled),
        cmocka_unit_test(bytes_and_files_are_sought),
        cmocka_unit_test(a_body_is_drained_up_to_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
