/* The request as FastCGI says it. */
#include "gateway/fcgi_request.h"

#include "wire/fcgi.h"

struct fcgi_sink {
    struct cgi_sink sink; /* first */
    struct fcgi_writer writer;
};

static void
put(struct cgi_sink *to, struct str name, struct str value)
{
    fcgi_write_param(&((struct fcgi_sink *)to)->writer, name, value);
}

void
fcgi_write_request(struct gateway *g, const struct fcgi_settings *my, struct buf *b)
{
    struct fcgi_sink to = { { put } };
    fcgi_write_begin(&to.writer, b, my->keep_conn);
    cgi_params_write(g, my->params, &to.sink);
    fcgi_write_params_end(&to.writer);
}
