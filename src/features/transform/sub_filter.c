/* sub_filter: texts of a response replaced by others, as it passes.
 *
 * Nothing is kept but what may be the beginning of a text that goes on in the next piece; bytes
 * among which nothing is found are passed on where they lie. At the end a beginning stays as it is,
 * even when a shorter text lies in it: as in nginx. */
#include "base/needles.h"
#include "exchange/body/filter.h"
#include "exchange/feature.h"
#include "exchange/mime_types.h"

struct substitution {
    const struct template *from, *to;
};

struct substitutions {
    struct substitution *v;
    unsigned n, cap;
    struct needles *needles; /* NULL: some of the texts have variables */
};

struct settings {
    struct substitutions *pairs;
    struct mime_types *types;
    bool once, last_modified;
};

static bool
set_pair(struct setting *s)
{
    struct substitutions **field = s->field, *pairs = *field;
    struct arena *a = s->compile->arena;
    if (setting_arg(s, 1).n == 0)
        return setting_error(s, 1, "empty search pattern");
    if (pairs == NULL)
        pairs = *field = arena_new(a, struct substitutions);
    if (pairs->n == pairs->cap) {
        struct substitution *old = pairs->v;
        pairs->cap = pairs->cap ? pairs->cap * 2 : 4;
        pairs->v = arena_array(a, struct substitution, pairs->cap);
        if (pairs->n)
            memcpy(pairs->v, old, pairs->n * sizeof *old);
    }
    struct substitution *pair = &pairs->v[pairs->n++];
    pair->from = template_compile(s, 1, setting_arg(s, 1));
    pair->to = template_compile(s, 2, setting_arg(s, 2));
    return pair->from && pair->to;
}

#define EVERYWHERE (IN_HTTP | IN_SERVER | IN_LOCATION)

static const struct directive directives[] = {
    { "sub_filter", PLACE(struct settings, pairs), EVERYWHERE, .set = set_pair, .flags = MANY,
      .args_min = 2, .args_max = 2, .syntax = "string replacement",
      .example = "sub_filter http://127.0.0.1:8080/ https://$host/;",
      .help = "Replaces a string of responses, in upper or lower case, by another. Both may have "
              "variables. Of several that begin at one place the first counts. Responses that a "
              "server has compressed are searched as they are: ask for others with "
              "proxy_set_header Accept-Encoding \"\". Inherited only by blocks that set none." },
    { "sub_filter_once", FIELD(struct settings, once), EVERYWHERE, .initial = "on",
      .help = "Whether each string is replaced once in a response, or wherever it is." },
    { "sub_filter_types", PLACE(struct settings, types), EVERYWHERE, .set = mime_types_set,
      .flags = MANY, .args_min = 1, .args_max = ARGS_ANY, .syntax = "mime-type ...",
      .example = "sub_filter_types text/css application/javascript;", .unset = "text/html",
      .help = "MIME types of responses in which sub_filter replaces, beside text/html; * is any." },
    { "sub_filter_last_modified", FIELD(struct settings, last_modified), EVERYWHERE,
      .initial = "off",
      .help = "Keeps Last-Modified, and a weakened ETag, of responses in which sub_filter "
              "replaces; by default both are left out, as the result may change with variables." },
    { 0 },
};

static struct needles *
make_needles(struct arena *a, const struct substitutions *pairs, struct exchange *x)
{
    struct str *texts = arena_array(a, struct str, pairs->n);
    for (unsigned i = 0; i < pairs->n; i++)
        texts[i] = x ? template_eval(pairs->v[i].from, x) : template_plain(pairs->v[i].from);
    return needles_new(a, texts, pairs->n);
}

static bool
complete(struct scope *scope, void *settings)
{
    struct substitutions *pairs = ((struct settings *)settings)->pairs;
    if (pairs == NULL || pairs->needles)
        return true;
    for (unsigned i = 0; i < pairs->n; i++)
        if (!template_is_plain(pairs->v[i].from))
            return true;
    pairs->needles = make_needles(scope->compile->arena, pairs, NULL);
    return true;
}

struct sub_body {
    struct body_rewrite rewrite; /* first */
    struct exchange *x;
    const struct settings *my;
    const struct needles *needles;
    bool *used;         /* by the pair: once is enough */
    struct str *values; /* replacements, as far as they were needed */
    unsigned left;      /* pairs that may still be found */
    char *seam;         /* the beginning of a text, and room for as much again behind it */
    size_t held;        /* bytes of it */
    struct str value;   /* goes out next */
};

/* Evaluated when it is first needed. */
static struct str
replacement(struct sub_body *b, unsigned which)
{
    if (b->values[which].p == NULL) {
        struct str value = template_eval(b->my->pairs->v[which].to, b->x);
        b->values[which] = value.p ? value : STR("");
    }
    if (b->my->once) {
        b->used[which] = true;
        b->left--;
    }
    return b->values[which];
}

/* Puts what is before the place; what takes the text's place follows. How far the text reaches. */
static size_t
replace(struct sub_body *b, struct str text, const struct needles_place *place)
{
    body_rewrite_put(&b->rewrite, str_head(text, place->at));
    b->value = replacement(b, place->which);
    return place->at + b->needles->v[place->which].text.n;
}

/* The first n bytes of the seam are done with: of what was held first, then of the piece. */
static void
leave_seam(struct sub_body *b, size_t n)
{
    size_t of_held = n < b->held ? n : b->held;
    b->held -= of_held;
    memmove(b->seam, b->seam + of_held, b->held);
    b->rewrite.in = str_skip(b->rewrite.in, n - of_held);
}

/* What is held, with as much of the piece as the longest text may reach into. */
static void
search_seam(struct sub_body *b)
{
    struct str next = str_head(b->rewrite.in, b->needles->longest - 1);
    memcpy(b->seam + b->held, next.p, next.n);
    struct str text = { b->seam, b->held + next.n };
    struct needles_place place;
    switch (needles_find(b->needles, text, b->held, b->used, &place)) {
    case NEEDLES_NONE:
        body_rewrite_put(&b->rewrite, str_head(text, b->held));
        leave_seam(b, b->held);
        break;
    case NEEDLES_WHOLE:
        leave_seam(b, replace(b, text, &place));
        break;
    case NEEDLES_PARTIAL: /* the piece was too short to tell */
        body_rewrite_put(&b->rewrite, str_head(text, place.at));
        b->held = text.n;
        leave_seam(b, place.at);
        b->rewrite.in = STR_NONE;
        break;
    }
}

static void
search_piece(struct sub_body *b)
{
    struct needles_place place = { 0, 0 };
    struct str text = b->rewrite.in;
    enum needles_found found =
        b->left ? needles_find(b->needles, text, text.n, b->used, &place) : NEEDLES_NONE;
    if (found == NEEDLES_WHOLE) {
        b->rewrite.in = str_skip(text, replace(b, text, &place));
        return;
    }
    b->rewrite.in = STR_NONE;
    if (found == NEEDLES_PARTIAL) {
        b->held = text.n - place.at;
        memcpy(b->seam, text.p + place.at, b->held);
        text.n = place.at;
    }
    body_rewrite_pass(&b->rewrite, text);
}

static int
work(struct body_rewrite *w)
{
    struct sub_body *b = (struct sub_body *)w;
    struct str value = b->value;
    b->value = STR_NONE;
    if (value.n) {
        body_rewrite_put(w, value);
    } else if (w->in.n == 0) {
        body_rewrite_put(w, (struct str){ b->seam, b->held });
        w->done = true;
    } else if (b->held) {
        search_seam(b);
    } else {
        search_piece(b);
    }
    return 0;
}

static void
begin(struct exchange *x, const struct settings *my, const struct needles *needles)
{
    const struct substitutions *pairs = my->pairs;
    struct sub_body *b = arena_new(&x->arena, struct sub_body);
    b->x = x;
    b->my = my;
    b->needles = needles;
    b->left = pairs->n;
    b->used = arena_array(&x->arena, bool, pairs->n);
    b->values = arena_array(&x->arena, struct str, pairs->n);
    b->seam = arena_text(&x->arena, 2 * b->needles->longest);
    b->rewrite.work = work;
    b->rewrite.reserve = 2 * b->needles->longest;
    body_rewrite_begin(&b->rewrite, x);
}

static bool
is_used(const void *settings)
{
    return ((const struct settings *)settings)->pairs != NULL;
}

static void
run(struct exchange *x, const void *settings)
{
    const struct settings *my = settings;
    struct response *r = &x->response;
    if (r->content_length == 0 || !mime_types_have(my->types, r->content_type))
        return;
    const struct needles *needles = my->pairs->needles;
    if (needles == NULL)
        needles = make_needles(&x->arena, my->pairs, x);
    if (needles->shortest == 0)
        return; /* variables have left nothing to look for */
    body_filter_head(x, my->last_modified ? BODY_WEAKENS_ETAG : BODY_LOSES_VALIDATORS);
    if (r->body)
        begin(x, my, needles);
}

const struct feature sub_filter_ = {
    .name = "sub_filter",
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .complete = complete,
    .used = is_used,
    .on_response = run,
    .filters_subrequests = true,
};
