/* The access phases as a whole. A location with satisfy any has one call in the place of theirs, so
 * that the others do not pay for it. */
#include "exchange/auth/satisfy.h"

#include "exchange/hosts/location.h"
#include "exchange/trace.h"
#include "fiber/fiber.h"

#include <errno.h>

static const struct choice satisfy_choices[] = { { "all", SATISFY_ALL },
                                                 { "any", SATISFY_ANY },
                                                 { 0 } };

#define EVERYWHERE (IN_HTTP | IN_SERVER | IN_LOCATION)

static const struct directive rows[] = {
    { "satisfy", FIELD(struct access_settings, satisfy), EVERYWHERE, .initial = "all",
      .choices = satisfy_choices,
      .help = "Whether all of allow and deny, auth_basic and auth_request must let a request in, "
              "or any one of them does." },
    { "auth_delay", FIELD(struct access_settings, delay), EVERYWHERE, .initial = "0s",
      .help = "How long a refusal for want of a password (401) is held back, against those who "
              "guess." },
    { 0 },
};

const struct directive_set access_directives = {
    .name = "satisfy",
    .settings_size = sizeof(struct access_settings),
    .directives = rows,
};

void
access_grant(struct exchange *x)
{
    x->let_in = true;
}

enum verdict
access_refused(struct exchange *x)
{
    const struct location *l = x->location;
    uint64_t delay = l && x->response.status == 401 ? l->access->delay.ms : 0;
    if (delay == 0 || x->trace)
        return FAILED;
    struct fiber *before = x->cancel_on_gone;
    x->cancel_on_gone = fiber_self();
    int r = x->client_gone ? -ECANCELED : fiber_sleep(delay);
    x->cancel_on_gone = before;
    return r < 0 ? fail(x, FAULT_CLIENT_GONE, "%s", "") : FAILED;
}

/* What the refusals so far come to: 401 goes over 403, as there is something to be done about it.
 */
struct refusal {
    unsigned status;
    struct fields fields;
};

static void
note_refusal(struct refusal *r, const struct exchange *x)
{
    if (r->status == 401)
        return;
    r->status = x->response.status;
    r->fields = x->response.fields;
}

static enum verdict
let_in(struct exchange *x, const struct refusal *r)
{
    if (r->status)
        response_init(x, 0);
    x->fault = FAULT_NONE;
    return PASS;
}

static enum verdict
refuse(struct exchange *x, const struct refusal *r)
{
    x->response.fields = r->fields;
    if (r->status == 403)
        return fail(x, FAULT_ACCESS, "%s", "");
    return status_only(x, r->status);
}

static enum verdict
ask_all(struct exchange *x, const struct calls *calls)
{
    struct refusal refusal = { .status = 0 };
    for (unsigned i = 0; i < calls->n; i++) {
        x->let_in = false;
        const struct call *call = &calls->v[i];
        enum verdict v =
            x->trace ? trace_call(x, call) : call->feature->on_request(x, call->settings);
        if (v == PASS && x->let_in)
            return let_in(x, &refusal);
        if (v == FAILED && (x->response.status == 401 || x->response.status == 403))
            note_refusal(&refusal, x);
        else if (v != PASS)
            return v;
    }
    return refusal.status ? refuse(x, &refusal) : PASS;
}

static enum verdict
run(struct exchange *x, const void *settings)
{
    x->any_suffices = true;
    enum verdict v = ask_all(x, settings);
    x->any_suffices = false;
    return v;
}

const struct feature satisfy_any = {
    .name = "satisfy",
    .phase = PHASE_ACCESS,
    .on_request = run,
    .explain = run,
};
