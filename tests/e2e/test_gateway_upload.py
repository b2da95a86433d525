"""Requests with bodies: early answers, full duplex, slow uploads, and clients that fail on the way."""
import os
import threading
import time

import pytest

from client import connect, get
from origin import reply
from proxy import session_pids
from wait import until

MIB = 1 << 20


def server(inner):
    return (f"server {{ listen 127.0.0.1:%%PORT%%; client_max_body_size 0; {inner}"
            " location / { proxy_pass http://%%O%%; proxy_http_version 1.1; } }")


UNBUFFERED = "proxy_request_buffering off;"


stopped = threading.Event()


@pytest.fixture(autouse=True)
def lifted():
    stopped.clear()
    yield
    stopped.set()


@pytest.mark.parametrize("directives", ["", UNBUFFERED])
@pytest.mark.parametrize("close", [False, pytest.param(True, marks=pytest.mark.usher_only(
    "nginx 1.22 gives up when it cannot send the rest"))])
def test_an_early_answer_is_heard_while_the_body_is_sent(usher, origin, directives, close):
    def script(conn, request):
        conn.send(reply("too much", "413 Payload Too Large"))
        if close:
            conn.close()
        else:
            stopped.wait(10)
            conn.close()
    o = origin(script, read_body=False)
    proxy = usher(server("proxy_send_timeout 30s;" + directives), O=o)
    with connect(proxy) as c:
        c.send(f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {24 * MIB}\r\n\r\n")
        sender = threading.Thread(target=pour, args=(c, 24 * MIB))
        sender.start()
        r = c.recv_response()
        assert r.status == 413 and r.text == "too much"
        stopped.set()
        sender.join()


def pour(c, size):
    try:
        for _ in range(size // 65536):
            c.sock.sendall(b"x" * 65536)
    except OSError:
        pass


@pytest.mark.usher_only("nginx 1.22 buffers chunked bodies for the reader of an answer")
def test_both_directions_flow_at_once(usher, origin):
    def script(conn, request):
        conn.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            size = int(conn.recv_line(), 16)
            data = conn.recv_exact(size + 2)[:-2]
            if not size:
                break
            conn.send(b"%x\r\n%s\r\n" % (size, data.upper()))
        conn.send(b"0\r\n\r\n")
    proxy = usher(server(UNBUFFERED), O=origin(script, read_body=False))
    with connect(proxy) as c:
        c.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert c.recv_head().status == 200
        for word in (b"one", b"two", b"three"):
            c.send(b"%x\r\n%s\r\n" % (len(word), word))
            assert c.recv_chunk() == word.upper()
        c.send(b"0\r\n\r\n")
        assert c.recv_chunk() == b""


@pytest.mark.usher_only("nginx drops trailers of requests")
def test_trailers_of_a_streamed_request_are_passed(usher, origin):
    o = origin(reply("ok"))
    proxy = usher(server(UNBUFFERED), O=o)
    with connect(proxy) as c:
        c.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"
               "X-Sum: 7\r\nContent-Length: 9\r\nHost: evil\r\nConnection: close\r\n\r\n")
        assert c.recv_response().status == 200
    assert o.requests[0].body == b"abc" and o.requests[0].trailers == [("X-Sum", "7")]


def test_an_upload_may_take_longer_than_read_timeout(usher, origin):
    o = origin(lambda conn, r: reply(str(len(r.body))))
    proxy = usher(server("proxy_read_timeout 300ms;" + UNBUFFERED), O=o)
    with connect(proxy) as c:
        c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n")
        for _ in range(10):
            time.sleep(0.08)
            c.send("x")
        assert c.recv_response().text == "10"


def test_read_timeout_counts_from_the_end_of_an_upload(usher, origin):
    def script(conn, request):
        conn.read_body(request)
        conn.wait_closed()
    proxy = usher(server("proxy_read_timeout 300ms;" + UNBUFFERED),
                  O=origin(script, read_body=False))
    with connect(proxy) as c:
        c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n")
        time.sleep(0.5)
        begin = time.monotonic()
        assert c.send("x").recv_response().status == 504
        assert time.monotonic() - begin > 0.25


@pytest.mark.usher_only("nginx 1.22 sends 400 for the whole")
def test_a_broken_chunked_upload_is_answered_and_the_backend_hung_up_on(usher, origin):
    o = origin(lambda conn, r: conn.wait_closed(), read_body=False)
    proxy = usher(server(UNBUFFERED), O=o)
    with connect(proxy) as c:
        c.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        o.wait_requests(1)
        assert c.send("nonsense\r\n").recv_response().status == 400
    assert o.connections[0].gone.wait(5)


@pytest.mark.parametrize("directives", ["", UNBUFFERED])
def test_a_chunked_body_beyond_its_limit_is_413_on_the_way(usher, origin, directives):
    def script(conn, request):
        conn.wait_closed()
    o = origin(script, read_body=False)
    proxy = usher(server(directives).replace("size 0", "size 100k"), O=o)
    with connect(proxy) as c:
        c.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(12):
            c.send(b"2710\r\n" + b"x" * 10000 + b"\r\n")
        assert c.recv_response().status == 413
    assert all(conn.gone.wait(5) for conn in o.connections)


@pytest.mark.parametrize("directives", ["", UNBUFFERED])
def test_a_client_that_stalls_in_its_body_is_told_408(usher, origin, directives):
    o = origin(reply("x"))
    proxy = usher(server("client_body_timeout 200ms;" + directives), O=o)
    with connect(proxy) as c:
        c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nx")
        assert c.recv_until_closed().startswith((b"HTTP/1.1 408 ", b""))


@pytest.mark.parametrize("directives", ["", UNBUFFERED])
def test_a_client_that_leaves_in_its_body_is_499_and_nothing_stays(usher, origin, directives):
    o = origin(lambda conn, r: conn.wait_closed(), read_body=False)
    proxy = usher(server(directives), O=o)
    for turn in range(3):
        with connect(proxy) as c:
            c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nx")
            if directives:
                o.wait_requests(turn + 1)
            c.reset()
    for line in proxy.access_log(3):
        assert '" 499 ' in line or '" 400 ' in line
    assert all(c.gone.wait(5) for c in o.connections)


@pytest.mark.parametrize("directives", ["", UNBUFFERED])
def test_a_body_on_disk_or_streaming_arrives_whole(usher, origin, directives):
    o = origin(lambda conn, r: reply(str(hash(r.body) == hash(data))))
    data = os.urandom(5 * MIB)
    proxy = usher(server(directives), O=o)
    with connect(proxy) as c:
        for _ in range(3):
            assert c.get("/", method="POST", body=data).text == "True"


def test_a_body_on_disk_is_sent_again_to_the_next(usher, origin):
    bad = origin(lambda conn, r: conn.reset(), read_body=False)
    good = origin(lambda conn, r: reply(str(len(r.body))))
    proxy = usher("upstream u { server %%B%% weight=10 max_fails=0; server %%O%%; }"
                  "server { listen 127.0.0.1:%%PORT%%; client_max_body_size 0;"
                  " location / { proxy_pass http://u; } }", B=bad, O=good)
    for _ in range(4):
        assert get(proxy, method="PUT", body=b"y" * MIB).text == str(MIB)
    assert len(bad.requests) >= 1


@pytest.mark.usher_only("counts our descriptors")
def test_no_descriptor_stays_behind(usher, origin):
    """Answers, refusals, early ends, aborts: afterwards as many files are open as before."""
    def script(conn, request):
        if request.target == "/reset":
            conn.reset()
        elif request.target == "/early":
            conn.send(reply("", "413 No"))
            conn.close()
        elif request.target == "/wait":
            conn.wait_closed()
        else:
            conn.read_body(request)
            return reply("", Connection="close")
    o = origin(script, read_body=False)
    proxy = usher(server(""), O=o)

    def rounds(n):
        for _ in range(n):
            get(proxy, "/ok", method="POST", body=b"x" * 200000)
            get(proxy, "/reset", method="POST", body=b"x" * 200000)
            get(proxy, "/early", method="POST", body=b"x" * 200000)
            with connect(proxy) as c:
                c.send("POST /ok HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n" + "y" * 99999)
                c.reset()
            seen = len(o.requests)
            with connect(proxy) as c:
                c.request("/wait")
                o.wait_requests(seen + 1)
                c.reset()

    def files():
        count = 0
        for pid in session_pids(proxy.process.pid):
            count += len(os.listdir(f"/proc/{pid}/fd"))
        return count
    rounds(2)
    proxy.access_log(10)
    before = files()
    rounds(8)
    proxy.access_log(50)
    until(lambda: files() <= before, "the descriptors to be closed")
