/* What a request to a backend would be, for usher explain. */
#include "gateway/explain.h"

#include "exchange/trace.h"
#include "gateway/cgi_params.h"

/* The head as it would go out, line by line. */
static void
tell_head(struct gateway *g)
{
    struct str rest = buf_str(&g->request_head);
    const char *label = "sends";
    while (rest.n) {
        struct str line = str_cut(&rest, '\n');
        if (line.n && line.p[line.n - 1] == '\r')
            line.n--;
        if (line.n)
            trace_say(g->x, label, NULL, STR_FMT, STR_ARG(line));
        label = "";
    }
}

enum verdict
gateway_explain(struct gateway *g)
{
    struct exchange *x = g->x;
    struct str name = g->target.upstream ? upstream_name(g->target.upstream) : g->target.host;
    bool group = trace_block(x, "upstream", "upstream", name);
    trace_say(x, group ? "" : "upstream", NULL, STR_FMT "%sover %s%s",
              STR_ARG(group ? STR("") : name), group ? "" : " ", g->codec->name,
              g->target.tls ? " and TLS" : "");
    if (x->request.framing == FRAMING_LENGTH && g->my->set_body == NULL && g->my->pass_request_body)
        g->body_size = x->request.content_length; /* of a body that is not here */
    if (g->codec == &h1_client_codec) {
        enum verdict v = g->codec->write_request(g);
        if (v != PASS)
            return v;
        tell_head(g);
    } else if (g->codec->params) {
        cgi_params_explain(g, g->codec->params(g));
    } else if (g->target.uri.n) {
        trace_say(x, "sends", NULL, STR_FMT " " STR_FMT, STR_ARG(x->request.method_name),
                  STR_ARG(g->target.uri));
    }
    response_init(x, 200);
    x->response.relayed = true;
    return DONE;
}
