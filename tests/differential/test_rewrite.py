"""rewrite, return, set, if, break: what nginx makes of them."""
import pytest


def server(body):
    return "server { listen 127.0.0.1:%%PORT%%; server_name localhost; " + body + " }"


SHOW = 'return 200 "$uri|$args|$request_uri|$1|$2\\n";'

FLAGS = [
    ("last", "rewrite ^/a/(.*)$ /b/$1 last; location /a { return 200 a; } location /b { %s }".replace("%s", SHOW)),
    ("break-server", "rewrite ^/a/(.*)$ /b/$1 break; location /b { %s }".replace("%s", SHOW)),
    ("none-server", "rewrite ^/a/(.*)$ /b/$1; rewrite ^/b/(.*)$ /c/$1; location /c { %s }".replace("%s", SHOW)),
    ("redirect", "rewrite ^/a/(.*)$ /b/$1 redirect;"),
    ("permanent", "rewrite ^/a/(.*)$ /b/$1 permanent;"),
    ("http", "rewrite ^/a/(.*)$ http://other.example/$1;"),
    ("http-last", "rewrite ^/a/(.*)$ http://other.example/$1 last;"),
    ("http-permanent", "rewrite ^/a/(.*)$ http://other.example/$1 permanent;"),
    ("scheme", "rewrite ^/a/(.*)$ $scheme://$host/$1;"),
    ("args", "rewrite ^/a/(.*)$ /b?x=$1 last; location /b { %s }".replace("%s", SHOW)),
    ("drop-args", "rewrite ^/a/(.*)$ /b/$1? last; location /b { %s }".replace("%s", SHOW)),
    ("args-drop", "rewrite ^/a/(.*)$ /b?x=$1? last; location /b { %s }".replace("%s", SHOW)),
    ("redirect-args", "rewrite ^/a/(.*)$ /b?x=$1 redirect;"),
    ("redirect-drop", "rewrite ^/a/(.*)$ /b/$1? permanent;"),
    ("location-last", "location /a { rewrite ^/a/(.*)$ /b/$1 last; return 200 never; } location /b { %s }".replace("%s", SHOW)),
    ("location-none", "location /a { rewrite ^/a/(.*)$ /b/$1; } location /b { %s }".replace("%s", SHOW)),
    ("location-none-then", "location /a { rewrite ^/a/(.*)$ /b/$1; return 200 here$uri; } location /b { %s }".replace("%s", SHOW)),
    ("location-break", "location /a { rewrite ^/a/(.*)$ /b/$1 break; proxy_pass http://%%BACKEND%%; }"),
    ("location-break-static", "location /a { root html; rewrite ^/a/(.*)$ /$1 break; }"),
    ("proxy-uri", "location /a { rewrite ^/a/(.*)$ /b/$1 break; proxy_pass http://%%BACKEND%%/never/; }"),
    ("break-directive", "location /a { rewrite ^/a/(.*)$ /b/$1; break; proxy_pass http://%%BACKEND%%; }"),
    ("cycle", "location / { rewrite ^/a(.*)$ /a/a$1 last; } error_page 500 = @e; location @e { return 200 cycle; }"),
    ("named", "error_page 404 = @n; location / { return 404; } location @n { rewrite ^ /b last; } location /b { %s }".replace("%s", SHOW)),
    ("internal", "location /a { rewrite ^ /i last; } location /i { internal; %s }".replace("%s", SHOW)),
    ("empty-capture", "rewrite ^/a/(x)?(.*)$ /b/[$1][$2] last; location /b { %s }".replace("%s", SHOW)),
    ("error-page-again", "rewrite ^/e$ /b last; error_page 404 /e; location /a { return 404; } location /b { return 200 b; }"),
]
TARGETS = ["/a/one", "/a/one?q=1", "/a/sp%20ace/%C3%A9?q=%20", "/a/x%3Fy%26z", "/a/", "/a/%2525", "/b/two?r", "/a/one+two", "/i",
           "/a/a%22b%23c", "HEAD /a/one", "POST /a/one"]


@pytest.mark.parametrize("name, body", FLAGS, ids=[f[0] for f in FLAGS])
def test_rewrite(agree, name, body):
    agree(server(body), TARGETS, files={"html/one": "file one\n"})


CONDITIONS = {
    "true": "$arg_a", "equal": "$arg_a = b", "not-equal": "$arg_a != b", "regex": "$arg_a ~ ^(b+)(c?)$",
    "regex-nocase": "$arg_a ~* ^(b+)$", "not-regex": "$arg_a !~ b", "not-regex-nocase": "$arg_a !~* b",
    "file": "-f $document_root/$arg_a", "no-file": "!-f $document_root/$arg_a", "dir": "-d $document_root/$arg_a",
    "exists": "-e $document_root/$arg_a", "executable": "-x $document_root/$arg_a", "method": "$request_method = POST",
    "quoted": '$arg_a = "b"', "spaced": "$arg_a = b ", "quoted-regex": '$arg_a ~ "^b{2}$"', "variable": "$arg_a = $arg_b",
    "named": "$arg_a ~ ^(?<first>.)", "host": "$host ~ ^local", "empty-string": '$arg_a = ""',
}
VALUES = ["/", "/?a", "/?a=0", "/?a=00", "/?a=b", "/?a=B", "/?a=bb", "/?a=bbc", "/?a=file", "/?a=dir", "/?a=none", "POST /?a=1",
          "/?a=b&b=b"]


@pytest.mark.parametrize("where", ["server", "location"])
@pytest.mark.parametrize("name", CONDITIONS)
def test_if(agree, name, where):
    block = "if (%s) { return 200 \"yes:$1:$2\"; }" % CONDITIONS[name]
    rest = 'return 200 "no:$1";'
    body = f"{block} location / {{ {rest} }}" if where == "server" else f"location / {{ {block} {rest} }}"
    agree(server("root html; " + body), VALUES, files={"html/file": "x", "html/dir/f": "x"})


SETTINGS = [
    "location / { set $x 1; if ($arg_a) { set $x 2; } if ($arg_b) { set $x $x-3; } return 200 $x; }",
    "set $x server; location / { set $y loc-$x; return 200 $y; }",
    "location / { if ($arg_a) { error_page 404 = @a; } if ($arg_b) { error_page 404 = @b; } } location @a { return 200 a; } location @b { return 200 b; }",
    "location / { if ($arg_a) { set $x 1; } proxy_set_header X-One 1; proxy_pass http://%%BACKEND%%; }",
    "location ~ ^/(w)(.*) { rewrite ^/never(.*) /x; return 200 \"$1:$2\"; } location / { return 200 -; }",
    "location / { if ($arg_a !~ ^(x)) { return 200 \"[$1]\"; } return 200 \"($1)\"; }",
    "location /w { proxy_pass http://%%BACKEND%%/base; if ($arg_a) { set $x 1; } } location / { return 200 -; }",
    "location / { if ($arg_a) { proxy_pass http://%%BACKEND%%; } return 200 plain; }",
    "location / { if ($arg_a) { break; } return 200 plain; }",
    "location / { set $x 1; break; set $x 2; } location = /v { return 200 v; }",
    "location / { if ($arg_a) { rewrite ^ /v last; } if ($arg_b) { rewrite ^ /w break; } proxy_pass http://%%BACKEND%%; } location /v { return 200 v; }",
    "location / { set $args x=1; proxy_pass http://%%BACKEND%%; }",
    "location / { set $args x=1; return 200 $is_args$args$request_uri; }",
    "location / { if ($arg_a) { return 403; } if ($arg_b) { return 444; } return 204; }",
    "if ($arg_a) { return 301 /moved; } if ($arg_b) { rewrite ^ /v; } location /v { return 200 v; } location / { return 200 $uri; }",
    "location / { if ($arg_a) { root html; } if ($arg_b) { error_page 404 = /v; } } location /v { return 200 v; }",
    "location / { try_files $uri /v; if ($arg_a) { set $x 1; } } location /v { return 200 v; }",
    "location ~ ^/(w)(.*) { if ($arg_a ~ ^(.)) { return 200 \"$1-$2\"; } return 200 \"$1:$2\"; } location / { return 200 -; }",
    "location / { if ($http_x_test) { return 200 $http_x_test; } return 200 none; }",
    "location / { return 200 \"$uninitialized_here\"; if ($arg_zz) { set $uninitialized_here 1; } }",
    "location / { if ($uri = /w) { return 418 teapot; } return 503; }",
]


@pytest.mark.parametrize("body", SETTINGS, ids=range(len(SETTINGS)))
def test_if_settings(agree, body):
    agree(server(body), ["/", "/?a=1", "/?b=1", "/?a=1&b=1", "/w", "/w?a=1", "/v", "/\nX-Test: yes", "/file?a=1"],
          files={"html/file": "file\n", "html/index.html": "index\n"})


RETURNS = ["403 ''", "500 ''", "200 ''", "204 ''", "403 $arg_none", "418 ''", "200", "200 text", "201 $uri", "204", "301 /x", "302 http://e.example/y?z", "303 $scheme://h/", "307 /t", "308 relative", "400",
           "401", "402 pay", "403", "404", "404 body", "405", "410", "413", "444", "500", "502 gone", "503", "599 odd", "http://e.example/",
           "https://e.example$request_uri", "299 odd", "206 part", "304 text", "204 text"]


@pytest.mark.parametrize("what", RETURNS)
def test_return(agree, what):
    agree(server("location / { return %s; }" % what), ["/", "/a?b", "HEAD /", "POST /\nContent-Length: 0"])


ENDS = ["/x?$args permanent", "/x?$args? permanent", "http://h/x?$arg_a redirect", "http://h/x?? redirect", "/x? redirect", "/x?$1 redirect", "$scheme://h/x?$args",
        "/x?$arg_none last", "/x?? last"]


def test_a_question_mark_that_is_written_stays(agree):
    places = "".join("location /%d { rewrite ^/.(.*) %s; } " % (i, to) for i, to in enumerate(ENDS))
    agree(server(places + 'location /x { return 200 "$uri|$args|$is_args"; }'),
          [f"/{i}{args}" for i in range(len(ENDS)) for args in ("", "?", "?a=1", "/z")])


SELF = {
    "last": "rewrite ^/(.*)$ /sub/$1 last;", "none": "rewrite ^/(.*)$ /sub/$1;", "break": "rewrite ^/(.*)$ /sub/$1 break;",
    "set": "set $n $n.; rewrite ^ /$n/x;", "if": "if ($uri !~ ^/sub/sub) { rewrite ^/(.*)$ /sub/$1; }", "if-return": 'if ($uri ~ ^/sub) { return 200 "$uri"; } rewrite ^/(.*)$ /sub/$1;',
    "error": "rewrite ^/(.*)$ /sub/$1; error_page 404 =200 /page;",
}


@pytest.mark.parametrize("name", SELF)
def test_the_servers_own_program_runs_once(agree, name):
    agree(server(SELF[name]), ["/", "/x", "/page", "/sub/x", "/sub/sub/x"], files={"html/sub/x": "one", "html/sub/sub/x": "two", "html/sub/page": "page"})


SLASHES = ["return 302 //h/x", "return 301 //$host/$arg_a", "return 302 /", "return 302 ///", "rewrite ^ //h/x redirect", "rewrite ^ //h/x permanent",
           "rewrite ^/(.*) /$1 redirect", "return 302 $arg_a", "error_page 404 =302 //h/x", "proxy_redirect /x //h/; proxy_pass http://%%BACKEND%%"]


@pytest.mark.parametrize("absolute", ["on", "off"])
@pytest.mark.parametrize("what", SLASHES)
def test_a_redirect_to_two_slashes(agree, what, absolute):
    agree(server(f"merge_slashes off; absolute_redirect {absolute}; location / {{ {what}; }}"), ["/", "//h/x", "/?a=//h/x", "///"],
          script=lambda conn, request: b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /x/y\r\n\r\n")


UNESCAPED = """
    location /args/ { rewrite ^/args/(.*) /show?y=$1 last; }
    location /redirect/ { rewrite ^/redirect/(.*) /show?y=$1 redirect; }
    location /path/ { rewrite ^/path/(.*) /show/$1 redirect; }
    location /config/ { rewrite ^/config/(.*) /p%41%20%c3%a9/$1 redirect; }
    location /url/ { rewrite ^/url/(.*) http://x/$1?$1 redirect; }
    location /show { return 200 "$uri|$args|$request_uri"; }
"""


def test_what_a_client_did_not_escape_stays_so(agree):
    rests = ["\u00e9{}", "%C3%A9{}", "\u00e9{}+", "a//\u00ff", "a\"b", "a&b=c;d", "%20\u00e9", "%25", "a\\b|c<d>^`"]
    agree(server(UNESCAPED), [f"GET /{place}/{rest} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
                              for place in ("args", "redirect", "path", "config", "url") for rest in rests])


ENDLESS = "^/((a|aa)+)+$"


@pytest.mark.parametrize("body", [
    "location ~ %s { return 200 in; } location / { return 200 out; }",
    'location / { rewrite "%s" /b last; return 200 out; } location /b { return 200 in; }',
    'if ($uri ~ "%s") { return 200 in; } location / { return 200 out; }',
    'location / { if ($uri ~ "%s") { return 200 in; } return 200 out; }',
    'rewrite "%s" /b; location / { return 200 out; }',
], ids=range(5))
def test_a_pattern_that_does_not_end_is_an_error(agree, body):
    agree(server(body % ENDLESS), ["/aaa", "/b", "/" + 60 * "a" + "b"], may_log=r"pcre2?_(match|exec)\(\) failed: -\d+ on")


CAPTURED = ["/a%20b", "/a+b", "/a%2bb", "/a%3fb", "/a%26b%23", "/a%25b", "/\xe9".encode("latin-1"), "/a%c3%a9", "/a;b=c&d", "/a%3bb", "/a/b%2fc", "/a%22%5c",
            "/a%20b?c=%20", "/a?x=%20+", "/a%0d%0ab", "/a%7e"]


@pytest.mark.parametrize("body", [
    'location ~ ^(.*)$ { set $x "[$1]"; return 200 "$x|$1"; }',
    'location / { if ($uri ~ "(.*)") { set $x $1; } return 200 "$x|$1"; }',
    'location / { if ($arg_x ~ "(.*)") { set $x "$1|$uri"; } return 200 "$x|$1"; }',
    'location / { set $u $uri; if ($u ~ "^/(?<n>.*)$") { set $x "$n"; } return 200 "$x|$1"; }',
    'location ~ ^(.*)$ { set $x ""; if ($uri = "$1") { set $x yes; } return 200 "$x"; }',
    'location ~ ^(.*)$ { set $x "$1"; if ($x = "/a b") { return 200 "plain"; } if ($x = "$1") { return 200 "same"; } return 200 other; }',
    'location ~ ^(.*)$ { set $x $1; proxy_pass http://%%BACKEND%%$x; }',
    'location ~ ^(.*)$ { set $x http://%%BACKEND%%$1$is_args$args; proxy_pass $x; }',
    'location ~ ^(.*)$ { set $x $1; add_header X $x; add_header Y $1; return 204; }',
    'location ~ ^(.*)$ { if (!-f $document_root$1) { set $x "none $1"; } return 200 "$x"; }',
    'location ~ ^(.*)$ { if ($x != "$1") { set $x "un$1"; } if ($x = "un$1") { return 200 "$x"; } }',
], ids=range(11))
def test_captures_that_set_takes(agree, body):
    raw = [b"GET " + (c if isinstance(c, bytes) else c.encode()) + b" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" for c in CAPTURED]
    agree("server { listen 127.0.0.1:%%PORT%%; root html; " + body + " }", raw, files={"html/a b": "file", "html/a%b": "file"})


BASE = "proxy_pass http://%%BACKEND%%/base/;"


@pytest.mark.parametrize("body", [
    'rewrite ^/x /y break; location / { ' + BASE + ' }',
    'rewrite ^/x /y last; location / { ' + BASE + ' }',
    'rewrite ^/x /y; location / { ' + BASE + ' }',
    'rewrite ^/x /y break; location / { rewrite ^/y /z last; ' + BASE + ' }',
    'break; location / { ' + BASE + ' }',
    'location / { rewrite ^/x /y last; ' + BASE + ' }',
    'location / { rewrite ^/x /y; ' + BASE + ' }',
    'location / { rewrite ^/x /y break; ' + BASE + ' }',
    'location / { rewrite ^/x /x; break; ' + BASE + ' }',
    'location / { if ($arg_a) { rewrite ^/x /y break; } ' + BASE + ' }',
    'rewrite ^/x /y break; location / { error_page 404 = /base; return 404; } location /base { proxy_pass http://%%BACKEND%%/v/; }',
    'rewrite ^/x /y break; location / { try_files /none @n; } location @n { proxy_pass http://%%BACKEND%%; }',
    'rewrite ^/x /y break; location / { set $a 1; ' + BASE + ' }',
    'rewrite ^/x /y break; location / { rewrite ^/n /m break; ' + BASE + ' }',
    'location / { rewrite ^/x /y break; error_page 404 = /e; root html; } location /e { ' + BASE + ' }',
    'location / { rewrite ^/x /y break; error_page 404 = /e; root html; } location /e { set $a 1; ' + BASE + ' }',
    'location / { rewrite ^/x /y break; error_page 404 = @e; root html; } location @e { proxy_pass http://%%BACKEND%%; }',
    'location / { rewrite ^/x /y break; try_files /none /e; root html; } location /e { ' + BASE + ' }',
    'location / { rewrite ^/x /y break; try_files /none /e?a=b; root html; } location /e { rewrite ^/e /f/g last; } location /f { ' + BASE + ' }',
    'location / { if ($uri ~ x) { rewrite ^/x /y break; } ' + BASE + ' }',
    'location / { rewrite ^/x /y; break; ' + BASE + ' } location /y { proxy_pass http://%%BACKEND%%/v/; }',
    'location / { break; ' + BASE + ' }',
    'location / { rewrite ^/x /y break; proxy_intercept_errors on; error_page 404 = /e; ' + BASE + ' } location /e { ' + BASE + ' }',
], ids=range(23))
def test_what_proxy_pass_makes_of_a_rewritten_uri(agree, body):
    agree("server { listen 127.0.0.1:%%PORT%%; root html; " + body + " }", ["/x", "/y", "/x?a=1", "/x%20b?a", "/q", "/x/y/z"])


def test_an_internal_location_has_no_slash_added(agree):
    agree("server { listen 127.0.0.1:%%PORT%%; location /a/ { internal; " + BASE + " } location = /b/ { internal; " + BASE + " } location /c/ { " + BASE + " } }",
          ["/a", "/a/", "/b", "/b/", "/c", "/c/", "/a?x"])
