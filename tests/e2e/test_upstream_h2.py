"""HTTP/2 to backends: proxy_http_version 2, shared connections, and backends that misbehave."""
import ssl
import struct
import subprocess
import threading

import h2.exceptions
import pytest

import certs
from client import connect, get
from h2origin import answer
from origin import reply
from wait import until

pytestmark = pytest.mark.usher_only("nginx speaks it to backends since 1.29.4")
CA = certs.Authority()


def server(inner="", target="http://%%O%%"):
    return (f"server {{ listen 127.0.0.1:%%PORT%%; location / {{ proxy_pass {target};"
            f" proxy_http_version 2; {inner} }} }}")


def group(keep="", inner=""):
    return "upstream g { server %%O%%; " + keep + " }" + server(inner, "http://g")


def goaway(last):
    """A GOAWAY frame, after which the library still speaks."""
    return struct.pack("!HBBBIII", 0, 8, 7, 0, 0, last, 0)


def together(n, f):
    """Runs f(i) for all i < n at once; returns what they return."""
    results = [None] * n

    def run(i):
        results[i] = f(i)
    threads = [threading.Thread(target=run, args=(i,)) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(20)
    return results


def test_a_request_is_said_as_http2_has_it(usher, h2origin):
    o = h2origin(answer("hello", headers=[("x-from", "backend")]))
    proxy = usher(server("proxy_set_header X-Set $uri;"), O=o)
    with connect(proxy) as c:
        c.request("/a?b=c", headers=[("Cookie", "a=1"), ("Connection", "x-hop"), ("X-Hop", "1"),
                                     ("Keep-Alive", "300"), ("Upgrade", "x"), ("TE", "trailers, gzip")])
        r = c.recv_response()
    assert r.text == "hello" and r.get("X-From") == "backend"
    s = o.requests[0]
    assert (s.method, s.path, s.scheme, s.authority) == ("GET", "/a?b=c", "http", o.address)
    assert s.get("x-set") == "/a" and s.get("cookie") == "a=1" and s.get("te") == "trailers"
    names = {k for k, _ in s.headers}
    assert not names & {"connection", "x-hop", "keep-alive", "upgrade", "host", "transfer-encoding"}
    assert s.ended


def test_host_is_what_the_configuration_says(usher, h2origin):
    o = h2origin(answer("x"))
    proxy = usher(server("proxy_set_header Host $host;"), O=o)
    get(proxy)
    assert o.requests[0].authority == "localhost"


@pytest.mark.parametrize("size", [1, 20_000, 3_000_000])
@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("buffering", ["on", "off"])
def test_bodies_of_any_size_pass_both_ways(usher, h2origin, size, framing, buffering):
    def echo(s):
        body = s.read_body()
        s.send_head(200, [("content-length", len(body))] if size % 2 else [])
        s.send(body, end=True)
    o = h2origin(echo)
    proxy = usher(server(f"proxy_request_buffering {buffering}; client_max_body_size 0;"), O=o)
    body = bytes(range(251)) * (size // 251 + 1)
    body = body[:size]
    with connect(proxy) as c:
        if framing == "length":
            c.request("/", "POST", body=body)
        else:
            c.request("/", "POST", headers=[("Transfer-Encoding", "chunked")])
            for i in range(0, size, 100_000):
                piece = body[i:i + 100_000]
                c.send(b"%x\r\n%s\r\n" % (len(piece), piece))
            c.send(b"0\r\n\r\n")
        assert c.recv_response().body == body
    known = framing == "length" or buffering == "on"
    assert o.requests[0].get("content-length") == (str(size) if known else None)


@pytest.mark.parametrize("status, method", [(204, "GET"), (304, "GET"), (200, "HEAD"), (404, "HEAD")])
def test_answers_without_body_end_where_they_end(usher, h2origin, status, method):
    o = h2origin(answer("12345", status=status, length=status != 204))
    proxy = usher(server(), O=o)
    with connect(proxy) as c:
        for _ in range(2):
            c.request("/", method)
            r = c.recv_response(head=method == "HEAD")
            assert r.status == status and r.body == b""
    assert len(o.connections) == 1


def test_trailers_go_both_ways(usher, h2origin):
    o = h2origin(answer("body", trailers=[("x-sum", "42"), ("host", "evil")], length=False))
    proxy = usher(server("proxy_pass_trailers on; proxy_request_buffering off;"), O=o)
    with connect(proxy) as c:
        c.request("/", "POST", headers=[("Transfer-Encoding", "chunked"), ("TE", "trailers")])
        c.send(b"3\r\nabc\r\n0\r\nX-Up: 1\r\n\r\n")
        r = c.recv_response()
    assert r.text == "body" and r.trailers == [("x-sum", "42")]
    assert o.requests[0].trailers == [("x-up", "1")]


def test_early_hints_pass_where_asked_for(usher, h2origin):
    o = h2origin(answer("x", interim=[[("link", "</a.css>")]]))
    proxy = usher(server("early_hints 1;"), O=o)
    with connect(proxy) as c:
        c.request()
        r = c.recv_head()
        assert r.status == 103 and r.get("Link") == "</a.css>"
        assert c.recv_response().text == "x"


def test_a_response_and_its_request_go_at_the_same_time(usher, h2origin):
    def echo(s):
        s.send_head(200)
        while data := s.recv():
            s.send(data)
        s.send(end=True)
    o = h2origin(echo)
    proxy = usher(server("proxy_request_buffering off;"), O=o)
    with connect(proxy) as c:
        c.request("/", "POST", headers=[("Transfer-Encoding", "chunked")])
        assert c.recv_head().status == 200
        for word in (b"one", b"two", b"three"):
            c.send(b"%x\r\n%s\r\n" % (len(word), word))
            assert c.recv_chunk() == word
        c.send(b"0\r\n\r\n")
        assert c.recv_chunk() == b""


@pytest.mark.one_thread
def test_an_early_answer_ends_an_upload_without_harm(usher, h2origin):
    def refuse(s):
        s.recv()
        s.send_head(413, end=True)
        try:
            s.reset(0)
        except h2.exceptions.StreamClosedError:
            pass  # the proxy was quicker
    o = h2origin(refuse)
    proxy = usher(server("client_max_body_size 0;"), O=o)
    with connect(proxy) as c:
        c.request("/", "POST", body=b"x" * 2_000_000)
        assert c.recv_response().status == 413
    assert get(proxy).status == 413
    assert len(o.connections) == 1


# --- sharing ---

@pytest.mark.one_thread
def test_many_requests_share_one_connection(usher, h2origin):
    gate = threading.Barrier(30)

    def meet(s):
        gate.wait(10)
        answer(s.path)(s)
    o = h2origin(meet)
    proxy = usher(group(), O=o)
    assert together(30, lambda i: get(proxy, f"/{i}").text) == [f"/{i}" for i in range(30)]
    assert len(o.connections) == 1


@pytest.mark.one_thread
def test_full_connections_get_company(usher, h2origin):
    gate = threading.Barrier(12)

    def meet(s):
        gate.wait(10)
        answer("x")(s)
    o = h2origin(meet, settings={3: 5})  # MAX_CONCURRENT_STREAMS
    proxy = usher(group(), O=o)
    assert together(12, lambda i: get(proxy).text) == ["x"] * 12
    assert len(o.connections) == 3
    assert max(len(c.streams) for c in o.connections) <= 5


@pytest.mark.one_thread
def test_a_slow_client_holds_up_nobody_else(usher, h2origin):
    big = b"x" * 30_000_000
    o = h2origin(lambda s: answer(big if s.path == "/big" else "small")(s))
    proxy = usher(group(), O=o)
    with connect(proxy, rcvbuf=4096) as slow:
        slow.request("/big")
        assert slow.recv_head().status == 200
        for _ in range(20):
            assert get(proxy, "/x").text == "small"
    assert len(o.connections) == 1


@pytest.mark.one_thread
def test_limits_of_a_connection_hold(usher, h2origin):
    o = h2origin(answer("x"))
    proxy = usher(group("keepalive_requests 3;"), O=o)
    for _ in range(7):
        assert get(proxy).text == "x"
    assert [len(c.streams) for c in o.connections] == [3, 3, 1]


@pytest.mark.one_thread
def test_no_keepalive_closes_after_the_last_stream(usher, h2origin):
    o = h2origin(answer("x"))
    proxy = usher(group("keepalive 0;"), O=o)
    for _ in range(3):
        assert get(proxy).text == "x"
    assert len(o.connections) == 3
    until(lambda: all(c.closed for c in o.connections), "the ends")
    assert o.connections[0].goaway_code == 0


@pytest.mark.one_thread
def test_an_idle_connection_ends_in_time(usher, h2origin):
    o = h2origin(answer("x"))
    proxy = usher(group("keepalive_timeout 200ms;"), O=o)
    assert get(proxy).text == "x"
    until(lambda: o.connections[0].closed, "the end")


@pytest.mark.one_thread
def test_versions_do_not_share(usher, h2origin, origin):
    o = h2origin(answer("x"))
    proxy = usher("upstream g { server %%O%%; }" + server("", "http://g").replace(
        "location /", "location /1 { proxy_pass http://g; proxy_http_version 1.1; } location /"), O=o)
    assert get(proxy).text == "x"
    assert get(proxy, "/1").status == 502
    o.errors.clear()


def test_idle_connections_survive_a_reload(usher, h2origin):
    o = h2origin(answer("x"))
    proxy = usher(group(), O=o)
    get(proxy)
    proxy.reload()
    assert get(proxy).text == "x"


# --- TLS ---

@pytest.fixture
def context(tmp_path):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain(*CA.issue("backend.test").write(tmp_path, "leaf"))
    return c


def test_alpn_chooses_it(usher, h2origin, context):
    o = h2origin(answer("x"), tls=context)
    proxy = usher(server(target="https://%%O%%"), O=o)
    assert get(proxy).text == "x"
    assert o.requests[0].scheme == "https" and o.connections[0].alpn == "h2"


def test_a_backend_that_does_not_choose_it_is_a_502(usher, origin, context):
    o = origin(reply("x"), tls=context)
    proxy = usher(server(target="https://%%O%%"), O=o)
    assert get(proxy).status == 502
    proxy.wait_log("upstream did not choose HTTP/2 by ALPN while SSL handshaking to upstream")
    assert o.requests == []


@pytest.mark.one_thread
def test_many_at_once_shake_hands_once(usher, h2origin, context):
    o = h2origin(answer("x"), tls=context)
    proxy = usher(server(target="https://%%O%%"), O=o)
    assert together(20, lambda i: get(proxy).text) == ["x"] * 20
    assert len(o.connections) == 1


# --- backends that go, refuse, stall, talk nonsense ---

@pytest.mark.one_thread
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_refused_stream_is_asked_for_again(usher, h2origin, method):
    def script(s):
        if len(o.requests) == 1:
            s.reset(7)  # REFUSED_STREAM
        else:
            s.read_body()
            answer("second")(s)
    o = h2origin(script)
    proxy = usher(group(), O=o)
    with connect(proxy) as c:
        c.request("/", method, body=b"x" if method == "POST" else None)
        assert c.recv_response().text == "second"


@pytest.mark.one_thread
def test_streams_above_a_goaway_are_asked_for_again(usher, h2origin):
    ready = threading.Event()

    def script(s):
        if s.conn is not o.connections[0] or s.id == 1:
            ready.wait(5)
            return answer(s.path)(s)
        s.conn.send_raw(goaway(1))
        ready.set()
        s.wait_gone()
    o = h2origin(script)
    proxy = usher(group(), O=o)
    results = [None, None]

    def ask(i):
        with connect(proxy) as c:
            c.request(f"/{i}", "POST", body=b"x")
            results[i] = c.recv_response().text
    first = threading.Thread(target=ask, args=(0,))
    first.start()
    o.wait_requests(1)
    ask(1)
    first.join(10)
    assert results == ["/0", "/1"]
    assert len(o.connections) == 2


@pytest.mark.one_thread
def test_after_a_goaway_nothing_new_is_sent_there(usher, h2origin):
    def script(s):
        answer("x")(s)
        s.conn.send_raw(goaway(s.id))
    o = h2origin(script)
    proxy = usher(group(), O=o)
    for _ in range(3):
        assert get(proxy).text == "x"
    assert len(o.connections) == 3


@pytest.mark.one_thread
def test_a_reset_stream_is_a_502_and_others_go_on(usher, h2origin):
    release = threading.Event()

    def script(s):
        if s.path == "/bad":
            s.reset(2)
        else:
            release.wait(5)
            answer("good")(s)
    o = h2origin(script)
    proxy = usher(group(), O=o)
    good = []
    t = threading.Thread(target=lambda: good.append(get(proxy, "/good").text))
    t.start()
    o.wait_requests(1)
    assert get(proxy, "/bad").status == 502
    release.set()
    t.join(10)
    assert good == ["good"] and len(o.connections) == 1
    proxy.wait_log("upstream reset the stream with error 2 while reading response header")


@pytest.mark.one_thread
def test_a_dead_connection_fails_its_streams_alone(usher, h2origin):
    def script(s):
        if s.path == "/kill":
            s.conn.reset()
        elif s.path == "/wait":
            s.wait_gone()
        else:
            answer("fine")(s)
    o = h2origin(script)
    proxy = usher(group(), O=o)
    assert get(proxy, "/").text == "fine"
    waiting = []

    def post(path):
        with connect(proxy) as c:
            c.request(path, "POST", body=b"x")
            return c.recv_response().status
    t = threading.Thread(target=lambda: waiting.append(post("/wait")))
    t.start()
    o.wait_requests(2)
    assert post("/kill") == 502
    t.join(10)
    assert waiting == [502]
    assert get(proxy, "/").text == "fine"


def test_a_body_that_breaks_off_is_no_whole_answer(usher, h2origin):
    def script(s):
        s.read_body()
        s.send_head(200)
        s.send(b"half")
        s.reset(2)
    o = h2origin(script)
    proxy = usher(server(), O=o)
    with connect(proxy) as c:
        c.request()
        with pytest.raises(AssertionError):
            c.recv_response()


def test_a_silent_backend_times_out_and_is_left_alone(usher, h2origin):
    o = h2origin(lambda s: s.wait_gone())
    proxy = usher(group(inner="proxy_read_timeout 300ms;"), O=o)
    assert get(proxy).status == 504
    until(lambda: o.requests[0].reset_code == 8 or o.connections[0].closed, "CANCEL")


def test_a_client_that_leaves_cancels_its_stream(usher, h2origin):
    o = h2origin(lambda s: s.wait_gone())
    proxy = usher(server(), O=o)
    with connect(proxy) as c:
        c.request()
        o.wait_requests(1)
        c.reset()
    until(lambda: o.requests[0].reset_code == 8 or o.connections[0].closed, "CANCEL")
    assert '" 499 ' in proxy.access_log(1)[0]


def test_a_client_that_leaves_in_its_upload_cancels_its_stream(usher, h2origin):
    o = h2origin(lambda s: s.wait_gone())
    proxy = usher(server("proxy_request_buffering off;"), O=o)
    with connect(proxy) as c:
        c.request("/", "POST", headers=[("Content-Length", "1000")])
        c.send(b"abc")
        o.wait_requests(1)
        c.reset()
    until(lambda: o.requests[0].gone, "CANCEL")


@pytest.mark.parametrize("junk", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0" * 100, b"",
                                  b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00"])
def test_a_backend_that_speaks_something_else_is_a_502(usher, origin, junk):
    def script(conn, r):
        conn.send(junk)
        conn.close()
    o = origin(script, read_body=False)
    proxy = usher(server(), O=o)
    assert get(proxy).status == 502


def test_too_large_a_head_is_a_502(usher, h2origin):
    o = h2origin(answer("x", headers=[("x-big", "y" * 9000)]))
    proxy = usher(server("proxy_buffer_size 8k;"), O=o)
    assert get(proxy).status == 502
    proxy.wait_log("upstream sent too big header")
    proxy.reload(server("proxy_buffer_size 32k;"))
    assert len(get(proxy).get("x-big")) == 9000


def test_the_next_server_is_tried(usher, h2origin):
    bad, good = h2origin(lambda s: s.reset(2)), h2origin(answer("good"))
    proxy = usher("upstream g { server %%BAD%%; server %%GOOD%% backup; }"
                  + server("", "http://g"), BAD=bad, GOOD=good)
    assert get(proxy).text == "good"


def test_what_was_counted_is_logged(usher, h2origin):
    o = h2origin(answer("12345"))
    proxy = usher("log_format t '$upstream_status $upstream_response_length $upstream_bytes_sent"
                  " $upstream_bytes_received';" + server("access_log logs/t.log t;"), O=o)
    get(proxy)
    until(lambda: proxy._read("t.log"), "a line")
    status, length, sent, received = map(int, proxy._read("t.log").split())
    assert (status, length) == (200, 5) and sent > 20 and received > 10


def test_a_body_without_a_length_that_came_with_its_head_is_not_lost(usher, h2origin):
    def echo(s):
        s.send_head(200)
        s.send(s.read_body(), end=True)
    o = h2origin(echo)
    proxy = usher(server().replace("location", "http2 on; location"), O=o)
    r = subprocess.run(["curl", "-s", "--http2-prior-knowledge", "-T", "-",
                        f"http://127.0.0.1:{proxy.port}/"], input=b"hello", capture_output=True)
    assert r.stdout == b"hello"
