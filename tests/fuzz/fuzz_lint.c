/* Any text as a configuration, judged by every rule and reported in every form. */
#include "target.h"

#include "lint/report.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena a;
    struct sources s;
    struct diags d;
    struct lint l;
    struct buf b;
    arena_init(&a, 0);
    sources_init(&s, &a);
    s.sealed = true;
    diags_init(&d, &a);
    buf_init(&b, &a, 1000, 0);
    lint_init(&l, &a, NULL);
    struct source *text = sources_add_text(&s, STR("t"), (struct str){ (const char *)data, n });
    lint_comments(&l, &s);
    lint_tree(&l, config_parse_text(&s, text, &d, &a));
    lint_judge_comments(&l);
    struct lint_report r = { .b = &b };
    lint_begin_sarif(&r);
    lint_print_text(&r, &l);
    lint_print_json(&r, &l);
    lint_print_sarif(&r, &l);
    lint_end_sarif(&r, d.errors == 0);
    arena_fini(&a);
    return 0;
}
