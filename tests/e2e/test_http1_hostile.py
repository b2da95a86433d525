"""What RFC 9112 forbids is answered with 4xx, the connection closes, and no origin hears of it.

Each attack carries, where it can, a second request that a laxer reader would see. Afterwards an
honest request must find a healthy proxy and an origin that has heard of nothing else.
"""
import pytest

from client import connect, get, raw
from origin import reply

CONF = """
server {
    listen 127.0.0.1:%%PORT%%;
    client_header_timeout 2s; client_body_timeout 2s; lingering_timeout 100ms;
    client_max_body_size 1m;
    location / { proxy_pass http://%%O%%; }
}
"""
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
GET = b"GET / HTTP/1.1\r\nHost: a\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"

usher_only = pytest.mark.usher_only("nginx 1.22 lets it pass or answers otherwise")


def lax(*values, **kw):
    return pytest.param(*values, marks=usher_only, **kw)


@pytest.fixture
def o(origin):
    return origin(reply("ok"))


@pytest.fixture
def proxy(usher, o):
    return usher(CONF, O=o)


def refused(proxy, o, attack, statuses=range(400, 500), silent=True):
    """The attack is refused and unheard; the proxy goes on."""
    answer = raw(proxy, attack)
    assert answer.startswith(b"HTTP/1.1 "), answer[:80]
    assert int(answer[9:12]) in statuses, answer[:80]
    assert answer.count(b"HTTP/1.1 ") == 1, "a second request was seen"
    if silent:
        assert o.received == b""
    assert o.requests == []
    assert get(proxy, "/honest").text == "ok"
    assert [r.target for r in o.requests] == ["/honest"]


LENGTHS = {
    "twice, differing": b"Content-Length: 5\r\nContent-Length: 6",
    "list, differing": b"Content-Length: 5, 6",
    "plus": b"Content-Length: +5",
    "minus": b"Content-Length: -5",
    "hexadecimal": b"Content-Length: 0x5",
    "inner space": b"Content-Length: 5 5",
    "letters": b"Content-Length: five",
    "fraction": b"Content-Length: 5.0",
    "2^64 + 5": b"Content-Length: 18446744073709551621",
    "2^63": b"Content-Length: 9223372036854775808",
    "forty digits": b"Content-Length: " + b"1" * 40,
}


@pytest.mark.parametrize("field", [
    *[pytest.param(v, id=k) for k, v in LENGTHS.items()],
    lax(b"Content-Length:", id="empty"),
])
def test_bad_content_length(proxy, o, field):
    """RFC 9112 6.3, RFC 9110 8.6"""
    refused(proxy, o, POST + field + b"\r\n\r\nhello" + SMUGGLED)


@pytest.mark.parametrize("fields", [
    b"Content-Length: 4\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nContent-Length: 4",
    b"Content-Length: 0\r\nTransfer-Encoding: chunked",
    b"transfer-encoding: CHUNKED\r\ncontent-length: 4",
])
def test_content_length_beside_transfer_encoding(proxy, o, fields):
    """RFC 9112 6.1: ought to be handled as an error."""
    refused(proxy, o, POST + fields + b"\r\n\r\n0\r\n\r\n" + SMUGGLED)


@pytest.mark.parametrize("coding", [
    b"Transfer-Encoding: identity",
    b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding: chunkedx",
    b"Transfer-Encoding: gzip",
    b"Transfer-Encoding: chunked, identity",
    b"Transfer-Encoding: chunked, chunked",
    b"Transfer-Encoding: chunked, gzip",
    b"Transfer-Encoding: \"chunked\"",
    b"Transfer-Encoding: chunked;q=1",
    b"Transfer-Encoding: \x0bchunked",
    b"Transfer-Encoding: chunked\x0c",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    lax(b"Transfer-Encoding:"),
    lax(b"Transfer-Encoding: ,chunked"),
])
def test_transfer_encoding_other_than_chunked(proxy, o, coding):
    """RFC 9112 6.1, 6.3; 501 for a coding that is not understood is in order."""
    refused(proxy, o, POST + coding + b"\r\n\r\n0\r\n\r\n" + SMUGGLED, (400, 501))


def test_transfer_encoding_in_http_1_0(proxy, o):
    """RFC 9112 6.1: faulty framing"""
    refused(proxy, o, b"POST / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n"
                      b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED)


@pytest.mark.parametrize("lines", [
    b"Transfer-Encoding : chunked",
    b"Transfer-Encoding\t: chunked",
    b"X : y",
    b" X: y",
    b"\tX: y",
    b"X: y\r\n folded: z",
    b"X: y\r\n\tfolded",
    b"X: y\rZ: w",
    lax(b"X: y\r\r"),
    b"X: a\x00b",
    b"X\x00: a",
    b"X\x01Y: a",
    b"X\x7f: a",
    b"X Y: a",
    lax(b"X: a\x01b"),
    lax(b"X: a\x7fb"),
    lax(b"no colon here"),
    lax(b"nocolon"),
    lax(b": no name"),
    lax(b"X: y\nZ: w"),
    lax(b"X: y\n"),
], ids=repr)
def test_malformed_field_lines(proxy, o, lines):
    """RFC 9112 5, 5.1, 5.2, 2.2"""
    refused(proxy, o, GET + lines + b"\r\n\r\n" + SMUGGLED)


@pytest.mark.parametrize("head", [
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
    lax(b"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n"),
    lax(b"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"),
    lax(b"GET / HTTP/1.1\r\nHost: a:99999x\r\n\r\n"),
], ids=repr)
def test_host(proxy, o, head):
    """RFC 9112 3.2"""
    refused(proxy, o, head)


@pytest.mark.parametrize("line", [
    b"GET /a b HTTP/1.1",
    b"GET /\x00 HTTP/1.1",
    b"GET /\x01 HTTP/1.1",
    b"GET /\x7f HTTP/1.1",
    b"GET nothing HTTP/1.1",
    b"GET",
    b"G@T / HTTP/1.1",
    b"G\x00T / HTTP/1.1",
    b"GET / HTTP/1.1x",
    b"GET / HTTP/1",
    b"GET / http/1.1",
    b"GET / HTTP/1.1 x",
    b"GET / HTPP/1.1",
    b"GET / HTTP/-1.1",
    b" GET / HTTP/1.1",
    b"GET\t/ HTTP/1.1",
    b"GET /\rx HTTP/1.1",
    b"GET http:// HTTP/1.1",
    b"GET http:///x HTTP/1.1",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    lax(b"GET  / HTTP/1.1", id="two spaces"),
    lax(b"GET / HTTP/01.1", id="leading zero"),
    lax(b"GET http://u:p@a/ HTTP/1.1", id="userinfo"),
    lax(b"GET / HTTP/1.1\nX: y", id="bare LF"),
], ids=repr)
def test_malformed_request_lines(proxy, o, line):
    """RFC 9112 3"""
    refused(proxy, o, line + b"\r\nHost: a\r\n\r\n" + SMUGGLED)


@pytest.mark.parametrize("version, status", [("2.0", 505), ("3.0", 505), ("9.9", 505)])
def test_unknown_versions(proxy, o, version, status):
    refused(proxy, o, f"GET / HTTP/{version}\r\nHost: a\r\n\r\n".encode(), (status, 400))


@pytest.mark.parametrize("uri", [
    "/../x", "/a/../../x", "/%2e%2e/x", "/..%2fx", "/a/..%2f..%2f..%2fx", "/%00", "/a%00b", "/%",
    "/%2", "/%zz", "/%2g",
])
def test_uris_that_leave_the_root_or_are_malformed(proxy, o, uri):
    refused(proxy, o, f"GET {uri} HTTP/1.1\r\nHost: a\r\n\r\n".encode())


@pytest.mark.parametrize("method", ["CONNECT", "TRACE"])
def test_methods_that_are_not_for_us(proxy, o, method):
    target = "a:80" if method == "CONNECT" else "/"
    refused(proxy, o, f"{method} {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode(), (400, 405, 501))


@pytest.mark.parametrize("body", [
    b"x\r\n", b"-5\r\nhello\r\n", b"+5\r\nhello\r\n", b"0x5\r\nhello\r\n", b"5g\r\nhello\r\n",
    b"5\rhello\r\n", b"5\r\nhello0\r\n\r\n", b"5\r\nhelloxx0\r\n\r\n", b"5\r\nhello\r0\r\n\r\n",
    b"FFFFFFFFFFFFFFFFF\r\nx", b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    b"8000000000000000\r\nx", b"\r\n", b";x\r\nhello\r\n",
    lax(b" 5\r\nhello\r\n0\r\n\r\n", id="space before size"),
    lax(b"5\nhello\r\n0\r\n\r\n", id="bare LF after size"),
    lax(b"5;a\nb\r\nhello\r\n0\r\n\r\n", id="bare LF in extension"),
    lax(b"5;a\rb\r\nhello\r\n0\r\n\r\n", id="bare CR in extension"),
    lax(b"5\r\nhello\n0\r\n\r\n", id="bare LF after data"),
    lax(b"0\r\nX: y\n\r\n", id="bare LF in trailer"),
    lax(b"0\r\nX : y\r\n\r\n", id="space in trailer name"),
    lax(b"0\r\n\n", id="bare LF at end"),
    lax(b"5;" + b"x" * 70000 + b"\r\nhello\r\n0\r\n\r\n", id="endless extension"),
    lax(b"0\r\n" + b"X: y\r\n" * 20000 + b"\r\n", id="endless trailers"),
], ids=repr)
def test_malformed_chunks(proxy, o, body):
    """RFC 9112 7.1. The head is good, so bytes may have gone upstream, never a whole request."""
    refused(proxy, o, CHUNKED + body + SMUGGLED, (400, 413, 431), silent=False)


def test_a_request_cut_short_is_no_request(proxy, o):
    for part in (b"GET / HT", GET, POST + b"Content-Length: 9\r\n\r\nhalf", CHUNKED + b"5\r\nhe"):
        with connect(proxy) as c:
            c.send(part).end()
            answer = c.recv_until_closed()
            assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
    assert o.requests == []
    assert get(proxy).text == "ok"


def test_a_refusal_ends_the_pipeline_after_what_came_before(proxy, o):
    answer = raw(proxy, b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\n" + b"BAD\x00\r\n\r\n" + SMUGGLED)
    assert answer.startswith(b"HTTP/1.1 200 ") and b"HTTP/1.1 400 " in answer
    assert answer.count(b"HTTP/1.1 ") == 2
    assert [r.target for r in o.requests] == ["/1"]


def test_what_a_client_says_of_framing_never_reaches_the_origin_as_said(proxy, o):
    """Hop-by-hop fields are ours to set: RFC 9110 7.6.1."""
    get(proxy, method="POST", body=b"abc",
        headers={"Connection": "close, X-Hop, Content-Length", "TE": "gzip", "X-Hop": "1",
                 "Keep-Alive": "300", "Proxy-Connection": "keep-alive"})
    seen = o.requests[0]
    assert seen.body == b"abc" and seen.get("Content-Length") == "3"
    assert seen.get("Keep-Alive") is None


def test_100_connections_of_garbage_leave_a_healthy_proxy(proxy, o):
    for n in range(100):
        with connect(proxy) as c:
            c.send(bytes((n * 7 + i * 31) % 256 for i in range(200)))
            if n % 2:
                c.reset()
    assert get(proxy).text == "ok"
