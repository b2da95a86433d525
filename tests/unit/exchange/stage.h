/* A stage for tests of the exchange room: a snapshot compiled from a few lines as if in http { },
 * and an exchange made by hand. */
#pragma once

#include "exchange/snapshot.h"
#include "exchange/upstream_trail.h"
#include "exchange/values/regex.h"

struct stage {
    struct snapshot *snapshot;
    struct diags diags;
    struct client client;
    struct exchange x;
    const struct template *texts[8]; /* of each line `text "…";` */
    unsigned n_texts;
    struct regex *patterns[8]; /* of each line `pattern …;` */
    unsigned n_patterns;
    const void *log_settings; /* access_log's */
};

/* False when the text is faulty: stage_problem tells. The exchange is GET /a?x=1 HTTP/1.1. */
bool stage_open(struct stage *s, const char *text);
void stage_close(struct stage *s);
/* The first problem's words; "" when there is none. */
const char *stage_problem(const struct stage *s);
/* Value of the first text. NUL-terminated copy. */
const char *stage_eval(struct stage *s);
void stage_request_field(struct stage *s, const char *name, const char *value);
