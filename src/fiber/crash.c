/* The signal handler that reports a crash. Only async-signal-safe calls from `report` on. */
#include "fiber/crash.h"

#include "base/must.h"
#include "fiber/fiber.h"

#include <execinfo.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIGNAL_STACK (128 * 1024) /* the unwinder is not frugal */
#define FRAMES       64

struct cause {
    int number;
    const char *name;
};

static const struct cause causes[] = {
    { SIGSEGV, "SIGSEGV, invalid memory reference" },
    { SIGBUS, "SIGBUS, bad memory access" },
    { SIGILL, "SIGILL, illegal instruction" },
    { SIGFPE, "SIGFPE, erroneous arithmetic" },
    { SIGABRT, "SIGABRT" },
};

#define CAUSES (sizeof causes / sizeof *causes)

static atomic_int report_fd = STDERR_FILENO;
static atomic_int reporter; /* thread id of the one that reports, or 0 */
static __thread void *signal_stack;
static __thread struct {
    const char *text, *file;
    int line;
} failed_claim; /* of must(), which calls abort() next */

void
crash_report_to(int fd)
{
    report_fd = fd;
}

struct line {
    char text[512];
    size_t n;
};

static void
put(struct line *l, const char *text)
{
    size_t room = sizeof l->text - l->n, n = strlen(text);
    if (n > room)
        n = room;
    memcpy(l->text + l->n, text, n);
    l->n += n;
}

static void
put_number(struct line *l, uintptr_t value, unsigned base)
{
    char digits[3 * sizeof value + 1];
    size_t at = sizeof digits - 1;
    digits[at] = 0;
    do
        digits[--at] = "0123456789abcdef"[value % base];
    while ((value /= base) != 0);
    put(l, digits + at);
}

static void
put_claim(struct line *l)
{
    put(l, "claim failed: ");
    put(l, failed_claim.text);
    put(l, " at ");
    put(l, failed_claim.file);
    put(l, ":");
    put_number(l, (uintptr_t)failed_claim.line, 10);
}

static const char *
name(int number)
{
    for (size_t i = 0; i < CAUSES; i++)
        if (causes[i].number == number)
            return causes[i].name;
    return "unknown signal";
}

static void
put_signal(struct line *l, int number, const void *address)
{
    put(l, fiber_guard_hit(address) ? "stack overflow in a fiber" : name(number));
    put(l, ", address 0x");
    put_number(l, (uintptr_t)address, 16);
}

static void
report(int number, const void *address)
{
    struct line l = { .n = 0 };
    put(&l, "[alert] usher worker crashed: ");
    if (number != SIGABRT)
        put_signal(&l, number, address);
    else if (failed_claim.text != NULL)
        put_claim(&l);
    else
        put(&l, name(number));
    put(&l, "\n");
    if (write(report_fd, l.text, l.n) < 0)
        return;
    void *frames[FRAMES];
    int n = backtrace(frames, FRAMES);
    backtrace_symbols_fd(frames, n, report_fd);
}

static void
die(int number)
{
    signal(number, SIG_DFL);
    raise(number);
}

/* A second crash of the reporting thread means that reporting itself crashed: give up. One of
 * another thread waits for the end of the process. */
static void
on_crash(int number, siginfo_t *info, void *context)
{
    int nobody = 0, me = (int)gettid();
    if (atomic_compare_exchange_strong(&reporter, &nobody, me))
        report(number, info->si_addr);
    else if (nobody != me)
        for (;;)
            pause();
    die(number);
}

void
crash_thread_init(void)
{
    if (signal_stack != NULL)
        return;
    signal_stack = mmap(NULL, SIGNAL_STACK, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    must(signal_stack != MAP_FAILED);
    must(sigaltstack(&(stack_t){ .ss_sp = signal_stack, .ss_size = SIGNAL_STACK }, NULL) == 0);
}

void
crash_thread_fini(void)
{
    if (signal_stack == NULL)
        return;
    (void)sigaltstack(&(stack_t){ .ss_flags = SS_DISABLE }, NULL);
    munmap(signal_stack, SIGNAL_STACK);
    signal_stack = NULL;
}

static void
remember_claim(const char *text, const char *file, int line)
{
    failed_claim.text = text;
    failed_claim.file = file;
    failed_claim.line = line;
}

/* The first backtrace() loads the unwinder, which allocates: not in the handler. */
void
crash_handler_install(void)
{
    void *frames[1];
    (void)backtrace(frames, 1);
    must_report_to(remember_claim);
    crash_thread_init();
    struct sigaction action = { .sa_sigaction = on_crash };
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < CAUSES; i++)
        must(sigaction(causes[i].number, &action, NULL) == 0);
}
