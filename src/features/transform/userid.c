/* userid: a cookie by which a client is known again, as Apache's mod_uid made them. Sixteen bytes:
 * the service, the time, who gave it, and a number with the version; base64, where the 23rd letter
 * may be a mark. */
#include "exchange/feature.h"
#include "exchange/values/print.h"
#include "http/base64.h"
#include "http/cookie.h"
#include "http/date.h"

#include <arpa/inet.h>
#include <stdatomic.h>
#include <unistd.h>

enum mode { MODE_OFF, MODE_LOG, MODE_V1, MODE_ON };
enum flag { FLAG_SECURE = 1, FLAG_HTTPONLY = 2, FLAG_STRICT = 4, FLAG_LAX = 8, FLAG_NONE = 16 };
enum { LETTERS = 22, MARK_AT = 22, LAST_DAY = 2145916555 }; /* 31 Dec 2037 23:55:55 */

struct settings {
    unsigned mode; /* enum mode */
    struct str name, domain, path, p3p;
    struct expiry {
        enum { EXPIRES_OFF, EXPIRES_MAX, EXPIRES_IN } kind;
        uint64_t seconds;
    } expires;
    unsigned flags;
    char mark; /* 0: none */
    struct service {
        bool set;
        uint32_t number;
    } service;
    const struct template *set, *reset; /* $uid_set, $uid_reset */
};

extern const struct feature userid_;

/* --- Reading --- */

static bool
set_mode(struct setting *s)
{
    static const struct choice modes[] = {
        { "off", MODE_OFF }, { "log", MODE_LOG }, { "v1", MODE_V1 }, { "on", MODE_ON }, { 0 }
    };
    struct settings *my = s->settings;
    const struct choice *c = modes;
    while (c->name && !str_eq(setting_arg(s, 1), str_of(c->name)))
        c++;
    if (c->name == NULL)
        return setting_error(s, 1, "invalid value \"" STR_FMT "\"", STR_ARG(setting_arg(s, 1)));
    my->mode = c->value;
    if (c->value == MODE_OFF)
        return true;
    my->set = template_compile(s, 0, STR("$uid_set"));
    my->reset = template_compile(s, 0, STR("$uid_reset"));
    return my->set && my->reset;
}

static bool
set_none_or_text(struct setting *s)
{
    struct str *field = s->field, text = setting_arg(s, 1);
    *field = str_eq(text, STR("none")) ? STR("") : text;
    return true;
}

static bool
set_expires(struct setting *s)
{
    struct expiry *e = s->field;
    struct str text = setting_arg(s, 1);
    uint64_t ms;
    e->kind = str_eq(text, STR("max"))   ? EXPIRES_MAX
              : str_eq(text, STR("off")) ? EXPIRES_OFF
                                         : EXPIRES_IN;
    if (e->kind != EXPIRES_IN)
        return true;
    if (!parse_msec(text, &ms))
        return setting_error(s, 1, "invalid value");
    e->seconds = ms / 1000;
    return true;
}

static bool
is_mark(struct str text)
{
    char c = text.n == 1 ? byte_lower(text.p[0]) : 0;
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '=';
}

static bool
set_mark(struct setting *s)
{
    char *mark = s->field;
    struct str text = setting_arg(s, 1);
    *mark = 0;
    if (str_eq(text, STR("off")))
        return true;
    if (!is_mark(text))
        return setting_error(s, 1, "value must be \"off\" or a single letter, digit or \"=\"");
    *mark = text.p[0];
    return true;
}

static bool
set_service(struct setting *s)
{
    struct service *service = s->field;
    uint64_t n;
    *service = (struct service){ 0 };
    if (setting_arg(s, 1).n == 0)
        return true;
    if (!str_to_u64(setting_arg(s, 1), UINT32_MAX, &n))
        return setting_error(s, 1, "invalid number");
    *service = (struct service){ true, (uint32_t)n };
    return true;
}

static const struct choice flag_choices[] = { { "off", 0 },
                                              { "secure", FLAG_SECURE },
                                              { "httponly", FLAG_HTTPONLY },
                                              { "samesite=strict", FLAG_STRICT },
                                              { "samesite=lax", FLAG_LAX },
                                              { "samesite=none", FLAG_NONE },
                                              { 0 } };

#define EVERYWHERE (IN_HTTP | IN_SERVER | IN_LOCATION)

static const struct directive directives[] = {
    { "userid", PLACE(struct settings, mode), EVERYWHERE, .initial = "off", .set = set_mode,
      .syntax = "on | v1 | log | off", .example = "userid on;",
      .help = "Gives clients a cookie by which they are known again, of version 2 or 1; log: only "
              "looks for one." },
    { "userid_name", FIELD(struct settings, name), EVERYWHERE, .initial = "uid", .syntax = "name",
      .help = "The cookie's name." },
    { "userid_domain", PLACE(struct settings, domain), EVERYWHERE, .initial = "none",
      .set = set_none_or_text, .syntax = "name | none", .help = "The cookie's domain." },
    { "userid_path", FIELD(struct settings, path), EVERYWHERE, .initial = "/", .syntax = "path",
      .help = "The cookie's path." },
    { "userid_expires", PLACE(struct settings, expires), EVERYWHERE, .initial = "off",
      .set = set_expires, .syntax = "time | max | off",
      .help = "How long browsers keep the cookie; off: until they end, max: until 2037." },
    { "userid_flags", FIELD(struct settings, flags), EVERYWHERE, .initial = "off",
      .choices = flag_choices, .flags = CHOICES_ADD, .args_min = 1, .args_max = ARGS_ANY,
      .help = "More attributes of the cookie." },
    { "userid_mark", PLACE(struct settings, mark), EVERYWHERE, .initial = "off", .set = set_mark,
      .syntax = "letter | digit | = | off",
      .help = "A letter in the cookie. A client whose cookie has another one is given its cookie "
              "again, with the mark and the present attributes." },
    { "userid_p3p", PLACE(struct settings, p3p), EVERYWHERE, .initial = "none",
      .set = set_none_or_text, .syntax = "string | none",
      .help = "The P3P field that is sent with the cookie." },
    { "userid_service", PLACE(struct settings, service), EVERYWHERE, .set = set_service,
      .syntax = "number", .example = "userid_service 7;",
      .help = "Tells servers that give cookies apart; version 2 takes the address by default, "
              "version 1 zero." },
    { 0 },
};

static bool
is_used(const void *settings)
{
    const struct settings *my = settings;
    return my->mode >= MODE_V1;
}

/* --- The identifier --- */

struct uid {
    uint32_t part[4];
};

/* "uid=" and the parts as numbers. */
static struct str
print(struct exchange *x, const struct settings *my, const struct uid *u)
{
    return arena_printf(&x->arena, STR_FMT "=%08X%08X%08X%08X", STR_ARG(my->name), u->part[0],
                        u->part[1], u->part[2], u->part[3]);
}

/* What print has made. */
static bool
scan(const struct settings *my, struct str text, struct uid *out)
{
    text = text.n > my->name.n ? str_skip(text, my->name.n + 1) : STR_NONE;
    for (unsigned i = 0; i < 4; i++) {
        uint64_t n = 0;
        if (text.n < 8 || !str_hex_to_u64(str_head(text, 8), UINT32_MAX, &n))
            return false;
        out->part[i] = (uint32_t)n;
        text = str_skip(text, 8);
    }
    return true;
}

static struct str
cookie_in(const struct fields *f, struct str name)
{
    struct str value = STR_NONE;
    for (unsigned i = 0; i < f->n && value.p == NULL; i++)
        if (f->v[i].id == HEADER_COOKIE)
            value = cookie_value(f->v[i].value, name);
    return value;
}

/* The cookie as it came, and what it says; tell: the log of what is none. */
static bool
find(struct exchange *x, const struct settings *my, bool tell, struct str *cookie, struct uid *out)
{
    *cookie = cookie_in(&x->request.fields, my->name);
    if (cookie->p == NULL)
        return false;
    struct str bytes = base64_decode(&x->arena, str_head(*cookie, LETTERS));
    bool fine = cookie->n >= LETTERS && bytes.n == sizeof *out;
    if (!fine && tell)
        exchange_log(x, LEVEL_ERROR, 0, "client sent %s userid cookie \"" STR_FMT "=" STR_FMT "\"",
                     cookie->n < LETTERS ? "too short" : "invalid", STR_ARG(my->name),
                     STR_ARG(*cookie));
    if (fine)
        memcpy(out, bytes.p, sizeof *out);
    return fine;
}

/* Of IPv6 the last four bytes. */
static uint32_t
address_number(const struct address *a)
{
    uint32_t n = 0;
    if (a->any.sa_family == AF_INET)
        memcpy(&n, &a->v4.sin_addr, 4);
    else if (a->any.sa_family == AF_INET6)
        memcpy(&n, &a->v6.sin6_addr.s6_addr[12], 4);
    return n;
}

/* The address that was reached, where the listener's is any. */
static uint32_t
own_number(const struct client *client)
{
    struct address local = { .size = sizeof local - offsetof(struct address, any) };
    bool known = client->fd > 0 && getsockname(client->fd, &local.any, &local.size) == 0;
    return address_number(known ? &local : &client->local);
}

static struct uid
new_uid(const struct exchange *x, const struct settings *my)
{
    static _Atomic uint32_t serial;
    uint32_t now = (uint32_t)(clock_wall_us() / 1000000), pid = (uint32_t)getpid();
    uint32_t number = atomic_fetch_add_explicit(&serial, 1, memory_order_relaxed) << 8;
    uint32_t start = (uint32_t)x->client->serial << 16 | pid;
    if (my->mode == MODE_V1)
        return (struct uid){ { my->service.number, now, start, number + 1 } };
    uint32_t service = my->service.set ? htonl(my->service.number) : own_number(x->client);
    return (struct uid){ { service, htonl(now), htonl(start), htonl(number + 0x03030302) } };
}

/* --- Variables --- */

static bool
get_got(struct exchange *x, struct str rest, struct str *out)
{
    const struct settings *my = feature_settings(x, &userid_);
    struct str cookie;
    struct uid u;
    if (my->mode == MODE_OFF || !find(x, my, my->mode == MODE_LOG, &cookie, &u) || u.part[3] == 0)
        return false;
    *out = print(x, my, &u);
    return true;
}

/* set $uid_reset: whoever has an identifier gets another one. */
static bool
is_reset(struct exchange *x, const struct settings *my, const struct uid *had)
{
    struct str reset = template_eval(my->reset, x);
    if (reset.n == 0 || str_eq(reset, STR("0")))
        return false;
    if (str_eq(reset, STR("log")))
        exchange_log(x, LEVEL_NOTICE, 0, "userid cookie \"" STR_FMT "\" was reset",
                     STR_ARG(print(x, my, had)));
    return true;
}

/* Asked once an exchange, so that who logs it says what the cookie says. */
static bool
get_set(struct exchange *x, struct str rest, struct str *out)
{
    const struct settings *my = feature_settings(x, &userid_);
    struct str cookie;
    struct uid u;
    if (my->mode < MODE_V1)
        return false;
    if (!find(x, my, true, &cookie, &u) || u.part[3] == 0 || is_reset(x, my, &u))
        u = new_uid(x, my);
    else if (my->mark == 0 || (cookie.n > MARK_AT + 1 && cookie.p[MARK_AT] == my->mark &&
                               cookie.p[MARK_AT + 1] == '='))
        return false;
    *out = print(x, my, &u);
    return true;
}

static bool
get_reset(struct exchange *x, struct str rest, struct str *out)
{
    return false;
}

static const struct variable variables[] = {
    { "uid_got", get_got, NULL, 0, "The cookie's name and the client identifier it came with." },
    { "uid_set", get_set, NULL, 0, "The cookie's name and the client identifier it is sent with." },
    { "uid_reset", get_reset, NULL, VARIABLE_SETTABLE,
      "Set to anything but 0: the client gets another identifier; log: and the log a line." },
    { 0 },
};

/* --- The response --- */

static void
put_expires(struct buf *b, const struct expiry *e)
{
    char text[HTTP_DATE_SIZE];
    if (e->kind == EXPIRES_OFF)
        return;
    date_format_http(e->kind == EXPIRES_MAX ? (time_t)LAST_DAY
                                            : (time_t)(clock_wall_us() / 1000000 + e->seconds),
                     text);
    text[7] = text[11] = '-'; /* "Thu, 31-Dec-37 23:55:55 GMT", as cookies had it */
    buf_put(b, STR("; expires="));
    buf_put(b, (struct str){ text, 12 });
    buf_put(b, (struct str){ text + 14, HTTP_DATE_SIZE - 14 });
}

static void
put_flags(struct buf *b, unsigned flags)
{
    static const struct {
        unsigned flag;
        const char *text;
    } texts[] = { { FLAG_SECURE, "; secure" },
                  { FLAG_HTTPONLY, "; httponly" },
                  { FLAG_STRICT, "; samesite=strict" },
                  { FLAG_LAX, "; samesite=lax" },
                  { FLAG_NONE, "; samesite=none" } };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (flags & texts[i].flag)
            buf_put(b, str_of(texts[i].text));
}

static struct str
cookie_of(struct exchange *x, const struct settings *my, const struct uid *u)
{
    struct buf b;
    struct str letters = base64_encode(&x->arena, (struct str){ (const char *)u, sizeof *u });
    if (my->mark)
        ((char *)letters.p)[MARK_AT] = my->mark;
    buf_init(&b, &x->arena, 128, 0);
    buf_put(&b, my->name);
    buf_byte(&b, '=');
    buf_put(&b, letters);
    put_expires(&b, &my->expires);
    if (my->domain.n) {
        buf_put(&b, STR("; domain="));
        buf_put(&b, my->domain);
    }
    buf_put(&b, STR("; path="));
    buf_put(&b, my->path);
    put_flags(&b, my->flags);
    return buf_str(&b);
}

static void
give_cookie(struct exchange *x, const void *settings)
{
    const struct settings *my = settings;
    struct uid u;
    if (!scan(my, template_eval(my->set, x), &u))
        return;
    fields_add_known(&x->response.fields, HEADER_SET_COOKIE, cookie_of(x, my, &u));
    if (my->p3p.n)
        fields_push(&x->response.fields, STR("P3P"), my->p3p, HEADER_OTHER);
}

const struct feature userid_ = {
    .name = "userid",
    .settings_size = sizeof(struct settings),
    .directives = directives,
    .used = is_used,
    .on_response = give_cookie,
    .variables = variables,
};
