/* A feature: its directives, variables and handlers as one const struct; one line in
 * src/features/meson.build registers it, and the order of the lines is the order within the phase.
 * A feature that no location uses costs nothing: the lists of handlers are made per location when
 * the configuration is compiled. */
#pragma once

#include "config/compile.h"
#include "exchange/exchange.h"
#include "exchange/values/template.h"
#include "exchange/values/variable.h"

enum phase {
    PHASE_NONE,    /* directives, variables, filters only */
    PHASE_FOUND,   /* a location was found for the URI, and its rewrite program has not run */
    PHASE_INPUT,   /* once the location's rewrite program has run: request fields */
    PHASE_REAL_IP, /* before the location is known, with the server's settings; and with the
                      location's, when it is */
    PHASE_LIMIT,
    PHASE_ACCESS,
    PHASE_AUTH,
    PHASE_PRECONTENT, /* before any content handler, proxy_pass included: try_files */
    PHASE_CONTENT,    /* in order, the first that does not PASS answers */
    PHASE_COUNT
};

struct feature {
    const char *name;
    enum phase phase;
    size_t settings_size;
    const struct directive *directives;
    /* As in struct directive_set. */
    bool (*complete)(struct scope *scope, void *settings);
    /* Works only in the block that says it; nested blocks do not inherit its handlers (return,
     * rewrite). */
    bool own_only;
    /* Runs only where a directive of its own made it the location's content (location_set_content).
     */
    bool content_only;
    /* With content_only, and not a backend's: it is not the content of its location's limit_except,
     * and "/x" is not led to its location "/x/". */
    bool content_stays;
    /* Is it at work where these settings hold? NULL: wherever it has a handler. Asked once per
     * location, at compile time. */
    bool (*used)(const void *settings);
    enum verdict (*on_request)(struct exchange *x, const void *settings);
    /* For usher explain: what on_request would come to, by looking at files at most; trace_say
     * tells more. on_request itself where that holds of it; NULL: only its directives are shown. */
    enum verdict (*explain)(struct exchange *x, const void *settings);
    /* Header filter: the response head is about to be sent; may change fields and wrap
     * x->response.body. In order of registration. */
    void (*on_response)(struct exchange *x, const void *settings);
    /* The header filter is for the answers of sub-requests too, as it changes their bodies. */
    bool filters_subrequests;
    /* After the exchange, before its arena goes: logging, counting. */
    void (*on_log)(struct exchange *x, const void *settings);
    const struct variable *variables; /* ends with a NULL name; may be NULL */
};

/* Generated from src/features/meson.build; ends with NULL. */
extern const struct feature *const features[];
/* The registry: the rooms' sets (ended by NULL), then each feature's, in order; ended by NULL.
 * Called once at the start. */
const struct directive_set *const *directive_sets(const struct directive_set *const *rooms);
/* The directive set of a feature (for scope_settings). */
const struct directive_set *feature_set(const struct feature *f);
/* x's location settings of a feature, for handlers of variables. Server's when there is no location
 * yet. */
const void *feature_settings(const struct exchange *x, const struct feature *f);
