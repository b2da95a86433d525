/* What the rows of aio, directio and their kin read. */
#include "exchange/files/reading.h"

#include "base/list.h"
#include "exchange/values/template.h"

struct thread_pool_name {
    struct thread_pool_name *next;
    struct str name;
};

static bool
is_pool(const struct reading_settings *my, struct str name)
{
    for (const struct thread_pool_name *p = my->pools; p; p = p->next)
        if (str_eq(p->name, name))
            return true;
    return str_eq(name, STR("default"));
}

/* aio threads[=POOL] | on | off; the pool may have variables */
bool
reading_set_aio(struct setting *s)
{
    struct reading_settings *my = container_of((bool *)s->field, struct reading_settings, aio);
    struct str word = setting_arg(s, 1), name = STR("default");
    my->aio = !str_eq(word, STR("off"));
    if (!my->aio || str_eq(word, STR("on")) || str_eq(word, STR("threads")))
        return true;
    if (!setting_parameter(s, 1, STR("threads"), &name))
        return setting_error(s, 1, "\"aio\" directive invalid value");
    const struct template *pool = template_compile(s, 1, name);
    if (pool == NULL)
        return false;
    if (template_is_plain(pool) && !is_pool(my, name))
        return setting_error(s, 1, "unknown thread pool \"" STR_FMT "\"", STR_ARG(name));
    return true;
}

bool
reading_set_directio(struct setting *s)
{
    uint64_t *size = s->field;
    struct str word = setting_arg(s, 1);
    *size = UINT64_MAX;
    return str_eq(word, STR("off")) || parse_bytes(word, size) ||
           setting_error(s, 1, "\"directio\" directive invalid value");
}

/* Together they are what is read at a time. */
bool
reading_set_buffers(struct setting *s)
{
    enum { LEAST = 4096, MOST = 1 << 20 };
    size_t *piece = s->field;
    uint64_t n, size;
    if (!str_to_u64(setting_arg(s, 1), UINT32_MAX, &n) || n == 0 ||
        !parse_bytes(setting_arg(s, 2), &size) || size == 0)
        return setting_error(s, 1, "\"output_buffers\" directive invalid value");
    *piece = size >= MOST || n * size >= MOST ? MOST : n * size;
    if (*piece < LEAST)
        *piece = LEAST;
    return true;
}

static bool
take_number(struct setting *s, unsigned i, const char *what, struct str value, bool *given)
{
    uint64_t n;
    *given = true;
    return (str_to_u64(value, INT32_MAX, &n) && (n > 0 || what[0] == 'm')) ||
           setting_error(s, i, "invalid %s value \"" STR_FMT "\"", what,
                         STR_ARG(setting_arg(s, i)));
}

static bool
take_numbers(struct setting *s, bool *has_threads)
{
    struct str value;
    bool queue, fine = true;
    for (unsigned i = 2; fine && i < s->node->n; i++)
        if (setting_parameter(s, i, STR("threads"), &value))
            fine = take_number(s, i, "threads", value, has_threads);
        else if (setting_parameter(s, i, STR("max_queue"), &value))
            fine = take_number(s, i, "max_queue", value, &queue);
        else
            fine = setting_error(s, i, "invalid parameter \"" STR_FMT "\"",
                                 STR_ARG(setting_arg(s, i)));
    return fine;
}

/* thread_pool NAME threads=N [max_queue=N] */
bool
reading_set_pool(struct setting *s)
{
    struct thread_pool_name **pools = s->field, *p;
    struct str name = setting_arg(s, 1);
    bool has_threads = false;
    for (p = *pools; p; p = p->next)
        if (str_eq(p->name, name))
            return setting_error(s, 1, "duplicate thread pool \"" STR_FMT "\"", STR_ARG(name));
    if (!take_numbers(s, &has_threads))
        return false;
    if (!has_threads)
        return setting_error(s, 0, "\"thread_pool\" must have \"threads\" parameter");
    p = arena_new(s->compile->arena, struct thread_pool_name);
    *p = (struct thread_pool_name){ *pools, name };
    *pools = p;
    return true;
}
