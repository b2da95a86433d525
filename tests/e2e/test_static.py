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


MORE = """
server {
    listen 127.0.0.1:%%PORT%%;
    root html;
    location /off/ { alias %%PREFIX%%/html/; if_modified_since off; }
    location /before/ { alias %%PREFIX%%/html/; if_modified_since before; }
    location /untagged/ { alias %%PREFIX%%/html/; etag off; }
    location /whole/ { alias %%PREFIX%%/html/; max_ranges 0; }
    location /two/ { alias %%PREFIX%%/html/; max_ranges 2; }
    location /quiet/ { alias %%PREFIX%%/html/; log_not_found off; }
    location /pages/ { alias %%PREFIX%%/html/; error_page 412 416 /page.html; }
    location /outer/ { alias %%PREFIX%%/html/; location /outer/dir/ { } }
    location /slash { alias %%PREFIX%%/html/; }
    location /merged/ { alias %%PREFIX%%/html/; types { a/txt txt; } types { b/css css; } }
    location /none/ { alias %%PREFIX%%/html/; types { } default_type x/y; }
    location /sendfile/ { alias %%PREFIX%%/html/; sendfile on; }
    location /text { return 200 "text"; }
}
"""


@pytest.fixture
def more(usher):
    proxy = usher(MORE, files=FILES)
    for path in (proxy.prefix / "html").rglob("*"):
        os.utime(path, (1700000000, 1700000000))
    return proxy


MODIFIED, LATER = "Tue, 14 Nov 2023 22:13:20 GMT", "Tue, 14 Nov 2023 22:13:21 GMT"


@pytest.mark.parametrize("target, field, value, status", [
    ("/off/a.txt", "If-Modified-Since", MODIFIED, 200),
    ("/off/a.txt", "If-None-Match", '"6553f100-2710"', 304),
    ("/before/a.txt", "If-Modified-Since", MODIFIED, 304),
    ("/before/a.txt", "If-Modified-Since", LATER, 304), ("/a.txt", "If-Modified-Since", LATER, 200),
    ("/untagged/a.txt", "If-None-Match", "*", 304),
    ("/untagged/a.txt", "If-None-Match", '""', 200),
    ("/a.txt", "If-Match", 'W/"6553f100-2710"', 412), ("/text", "If-Match", "*", 200),
    ("/text", "If-Match", '"x"', 412), ("/text", "If-None-Match", "*", 304),
    ("/missing", "If-None-Match", "*", 404), ("/dir", "If-None-Match", "*", 301),
])
def test_preconditions(more, target, field, value, status):
    """RFC 9110 13.1"""
    r = get(more, target, headers={field: value})
    assert r.status == status
    if status == 304:
        assert r.body == b"" and r.get("Accept-Ranges") is None


@pytest.mark.usher_only("nginx goes on to compare the date, and refuses what has none")
@pytest.mark.parametrize("target, fields, status", [
    ("/a.txt", {"If-None-Match": '"6553f100-2710"', "If-Modified-Since": LATER}, 304),
    ("/a.txt", {"If-Unmodified-Since": "nonsense"}, 200),
    ("/text", {"If-Unmodified-Since": MODIFIED}, 200),
])
def test_preconditions_where_the_rfc_is_followed(more, target, fields, status):
    """RFC 9110 13.1.3, 13.1.4"""
    assert get(more, target, headers=fields).status == status


def test_an_untagged_file_has_no_etag(more):
    assert get(more, "/untagged/a.txt").get("ETag") is None


def test_a_refused_range_or_condition_has_its_error_page(more):
    r = get(more, "/pages/a.txt", headers={"Range": "bytes=20000-"})
    assert (r.status, r.text) == (416, "<p>page</p>")
    assert r.get("Content-Range") == "bytes */10000"
    assert r.get("Last-Modified") is None
    r = get(more, "/pages/a.txt", headers={"If-Match": '"x"'})
    assert (r.status, r.text) == (412, "<p>page</p>")


@pytest.mark.parametrize("target, asked, status", [
    ("/whole/a.txt", "bytes=0-1", 200), ("/two/a.txt", "bytes=0-1,4-5", 206),
    ("/two/a.txt", "bytes=0-1,4-5,8-9", 200), ("/empty", "bytes=0-", 200),
    ("/text", "bytes=0-1", 200), ("/missing", "bytes=0-1", 404),
])
def test_when_ranges_are_served(more, target, asked, status):
    r = get(more, target, headers={"Range": asked})
    assert r.status == status
    assert r.get("Accept-Ranges") == ("bytes" if target in ("/two/a.txt", "/empty")
                                      and status == 200 else None)


def test_head_of_a_range(more):
    with connect(more) as c:
        r = c.get("/a.txt", method="HEAD", headers={"Range": "bytes=10-19"})
        assert r.status == 206 and r.get("Content-Length") == "10"
        assert r.get("Content-Range") == "bytes 10-19/10000"
        assert c.get("/page.html").status == 200


@pytest.mark.parametrize("target, kind", [
    ("/page.html", "text/html"), ("/style.css", "text/plain"), ("/merged/a.txt", "a/txt"),
    ("/merged/style.css", "b/css"), ("/none/page.html", "x/y"),
])
def test_types_by_default_in_several_blocks_and_none(more, target, kind):
    assert get(more, target).get("Content-Type") == kind


def test_a_nested_location_keeps_the_outer_alias(more):
    assert get(more, "/outer/dir/index.html").text == "dir index"


@pytest.mark.usher_only("nginx serves what lies beside the alias")
def test_an_alias_without_its_slash_does_not_leak_what_is_beside_it(more):
    assert get(more, "/slash../secret.txt").status == 403
    assert get(more, "/slash/a.txt").status == 200


def test_missing_files_can_be_left_out_of_the_log(more):
    assert get(more, "/quiet/missing.txt").status == 404
    assert get(more, "/quiet/missing/").status == 404
    assert get(more, "/said.txt").status == 404
    more.wait_log(r"said\.txt")
    assert "missing" not in (more.prefix / "logs/error.log").read_text().split("said.txt")[0]


@pytest.mark.parametrize("prefix", ["", "/sendfile"])
def test_a_file_of_300_megabytes(more, prefix):
    """Sparse: written nowhere, read through the page cache only where it is asked for."""
    size, tail = 300 << 20, b"the end"
    with open(more.prefix / "html/huge", "wb") as f:
        f.truncate(size)
        f.seek(size - len(tail))
        f.write(tail)
    with connect(more) as c:
        r = c.get(prefix + "/huge", headers={"Range": "bytes=-10"})
        assert r.status == 206 and r.body == b"\0\0\0" + tail
        r = c.get(prefix + "/huge", method="HEAD")
        assert r.get("Content-Length") == str(size)
        r = c.get(prefix + "/huge", headers={"Range": f"bytes=0-0,{size - 3}-"})
        assert r.status == 206 and b"end\r\n" in r.body
        r = c.get(prefix + "/huge")
        assert len(r.body) == size and r.body.endswith(tail)


def test_many_small_ranges_of_one_file(more):
    asked = ",".join(f"{n}-{n}" for n in range(0, 800, 2))
    r = get(more, "/a.txt", headers={"Range": "bytes=" + asked})
    assert r.status == 206 and r.get("Content-Length") == str(len(r.body))
    assert r.body.count(b"Content-Range: bytes ") == 400
