"""HTTP/1 over TLS under strain: slow and stalled clients, uploads, limits, many at once."""
import hashlib
import os
import socket
import ssl
import threading

import pytest

from client import TIMEOUT, connect
from origin import chunk, reply
from tls_client import connect_tls, context, get_tls, https, site_files
from wait import until

BIG = os.urandom(1 << 20) * 8


def test_a_body_that_stalls_is_408(usher, origin):
    backend = origin(b"")
    p = usher(https("client_body_timeout 200ms; location / { proxy_pass http://%%B%%; }"),
              files=site_files(), B=backend)
    with connect_tls(p) as c:
        c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nfive5")
        assert c.recv_until_closed()[:12] in (b"HTTP/1.1 408", b"")
    assert '"POST / HTTP/1.1" 408 ' in p.access_log(1)[0]


def test_a_head_that_stalls_has_its_time(usher):
    p = usher(https("client_header_timeout 300ms; location / { return 200 fine; }"), files=site_files())
    with connect_tls(p) as c:
        c.send("GET / HTTP/1.1\r\nHost:")
        c.recv_until_closed()
    p.wait_log(r"client timed out.* while reading client request headers")


def test_a_reader_who_stalls_is_given_up(usher):
    p = usher(https("send_timeout 300ms; root html;"), files=site_files(**{"html/big": BIG * 4}))
    with connect_tls(p) as c:
        c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        c.request("/big")
        p.wait_log(r"client timed out \(110: Connection timed out\) while sending response")


def test_a_slow_reader_gets_all(usher, origin):
    backend = origin(reply(BIG))
    p = usher(https("location / { proxy_pass http://%%B%%; }"), files=site_files(), B=backend)
    with connect_tls(p) as c:
        c.request("/")
        head = c.recv_head()
        total, seen = int(head.get("Content-Length")), hashlib.sha256()
        while total:
            piece = c.recv_exact(min(total, 7001))
            seen.update(piece)
            total -= len(piece)
        assert seen.digest() == hashlib.sha256(BIG).digest()


def test_a_streamed_upload_arrives_as_it_is_sent(usher, origin):
    backend = origin(lambda conn, r: reply(conn.read_body(r)), read_body=False)
    p = usher(https("client_max_body_size 0; location / { proxy_pass http://%%B%%; proxy_request_buffering off;"
                    " proxy_http_version 1.1; }"), files=site_files(), B=backend)
    with connect_tls(p) as c:
        c.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        c.send(chunk(b"first"))
        backend.wait_requests(1)  # it is there before the body has ended
        c.send(chunk(b"x" * 300000) + b"0\r\n\r\n")
        assert c.recv_response().body == b"first" + b"x" * 300000


def test_events_come_one_by_one(usher, origin):
    more = threading.Event()

    def script(conn, r):
        conn.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(b"one"))
        assert more.wait(TIMEOUT)
        return chunk(b"two") + b"0\r\n\r\n"
    p = usher(https("location / { proxy_pass http://%%B%%; proxy_http_version 1.1; proxy_buffering off; }"),
              files=site_files(), B=origin(script))
    with connect_tls(p) as c:
        c.request("/")
        c.recv_head()
        assert c.recv_chunk() == b"one"
        more.set()
        assert [c.recv_chunk(), c.recv_chunk()] == [b"two", b""]


def test_continue_is_said_before_a_body(usher, origin):
    p = usher(https("location / { proxy_pass http://%%B%%; }"), files=site_files(),
              B=origin(lambda conn, r: reply(r.body)))
    with connect_tls(p) as c:
        c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        assert c.recv_head().status == 100
        c.send("body")
        assert c.recv_response().text == "body"


def test_http_1_0_ends_with_the_connection(usher, origin):
    def script(conn, r):
        conn.send(b"HTTP/1.0 200 OK\r\n\r\nto the end")
        conn.close()
    p = usher(https("location / { proxy_pass http://%%B%%; }"), files=site_files(), B=origin(script))
    with connect_tls(p, ragged=False) as c:  # without close_notify the client could not tell
        r = c.get("/", version="1.0")
        assert r.text == "to the end"


def test_a_broken_off_response_is_seen_to_be_broken_off(usher, origin):
    def script(conn, r):
        conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        conn.close()
    p = usher(https("location / { proxy_pass http://%%B%%; }"), files=site_files(), B=origin(script))
    with connect_tls(p) as c:
        with pytest.raises(AssertionError, match="closed after 4 of 100"):
            c.get("/")


@pytest.mark.one_thread
@pytest.mark.usher_only("nginx counts its own descriptors among them")
def test_idle_connections_make_room(usher):
    text = ("events { worker_connections 4; } http { access_log off; " +
            https("location / { return 200 fine; }") + " }")
    p = usher(text, files=site_files())
    held = [connect_tls(p) for _ in range(4)]
    for c in held:
        assert c.get().text == "fine"
    assert get_tls(p).text == "fine"  # there is room: whoever was idle for longest went


def test_many_at_once(usher, origin):
    p = usher(https("location / { proxy_pass http://%%B%%; }"), files=site_files(),
              B=origin(lambda conn, r: reply(r.target * 1000)))
    problems = []

    def one(k):
        try:
            with connect_tls(p, ctx=context(version=(ssl.TLSVersion.TLSv1_2 if k % 2 else None))) as c:
                for i in range(20):
                    assert c.get(f"/{k}/{i}").text == f"/{k}/{i}" * 1000
        except Exception as e:
            problems.append(e)
    threads = [threading.Thread(target=one, args=(k,)) for k in range(24)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not problems


def test_clients_that_vanish_leave_nothing(usher, origin):
    backend = origin(lambda conn, r: conn.wait_closed())
    p = usher(https("location / { proxy_pass http://%%B%%; } location = /x { return 200 fine; }"),
              files=site_files(), B=backend)
    for i in range(10):
        c = connect_tls(p)
        c.request("/")
        backend.wait_requests(i + 1)
        c.reset()
    until(lambda: all(not c.open for c in backend.connections), "the backend's connections to end")
    assert get_tls(p, "/x").text == "fine"
    with connect(p) as c:
        assert c.get().status == 400
