/* Text and JSON, and the page of the rules. */
#include "lint/report.h"

#include "lint/json.h"

const char *
lint_level(enum log_level level)
{
    return level == LEVEL_WARN ? "warning" : "note";
}

struct str
lint_path(const struct lint_report *r, const struct finding *f)
{
    struct str path = f->span.source ? f->span.source->path : STR("");
    bool below = r->here.n && str_starts(path, r->here) && path.n > r->here.n;
    return below ? str_skip(path, r->here.n) : path;
}

void
lint_print_text(const struct lint_report *r, const struct lint *l)
{
    for (const struct finding *f = l->first; f; f = f->next) {
        struct diag diag = {
            .level = f->rule->level, .span = f->span, .shown = f->span, .hint = str_of(f->rule->fix)
        };
        diag.message = arena_printf(l->arena, "[%s] " STR_FMT " [%s]",
                                    f->rule->level == LEVEL_WARN ? "warn" : "notice",
                                    STR_ARG(f->message), f->rule->id);
        diag_line(&diag, r->b);
        buf_byte(r->b, '\n');
        diag_excerpt(&diag, r->b);
    }
}

static void
member(struct buf *b, const char *name, struct str value)
{
    buf_printf(b, "\"%s\": ", name);
    json_string(b, value);
}

void
lint_print_json(const struct lint_report *r, const struct lint *l)
{
    struct buf *b = r->b;
    for (const struct finding *f = l->first; f; f = f->next) {
        buf_put(b, b->n && b->p[b->n - 1] == '}' ? STR(",\n  {") : STR("\n  {"));
        member(b, "rule", str_of(f->rule->id));
        buf_put(b, STR(", "));
        member(b, "level", str_of(lint_level(f->rule->level)));
        buf_put(b, STR(", "));
        member(b, "file", lint_path(r, f));
        buf_printf(b, ", \"line\": %u, \"column\": %u, \"endColumn\": %u, ", f->span.line,
                   f->span.column, f->span.column + f->span.length);
        member(b, "message", f->message);
        buf_put(b, STR(", "));
        member(b, "fix", str_of(f->rule->fix));
        buf_byte(b, '}');
    }
}

void
lint_print_rules(struct buf *b)
{
    for (const struct rule *rule = lint_rules; rule->id; rule++)
        buf_printf(b, "%-24s %-8s %s\n", rule->id, lint_level(rule->level), rule->summary);
}

void
lint_print_rules_json(struct buf *b)
{
    buf_byte(b, '[');
    for (const struct rule *rule = lint_rules; rule->id; rule++) {
        buf_put(b, rule == lint_rules ? STR("\n  {") : STR(",\n  {"));
        member(b, "rule", str_of(rule->id));
        buf_put(b, STR(", "));
        member(b, "level", str_of(lint_level(rule->level)));
        buf_put(b, STR(", "));
        member(b, "summary", str_of(rule->summary));
        buf_put(b, STR(", "));
        member(b, "fix", str_of(rule->fix));
        if (rule->bad) {
            buf_put(b, STR(", "));
            member(b, "bad", str_of(rule->bad));
            buf_put(b, STR(", "));
            member(b, "good", str_of(rule->good));
        }
        buf_byte(b, '}');
    }
    buf_put(b, STR("\n]\n"));
}

static const char head[] =
    "# usher lint\n\n"
    "Written by `usher lint --manual`: change src/lint/rules.c, not this page.\n\n"
    "`usher lint FILE|DIRECTORY|-...` names what is allowed in a configuration and most likely not "
    "meant,\neach with its line and how to mend it. It starts nothing and resolves nothing. `-` is "
    "standard input; a\ndirectory is its usher.conf or nginx.conf, and where there is none, all "
    "that end in .conf.\n\n"
    "| | |\n|---|---|\n"
    "| `--format=text\\|json\\|sarif` | how findings are shown; SARIF 2.1.0 is what code hosts "
    "read |\n"
    "| `--rule=ID,...` | only these rules |\n"
    "| `--disable=ID,...` | all but these |\n"
    "| `-p PREFIX` | where relative paths begin; else the directory of the file |\n"
    "| `--rules` | lists the rules |\n\n"
    "The exit code is 0 without findings (or with notes alone), 1 with warnings, 2 when a file "
    "does not "
    "load:\nwhat is wrong with it is told on standard error as `usher -t` does, and its traps "
    "beside that.\n\n"
    "A comment silences a rule: `# usher-lint: disable=RULE,RULE` in the line of the finding, "
    "alone in\nthe line before it, or, for a whole file, among the comments at its top. `all` is "
    "every rule, and what\nfollows the names may say why. Comments that name no rule, or silence "
    "nothing, are told.\n";

void
lint_print_manual(struct buf *b)
{
    buf_put(b, str_of(head));
    for (const struct rule *rule = lint_rules; rule->id; rule++) {
        buf_printf(b, "\n## %s\n\n%s (%s)\n\nTo do: %s.\n", rule->id, rule->summary,
                   lint_level(rule->level), rule->fix);
        if (rule->bad)
            buf_printf(b, "\n```nginx\n# found\n%s\n# fine\n%s\n```\n", rule->bad, rule->good);
    }
}
