/* Value types: how one word becomes a bool, a size, a time, a number, a choice, a text. */
#include "config/check.h"
#include "config/suggest.h"

#include <stdlib.h>

/* Reports at the word, in nginx's words; false, to be returned. */
__attribute__((format(printf, 3, 4))) static bool
refuse(struct setting *s, struct word word, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct str message = arena_vprintf(s->compile->arena, format, args);
    va_end(args);
    directive_problem(s->compile, LEVEL_EMERG, s->node, word.span, STR_FMT, STR_ARG(message));
    return false;
}

static bool
parse_flag(struct setting *s, struct word word, void *field)
{
    bool on = str_eq_nocase(word.text, STR("on"));
    if (!on && !str_eq_nocase(word.text, STR("off")))
        return refuse(s, word,
                      "invalid value \"" STR_FMT "\" in \"%s\" directive, "
                      "it must be \"on\" or \"off\"",
                      STR_ARG(word.text), s->row->name);
    *(bool *)field = on;
    return true;
}

static void
hint_choice(struct setting *s, struct str text)
{
    struct str near = suggest_choice(s->row->choices, text);
    struct buf b;
    if (near.n) {
        setting_hint(s, "did you mean \"" STR_FMT "\"?", STR_ARG(near));
        return;
    }
    buf_init(&b, s->compile->arena, 64, 0);
    for (const struct choice *choice = s->row->choices; choice->name; choice++)
        buf_printf(&b, "%s%s", b.n ? ", " : "", choice->name);
    setting_hint(s, "known: " STR_FMT, STR_ARG(buf_str(&b)));
}

static bool
parse_choice(struct setting *s, struct word word, unsigned *field)
{
    const struct choice *choice = s->row->choices;
    while (choice->name && !str_eq_nocase(word.text, str_of(choice->name)))
        choice++;
    if (choice->name == NULL) {
        refuse(s, word, "invalid value \"" STR_FMT "\"", STR_ARG(word.text));
        hint_choice(s, word.text);
        return false;
    }
    if (!(s->row->flags & CHOICES_ADD))
        *field = choice->value;
    else if (choice->value && (*field & choice->value) == choice->value)
        directive_problem(s->compile, LEVEL_WARN, s->node, word.span,
                          "duplicate value \"" STR_FMT "\"", STR_ARG(word.text));
    else
        *field |= choice->value;
    return true;
}

static bool
parse_number(struct setting *s, struct word word, void *field)
{
    uint64_t n;
    if (s->row->choices)
        return parse_choice(s, word, field);
    if (!str_to_u64(word.text, UINT32_MAX, &n)) {
        refuse(s, word, "\"%s\" directive invalid number", s->row->name);
        setting_hint(s, "a whole number belongs here");
        return false;
    }
    *(unsigned *)field = (unsigned)n;
    return true;
}

static bool
parse_u64(struct setting *s, struct word word, void *field)
{
    if (str_to_u64(word.text, INT64_MAX, field))
        return true;
    refuse(s, word, "\"%s\" directive invalid number", s->row->name);
    setting_hint(s, "a whole number belongs here");
    return false;
}

static bool
parse_size(struct setting *s, struct word word, void *field)
{
    if (parse_bytes(word.text, &((struct bytes *)field)->n))
        return true;
    refuse(s, word, "\"%s\" directive invalid value", s->row->name);
    setting_hint(s, "a size belongs here, such as 512, 8k, 1m or 2g");
    return false;
}

static bool
parse_time(struct setting *s, struct word word, void *field)
{
    if (parse_msec(word.text, &((struct msec *)field)->ms))
        return true;
    refuse(s, word, "\"%s\" directive invalid value", s->row->name);
    setting_hint(s, "a time belongs here, such as 30s, 500ms or 1h30m");
    return false;
}

static bool
parse_text(struct setting *s, struct word word, void *field)
{
    (void)s;
    *(struct str *)field = word.text;
    return true;
}

const struct value_type value_flag = { "on | off", parse_flag };
const struct value_type value_bytes = { "size", parse_size };
const struct value_type value_msec = { "time", parse_time };
const struct value_type value_number = { "number", parse_number };
const struct value_type value_u64 = { "number", parse_u64 };
const struct value_type value_text = { "text", parse_text };

bool
parse_bytes(struct str text, uint64_t *out)
{
    static const struct {
        char letter;
        unsigned shift;
    } units[] = { { 'k', 10 }, { 'm', 20 }, { 'g', 30 } };
    unsigned shift = 0;
    char last = text.n ? byte_lower(text.p[text.n - 1]) : 0;
    for (unsigned i = 0; i < 3; i++)
        if (last == units[i].letter)
            shift = units[i].shift;
    uint64_t n;
    if (!str_to_u64(shift ? str_head(text, text.n - 1) : text, INT64_MAX >> shift, &n))
        return false;
    *out = n << shift;
    return true;
}

/* The unit at the start of text, its length in milliseconds and its rank: units of one time must
 * go from the longer to the shorter. 0 when there is none. */
static uint64_t
take_unit(struct str *text, unsigned *rank)
{
    static const struct {
        struct str name;
        uint64_t ms;
    } units[] = {
        { { "ms", 2 }, 1 },         { { "s", 1 }, 1000 },        { { "m", 1 }, 60000 },
        { { "h", 1 }, 3600000 },    { { "d", 1 }, 86400000 },    { { "w", 1 }, 604800000 },
        { { "M", 1 }, 2592000000 }, { { "y", 1 }, 31536000000 },
    };
    for (unsigned i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (!str_starts(*text, units[i].name))
            continue;
        *text = str_skip(*text, units[i].name.n);
        *rank = i;
        return units[i].ms;
    }
    *rank = 1; /* no unit: seconds */
    return 1000;
}

bool
parse_msec(struct str text, uint64_t *out)
{
    uint64_t total = 0;
    unsigned rank, last = 8;
    if (text.n == 0)
        return false;
    while (text.n) {
        size_t digits = 0;
        uint64_t n;
        while (digits < text.n && text.p[digits] >= '0' && text.p[digits] <= '9')
            digits++;
        if (!str_to_u64(str_head(text, digits), INT64_MAX, &n))
            return false;
        text = str_skip(text, digits);
        uint64_t unit = take_unit(&text, &rank);
        if (rank >= last || n > (INT64_MAX - total) / unit)
            return false;
        total += n * unit;
        last = rank;
        while (text.n && text.p[0] == ' ')
            text = str_skip(text, 1);
    }
    *out = total;
    return true;
}
