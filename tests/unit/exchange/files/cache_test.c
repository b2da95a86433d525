/* exchange/files: what open_file_cache holds, lets go and asks again; how links are judged. */
#include "exchange/files/cache.h"

#include "../../test.h"
#include "base/clock.h"
#include "exchange/files/symlinks.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char dir[] = "/tmp/usher-files-XXXXXX";

static struct str
below(struct arena *a, const char *name)
{
    struct str path = arena_printf(a, "%s/%s", dir, name);
    return arena_dup(a, path);
}

static void
put(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void
drop(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    unlink(path);
}

static int
ask(struct file_settings *my, struct str path, bool look, struct file *out)
{
    const struct file_question q = { .path = path, .look = look };
    return file_cache_ask(my, &q, out);
}

static struct file_settings
settings(unsigned max)
{
    return (struct file_settings){ .cache = file_cache_open(max, 60000),
                                   .valid = { 60000 },
                                   .min_uses = 1 };
}

static void
a_file_is_opened_once(void **state)
{
    struct arena a;
    struct file first, second;
    struct file_settings my = settings(10);
    arena_init(&a, 0);
    put("f", "text");
    assert_int_equal(ask(&my, below(&a, "f"), false, &first), 0);
    drop("f");
    assert_int_equal(ask(&my, below(&a, "f"), false, &second), 0);
    assert_int_equal(first.fd, second.fd);
    assert_int_equal(second.st.st_size, 4);
    file_close(&first);
    file_close(&second);
    file_cache_close(my.cache);
    arena_fini(&a);
}

static void
what_is_in_use_outlives_its_place(void **state)
{
    struct arena a;
    struct file used, other;
    char text[4];
    struct file_settings my = settings(1);
    arena_init(&a, 0);
    put("f", "text");
    put("g", "other");
    assert_int_equal(ask(&my, below(&a, "f"), false, &used), 0);
    assert_int_equal(ask(&my, below(&a, "g"), false, &other), 0);
    file_close(&other);
    file_cache_close(my.cache);
    assert_int_equal(pread(used.fd, text, 4, 0), 4);
    int fd = used.fd;
    file_close(&used);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    arena_fini(&a);
}

static void
a_changed_file_is_opened_anew_when_it_is_not_valid(void **state)
{
    struct arena a;
    struct file first, second;
    struct file_settings my = settings(10);
    arena_init(&a, 0);
    my.valid.ms = 0;
    put("f", "text");
    assert_int_equal(ask(&my, below(&a, "f"), false, &first), 0);
    put("f2", "longer text");
    assert_int_equal(rename(below(&a, "f2").p, below(&a, "f").p), 0);
    assert_int_equal(ask(&my, below(&a, "f"), false, &second), 0);
    assert_int_equal(second.st.st_size, 11);
    file_close(&first);
    file_close(&second);
    drop("f");
    assert_int_equal(ask(&my, below(&a, "f"), false, &second), -ENOENT);
    file_cache_close(my.cache);
    arena_fini(&a);
}

static void
errors_and_looks_are_kept_too(void **state)
{
    struct arena a;
    struct file f;
    struct file_settings my = settings(10);
    arena_init(&a, 0);
    my.errors = true;
    assert_int_equal(ask(&my, below(&a, "late"), true, &f), -ENOENT);
    put("late", "late");
    assert_int_equal(ask(&my, below(&a, "late"), false, &f), -ENOENT);
    my.errors = false;
    assert_int_equal(ask(&my, below(&a, "late"), true, &f), 0);
    assert_int_equal(f.fd, -1);
    assert_int_equal(ask(&my, below(&a, "late"), false, &f), 0);
    assert_true(f.fd >= 0);
    file_close(&f);
    file_cache_close(my.cache);
    arena_fini(&a);
}

static void
an_answer_under_one_rule_is_none_under_another(void **state)
{
    struct arena a;
    struct file f;
    struct file_settings my = settings(10);
    arena_init(&a, 0);
    put("f", "text");
    assert_int_equal(symlink("f", below(&a, "link").p), 0);
    struct file_question q = { .path = below(&a, "link") };
    assert_int_equal(file_cache_ask(&my, &q, &f), 0);
    file_close(&f);
    q.symlinks = SYMLINKS_REFUSED;
    assert_int_equal(file_cache_ask(&my, &q, &f), -ELOOP);
    q.look = true;
    assert_int_equal(file_cache_ask(&my, &q, &f), -ELOOP);
    file_cache_close(my.cache);
    drop("link");
    arena_fini(&a);
}

static int
try_open(struct arena *a, const char *name, size_t trusted, enum symlinks rule)
{
    int fd = symlinks_open(below(a, name), trusted, rule, O_RDONLY | O_CLOEXEC);
    if (fd >= 0)
        close(fd);
    return fd < 0 ? fd : 0;
}

/* if_not_owner walks where `on` asks the kernel: both must judge alike what has no link. */
static void
links_are_judged_segment_by_segment(void **state)
{
    struct arena a;
    arena_init(&a, 0);
    assert_int_equal(mkdir(below(&a, "d").p, 0700), 0);
    put("d/x", "x");
    assert_int_equal(symlink("d", below(&a, "l").p), 0);
    assert_int_equal(symlink("l", below(&a, "self").p), 0);
    for (enum symlinks rule = SYMLINKS_REFUSED; rule <= SYMLINKS_OF_OWNER; rule++) {
        assert_int_equal(try_open(&a, "d/x", 0, rule), 0);
        assert_int_equal(try_open(&a, "d//x", 0, rule), 0);
        assert_int_equal(try_open(&a, "d/", 0, rule), 0);
        assert_int_equal(try_open(&a, "d/x/", 0, rule), -ENOTDIR);
        assert_int_equal(try_open(&a, "d/none", 0, rule), -ENOENT);
        assert_int_equal(try_open(&a, "d/x/y", 0, rule), -ENOTDIR);
        assert_int_equal(try_open(&a, "l/x", sizeof dir + 1, rule), 0);
        assert_int_equal(try_open(&a, "l", sizeof dir + 1, rule), 0);
    }
    assert_int_equal(try_open(&a, "l/x", 0, SYMLINKS_REFUSED), -ENOTDIR);
    assert_int_equal(try_open(&a, "l", 0, SYMLINKS_REFUSED), -ELOOP);
    assert_int_equal(try_open(&a, "self/x", 0, SYMLINKS_OF_OWNER), 0);
    drop("d/x");
    drop("l");
    drop("self");
    rmdir(below(&a, "d").p);
    arena_fini(&a);
}

static int
make_directory(void **state)
{
    return mkdtemp(dir) == NULL;
}

static int
remove_directory(void **state)
{
    for (const char *const *name = (const char *const[]){ "f", "g", "late", NULL }; *name; name++)
        drop(*name);
    return rmdir(dir);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_opened_once),
        cmocka_unit_test(what_is_in_use_outlives_its_place),
        cmocka_unit_test(a_changed_file_is_opened_anew_when_it_is_not_valid),
        cmocka_unit_test(errors_and_looks_are_kept_too),
        cmocka_unit_test(an_answer_under_one_rule_is_none_under_another),
        cmocka_unit_test(links_are_judged_segment_by_segment),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
