/* PCRE2 behind one door. The match limit is what keeps a hostile subject from holding a loop
 * thread; the JIT gets a stack of its own, as a fiber's is too small for it. */
#include "exchange/values/regex.h"

#include "base/must.h"
#include "exchange/snapshot.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <pthread.h>

enum {
    MATCH_LIMIT = 1000000,
    HEAP_LIMIT_KIB = 16 * 1024,
    COMPILE_STACK = 32 * 1024, /* of a fiber's, for a pattern that comes with a response */
    JIT_STACK_FIRST = 32 * 1024,
    JIT_STACK_MAX = 1024 * 1024,
    GROUPS_MAX = 64 /* groups beyond have no capture */
};

/* What matching needs, once a thread. */
struct matcher {
    pcre2_match_data *data;
    pcre2_match_context *context;
    pcre2_compile_context *once; /* for patterns that are used once */
    pcre2_jit_stack *stack;
};

static __thread struct matcher *mine;
static pthread_key_t at_thread_end;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
matcher_free(void *arg)
{
    struct matcher *m = arg;
    pcre2_jit_stack_free(m->stack);
    pcre2_match_context_free(m->context);
    pcre2_compile_context_free(m->once);
    pcre2_match_data_free(m->data);
    free(m);
}

static void
make_key(void)
{
    must(pthread_key_create(&at_thread_end, matcher_free) == 0);
}

static struct matcher *
matcher(void)
{
    if (mine)
        return mine;
    pthread_once(&once, make_key);
    mine = calloc(1, sizeof *mine);
    must(mine);
    mine->data = pcre2_match_data_create(GROUPS_MAX, NULL);
    mine->context = pcre2_match_context_create(NULL);
    mine->once = pcre2_compile_context_create(NULL);
    mine->stack = pcre2_jit_stack_create(JIT_STACK_FIRST, JIT_STACK_MAX, NULL);
    must(mine->data && mine->context && mine->once);
    pcre2_set_match_limit(mine->context, MATCH_LIMIT);
    pcre2_set_heap_limit(mine->context, HEAP_LIMIT_KIB);
    pcre2_jit_stack_assign(mine->context, NULL, mine->stack);
    pthread_setspecific(at_thread_end, mine);
    return mine;
}

static bool
report(struct setting *s, unsigned word, struct str pattern, int error, size_t offset)
{
    char text[128];
    pcre2_get_error_message(error, (PCRE2_UCHAR *)text, sizeof text);
    if (offset >= pattern.n)
        return setting_error(s, word, "pcre2_compile() failed: %s in \"" STR_FMT "\"", text,
                             STR_ARG(pattern));
    return setting_error(s, word,
                         "pcre2_compile() failed: %s in \"" STR_FMT "\" at \"" STR_FMT "\"", text,
                         STR_ARG(pattern), STR_ARG(str_skip(pattern, offset)));
}

static bool
name_group(struct setting *s, unsigned word, struct regex *r, struct str name, unsigned group)
{
    struct snapshot *snapshot = s->compile->snapshot;
    const struct variable_ref *v = variable_define(&snapshot->variables, name);
    if (v == NULL)
        return setting_error(s, word, "the duplicate \"" STR_FMT "\" variable", STR_ARG(name));
    r->named[r->n_named].name = v->name;
    r->named[r->n_named].group = group;
    r->named[r->n_named++].variable = v;
    return true;
}

/* PCRE2's name table: entries of a fixed size, the group's number in two bytes, then the name. */
static bool
name_groups(struct setting *s, unsigned word, struct regex *r)
{
    uint32_t n = 0, size = 0;
    const unsigned char *entry = NULL;
    pcre2_pattern_info(r->code, PCRE2_INFO_NAMECOUNT, &n);
    pcre2_pattern_info(r->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
    pcre2_pattern_info(r->code, PCRE2_INFO_NAMETABLE, &entry);
    r->named = arena_get(s->compile->arena, sizeof *r->named * (n + 1));
    for (uint32_t i = 0; i < n; i++, entry += size)
        if (!name_group(s, word, r, str_of((const char *)entry + 2),
                        (unsigned)entry[0] << 8 | entry[1]))
            return false;
    return true;
}

struct regex *
regex_compile(struct setting *s, unsigned word, struct str pattern, bool nocase)
{
    int error;
    size_t offset;
    uint32_t captures = 0;
    struct snapshot *snapshot = s->compile->snapshot;
    struct regex *r = arena_new(s->compile->arena, struct regex);
    r->pattern = pattern;
    r->code = pcre2_compile((PCRE2_SPTR)pattern.p, pattern.n, nocase ? PCRE2_CASELESS : 0, &error,
                            &offset, NULL);
    if (r->code == NULL) {
        report(s, word, pattern, error, offset);
        return NULL;
    }
    r->next = snapshot->regexes;
    snapshot->regexes = r;
    pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE); /* without it matching is slower, no more */
    pcre2_pattern_info(r->code, PCRE2_INFO_CAPTURECOUNT, &captures);
    r->captures = captures;
    return name_groups(s, word, r) ? r : NULL;
}

static struct str
group(struct str subject, const size_t *ovector, unsigned n, unsigned i)
{
    if (i >= n || ovector[2 * i] == PCRE2_UNSET)
        return STR_NONE;
    return str_between(subject.p + ovector[2 * i], subject.p + ovector[2 * i + 1]);
}

static void
keep_captures(const struct regex *r, struct str subject, unsigned n, struct exchange *x)
{
    enum { KEPT = 10 }; /* $0 to $9 */
    const size_t *ovector = pcre2_get_ovector_pointer(mine->data);
    x->n_captures = n < KEPT ? n : KEPT;
    x->captures = arena_raw(&x->arena, x->n_captures * sizeof *x->captures);
    for (unsigned i = 0; i < x->n_captures; i++)
        x->captures[i] = group(subject, ovector, n, i);
    for (unsigned i = 0; i < r->n_named; i++)
        variable_store(x, r->named[i].variable, group(subject, ovector, n, r->named[i].group));
}

bool
regex_match(const struct regex *r, struct str subject, struct exchange *x)
{
    struct matcher *m = matcher();
    PCRE2_SPTR text = (PCRE2_SPTR)(subject.p ? subject.p : "");
    int n = pcre2_match(r->code, text, subject.n, 0, 0, m->data, m->context);
    if (n < 0 && n != PCRE2_ERROR_NOMATCH && x) {
        x->pattern_failed = true;
        exchange_log(x, LEVEL_ALERT, 0,
                     "pcre2_match() failed: %d on \"" STR_FMT "\" using \"" STR_FMT "\"", n,
                     STR_ARG(subject), STR_ARG(r->pattern));
    }
    if (n < 0)
        return false;
    if (x)
        keep_captures(r, subject, n ? (unsigned)n : GROUPS_MAX, x);
    return true;
}

bool
regex_match_fresh(const struct regex *r, struct str subject, struct exchange *x)
{
    bool matched = regex_match(r, subject, x);
    if (!matched)
        x->n_captures = 0;
    return matched;
}

static void
tell_groups(const pcre2_code *code, struct str subject, unsigned n, regex_group *tell, void *arg)
{
    const size_t *ovector = pcre2_get_ovector_pointer(mine->data);
    uint32_t names = 0, size = 0;
    const unsigned char *entry = NULL;
    for (unsigned i = 0; i < n; i++)
        tell(arg, i, STR_NONE, group(subject, ovector, n, i));
    pcre2_pattern_info(code, PCRE2_INFO_NAMECOUNT, &names);
    pcre2_pattern_info(code, PCRE2_INFO_NAMEENTRYSIZE, &size);
    pcre2_pattern_info(code, PCRE2_INFO_NAMETABLE, &entry);
    for (; names > 0; names--, entry += size) {
        unsigned i = (unsigned)entry[0] << 8 | entry[1];
        tell(arg, i, str_of((const char *)entry + 2), group(subject, ovector, n, i));
    }
}

/* PCRE2 goes down into groups of groups. */
static int
is_too_deep(uint32_t depth, void *start)
{
    return (const char *)start - (const char *)__builtin_frame_address(0) > COMPILE_STACK;
}

int
regex_match_once(struct exchange *x, struct str pattern, struct str subject, regex_group *tell,
                 void *arg)
{
    int error;
    size_t offset;
    struct matcher *m = matcher();
    pcre2_set_compile_recursion_guard(m->once, is_too_deep, __builtin_frame_address(0));
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern.p, pattern.n, 0, &error, &offset, m->once);
    if (code == NULL) {
        char text[128];
        pcre2_get_error_message(error, (PCRE2_UCHAR *)text, sizeof text);
        exchange_log(x, LEVEL_ERROR, 0, "pcre2_compile() failed: %s in \"" STR_FMT "\"", text,
                     STR_ARG(pattern));
        return -1;
    }
    PCRE2_SPTR text = (PCRE2_SPTR)(subject.p ? subject.p : "");
    int n = pcre2_match(code, text, subject.n, 0, 0, m->data, m->context);
    if (n >= 0)
        tell_groups(code, subject, n ? (unsigned)n : GROUPS_MAX, tell, arg);
    else if (n != PCRE2_ERROR_NOMATCH)
        exchange_log(x, LEVEL_ALERT, 0, "pcre2_match() failed: %d using \"" STR_FMT "\"", n,
                     STR_ARG(pattern));
    pcre2_code_free(code);
    return n >= 0;
}

void
regexes_free(struct compile *c)
{
    struct snapshot *snapshot = c->snapshot;
    for (struct regex *r = snapshot->regexes; r; r = r->next)
        pcre2_code_free(r->code);
    snapshot->regexes = NULL;
}
