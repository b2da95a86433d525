/* TLVs towards backends: which of them a block names, and what they are for an exchange. */
#include "gateway/proxy_tlvs.h"

#include "exchange/values/template.h"
#include "wire/proxy_protocol.h"
#include "wire/proxy_tlv.h"

struct tlv {
    struct tlv *next;
    struct str name;
    unsigned type;
    const struct template *value; /* NULL: told of the connection itself */
};

struct proxy_tlvs {
    struct tlv *first, **end;
    const struct node *node; /* of the first */
    bool checksum;
};

/* --- the directive --- */

static bool
is_named(const struct proxy_tlvs *all, unsigned type)
{
    for (const struct tlv *t = all->first; t; t = t->next)
        if (t->type == type)
            return true;
    return type == PROXY_TLV_CRC32C && all->checksum;
}

/* "ssl" and "crc32c" are made here; whatever else has a value. */
static bool
find_type(struct setting *s, unsigned *type, bool *own)
{
    const struct str name = setting_arg(s, 1);
    bool checksum = str_eq(name, STR("crc32c"));
    *own = checksum || str_eq(name, STR("ssl"));
    if (checksum)
        *type = PROXY_TLV_CRC32C;
    else if (!proxy_tlv_type(name, type))
        return setting_error(s, 1, "invalid TLV \"" STR_FMT "\"", STR_ARG(name));
    else if (*type == PROXY_TLV_CRC32C)
        return setting_error(s, 1, "TLV \"" STR_FMT "\" is \"crc32c\", without a value",
                             STR_ARG(name));
    if (*own != (s->node->n == 2))
        return setting_error(s, *own ? 2 : 1,
                             *own ? "TLV \"" STR_FMT "\" has no value of yours"
                                  : "no value for TLV \"" STR_FMT "\"",
                             STR_ARG(name));
    return true;
}

static size_t
most_of(unsigned type)
{
    return type == PROXY_TLV_UNIQUE_ID ? PROXY_UNIQUE_ID_MAX : PROXY_TLVS_MAX - PROXY_TLV_HEAD;
}

static bool
compile_value(struct setting *s, struct tlv *t)
{
    t->value = template_compile(s, 2, setting_arg(s, 2));
    if (t->value == NULL)
        return false;
    if (template_plain(t->value).n > most_of(t->type))
        return setting_error(s, 2, "TLV \"" STR_FMT "\" is longer than %zu bytes", STR_ARG(t->name),
                             most_of(t->type));
    return true;
}

static struct proxy_tlvs *
list_of(struct setting *s)
{
    struct proxy_tlvs **field = s->field;
    if (*field == NULL) {
        *field = arena_new(s->compile->arena, struct proxy_tlvs);
        (*field)->end = &(*field)->first;
        (*field)->node = s->node;
    }
    return *field;
}

bool
gateway_set_proxy_tlv(struct setting *s)
{
    struct proxy_tlvs *all = list_of(s);
    struct tlv *t = arena_new(s->compile->arena, struct tlv);
    bool own;
    t->name = setting_arg(s, 1);
    if (!find_type(s, &t->type, &own) || (!own && !compile_value(s, t)))
        return false;
    if (is_named(all, t->type))
        return setting_error(s, 1, "duplicate TLV \"" STR_FMT "\"", STR_ARG(t->name));
    if (t->type == PROXY_TLV_CRC32C) {
        all->checksum = true;
        return true;
    }
    *all->end = t;
    all->end = &t->next;
    return true;
}

bool
gateway_check_proxy_tlvs(struct scope *scope, const struct gateway_settings *my,
                         const struct gateway_settings *outer)
{
    if (my->proxy_tlvs == NULL || my->proxy_protocol != 1 ||
        (outer && outer->proxy_tlvs == my->proxy_tlvs))
        return true;
    const struct node *node = my->proxy_tlvs->node;
    diag_show(diag_add(scope->compile->diags, LEVEL_EMERG, node->end,
                       "\"proxy_pass_proxy_protocol_tlv\" needs \"proxy_pass_proxy_protocol v2\""),
              node->words[0].span);
    return false;
}

/* --- an exchange's --- */

static struct str
value_of(struct gateway *g, const struct tlv *t)
{
    struct buf b;
    if (t->value)
        return template_eval(t->value, g->x);
    if (!g->x->client->tls)
        return STR_NONE;
    buf_init(&b, &g->x->arena, 256, 0);
    gateway_write_client_tls(g->x, &b);
    return buf_str(&b);
}

/* What does not fit is not cut: half a name is another's. */
static void
put(struct gateway *g, struct buf *b, const struct tlv *t)
{
    struct str value = value_of(g, t);
    if (value.n == 0)
        return;
    if (value.n <= most_of(t->type) && value.n + PROXY_TLV_HEAD <= PROXY_TLVS_MAX - b->n)
        proxy_tlv_write(b, t->type, value);
    else
        exchange_log(g->x, LEVEL_ERROR, 0,
                     "TLV \"" STR_FMT "\" of %zu bytes is too long for a PROXY protocol header",
                     STR_ARG(t->name), value.n);
}

struct str
gateway_proxy_tlvs(struct gateway *g)
{
    struct buf b;
    if (g->my->proxy_tlvs == NULL)
        return STR_NONE;
    buf_init(&b, &g->x->arena, 256, PROXY_TLVS_MAX);
    for (const struct tlv *t = g->my->proxy_tlvs->first; t; t = t->next)
        put(g, &b, t);
    return buf_str(&b);
}

bool
gateway_proxy_checksum(const struct gateway *g)
{
    return g->my->proxy_tlvs && g->my->proxy_tlvs->checksum;
}
