/* From the command line to a compiled configuration. */
#pragma once

#include "exchange/snapshot.h"
#include "main/command/options.h"

/* Reads and compiles what the options name; from `sealed` sources when they are given. As
 * snapshot_compile: usable when d->errors is 0, to be freed in any case. */
struct snapshot *configuration_compile(const struct options *o, const struct sources *sealed,
                                       struct diags *d);
/* Opens its logs. False when one cannot be opened (reported). */
bool configuration_open_logs(struct snapshot *s, struct diags *d);
/* Makes its error log the process's, crash reports included; when nothing can go wrong any more. */
void configuration_use_logs(struct snapshot *s);
/* The descriptor of its first error log; standard error when that is no file. */
int configuration_error_fd(const struct snapshot *s);
/* The pid file it names; STR_NONE when none is to be written. In the snapshot's arena. */
struct str configuration_pid(const struct options *o, struct snapshot *s);
/* usher -t and -T. The exit code. */
int configuration_test(const struct options *o);
