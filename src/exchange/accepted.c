/* Directives of nginx's core that are read, checked, and have nothing to do here: what they tune
 * does not exist, or needs no tuning. */
#include "exchange/settings.h"

#define EVERYWHERE     (IN_HTTP | IN_SERVER | IN_LOCATION)
#define IGNORE(member) FIELD(struct settings, member)

struct settings {
    bool flag;
    unsigned number;
    struct bytes size;
};

static bool
set_buffers(struct setting *s)
{
    uint64_t n, size;
    if (str_to_u64(setting_arg(s, 1), UINT32_MAX, &n) && n &&
        parse_bytes(setting_arg(s, 2), &size) && size)
        return true;
    return setting_error(s, 1, "\"output_buffers\" directive invalid value");
}

static bool
set_size_or_off(struct setting *s)
{
    uint64_t size;
    struct str word = setting_arg(s, 1);
    return str_eq(word, STR("off")) || parse_bytes(word, &size) ||
           setting_error(s, 1, "\"" STR_FMT "\" directive invalid value",
                         STR_ARG(setting_arg(s, 0)));
}

static bool
set_aio(struct setting *s)
{
    struct str word = setting_arg(s, 1);
    return str_eq(word, STR("on")) || str_eq(word, STR("off")) || str_eq(word, STR("threads")) ||
           str_starts(word, STR("threads=")) ||
           setting_error(s, 1, "\"aio\" directive invalid value");
}

static bool
set_browsers(struct setting *s)
{
    for (unsigned i = 1; i < s->node->n; i++) {
        struct str word = setting_arg(s, i);
        if (!str_eq(word, STR("none")) && !str_eq(word, STR("msie6")) &&
            !str_eq(word, STR("safari")))
            return setting_error(s, i, "invalid value \"" STR_FMT "\"", STR_ARG(word));
    }
    return true;
}

#define TABLE_SIZE(name_, where, example_)                                                     \
    {                                                                                          \
        name_, IGNORE(number), where, .flags = IGNORED, .syntax = "size", .example = example_, \
                                      .help = "Accepted; tables size themselves."              \
    }

static const struct directive rows[] = {
    { "aio", NO_FIELD, EVERYWHERE, .set = set_aio, .flags = IGNORED,
      .syntax = "on | off | threads[=pool]", .example = "aio threads;",
      .help = "Accepted; files are sent straight from the page cache." },
    { "aio_write", IGNORE(flag), EVERYWHERE, .flags = IGNORED, .example = "aio_write on;",
      .help = "Accepted; there is nothing it would speed up." },
    { "directio", NO_FIELD, EVERYWHERE, .set = set_size_or_off, .flags = IGNORED,
      .syntax = "size | off", .example = "directio 4m;",
      .help = "Accepted; files are sent straight from the page cache." },
    { "directio_alignment", IGNORE(size), EVERYWHERE, .flags = IGNORED,
      .example = "directio_alignment 4k;", .help = "Accepted; there is no direct I/O." },
    { "read_ahead", IGNORE(size), EVERYWHERE, .flags = IGNORED, .example = "read_ahead 0;",
      .help = "Accepted; the kernel reads ahead by itself." },
    { "output_buffers", NO_FIELD, EVERYWHERE, .set = set_buffers, .flags = IGNORED, .args_min = 2,
      .syntax = "number size", .example = "output_buffers 2 32k;",
      .help = "Accepted; small files take one buffer, others none." },
    { "postpone_output", IGNORE(size), EVERYWHERE, .flags = IGNORED,
      .example = "postpone_output 1460;",
      .help = "Accepted; a head and the first piece of its body always leave together." },
    { "send_lowat", IGNORE(size), EVERYWHERE, .flags = IGNORED, .example = "send_lowat 0;",
      .help = "Accepted; it is for a system call that Linux does not have." },
    { "sendfile_max_chunk", IGNORE(size), EVERYWHERE, .flags = IGNORED,
      .example = "sendfile_max_chunk 2m;",
      .help = "Accepted; one connection cannot hold a thread of usher." },
    { "client_body_in_single_buffer", IGNORE(flag), EVERYWHERE, .flags = IGNORED,
      .example = "client_body_in_single_buffer on;",
      .help = "Accepted; a body in memory always lies in one piece." },
    { "msie_padding", IGNORE(flag), EVERYWHERE, .flags = IGNORED, .example = "msie_padding off;",
      .help = "Accepted; padding for old browsers is not sent." },
    { "msie_refresh", IGNORE(flag), EVERYWHERE, .flags = IGNORED, .example = "msie_refresh off;",
      .help = "Accepted; refreshes for old browsers are not sent." },
    { "keepalive_disable", NO_FIELD, EVERYWHERE, .set = set_browsers, .flags = IGNORED,
      .args_min = 1, .args_max = ARGS_ANY, .syntax = "none | browser ...",
      .example = "keepalive_disable none;",
      .help = "Accepted; the browsers it is about are gone." },
    TABLE_SIZE("types_hash_max_size", EVERYWHERE, "types_hash_max_size 2048;"),
    TABLE_SIZE("types_hash_bucket_size", EVERYWHERE, "types_hash_bucket_size 64;"),
    TABLE_SIZE("server_names_hash_max_size", IN_HTTP, "server_names_hash_max_size 512;"),
    TABLE_SIZE("server_names_hash_bucket_size", IN_HTTP, "server_names_hash_bucket_size 64;"),
    TABLE_SIZE("variables_hash_max_size", IN_HTTP, "variables_hash_max_size 1024;"),
    TABLE_SIZE("variables_hash_bucket_size", IN_HTTP, "variables_hash_bucket_size 64;"),
    { 0 },
};

const struct directive_set accepted_directives = {
    .name = "accepted",
    .settings_size = sizeof(struct settings),
    .directives = rows,
};
