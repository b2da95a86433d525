/* Session ticket keys from a program to the one that takes its place: sessions go on. */
#pragma once

/* For the new program, in its process before it becomes it: a descriptor and its number in the
 * environment. The secret itself is in memory only. */
void ticket_handover_export(void);
/* What was handed over, or a fresh beginning. */
void ticket_handover_take(void);
