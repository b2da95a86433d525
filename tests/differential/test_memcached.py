"""memcached_pass: keys as they are sent, values as they are passed."""
import gzip

import pytest

from cgi_origin import MemcachedOrigin


def value(key, data, flags=0):
    return f"VALUE {key} {flags} {len(data)}\r\n".encode("latin-1") + data + b"\r\nEND\r\n"


ANSWERS = {
    "/a": value("/a", b"hello"), "/page.html": value("/page.html", b"<p>page</p>"), "/empty": value("/empty", b""),
    "/gz": value("/gz", gzip.compress(b"packed", mtime=0), 2), "/flags": value("/flags", b"flags", 5), "/big": value("/big", b"x" * 300000),
    "/two%20words": value("/two%20words", b"two"), "/crlf%0D%0Aget": value("/crlf%0D%0Aget", b"crlf"), "/100%25": value("/100%25", b"percent"),
    "/\xc3\xa9": value("/\xc3\xa9", b"accent"), "/other": value("/else", b"x"), "/error": b"ERROR\r\n", "/server": b"SERVER_ERROR out of memory\r\n",
    "/client": b"CLIENT_ERROR bad\r\n", "/noflags": b"VALUE /noflags x 1\r\nx\r\nEND\r\n", "/nolength": b"VALUE /nolength 0 \r\n\r\nEND\r\n",
    "/short": b"VALUE /short 0\r\nx\r\nEND\r\n", "/crlf": value("/crlf", b"a\r\nEND\r\nb"), "/prefix": b"VALUE /pre 0 1\r\nx\r\nEND\r\n",
}


def server(body, http=""):
    return http + " server { listen 127.0.0.1:%%PORT%%; server_name localhost; default_type text/plain; types { text/html html; } " + body + " }"


TARGETS = ["/a", "/page.html", "/empty", "/gz", "/flags", "/big", "/two%20words", "/crlf%0d%0aget", "/100%25", "/%C3%A9", "/none", "/other", "/error",
           "/server", "/client", "/nolength", "/short", "/crlf", "/prefix", "HEAD /a", "HEAD /none", "/a\nRange: bytes=1-2",
           "/a\nIf-None-Match: *", "POST /a\nContent-Length: 0", "PUT /a\nContent-Length: 0", "/gz\nAccept-Encoding: gzip"]
WAYS = ["", "memcached_gzip_flag 2;", "memcached_gzip_flag 3; gunzip on;", "error_page 404 = /fallback;",
        "memcached_next_upstream not_found;", "error_page 404 502 /fallback;", "sub_filter hello bye; sub_filter_types *;"]


@pytest.mark.parametrize("way", WAYS, ids=range(len(WAYS)))
def test_values(agree, way):
    agree(server("location / { set $memcached_key $uri; memcached_pass %%%%BACKEND%%%%; %s } location /fallback { return 200 fallback; }" % way),
          [t for t in TARGETS if "sub_filter" not in way or "HEAD" not in t], origin=MemcachedOrigin, script=ANSWERS, exact=("etag",))


def test_keys_and_addresses(agree):
    agree(server("location / { set $memcached_key \"$uri$arg_k\"; memcached_pass group; } location /unset { memcached_pass %%BACKEND%%; } "
                 "location /none { set $memcached_key \"\"; memcached_pass %%BACKEND%%; } "
                 "location /if { set $memcached_key /a; if ($arg_a) { memcached_pass %%BACKEND%%; } "
                 "return 404; }", "upstream group { server %%BACKEND%%; keepalive 4; }"),
          ["/a", "/a?k=x", "/?k=a", "/unset", "/none", "/if", "/if?a=1", "/a", "/none-such", "/page.html", "/a"],
          origin=MemcachedOrigin, script=ANSWERS)
