/* fiber/crash.c: what a dying process says. Each crash happens in a child process. */
#include "fiber/crash.h"

#include "base/must.h"
#include "fiber/loop.h"
#include "fiber/offload.h"
#include "fiber/stack.h"

#include "../test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static char report[16384];

static void
crash_in_child(fiber_fn *crash, int fd)
{
    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
    int null = open("/dev/null", O_WRONLY);
    dup2(null, STDERR_FILENO);
    crash_handler_install();
    crash_report_to(fd);
    (void)loop_run_fiber(crash, NULL);
    _exit(0);
}

/* The signal that ended it; fills `report`. */
static int
crash_of(fiber_fn *crash)
{
    int fd[2];
    assert_int_equal(pipe(fd), 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        crash_in_child(crash, fd[1]);
    close(fd[1]);
    size_t n = 0;
    ssize_t got;
    while ((got = read(fd[0], report + n, sizeof report - 1 - n)) > 0)
        n += (size_t)got;
    report[n] = 0;
    close(fd[0]);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void
assert_starts(const char *prefix)
{
    if (strncmp(report, prefix, strlen(prefix)) != 0)
        fail_msg("the report is: %s", report);
}

/* volatile keeps the compiler from making a loop of it. */
static int
recurse(volatile int depth)
{
    volatile char frame[256];
    frame[0] = (char)depth;
    return depth < 0 ? 0 : recurse(depth + 1) + frame[0];
}

static void
overflow(void *arg)
{
    recurse(0);
}

/* Each frame could step over the guard without touching it, but that the compiler probes its pages.
 */
static int
recurse_in_strides(volatile int depth)
{
    volatile char frame[40000];
    frame[39999] = (char)depth;
    return depth < 0 ? 0 : recurse_in_strides(depth + 1) + frame[39999];
}

static void
overflow_in_strides(void *arg)
{
    for (int i = 0; i < 100; i++)
        fiber_spawn(overflow, NULL);
    recurse_in_strides(0);
}

static void
sleep_then_overflow(void *arg)
{
    assert_int_equal(fiber_sleep(1), 0);
    recurse(0);
}

static void
overflow_in_another(void *arg)
{
    for (int i = 0; i < 100; i++)
        fiber_spawn(sleep_then_overflow, NULL);
    (void)fiber_sleep(1000);
}

static void
overflow_large(void *arg)
{
    fiber_spawn_large(sleep_then_overflow, NULL, 1 << 20);
    (void)fiber_sleep(1000);
}

static void
overflow_heavily(void *arg)
{
    stack_forget_light_guards();
    overflow_in_another(arg);
}

static void
a_stack_overflow_is_reported_as_such(void **state)
{
    fiber_fn *const ways[] = { overflow, overflow_in_strides, overflow_in_another, overflow_large,
                               overflow_heavily };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        assert_int_equal(crash_of(ways[i]), SIGSEGV);
        assert_starts("[alert] usher worker crashed: stack overflow in a fiber, address 0x");
        assert_non_null(strstr(report, "crash_test"));
    }
}

static void
write_nowhere(void *arg)
{
    int *volatile nowhere = (int *)16;
    *nowhere = 1;
}

static void
write_nowhere_elsewhere(void *arg)
{
    offload(write_nowhere, NULL);
}

static void
a_wild_pointer_is_reported_with_its_address(void **state)
{
    assert_int_equal(crash_of(write_nowhere), SIGSEGV);
    assert_starts(
        "[alert] usher worker crashed: SIGSEGV, invalid memory reference, address 0x10\n");
    assert_int_equal(crash_of(write_nowhere_elsewhere), SIGSEGV);
    assert_starts(
        "[alert] usher worker crashed: SIGSEGV, invalid memory reference, address 0x10\n");
}

static void
break_a_claim(void *arg)
{
    must(arg != NULL);
}

static void
just_abort(void *arg)
{
    abort();
}

static void
a_failed_claim_is_reported_with_a_backtrace(void **state)
{
    assert_int_equal(crash_of(break_a_claim), SIGABRT);
    assert_starts("[alert] usher worker crashed: claim failed: arg != NULL at ");
    assert_non_null(strstr(report, "tests/unit/fiber/crash_test.c:"));
    assert_int_equal(crash_of(just_abort), SIGABRT);
    assert_starts("[alert] usher worker crashed: SIGABRT\n");
}

static void
end_well(void *arg)
{
}

static void
who_ends_well_says_nothing(void **state)
{
    assert_int_equal(crash_of(end_well), 0);
    assert_string_equal(report, "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stack_overflow_is_reported_as_such),
        cmocka_unit_test(a_wild_pointer_is_reported_with_its_address),
        cmocka_unit_test(a_failed_claim_is_reported_with_a_backtrace),
        cmocka_unit_test(who_ends_well_says_nothing),
    };
    return cmocka_run_group_tests_name("fiber/crash", tests, NULL, NULL);
}
