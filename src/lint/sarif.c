/* SARIF 2.1.0 (OASIS): one run, its rules, its results. */
#include "lint/json.h"
#include "lint/report.h"

#include "base/version.h"

static void
print_rule(struct buf *b, const struct rule *rule)
{
    buf_put(b, STR("{\"id\": "));
    json_string(b, str_of(rule->id));
    buf_put(b, STR(", \"shortDescription\": {\"text\": "));
    json_string(b, str_of(rule->summary));
    buf_put(b, STR("}, \"help\": {\"text\": "));
    json_string(b, str_of(rule->fix));
    buf_printf(b, "}, \"defaultConfiguration\": {\"level\": \"%s\"}}", lint_level(rule->level));
}

void
lint_begin_sarif(const struct lint_report *r)
{
    struct buf *b = r->b;
    buf_put(
        b,
        STR("{\"$schema\": \"https://json.schemastore.org/sarif-2.1.0.json\", "
            "\"version\": \"2.1.0\", \"runs\": [{\"tool\": {\"driver\": {\"name\": \"usher lint\", "
            "\"version\": \"" USHER_VERSION "\", \"rules\": ["));
    for (const struct rule *rule = lint_rules; rule->id; rule++) {
        buf_put(b, rule == lint_rules ? STR("\n  ") : STR(",\n  "));
        print_rule(b, rule);
    }
    buf_put(b, STR("\n]}}, \"columnKind\": \"utf16CodeUnits\", \"results\": ["));
}

/* A URI reference (RFC 3986): relative as it stands, absolute with its scheme. */
static void
print_uri(struct buf *b, struct str path)
{
    static const char digits[] = "0123456789ABCDEF";
    buf_put(b, str_starts(path, STR("/")) ? STR("\"file://") : STR("\""));
    for (size_t i = 0; i < path.n; i++) {
        unsigned char c = (unsigned char)path.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     (c && strchr("/-._~", c));
        if (plain)
            buf_byte(b, (char)c);
        else
            buf_printf(b, "%%%c%c", digits[c >> 4], digits[c & 15]);
    }
    buf_byte(b, '"');
}

void
lint_print_sarif(const struct lint_report *r, const struct lint *l)
{
    struct buf *b = r->b;
    for (const struct finding *f = l->first; f; f = f->next) {
        buf_put(b, b->p[b->n - 1] == '}' ? STR(",\n  ") : STR("\n  "));
        buf_printf(
            b,
            "{\"ruleId\": \"%s\", \"ruleIndex\": %u, \"level\": \"%s\", \"message\": {\"text\": ",
            f->rule->id, (unsigned)(f->rule - lint_rules), lint_level(f->rule->level));
        json_string(b, arena_printf(l->arena, STR_FMT ": %s", STR_ARG(f->message), f->rule->fix));
        buf_put(b,
                STR("}, \"locations\": [{\"physicalLocation\": {\"artifactLocation\": {\"uri\": "));
        print_uri(b, lint_path(r, f));
        buf_printf(b,
                   "}, \"region\": {\"startLine\": %u, \"startColumn\": %u, \"endLine\": %u, "
                   "\"endColumn\": %u}}}]}",
                   f->span.line, f->span.column, f->span.line, f->span.column + f->span.length);
    }
}

void
lint_end_sarif(const struct lint_report *r, bool loaded)
{
    buf_printf(r->b, "\n], \"invocations\": [{\"executionSuccessful\": %s}]}]}\n",
               loaded ? "true" : "false");
}
