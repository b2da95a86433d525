"""What passes through is not held: bodies of any size and crowds of clients cost bounded memory."""
import pathlib
import threading

import pytest

from client import connect, get
from origin import reply
from proxy import session_pids

pytestmark = pytest.mark.plain_build
MIB = 1 << 20
PIECE = b"x" * (1 << 18)


def anonymous(proxy):
    """Anonymous memory of all the proxy's processes, in bytes."""
    total = 0
    for pid in session_pids(proxy.process.pid):
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                total += int(line.split()[1]) * 1024
    return total


def started(usher, origin, script, more="", **kw):
    proxy = usher("server { listen 127.0.0.1:%%PORT%%; client_max_body_size 0; access_log off;"
                  " proxy_request_buffering off; proxy_buffering off;"
                  f" proxy_http_version 1.1; {more} location / {{ proxy_pass http://%%O%%; }}"
                  " location /local { return 200 ok; } }",
                  main="worker_processes 1;", O=origin(script, **kw))
    assert get(proxy, "/local").text == "ok"
    return proxy, anonymous(proxy)


def test_a_long_download_is_not_held(usher, origin):
    size, seen = 400 * MIB, []

    def flood(conn, request):
        conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(size // len(PIECE)):
            if not conn.send(PIECE):
                return
    proxy, before = started(usher, origin, flood)
    with connect(proxy) as c:
        c.request()
        c.recv_head()
        left = size - len(c.pending)
        buffer = bytearray(MIB)
        while left:
            n = c.sock.recv_into(buffer)
            assert n, "the download was cut short"
            left -= n
            if not seen and left < size // 2 or left == 0:
                seen.append(anonymous(proxy) - before)
    assert max(seen) < 8 * MIB


def test_a_long_upload_is_not_held(usher, origin):
    size, got = 400 * MIB, [0]

    def sink(conn, request):
        got[0] = len(conn.pending)
        buffer = bytearray(MIB)
        while got[0] < size:
            n = conn.sock.recv_into(buffer)
            if not n:
                return None
            got[0] += n
        return reply("done")
    proxy, before = started(usher, origin, sink, read_body=False)
    with connect(proxy) as c:
        c.send(f"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n")
        for n in range(size // len(PIECE)):
            c.send(PIECE)
            if n == size // len(PIECE) // 2:
                assert anonymous(proxy) - before < 8 * MIB
        assert c.recv_response().text == "done" and got[0] == size


def test_idle_connections_cost_little(usher, origin):
    proxy, _ = started(usher, origin, reply("x"), "keepalive_timeout 60s;")
    with connect(proxy) as c:
        c.get("/local")
        before = anonymous(proxy)
        crowd = [connect(proxy) for _ in range(400)]
        for one in crowd:
            assert one.get("/local").status == 200
        assert anonymous(proxy) - before < 400 * 1024


def test_clients_that_stall_in_a_head_cost_little(usher, origin):
    proxy, before = started(usher, origin, reply("x"))
    crowd = [connect(proxy).send(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 500)
             for _ in range(200)]
    assert get(proxy, "/local").status == 200
    assert anonymous(proxy) - before < 200 * 16384
    for c in crowd:
        c.send(b"\r\n\r\n")
    assert [c.recv_response().status for c in crowd] == [200] * 200


def test_nothing_is_lost_over_many_requests(usher, origin):
    """A leak of a few bytes a request shows after some thousand of them."""
    proxy, _ = started(usher, origin, lambda conn, r: reply(b"y" * 3000))

    def rounds(n):
        with connect(proxy) as c:
            for _ in range(n):
                assert c.get("/x?" + "a" * 500, headers={"X-Long": "v" * 2000}).status == 200
    rounds(500)
    before = anonymous(proxy)
    threads = [threading.Thread(target=rounds, args=(500,)) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert anonymous(proxy) - before < 2 * MIB
