/* if (…), as ngx_http_rewrite_module documents it. */
#include "exchange/rewrite/condition.h"

#include "exchange/files/path.h"
#include "exchange/rewrite/program.h"
#include "exchange/snapshot.h"

#include <sys/stat.h>
#include <unistd.h>

struct condition {
    bool (*holds)(const struct condition *c, struct exchange *x);
    const struct variable_ref *variable;
    const struct template *text; /* to compare with, or a file's name */
    struct regex *regex;
    bool negative;
};

/* The words between the parentheses. */
struct words {
    struct str v[3];
    unsigned at[3]; /* which word of the setting */
    unsigned n;
};

static bool
is_true(const struct condition *c, struct exchange *x)
{
    struct str value;
    (void)variable_get(x, c->variable, &value);
    return value.n > 0 && !str_eq(value, STR("0"));
}

static bool
is_equal(const struct condition *c, struct exchange *x)
{
    struct str value;
    (void)variable_get(x, c->variable, &value);
    return str_eq(value, program_text(c->text, x));
}

static bool
matches(const struct condition *c, struct exchange *x)
{
    struct str value;
    (void)variable_get(x, c->variable, &value);
    return regex_match_fresh(c->regex, value, x);
}

static bool
stat_of(const struct condition *c, struct exchange *x, struct stat *out)
{
    struct str path = program_text(c->text, x);
    return path.n > 0 && path.n < 4096 && stat(arena_dup(&x->arena, path).p, out) == 0;
}

static bool
is_file(const struct condition *c, struct exchange *x)
{
    struct stat st;
    return stat_of(c, x, &st) && S_ISREG(st.st_mode);
}

static bool
is_directory(const struct condition *c, struct exchange *x)
{
    struct stat st;
    return stat_of(c, x, &st) && S_ISDIR(st.st_mode);
}

static bool
exists(const struct condition *c, struct exchange *x)
{
    struct stat st;
    return stat_of(c, x, &st);
}

static bool
is_executable(const struct condition *c, struct exchange *x)
{
    struct stat st;
    return stat_of(c, x, &st) && (st.st_mode & 0111);
}

static bool
refuse(struct setting *s, unsigned word)
{
    return setting_error(s, word, "invalid condition \"" STR_FMT "\"",
                         STR_ARG(setting_arg(s, word)));
}

static bool
take_words(struct setting *s, struct words *w)
{
    unsigned last = s->node->n - 1;
    if (!str_starts(setting_arg(s, 1), STR("(")) || s->node->words[1].quoted)
        return refuse(s, 1);
    if (!str_ends(setting_arg(s, last), STR(")")) || s->node->words[last].quoted)
        return refuse(s, last);
    w->n = 0;
    for (unsigned i = 1; i <= last; i++) {
        struct str text = setting_arg(s, i);
        text = i == 1 ? str_skip(text, 1) : text;
        text = i == last ? str_head(text, text.n - 1) : text;
        if (text.n == 0 && !s->node->words[i].quoted)
            continue;
        if (w->n == 3)
            return refuse(s, i);
        w->at[w->n] = i;
        w->v[w->n++] = text;
    }
    return w->n > 0 || refuse(s, 1);
}

static bool
set_variable(struct setting *s, const struct words *w, struct condition *c)
{
    struct snapshot *snapshot = s->compile->snapshot;
    if (w->v[0].n < 2 || w->v[0].p[0] != '$')
        return refuse(s, w->at[0]);
    /* A template of its own, so that a name that nothing defines is reported. */
    if (template_compile(s, w->at[0], w->v[0]) == NULL)
        return false;
    c->variable = variable_reserve(&snapshot->variables, str_skip(w->v[0], 1));
    return true;
}

static bool
set_file_test(struct setting *s, const struct words *w, struct condition *c)
{
    struct str test = w->v[0];
    c->negative = test.p[0] == '!';
    switch (test.p[test.n - 1]) {
    case 'f':
        c->holds = is_file;
        break;
    case 'd':
        c->holds = is_directory;
        break;
    case 'e':
        c->holds = exists;
        break;
    default:
        c->holds = is_executable;
    }
    c->text = template_compile(s, w->at[1], w->v[1]);
    return c->text != NULL;
}

static bool
is_file_test(struct str s)
{
    s = str_skip(s, s.n == 3 && s.p[0] == '!');
    return s.n == 2 && s.p[0] == '-' && memchr("fdex", s.p[1], 4);
}

static bool
set_comparison(struct setting *s, const struct words *w, struct condition *c)
{
    struct str operator= w->v[1];
    c->negative = operator.p[0] == '!';
    struct str bare = str_skip(operator, c->negative);
    if (str_eq(bare, STR("="))) {
        c->holds = is_equal;
        c->text = template_compile(s, w->at[2], w->v[2]);
        return c->text != NULL;
    }
    bool nocase = str_eq(bare, STR("~*"));
    if (!nocase && !str_eq(bare, STR("~")))
        return setting_error(s, w->at[1], "unexpected \"" STR_FMT "\" in condition",
                             STR_ARG(operator));
    c->holds = matches;
    c->regex = regex_compile(s, w->at[2], w->v[2], nocase);
    return c->regex != NULL;
}

const struct condition *
condition_compile(struct setting *s)
{
    struct condition *c = arena_new(s->compile->arena, struct condition);
    struct words w = { .n = 0 };
    bool fine;
    if (!take_words(s, &w))
        return NULL;
    if (w.n == 2 && is_file_test(w.v[0])) {
        fine = set_file_test(s, &w, c);
    } else if (w.n == 1) {
        c->holds = is_true;
        fine = set_variable(s, &w, c);
    } else if (w.n == 3) {
        fine = set_variable(s, &w, c) && set_comparison(s, &w, c);
    } else {
        fine = refuse(s, w.at[1]);
    }
    return fine ? c : NULL;
}

bool
condition_holds(const struct condition *c, struct exchange *x)
{
    return c->holds(c, x) != c->negative;
}
