/* main/: nginx's flags, and which paths they lead to. */
#include "main/command/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../test.h"

static struct options
parse(struct arena *a, char **argv)
{
    struct options o;
    int n = 0;
    while (argv[n])
        n++;
    assert_true(options_parse(&o, n, argv, a));
    return o;
}

#define ARGV(...) ((char *[]){ (char *)"usher", __VA_ARGS__, NULL })

static void
assert_str(struct str s, const char *expected)
{
    assert_true(str_eq(s, str_of(expected)));
}

static void
flags_cluster_and_take_their_argument_with_or_without_a_space(void **state)
{
    struct arena a;
    arena_init(&a, 0);
    struct options o = parse(&a, ARGV((char *)"-tqcx.conf", (char *)"-p", (char *)"/p"));
    assert_true(o.test && o.quiet && !o.dump);
    assert_str(o.prefix, "/p/");
    assert_str(o.conf, "/p/x.conf");
    arena_fini(&a);
}

static void
without_a_prefix_the_built_in_paths_hold(void **state)
{
    struct arena a;
    arena_init(&a, 0);
    struct options o = parse(&a, ARGV((char *)"-T"));
    assert_true(o.test && o.dump);
    assert_str(o.prefix, PREFIX_PATH "/");
    assert_str(o.conf, CONF_PATH);
    assert_str(o.pid, PID_PATH);
    assert_str(o.error_log, ERROR_LOG_PATH);
    arena_fini(&a);
}

static void
with_a_prefix_everything_is_below_it(void **state)
{
    struct arena a;
    arena_init(&a, 0);
    struct options o = parse(&a, ARGV((char *)"-p/somewhere/"));
    assert_str(o.conf, "/somewhere/usher.conf");
    assert_str(o.pid, "/somewhere/logs/usher.pid");
    assert_str(o.error_log, "/somewhere/logs/error.log");
    assert_str(o.access_log, "/somewhere/logs/access.log");
    arena_fini(&a);
}

static void
a_file_in_conf_is_found_when_there_is_none_above(void **state)
{
    struct arena a;
    char root[] = "/tmp/usher-options-XXXXXX", path[64];
    arena_init(&a, 0);
    assert_non_null(mkdtemp(root));
    snprintf(path, sizeof path, "%s/conf", root);
    mkdir(path, 0755);
    snprintf(path, sizeof path, "%s/conf/usher.conf", root);
    fclose(fopen(path, "w"));
    assert_str(parse(&a, ARGV((char *)"-p", root)).conf, path);
    unlink(path);
    *strrchr(path, '/') = '\0';
    rmdir(path);
    rmdir(root);
    arena_fini(&a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags_cluster_and_take_their_argument_with_or_without_a_space),
        cmocka_unit_test(without_a_prefix_the_built_in_paths_hold),
        cmocka_unit_test(with_a_prefix_everything_is_below_it),
        cmocka_unit_test(a_file_in_conf_is_found_when_there_is_none_above),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
