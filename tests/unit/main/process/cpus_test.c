/* main/: quotas of both kinds of control groups, masks in nginx's notation. */
#include "main/process/cpus.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../test.h"

static char root[64];

static int
make_root(void **state)
{
    strcpy(root, "/tmp/usher-cpus-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int
remove_root(void **state)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", root);
    return system(command);
}

static const char *
in_root(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

static void
put(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s", in_root(name));
    for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = '\0';
        mkdir(path, 0755);
    }
    FILE *f = fopen(path, "w");
    fputs(text, f);
    fclose(f);
}

static unsigned
quota_of(const char *self)
{
    put("self", self);
    char path[256];
    snprintf(path, sizeof path, "%s", in_root("self"));
    return cpus_of_quota(root, path);
}

static void
a_quota_of_version_2_is_rounded_up(void **state)
{
    put("a/b/cpu.max", "150000 100000\n");
    assert_int_equal(quota_of("0::/a/b\n"), 2);
    put("a/b/cpu.max", "50000 100000\n");
    assert_int_equal(quota_of("0::/a/b\n"), 1);
}

static void
the_strictest_group_up_to_the_root_counts(void **state)
{
    put("a/b/cpu.max", "400000 100000\n");
    put("a/cpu.max", "200000 100000\n");
    assert_int_equal(quota_of("0::/a/b\n"), 2);
}

static void
without_a_quota_there_is_none(void **state)
{
    put("a/cpu.max", "max 100000\n");
    assert_int_equal(quota_of("0::/a\n"), 0);
    assert_int_equal(quota_of("0::/nowhere\n"), 0);
    assert_int_equal(cpus_of_quota(root, "/nowhere"), 0);
}

static void
a_container_that_sees_only_its_own_group_finds_it_at_the_root(void **state)
{
    put("cpu.max", "300000 100000\n");
    assert_int_equal(quota_of("0::/docker/0123\n"), 3);
}

static void
a_quota_of_version_1_is_read_with_its_period(void **state)
{
    put("cpu,cpuacct/a/cpu.cfs_quota_us", "250000\n");
    put("cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
    assert_int_equal(quota_of("4:memory:/a\n3:cpu,cpuacct:/a\n"), 3);
    put("cpu,cpuacct/a/cpu.cfs_quota_us", "-1\n");
    assert_int_equal(quota_of("3:cpu,cpuacct:/a\n"), 0);
}

static void
at_least_one_processor_is_usable(void **state)
{
    assert_true(cpus_usable() >= 1);
}

static void
a_mask_is_read_from_the_right(void **state)
{
    cpu_set_t set;
    char bad;
    assert_true(affinity_parse(STR("0101"), &set, &bad));
    assert_int_equal(CPU_COUNT(&set), 2);
    assert_true(CPU_ISSET(0, &set) && CPU_ISSET(2, &set));
}

static void
another_digit_in_a_mask_is_named(void **state)
{
    cpu_set_t set;
    char bad;
    assert_false(affinity_parse(STR("012"), &set, &bad));
    assert_int_equal(bad, '2');
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make_root, remove_root)
    const struct CMUnitTest tests[] = {
        T(a_quota_of_version_2_is_rounded_up),
        T(the_strictest_group_up_to_the_root_counts),
        T(without_a_quota_there_is_none),
        T(a_container_that_sees_only_its_own_group_finds_it_at_the_root),
        T(a_quota_of_version_1_is_read_with_its_period),
        T(at_least_one_processor_is_usable),
        T(a_mask_is_read_from_the_right),
        T(another_digit_in_a_mask_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
