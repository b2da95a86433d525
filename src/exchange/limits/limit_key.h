/* What limit_req_zone and limit_conn_zone have in common: a table as the zone's state, and the key,
 * a text with variables, in which IPv6 addresses may be cut to a prefix, for a client has as many
 * of them as it likes. */
#pragma once

#include "exchange/values/template.h"
#include "exchange/zones/zone.h"

/* Of the kinds of zone: their state is a limit_table. */
void *limit_zone_open(const struct zone *z);
void limit_zone_close(void *state);
/* Of limit_req_log_level and limit_conn_log_level. */
extern const struct choice limit_log_levels[];

struct limit_key {
    struct str written;
    const struct template *text;
    unsigned prefix; /* bits of an IPv6 address that count; 0: it is no address, or all do */
    bool binary;     /* the address is $binary_remote_addr's, else $remote_addr's */
};

/* Of the words of a directive: the key that stands first or as key=, by default the client's
 * address, and key_prefix=. Other words are for `parameter`: false when it does not know one, or
 * reported it. False: reported. */
bool limit_key_read(struct setting *s, struct limit_key *key,
                    bool (*parameter)(struct setting *s, unsigned word, void *arg), void *arg);
/* What tells zones apart: the text, and the prefix where there is one. */
struct str limit_key_identity(const struct limit_key *key, struct arena *a);
/* The value in x's arena. False when it is too long for the zones of this directive, which was
 * logged. Empty: not to be counted. */
bool limit_key_of(const struct limit_key *key, struct exchange *x, size_t max, struct str *out);
/* For usher explain, which counts nothing: the zone's directive, the key, and that the request is
 * taken to be within the limit. */
void limit_explain(struct exchange *x, const char *directive, const struct zone *zone,
                   struct str key);
