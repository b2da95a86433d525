"""HTTP/1 towards the client: connections, framing, limits. Refusals: test_http1_hostile.py."""
import re
import socket

import pytest

from client import connect, get, raw
from origin import reply

CONF = """
server {
    listen 127.0.0.1:%%PORT%%;
    client_max_body_size 1m;
    location / { proxy_pass http://%%O%%; }
    location /local { default_type text/plain; return 200 "local $request_method $uri"; }
    location /none { return 204; }
}
"""


@pytest.fixture
def o(origin):
    return origin(lambda conn, r: reply(f"{r.method} {r.target} {len(r.body)}"))


@pytest.fixture
def proxy(usher, o):
    return usher(CONF, O=o)


def test_a_connection_is_kept(proxy):
    with connect(proxy) as c:
        for n in range(5):
            r = c.get(f"/local/{n}")
            assert (r.status, r.text) == (200, f"local GET /local/{n}")
            assert r.get("Connection") == "keep-alive"


def test_connection_close_is_honoured(proxy):
    with connect(proxy) as c:
        r = c.get("/local", headers={"Connection": "close"})
        assert r.get("Connection") == "close" and c.closed()


def test_http_1_0_closes_unless_asked_to_keep(proxy):
    with connect(proxy) as c:
        r = c.get("/local", version="1.0")
        assert r.status == 200 and r.get("Connection") == "close" and c.closed()
    with connect(proxy) as c:
        for _ in range(2):
            r = c.get("/local", version="1.0", headers={"Connection": "keep-alive"})
            assert r.get("Connection") == "keep-alive" and r.get("Content-Length")


def test_http_1_0_needs_no_host_and_gets_no_chunks(usher, origin):
    o = origin(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
    proxy = usher(CONF + "proxy_http_version 1.1;", O=o)
    with connect(proxy) as c:
        r = c.get("/", version="1.0", host=None)
    assert r.get("Transfer-Encoding") is None and r.body == b"abc"


def test_keepalive_requests_and_timeout_end_a_connection(usher):
    proxy = usher("server { listen 127.0.0.1:%%PORT%%; keepalive_requests 2;"
                  " location / { return 200 x; } }"
                  "server { listen 127.0.0.1:%%PORT2%%; keepalive_timeout 0;"
                  " location / { return 200 x; } }"
                  "server { listen 127.0.0.1:%%PORT3%%; keepalive_timeout 100ms;"
                  " location / { return 200 x; } }")
    with connect(proxy) as c:
        assert [c.get().get("Connection") for _ in range(2)] == ["keep-alive", "close"]
        assert c.closed()
    with connect(proxy.ports["PORT2"]) as c:
        assert c.get().get("Connection") == "close" and c.closed()
    with connect(proxy.ports["PORT3"]) as c:
        assert c.get().get("Connection") == "keep-alive" and c.closed()


def test_keepalive_timeout_has_a_header_form(usher):
    proxy = usher("server { listen 127.0.0.1:%%PORT%%; keepalive_timeout 60s 30s;"
                  " location / { return 200 x; } }")
    assert get(proxy).get("Keep-Alive") == "timeout=30"


def test_pipelined_requests_are_answered_in_order(proxy):
    with connect(proxy) as c:
        c.send(b"".join(b"GET /%s%d HTTP/1.1\r\nHost: a\r\n\r\n" % (kind, n)
                        for n in range(20) for kind in (b"local/", b"")))
        for n in range(20):
            assert c.recv_response().text == f"local GET /local/{n}"
            assert c.recv_response().text == f"GET /{n} 0"


def test_a_body_ends_where_it_says_and_the_next_request_begins(proxy):
    with connect(proxy) as c:
        c.send(b"POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
               b"POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
               b"3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n"
               b"GET /3 HTTP/1.1\r\nHost: a\r\n\r\n")
        seen = [c.recv_response().text for _ in range(3)]
    assert seen == ["POST /1 5", "POST /2 7", "GET /3 0"]


def test_an_unread_body_is_not_taken_for_a_request(proxy):
    inner = b"GET /local/smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    with connect(proxy) as c:
        c.request("/local", method="POST", body=inner)
        assert c.recv_response().text == "local POST /local"
        assert c.get("/local/2").text == "local GET /local/2"


@pytest.mark.parametrize("request_", [
    b"GET /1 HTTP/1.1\r\nHost: a\r\nX-Long: " + b"y" * 300 + b"\r\n\r\n",
    b"POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    b"POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a=\"b\"\r\nhello\r\n"
    b"0\r\nT: v\r\n\r\n",
])
def test_a_request_may_come_one_byte_at_a_time(proxy, request_):
    with connect(proxy) as c:
        c.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(len(request_)):
            c.send(request_[i:i + 1])
        r = c.recv_response()
        assert r.status == 200
        assert c.get("/local").status == 200


def test_empty_lines_before_a_request_are_skipped(proxy):
    """RFC 9112 2.2"""
    with connect(proxy) as c:
        c.send(b"\r\n\r\nGET /local HTTP/1.1\r\nHost: a\r\n\r\n")
        assert c.recv_response().status == 200


def test_head_has_the_fields_of_get_and_no_body(proxy):
    with connect(proxy) as c:
        for target in ("/local", "/x"):
            full = c.get(target)
            r = c.get(target, method="HEAD")
            assert r.status == 200 and r.body == b""
            if target == "/local":
                assert r.get("Content-Type") == full.get("Content-Type")
            assert r.get("Content-Length") is not None
        assert c.get("/local").status == 200


def test_204_has_neither_body_nor_length(proxy):
    with connect(proxy) as c:
        r = c.get("/none")
        assert r.status == 204 and r.get("Transfer-Encoding") is None
        assert r.get("Content-Length") in (None, "0")
        assert c.get("/local").status == 200


def test_100_continue_comes_before_the_body(proxy, o):
    with connect(proxy) as c:
        c.send(b"POST /up HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        assert c.recv_head().status == 100
        c.send(b"body")
        assert c.recv_response().text == "POST /up 4"
    assert o.requests[0].get("Expect") is None


def test_no_100_continue_when_the_body_would_be_refused(proxy, o):
    with connect(proxy) as c:
        c.send(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
               b"Content-Length: 2000000\r\n\r\n")
        r = c.recv_response()
        assert r.status == 413 and not r.interim
    assert o.received == b""


def test_no_100_continue_to_http_1_0(proxy):
    with connect(proxy) as c:
        c.send(b"POST /up HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nbody")
        assert not c.recv_response().interim


@pytest.mark.parametrize("expect", ["100-Continue", "100-CONTINUE"])
def test_expect_is_case_insensitive(proxy, expect):
    with connect(proxy) as c:
        c.send(f"POST / HTTP/1.1\r\nHost: a\r\nExpect: {expect}\r\nContent-Length: 1\r\n\r\n")
        assert c.recv_head().status == 100
        c.send(b"x")
        assert c.recv_response().status == 200


def test_absolute_form_names_the_host(usher):
    proxy = usher("server { listen 127.0.0.1:%%PORT%%; server_name other; return 200 other; }"
                  "server { listen 127.0.0.1:%%PORT%%; server_name inside;"
                  ' return 200 "$host $request_uri $uri"; }')
    r = get(proxy, "http://inside/a?b", host="other")
    assert r.text.startswith("inside ") and r.text.endswith(" /a")
    assert get(proxy, "http://inside", host="other").text.endswith(" /")


def test_absolute_form_asks_the_origin_in_origin_form(proxy, o):
    assert get(proxy, "http://a.example/x?y=1", host="a.example").status == 200
    assert o.requests[0].target == "/x?y=1"


def test_host_is_lowered_and_loses_its_port(usher):
    proxy = usher('server { listen 127.0.0.1:%%PORT%%; return 200 "$host"; }')
    assert get(proxy, host="WWW.Example.COM:8080").text == "www.example.com"
    assert get(proxy, host="[::1]:80").text == "[::1]"
    assert get(proxy, host="dot.").text in ("dot", "dot.")


def test_every_response_has_date_and_server(proxy):
    for target, status in (("/local", 200), ("/", 200)):
        r = get(proxy, target)
        assert r.status == status and re.match(r"(usher|nginx)", r.get("Server"))
        assert re.match(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$", r.get("Date"))


def test_server_tokens_off_hides_the_version(usher):
    proxy = usher("server_tokens off; server { listen 127.0.0.1:%%PORT%%; return 404; }")
    r = get(proxy)
    assert r.get("Server") in ("usher", "nginx")
    assert r.text.endswith(f"<hr><center>{r.get('Server')}</center>\r\n</body>\r\n</html>\r\n")


def test_fields_and_uri_of_8k_pass(proxy, o):
    field, uri = "f" * 8000, "/" + "u" * 8000
    assert get(proxy, uri, headers={"X-Long": field}).status == 200
    assert o.requests[0].get("X-Long") == field and o.requests[0].target == uri


@pytest.mark.parametrize("request_, statuses", [
    (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", {414}),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 9000 + b"\r\n\r\n", {400, 431}),
    (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: " + b"a" * 7000 + b"\r\n", {400, 431}),
    (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 9000, {400, 431}),
], ids=["uri", "field", "many big fields", "many small fields"])
def test_what_is_over_long_is_refused(proxy, o, request_, statuses):
    if request_.endswith(b"a\r\n"):
        request_ += (b"Y: " + b"a" * 7000 + b"\r\n") * 5
    answer = raw(proxy, request_)
    assert int(answer[9:12]) in statuses
    assert o.received == b""


@pytest.mark.usher_only
def test_max_headers_bounds_their_number(usher):
    proxy = usher("max_headers 10; server { listen 127.0.0.1:%%PORT%%; return 200 x; }")
    assert get(proxy, headers=[("X", "y")] * 9).status == 200
    assert get(proxy, headers=[("X", "y")] * 10).status in (400, 431)


def test_large_client_header_buffers_sets_the_bound(usher):
    proxy = usher("server { listen 127.0.0.1:%%PORT%%; large_client_header_buffers 4 32k;"
                  " return 200 $http_x; }")
    assert len(get(proxy, headers={"X": "y" * 30000}).text) == 30000


def test_client_max_body_size(proxy, o):
    assert get(proxy, method="POST", body=b"x" * (1 << 20)).status == 200
    with connect(proxy) as c:
        c.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n")
        assert c.recv_response().status == 413
    assert len(o.requests) == 1


def test_a_chunked_body_over_the_limit_is_cut_off(proxy, o):
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    with connect(proxy) as c:
        try:
            c.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk * 17)
        except OSError:
            pass
        assert c.recv_response().status == 413
    assert o.requests == []


def test_413_reaches_a_client_that_is_still_sending(proxy):
    """lingering_close: closing with unread bytes would send RST and lose the answer."""
    with connect(proxy) as c:
        c.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n")
        try:
            for _ in range(30):
                c.send(b"x" * 100000)
        except OSError:
            pass
        assert c.recv_response().status == 413


def test_a_client_that_shuts_its_side_still_gets_its_answer(proxy):
    with connect(proxy) as c:
        c.request("/local").end()
        assert c.recv_response().text == "local GET /local" and c.closed()


def test_client_header_timeout(usher):
    proxy = usher("server { listen 127.0.0.1:%%PORT%%; client_header_timeout 200ms;"
                  " return 200 x; }")
    with connect(proxy) as c:
        c.send(b"GET / HTTP/1.1\r\nHos")
        answer = c.recv_until_closed()
    assert answer == b"" or answer.startswith(b"HTTP/1.1 408 ")
    assert re.search(r'" (408|400) ', "\n".join(proxy.access_log(1)))


def test_client_body_timeout(usher, o):
    proxy = usher("client_body_timeout 200ms;" + CONF, O=o)
    with connect(proxy) as c:
        c.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
        answer = c.recv_until_closed()
    assert answer == b"" or answer.startswith(b"HTTP/1.1 408 ")
    assert o.requests == []
    assert '" 408 ' in proxy.access_log(1)[0]


def test_underscores_and_invalid_names_are_dropped_by_default(usher, origin):
    o = origin(reply("x"))
    proxy = usher(CONF + """
        server { listen 127.0.0.1:%%PORT2%%; underscores_in_headers on;
                 location / { proxy_pass http://%%O%%; } }
        server { listen 127.0.0.1:%%PORT3%%; ignore_invalid_headers off;
                 location / { proxy_pass http://%%O%%; } }""", O=o)
    for name in ("PORT", "PORT2", "PORT3"):
        get(proxy.ports[name], headers=[("A_B", "1"), ("C.D", "2"), ("E-F", "3")])
    kept = [[k for k, _ in r.headers if k in ("A_B", "C.D", "E-F")] for r in o.requests]
    assert kept[0] == ["E-F"] and kept[1] == ["A_B", "E-F"] and "C.D" in kept[2]


def test_a_second_listener_and_a_unix_socket(usher):
    proxy = usher("server { listen 127.0.0.1:%%PORT%%; listen [::1]:%%PORT2%%;"
                  ' listen unix:%%PREFIX%%/s.sock; return 200 "$server_port"; }')
    assert get(proxy).text == str(proxy.port)
    assert get(("::1", proxy.ports["PORT2"])).text == str(proxy.ports["PORT2"])
    assert get(f"{proxy.prefix}/s.sock").status == 200
