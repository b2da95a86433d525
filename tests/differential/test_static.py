"""Static files: ranges, validators, methods, directories, names, redirects."""
import os

import pytest

from conftest import Seen

TIME = 1_700_000_000
SAME, EARLIER, LATER = "Tue, 14 Nov 2023 22:13:20 GMT", "Tue, 14 Nov 2023 22:13:19 GMT", "Tue, 14 Nov 2023 22:13:21 GMT"
TEXT = b"0123456789" * 100
FILES = {"html/a.txt": TEXT, "html/page.html": "<p>page</p>", "html/index.html": "root index", "html/dir/index.html": "dir index",
         "html/noindex/x.txt": "x", "html/with space.txt": "space", "html/unknown.zzz": "zzz", "html/noext": "noext", "html/.hidden": "hidden",
         "html/empty": "", "html/UP.TXT": "up", "html/a.b.css": "css", "html/.dir/file.txt": "f", "html/d.txt/none": "none", "html/caf\u00e9.txt": "cafe",
         "html/q?x": "question", "html/h#x": "hash", "html/p%41.txt": "percent", "html/a&b=c;d.txt": "amp", "html/semi;x": "semi",
         "html/back\\slash": "back", "html/trailing.": "dot", "html/sub/deep/er/x.txt": "deep", "html/plus+x": "plus", "other/b.txt": "other b",
         "other/index.html": "other index", "other/s/x": "x", "html/star*": "star", "html/~user/x": "tilde", "html/x..y": "dots"}
CONF = """
types { text/html html htm; text/css css; text/plain txt; }
default_type application/octet-stream;
server {
    listen 127.0.0.1:%%PORT%%; server_name localhost;
    location /alias/ { alias other/; }
    location /noslash { alias other; }
    location /exact { alias other/b.txt; }
    location ~ ^/re/(.*)$ { alias other/$1; }
    location /root/ { root other; }
    location /etag/ { alias html/; etag off; }
    location /max0/ { alias html/; max_ranges 0; }
    location /max1/ { alias html/; max_ranges 1; }
    location /since-off/ { alias html/; if_modified_since off; }
    location /since-before/ { alias html/; if_modified_since before; }
    location /relative/ { alias html/; absolute_redirect off; }
    location /noport/ { alias html/; port_in_redirect off; }
    location /named/ { alias html/; server_name_in_redirect on; }
    location /octet/ { alias html/; types { } default_type "text/x-y"; }
    location /notype/ { alias html/; types { } default_type ""; }
    location /quiet/ { alias html/; log_not_found off; }
    location /internal/ { internal; alias html/; }
    location = /only { alias html/page.html; }
    location /post/ { alias html/; error_page 405 =200 $uri; }
    location /text { return 200 0123456789; }
}
"""


def dated(prefix):
    for top in ("html", "other"):
        for path in (prefix / top).rglob("*"):
            os.utime(path, (TIME, TIME))


@pytest.fixture(scope="module")
def both(pair):
    return pair(CONF, files=FILES, before=dated)


NAMES = ["/a.txt", "/page.html", "/", "/dir/", "/dir", "/dir?x=1", "/dir/?x=1", "/noindex/", "/noindex", "/with%20space.txt", "/unknown.zzz",
         "/noext", "/.hidden", "/empty", "/UP.TXT", "/a.b.css", "/.dir/file.txt", "/.dir", "/d.txt", "/d.txt/", "/caf%C3%A9.txt", "/caf\u00c3\u00a9.txt",
         "/q%3Fx", "/h%23x", "/p%2541.txt", "/p%41.txt", "/a&b=c;d.txt", "/semi;x", "/back%5Cslash", "/back\\slash", "/trailing.", "/a.txt/",
         "/a.txt/x", "/sub//deep///er/x.txt", "/sub/./deep/../deep/er/x.txt", "/sub/deep/er/..", "/sub/deep/er/.", "/sub/deep/er/../", "/../a.txt",
         "/%2e%2e/a.txt", "/sub/%2e%2e/a.txt", "/sub%2Fdeep%2Fer%2Fx.txt", "/%61.txt", "/a.txt%00", "/a%2", "/a%zz", "/plus+x", "/plus%2Bx",
         "/star*", "/~user/x", "/%7euser/x", "/x..y", "/missing", "/missing/", "/missing?x", "/" + "x" * 300, "/" + "y/" * 100, "/a.txt?range",
         "/a.txt#frag", "/alias/", "/alias", "/alias/b.txt", "/alias/s", "/alias/../a.txt", "/noslash", "/noslash/", "/noslash/b.txt",
         "/exact", "/exact/", "/exactly", "/re/b.txt", "/re/", "/re/s", "/root/b.txt", "/root/", "/relative/dir", "/relative/dir?a=b", "/noport/dir",
         "/named/dir", "/dir%20", "/octet/a.txt", "/notype/a.txt", "/quiet/none", "/internal/a.txt", "/only", "/only/",
         "/post/a.txt", "http://localhost/a.txt", "http://other.example/dir", "*", "//a.txt", "//dir", "//other.example/dir", "/./a.txt", "/sub/deep"]


@pytest.mark.parametrize("target", NAMES)
def test_names(both, target):
    both.agree(target)


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "FOO"])
@pytest.mark.parametrize("target", ["/a.txt", "/dir", "/dir/", "/noindex/", "/missing", "/missing/", "/post/a.txt", "/only", "/alias"])
def test_methods(both, method, target):
    both.agree(f"{method} {target}")


RANGES = ["0-0", "0-", "-1", "-0", "-1000", "-2000", "999-", "1000-", "999-999", "0-999", "0-1000", "5-4", "0-0,-1", "0-1,5-6", "0-1, 5-6",
          "0-1,0-1", "0-1,1-2", "0-499,500-999", "0-999,0-0", "0-,0-", "1-2,-5,700-", "0-1,2000-", "2000-,0-1", "2000-,3000-", "", "-", "a-b", "0",
          "0-1,", ",0-1", "0-1,,2-3", " 0-1", "0 - 1", "0-1 ", "00-01", "+0-1", "0-1;x", "0x0-1", "99999999999999999999-", "0-99999999999999999999",
          "-99999999999999999999", "9223372036854775807-", "0-9223372036854775807", "500-600,100-200", ",".join(f"{i}-{i}" for i in range(0, 100, 2))]


@pytest.mark.parametrize("asked", RANGES)
def test_ranges(both, asked):
    both.agree(f"/a.txt\nRange: bytes={asked}")


@pytest.mark.parametrize("request_", [
    "/a.txt\nRange: bytes 0-1", "/a.txt\nRange: BYTES=0-1", "/a.txt\nRange: bytes =0-1", "/a.txt\nRange: bytes= 0-1", "/a.txt\nRange: lines=0-1",
    "/a.txt\nRange:", "/a.txt\nRange: bytes=0-1\nRange: bytes=2-3", "/a.txt\nRange: bytes", "/a.txt\nrange: bytes=0-1",
    "HEAD /a.txt\nRange: bytes=0-1", "HEAD /a.txt\nRange: bytes=0-1,5-6", "HEAD /a.txt\nRange: bytes=5000-", "POST /a.txt\nRange: bytes=0-1",
    "/empty\nRange: bytes=0-0", "/empty\nRange: bytes=0-", "/empty\nRange: bytes=-1", "/empty\nRange: bytes=1-2", "/empty\nRange: bytes=1-, 0-0", "/empty\nRange: bytes=-0", "/empty\nRange: bytes=x", "/empty\nRange: bytes=",
    '/a.txt\nRange: bytes=0-1\nIf-Range: , "6553f100-3e8"', '/a.txt\nRange: bytes=0-1\nIf-Range: *, "6553f100-3e8"',
    "/missing\nRange: bytes=0-1", "/dir\nRange: bytes=0-1",
    "/dir/\nRange: bytes=0-1", "/text\nRange: bytes=0-1", "/max0/a.txt\nRange: bytes=0-1", "/max1/a.txt\nRange: bytes=0-1",
    "/max1/a.txt\nRange: bytes=0-1,5-6", "/max1/a.txt\nRange: bytes=0-1,2000-", "/notype/a.txt\nRange: bytes=0-1,5-6", "/unknown.zzz\nRange: bytes=0-0,2-2",
    f"/a.txt\nRange: bytes=0-1\nIf-Range: {SAME}", f"/a.txt\nRange: bytes=0-1\nIf-Range: {LATER}", f"/a.txt\nRange: bytes=0-1\nIf-Range: {EARLIER}",
    "/a.txt\nRange: bytes=0-1\nIf-Range: x", "/a.txt\nRange: bytes=0-1\nIf-Range:", '/a.txt\nRange: bytes=0-1\nIf-Range: "6553f100-3e8"',
    '/a.txt\nRange: bytes=0-1\nIf-Range: W/"6553f100-3e8"', '/a.txt\nRange: bytes=0-1\nIf-Range: "x"', '/a.txt\nRange: bytes=0-1\nIf-Range: "6553f100-3e8',
    '/etag/a.txt\nRange: bytes=0-1\nIf-Range: "6553f100-3e8"', '/etag/a.txt\nRange: bytes=0-1\nIf-Range: ""', "/a.txt\nRange: bytes=5000-\nIf-Range: x",
    f"/a.txt\nRange: bytes=0-1\nIf-Modified-Since: {SAME}", f"/a.txt\nRange: bytes=0-1\nIf-Modified-Since: {EARLIER}",
    '/a.txt\nRange: bytes=0-1\nIf-Match: "x"', '/a.txt\nRange: bytes=5000-\nIf-None-Match: "6553f100-3e8"',
])
def test_when_a_range_holds(both, request_):
    both.agree(request_)


TAG = '"6553f100-3e8"'
CONDITIONS = [f"If-Modified-Since: {SAME}", f"If-Modified-Since: {EARLIER}", f"If-Modified-Since: {LATER}", "If-Modified-Since: x",
              "If-Modified-Since:", "If-Modified-Since: Tuesday, 14-Nov-23 22:13:20 GMT", "If-Modified-Since: Tue Nov 14 22:13:20 2023",
              f"If-Modified-Since: {SAME}; length=1000", f"If-Modified-Since: {SAME.replace('Tue', 'Mon')}", "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT",
              f"If-None-Match: {TAG}", f"If-None-Match: W/{TAG}", 'If-None-Match: "x"', f'If-None-Match: "x", {TAG}', f'If-None-Match: "x",{TAG},"y"',
              "If-None-Match: *", "If-None-Match:", "If-None-Match: 6553f100-3e8", f'If-None-Match: W/"x", W/{TAG}', 'If-None-Match: ""',
              f"If-Match: {TAG}", f"If-Match: W/{TAG}", 'If-Match: "x"', "If-Match: *", f'If-Match: "x", {TAG}', "If-Match:",
              f"If-Unmodified-Since: {SAME}", f"If-Unmodified-Since: {EARLIER}", f"If-Unmodified-Since: {LATER}",
              f"If-None-Match: {TAG}\nIf-Modified-Since: {SAME}", f'If-None-Match: "x"\nIf-Modified-Since: {SAME}',
              f"If-Match: {TAG}\nIf-Unmodified-Since: {SAME}", f'If-Match: "x"\nIf-None-Match: {TAG}', f"If-Match: {TAG}\nIf-None-Match: {TAG}"]


def follows_the_rfc(target, condition):
    """Where nginx does not: see "What differs on purpose" in docs/coming-from-nginx.md."""
    undated = target == "/text" and condition.startswith("If-Unmodified-Since")
    return undated or (target.startswith("/since-off") and condition.count("\n") and TAG in condition and "If-Modified" in condition)


@pytest.mark.parametrize("target", ["/a.txt", "HEAD /a.txt", "POST /a.txt", "/etag/a.txt", "/since-off/a.txt", "/since-before/a.txt", "/text",
                                    "/missing", "/dir"])
@pytest.mark.parametrize("condition", CONDITIONS)
def test_conditions(both, target, condition):
    if follows_the_rfc(target, condition):
        _, usher = (Seen(server, f"{target}\n{condition}").status for server in both.servers)
        assert usher == ("HTTP/1.1 200 OK" if target == "/text" else "HTTP/1.1 304 Not Modified")
    else:
        both.agree(f"{target}\n{condition}")


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:99", "other.example", "other.example:80", "[::1]:8080", "127.0.0.1", ""])
@pytest.mark.parametrize("target", ["/dir", "/relative/dir", "/noport/dir", "/named/dir", "/caf%C3%A9", "/sub/deep?a=%20b&c=d"])
def test_redirects(both, version, host, target):
    field = f"Host: {host}\r\n" if host or version == "1.1" else ""
    both.agree(f"GET {target} HTTP/{version}\r\n{field}Connection: close\r\n\r\n".encode())
