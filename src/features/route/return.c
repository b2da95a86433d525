/* return CODE [TEXT] | CODE URL | URL: answers at once, without looking further. */
#include "exchange/feature.h"
#include "exchange/files/types.h"
#include "exchange/rewrite/program.h"

struct answer {
    struct op op; /* first */
    unsigned status;
    const struct template *text; /* body, or the URL of a redirect; NULL: the status alone */
};

static bool
is_redirect(unsigned status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static bool
is_url(struct str s)
{
    return str_starts_nocase(s, STR("http://")) || str_starts_nocase(s, STR("https://")) ||
           str_starts(s, STR("$scheme"));
}

/* A status that has a page of its own, or may get one by error_page. */
static bool
has_page(unsigned status)
{
    return status >= 400 || status == 204 || is_redirect(status);
}

static enum verdict
run(struct exchange *x, const struct op *op)
{
    const struct answer *my = (const struct answer *)op;
    if (my->text == NULL && has_page(my->status))
        return status_only(x, my->status);
    x->response.status = my->status; /* the text may say $status */
    struct str text = my->text ? template_eval(my->text, x) : STR("");
    if (text.p == NULL)
        return FAILED;
    if (is_redirect(my->status))
        return redirect(x, my->status, text);
    struct str type = my->status == 204 ? STR_NONE : types_of(x, x->uri);
    return answer(x, my->status, type, text);
}

static bool
read_return(struct setting *s, struct answer *my)
{
    struct str first = setting_arg(s, 1);
    uint64_t status;
    if (s->node->n == 2 && is_url(first)) {
        my->status = 302;
        my->text = template_compile(s, 1, first);
        return my->text != NULL;
    }
    if (!str_to_u64(first, 999, &status) || status < 200)
        return setting_error(s, 1, "invalid return code \"" STR_FMT "\"", STR_ARG(first));
    my->status = (unsigned)status;
    bool has_text = s->node->n == 3 && (status < 400 || setting_arg(s, 2).n);
    my->text = has_text ? template_compile(s, 2, setting_arg(s, 2)) : NULL;
    return !has_text || my->text != NULL;
}

static bool
set_return(struct setting *s)
{
    struct answer *my = arena_new(s->compile->arena, struct answer);
    my->op.run = run;
    program_append(s, &my->op);
    return read_return(s, my);
}

static const struct directive directives[] = {
    { "return", NO_FIELD, IN_SERVER | IN_LOCATION | IN_SERVER_IF | IN_LOCATION_IF,
      .set = set_return, .flags = REPEATABLE | SETTINGS_APART, .args_min = 1, .args_max = 2,
      .syntax = "code [text] | code URL | URL", .example = "return 301 https://$host$request_uri;",
      .help = "Ends processing and answers with the code: with a text as body, as a redirect "
              "(301, 302, 303, 307, 308), or by the error page of the code. 444 closes the "
              "connection without an answer." },
    { 0 },
};

const struct feature return_ = {
    .name = "return",
    .directives = directives,
};
