/* The rules' questions, by family; the table that gives them names is rules.c. Private to the lint
 * room. */
#pragma once

#include "lint/lint.h"

typedef void check_fn(struct lint *l, const struct node *node);

/* rules_access.c */
check_fn check_return_bypasses_access, check_after_return, check_allow_without_deny,
    check_rule_after_all, check_spoofable_forwarded_for;
/* rules_effect.c */
check_fn check_no_effect_here;
/* rules_headers.c */
check_fn check_lost_add_header, check_lost_set_header, check_cors_reflection;
/* rules_hosts.c */
check_fn check_host_regex_anchor, check_plain_443, check_redirect_loop,
    check_impossible_server_name;
bool server_speaks_tls(const struct node *server);
/* rules_locations.c */
check_fn check_if_in_location, check_shadowed_location, check_regex_never_matches,
    check_regex_backtracking, check_bare_dot;
/* rules_passes.c */
check_fn check_proxy_pass_variable, check_http_splitting, check_missing_host_header,
    check_proxy_pass_uri;
/* rules_paths.c */
check_fn check_alias_traversal, check_alias_slash, check_alias_without_capture,
    check_merge_slashes_off, check_no_effect;
/* rules_tls.c */
check_fn check_weak_tls;
