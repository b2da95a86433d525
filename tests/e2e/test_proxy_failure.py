"""When an origin refuses, resets, stalls or talks nonsense: who is asked next, and what is said."""
import socket

import pytest

from client import connect, get, raw
from origin import chunked, reply
from wait import until


def group(servers, location="", http=""):
    return (f"{http} upstream group {{ {servers} }}"
            " server { listen 127.0.0.1:%%PORT%%; proxy_http_version 1.1;"
            ' proxy_set_header Connection "";'
            " location / { proxy_pass http://group; " + location + " } }")


def reset(conn, request):
    conn.reset()


def stall(conn, request):
    conn.wait_closed()


@pytest.fixture
def good(origin):
    return origin(reply("good"))


def test_a_refused_connect_goes_to_the_next(usher, good, refusing):
    proxy = usher(group("server %%BAD%%; server %%GOOD%%;"), GOOD=good, BAD=refusing())
    assert [get(proxy).text for _ in range(4)] == ["good"] * 4


@pytest.mark.parametrize("script", [
    reset, lambda conn, r: conn.close(),
    lambda conn, r: conn.send(b"HTTP/1.1 200 O") and conn.close(),
    b"HTTP/1.1 200 OK\r\nBad Field\x00: x\r\n\r\n",
], ids=["reset", "close", "close in head", "bad head"])
def test_a_broken_answer_goes_to_the_next(usher, origin, good, script):
    bad = origin(script)
    proxy = usher(group("server %%BAD%%; server %%GOOD%%;", "proxy_next_upstream error timeout"
                        " invalid_header;"), GOOD=good, BAD=bad)
    assert [get(proxy).text for _ in range(4)] == ["good"] * 4
    assert len(bad.connections) == 1  # max_fails=1


def test_a_stalled_origin_goes_to_the_next(usher, origin, good):
    bad = origin(stall)
    proxy = usher(group("server %%BAD%%; server %%GOOD%%;", "proxy_read_timeout 150ms;"),
                  GOOD=good, BAD=bad)
    assert [get(proxy).text for _ in range(3)] == ["good"] * 3


def test_a_post_that_may_have_been_acted_on_is_not_sent_twice(usher, origin, good):
    """RFC 9110 9.2.2; proxy_next_upstream non_idempotent"""
    bad = origin(reset)
    conf = group("server %%BAD%% max_fails=0 weight=9; server %%GOOD%%;")
    proxy = usher(conf, GOOD=good, BAD=bad)
    assert get(proxy, method="POST", body=b"pay").status == 502
    assert len(bad.requests) == 1 and not good.requests
    proxy.reload(conf.replace("proxy_pass", "proxy_next_upstream error non_idempotent; proxy_pass"))
    assert get(proxy, method="POST", body=b"pay").text == "good"
    assert good.requests[0].body == b"pay"


def test_a_post_to_a_refused_address_goes_to_the_next(usher, good, refusing):
    proxy = usher(group("server %%BAD%%; server %%GOOD%%;"), GOOD=good, BAD=refusing())
    for _ in range(2):
        assert get(proxy, method="POST", body=b"x" * 100000).text == "good"
    assert [len(r.body) for r in good.requests] == [100000] * 2


@pytest.mark.one_thread
def test_statuses_named_in_next_upstream(usher, origin, good):
    bad = origin(reply("busy", "503 Service Unavailable"))
    conf = group("server %%BAD%% max_fails=0; server %%GOOD%% max_fails=0;",
                 "proxy_next_upstream http_503 http_429;")
    proxy = usher(conf, GOOD=good, BAD=bad)
    assert [get(proxy).status for _ in range(4)] == [200] * 4
    proxy.reload(conf.replace("http_503 http_429", "error"))
    assert sorted(get(proxy).status for _ in range(4)) == [200, 200, 503, 503]


def test_the_last_answer_is_passed_on_when_all_fail(usher, origin):
    a, b = (origin(reply("busy", "503 Service Unavailable")) for _ in range(2))
    proxy = usher(group("server %%A%%; server %%B%%;", "proxy_next_upstream http_503;"), A=a, B=b)
    r = get(proxy)
    assert (r.status, r.text) == (503, "busy") and len(a.requests + b.requests) == 2


def test_next_upstream_off_and_tries(usher, origin, good):
    bad = [origin(reset) for _ in range(3)]
    servers = "".join(f"server %%B{n}%% max_fails=0;" for n in range(3))
    names = {f"B{n}": o for n, o in enumerate(bad)}
    conf = group(servers + "server %%GOOD%% max_fails=0;", "proxy_next_upstream off;")
    proxy = usher(conf, GOOD=good, **names)
    assert get(proxy).status == 502 and sum(len(o.requests) for o in bad) == 1
    proxy.reload(conf.replace("proxy_next_upstream off;", "proxy_next_upstream_tries 2;"))
    before = sum(len(o.requests) for o in bad)
    assert get(proxy).status == 502
    assert sum(len(o.requests) for o in bad) == before + 2


def test_next_upstream_timeout(usher, origin, good):
    bad = origin(stall)
    proxy = usher(group("server %%BAD%% weight=9; server %%GOOD%%;", "proxy_read_timeout 300ms;"
                        " proxy_next_upstream_timeout 100ms;"), GOOD=good, BAD=bad)
    assert get(proxy).status == 504 and not good.requests


def test_nothing_is_retried_once_the_client_has_heard_something(usher, origin, good):
    bad = origin(lambda conn, r: conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
                 and conn.close())
    proxy = usher(group("server %%BAD%% weight=9; server %%GOOD%%;", "proxy_buffering off;"),
                  GOOD=good, BAD=bad)
    with connect(proxy) as c:
        c.request()
        r = c.recv_head()
        assert r.status == 200 and c.recv_until_closed() == b"half"
    assert not good.requests


def test_backup_serves_only_when_the_others_fail(usher, origin, good):
    spare = origin(reply("spare"))
    proxy = usher(group("server %%GOOD%%; server %%SPARE%% backup;"), GOOD=good, SPARE=spare)
    assert [get(proxy).text for _ in range(4)] == ["good"] * 4
    good.die()
    assert [get(proxy).text for _ in range(4)] == ["spare"] * 4


@pytest.mark.one_thread
def test_down_is_never_asked_and_weight_is_kept(usher, origin, good):
    heavy, down = origin(reply("heavy")), origin(reply("down"))
    proxy = usher(group("server %%DOWN%% down; server %%HEAVY%% weight=3; server %%GOOD%%;"),
                  GOOD=good, HEAVY=heavy, DOWN=down)
    seen = [get(proxy).text for _ in range(8)]
    assert seen == ["heavy", "heavy", "good", "heavy"] * 2 and not down.connections


def test_max_fails_and_fail_timeout(usher, origin, good):
    sick = origin(lambda conn, r: conn.reset() if len(sick.requests) <= 2 else reply("well"))
    proxy = usher(group("server %%SICK%% max_fails=2 fail_timeout=1s; server %%GOOD%%;"),
                  GOOD=good, SICK=sick)
    assert [get(proxy).text for _ in range(8)] == ["good"] * 8
    assert len(sick.requests) == 2
    until(lambda: get(proxy).text == "well", "the sick server to be asked again", timeout=5)


def test_a_lone_server_is_never_given_up(usher, origin):
    o = origin(lambda conn, r: conn.reset() if len(o.requests) <= 3 else reply("well"))
    proxy = usher(group("server %%O%%;"), O=o)
    assert [get(proxy).status for _ in range(5)] == [502, 502, 502, 200, 200]


def test_max_conns(usher, origin):
    o = origin(lambda conn, r: conn.wait_closed())
    proxy = usher(group("server %%O%% max_conns=1;"), O=o)
    with connect(proxy) as c:
        c.request()
        o.wait_requests(1)
        assert get(proxy).status == 502


def test_a_kept_connection_that_died_is_replaced_unseen(usher, origin):
    """The origin closes after each answer without saying so."""
    def script(conn, request):
        conn.send(reply("good"))
        conn.close()
    o = origin(script)
    proxy = usher(group("server %%O%%; keepalive 4;"), O=o)
    with connect(proxy) as c:
        assert [c.get().status for _ in range(20)] == [200] * 20


def test_a_kept_connection_that_dies_under_a_request_is_retried_unseen(usher, origin):
    """Reset on the second request of each connection: the race that keep-alive always has."""
    o = origin(lambda conn, r: conn.reset() if len(conn.requests) > 1 else reply("good"))
    proxy = usher(group("server %%O%% max_fails=0; server %%O%% max_fails=0; keepalive 4;"), O=o)
    with connect(proxy) as c:
        assert [c.get().status for _ in range(10)] == [200] * 10


@pytest.mark.usher_only("nginx needs a second server to try again")
def test_a_lone_server_whose_kept_connection_dies_is_asked_again(usher, origin):
    o = origin(lambda conn, r: conn.reset() if len(conn.requests) > 1 else reply("good"))
    proxy = usher(group("server %%O%%; keepalive 4;"), O=o)
    with connect(proxy) as c:
        assert [c.get().status for _ in range(10)] == [200] * 10


def test_read_timeout_is_504(usher, origin):
    proxy = usher(group("server %%O%%;", "proxy_read_timeout 150ms;"), O=origin(stall))
    assert get(proxy).status == 504
    assert "upstream timed out" in proxy.error_log()


def test_read_timeout_is_between_reads_not_in_all(usher, origin):
    def trickle(conn, request):
        conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n")
        for _ in range(8):
            conn.gone.wait(0.1)
            conn.send(b"x")
    # nginx moves a timer only when it is 300 ms off, so the time-out must be longer than that.
    proxy = usher(group("server %%O%%;", "proxy_read_timeout 500ms;"), O=origin(trickle))
    assert get(proxy).body == b"x" * 8


def test_connect_timeout_is_504(usher):
    """A listener whose queue is full answers no SYN."""
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    fillers = []
    for _ in range(3):
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex(full.getsockname())
        fillers.append(s)
    proxy = usher(group("server 127.0.0.1:%%FULL%%;", "proxy_connect_timeout 150ms;"),
                  FULL=full.getsockname()[1])
    assert get(proxy).status == 504
    for s in [*fillers, full]:
        s.close()


def test_send_timeout_is_504(usher, origin):
    deaf = origin(lambda conn, r: conn.gone.wait(3) and None, read_body=False)
    proxy = usher(group("server %%O%%;", "proxy_send_timeout 150ms; client_max_body_size 0;"),
                  O=deaf)
    r = get(proxy, method="POST", body=b"x" * (24 << 20))
    assert r.status == 504
    deaf.die()


BAD_HEADS = [
    b"nonsense\r\n\r\n",
    b"HTTP/2.0 200 OK\r\n\r\n",
    b"HTTP/1.1 20 OK\r\n\r\n",
    b"HTTP/1.1 2000 OK\r\n\r\n",
    b"HTTP/1.1 xxx OK\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX: a\x00b\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n",
]


@pytest.mark.usher_only("nginx 1.22 forgives most of these")
@pytest.mark.parametrize("head", BAD_HEADS, ids=lambda h: repr(h[:60]))
def test_malformed_heads_are_502(usher, origin, head):
    proxy = usher(group("server %%O%%;"), O=origin(head))
    r = get(proxy)
    assert r.status == 502 and "upstream" in proxy.error_log()


def test_a_head_too_big_is_502(usher, origin):
    o = origin(b"HTTP/1.1 200 OK\r\n" + b"X: %s\r\n" % (b"y" * 2000) * 2000 + b"\r\n")
    proxy = usher(group("server %%O%%;"), O=o)
    assert get(proxy).status == 502


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nxyz\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloworld",
], ids=["length", "chunks", "bad size", "no CRLF"])
def test_a_body_cut_short_is_seen_as_cut_short(usher, origin, answer):
    """RFC 9112 8: never make an incomplete message look whole."""
    def script(conn, request):
        conn.send(answer)
        conn.close()
    proxy = usher(group("server %%O%%;"), O=origin(script))
    told = raw(proxy, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    head, _, rest = told.partition(b"\r\n\r\n")
    assert told == b"" or head[9:12] in (b"200", b"502")
    if head[9:12] == b"200":
        assert not rest.endswith(b"0\r\n\r\n")
        assert b"Content-Length: 1000" in head or b"Content-Length" not in head


def test_bytes_after_an_answer_spoil_the_connection_not_the_next_answer(usher, origin):
    o = origin(lambda conn, r: reply(f"n{len(o.requests)}") + b"HTTP/1.1 200 OK\r\n"
               b"Content-Length: 6\r\n\r\npoison")
    proxy = usher(group("server %%O%%; keepalive 4;"), O=o)
    with connect(proxy) as c:
        assert [c.get().text for _ in range(4)] == ["n1", "n2", "n3", "n4"]


def test_an_answer_before_the_body_is_sent_is_passed_on(usher, origin):
    def refuse(conn, request):
        conn.send(reply("no", "401 Unauthorized", Connection="close"))
        conn.wait_closed()
        conn.close()
    o = origin(refuse, read_body=False)
    proxy = usher(group("server %%O%%;", "client_max_body_size 0; proxy_request_buffering off;"),
                  O=o)
    with connect(proxy) as c:
        try:
            c.request(method="POST", body=b"x" * (8 << 20))
        except OSError:
            pass
        assert c.recv_head().status == 401


def test_chunked_answers_in_a_retry(usher, origin):
    a, b = origin(reset), origin(chunked([b"x" * 50000] * 4))
    proxy = usher(group("server %%A%%; server %%B%%;"), A=a, B=b)
    assert len(get(proxy).body) == 200000


@pytest.mark.usher_only("nginx refuses to start")
def test_a_name_that_does_not_resolve_stops_nobody_else(usher, good):
    proxy = usher("""
        upstream lost { server no-such-name.invalid; }
        server { listen 127.0.0.1:%%PORT%%;
                 location / { proxy_pass http://%%GOOD%%; }
                 location /group { proxy_pass http://lost; }
                 location /name { proxy_pass http://other-name.invalid:81/x; } }""", GOOD=good)
    assert get(proxy).text == "good"
    assert get(proxy, "/group").status == 502 and get(proxy, "/name").status == 502
