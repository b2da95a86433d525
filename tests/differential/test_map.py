"""map: exact values, host names, regular expressions, and what they give."""
import pytest


def conf(http, show="[$x]"):
    return http + ' server { listen 127.0.0.1:%%PORT%%; server_name localhost; location / { return 200 "' + show + '"; } }'


def asks(*values):
    return [f"/?a={v}" for v in values] + ["/"]


EXACT = {
    "any-case": "map $arg_a $x { One 1; tWo 2; }",
    "default": "map $arg_a $x { default d; one 1; }",
    "default-later": "map $arg_a $x { one 1; default d; }",
    "no-default": "map $arg_a $x { one 1; }",
    "empty": 'map $arg_a $x { default d; "" e; }',
    "nothing": "map $arg_a $x { }",
    "escaped": r"map $arg_a $x { default d; \default D; \hostnames H; \volatile V; \~one T; \include I; \one O; }",
    "names": "map $arg_a $x { default d; hostnames h; volatile v; }",
    "literal-masks": "map $arg_a $x { *.one 1; one.* 2; .one 3; }",
    "quoted": """map $arg_a $x { "one" "1 and more"; 'two' '"2"'; "a b" c; }""",
    "variables": 'map $arg_a $x { one $uri; two "$request_method-${arg_b}!"; default $arg_b; }',
    "absent": 'map $arg_a $x { default $http_none; one ""; }',
    "several": 'map "$arg_a:$request_method" $x { "one:GET" 1; ":GET" none; ~:HEAD$ h; }',
    "text": "map fixed $x { fixed yes; }",
    "chain": "map $arg_a $y { one two; default $arg_a; } map $y $x { two 22; default -$y-; }",
    "again": "map $arg_a $x { one first; } map $arg_a $x { one second; default s; }",
    "over-prefix": 'map $uri $arg_b { default mapped; } map $arg_a $x { one "$arg_b"; }',
    "long": 'map $arg_a $x { default d; %s l; }' % ("y" * 40),
    "hash": "map_hash_max_size 4096; map_hash_bucket_size 128; map $arg_a $x { one 1; }",
    "dollar": 'map $arg_a $x { "$uri" literal; one "a$uri"; }',
    "semicolon": 'map $arg_a $x { one "1;2"; two "{3}"; }',
}
VALUES = ["one", "ONE", "two", "default", "hostnames", "volatile", "include", "~one", "%5Cone", "*.one", "one.*", ".one", "x.one",
          "a%20b", "y" * 40, "%24uri", "$uri", "none&b=2", "two&b=2", "one&b=3"]


@pytest.mark.parametrize("name", EXACT)
def test_exact_values(agree, name):
    agree(conf(EXACT[name]), asks(*VALUES) + ["HEAD /?a=one"])


HOSTS = {
    "documented": "example.com 1; *.example.com 2; example.org 3; *.example.org 4; .example.net 5; wap.* 6;",
    "longest": "*.com c; *.example.com e; *.a.example.com a; www.* w; www.example.* we;",
    "dot": ".example.com 1; . 2; a. 3;",
    "order": "~^www r; www.* t; *.example.com l; www.example.com x; default d;",
    "empty": '"" e; default d;',
    "case": "Example.COM 1; *.Example.ORG 2; Wap.* 3;",
    "regex": r"~^(?<sub>\w+)\.example\.com$ $sub; ~*NET$ net; default $http_host;",
    "escaped": r"\*.example.com 1; \.example.net 2; \~x 3;",
    "both": "*.example.com 1; example.* 2; www.example.* 3;",
}
NAMES = ["example.com", "EXAMPLE.com", "www.example.com", "a.b.example.com", "x.a.example.com", "example.com.", "www.example.com.", "example.org",
         "a.example.org", "example.net", "z.example.net", "wap.x", "wap.x.y", "wap", "www.x", "", ".", "..", "*.example.com", ".example.com",
         ".example.net", "a", "a.", "example.com:80", "www.example", "example..com"]


@pytest.mark.parametrize("name", HOSTS)
def test_host_names(agree, name):
    agree(conf("map $arg_a $x { hostnames; %s }" % HOSTS[name]), asks(*NAMES))


def test_hostnames_after_values(agree):
    agree(conf("map $arg_a $x { *.example.com 1; hostnames; *.example.org 2; default d; }"),
          asks("a.example.com", "*.example.com", "a.example.org", "*.example.org", "a.example.org."))


REGEXES = {
    "case": "map $arg_a $x { ~^one$ 1; ~*^two$ 2; default d; }",
    "order": "map $arg_a $x { ~o first; ~on second; one exact; }",
    "captures": 'map $arg_a $x { "~^(o)(n)(x)?" "$1-$2-$3"; default "$1"; }',
    "named": 'map $arg_a $x { "~^(?<first>.)(?<rest>.*)$" "$rest$first"; }',
    "braces": 'map $arg_a $x { "~^o{1,2}n" b; default d; }',
    "empty": 'map $arg_a $x { ~^$ empty; ~. some; }',
    "anything": "map $arg_a $x { ~ any; }",
    "quoted-star": 'map $arg_a $x { "~*ONE" 1; }',
    "uri": r'map $request_uri $x { ~^/\?a=(?<v>[^&]*) "<$v>"; default none; }',
    "unset": 'map $arg_a $x { ~^(on)?(two)? "$1|$2"; }',
}


@pytest.mark.parametrize("name", REGEXES)
def test_regular_expressions(agree, name):
    agree(conf(REGEXES[name], "[$x]$1$2"), asks("one", "ONE", "two", "TWO", "onx", "oon", "x"))


USES = {
    "if": "map $arg_a $x { one 1; two 0; default ''; } server { listen 127.0.0.1:%%PORT%%; if ($x) { return 403; } location / { return 200 ok; } }",
    "proxy": "map $http_upgrade $x { default upgrade; '' close; } server { listen 127.0.0.1:%%PORT%%; location / { proxy_pass http://%%BACKEND%%; "
             "proxy_set_header X-Connection $x; } }",
    "set-over": "map $arg_a $x { default m; } server { listen 127.0.0.1:%%PORT%%; location / { set $before $x; set $x s; return 200 $before$x; } }",
    "set-first": "map $arg_a $x { default m; } server { listen 127.0.0.1:%%PORT%%; location / { set $x s; return 200 $x; } }",
    "cached": "map $uri $x { default $uri; } server { listen 127.0.0.1:%%PORT%%; location / { set $y $x; rewrite ^ /new last; } "
              "location /new { return 200 $x-$uri; } }",
    "volatile": "map $uri $x { volatile; default $uri; } server { listen 127.0.0.1:%%PORT%%; location / { set $y $x; rewrite ^ /new last; } "
                "location /new { return 200 $x-$y; } }",
    "volatile-set": "map $arg_a $x { volatile; default m; } server { listen 127.0.0.1:%%PORT%%; location / { set $x s; return 200 $x; } }",
    "root": "map $arg_a $x { default html; one other; } server { listen 127.0.0.1:%%PORT%%; root $x; }",
    "redirect": "map $uri $x { /old /new; ~^/o/(.*) /n/$1; } server { listen 127.0.0.1:%%PORT%%; if ($x) { return 301 $x; } location / { return 200; } }",
    "captures-stay": r"map $arg_a $x { ~^(.)(.) m; } server { listen 127.0.0.1:%%PORT%%; location ~ ^/(\w*) { set $y $x; return 200 \"$1|$2|$y\"; } }",
    "header": "map $sent_http_content_type $x { default none; ~text max; } server { listen 127.0.0.1:%%PORT%%; expires $x; root html; types { text/html txt; } }",
    "default-type": "map $arg_a $x { default text/plain; one text/css; } server { listen 127.0.0.1:%%PORT%%; location / { add_header X-Type $x; return 200; } }",
    "include": "map $arg_a $x { include %%PREFIX%%/some.map; default d; } server { listen 127.0.0.1:%%PORT%%; return 200 $x; }",
    "include-mask": "map $arg_a $x { include %%PREFIX%%/*.map; } server { listen 127.0.0.1:%%PORT%%; return 200 $x; }",
}


@pytest.mark.parametrize("name", USES)
def test_uses(agree, name):
    agree(USES[name], ["/", "/?a=one", "/?a=two", "/file.txt", "/old", "/o/1?x", "/\nUpgrade: h", "HEAD /file.txt?a=one"],
          files={"html/file.txt": "file", "other/file.txt": "other", "some.map": "one 1; # a remark\n~^t 2;\n", "z.map": "z 26;\n"},
          same_time=("html/file.txt", 1_700_000_000))


def test_what_the_log_says(agree):
    pair = agree("""map $arg_a $x { one 1; two ""; three $http_none; } log_format f '[$x] $arg_a';
        server { listen 127.0.0.1:%%PORT%%; access_log logs/access.log f; return 204; }""", asks("one", "two", "three", "four"))
    assert pair[0].access_log(5) == pair[1].access_log(5)
