"""limit_req, limit_conn: who is let in, who is refused, and what the logs say of it."""
import re

import pytest

from wait import until

ZONES = """limit_req_zone $arg_k zone=one:64k rate=1r/m; limit_req_zone $arg_j zone=two:64k rate=1r/m;
limit_req_zone $arg_f zone=fast:64k rate=1000r/s; limit_req_zone "$arg_k$arg_j" zone=both:64k rate=2r/m;
limit_conn_zone $arg_c zone=c:64k; limit_conn_zone $arg_d zone=d:64k; limit_conn_zone $host zone=h:64k;
add_header X-Req $limit_req_status always; add_header X-Conn $limit_conn_status always;
"""
SAID = re.compile(r"\[(\w+)\] .*?((?:limiting|delaying) .*?|the value of .*?: )(\d+\.\d+)?(,? by zone \"\w+\")?,? client: (.*?), server: (.*)$", re.M)


def server(body, http=""):
    return ZONES + http + " server { listen 127.0.0.1:%%PORT%%; server_name localhost; " + body + " }"


def said(proxy):
    """What the error log says of limits, without the amounts, which depend on milliseconds."""
    lines = [m.group(0) for m in SAID.finditer(proxy.error_log())]
    return [proxy_free(line, proxy) for line in lines]


def proxy_free(line, proxy):
    line = re.sub(r"\d+#\d+: (\*\d+ )?", "", line)
    line = re.sub(r"excess: (\d+)\.\d+", lambda m: "excess: N", line)
    return line.replace(str(proxy.ports["PORT"]), "PORT")


@pytest.fixture
def same(agree, stage):
    """agree, and the logs agree, too."""
    def check(conf, requests, **kw):
        agree(conf, requests, inexact=("last-modified",), **kw)
        nginx, usher = stage.proxies[-2:]
        until(lambda: said(nginx) == said(usher), lambda: f"the same lines: {said(nginx)} {said(usher)}")
    return check


REQ = {
    "strict": "location / { limit_req zone=one; return 404; }",
    "static": "location / { limit_req zone=one; root html; }",
    "burst": "location / { limit_req zone=one burst=2 nodelay; root html; }",
    "burst-delay": "location / { limit_req zone=one burst=5 delay=4; root html; }",
    "status": "location / { limit_req zone=one; limit_req_status 429; root html; }",
    "status-444": "location / { limit_req zone=one; limit_req_status 444; root html; }",
    "status-page": "location / { limit_req zone=one; limit_req_status 429; error_page 429 /e; root html; } location /e { return 200 e; }",
    "page-limited": "location / { limit_req zone=one; error_page 503 /e; root html; } location = /e { limit_req zone=one; root html; }",
    "named-page": "location / { limit_req zone=one; error_page 503 = @e; root html; } location @e { return 202 e; }",
    "level-info": "location / { limit_req zone=one burst=1 nodelay; limit_req_log_level info; root html; }",
    "level-notice": "location / { limit_req zone=one; limit_req_log_level notice; root html; }",
    "level-warn": "location / { limit_req zone=one; limit_req_log_level warn; root html; }",
    "dry": "location / { limit_req zone=one; limit_req_dry_run on; root html; }",
    "dry-delay": "location / { limit_req zone=one burst=4; limit_req_dry_run on; root html; }",
    "dry-delay-info": "location / { limit_req zone=one burst=4; limit_req_dry_run on; limit_req_log_level info; root html; }",
    "dry-delay-notice": "location / { limit_req zone=one burst=4; limit_req_dry_run on; limit_req_log_level notice; root html; }",
    "two": "location / { limit_req zone=one burst=1 nodelay; limit_req zone=two nodelay burst=2; root html; }",
    "two-turned": "location / { limit_req zone=two burst=2 nodelay; limit_req zone=one nodelay burst=1; root html; }",
    "two-dry": "location / { limit_req zone=one burst=3; limit_req zone=two burst=3; limit_req_dry_run on; root html; }",
    "three": "location / { limit_req zone=one burst=4 nodelay; limit_req zone=two nodelay burst=2; limit_req zone=both burst=3 nodelay; root html; }",
    "inherited": "limit_req zone=one; location / { root html; } location /own { limit_req zone=two; alias html/file; }",
    "inherited-http": "location / { root html; } location /file { limit_req zone=two; root html; }",
    "nested": "location / { limit_req zone=one; root html; location /file { limit_req_status 500; root html; } }",
    "if": "location / { if ($arg_k = x) { set $a 1; } limit_req zone=one; root html; }",
    "try-files": "location / { limit_req zone=one; root html; try_files /none /file; } location = /file { limit_req zone=one; root html; }",
    "index": "location / { limit_req zone=one; root html; }",
    "proxied": "location / { limit_req zone=one burst=1 nodelay; proxy_pass http://%%BACKEND%%; }",
    "return-goes-first": "location / { limit_req zone=one; return 200 r; }",
    "regex": "location ~ ^/(f) { limit_req zone=one; root html; } location / { limit_req zone=two; root html; }",
    "fast": "location / { limit_req zone=fast burst=1000 nodelay; root html; }",
    "too-large-first": "location / { client_max_body_size 1; limit_req zone=one; root html; }",
}
REQUESTS = ["/?k=1", "/?k=1", "/file?k=1", "/?k=2&j=1", "/file?k=2&j=1", "/?k=2&j=2", "/file?j=1", "/file", "/", "/none?k=9", "/none?k=9",
            "HEAD /file?k=9", "/own?k=1&j=5", "/own?j=5", "/file?k=x", "/file?k=x", "POST /?k=y\nContent-Length: 0", "/?k=y", "/?f=1", "/?f=1",
            "/file?k=3", "/file?k=3", "/file?k=3", "/file?k=3", "/file?k=3", "/file?k=3&j=3", "/file?j=3", "/file?j=3", "/file?j=3", "/file?j=3"]


@pytest.mark.parametrize("name", REQ)
def test_limit_req(same, name):
    http = "limit_req zone=one burst=1 nodelay;" if name == "inherited-http" else ""
    requests = [r for r in REQUESTS if name != "burst-delay" or "k=3" not in r]
    same(server(REQ[name], http), requests, files={"html/file": "file\n", "html/index.html": "index\n"})


def test_keys_are_long(same):
    """Up to 65535 bytes are counted, more are not."""
    conf = server("large_client_header_buffers 4 128k; location / { limit_req zone=big; root html; }", "limit_req_zone $arg_k$arg_k$arg_k zone=big:1m rate=1r/m;")
    same(conf, ["/file?k=" + "x" * n for n in (21845, 21845, 21844, 100, 21846, 21846, 100)], files={"html/file": "file\n"})


# A request that asks the same server for another while it is under way: two at once, in a certain order.
CHAIN = "location /in { %s root html; } location /out { %s proxy_pass http://127.0.0.1:%%%%PORT%%%%/in/; }"
CONN = {
    "one": ("limit_conn c 1;", "limit_conn c 1;"),
    "two": ("limit_conn c 2;", "limit_conn c 2;"),
    "inner-only": ("limit_conn c 1;", ""),
    "more-inside": ("limit_conn c 2;", "limit_conn c 1;"),
    "status": ("limit_conn c 1; limit_conn_status 429;", "limit_conn c 1;"),
    "level": ("limit_conn c 1; limit_conn_log_level info;", "limit_conn c 1;"),
    "dry": ("limit_conn c 1; limit_conn_dry_run on;", "limit_conn c 1;"),
    "several": ("limit_conn c 2; limit_conn d 1;", "limit_conn c 3; limit_conn d 3;"),
    "several-turned": ("limit_conn d 1; limit_conn c 2;", "limit_conn c 3; limit_conn d 3;"),
    "host": ("limit_conn h 1;", "limit_conn h 1;"),
    "page": ("limit_conn c 1; error_page 503 = /file;", "limit_conn c 1;"),
    "page-keeps-the-place": ("limit_conn c 1;", "limit_conn c 1; proxy_intercept_errors on; error_page 503 /file;"),
    "with-req": ("limit_conn c 1; limit_conn_status 509; limit_req zone=one;", "limit_conn c 1;"),
    "req-then-conn": ("limit_req zone=one; limit_conn c 1; limit_conn_status 509;", "limit_conn c 1; limit_req zone=one burst=1 nodelay;"),
}


@pytest.mark.parametrize("name", CONN)
def test_limit_conn(same, name):
    inner, outer = CONN[name]
    conf = server(CHAIN % (inner, outer) + " location = /file { root html; }")
    requests = ["/out/file?c=1", "/in/file?c=1", "/out/file?c=1", "/out/file?c=1&d=1", "/out/file?d=1", "/out/file", "/in/file?c=2&d=2",
                "/out/none?c=1", "/in/none?c=1&k=1", "/in/none?c=1&k=1", "/out/file?c=1&k=1", "/out/file?c=1&k=2", "/out/file?c=1&k=2",
                "/in/file?c=" + "x" * 255, "/in/file?c=" + "x" * 256, "HEAD /out/file?c=1"]
    same(conf, requests, files={"html/in/file": "file\n", "html/file": "page\n"})
