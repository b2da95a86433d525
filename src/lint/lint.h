/* usher lint: what is allowed in a configuration and is not meant. A rule looks at one directive
 * and what is around it in the tree, and adds findings. */
#pragma once

#include "base/map.h"
#include "config/directive.h"

struct lint;

struct rule {
    const char *id;         /* stable: comments and scripts name it */
    enum log_level level;   /* LEVEL_WARN: to be mended; LEVEL_NOTICE: to be known */
    const char *summary;    /* what goes wrong, in one sentence */
    const char *fix;        /* what to do, without a full stop */
    const char *bad, *good; /* whole configurations: the test and the page of rules use both */
    /* Asked of every directive that is not a line of a table. NULL: found by the compiler. */
    void (*check)(struct lint *l, const struct node *node);
};

/* Ends with a NULL id. */
extern const struct rule lint_rules[];
const struct rule *lint_rule(struct str id);

struct finding {
    struct finding *next;
    const struct rule *rule;
    struct span span;
    struct str message;
};

struct suppression;

struct lint {
    struct arena *arena;
    const struct directive_set *const *sets; /* for rules that ask what a directive does here */
    bool *off;                               /* by the rule's place in lint_rules */
    const struct rule *rule;                 /* the one being asked */
    struct finding *first, **end;
    struct suppression *suppressions;
    unsigned warnings, notices;
};

void lint_init(struct lint *l, struct arena *a, const struct directive_set *const *sets);
/* Only these rules, or all but these: a list with commas. False when one of them is unknown;
 * *unknown names it. */
bool lint_only(struct lint *l, struct str list, struct str *unknown);
bool lint_without(struct lint *l, struct str list, struct str *unknown);
/* Asks every rule of every directive. The tree and its sources must outlive the findings. */
void lint_tree(struct lint *l, const struct node *root);
/* Reads the comments that silence rules; before anything is asked. */
void lint_comments(struct lint *l, const struct sources *sources);
/* Comments that silence nothing, or name no rule, are findings too; at the end. */
void lint_judge_comments(struct lint *l);
/* A finding of the rule being asked, at that place, unless a comment there forbids it. */
void lint_add(struct lint *l, struct span at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A finding of a rule that the compiler made. */
void lint_add_of(struct lint *l, const char *id, struct span at, struct str message);
