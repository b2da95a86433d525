/* The table of rules: what `usher lint` looks for, and docs/lint.md is made of. */
#include "lint/rules.h"

const struct rule lint_rules[] = {
    { "after-return", LEVEL_WARN,
      "return ends the request at once: what rewrites after it, passes on beside it, or stands in "
      "a "
      "location of the same server is never reached.",
      "put the return into a location of its own, such as \"location /\"",
      "server { return 301 https://example.com; location /.well-known/ { root /srv; } }",
      "server { location / { return 301 https://example.com; } location /.well-known/ { root /srv; "
      "} }",
      check_after_return },
    { "alias-slash", LEVEL_WARN,
      "The location's name is replaced as it stands, so an alias without the name's slash glues "
      "file "
      "names to it.",
      "end the alias with a slash", "server { location /i/ { alias /srv/images; } }",
      "server { location /i/ { alias /srv/images/; } }", check_alias_slash },
    { "alias-traversal", LEVEL_WARN,
      "A location without a slash at its end takes /i../x too, which nginx makes a file beside the "
      "alias. (usher refuses it; nginx serves it.)",
      "end the location's name with a slash too", "server { location /i { alias /srv/images/; } }",
      "server { location /i/ { alias /srv/images/; } }", check_alias_traversal },
    { "alias-without-capture", LEVEL_WARN,
      "In a location with a regular expression, alias is the whole path of the file: nothing of "
      "the "
      "request is added to it.",
      "capture the rest of the path, and name it: \"alias /srv/images/$1;\"",
      "server { location ~ ^/i/ { alias /srv/images/; } }",
      "server { location ~ ^/i/(.*)$ { alias /srv/images/$1; } }", check_alias_without_capture },
    { "allow-without-deny", LEVEL_WARN,
      "Addresses that no rule names are let in, so a list of allow alone keeps nobody out.",
      "add \"deny all;\" after it", "server { location / { allow 10.0.0.0/8; } }",
      "server { location / { allow 10.0.0.0/8; deny all; } }", check_allow_without_deny },
    { "bare-dot", LEVEL_WARN,
      "A dot that is not escaped stands for any byte: \".php$\" takes /aphp too.",
      "write \\. for a dot", "server { location ~ .php$ { return 403; } }",
      "server { location ~ \\.php$ { return 403; } }", check_bare_dot },
    { "cors-reflection", LEVEL_WARN,
      "To answer with whatever Origin came, and to allow credentials, lets every site read what "
      "the "
      "user may read.",
      "choose the origin with a map of those you trust",
      "server { add_header Access-Control-Allow-Origin $http_origin; "
      "add_header Access-Control-Allow-Credentials true; }",
      "server { add_header Access-Control-Allow-Origin https://app.example.com; "
      "add_header Access-Control-Allow-Credentials true; }",
      check_cors_reflection },
    { "duplicate-server-name", LEVEL_WARN,
      "Two servers of one address have the same name: the first gets its requests, the other none.",
      "take the name from one of them, or give them different addresses",
      "server { listen 80; server_name a.com; } server { listen 80; server_name a.com; }",
      "server { listen 80; server_name a.com; } server { listen 80; server_name b.com; }", NULL },
    { "host-regex-anchor", LEVEL_WARN,
      "A regular expression for a host that is not tied to both ends, or whose dots are not "
      "escaped, "
      "matches hosts that somebody else may register.",
      "write ^ at the start, $ at the end and \\. for a dot",
      "map $http_origin $cors { ~https://example\\.com$ 1; ~^https://www.example.com$ 2; }",
      "map $http_origin $cors { ~^https://(www\\.)?example\\.com$ 1; }", check_host_regex_anchor },
    { "http-splitting", LEVEL_WARN,
      "$uri is decoded: %0d%0a in a request becomes a line break, with which clients could add "
      "fields "
      "to a response or to what a backend is sent.",
      "use $request_uri, which stays encoded, or a group that names its bytes, as [a-z.-]+",
      "server { location / { return 301 https://example.com$uri; } }",
      "server { location / { return 301 https://example.com$request_uri; } }",
      check_http_splitting },
    { "if-in-location", LEVEL_WARN,
      "In a location, an if with more than rewrite, return, set and break is a location of its own "
      "that inherits only part of the one around it.",
      "set a variable with map, or use \"error_page\" and a named location",
      "server { location / { if ($arg_a) { add_header A b; } } }",
      "server { location / { if ($arg_a) { return 403; } } }", check_if_in_location },
    { "impossible-server-name", LEVEL_WARN,
      "server_name takes hosts alone: no scheme, port or path, blanks between them, and regular "
      "expressions begin with \"~\".",
      "write the host alone", "server { server_name https://example.com; }",
      "server { server_name example.com ~^www\\d\\.example\\.com$; }",
      check_impossible_server_name },
    { "lost-add-header", LEVEL_WARN,
      "add_header in a block replaces the whole list of the blocks around it, security fields "
      "included.",
      "repeat them here, or say \"add_header_inherit merge;\"",
      "server { add_header X-Frame-Options DENY; location / { add_header A b; } }",
      "server { add_header X-Frame-Options DENY; location / { add_header_inherit merge; "
      "add_header A b; } }",
      check_lost_add_header },
    { "lost-set-header", LEVEL_WARN,
      "proxy_set_header, fastcgi_param and their kin in a block replace the whole list of the "
      "blocks "
      "around it.",
      "repeat the others here, best by an included file",
      "server { proxy_set_header Host $host; location / { proxy_set_header A b; "
      "proxy_pass http://127.0.0.1; } }",
      "server { proxy_set_header Host $host; location / { proxy_pass http://127.0.0.1; } }",
      check_lost_set_header },
    { "merge-slashes-off", LEVEL_WARN,
      "With merge_slashes off a path with two slashes misses the location that protects it, while "
      "the "
      "backend may take it for the same.",
      "leave merge_slashes on", "server { merge_slashes off; }", "server { merge_slashes on; }",
      check_merge_slashes_off },
    { "missing-host-header", LEVEL_WARN,
      "Without proxy_set_header Host, servers are told the name of the upstream group, which is no "
      "host that they know.",
      "set it: \"proxy_set_header Host $host;\", or the servers' own name",
      "upstream app { server app.example.com:8080; } server { location / { proxy_pass http://app; "
      "} }",
      "upstream app { server app.example.com:8080; } server { location / { "
      "proxy_set_header Host app.example.com; proxy_pass http://app; } }",
      check_missing_host_header },
    { "no-effect", LEVEL_NOTICE,
      "The directive is accepted for nginx's sake, and does nothing in usher.",
      "leave it out, unless nginx is to read this file too", NULL, NULL, check_no_effect },
    { "no-effect-here", LEVEL_WARN,
      "The directive waits for another one that is not there: a zone without its limit, a file of "
      "passwords without auth_basic, real_ip_header without set_real_ip_from, a certificate "
      "without ssl.",
      "add what is missing, or leave it out",
      "server { location / { auth_basic_user_file htpasswd; } }",
      "server { location / { auth_basic closed; auth_basic_user_file htpasswd; } }",
      check_no_effect_here },
    { "plain-443", LEVEL_WARN,
      "Browsers speak TLS to port 443; without the parameter ssl they are answered in clear text.",
      "write \"listen 443 ssl;\"", "server { listen 443; }", "server { listen 443 ssl; }",
      check_plain_443 },
    { "proxy-pass-uri", LEVEL_WARN,
      "When proxy_pass has a path, that path replaces the location's name as it stands: both must "
      "end "
      "with a slash, or neither.",
      "let both end with a slash, or neither",
      "server { location /app { proxy_pass http://127.0.0.1/; } }",
      "server { location /app/ { proxy_pass http://127.0.0.1/; } }", check_proxy_pass_uri },
    { "proxy-pass-variable", LEVEL_WARN,
      "A host made of what the client sent lets clients send requests to any server that usher can "
      "reach, those of the inner network included (SSRF).",
      "choose the host with a map of those that are meant",
      "server { location / { set $to $arg_host; proxy_pass http://$to; } }",
      "server { location ~ ^/(blue|green)/ { proxy_pass http://$1.internal; } }",
      check_proxy_pass_variable },
    { "redirect-loop", LEVEL_WARN,
      "A server that listens with ssl as well and redirects every request to https:// redirects "
      "for "
      "ever.",
      "redirect in a server of its own that listens on port 80",
      "server { listen 80; listen 443 ssl; return 301 https://$host$request_uri; }",
      "server { listen 80; return 301 https://$host$request_uri; }", check_redirect_loop },
    { "regex-backtracking", LEVEL_WARN,
      "A repetition of a repetition, such as (a+)+, may match one text in so many ways that a "
      "single "
      "request keeps a thread busy until the match limit ends it.",
      "let each round of the outer repetition begin with something fixed",
      "server { location ~ ^(/?[a-z]+)+$ { } location ~ ^([a-z]+)*$ { } }",
      "server { location ~ ^(/[a-z]+)+$ { } }", check_regex_backtracking },
    { "regex-never-matches", LEVEL_WARN,
      "Locations and rewrites see the decoded path, without the query string; it begins with a "
      "slash.",
      "match the path alone; look at arguments with $arg_NAME in an if",
      "server { rewrite ^old /new; location ~ \\.php$x { } location /a?b=c { } }",
      "server { rewrite ^/old /new; location ~ \\.php$ { } }", check_regex_never_matches },
    { "return-bypasses-access", LEVEL_WARN,
      "return answers before allow, deny, auth_basic, auth_request and the limits are asked.",
      "use \"try_files\" with a named location, or protect a location that does not return",
      "server { location / { deny all; return 200 secret; } }",
      "server { location / { deny all; root /srv; } }", check_return_bypasses_access },
    { "rule-after-all", LEVEL_WARN,
      "Rules are asked in the order of the text; after \"all\" none is.", "put the rule before it",
      "server { location / { deny all; allow 10.0.0.0/8; } }",
      "server { location / { allow 10.0.0.0/8; deny all; } }", check_rule_after_all },
    { "shadowed-location", LEVEL_WARN,
      "Another location takes every request that this one could get: the same regular expression "
      "or "
      "one for everything comes first, or a ^~ location holds the paths.",
      "put it first, or take it out",
      "server { location ^~ /img/ { } location ~ ^/img/.*\\.png$ { } }",
      "server { location /img/ { } location ~ ^/img/.*\\.png$ { } }", check_shadowed_location },
    { "spoofable-forwarded-for", LEVEL_WARN,
      "X-Forwarded-For is what a client likes it to be, unless a trusted proxy wrote it.",
      "trust your own proxies by address (set_real_ip_from), then use $remote_addr",
      "server { set_real_ip_from 0.0.0.0/0; }", "server { set_real_ip_from 10.0.0.0/8; }",
      check_spoofable_forwarded_for },
    { "unknown-suppression", LEVEL_WARN, "A comment for usher lint names no rule that there is.",
      "see usher lint --rules", "# usher-lint: disable=week-tls\nserver { listen 80; }",
      "# Checked by usher lint.\nserver { listen 80; }", NULL },
    { "unused-suppression", LEVEL_NOTICE,
      "A comment silences a rule that finds nothing at its place: the trap has gone, or the "
      "comment "
      "stands elsewhere.",
      "take the comment out", "server { listen 80; # usher-lint: disable=weak-tls\n}",
      "server { listen 443 ssl; ssl_protocols TLSv1.1; # usher-lint: disable=weak-tls\n}", NULL },
    { "weak-tls", LEVEL_WARN,
      "SSLv3, TLS 1.0, TLS 1.1, RC4, DES, export ciphers and the like are broken or forbidden (RFC "
      "8996).",
      "leave the directive out, or name TLSv1.2 and TLSv1.3",
      "server { ssl_protocols TLSv1 TLSv1.2; ssl_ciphers HIGH:RC4; }",
      "server { ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers HIGH:!aNULL:!MD5:!RC4; }",
      check_weak_tls },
    { 0 },
};
