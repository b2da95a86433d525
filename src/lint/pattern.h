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
/* A group holds more than some fixed words. */
bool pattern_captures_anything(struct str pattern);
/* A group may hold a line break: [^…]. */
bool pattern_captures_lines(struct str pattern);
/* Matches every path. */
bool pattern_matches_all(struct str pattern);
/* "/images/" of "^/images/.*": what every match begins with, at most n bytes in room. */
struct str pattern_prefix(struct str pattern, char *room, size_t n);
