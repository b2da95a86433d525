"""Clients that leave, that stop talking, that do not read; and upgraded connections."""
import pathlib
import threading
import time

import pytest

from client import connect, raw
from origin import chunked, reply
from proxy import session_pids


def server(inner=""):
    return (f"server {{ listen 127.0.0.1:%%PORT%%; {inner} location / {{ proxy_pass http://%%O%%;"
            " proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade;"
            " proxy_set_header Connection $http_connection; } }")


@pytest.mark.usher_only("nginx takes the end of a client's bytes for the end of the client")
@pytest.mark.parametrize("request_bytes", [
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"])
def test_a_client_that_has_nothing_more_to_say_gets_its_answer(usher, origin, request_bytes):
    def slow(conn, request):
        time.sleep(0.15)
        return reply("late")
    proxy = usher(server(), O=origin(slow))
    with connect(proxy) as c:
        c.send(request_bytes).end()
        assert c.recv_response().text == "late"
        assert c.closed()


def test_a_client_that_leaves_by_a_fin_is_noticed(usher, origin):
    o = origin(lambda conn, r: conn.wait_closed())
    proxy = usher(server(), O=o)
    with connect(proxy) as c:
        c.request()
        o.wait_requests(1)
        time.sleep(0.1)  # what comes at the heels of a request is a half-close
    assert o.connections[0].gone.wait(5)
    assert '" 499 ' in proxy.access_log(1)[0]


def test_a_client_that_leaves_in_the_response_is_noticed(usher, origin):
    def script(conn, request):
        conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nfirst")
        conn.wait_closed()
    o = origin(script)
    proxy = usher(server("proxy_buffering off;"), O=o)
    with connect(proxy) as c:
        c.request()
        assert c.recv_head().status == 200
        assert c.recv_some() == b"first"
        c.reset()
    assert o.connections[0].gone.wait(5)


def switching(conn, request):
    conn.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
    try:
        while True:
            data, conn.pending = conn.pending or conn.recv_some(), b""
            conn.send(data.upper())
            conn.pending = b""
    finally:
        conn.close()


UPGRADE = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"


def upgraded(proxy):
    c = connect(proxy).send(UPGRADE)
    assert c.recv_head().status == 101
    return c


def test_each_side_of_a_tunnel_may_stop_talking_first(usher, origin):
    def script(conn, request):
        conn.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
        conn.wait_closed()
        conn.send(b"after " + bytes(conn.received)[-4:])
        conn.close()
    proxy = usher(server(), O=origin(script))
    c = upgraded(proxy).send(b"last")
    c.end()
    assert c.recv_until_closed() in (b"after last", b"")


@pytest.mark.usher_only("a timer of nginx is late by up to 300 ms")
def test_an_idle_tunnel_ends_after_read_timeout(usher, origin):
    o = origin(lambda conn, r: switching(conn, r))
    proxy = usher(server("proxy_read_timeout 400ms;"), O=o)
    c = upgraded(proxy)
    for _ in range(4):
        time.sleep(0.2)
        assert c.send(b"ping").recv_exact(4) == b"PING"
    assert c.closed()
    assert o.connections[0].gone.wait(5)


@pytest.mark.plain_build
@pytest.mark.usher_only("measures our memory")
def test_idle_tunnels_hold_no_buffers(usher, origin):
    def anonymous():
        total = 0
        for pid in session_pids(proxy.process.pid):
            for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("RssAnon:"):
                    total += int(line.split()[1]) * 1024
        return total
    proxy = usher(server(), main="worker_processes 1;", O=origin(switching))
    crowd = [upgraded(proxy) for _ in range(5)]
    before = anonymous()
    crowd += [upgraded(proxy) for _ in range(100)]
    for c in crowd:
        assert c.send(b"hello").recv_exact(5) == b"HELLO"
    assert anonymous() - before < 100 * 32 * 1024


def test_an_http_1_0_client_and_a_chunked_backend(usher, origin):
    proxy = usher(server(), O=origin(chunked([b"ab", b"cd"])))
    answer = raw(proxy, b"GET / HTTP/1.0\r\n\r\n")
    assert answer.endswith(b"\r\n\r\nabcd") and b"chunked" not in answer


def test_a_slow_client_is_served_whole(usher, origin):
    data = bytes(range(256)) * 8192
    proxy = usher(server(), O=origin(reply(data)))
    with connect(proxy, rcvbuf=4096) as c:
        c.request()
        threading.Event().wait(0.2)
        assert c.recv_response().body == data
