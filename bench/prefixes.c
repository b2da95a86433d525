/* prefixes [N]: loading N prefixes from a text and looking addresses up in the table: seconds,
 * bytes, nanoseconds. IPv4, IPv6 /48s, and IPv6 hosts, which take the most memory. */
#include "base/random.h"
#include "net/prefix_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 20, LINE_MAX_SIZE = 64, SAMPLE = 1 << 20 };

static double
now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int
print_line(char *at, unsigned kind)
{
    uint64_t r = random_u64();
    unsigned a = r & 0xffff, b = r >> 16 & 0xffff, c = r >> 32 & 0xffff, d = r >> 48;
    if (kind == 0)
        return sprintf(at, "%u.%u.%u.%u/%u\n", a >> 8, a & 255, b >> 8, b & 255, 20 + c % 13);
    if (kind == 1)
        return sprintf(at, "2%03x:%x:%x::/48\n", a & 0xfff, b, c);
    return sprintf(at, "2001:db8:%x:%x::%x:%x\n", a, b, c, d);
}

static struct prefix_bits
any_address(unsigned kind)
{
    struct prefix_bits p = { random_u64(), random_u64(), 128, false };
    if (kind == 0)
        return (struct prefix_bits){ p.high << 32, 0, 32, true };
    if (kind == 1)
        p.high = (p.high & 0x0fffffffffffffff) | (uint64_t)2 << 60;
    else
        p.high = (p.high & 0xffffffff) | (uint64_t)0x20010db8 << 32;
    return p;
}

/* The fastest of some rounds: the machine has other things to do. */
static double
best_of(const struct prefix_table *t, const struct prefix_bits *sample, uint64_t *found)
{
    double best = 1e9;
    for (unsigned round = 0; round < ROUNDS; round++) {
        double begun = now();
        for (unsigned i = 0; i < SAMPLE; i++)
            *found += prefix_table_find(t, &sample[i]) != PREFIX_NONE;
        double taken = now() - begun;
        best = taken < best ? taken : best;
    }
    return best;
}

static void
measure(unsigned kind, unsigned long n)
{
    static const char *const names[] = { "IPv4", "IPv6 /48", "IPv6 hosts" };
    char *text = malloc(n * LINE_MAX_SIZE + 1), *end = text;
    struct prefix_bits *sample = malloc(SAMPLE * sizeof *sample);
    unsigned line;
    uint64_t found = 0;
    if (text == NULL || sample == NULL)
        exit(1);
    for (unsigned long i = 0; i < n; i++)
        end += print_line(end, kind);
    for (unsigned i = 0; i < SAMPLE; i++)
        sample[i] = any_address(kind);
    double begun = now();
    struct prefix_table *t = prefix_file_table(str_between(text, end), &line);
    double loaded = now();
    double looked = best_of(t, sample, &found);
    printf("%-10s %lu prefixes: loaded in %.3f s, %.1f MB, %.0f ns a look-up (%.1f %% found)\n",
           names[kind], n, loaded - begun, (double)prefix_table_size(t) / 1e6,
           looked / SAMPLE * 1e9, 100.0 * (double)found / SAMPLE / ROUNDS);
    prefix_file_table_drop(t);
    free(text);
    free(sample);
}

int
main(int argc, char **argv)
{
    unsigned long n = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
    for (unsigned kind = 0; kind < 3; kind++)
        measure(kind, n);
    return 0;
}
