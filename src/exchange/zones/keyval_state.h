/* The state file of a key-value database: a JSON object, {"key": "value"}; with a time-out
 * {"key": {"value": "…", "expire": MILLISECONDS_SINCE_1970}}. */
#pragma once

#include "exchange/zones/keyval_table.h"

/* Room for what is wrong with a file. */
struct keyval_problem {
    char text[256];
};

/* Puts the pairs of the text into the table; those that say no time expire at expires_ms. False,
 * with what is wrong: nothing is sure of the table then. */
bool keyval_state_read(struct keyval_table *t, struct str text, uint64_t expires_ms,
                       uint64_t now_ms, struct keyval_problem *p);
/* The table as text; from malloc. NULL: no memory. */
char *keyval_state_print(const struct keyval_table *t, uint64_t now_ms);
/* Writes it beside the file and renames it into its place. 0 or -errno. */
int keyval_state_write(const char *path, const char *text);
