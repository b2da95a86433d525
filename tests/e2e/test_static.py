"""Files: root, alias, index, types, ranges, validators, and what must stay out of reach."""
import os
import re

import pytest

from client import connect, get

TEXT = b"0123456789" * 1000
FILES = {"html/a.txt": TEXT, "html/page.html": b"<p>page</p>", "html/index.html": b"root index",
         "html/dir/index.html": b"dir index", "html/dir/second.htm": b"second", "html/empty": b"",
         "html/noindex/x.txt": b"x", "html/with space.txt": b"space", "html/style.css": b"css",
         "html/unknown.zzz": b"zzz", "html/UP.TXT": b"up", "other/b.txt": b"other b",
         "secret.txt": b"secret"}
CONF = """
types { text/html html htm; text/css css; text/plain txt; }
default_type application/octet-stream;
server {
    listen 127.0.0.1:%%PORT%%;
    root html;
    location /alias/ { alias %%PREFIX%%/other/; }
    location /exact { alias %%PREFIX%%/other/b.txt; }
    location ~ ^/re/(.*)$ { alias %%PREFIX%%/other/$1; }
    location /rooted/ { root %%PREFIX%%/other; }
    location /dir/ { index none.html second.htm index.html; }
}
"""


@pytest.fixture
def proxy(usher):
    return usher(CONF, files=FILES)


@pytest.mark.parametrize("target, kind, body", [
    ("/a.txt", "text/plain", TEXT), ("/page.html", "text/html", b"<p>page</p>"),
    ("/style.css", "text/css", b"css"), ("/unknown.zzz", "application/octet-stream", b"zzz"),
    ("/empty", "application/octet-stream", b""), ("/UP.TXT", "text/plain", b"up"),
    ("/", "text/html", b"root index"), ("/dir/", "text/html", b"second"),
    ("/with%20space.txt", "text/plain", b"space"), ("/alias/b.txt", "text/plain", b"other b"),
    ("/exact", None, b"other b"), ("/re/b.txt", "text/plain", b"other b"),
    ("/a.txt?query=1", "text/plain", TEXT), ("/x/../a.txt", "text/plain", TEXT),
])
def test_files_and_their_types(proxy, target, kind, body):
    r = get(proxy, target)
    assert (r.status, r.body) == (200, body)
    assert kind is None or r.get("Content-Type") == kind
    assert r.get("Accept-Ranges") == "bytes" and r.get("Content-Length") == str(len(body))


@pytest.mark.parametrize("target, status", [
    ("/missing", 404), ("/missing/x", 404), ("/a.txt/", 404), ("/a.txt/x", 404), ("/noindex/", 403),
    ("/rooted/b.txt", 404), ("/alias/", 403), ("/alias/../secret.txt", 404),
    ("/alias/..%2fsecret.txt", 404), ("/../secret.txt", 400), ("/%2e%2e/secret.txt", 400),
    ("/..%2f..%2f..%2fetc/passwd", 400), ("/a.txt%00.html", 400), ("/" + "x" * 300, 404),
])
def test_what_is_not_there(proxy, target, status):
    assert get(proxy, target).status == status


def test_a_directory_without_its_slash_redirects(proxy):
    r = get(proxy, "/dir?x=1", host="example.com")
    assert r.status == 301 and r.get("Location") == f"http://example.com:{proxy.port}/dir/?x=1"


def test_methods(proxy):
    with connect(proxy) as c:
        r = c.get("/a.txt", method="HEAD")
        assert r.status == 200 and r.get("Content-Length") == str(len(TEXT))
        for method in ("POST", "PUT", "DELETE"):
            assert c.get("/a.txt", method=method, body=b"x").status == 405


def test_validators(proxy):
    path = proxy.prefix / "html/a.txt"
    os.utime(path, (1700000000, 1700000000))
    r = get(proxy, "/a.txt")
    etag, modified = r.get("ETag"), r.get("Last-Modified")
    assert etag == f'"{1700000000:x}-{len(TEXT):x}"'
    assert modified == "Tue, 14 Nov 2023 22:13:20 GMT"

    def status(**fields):
        r = get(proxy, "/a.txt", headers={k.replace("_", "-"): v for k, v in fields.items()})
        assert r.status != 304 or (r.get("ETag") == etag and r.get("Content-Type") is None)
        return r.status
    assert status(If_None_Match=etag) == 304
    assert status(If_None_Match="W/" + etag) == 304
    assert status(If_None_Match=f'"x", {etag}') == 304
    assert status(If_None_Match="*") == 304
    assert status(If_None_Match='"x"') == 200
    assert status(If_Modified_Since=modified) == 304
    assert status(If_Modified_Since="Tue, 14 Nov 2023 22:13:19 GMT") == 200
    assert status(If_None_Match='"x"', If_Modified_Since=modified) == 200
    assert status(If_Match=etag) == 200 and status(If_Match='"x"') == 412
    assert status(If_Unmodified_Since=modified) == 200
    assert status(If_Unmodified_Since="Tue, 14 Nov 2023 22:13:19 GMT") == 412
    assert status(If_Modified_Since="nonsense") == 200


@pytest.mark.parametrize("asked, status, start, end", [
    ("bytes=0-9", 206, 0, 10), ("bytes=9990-", 206, 9990, 10000), ("bytes=-5", 206, 9995, 10000),
    ("bytes=0-", 206, 0, 10000), ("bytes=5-99999", 206, 5, 10000), ("bytes=-99999", 206, 0, 10000),
    ("bytes=0-0", 206, 0, 1), ("bytes=9999-9999", 206, 9999, 10000),
    ("bytes=10000-", 416, 0, 0), ("bytes=-0", 416, 0, 0), ("bytes=5-4", 416, 0, 0),
    ("items=0-5", 200, 0, 10000),
])
def test_ranges(proxy, asked, status, start, end):
    """RFC 9110 14"""
    r = get(proxy, "/a.txt", headers={"Range": asked})
    assert r.status == status
    if status == 206:
        assert r.body == TEXT[start:end]
        assert r.get("Content-Range") == f"bytes {start}-{end - 1}/10000"
    elif status == 416:
        assert r.get("Content-Range") == "bytes */10000"
    else:
        assert r.body == TEXT


def test_many_ranges_in_one_answer(proxy):
    r = get(proxy, "/a.txt", headers={"Range": "bytes=0-4,10-14,-3"})
    assert r.status == 206 and r.get("Content-Length") == str(len(r.body))
    boundary = re.match(r"multipart/byteranges; boundary=(\S+)$", r.get("Content-Type"))[1]
    parts = r.body.split(b"--" + boundary.encode())
    assert parts[0] == b"\r\n" and parts[-1] == b"--\r\n"
    heads = [p.split(b"\r\n\r\n", 1) for p in parts[1:-1]]
    assert [b for _, b in heads] == [b"01234\r\n", b"01234\r\n", b"789\r\n"]
    assert all(b"Content-Type: text/plain" in h for h, _ in heads)
    assert b"Content-Range: bytes 10-14/10000" in heads[1][0]


def test_if_range(proxy):
    with connect(proxy) as c:
        r = c.get("/a.txt")
        for validator, status in ((r.get("ETag"), 206), ('"x"', 200), (r.get("Last-Modified"), 206),
                                  ("Tue, 14 Nov 2000 22:13:20 GMT", 200)):
            got = c.get("/a.txt", headers={"Range": "bytes=0-1", "If-Range": validator})
            assert got.status == status


def test_absurdly_many_ranges_do_not_multiply_the_answer(proxy):
    many = ",".join(f"{n}-" for n in range(0, 1200))
    r = get(proxy, "/a.txt", headers={"Range": "bytes=" + many})
    assert r.status in (200, 206, 416) and len(r.body) < 20 * len(TEXT)


def test_a_big_file(usher):
    big = os.urandom(1 << 16) * 256
    proxy = usher(CONF, files={"html/big.bin": big})
    with connect(proxy) as c:
        for _ in range(2):
            assert c.get("/big.bin").body == big
        r = c.get("/big.bin", headers={"Range": "bytes=1000000-9000000"})
        assert r.body == big[1000000:9000001]


def test_a_file_that_may_not_be_read_is_403(proxy):
    path = proxy.prefix / "html/closed.txt"
    path.write_text("closed")
    path.chmod(0)
    # Root's own workers run as another user, so this holds for root, too.
    assert get(proxy, "/closed.txt").status == 403


def test_a_fifo_is_no_file(proxy):
    os.mkfifo(proxy.prefix / "html/fifo")
    assert get(proxy, "/fifo").status in (403, 404)


def test_a_missing_file_is_said_in_the_error_log(proxy):
    get(proxy, "/missing.txt")
    proxy.wait_log(r'\[error\] .*open\(\) ".*html/missing\.txt" failed \(2: No such file')
