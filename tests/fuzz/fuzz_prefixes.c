/* Lists of prefixes: the table says of each address what a look at all prefixes says. */
#include "net/prefix_file.h"
#include "target.h"

static bool
read_line(struct str line, struct prefix_bits *out)
{
    struct prefix p;
    struct str rest = line;
    line = str_trim(str_cut(&rest, '#'));
    if (line.n && line.p[line.n - 1] == '\r')
        line = str_trim(str_head(line, line.n - 1));
    return line.n && prefix_parse(line, &p) != PREFIX_BAD && prefix_bits_of(&p, out);
}

static void
check(const struct prefix_table *t, struct str text, const struct prefix_bits *address)
{
    bool covered = false;
    while (text.n) {
        struct prefix_bits p;
        if (read_line(str_cut(&text, '\n'), &p))
            covered = covered || prefix_bits_covers(&p, address);
    }
    must((prefix_table_find(t, address) != PREFIX_NONE) == covered);
}

static void
check_ends(const struct prefix_table *t, struct str text)
{
    for (struct str rest = text; rest.n;) {
        struct prefix_bits p;
        if (!read_line(str_cut(&rest, '\n'), &p))
            continue;
        struct prefix_bits end = prefix_bits_end(&p), start = p;
        check(t, text, &start);
        check(t, text, &end);
        end.low++;
        end.high += p.v4 ? (uint64_t)1 << 32 : end.low == 0;
        end.low = p.v4 ? 0 : end.low;
        check(t, text, &end);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned line;
    struct str text = { (const char *)data, size < 2000 ? size : 2000 };
    struct prefix_table *t = prefix_file_table(text, &line);
    must((t == NULL) == (line > 0));
    if (t == NULL)
        return 0;
    check_ends(t, text);
    prefix_file_table_drop(t);
    return 0;
}
