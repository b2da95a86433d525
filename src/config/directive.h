/* Directives: a row binds a name to a typed field of a settings struct. Reading, defaults,
 * inheritance, the manual and the checks all come from the row.
 *
 * A *directive set* is the directives of one feature (or room) and the size of its settings struct.
 * Each scope (main, http, server, location…) has one settings struct a set; a scope that sets
 * nothing shares its parent's. Inheritance is copying: a scope's struct starts as a copy of its
 * parent's finished one, then its own directives are applied, whatever their place in the text;
 * nested blocks come after. So a field is never "unset": rows have .initial, applied at the root. A
 * MANY row empties its field at the first use in a scope (nginx's "inherited if and only if there
 * are none at the current level"). */
#pragma once

#include "base/clock.h"
#include "config/node.h"

struct bytes {
    uint64_t n;
};

enum context {
    IN_MAIN = 1 << 0,
    IN_EVENTS = 1 << 1,
    IN_HTTP = 1 << 2,
    IN_SERVER = 1 << 3,
    IN_LOCATION = 1 << 4,
    IN_UPSTREAM = 1 << 5,
    IN_SERVER_IF = 1 << 6,
    IN_LOCATION_IF = 1 << 7,
    IN_LIMIT_EXCEPT = 1 << 8,
    IN_TYPES = 1 << 9,
    IN_ANY_BLOCK = 1 << 10, /* bodies that their own directive reads: map, geo, match … */
    IN_STREAM = 1 << 11,
    IN_STREAM_SERVER = 1 << 12,
    IN_STREAM_UPSTREAM = 1 << 13,
};

struct directive;
struct compile;
struct pending; /* config/scope.c, private */

/* A block being compiled. */
struct scope {
    struct compile *compile;
    struct scope *parent; /* NULL for the root */
    const struct node *node;
    enum context context;
    uint64_t serial;                        /* tells one scope from another, for duplicates */
    struct pending *pending, **pending_end; /* blocks that scope_run_blocks will open; private */
    void **settings;                        /* by directive set, see scope_settings */
    void *object; /* what the block makes: struct server *, struct location *, … of the room that
                     owns it */
};

/* One directive as written, being applied. */
struct setting {
    struct compile *compile;
    struct scope *scope;
    const struct directive *row;
    const struct node *node;
    void *settings; /* this scope's struct of the row's set */
    void *field;    /* settings + row->field.offset */
    bool unended;   /* a forgotten ";" was reported: what else is wrong belongs to the next one */
};

/* How words become a value of a C type. parse reports its own problem and returns false. */
struct value_type {
    const char *syntax; /* "size", "time", "on | off", "number", "text" … for the manual */
    bool (*parse)(struct setting *s, struct word word, void *field);
};

extern const struct value_type value_flag;  /* bool */
extern const struct value_type value_bytes; /* struct bytes: 8k, 1m, 2g */
extern const struct value_type
    value_msec; /* struct msec: 1h 30m, 500ms, 30 (seconds); plain numbers are seconds */
extern const struct value_type value_number; /* unsigned, or a choice when the row has .choices */
extern const struct value_type value_u64;
extern const struct value_type value_text; /* struct str, as written */
extern const struct value_type
    value_template; /* struct template *: text with variables; exchange/values/template.c */

struct template;

#define VALUE_TYPE_OF(lvalue) \
    _Generic((lvalue), bool: &value_flag, struct bytes: &value_bytes, struct msec: &value_msec, \
             unsigned: &value_number, uint64_t: &value_u64, struct str: &value_text, \
             const struct template *: &value_template)

struct field_place {
    size_t offset;
    const struct value_type *type;
    size_t size; /* 0: no field */
};

/* A typed field, parsed from exactly one argument (or several with CHOICES_ADD). */
#define FIELD(settings_type, member)                                                  \
    {                                                                                 \
        offsetof(settings_type, member), VALUE_TYPE_OF(((settings_type *)0)->member), \
            sizeof(((settings_type *)0)->member)                                      \
    }
/* A field that the row's .set fills. */
#define PLACE(settings_type, member)                                                \
    {                                                                               \
        offsetof(settings_type, member), NULL, sizeof(((settings_type *)0)->member) \
    }
/* No field: .initial is for the manual only. */
#define NO_FIELD   \
    {              \
        0, NULL, 0 \
    }

struct choice {
    const char *name;
    unsigned value;
};

enum directive_flags {
    /* May stand several times in a scope; its field is zeroed at the first in each scope. Rows of
     * one set that share a field (allow, deny) share that first. */
    MANY = 1 << 0,
    /* Has a body; .set opens it (scope_open + scope_run, or reads node->children itself). */
    BLOCK = 1 << 1,
    /* The body's lines are data, not directives (types, map, geo …): no lookup inside; applied
     * together with the simple directives, so that what it sets is inherited. */
    RAW = 1 << 2,
    /* Several of .choices may be given, by several directives, too; their values are or-ed. Any
     * number of arguments from one unless the row says otherwise. */
    CHOICES_ADD = 1 << 3,
    IGNORED = 1 << 4,    /* accepted for nginx's sake, without effect; .help says so */
    REPEATABLE = 1 << 5, /* may stand several times, nothing is zeroed (block rows, listen) */
    SETTINGS_APART =
        1 << 6, /* .set keeps what it reads elsewhere: the block's settings stay shared */
};

struct directive {
    const char *name;
    struct field_place field;
    unsigned contexts; /* enum context bits */
    /* As one would write it, NULL: zero bytes. Applied once to the root's settings, through .set
     * too, whatever the row's contexts are; s->scope is the main scope then. */
    const char *initial;
    const char *help; /* one to three sentences for the manual; required */
    /* After the name, without the ";"; a block's " { ... }" is added unless it has a brace. NULL:
     * from the type or the choices. Required with .set. */
    const char *syntax;
    const char *example;          /* one whole line (or block); NULL: name + initial */
    const struct choice *choices; /* ends with a NULL name */
    unsigned flags;
    /* 0, 0: exactly one. args_max 0 after a args_min: exactly args_min. ARGS_ANY: no upper bound */
    unsigned char args_min, args_max;
    bool (*set)(struct setting *s); /* instead of field.type; reports its own problem, false then */
    /* What holds where nobody sets it, when .initial cannot say so; for the manual only. */
    const char *unset;
    const char *differs; /* from nginx, on purpose; for the manual only. NULL: it does not */
};

enum {
    ARGS_ANY = 255,
    ARGS_NONE = 254 /* as args_max with args_min 0: takes no argument (block rows like http) */
};

struct directive_set {
    const char *name; /* the feature's */
    size_t settings_size;
    const struct directive *directives; /* ends with a NULL name */
    /* After a scope's own directives were applied (only when the scope set some, and at the root):
     * derive, cross-check. May be NULL. */
    bool (*complete)(struct scope *scope, void *settings);
};
