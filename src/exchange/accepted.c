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
    { "aio_write", IGNORE(flag), EVERYWHERE, .flags = IGNORED, .example = "aio_write on;",
      .help = "Accepted; there is nothing it would speed up." },
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
    { "keepalive_disable", NO_FIELD, EVERYWHERE, .set = set_browsers, .flags = IGNORED | REPEATABLE,
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
