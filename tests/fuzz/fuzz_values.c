/* The values of fields: dates, ranges, tags, cookies, lists. */
#include "base/buf.h"
#include "http/cookie.h"
#include "http/date.h"
#include "http/field.h"
#include "http/range.h"
#include "target.h"

static void
check_date(struct str in)
{
    char text[HTTP_DATE_SIZE];
    time_t t = date_parse_http(in);
    if (t < 0)
        return;
    date_format_http(t, text);
    must(date_parse_http((struct str){ text, sizeof text }) == t);
}

static void
check_range(struct str in, struct arena *a)
{
    struct ranges out;
    uint64_t sum = 0;
    if (range_parse(in, 1000, 20, a, &out) != RANGE_PARTIAL)
        return;
    must(out.n > 0 && out.n <= 20);
    for (unsigned i = 0; i < out.n; i++) {
        must(out.v[i].from < out.v[i].to && out.v[i].to <= 1000);
        sum += out.v[i].to - out.v[i].from;
    }
    must(sum <= 1000);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct str in = { (const char *)data, size }, rest = in, element;
    arena_init(&a, 0);
    check_date(in);
    check_range(in, &a);
    while (list_next(&rest, &element))
        must(element.n > 0);
    (void)etag_list_has(in, STR("\"a\""), true);
    (void)cookie_value(in, STR("a"));
    struct set_cookie cookie;
    if (set_cookie_parse(in, 0, &a, &cookie)) {
        set_cookie_remove(&cookie, STR("path"));
        must(set_cookie_find(&cookie, STR("path")) == NULL);
        (void)set_cookie_print(&cookie, &a);
    }
    must(header_id(in) < HEADER_COUNT);
    arena_fini(&a);
    return 0;
}
