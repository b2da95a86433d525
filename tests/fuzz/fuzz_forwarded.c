/* Whose request it is behind proxies: whoever is named was written, and nobody is believed beyond
 * the first who is not trusted. */
#include "exchange/forwarded.h"
#include "net/prefix.h"
#include "target.h"

static struct prefix trusted;

static bool
is_trusted(const struct address *a, const void *arg)
{
    return prefix_holds(&trusted, a);
}

static void
check_address(struct str in)
{
    struct address one, two;
    char text[ADDRESS_TEXT_MAX];
    if (!forwarded_parse(in, &one))
        return;
    must(one.any.sa_family == AF_INET || one.any.sa_family == AF_INET6);
    struct str again = { text, address_print(&one, true, text) };
    if (address_port(&one) == 0)
        again.n = address_print(&one, false, text);
    must(forwarded_parse(again, &two) && address_equal(&one, &two));
    must(address_hash(&one) == address_hash(&two));
}

/* At most one step where trust is not recursive; none where the peer is not trusted. */
static void
check_list(struct str in, bool recursive, const char *peer)
{
    struct trust t = { is_trusted, NULL, recursive };
    struct address who, before;
    must(address_parse(str_of(peer), 0, &who));
    before = who;
    bool moved = forwarded_list(&in, 1, &t, &who);
    must(moved || address_equal(&who, &before));
    must(!moved || is_trusted(&before, NULL));
    if (!moved)
        return;
    struct str last = in;
    while (last.n && (last.p[last.n - 1] == ' ' || last.p[last.n - 1] == ','))
        last.n--;
    for (size_t i = last.n; i > 0; i--)
        if (last.p[i - 1] == ' ' || last.p[i - 1] == ',') {
            last = str_skip(last, i);
            break;
        }
    must(forwarded_parse(last, &before));
    must(recursive && is_trusted(&before, NULL) ? true : address_equal(&before, &who));
}

static void
check_fields(struct str in, struct arena *a)
{
    struct trust t = { is_trusted, NULL, true };
    struct fields f;
    struct address who, again;
    fields_init(&f, a);
    fields_push(&f, STR("X-Forwarded-For"), in, header_id(STR("X-Forwarded-For")));
    fields_push(&f, STR("Forwarded"), in, HEADER_FORWARDED);
    must(address_parse(STR("10.0.0.1"), 0, &who));
    again = who;
    bool moved = forwarded_fields(&f, STR("X-Forwarded-For"), &t, &who);
    must(moved == forwarded_list(&in, 1, &t, &again) && address_equal(&who, &again));
    must(address_parse(STR("203.0.113.1"), 0, &who));
    must(!forwarded_rfc7239(&f, &t, &who));
    must(address_parse(STR("10.0.0.1"), 0, &who));
    (void)forwarded_rfc7239(&f, &t, &who);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct str in = { (const char *)data, size };
    must(prefix_parse(STR("10.0.0.0/8"), &trusted) == PREFIX_GOOD);
    arena_init(&a, 0);
    check_address(in);
    check_list(in, false, "10.0.0.1");
    check_list(in, true, "10.0.0.1");
    check_list(in, true, "203.0.113.1");
    check_fields(in, &a);
    arena_fini(&a);
    return 0;
}
