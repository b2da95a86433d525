/* Extended CONNECT (RFC 8441): to everybody behind the front it is what a WebSocket is in HTTP/1.1,
 * a GET with Upgrade (RFC 6455 4); its 101 becomes the 200 that the client waits for. */
#include "front/h2_connection.h"

#include "base/random.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

enum { KEY_BYTES = 16, KEY_TEXT = 24, ACCEPT_TEXT = 28 };

static struct str
make_key(struct arena *a)
{
    unsigned char bytes[KEY_BYTES], text[KEY_TEXT + 1];
    random_bytes(bytes, sizeof bytes);
    EVP_EncodeBlock(text, bytes, sizeof bytes);
    return arena_dup(a, (struct str){ (char *)text, KEY_TEXT });
}

void
h2_websocket_request(struct exchange *x, struct h2_exchange *h)
{
    struct request_head *r = &x->request;
    const struct h2_head *from = &h->stream->head;
    h->extended = r->upgrade = true;
    r->method = METHOD_GET;
    r->method_name = STR("GET");
    fields_add_known(&r->fields, HEADER_UPGRADE, from->protocol);
    fields_add_known(&r->fields, HEADER_CONNECTION, STR("upgrade"));
    if (!str_eq_nocase(from->protocol, STR("websocket")))
        return;
    h->websocket_key = make_key(&x->arena);
    fields_remove_named(&r->fields, STR("Sec-WebSocket-Key"));
    fields_add(&r->fields, STR("Sec-WebSocket-Key"), h->websocket_key);
}

/* RFC 6455 4.2.2 */
static bool
is_accepted(struct str key, struct str accept)
{
    static const struct str guid = { "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36 };
    unsigned char text[KEY_TEXT + 36], sum[SHA_DIGEST_LENGTH], want[ACCEPT_TEXT + 1];
    memcpy(text, key.p, KEY_TEXT);
    memcpy(text + KEY_TEXT, guid.p, guid.n);
    SHA1(text, sizeof text, sum);
    EVP_EncodeBlock(want, sum, sizeof sum);
    return str_eq(accept, (struct str){ (char *)want, ACCEPT_TEXT });
}

int
h2_websocket_response(struct exchange *x, struct h2_exchange *h)
{
    static const struct str name = { "Sec-WebSocket-Accept", 20 };
    struct response *r = &x->response;
    if (r->status != 101) {
        /* 2xx would say that the tunnel is there (RFC 8441 5). */
        if (r->status >= 200 && r->status < 300) {
            exchange_log(x, LEVEL_ERROR, 0, "extended CONNECT was answered with %u", r->status);
            r->status = 502;
        }
        return 0;
    }
    const struct field *accept = fields_find_named(&r->fields, name);
    if (h->websocket_key.n && (accept == NULL || !is_accepted(h->websocket_key, accept->value))) {
        exchange_log(x, LEVEL_ERROR, 0, "upstream sent invalid Sec-WebSocket-Accept");
        return -EPROTO;
    }
    fields_remove_named(&r->fields, name);
    r->status = 200;
    r->content_length = -1;
    return 0;
}
