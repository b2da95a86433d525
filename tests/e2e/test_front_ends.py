"""How connections go on, and how they end: no answer is lost by a reset, none is half said."""
import os
import signal

import pytest

from client import connect, get
from origin import reply
from proxy import session_pids
from wait import until

CONF = """
server { listen 127.0.0.1:%%PORT%%; %%MORE%%
    location / { return 200 "$request_method $uri"; }
    location /code/400 { return 400; } location /code/404 { return 404; }
    location /code/500 { return 500; } location /code/502 { return 502; }
    location /code/413 { return 413; } location /code/444 { return 444; }
}
"""


@pytest.fixture
def proxy(usher):
    return usher(CONF, MORE="")


def read_to_end(c):
    """All bytes to the FIN; a reset raises."""
    data = bytearray(c.pending)
    while more := c.sock.recv(65536):
        data += more
    return bytes(data)


def workers(proxy):
    return [p for p in session_pids(proxy.process.pid) if p != proxy.pid]


def test_errors_that_end_a_connection(proxy):
    with connect(proxy) as c:
        for status in (404, 502):
            r = c.get(f"/code/{status}")
            assert r.status == status and r.get("Connection") == "keep-alive"
    for status in (400, 413, 500):
        with connect(proxy) as c:
            r = c.get(f"/code/{status}")
            assert r.status == status and r.get("Connection") == "close" and c.closed()


def test_a_large_unread_body_does_not_end_it(proxy):
    with connect(proxy) as c:
        c.send(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 700000\r\n\r\n" + b"x" * 700000)
        assert c.recv_response().text == "POST /x"
        c.send(b"POST /y HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        c.send(b"1000\r\n" + b"y" * 4096 + b"\r\n")
        assert c.recv_response().text == "POST /y"
        c.send(b"3\r\nend\r\n0\r\nTrailer: x\r\n\r\n")
        assert c.get("/z").text == "GET /z"


def test_a_body_that_never_comes_ends_it(usher):
    proxy = usher(CONF, MORE="lingering_timeout 200ms;")
    with connect(proxy) as c:
        c.send(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf")
        assert c.recv_response().text == "POST /x"
        assert c.closed()


@pytest.mark.usher_only
def test_an_expectation_that_was_not_met_ends_it(proxy):
    """RFC 9110 10.1.1: nobody can tell whether the body will follow."""
    with connect(proxy) as c:
        c.send(b"POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        r = c.recv_response()
        assert r.status == 200 and r.get("Connection") == "close" and not r.interim
        c.send(b"body").end()
        assert read_to_end(c) == b""


@pytest.mark.usher_only
def test_no_100_continue_when_the_body_is_there_already(usher, origin):
    proxy = usher("server { listen 127.0.0.1:%%PORT%%; location / { proxy_pass http://%%O%%; } }",
                  O=origin(lambda conn, r: reply(r.body)))
    with connect(proxy) as c:
        c.send(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nbody")
        r = c.recv_response()
        assert r.text == "body" and not r.interim
        assert c.get("/").status == 200


def test_what_is_pipelined_behind_the_last_request_resets_nothing(usher):
    proxy = usher(CONF, MORE="keepalive_requests 2;")
    with connect(proxy) as c:
        c.send(b"GET /%s HTTP/1.1\r\nHost: a\r\n\r\n" % (b"x" * 5000) * 40)
        for _ in range(2):
            assert c.recv_response().status == 200
        c.end()
        assert read_to_end(c) == b""


@pytest.mark.parametrize("reset", ["on", "off"])
def test_444_and_reset_timedout_connection(usher, reset):
    with connect(usher(CONF, MORE=f"reset_timedout_connection {reset};")) as c:
        c.request("/code/444")
        if reset == "on":
            with pytest.raises(ConnectionResetError):
                read_to_end(c)
        else:
            assert read_to_end(c) == b""


def test_send_timeout_ends_a_reader_that_stalls(usher):
    proxy = usher("server { listen 127.0.0.1:%%PORT%%; send_timeout 200ms; root %%PREFIX%%/html;"
                  " reset_timedout_connection on; }", files={"html/big": b"x" * (32 << 20)})
    with connect(proxy, rcvbuf=4096) as c:
        c.request("/big")
        proxy.wait_log("client timed out")
        with pytest.raises(ConnectionResetError):
            read_to_end(c)
    assert '" 200 ' in proxy.access_log(1)[0]


def test_a_client_that_resets_while_it_is_answered(usher, origin):
    proxy = usher("server { listen 127.0.0.1:%%PORT%%; location / { proxy_pass http://%%O%%; }"
                  " location /ok { return 200 ok; } }",
                  O=origin(lambda conn, r: reply(b"x" * (8 << 20))))
    for _ in range(10):
        c = connect(proxy, rcvbuf=4096)
        c.request("/")
        c.recv_some()
        c.reset()
    assert get(proxy, "/ok").text == "ok"
    proxy.access_log(11)


# --- limits ---

CROWDED = """
worker_processes 1;
events { worker_connections %%LIMIT%%; }
http { access_log off; server { listen 127.0.0.1:%%PORT%%; %%MORE%%
    location / { return 200 ok; } location /slow { proxy_pass http://%%O%%; } } }
"""


@pytest.mark.usher_only
def test_the_longest_idle_connection_goes_first(usher):
    proxy = usher(CROWDED, LIMIT=8, MORE="", O="127.0.0.1:1")
    crowd = [connect(proxy) for _ in range(8)]
    for c in crowd:
        assert c.get().text == "ok"
    for n in range(3):
        new = connect(proxy)
        assert new.get().text == "ok"
        assert crowd[n].closed()
    assert crowd[3].get().text == "ok"


@pytest.mark.usher_only
def test_keepalive_min_timeout_is_kept_in_a_crowd(usher):
    proxy = usher(CROWDED, LIMIT=4, MORE="keepalive_min_timeout 1h; keepalive_timeout 2h;",
                  O="127.0.0.1:1", may_log="worker_connections are not enough")
    crowd = [connect(proxy) for _ in range(4)]
    for c in crowd:
        assert c.get().text == "ok"
    new = connect(proxy).request()
    proxy.wait_log("worker_connections are not enough")
    assert crowd[0].get().text == "ok"
    crowd[1].close()
    assert new.recv_response().text == "ok"


@pytest.mark.usher_only
def test_running_exchanges_are_not_evicted(usher, origin):
    free = []

    def script(conn, request):
        until(lambda: free, "permission")
        return reply("late")
    back = origin(script)
    proxy = usher(CROWDED, LIMIT=4, MORE="", O=back, may_log="worker_connections are not enough")
    crowd = [connect(proxy).request("/slow") for _ in range(4)]
    back.wait_requests(4)
    new = connect(proxy).request()
    proxy.wait_log("worker_connections are not enough")
    free.append(1)
    assert [c.recv_response().text for c in crowd] == ["late"] * 4
    assert new.recv_response().text == "ok"


@pytest.mark.usher_only
def test_when_descriptors_run_out_idle_connections_make_room(usher):
    proxy = usher(CROWDED.replace("worker_processes 1;",
                                  "worker_processes 1; worker_rlimit_nofile 40;"),
                  LIMIT=1000, MORE="", O="127.0.0.1:1", may_log="not enough|accept4")
    crowd = [connect(proxy) for _ in range(60)]
    served = 0
    for c in crowd:
        try:
            served += c.get().text == "ok"
        except (OSError, AssertionError):
            pass
    assert served > 20
    assert get(proxy).text == "ok"
    assert "not enough" in proxy.error_log() or "accept4() failed" in proxy.error_log()


# --- QUIT ---

def stopped(proxy, then):
    """Does `then` while the worker is asleep: all of it is there at once when it wakes."""
    pids = workers(proxy)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    then()
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.usher_only
@pytest.mark.parametrize("threads", [1, 3])
def test_a_request_that_was_there_when_draining_began_is_answered(usher, threads):
    proxy = usher(CONF, MORE="", main=f"worker_processes {threads};")
    crowd = [connect(proxy) for _ in range(10)]
    for c in crowd:
        assert c.get("/1").text == "GET /1"
    late = []

    def then():
        for c in crowd:
            c.request("/2")
        late.extend(connect(proxy).request("/3") for _ in range(5))
        proxy.signal("QUIT")
    stopped(proxy, then)
    for c in crowd:
        assert c.recv_response().text == "GET /2" and c.closed()
    for c in late:
        assert c.recv_response().text == "GET /3" and c.closed()
    assert proxy.process.wait(10) == 0


@pytest.mark.usher_only
def test_keepalive_min_timeout_is_kept_by_quit(usher):
    proxy = usher(CONF, MORE="keepalive_min_timeout 1h; keepalive_timeout 2h;")
    with connect(proxy) as c:
        assert c.get("/1").text == "GET /1"
        proxy.signal("QUIT")
        proxy.wait_log("gracefully shutting down")
        r = c.get("/2")
        assert r.text == "GET /2" and r.get("Connection") == "close" and c.closed()
    assert proxy.process.wait(10) == 0


@pytest.mark.usher_only
def test_a_quit_waits_for_a_body_that_is_coming(usher, origin):
    proxy = usher("server { listen 127.0.0.1:%%PORT%%; location / { proxy_pass http://%%O%%; } }",
                  O=origin(lambda conn, r: reply(r.body)))
    with connect(proxy) as c:
        c.send(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 8\r\n\r\n")
        assert c.recv_head().status == 100
        proxy.signal("QUIT")
        proxy.wait_log("gracefully shutting down")
        c.send(b"the body")
        r = c.recv_response()
        assert r.text == "the body" and r.get("Connection") == "close"
    assert proxy.process.wait(10) == 0


@pytest.mark.usher_only
def test_term_ends_connections_in_every_state(usher, origin):
    back = origin(lambda conn, r: conn.wait_closed())
    proxy = usher("server { listen 127.0.0.1:%%PORT%%; location / { proxy_pass http://%%O%%; }"
                  " location /ok { return 200 ok; } }", O=back)
    states = [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
              b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf",
              b"POST /ok HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf",
              b"BAD\r\n"]
    crowd = [connect(proxy).send(s) for s in states]
    idle = connect(proxy)
    assert idle.get("/ok").text == "ok"
    back.wait_requests(1)
    proxy.signal("TERM")
    assert proxy.process.wait(10) == 0
    for c in crowd + [idle]:
        c.recv_until_closed()
