"""Bodies on their way: streams that must not wait, big bodies, peers that leave."""
import hashlib
import threading

import pytest

from client import connect, get
from origin import chunk, chunked, reply
from wait import until


def server(inside, outside=""):
    return (f"{outside} server {{ listen 127.0.0.1:%%PORT%%; client_max_body_size 0;"
            " proxy_http_version 1.1; " + inside + " }")


PLAIN = "location / { proxy_pass http://%%O%%; }"
UNBUFFERED = "location / { proxy_pass http://%%O%%; proxy_buffering off; }"


class Steps:
    """An origin that sends its next piece only when the test says so."""

    def __init__(self, head, pieces, frame=chunk, end=b"0\r\n\r\n"):
        self.head, self.pieces, self.frame, self.end = head, pieces, frame, end
        self.go = threading.Semaphore(0)

    def __call__(self, conn, request):
        conn.send(self.head)
        for piece in self.pieces:
            assert self.go.acquire(timeout=10)
            conn.send(self.frame(piece))
        assert self.go.acquire(timeout=10)
        conn.send(self.end)


def event_stream(*fields):
    extra = b"".join(f + b"\r\n" for f in fields)
    return Steps(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked"
                 b"\r\n" + extra + b"\r\n", [b"data: %d\n\n" % n for n in range(5)])


def sees_each_event_alone(proxy, steps):
    with connect(proxy) as c:
        c.request()
        assert c.recv_head().status == 200
        for piece in steps.pieces:
            steps.go.release()
            assert c.recv_chunk() == piece
        steps.go.release()
        assert c.recv_chunk() == b"" and c.recv_fields() == []


def test_unbuffered_events_arrive_one_by_one(usher, origin):
    steps = event_stream()
    sees_each_event_alone(usher(server(UNBUFFERED), O=origin(steps)), steps)


def test_x_accel_buffering_no_does_the_same(usher, origin):
    steps = event_stream(b"X-Accel-Buffering: no")
    proxy = usher(server(PLAIN), O=origin(steps))
    sees_each_event_alone(proxy, steps)


@pytest.mark.usher_only("nginx needs proxy_buffering off or X-Accel-Buffering")
def test_events_arrive_one_by_one_with_no_directive_at_all(usher, origin):
    steps = event_stream()
    sees_each_event_alone(usher(server(PLAIN), O=origin(steps)), steps)


def test_an_unbuffered_body_of_known_length_flows_too(usher, origin):
    steps = Steps(b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n", [b"one..", b"two..", b"three"],
                  frame=bytes, end=b"")
    proxy = usher(server(UNBUFFERED), O=origin(steps))
    with connect(proxy) as c:
        c.request()
        c.recv_head()
        for piece in steps.pieces:
            steps.go.release()
            assert c.recv_exact(5) == piece
        steps.go.release()


def test_a_request_body_flows_when_asked_to(usher, origin):
    """proxy_request_buffering off: the origin reads the first piece before the second is sent."""
    pieces = []

    def script(conn, request):
        for _ in range(3):
            size = int(conn.recv_line(), 16)
            pieces.append(conn.recv_exact(size))
            conn.recv_exact(2)
        conn.recv_exact(5)
        return reply(b" ".join(pieces))
    proxy = usher(server("proxy_request_buffering off;" + PLAIN), O=origin(script, read_body=False))
    with connect(proxy) as c:
        c.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for n, piece in enumerate((b"one", b"two", b"three")):
            c.send(chunk(piece))
            until(lambda: len(pieces) == n + 1, f"piece {n} at the origin")
        c.send(b"0\r\n\r\n")
        assert c.recv_response().text == "one two three"


def test_request_buffering_keeps_a_slow_body_from_the_origin(usher, origin):
    o = origin(reply("ok"))
    proxy = usher(server(PLAIN + "proxy_request_buffering on;"), O=o)
    with connect(proxy) as c:
        c.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf.")
        assert get(proxy).status == 200
        assert len(o.connections) == 1 and b"half" not in o.received
        c.send(b".half")
        assert c.recv_response().status == 200
    assert [r.body for r in o.requests] == [b"", b"half..half"]


def test_a_chunked_request_reaches_the_origin_whole(usher, origin):
    o = origin(reply("ok"))
    proxy = usher(server(PLAIN), O=o)
    body = b"".join(chunk(b"%d" % n * n) for n in range(1, 200))
    with connect(proxy) as c:
        c.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body
               + b"0\r\n\r\n")
        assert c.recv_response().status == 200
    seen = o.requests[0]
    assert seen.body == b"".join(b"%d" % n * n for n in range(1, 200))
    assert (seen.get("Content-Length") is None) != (seen.get("Transfer-Encoding") is None)


UPGRADE = ("location / { proxy_pass http://%%O%%; proxy_http_version 1.1;"
           " proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection \"upgrade\"; }")
ASK = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
       "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
SWITCH = (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzhMxShNRX0w=\r\n\r\n")


def echo_frames(conn, request):
    """Greet in the same segment as the head, then echo until told to stop."""
    conn.send(SWITCH + b"hello")
    while True:
        conn.recv_some()
        data, conn.pending = conn.pending, b""
        conn.send(data)
        if data.endswith(b"bye"):
            conn.close()
            return


def test_websocket(usher, origin):
    o = origin(echo_frames)
    proxy = usher(server(UPGRADE), O=o)
    with connect(proxy) as c:
        c.request(headers=ASK)
        r = c.recv_head()
        assert r.status == 101 and r.get("Upgrade") == "websocket"
        assert r.get("Connection").lower() == "upgrade" and r.get("Sec-WebSocket-Accept")
        assert c.recv_exact(5) == b"hello"
        for n in range(50):
            frame = bytes([n]) * (n * 100 + 1)
            c.send(frame)
            assert c.recv_exact(len(frame)) == frame
        c.send(b"bye")
        assert c.recv_exact(3) == b"bye" and c.closed()
    seen = o.requests[0]
    assert seen.get("Upgrade") == "websocket" and seen.get("Connection").lower() == "upgrade"
    assert '" 101 ' in proxy.access_log(1)[0]


def test_bytes_sent_right_behind_the_upgrade_request_are_not_lost(usher, origin):
    proxy = usher(server(UPGRADE), O=origin(echo_frames))
    head = "GET / HTTP/1.1\r\nHost: a\r\n" + "".join(f"{k}: {v}\r\n" for k, v in ASK.items())
    with connect(proxy) as c:
        c.send(head.encode() + b"\r\nearly")
        assert c.recv_head().status == 101
        assert c.recv_exact(10) == b"helloearly"


def test_the_origin_sees_a_websocket_client_leave(usher, origin):
    o = origin(echo_frames)
    proxy = usher(server(UPGRADE), O=o)
    with connect(proxy) as c:
        c.request(headers=ASK)
        c.recv_head()
    assert o.connections[0].gone.wait(5)


def test_an_upgrade_that_is_refused_is_an_ordinary_answer(usher, origin):
    proxy = usher(server(UPGRADE), O=origin(reply("no", "426 Upgrade Required")))
    with connect(proxy) as c:
        c.request(headers=ASK)
        assert c.recv_response().status == 426


def test_without_the_directives_an_upgrade_is_not_passed(usher, origin):
    o = origin(reply("plain"))
    proxy = usher(server(PLAIN), O=o)
    assert get(proxy, headers=ASK).text == "plain"
    assert o.requests[0].get("Upgrade") is None


def pattern(n):
    return (b"%08d" * 8192 % tuple(range(8192))) * (n >> 16)


@pytest.mark.parametrize("directive", ["", "proxy_buffering off;", "proxy_request_buffering off;"])
def test_big_bodies_both_ways_arrive_as_sent(usher, origin, directive):
    big = pattern(32 << 20)
    o = origin(lambda conn, r: reply(hashlib.sha256(r.body).hexdigest()) if r.body else reply(big))
    proxy = usher(server(PLAIN + directive), O=o)
    with connect(proxy) as c:
        assert hashlib.sha256(c.get().body).digest() == hashlib.sha256(big).digest()
        assert c.get(method="PUT", body=big).text == hashlib.sha256(big).hexdigest()


def test_a_big_chunked_answer(usher, origin):
    big = pattern(8 << 20)
    pieces = [big[i:i + 99991] for i in range(0, len(big), 99991)]
    proxy = usher(server(PLAIN), O=origin(chunked(pieces)))
    assert get(proxy).body == big


def test_a_client_that_does_not_read_holds_only_bounded_buffers(usher, origin):
    """Back-pressure reaches the origin: its send blocks long before the body is gone."""
    sent, blocked = [0], threading.Event()

    def flood(conn, request):
        conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        conn.sock.settimeout(0.5)
        piece = b"x" * 65536
        try:
            while sent[0] < 200 << 20:
                sent[0] += conn.sock.send(piece)
        except OSError:
            blocked.set()
        conn.close()
    proxy = usher(server("location / { proxy_pass http://%%O%%; proxy_max_temp_file_size 0; }"),
                  O=origin(flood))
    with connect(proxy, rcvbuf=4096) as c:
        c.request()
        assert blocked.wait(10) and sent[0] < 40 << 20
        c.reset()


def test_the_origin_sees_a_client_that_leaves(usher, origin):
    o = origin(lambda conn, r: conn.wait_closed())
    proxy = usher(server(PLAIN), O=o)
    with connect(proxy) as c:
        c.request()
        o.wait_requests(1)
        c.reset()
    assert o.connections[0].gone.wait(5)
    assert '" 499 ' in proxy.access_log(1)[0]


def test_ignore_client_abort_lets_the_origin_finish(usher, origin):
    go = threading.Event()

    def script(conn, request):
        if request.target == "/slow":
            go.wait(10)
            assert not conn.gone.is_set()
        return reply("done")
    o = origin(script)
    proxy = usher(server(PLAIN + "proxy_ignore_client_abort on;"), O=o)
    with connect(proxy) as c:
        c.request("/slow")
        o.wait_requests(1)
        c.reset()
    assert get(proxy, "/other").status == 200
    go.set()
    assert any('/slow HTTP/1.1" 200' in line for line in proxy.access_log(2))


def test_many_at_once_do_not_get_each_others_answers(usher, origin):
    o = origin(lambda conn, r: reply(r.target * 50))
    proxy = usher(server(PLAIN), O=o)
    clients = [connect(proxy) for _ in range(150)]
    for turn in range(3):
        for n, c in enumerate(clients):
            c.request(f"/{turn}/{n}")
        for n, c in enumerate(clients):
            assert c.recv_response().text == f"/{turn}/{n}" * 50
