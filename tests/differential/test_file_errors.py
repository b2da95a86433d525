"""What the error log says of files: the same words as nginx's, at the same level."""
import os
import re

import pytest

CONF = """
server {
    listen 127.0.0.1:%%PORT%%; server_name localhost;
    location /quiet/ { alias html/; log_not_found off; }
    location /list/ { alias html/locked/; autoindex on; }
    location /listnone/ { alias html/none/; autoindex on; index none; }
    location /random/ { alias html/locked/; random_index on; }
    location /randomnone/ { alias html/none/; random_index on; }
    location /lost { error_page 404 @lost; return 404; }
    location /cycle { rewrite ^ /cycle last; }
    location /redirects { try_files /x /redirects; }
    location /try/ { alias html/locked/; try_files $uri =404; }
    location /sym/ { alias html/; disable_symlinks on; }
    location /absolute/ { alias html/dir/; index /nope; }
    location /gz/ { alias html/locked/; gzip_static on; }
    location /jsonp/ { alias html/dir/; autoindex on; autoindex_format jsonp; index none; }
    location /internal { internal; }
}
"""
TARGETS = ["/none", "/none/", "/none?x=1", "/a.txt/", "/a.txt/x", "/" + "x" * 300, "/dir/", "/dir/none", "/locked", "/locked/", "/locked/x", "/unreadable",
           "/quiet/none", "/quiet/none/", "/list/", "/listnone/", "/random/", "/randomnone/", "/lost", "/cycle", "/redirects", "/try/x", "/sym/link",
           "/sym/linkdir/x", "/sym/linkdir/", "/absolute/", "/gz/x", "/jsonp/?callback=a-b", "/internal", "/fifo", "/dangling", "/loop", "/caf%C3%A9",
           "/none\nReferer: http://r.example/", "POST /dir/", "PUT /none", "HEAD /none", "/a.txt\nRange: bytes=50-", "/a.txt\nIf-Match: \"x\""]


def fill(prefix):
    html = prefix / "html"
    os.symlink("a.txt", html / "link")
    os.symlink("dir", html / "linkdir")
    os.symlink("nowhere", html / "dangling")
    os.symlink("loop", html / "loop")
    os.mkfifo(html / "fifo")
    (html / "unreadable").chmod(0)
    (html / "locked").chmod(0)


def lines(server):
    found = []
    for line in (server.prefix / "logs/error.log").read_text(errors="replace").splitlines():
        m = re.match(r"\S+ \S+ \[(error|crit|warn|alert|info)\] \d+#\d+: \*\d+ (.*)", line)
        if m and "client closed connection" not in m[2]:
            text = m[2].replace(str(server.prefix), "PREFIX")
            found.append((m[1], re.sub(r"(127\.0\.0\.1|localhost):\d+", r"\1:PORT", text)))
    return found


@pytest.fixture(scope="module")
def both(pair):
    return pair(CONF, files={"html/a.txt": "a", "html/dir/x": "x", "html/locked/x": "x", "html/unreadable": "u"}, before=fill)


@pytest.mark.skipif(os.geteuid() != 0, reason="the workers must be others than the files' owner")
@pytest.mark.parametrize("request_", TARGETS)
def test_what_is_said(both, request_):
    before = [len(lines(s)) for s in both.servers]
    both.agree(request_)
    expected, got = (lines(s)[n:] for s, n in zip(both.servers, before))
    assert got == expected
