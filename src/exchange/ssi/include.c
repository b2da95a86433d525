/* include: what another location says takes the command's place. */
#include "exchange/body/filter.h"
#include "exchange/files/path.h"
#include "exchange/ssi/page.h"
#include "exchange/subrequest/subrequest.h"
#include "fiber/fiber.h"
#include "http/uri.h"

/* So many run ahead of their turn in a request, whatever pages include what. */
enum { AHEAD_MAX = 32 };

/* Relative ones begin where the page is. */
static struct str
whole_uri(struct exchange *x, struct str uri)
{
    size_t n = x->uri.n;
    if (uri.n && uri.p[0] == '/')
        return uri;
    while (n > 0 && x->uri.p[n - 1] != '/')
        n--;
    return arena_join(&x->arena, n ? str_head(x->uri, n) : STR("/"), uri);
}

static struct exchange *
open_child(struct exchange *x, struct str target)
{
    struct str rest = whole_uri(x, target), path = str_cut(&rest, '?');
    struct str uri = uri_decode(path, &x->arena);
    if (path_climbs(uri) || memchr(uri.p, '\0', uri.n)) {
        exchange_log(x, LEVEL_ERROR, 0, "unsafe URI \"" STR_FMT "\" was detected", STR_ARG(path));
        return NULL;
    }
    return subrequest_open(x, uri, rest, SUBREQUEST_BODY);
}

/* set: the answer is a variable's value, and nothing is shown. */
static void
keep_answer(struct ssi_page *p, struct exchange *child, struct str name)
{
    struct buf b;
    struct chunk chunk;
    bool fine = subrequest_run(child) == 0 && child->response.status < 300;
    struct body *body = fine ? subrequest_body(child) : NULL;
    buf_init(&b, &p->x->arena, 256, subrequest_output_max(child));
    body = body ? body_in_memory(&child->arena, body) : NULL;
    while (body && !b.full && body_next(body, &chunk) > 0)
        buf_put(&b, chunk.bytes);
    if (b.full)
        exchange_log(child, LEVEL_ERROR, 0, "too big subrequest response");
    ssi_set(p->x, name, b.full || b.n == 0 ? STR("") : buf_str(&b));
    if (body)
        body_close(body);
    subrequest_close(child);
}

static bool
find_stub(struct ssi_page *p, struct str name, struct str *stub)
{
    *stub = STR_NONE;
    if (name.p == NULL)
        return true;
    *stub = ssi_block_get(p->x, name);
    if (stub->p == NULL)
        exchange_log(p->x, LEVEL_ERROR, 0, "\"stub\"=\"" STR_FMT "\" for \"include\" not found",
                     STR_ARG(name));
    return stub->p != NULL;
}

static bool
check_wait(struct ssi_page *p, struct str wait)
{
    bool fine = wait.p == NULL || str_eq(wait, STR("yes")) || str_eq(wait, STR("no"));
    if (!fine)
        exchange_log(p->x, LEVEL_ERROR, 0,
                     "invalid value \"" STR_FMT "\" in the \"wait\" parameter", STR_ARG(wait));
    return fine;
}

static bool
check_target(struct ssi_page *p, const struct str *values)
{
    struct str uri = values[SSI_VIRTUAL], file = values[SSI_FILE];
    if (uri.p && file.p)
        exchange_log(p->x, LEVEL_ERROR, 0,
                     "inclusion may be either virtual=\"" STR_FMT "\" or file=\"" STR_FMT "\"",
                     STR_ARG(uri), STR_ARG(file));
    else if (uri.p == NULL && file.p == NULL)
        exchange_log(p->x, LEVEL_ERROR, 0, "no parameter in \"include\" SSI command");
    return (uri.p != NULL) != (file.p != NULL);
}

bool
ssi_include(struct ssi_page *p, const struct str *values)
{
    struct str stub;
    if (!check_target(p, values) || !check_wait(p, values[SSI_WAIT]) ||
        !find_stub(p, values[SSI_STUB], &stub))
        return false;
    struct str target = ssi_text(p->x, values[values[SSI_FILE].p ? SSI_FILE : SSI_VIRTUAL]);
    struct exchange *child = target.p ? open_child(p->x, target) : NULL;
    if (child == NULL)
        return false;
    if (values[SSI_SET].p) {
        keep_answer(p, child, values[SSI_SET]);
        return true;
    }
    struct ssi_item *item = ssi_put(p);
    *item = (struct ssi_item){ .child = child, .stub = stub };
    p->hold = str_eq(values[SSI_WAIT], STR("yes"));
    item->started = exchange_root(p->x)->alive <= AHEAD_MAX;
    if (item->started)
        subrequest_start(child);
    return true;
}

/* --- its turn --- */

/* In the context of the sub-request that had nothing to say. */
static struct body *
stub_body(struct ssi_item *item)
{
    struct exchange *x = item->child;
    struct body *b = body_of_str(&x->arena, item->stub);
    item->stub = STR_NONE;
    return x->ssi && x->ssi->settings ? ssi_body(x, b, x->ssi->settings) : b;
}

static int
await(struct ssi_item *item)
{
    if (!item->started)
        subrequest_start(item->child);
    item->started = item->waited = true;
    int r = subrequest_wait(item->child);
    if (r < 0)
        return r;
    bool failed = item->child->response.status >= 300;
    item->body = failed && item->stub.p ? stub_body(item) : subrequest_body(item->child);
    return 0;
}

int
ssi_item_next(struct ssi_page *p, struct ssi_item *item, struct chunk *out)
{
    int r = item->waited ? 0 : await(item);
    if (r == 0 && item->body)
        r = body_next(item->body, out);
    if (r > 0)
        item->stub = STR_NONE;
    if (r < 0 && !fiber_cancelled() && !p->x->client_gone)
        r = 0; /* its own end, and not the page's */
    if (r == 0 && item->stub.p) {
        item->body = stub_body(item);
        r = body_next(item->body, out);
    }
    return r;
}

void
ssi_item_close(struct ssi_item *item)
{
    if (item->child == NULL)
        return;
    if (item->waited && item->body)
        body_close(item->body);
    subrequest_close(item->child);
    item->child = NULL;
}
