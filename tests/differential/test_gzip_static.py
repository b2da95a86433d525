"""gzip_static with its conditions."""
import gzip
import os

import pytest

CONF = """
types { text/html html; text/css css; application/javascript js; application/gzip gz; }
default_type text/plain;
server {
    listen 127.0.0.1:%%PORT%%; server_name localhost; gzip_static on;
    location /vary/ { alias html/; gzip_vary on; }
    location /always/ { alias html/; gzip_static always; gzip_vary on; }
    location /off/ { alias html/; gzip_static off; gzip_vary on; }
    location /old/ { alias html/; gzip_http_version 1.0; gzip_vary on; }
    location /proxied/ { alias html/; gzip_proxied any; }
    location /auth/ { alias html/; gzip_proxied auth no_etag; etag off; }
    location /disable/ { alias html/; gzip_disable "msie6" "Mozilla/4"; gzip_vary on; }
    location /fields/ { alias html/; gzip_vary on; add_header Vary X-A; add_header X-B b; expires epoch; }
    location /exact { alias html/only; gzip_vary on; }
    location /tries/ { alias html/; try_files $uri $uri.html =404; }
    location /error/ { alias html/; gzip_vary on; error_page 404 /vary/page.html; }
}
"""
PAGE = b"<p>page</p>" * 20
FILES = {"html/page.html": PAGE, "html/page.html.gz": gzip.compress(PAGE, mtime=0), "html/plain.css": "css", "html/only.gz": gzip.compress(b"only"),
         "html/dir.gz/x": "x", "html/dir": "file", "html/index.html": "index", "html/index.html.gz": gzip.compress(b"index", mtime=0),
         "html/sub/index.html": "sub", "html/empty": "", "html/empty.gz": ""}
TIME = 1_700_000_000
ACCEPT = ["", "Accept-Encoding: gzip", "Accept-Encoding: deflate, gzip;q=0.5, br", "Accept-Encoding: gzip;q=0", "Accept-Encoding: *",
          "Accept-Encoding: x-gzip", "Accept-Encoding: GZIP", "Accept-Encoding: gzip\nUser-Agent: Mozilla/4.0 (compatible; MSIE 6.0)",
          "Accept-Encoding: gzip\nVia: 1.1 x", "Accept-Encoding: gzip\nVia: 1.1 x\nAuthorization: Basic eDp5"]
TARGETS = ["/page.html", "/vary/page.html", "/always/page.html", "/off/page.html", "/proxied/page.html", "/auth/page.html",
           "/disable/page.html", "/fields/page.html", "/exact"]


def dated(prefix):
    for path in (prefix / "html").rglob("*"):
        os.utime(path, (TIME, TIME))


@pytest.fixture(scope="module")
def both(pair):
    return pair(CONF, files=FILES, before=dated)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("accept", ACCEPT, ids=range(len(ACCEPT)))
def test_who_gets_it(both, target, accept):
    both.agree(f"{target}\n{accept}".strip())


GZIP = "\nAccept-Encoding: gzip"


@pytest.mark.parametrize("request_", [
    "HEAD /vary/page.html" + GZIP, "POST /vary/page.html" + GZIP, "PUT /vary/page.html" + GZIP, "/vary/plain.css" + GZIP,
    "/dir" + GZIP, "/dir.gz" + GZIP, "/dir.gz/" + GZIP, "/" + GZIP, "/vary/" + GZIP, "/sub/" + GZIP, "/sub" + GZIP, "/none" + GZIP,
    "/only" + GZIP, "/only", "/only.gz" + GZIP, "/page.html.gz" + GZIP, "/page.html/" + GZIP, "/vary/empty" + GZIP, "/tries/page" + GZIP,
    "/error/none" + GZIP, "/error/none", "/vary/page.html\nRange: bytes=0-4", "/vary/page.html\nRange: bytes=0-4" + GZIP,
    "/vary/page.html\nRange: bytes=0-4,6-8" + GZIP, "/vary/page.html\nIf-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT" + GZIP,
    "/vary/page.html\nIf-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT", "/vary/page.html\nIf-None-Match: *" + GZIP,
    "/always/plain.css" + GZIP, "/always/only", "/exact.gz",
])
def test_what_it_is(both, request_):
    both.agree(request_)


@pytest.mark.parametrize("target", TARGETS + ["/old/page.html"])
def test_http_1_0(both, target):
    for more in ("", "Via: x\r\n"):
        both.agree(f"GET {target} HTTP/1.0\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n{more}\r\n".encode())
