/* gzip and its kin: read and checked. Nothing is compressed yet. */
#include "exchange/feature.h"
#include "exchange/mime_types.h"

struct settings {
    bool on;
    unsigned level, min_length;
    struct mime_types *types;
    struct bytes window;
};

static bool
set_buffers(struct setting *s)
{
    uint64_t n, size;
    if (!str_to_u64(setting_arg(s, 1), UINT32_MAX, &n) || n == 0)
        return setting_error(s, 1, "\"gzip_buffers\" directive invalid value");
    return (parse_bytes(setting_arg(s, 2), &size) && size > 0) ||
           setting_error(s, 2, "\"gzip_buffers\" directive invalid value");
}

static bool
set_level(struct setting *s)
{
    uint64_t level;
    if (!str_to_u64(setting_arg(s, 1), UINT32_MAX, &level))
        return setting_error(s, 1, "\"gzip_comp_level\" directive invalid number");
    *(unsigned *)s->field = (unsigned)level;
    return (level >= 1 && level <= 9) || setting_error(s, 1, "value must be between 1 and 9");
}

static bool
set_min_length(struct setting *s)
{
    uint64_t size;
    if (!parse_bytes(setting_arg(s, 1), &size) || size > UINT32_MAX)
        return setting_error(s, 1, "\"gzip_min_length\" directive invalid value");
    *(unsigned *)s->field = (unsigned)size;
    return true;
}

#define EVERYWHERE (IN_HTTP | IN_SERVER | IN_LOCATION)
#define NOT_YET    "Accepted: responses are not compressed yet. "

static const struct directive directives[] = {
    { "gzip", FIELD(struct settings, on), EVERYWHERE | IN_LOCATION_IF, .initial = "off",
      .flags = IGNORED,
      .help = NOT_YET "Whether responses are compressed for those who accept it." },
    { "gzip_types", PLACE(struct settings, types), EVERYWHERE, .set = mime_types_set,
      .flags = MANY | IGNORED, .args_min = 1, .args_max = ARGS_ANY, .syntax = "mime-type ...",
      .unset = "text/html", .example = "gzip_types text/css application/json;",
      .help = NOT_YET "MIME types of responses that are, beside text/html; * is any." },
    { "gzip_comp_level", PLACE(struct settings, level), EVERYWHERE, .initial = "1",
      .set = set_level, .flags = IGNORED, .syntax = "level",
      .help = NOT_YET "The level of compression, from 1 to 9." },
    { "gzip_min_length", PLACE(struct settings, min_length), EVERYWHERE, .initial = "20",
      .set = set_min_length, .flags = IGNORED, .syntax = "length",
      .help = NOT_YET "Responses whose Content-Length is less stay as they are." },
    { "gzip_buffers", NO_FIELD, EVERYWHERE, .set = set_buffers, .flags = IGNORED, .args_min = 2,
      .args_max = 2, .syntax = "number size", .example = "gzip_buffers 32 4k;",
      .help = "Accepted; buffers size themselves." },
    { "gzip_window", FIELD(struct settings, window), EVERYWHERE, .initial = "32k", .flags = IGNORED,
      .help = NOT_YET "How far back a compressor looks." },
    { 0 },
};

const struct feature gzip_ = {
    .name = "compression",
    .settings_size = sizeof(struct settings),
    .directives = directives,
};
