"""more_set_headers and its kin, beside the module that Debian packages."""

import pytest

MODULE = "/usr/lib/nginx/modules/ngx_http_headers_more_filter_module.so"


def check(agree, bodies, requests=("",), http="", rest="", **kw):
    """Each body is a location of its own; each request a suffix (and fields) of its path."""
    places = "".join("location /%d { %s }\n" % (i, body) for i, body in enumerate(bodies))
    text = "%s server { listen 127.0.0.1:%%%%PORT%%%%; server_name localhost; %s %s }" % (http, rest, places)
    agree(text, [f"/{i}{r}" for i in range(len(bodies)) for r in requests], module=MODULE, exact=("server",), **kw)


def backend(conn, request):
    return (b"HTTP/1.1 %s\r\nContent-Type: text/html; charset=utf-8\r\nX-A: one\r\nX-A: two\r\nX-Abc: abc\r\nX-B: b\r\n"
            b"Cache-Control: private\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\nVary: X\r\nETag: \"e\"\r\nServer: back\r\n"
            b"Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT\r\nContent-Length: 4\r\n\r\nbody"
            % (b"404 Not Found" if b"404" in str(request.line).encode() else b"200 OK"))


OUTPUT = [
    "more_set_headers 'X-A: new';", "more_set_headers 'x-a: new';", "more_set_headers 'X-New: $uri';", "more_clear_headers X-A;",
    "more_clear_headers 'X-*';", "more_clear_headers 'x-a*';", "more_clear_headers X-A X-B;", "more_set_headers 'X-A: 1' 'X-B: 2' 'X-C: 3';",
    "more_set_headers 'X-A:';", "more_set_headers 'X-A';", "more_set_headers 'X-A: $arg_none';", "more_set_headers 'Server: mine';",
    "more_clear_headers Server;", "more_set_headers 'Server: $arg_s';", "more_set_headers 'Content-Type: a/b';", "more_clear_headers Content-Type;",
    "more_set_headers 'Content-Type: a/b; charset=x';", "more_clear_headers Set-Cookie;", "more_set_headers 'Set-Cookie: new=1';",
    "more_set_headers 'Cache-Control: no-store';", "more_clear_headers Vary;", "more_clear_headers ETag Last-Modified;",
    "more_clear_headers Content-Length;", "more_set_headers -s 404 'X-S: 404';", "more_set_headers -s '200 404' 'X-S: both';",
    "more_set_headers -s 500 -s 404 'X-S: later';", "more_set_headers -t text/html 'X-T: html';", "more_set_headers -t 'text/plain text/html' 'X-T: some';",
    "more_set_headers -t text/plain 'X-T: plain';", "more_set_headers -t text/plain -t text/html 'X-T: two';", "more_set_headers -t text 'X-T: prefix';",
    "more_set_headers -t 'text/html' -s 404 'X-T: both';", "more_clear_headers -s 404 X-A;", "more_clear_headers -t text/css X-A;",
    "more_set_headers 'X-Long: a: b: c';", "more_set_headers 'X-Blank:   padded   ';", "more_set_headers 'X-A: 1'; more_set_headers 'X-A: 2';",
    "more_set_headers 'X-A: 1'; more_clear_headers 'X-A';", "more_clear_headers 'X-A'; more_set_headers 'X-A: 3';",
    "more_set_headers 'X-A: m'; add_header X-A n always;", "more_clear_headers X-N; add_header X-N n;", "more_set_headers 'Expires: e'; expires epoch;",
    "more_set_headers 'X-Status: $status'; more_set_headers 'X-Sent: $sent_http_x_b';", "more_set_headers -s '' 'X-E: e';", "more_set_headers -t '' 'X-E: e';",
    "more_clear_headers 'A: b' 'X-A: c';", "more_set_headers 'Location: /l';", "more_set_headers 'Vary: Accept';", "more_set_headers 'Link: <a>' 'Link: <b>';",
]


@pytest.mark.parametrize("what", ["proxied", "ours"])
def test_responses(agree, what):
    then = "proxy_pass http://%%BACKEND%%;" if what == "proxied" else "error_page 404 /none; if ($arg_404) { return 404; } alias html/f;"
    check(agree, [f"{line} {then}" for line in OUTPUT], ["", "?404=1"], script=backend, files={"html/f": "file"},
          rest="location /none { return 410; }", same_time=("html/f", 1_700_000_000))


STATUSES = [200, 201, 204, 206, "301 /x", "302 /x", 400, 403, 404, 405, 410, 418, 500, 503]


def test_any_status(agree):
    check(agree, [f"more_set_headers 'X-A: $status' 'Server: s'; more_clear_headers Location; return {s};" for s in STATUSES] +
          [f"more_set_headers -s '301 404 503' 'X-A: a'; return {s};" for s in STATUSES], http="more_set_headers 'X-H: h';")


LEVELS = [
    "return 200;", "more_set_headers 'X-In: in'; return 200;", "more_set_headers 'X-Out: in'; return 200;", "more_clear_headers X-Out; return 200;",
    "more_clear_headers 'X-*'; return 200;", "if ($arg_a) { more_set_headers 'X-If: if'; } return 200;",
    "more_set_headers 'X-L: l'; if ($arg_a) { more_set_headers 'X-If: if'; } proxy_pass http://%%BACKEND%%;",
    "more_set_headers -s 404 'X-Out: not'; return 404;", "error_page 404 = @e; return 404;",
]


def test_levels(agree):
    check(agree, LEVELS, ["", "?a=1"], http="more_set_headers 'X-Http: h' 'X-Out: http';",
          rest="more_set_headers 'X-Out: server'; location @e { more_set_headers 'X-Named: n'; return 200 named; }")


INPUT = [
    "more_set_input_headers 'X-A: new';", "more_set_input_headers 'x-new: $uri';", "more_set_input_headers -r 'X-A: r' 'X-R: r';",
    "more_clear_input_headers X-A;", "more_clear_input_headers 'X-*';", "more_clear_input_headers X-A X-B;", "more_set_input_headers 'Host: other';",
    "more_set_input_headers 'Host: Other.Example:8080';", "more_clear_input_headers User-Agent;", "more_set_input_headers 'User-Agent: mine';",
    "more_set_input_headers 'Authorization: Basic dTpw';", "more_clear_input_headers Authorization;", "more_set_input_headers 'Cookie: a=new';",
    "more_clear_input_headers Cookie;", "more_set_input_headers 'X-A:';", "more_set_input_headers 'X-A: $arg_none';",
    "more_set_input_headers -t text/plain 'X-T: t';", "more_set_input_headers -t 'a/b text/plain' 'X-T: t';", "more_set_input_headers -r 'Host: r';",
    "more_set_input_headers 'Accept-Encoding: gzip'; more_clear_input_headers Accept;", "more_set_input_headers 'X-A: 1' 'X-A: 2';",
    "more_clear_input_headers -t text/css X-A;", "more_set_input_headers 'Content-Type: c/t';", "more_set_input_headers 'X-Forwarded-For: 192.0.2.1';",
    "more_set_input_headers 'Referer: r'; more_set_input_headers 'Range: bytes=0-1';", "set $x v; more_set_input_headers 'X-A: $x$http_x_b';",
]
SENT = "\nX-A: one\nX-B: b\nUser-Agent: ua\nAuthorization: Basic YTpi\nCookie: a=old\nContent-Type: text/plain\nAccept: */*"


def test_requests(agree):
    seen = ("proxy_set_header X-Seen \"$host|$http_host|$http_x_a|$http_x_new|$http_x_t|$remote_user|$cookie_a|$content_type|$http_user_agent\"; "
            "proxy_pass http://%%BACKEND%%;")
    check(agree, [f"{line} {seen}" for line in INPUT], ["", SENT], rest="proxy_set_header Host $http_host;")


def test_requests_at_levels(agree):
    check(agree, ["proxy_pass http://%%BACKEND%%;", "more_set_input_headers 'X-L: l'; proxy_pass http://%%BACKEND%%;",
                  "rewrite ^ /0 last;", "more_clear_input_headers X-S; proxy_pass http://%%BACKEND%%;",
                  "if ($arg_a) { more_set_input_headers 'X-If: $http_x_s'; } proxy_pass http://%%BACKEND%%;",
                  "set $before $http_x_s; more_set_input_headers 'X-S: again'; proxy_set_header X-Before $before; proxy_pass http://%%BACKEND%%;"],
          ["", "?a=1", "\nX-S: client"], http="more_set_input_headers 'X-H: h';", rest="more_set_input_headers 'X-S: s';")


def test_real_ip_sees_what_was_set(agree):
    check(agree, ["set_real_ip_from 127.0.0.1; more_set_input_headers 'X-Real-IP: 192.0.2.9'; proxy_set_header X-Seen $remote_addr; "
                  "proxy_pass http://%%BACKEND%%;"])
