/* Compiling a syntax tree: looking rows up, checking contexts, arity and duplicates, applying rows,
 * opening scopes. All problems are reported; nothing stops at the first. */
#pragma once

#include "base/map.h"
#include "config/directive.h"

struct compile {
    struct arena *arena; /* the snapshot's: settings and all they point to live there */
    struct sources *sources;
    struct diags *diags;
    uint64_t id;                             /* no other compile of the process has it */
    const struct directive_set *const *sets; /* n_sets of them */
    unsigned n_sets;
    struct map rows; /* name → rows (several contexts may define one name) */
    struct deferred *deferred, **deferred_end;
    struct deferred *finals;     /* what compile_fini runs */
    void *snapshot;              /* exchange/snapshot.h; the config room does not look inside */
    void *upstreams;             /* upstream/table.h; nor there */
    struct str prefix, conf_dir; /* for relative paths */
    /* private to the config room */
    uint64_t serial;     /* the last one given to a scope */
    struct map set_rows; /* directive set → its index and rows */
    bool unopened;       /* a block's "{" is missing: what it should hold stands elsewhere */
    unsigned suggested;  /* "did you mean" costs time; the first hundred problems get it */
};

/* The language's own: include. Put it among the sets, for the manual. */
extern const struct directive_set config_directives;

/* sets: all rooms' and features' directive sets, ended by NULL. */
void compile_init(struct compile *c, struct arena *a, struct sources *s, struct diags *d,
                  const struct directive_set *const *sets);
/* Compiles the tree under root: opens the main scope (its object is c->snapshot), applies defaults
 * and directives, runs what was deferred, sorts c->diags. True when no error was added. The tree
 * and its sources must live as long as c->arena: settings point into them. */
bool compile_run(struct compile *c, const struct node *root);

/* Opens a child scope for a block: settings inherited from the parent. `object` as in struct scope.
 * In c->arena. */
struct scope *scope_open(struct scope *parent, const struct node *node, enum context context,
                         void *object);
/* Applies the block's simple directives, then `complete` hooks, then its nested blocks in order. */
void scope_run(struct scope *s);
/* The two halves, for rooms that act between them (a location must know its settings before its
 * children). */
void scope_run_simple(struct scope *s);
void scope_run_blocks(struct scope *s);
/* Runs fn(s, arg) among the nested blocks, in the order of the text: for what .set begins and only
 * the scope's complete settings can end. */
void scope_after(struct scope *s, void (*run)(struct scope *s, void *arg), void *arg);
/* This scope's settings of a set, read-only unless the scope owns them (scope_settings_own copies
 * first). */
const void *scope_settings(const struct scope *s, const struct directive_set *set);
void *scope_settings_own(struct scope *s, const struct directive_set *set);
/* The nearest enclosing scope of one of the contexts (itself included), or NULL. */
struct scope *scope_enclosing(struct scope *s, unsigned contexts);

/* Runs fn(c, arg) after the whole tree was compiled (an upstream may stand after its use), in
 * order. */
void compile_defer(struct compile *c, void (*fn)(struct compile *c, void *arg), void *arg);
/* Runs fn(c, arg) before the arena goes, last one first: for what an arena does not hold. */
void compile_finally(struct compile *c, void (*fn)(struct compile *c, void *arg), void *arg);
void compile_fini(struct compile *c);

/* Problems in nginx's words. word 0 is the directive's name. Both return false, to be returned by
 * .set. */
bool setting_error(struct setting *s, unsigned word, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool setting_warn(struct setting *s, unsigned word, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Adds a hint to the problem just reported: 'did you mean "x"?', what belongs here. */
void setting_hint(struct setting *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* s->node->words[i].text */
struct str setting_arg(const struct setting *s, unsigned i);
/* "name=value" parameters: true when arg i starts with name=, *value is what follows. */
bool setting_parameter(const struct setting *s, unsigned i, struct str name, struct str *value);
/* Parse helpers that .set callbacks share; false without reporting. */
bool parse_bytes(struct str text, uint64_t *out);
bool parse_msec(struct str text,
                uint64_t *out); /* nginx's time syntax, plain numbers are seconds */
/* A path made absolute against the prefix (or against the configuration's directory). */
struct str compile_path(struct compile *c, struct str path);
struct str compile_conf_path(struct compile *c, struct str path);
