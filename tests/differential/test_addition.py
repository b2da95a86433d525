"""add_before_body, add_after_body."""
import pytest

from origin import chunked, reply


def server(body, http=""):
    return http + " types { text/html html; text/css css; text/plain txt; } " \
        "server { listen 127.0.0.1:%%PORT%%; server_name localhost; " + body + " }"


FILES = {"html/index.html": "index\n", "html/f.html": "file\n", "html/b.html": "before\n", "html/a.txt": "after\n", "html/x.css": "css\n",
         "html/empty.html": "", "html/big.html": "0123456789" * 20000}
REQUESTS = ["/f.html", "/", "HEAD /f.html", "/none", "/x.css", "/a.txt", "/empty.html", "/f.html\nRange: bytes=0-2", "/b.html?q=1",
            "/f.html\nIf-None-Match: *", "/big.html", "/ret", "/up", "/up.css", "/ups"]
REST = """ location = /ret { default_type text/html; return 200 returned; } location /up { proxy_pass http://%%BACKEND%%; }
    location = /show { add_before_body ""; add_after_body ""; default_type text/html; return 200 "[$uri|$args|$request_uri|$request_method]"; }"""

BODIES = {
    "before": "add_before_body /b.html;", "after": "add_after_body /a.txt;", "both": "add_before_body /b.html; add_after_body /a.txt;",
    "missing": "add_before_body /missing; add_after_body /missing;", "returned": "add_before_body /show;", "args": "add_after_body /show?x=y;",
    "empty": "add_before_body /empty.html;", "types": "add_before_body /b.html; addition_types text/css;",
    "all": "add_before_body /b.html; addition_types *;", "big": "add_before_body /big.html; add_after_body /big.html;",
    "proxied": "add_after_body /up; location = /b.html { add_after_body ''; }", "internal": "add_after_body /i; location /i { internal; }",
    "error": "add_after_body /e; location /e { return 500; }", "error-page": "add_after_body /e; location /e { error_page 404 = /show; return 404; }",
    "redirect": "add_after_body /e; location /e { return 302 /x; }", "silent": "add_after_body /e; location /e { return 204; }",
    "nested": "location /f.html { add_before_body /inner.html; } location /inner.html { add_before_body /b.html; return 200 i; }",
    "refused": "add_before_body /d; location /d { auth_request /no; } location /no { return 403; }",
    "empty-undoes": "add_before_body /b.html; location = /f.html { add_before_body ''; }",
    "headers": "add_before_body /h; add_header X-A $upstream_status; location /h { add_header X-H h; return 200 h; }",
    "set": "set $v 1; add_header X-V $v; add_before_body /s; location /s { set $v 2; return 200 $v; } location = /f.html { default_type text/html; return 200 $v; }",
    "index": "add_before_body /; ", "dir": "add_before_body /dir;", "relative": "add_before_body b.html;",
    "rewrite": "add_before_body /r; location /r { rewrite ^ /b.html last; }",
    "sub": "add_before_body /b.html; add_after_body /show; sub_filter f F; sub_filter_once off;",
}


def backend(conn, request):
    if request.target.endswith("s"):
        return chunked([b"chunk", b"ed"], headers=[("Content-Type", "text/html"), ("ETag", '"x"'), ("Accept-Ranges", "bytes")])
    return reply(b"from the backend", Content_Type="text/html", ETag='"y"', Last_Modified="Tue, 01 Jan 2030 00:00:00 GMT")


@pytest.mark.parametrize("name", BODIES)
def test_addition(agree, name):
    agree(server(BODIES[name] + REST), REQUESTS, files=dict(FILES, **{"html/dir/x": "x"}), script=backend,
          same_time=("html/f.html", 1_700_000_000), inexact=("last-modified",))
