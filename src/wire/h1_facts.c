/* What the fields of a head say about the message: its length, and what becomes of the connection.
 *
 * Every rule here closes a way of reading one message as two. */
#include "wire/h1_parse.h"

/* Fields with one value, whose second line nginx refuses: two parties may each take another one.
 * Host, Content-Length and Transfer-Encoding are counted apart. */
static const unsigned short singles[HEADER_COUNT] = {
    [HEADER_AUTHORIZATION] = 1 << 0,
    [HEADER_CONTENT_RANGE] = 1 << 1,
    [HEADER_EXPECT] = 1 << 2,
    [HEADER_IF_MATCH] = 1 << 3,
    [HEADER_IF_MODIFIED_SINCE] = 1 << 4,
    [HEADER_IF_NONE_MATCH] = 1 << 5,
    [HEADER_IF_RANGE] = 1 << 6,
    [HEADER_IF_UNMODIFIED_SINCE] = 1 << 7,
};

static void
note_connection(struct h1_facts *facts, struct str value)
{
    struct str option;
    while (list_next(&value, &option)) {
        facts->connection_close |= str_eq_nocase(option, STR("close"));
        facts->connection_keep_alive |= str_eq_nocase(option, STR("keep-alive"));
        facts->connection_upgrade |= str_eq_nocase(option, STR("upgrade"));
    }
}

void
h1_note(struct h1_facts *facts, const struct field *field)
{
    unsigned single = singles[field->id];
    facts->doubled |= (facts->singles & single) != 0;
    facts->singles |= single;
    switch ((unsigned)field->id) {
    case HEADER_HOST:
        facts->hosts++;
        break;
    case HEADER_CONTENT_LENGTH:
        if (facts->lengths++ == 0)
            facts->length = field->value;
        break;
    case HEADER_TRANSFER_ENCODING:
        if (facts->codings++ == 0)
            facts->coding = field->value;
        break;
    case HEADER_CONNECTION:
        note_connection(facts, field->value);
        break;
    case HEADER_UPGRADE:
        facts->has_upgrade = true;
        break;
    case HEADER_EXPECT:
        facts->expects_continue |= str_eq_nocase(field->value, STR("100-continue"));
        break;
    }
}

/* Letters of the name only, against a name without its hyphens. */
static bool
has_letters(struct str name, struct str letters)
{
    size_t at = 0;
    for (size_t i = 0; i < name.n; i++) {
        char c = byte_lower(name.p[i]);
        if (c < 'a' || c > 'z')
            continue;
        if (at == letters.n || letters.p[at++] != c)
            return false;
    }
    return at == letters.n;
}

bool
h1_looks_like_framing(struct str name)
{
    return has_letters(name, STR("contentlength")) || has_letters(name, STR("transferencoding")) ||
           has_letters(name, STR("host"));
}

enum h1_coding
h1_read_coding(const struct h1_facts *facts)
{
    struct str rest = facts->coding, element, last = STR_NONE;
    unsigned chunked = 0, n = 0;
    while (list_next(&rest, &element)) {
        last = element;
        n++;
        chunked += str_eq_nocase(element, STR("chunked"));
    }
    /* RFC 9112 6.1: chunked not more than once; RFC 9112 6.3: and it is the last. */
    if (facts->codings != 1 || chunked != 1 || !str_eq_nocase(last, STR("chunked")))
        return H1_CODING_BROKEN;
    if (n > 1)
        return H1_CODING_UNKNOWN;
    /* ",chunked" and its kin are lists that not everybody reads alike. */
    return facts->coding.n == last.n ? H1_CODING_CHUNKED : H1_CODING_BROKEN;
}

bool
h1_read_length(const struct h1_facts *facts, uint64_t *out)
{
    return facts->lengths == 1 && str_to_u64(facts->length, INT64_MAX, out);
}

bool
h1_is_persistent(const struct h1_facts *facts, enum version version)
{
    if (facts->connection_close)
        return false;
    return version >= VERSION_11 || facts->connection_keep_alive;
}

unsigned
h1_read_version(const char *p)
{
    if (memcmp(p, "HTTP/", 5) != 0 || p[5] < '0' || p[5] > '9' || p[6] != '.' || p[7] < '0' ||
        p[7] > '9')
        return 0;
    if (p[5] != '1')
        return p[5] == '0' ? 0 : (unsigned)(p[5] - '0') * 10;
    return p[7] == '0' ? VERSION_10 : VERSION_11;
}
