/* struct str: a view of bytes that somebody else owns. Never NUL-dependent, never freed here.
 *
 * A view lives as long as the arena or buffer it points into. { NULL, 0 } is the absent string;
 * an empty but present string has a non-NULL p. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *p;
    size_t n;
};

#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
#define STR_NONE     ((struct str){ NULL, 0 })
#define STR_FMT      "%.*s"
#define STR_ARG(s)   (int)(s).n, (s).p ? (s).p : ""

static inline struct str
str_of(const char *c_string)
{
    return (struct str){ c_string, c_string ? strlen(c_string) : 0 };
}

static inline struct str
str_between(const char *from, const char *to)
{
    return (struct str){ from, (size_t)(to - from) };
}

static inline struct str
str_skip(struct str s, size_t n)
{
    return (struct str){ s.p + n, s.n - n };
}

static inline struct str
str_head(struct str s, size_t n)
{
    return (struct str){ s.p, n < s.n ? n : s.n };
}

static inline bool
str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline char
byte_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static inline bool
str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

static inline bool
str_ends(struct str s, struct str suffix)
{
    return s.n >= suffix.n &&
           (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

/* ASCII case-insensitive comparison and search. */
bool str_eq_nocase(struct str a, struct str b);
bool str_starts_nocase(struct str s, struct str prefix);
/* Position of the first c, or -1. */
ptrdiff_t str_find(struct str s, char c);
/* Position of the first needle, or -1; the _nocase form ignores ASCII case. */
ptrdiff_t str_find_str(struct str s, struct str needle);
ptrdiff_t str_find_str_nocase(struct str s, struct str needle);
/* -1, 0 or 1 as memcmp over the common length, then the shorter first. */
int str_compare(struct str a, struct str b);
/* Without blanks (SP, HTAB) at either end. */
struct str str_trim(struct str s);
/* Cuts *rest at the first separator: returns what is before it and leaves what is after it.
 * When no separator is left, returns all and leaves STR_NONE. */
struct str str_cut(struct str *rest, char separator);
/* Is it one of the words of a list, which has single blanks between them? */
bool str_is_among(struct str word, struct str list);
/* Its decimal digits, in `room`. */
enum { U64_DIGITS = 20 };
struct str str_of_u64(uint64_t value, char room[U64_DIGITS]);
/* Decimal digits only; false when empty, not a number, or over max. */
bool str_to_u64(struct str s, uint64_t max, uint64_t *out);
/* Hexadecimal digits only; same contract. */
bool str_hex_to_u64(struct str s, uint64_t max, uint64_t *out);
/* A well-mixed hash; the process-wide seed makes it unpredictable for peers. */
uint64_t str_hash(struct str s);
uint64_t str_hash_nocase(struct str s);
/* Edit distance, bounded: returns limit + 1 as soon as it is exceeded ("did you mean"). */
size_t str_distance(struct str a, struct str b, size_t limit);
