"""Heads that come late, in pieces, too slowly, or never."""
import pytest

from client import connect, get, raw

CONF = """
client_header_timeout %%HEAD%%;
server { listen 127.0.0.1:%%PORT%%; large_client_header_buffers 4 32k;
    location / { return 200 "$request_method $uri $http_x"; } }
"""


@pytest.fixture
def proxy(usher):
    return usher(CONF, HEAD="60s")


def turn(proxy):
    """An answer to somebody else: what was sent before it has been read."""
    assert get(proxy).status == 200


def test_a_head_that_stalls_often_arrives_whole(proxy):
    value = "".join(f"{n}," for n in range(5000))
    head = f"GET /a HTTP/1.1\r\nHost: a\r\nX: {value}\r\n\r\n".encode()
    with connect(proxy) as c:
        for at in range(0, len(head), 700):
            c.send(head[at:at + 700])
            turn(proxy)
        assert c.recv_response().text == f"GET /a {value}"
        assert c.get("/b").text == "GET /b "


def test_a_pipeline_that_stalls_inside_each_head(proxy):
    one = b"POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
    stream = b"".join(one % n for n in range(9))
    with connect(proxy) as c:
        for at in range(0, len(stream), 31):
            c.send(stream[at:at + 31])
            turn(proxy)
        for n in range(9):
            assert c.recv_response().text == f"POST /{n} "


@pytest.mark.parametrize("garbage", [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS
    b"\x00", b"HELO example.com\r\n", b"GET\r\n", b"{\"json\": 1}",
], ids=["tls", "nul", "smtp", "no target", "json"])
def test_what_can_be_no_request_is_refused_without_waiting_for_more(proxy, garbage):
    assert raw(proxy, garbage).startswith(b"HTTP/1.1 400 ")


@pytest.mark.usher_only
def test_empty_lines_without_end_are_refused(proxy):
    assert raw(proxy, b"\r\n" * 100).startswith(b"HTTP/1.1 400 ")


def test_a_few_empty_lines_between_requests_are_none(proxy):
    with connect(proxy) as c:
        for _ in range(20):
            c.send(b"\r\n\r\n")
            assert c.get("/x").text == "GET /x "


def test_client_header_timeout_is_for_the_whole_head(usher):
    """A client that trickles does not win time with each byte."""
    proxy = usher(CONF, HEAD="300ms")
    with connect(proxy) as c:
        c.send(b"GET / HTTP/1.1\r\nHost: a\r\nX: ")
        sent = 0
        with pytest.raises(OSError):
            while True:
                c.send(b"y")
                sent += 1
                turn(proxy)
                assert sent < 25000, "the head was left to grow"
    assert any('" 408 ' in line for line in proxy.access_log(sent + 1))


def test_a_client_that_says_nothing_is_closed(usher):
    with connect(usher(CONF, HEAD="200ms")) as c:
        assert c.closed()


def test_a_long_pipeline(proxy):
    with connect(proxy) as c:
        c.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % i for i in range(1000)))
        for i in range(1000):
            assert c.recv_response().text == f"GET /{i} "


def test_server_addr_behind_a_wildcard(usher):
    proxy = usher('server { listen %%PORT%%; return 200 "$server_addr $server_port"; }')
    assert get(proxy).text == f"127.0.0.1 {proxy.port}"
    proxy = usher('server { listen %%PORT%%; location /d/ { proxy_pass http://127.0.0.1:1; }'
                  ' location / { return 301 /x; } }')
    assert get(proxy, host="h").get("Location") == f"http://h:{proxy.port}/x"
