"""autoindex, random_index: what a directory looks like."""
import os

import pytest

NAMES = ["a.txt", "ALPHA", "Zeta", "b <&>\"' c.html", "n" * 49, "n" * 50, "n" * 51, "n" * 52, "é" * 49, "é" * 50, "é" * 51,
         "x" + "é" * 60, "ctl\x01\n\t\r\b\fx\\y", "q?q%q+q:q;q#q", "日本語", "a=b,c@d!e$f~g'h(i)*[j]", ".hidden", "..dots", "%2e", "tab\tname"]
SIZES = [0, 1, 999, 1000, 1023, 1024, 1535, 1536, 9999, 10000, 10239, 10240, 10751, 10752, 1047552, 1048063, 1048064, 1048575, 1048576,
         1572863, 1572864, 1073741823, 1073741824, 1610612735, 1610612736, 5368709120]
TIMES = [0, 951782400, 1_700_000_000, 2_000_000_000, 4_102_444_800]


def fill(prefix):
    d = prefix / "html/d"
    (d / "sub").mkdir(parents=True)
    (d / "empty").mkdir()
    for name in ["d" * 49, "d" * 50, "d" * 51, "é" * 50 + "d", "z dir"]:
        (d / "sub" / name).mkdir()
    for name in NAMES:
        (d / name).write_bytes(b"x" * len(name))
    for size in SIZES:
        with open(d / f"s{size}", "wb") as f:
            f.truncate(size)
    os.symlink("/nowhere", d / "dangling")
    os.symlink("loop", d / "loop")
    os.symlink("a.txt", d / "link")
    os.symlink("sub", d / "linkdir")
    os.mkfifo(d / "fifo")
    with open(os.fsencode(d) + b"/bad\xff" + b"\xc3" * 50, "wb"):
        pass
    for top, dirs, files in os.walk(os.fsencode(prefix / "html"), topdown=False):
        for i, name in enumerate(sorted(dirs + files)):
            os.utime(os.path.join(top, name), (1, TIMES[i % len(TIMES)]), follow_symlinks=False)


CONF = """
server {
    listen 127.0.0.1:%%PORT%%; server_name localhost; autoindex on;
    location /off/ { alias html/d/; autoindex off; }
    location /rounded/ { alias html/d/; autoindex_exact_size off; }
    location /local/ { alias html/d/; autoindex_localtime on; }
    location /utf8/ { alias html/d/; charset utf-8; }
    location /latin/ { alias html/d/; charset latin1; autoindex_format xml; }
    location /utf8json/ { alias html/d/; charset utf-8; autoindex_format json; charset_types *; }
    location /json/ { alias html/d/; autoindex_format json; autoindex_localtime on; }
    location /jsonp/ { alias html/d/; autoindex_format jsonp; }
    location /xml/ { alias html/d/; autoindex_format xml; autoindex_exact_size off; }
    location /empty/ { alias html/d/empty/; }
    location /empty-json/ { alias html/d/empty/; autoindex_format json; }
    location /empty-xml/ { alias html/d/empty/; autoindex_format xml; }
    location /page/ { alias html/d/; index none $arg_i; default_type text/x; }
    location /random/ { alias html/one/; random_index on; index never; }
    location /nothing/ { alias html/hidden/; random_index on; }
    location /fields/ { alias html/d/empty/; add_header X-A b; expires 1h; etag on; }
}
"""
TARGETS = ["/d/", "/d", "/", "/d/sub/", "/d/sub", "/d/z%20dir", "/off/", "/rounded/", "/rounded/sub/", "/local/", "/utf8/", "/utf8/sub/", "/latin/", "/utf8json/", "/json/", "/jsonp/",
           "/jsonp/?callback=foo.bar_9", "/jsonp/?Callback=x", "/jsonp/?callback=", "/jsonp/?callback=a%3Cb", "/jsonp/?callback=a-b",
           "/jsonp/?callback=" + "a" * 128, "/jsonp/?callback=" + "a" * 129, "/json/?callback=x", "/jsonp/?x=1&callback=y", "/xml/",
           "/empty/", "/empty-json/", "/empty-xml/", "/page/", "/page/?i=a.txt", "/page/?i=nope", "/nope/", "/d/a.txt/", "POST /d/",
           "PUT /d/", "HEAD /d/", "OPTIONS /d/", "HEAD /json/", "/random/", "/random/?a", "/nothing/", "POST /random/", "HEAD /random/",
           "PUT /random/", "/random/missing", "/d/sub/../", "/d//", "/d/%C3%A9", "/d/linkdir/", "/d/linkdir", "/d/dangling",
           "/fields/", "/d/?C=M;O=A", "/d/\nIf-Modified-Since: Sat, 21 Nov 2026 14:45:42 GMT", "/d/\nRange: bytes=0-10"]


@pytest.fixture(scope="module")
def both(pair):
    servers = pair(CONF, files={"html/one/only.html": "only", "html/hidden/.a": "x", "html/<b>&amp;/x": "x"}, before=fill)
    return servers


@pytest.mark.parametrize("target", TARGETS + ["/%3Cb%3E&amp;/"])
def test_what_a_directory_looks_like(both, target):
    both.agree(target, inexact=("expires",))
