/* Regular expressions as text: what can be said of one without trying it. Private to the lint room.
 */
#pragma once

#include "base/str.h"

/* $ with text after it, or ^ after text: it cannot match. */
bool pattern_is_impossible(struct str pattern);
/* It begins with ^ and something other than a slash, so that no path can match. */
bool pattern_begins_without_slash(struct str pattern);
/* It asks for a question mark. */
bool pattern_has_question_mark(struct str pattern);
/* (a+)+: one text may be matched in very many ways. */
bool pattern_nests_quantifiers(struct str pattern);
/* example.com: a dot between letters that stands for any byte. */
bool pattern_has_bare_dot(struct str pattern);
/* ".php$", ".(jpg|png)$": a dot before an extension that stands for any byte. */
bool pattern_has_bare_extension(struct str pattern);
/* A name that may go on before or after what the pattern says. */
bool pattern_is_open_before(struct str pattern);
bool pattern_is_open_after(struct str pattern);
/* What a group of that name, or number from 1 to 9, has between its brackets; STR_NONE when there
 * is none. */
struct str pattern_group(struct str pattern, struct str name);
/* It matches more than some fixed words. */
bool pattern_varies(struct str pattern);
/* It may match a line break: [^…]. */
bool pattern_has_lines(struct str pattern);
/* It may match what no label of a host has: dots, slashes, colons … */
bool pattern_is_wide(struct str pattern);
bool pattern_begins_with_slash(struct str pattern);
/* Matches every path. */
bool pattern_matches_all(struct str pattern);
/* "/images/" of "^/images/.*": what every match begins with, at most n bytes in room. */
struct str pattern_prefix(struct str pattern, char *room, size_t n);

/* ^ and fixed bytes, no more. */
bool pattern_is_literal(struct str pattern);

/* pattern_cover.c: does one regex that is asked before another take all that the other would? */
bool pattern_covers(struct str first, bool first_nocase, struct str then, bool then_nocase);
