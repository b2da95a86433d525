"""What a backend is told: request line, fields, framing; and what can never be smuggled into it."""
import pytest

from client import connect, get, raw
from origin import reply
from proxy import IS_NGINX


def server(inner):
    return f"server {{ listen 127.0.0.1:%%PORT%%; {inner} }}"


@pytest.fixture
def echo(origin):
    return origin(lambda conn, r: reply("ok"))


def ask(proxy, echo, target="/", **kw):
    before = len(echo.requests)
    assert get(proxy, target, **kw).status == 200
    return echo.wait_requests(before + 1)[-1]


@pytest.mark.usher_only("nginx 1.22 sends what it decoded")
@pytest.mark.parametrize("target", ["/to/a%0ab", "/to/a%0d%0aX:%20y", "/to/a%20b", "/to/a%09b",
                                    "/to/a%7fb", "/to/x%20HTTP/1.1%0d%0aHost:%20evil%0d%0a%0d%0a"])
def test_a_decoded_target_cannot_become_another_request(usher, echo, target):
    proxy = usher(server("location / { proxy_pass http://%%O%%$uri; }"), O=echo)
    assert get(proxy, target).status == 400
    assert echo.received == b""
    assert get(proxy, "/to/fine").status == 200


@pytest.mark.usher_only("nginx 1.22 sends what it decoded")
def test_decoded_line_ends_are_not_written_into_fields(usher, echo):
    proxy = usher(server("location / { proxy_set_header X-Path $uri; proxy_set_header X-Ok $host;"
                         " proxy_pass http://%%O%%; }"), O=echo)
    r = ask(proxy, echo, "/a%0d%0aX-Evil:%201")
    assert r.get("X-Path") is None and r.get("X-Evil") is None and r.get("X-Ok") == "localhost"


@pytest.mark.usher_only("nginx 1.22 sends what it decoded")
def test_a_decoded_host_cannot_become_another_request(usher, echo):
    proxy = usher(server("location ~ (?s)^/to/([^/]+)(.*) { proxy_pass http://$1$2; }"), O=echo)
    assert get(proxy, f"/to/{echo.address}/x").status == 200
    assert get(proxy, f"/to/{echo.address}%0d%0aX:%20y/x").status == 400
    assert len(echo.requests) == 1


@pytest.mark.usher_only("nginx 1.22 sends any method it is given")
def test_a_method_that_is_none_is_refused(usher, echo):
    proxy = usher(server("location / { proxy_method $http_x_m; proxy_pass http://%%O%%; }"), O=echo)
    assert ask(proxy, echo, headers={"X-M": "PURGE"}).method == "PURGE"
    assert get(proxy, "/", headers={"X-M": "GET / HTTP/1.1"}).status == 400


def test_a_replaced_uri_is_escaped_again(usher, echo):
    proxy = usher(server("location /esc/ { proxy_pass http://%%O%%/x/; }"), O=echo)
    assert ask(proxy, echo, "/esc/a%20b%3f%25%0a%e4?x=%20").target == "/x/a%20b%3F%25%0A%E4?x=%20"


@pytest.mark.usher_only("nginx 1.22 heeds the first Connection field's own words only")
def test_every_field_that_any_connection_field_names_stops_here(usher, echo):
    proxy = usher(server("location / { proxy_pass http://%%O%%; }"), O=echo)
    r = ask(proxy, echo, headers=[("Connection", "keep-alive"), ("Connection", "x-one, X-Two"),
                                  ("X-One", "1"), ("X-Two", "2"), ("X-Three", "3"),
                                  ("TE", "trailers"), ("Proxy-Connection", "keep-alive")])
    assert [r.get("X-" + n) for n in ("One", "Two", "Three")] == [None, None, "3"]
    assert r.get("TE") is None and r.get("Proxy-Connection") is None and not r.all("Connection")


def test_a_field_is_still_set_when_the_client_nominates_it(usher, echo):
    proxy = usher(server("location / { proxy_set_header X-Real-IP $remote_addr;"
                         " proxy_pass http://%%O%%; }"), O=echo)
    r = ask(proxy, echo, headers={"Connection": "X-Real-IP", "X-Real-IP": "6.6.6.6"})
    assert r.get("X-Real-IP") == "127.0.0.1"


def test_set_header_twice_is_sent_twice_and_empty_is_not_sent(usher, echo):
    proxy = usher(server("location / { proxy_set_header X-B b1; proxy_set_header X-B b2;"
                         " proxy_set_header X-A ''; proxy_set_header Host $http_x_host;"
                         " proxy_pass http://%%O%%; }"), O=echo)
    r = ask(proxy, echo, headers={"X-A": "1", "X-Host": "other.example:81"})
    assert r.all("X-B") == ["b1", "b2"] and r.get("X-A") is None
    assert r.get("Host") == "other.example:81"


def test_framing_cannot_be_set(usher, echo):
    proxy = usher(server("location / { proxy_set_header Content-Length 99;"
                         " proxy_set_header Transfer-Encoding chunked;"
                         " proxy_pass http://%%O%%; }"), O=echo)
    if IS_NGINX:
        pytest.skip("nginx 1.22 obeys, and the backend hangs")
    r = ask(proxy, echo, method="POST", body=b"four")
    assert r.get("Content-Length") == "4" and r.body == b"four"
    assert r.get("Transfer-Encoding") is None
    assert ask(proxy, echo).get("Content-Length") is None


def test_a_body_that_is_not_passed(usher, echo):
    proxy = usher(server("proxy_pass_request_body off;"
                         " location / { proxy_pass http://%%O%%; }"
                         " location /unsaid { proxy_set_header Content-Length '';"
                         "   proxy_pass http://%%O%%; }"), O=echo)
    if not IS_NGINX:
        r = ask(proxy, echo, method="POST", body=b"four")
        assert r.get("Content-Length") == "0"
    r = ask(proxy, echo, "/unsaid", method="POST", body=b"four")
    assert r.get("Content-Length") is None and r.body == b""


def test_proxy_http_version_1_0(usher, echo):
    proxy = usher(server("proxy_http_version 1.0; location / { proxy_pass http://%%O%%; }"), O=echo)
    r = ask(proxy, echo)
    assert r.version == "HTTP/1.0" and r.get("Connection") == "close"
    with connect(proxy) as c:
        c.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
               "3\r\nabc\r\n0\r\n\r\n")
        assert c.recv_response().status == 200
    assert echo.requests[-1].get("Content-Length") == "3" and echo.requests[-1].body == b"abc"
    assert len(echo.connections) == 2


@pytest.mark.usher_only("our default is that of nginx 1.29.7: connections are kept")
@pytest.mark.one_thread
def test_a_connection_that_was_told_close_is_not_used_again(usher, echo):
    proxy = usher(server("proxy_set_header Connection $http_x_c;"
                         " location / { proxy_pass http://%%O%%; }"), O=echo)
    ask(proxy, echo, headers={"X-C": "close"})
    ask(proxy, echo, headers={"X-C": "close"})
    assert len(echo.connections) == 2
    ask(proxy, echo)
    ask(proxy, echo)
    assert len(echo.connections) == 3


def test_a_unix_socket_named_by_variables(usher, origin):
    o = origin(lambda conn, r: reply("ok"), unix=True)
    proxy = usher(server("location ~ ^/(?<name>.*) { proxy_pass http://%%O%%:/u/$name; }"), O=o)
    assert get(proxy, "/x").status == 200
    assert o.requests[0].get("Host") == "localhost" and o.requests[0].target == "/u/x"


@pytest.mark.parametrize("source", ["127.0.0.2", "$arg_from"])
def test_proxy_bind_with_variables(usher, origin, source):
    o = origin(lambda conn, r: reply(conn.sock.getpeername()[0]))
    proxy = usher(server(f"location / {{ proxy_bind {source}; proxy_pass http://%%O%%; }}"), O=o)
    assert get(proxy, "/?from=127.0.0.2").text == "127.0.0.2"


def test_proxy_bind_may_be_off_by_a_variable(usher, origin):
    o = origin(lambda conn, r: reply(conn.sock.getpeername()[0]))
    proxy = usher(server("location / { proxy_bind $arg_from; proxy_pass http://%%O%%; }"), O=o)
    assert get(proxy, "/?from=127.0.0.3").text == "127.0.0.3"
    assert get(proxy, "/").text == "127.0.0.1"
    assert get(proxy, "/?from=off").text == "127.0.0.1"


@pytest.mark.parametrize("directives, words", [
    ("proxy_pass http://g:8080;", 'upstream "g" may not have port 8080'),
    ("proxy_pass http://127.0.0.1:99999;", 'invalid port in upstream "127.0.0.1:99999"'),
    ("proxy_pass http://127.0.0.1:abc/x;", 'invalid port in upstream "127.0.0.1:abc/x"'),
    ("proxy_pass http://;", 'no host in upstream ""'),
    ("proxy_pass http://:8080;", 'no host in upstream ":8080"'),
    ("proxy_pass http://unix:;", 'no path in the unix domain socket in upstream "unix:"'),
    ("proxy_pass 127.0.0.1;", "invalid URL prefix"),
    ("proxy_pass http://127.0.0.1; proxy_bind foo;", 'invalid address "foo"'),
    ("proxy_pass http://127.0.0.1; proxy_bind 127.0.0.1 foo;", 'invalid parameter "foo"'),
])
def test_what_cannot_be_asked_is_refused_at_the_start(usher, directives, words):
    proxy = usher("upstream g { server 127.0.0.1:1; }" + server(f"location / {{ {directives} }}"),
                  start=False, may_log="emerg")
    with pytest.raises(AssertionError, match="exited"):
        proxy.start()
    assert "[emerg] " in proxy.stderr() and words in proxy.stderr()


def test_an_internal_redirect_takes_the_body_along_but_not_a_streamed_one(usher, origin):
    o = origin(lambda conn, r: reply("", X_Accel_Redirect="/in") if r.target.startswith("/a")
               else reply(f"{r.method} {r.get('Content-Length')} {r.body.decode()}"))
    proxy = usher(server("location / { proxy_pass http://%%O%%; }"
                         " location /a2 { proxy_request_buffering off; proxy_http_version 1.1;"
                         "   proxy_pass http://%%O%%; }"
                         " location /in { internal; proxy_pass http://%%O%%; }"), O=o)
    assert get(proxy, "/a1", method="POST", body=b"BODY").text == "GET 4 BODY"
    if not IS_NGINX:
        assert get(proxy, "/a2", method="POST", body=b"BODY").text == "GET 0 "


def test_expect_is_answered_here(usher, echo):
    proxy = usher(server("location / { proxy_pass http://%%O%%; }"), O=echo)
    with connect(proxy) as c:
        c.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        assert c.recv_head().status == 100
        r = c.send(b"abc").recv_response()
        assert r.status == 200 and r.interim == []
    assert echo.requests[0].get("Expect") is None and echo.requests[0].body == b"abc"


@pytest.mark.usher_only("nginx 1.22 knows no interim responses")
def test_no_second_continue_reaches_the_client(usher, origin):
    o = origin(lambda conn, r: b"HTTP/1.1 100 Continue\r\n\r\n" + reply("x"))
    proxy = usher(server("location / { proxy_pass http://%%O%%; }"), O=o)
    assert get(proxy).interim == []
    assert raw(proxy, b"GET / HTTP/1.0\r\n\r\n").endswith(b"\r\n\r\nx")
