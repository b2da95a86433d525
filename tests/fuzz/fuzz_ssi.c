/* A page with includes gives the same texts and commands in one piece and in many. */
#include "http/ssi.h"
#include "target.h"

struct reading {
    struct arena arena;
    struct ssi_parser parser;
    struct buf said;
};

static void
tell_command(struct reading *r)
{
    buf_put(&r->said, STR("{"));
    buf_put(&r->said, ssi_command(&r->parser));
    for (unsigned i = 0; i < r->parser.n; i++) {
        buf_put(&r->said, STR("|"));
        buf_put(&r->said, ssi_parameter_name(&r->parser, i));
        buf_put(&r->said, STR("="));
        buf_put(&r->said, ssi_parameter_value(&r->parser, i));
    }
    buf_put(&r->said, STR("}"));
}

static void
read_page(struct reading *r, struct str page, size_t step)
{
    arena_init(&r->arena, 0);
    ssi_init(&r->parser, &r->arena, 64);
    buf_init(&r->said, &r->arena, 0, 0);
    for (size_t at = 0; at < page.n; at += step) {
        struct str in = str_head(str_skip(page, at), step), text;
        enum ssi_token token;
        while ((token = ssi_next(&r->parser, &in, &text)) != SSI_MORE)
            if (token == SSI_TEXT)
                buf_put(&r->said, text);
            else if (token == SSI_COMMAND)
                tell_command(r);
            else
                buf_put(&r->said, str_of(r->parser.error));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reading whole, pieces;
    if (size < 1)
        return 0;
    struct str page = { (const char *)data + 1, size - 1 };
    read_page(&whole, page, page.n ? page.n : 1);
    read_page(&pieces, page, 1 + data[0] % 16);
    must(str_eq(buf_str(&whole.said), buf_str(&pieces.said)));
    arena_fini(&whole.arena);
    arena_fini(&pieces.arena);
    return 0;
}
