"""sub_filter, charset, gunzip: what the differential tests cannot ask nginx 1.22, and what is refused at start."""
import gzip
import subprocess

import pytest

import client
import proxy as programs
from origin import chunked, reply


def test_broken_utf8_swallows_nothing(usher, origin):
    pieces = [b"a\xc3", b"<b>\xd0", b"\xb6\xe2\x82", b"\xac\xf0\x9f\x98", b"\x80\xff\xc0\x80\xed\xa0\x80", b"\xe2"]
    backend = origin(chunked(pieces, headers=[("Content-Type", "text/html")]))
    server = usher("""charset_map odd utf-8 { 80 D0B6; }
        server { listen 127.0.0.1:%%PORT%%; location / { charset odd; source_charset utf-8; proxy_pass http://%%BACKEND%%; } }""",
                   BACKEND=backend)
    assert client.get(server.port, "/").body == b"a?<b>\x80&#8364;&#128512;??????"


def test_variables_without_value_leave_the_charset(usher):
    server = usher("""charset_map koi8-r utf-8 { C1 D0B0; } server { listen 127.0.0.1:%%PORT%%; default_type text/html;
        location /to { charset $arg_c; return 200 x; } location /from { charset utf-8; source_charset $arg_c; return 200 x; } }""")
    assert client.get(server.port, "/to").get("content-type") == "text/html"
    assert client.get(server.port, "/from").get("content-type") == "text/html"


@pytest.mark.parametrize("body", [gzip.compress(b"x" * 5000)[:-9], b"no gzip", gzip.compress(b"x") + b"tail"])
def test_broken_gzip_ends_the_response_loudly(usher, origin, body):
    server = usher("server { listen 127.0.0.1:%%PORT%%; gunzip on; location / { proxy_pass http://%%BACKEND%%; } }",
                   BACKEND=origin(reply(body, Content_Encoding="gzip")))
    data = client.raw(server.port, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert b"0\r\n\r\n" not in data
    server.wait_log(r"inflate\(\) failed")


def test_a_small_gzip_may_become_a_large_body(usher, origin):
    size = 30_000_000
    server = usher("server { listen 127.0.0.1:%%PORT%%; gunzip on; location / { sub_filter xyz y; sub_filter_types *; proxy_pass "
                   "http://%%BACKEND%%; } }", BACKEND=origin(reply(gzip.compress(bytes(size), 1), Content_Encoding="gzip")))
    assert len(client.get(server.port, "/").body) == size


def test_filters_over_http2(usher, origin):
    page = b"<p>hello</p>" * 20000
    server = usher("server { listen 127.0.0.1:%%PORT%%; http2 on; sub_filter hello bye; sub_filter_once off; gunzip on; location / { "
                   "proxy_pass http://%%BACKEND%%; } }",
                   BACKEND=origin(reply(gzip.compress(page), Content_Type="text/html", Content_Encoding="gzip")))
    done = subprocess.run(["curl", "-s", "--http2-prior-knowledge", f"http://127.0.0.1:{server.port}/"], capture_output=True)
    assert done.stdout == page.replace(b"hello", b"bye")


WRONG = {
    'sub_filter "" x;': 'empty search pattern', "sub_filter a;": 'invalid number of arguments in "sub_filter" directive',
    "sub_filter_once maybe;": 'invalid value "maybe" in "sub_filter_once" directive, it must be "on" or "off"',
    "sub_filter_types;": 'invalid number of arguments in "sub_filter_types" directive',
    "sub_filter_types text/html;": 'duplicate MIME type "text/html"',
    "charset_map a a { 80 81; }": '"charset_map" between the same charsets "a" and "a"',
    "charset_map a b { 80; }": "invalid parameters number", "charset_map a b { 8G 81; }": 'invalid value "8G"',
    "charset_map a b { 100 81; }": 'invalid value "100"', "charset_map a utf-8 { 80 E282; }": 'invalid value "E282"',
    "charset_map a b { 80 81; } charset_map b a { 80 81; }": 'duplicate "charset_map" between "b" and "a"',
    "charset a; source_charset b;": 'no "charset_map" between the charsets "b" and "a"', "charset a b;": "invalid number of arguments",
    "gunzip_buffers a 4k;": '"gunzip_buffers" directive invalid value', "gzip_buffers 4 0;": '"gzip_buffers" directive invalid value',
    "gzip_comp_level 10;": "value must be between 1 and 9", "gzip_min_length x;": '"gzip_min_length" directive invalid value',
    "gzip_proxied foo;": 'invalid value "foo"', "gzip_http_version 1.2;": 'invalid value "1.2"',
    "gzip_disable '(';": "missing closing parenthesis", "uwsgi_modifier1 256;": "value must be between 0 and 255",
    "uwsgi_modifier2 x;": '"uwsgi_modifier2" directive invalid number', "uwsgi_param A;": 'invalid number of arguments in "uwsgi_param"',
    "scgi_param A b c;": 'invalid parameter "c"', "memcached_next_upstream http_500;": 'invalid value "http_500"',
    "memcached_gzip_flag x;": '"memcached_gzip_flag" directive invalid number', "location / { scgi_pass scgi://a:1; }": "not allowed here",
    "server { location / { scgi_pass scgi://127.0.0.1:1; } }": 'invalid host in upstream "scgi://127.0.0.1:1"',
    "server { location / { memcached_pass 127.0.0.1; } }": 'no port in upstream "127.0.0.1"',
    "server { location / { uwsgi_pass 127.0.0.1; } }": 'no port in upstream "127.0.0.1"',
}


@pytest.mark.usher_only("nginx 1.22 words some of them differently")
def test_what_is_wrong_is_said_in_nginx_words(tmp_path):
    for text, words in WRONG.items():
        conf = tmp_path / "usher.conf"
        conf.write_text("events {} http { " + text + " }")
        done = subprocess.run([programs.BIN, "-t", "-p", str(tmp_path), "-c", str(conf)], capture_output=True, text=True)
        assert words in done.stderr, (text, done.stderr)
