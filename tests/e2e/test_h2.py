"""HTTP/2 in front: requests, bodies both ways, trailers, interim responses, cancellation, the ends of
connections; in the clear with prior knowledge and over TLS, with real clients too."""
import asyncio
import base64
import json
import socket
import subprocess
import threading

import httpx
import pytest

import h2client
from client import get
from h2client import connect
from origin import Gone, chunk, chunked, reply
from tls_client import PAIR, context, site_files
from wait import until

pytestmark = pytest.mark.usher_only("nginx 1.22 has no http2 directive")

BIG = bytes(range(256)) * 4096 * 3


def site(body, listen="listen 127.0.0.1:%%PORT%%;", more=""):
    return f"server {{ {listen} http2 on; {more} {body} }}"


def proxied(more="", name="BACK"):
    return site(f"location / {{ proxy_pass http://%%{name}%%; proxy_http_version 1.1; {more} }}")


def ctx():
    return context(alpn=["h2", "http/1.1"])


def tls_site(body, more=""):
    return site(body, f"listen 127.0.0.1:%%PORT%% ssl; {PAIR}", more)


# --- Heads ---

def test_a_request_is_answered(usher):
    p = usher(site('location / { return 200 "$server_protocol $http2 $scheme $host $uri $args"; }'))
    a = connect(p).get("/a%20b?c=d", authority="Some.Host")
    assert (a.status, a.text) == (200, "HTTP/2.0 h2c http some.host /a b c=d")
    assert a.get("content-length") == str(len(a.body))
    assert a.get("connection") is None and a.get("server") and a.get("date")


def test_over_tls_it_is_chosen_by_alpn(usher):
    p = usher(tls_site('location / { return 200 "$http2 $scheme $https"; }'), files=site_files())
    assert connect(p, ctx()).get(scheme="https").text == "h2 https on"


def test_http1_is_served_beside_it(usher):
    p = usher(site("location / { return 200 $server_protocol; }"))
    assert get(p.port).text == "HTTP/1.1"
    assert connect(p).get().text == "HTTP/2.0"


class Slowly:
    """A socket that sends byte by byte."""

    def __init__(self, sock):
        self.sock = sock

    def __getattr__(self, name):
        return getattr(self.sock, name)

    def sendall(self, data):
        for i in range(len(data)):
            self.sock.sendall(data[i:i + 1])


def test_the_preface_may_come_byte_by_byte(usher):
    p = usher(site("location / { return 200 fine; }"))
    sock = socket.create_connection(("127.0.0.1", p.port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    assert h2client.H2(Slowly(sock)).get().text == "fine"


def test_the_backend_gets_what_http1_would_have_sent(usher, origin):
    back = origin(lambda c, r: reply(json.dumps([r.line, r.headers])))
    p = usher(proxied('proxy_set_header Host $http_host; proxy_set_header X-C "$http_cookie";'), BACK=back)
    a = connect(p).get("/x?y", authority="a.b:1", headers=[("cookie", "a=1"), ("x-y", "z"), ("cookie", "b=2"),
                                                            ("te", "trailers")])
    line, headers = json.loads(a.text)
    headers = {k.lower(): v for k, v in headers}
    assert line == "GET /x?y HTTP/1.1"
    assert headers["host"] == "a.b:1" and headers["x-y"] == "z"
    assert headers["cookie"] == headers["x-c"] == "a=1; b=2"


def test_what_is_of_a_connection_stops_here(usher, origin):
    back = origin(lambda c, r: reply(b"x", headers=[("Keep-Alive", "timeout=5"), ("X-UP", "1"), ("Proxy-Connection", "x"),
                                                    ("Connection", "keep-alive")]))
    p = usher(proxied(), BACK=back)
    a = connect(p).get()
    assert a.get("x-up") == "1"
    assert not {k for k, _ in a.headers} & {"keep-alive", "connection", "proxy-connection", "transfer-encoding"}


@pytest.mark.parametrize("method", ["TRACE", "CONNECT"])
def test_methods_that_are_not_for_a_proxy(usher, method):
    p = usher(site("location / { return 200; }"))
    c = connect(p)
    if method == "CONNECT":
        stream = c.h2.get_next_available_stream_id()
        c.h2.send_headers(stream, [(":method", "CONNECT"), (":authority", "a:1")], end_stream=True)
        c.answers[stream] = h2client.Answer()
        c.push()
        assert c.answer(stream).status in (400, 405)
    else:
        assert c.get(method=method).status == 405
    assert c.get().status == 200


@pytest.mark.parametrize("headers,status", [
    ([("x-big", "x" * 9000)], 431), ([("x-many", "x" * 4000)] * 10, 431), ([("host", "other")], 400),
    ([("if-match", "a"), ("if-match", "b")], 400), ([("x", "y")] * 1200, 431)],
    ids=["a field", "a head", "host", "double", "count"])
def test_a_bad_head_is_answered_and_the_connection_goes_on(usher, headers, status):
    p = usher(site("location / { return 200 fine; }"))
    c = connect(p)
    assert c.get(headers=headers).status == status
    assert c.get().text == "fine"


def test_a_path_that_is_too_long_is_414(usher):
    p = usher(site("location / { return 200 fine; }"))
    c = connect(p)
    assert c.get("/" + "a" * 9000).status == 414
    assert c.get().text == "fine"


def test_the_server_is_found_by_authority(usher):
    p = usher(site("server_name a; location / { return 200 a; }", "listen 127.0.0.1:%%PORT%% default_server;") +
              "server { listen 127.0.0.1:%%PORT%%; server_name b; location / { return 200 b; } }")
    c = connect(p)
    assert [c.get(authority=n).text for n in ("a", "b", "c")] == ["a", "b", "a"]


# --- Bodies ---

def test_a_large_response_in_the_clear_and_over_tls(usher):
    p = usher(site("root html;") + tls_site("root html;").replace("PORT", "PORT2"),
              files={"html/big": BIG, **site_files()})
    a = connect(p).get("/big")
    assert a.body == BIG and a.get("content-length") == str(len(BIG))
    assert connect(p.ports["PORT2"], ctx()).get("/big").body == BIG


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_large_response_of_a_backend(usher, origin, framing):
    pieces = [BIG[i:i + 50000] for i in range(0, len(BIG), 50000)]
    back = origin(lambda c, r: reply(BIG) if framing == "length" else chunked(pieces))
    p = usher(proxied(), BACK=back)
    a = connect(p).get()
    assert a.body == BIG and a.ended


@pytest.mark.parametrize("buffering", ["on", "off"])
@pytest.mark.parametrize("length", [True, False])
def test_a_large_request(usher, origin, buffering, length):
    back = origin(lambda c, r: reply(str(len(r.body)) if r.body == BIG else "broken"))
    p = usher(proxied(f"proxy_request_buffering {buffering}; client_max_body_size 0;"), BACK=back)
    headers = [("content-length", str(len(BIG)))] if length else []
    assert connect(p).get(method="POST", headers=headers, body=BIG).text == str(len(BIG))


def test_many_uploads_beside_each_other(usher, origin):
    back = origin(lambda c, r: reply(str(len(r.body))))
    p = usher(proxied("proxy_request_buffering off; client_max_body_size 0;"), BACK=back)
    c = connect(p)
    streams = [c.request(method="POST", end=False) for _ in range(20)]
    for _ in range(40):
        for s in streams:
            c.send(s, b"x" * 10000, end=False)
    for s in streams:
        c.end(s)
    assert [c.answer(s).text for s in streams] == ["400000"] * 20


def test_requests_are_served_beside_each_other(usher, origin):
    gate = threading.Event()

    def script(conn, request):
        if request.target == "/slow":
            assert gate.wait(10)
        return reply(request.target)
    p = usher(proxied(), BACK=origin(script))
    c = connect(p)
    slow = c.request("/slow")
    assert [c.get(f"/{i}").text for i in range(5)] == [f"/{i}" for i in range(5)]
    gate.set()
    assert c.answer(slow).text == "/slow"


def test_bytes_pass_both_ways_at_once(usher, origin):
    def script(conn, request):
        conn.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while size := int(conn.recv_line(), 16):
            conn.send(chunk(conn.recv_exact(size).upper()))
            conn.recv_exact(2)
        conn.recv_line()
        conn.send(b"0\r\n\r\n")
    back = origin(script, read_body=False)
    p = usher(proxied("proxy_request_buffering off; proxy_buffering off;"), BACK=back)
    c = connect(p)
    s = c.request(method="POST", end=False)
    for i in range(1, 6):
        c.send(s, b"ping\n", end=False)
        assert c.body(s, 5 * i).body == b"PING\n" * i
    c.end(s)
    assert c.answer(s).ended


def test_windows_hold_a_response_back_and_let_others_pass(usher):
    p = usher(site("root html; location = /small { return 200 small; }"), files={"html/big": BIG})
    c = connect(p, consume=False)
    big = c.request("/big")
    c.body(big, 65535)
    assert len(c.answers[big].body) == 65535
    c.h2.increment_flow_control_window(1000)  # the connection's, for another stream
    c.push()
    assert c.get("/small").text == "small"
    c.consume = True
    c.h2.acknowledge_received_data(65535, big)
    c.push()
    assert c.answer(big).body == BIG


def test_head_and_bodiless_answers(usher, origin):
    p = usher(site('root html; location = /204 { return 204; }'), files={"html/a": b"abc"})
    c = connect(p)
    a = c.get("/a", method="HEAD")
    assert (a.status, a.body, a.get("content-length")) == (200, b"", "3")
    etag = c.get("/a").get("etag")
    a = c.get("/a", headers=[("if-none-match", etag)])
    assert (a.status, a.body) == (304, b"")
    a = c.get("/204")
    assert (a.status, a.body) == (204, b"")


def test_ranges(usher):
    p = usher(site("root html;"), files={"html/big": BIG})
    a = connect(p).get("/big", headers=[("range", "bytes=1000-200999")])
    assert a.status == 206 and a.body == BIG[1000:201000]


def test_trailers_pass_both_ways(usher, origin):
    back = origin(lambda c, r: chunked([b"x"], trailers=[("X-T", r.trailers[0][1] if r.trailers else "none")]))
    p = usher(proxied("proxy_pass_trailers on; proxy_request_buffering off;"), BACK=back)
    c = connect(p)
    a = c.get()
    assert a.trailers == [("x-t", "none")]


def test_early_hints_come_first(usher, origin):
    back = origin(lambda c, r: b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + reply(b"x"))
    p = usher(proxied("early_hints 1;"), BACK=back)
    a = connect(p).get()
    assert [dict(i)[":status"] for i in a.interim] == ["103"] and a.status == 200


def test_continue_is_sent_when_it_is_waited_for(usher, origin):
    p = usher(proxied(), BACK=origin(lambda c, r: reply(r.body)))
    c = connect(p)
    s = c.request(method="POST", headers=[("expect", "100-continue")], end=False)
    c.until(lambda: c.answers[s].interim, "100")
    c.send(s, b"body")
    assert c.answer(s).text == "body"


def test_a_body_that_is_too_large_is_refused_early(usher):
    p = usher(site("client_max_body_size 10; root html;"), files={"html/a": b"x"})
    c = connect(p)
    s = c.request(method="POST", headers=[("content-length", "100000")], end=False)
    a = c.answer(s)
    assert a.status == 413 and a.ended
    c.until(lambda: a.reset_code is not None, "the reset")
    assert a.reset_code == 0  # NO_ERROR: the answer is whole
    assert c.get("/a").status == 200


def test_a_response_cut_short_is_reset(usher, origin):
    back = origin(lambda c, r: (c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"), c.close()) and None)
    p = usher(proxied(), BACK=back)
    c = connect(p)
    a = c.get()
    assert a.status == 200 and not a.ended and a.reset_code == 2
    assert not c.closed


# --- Priorities (RFC 9218) ---

WIDE = {4: 1 << 24}  # windows of streams: only the connection's holds back


def race(c, first, second):
    """Two streams wait for the connection's window; returns how much each got of the next 100,000 bytes."""
    c.body(first, 65535)
    c.head(second)
    c.h2.increment_flow_control_window(100000)
    c.push()
    c.until(lambda: sum(len(c.answers[s].body) for s in (first, second)) >= 165535, "the next bytes")
    return len(c.answers[first].body) - 65535, len(c.answers[second].body)


@pytest.mark.parametrize("first,second,want", [
    ("u=5", "u=1", (0, 100000)), ("u=1", "u=5", (100000, 0)), ("u=3", "u=3", (100000, 0)), ("u=3, i", "u=3, i", None)])
def test_the_more_urgent_response_goes_first(usher, first, second, want):
    p = usher(site("root html;"), files={"html/big": BIG})
    c = connect(p, consume=False, settings=WIDE)
    got = race(c, *(c.request("/big", headers=[("priority", v)]) for v in (first, second)))
    assert got == want if want else min(got) > 40000


def test_the_backend_may_say_how_urgent_its_response_is(usher, origin):
    sent = []

    def script(conn, request):
        if request.target == "/a":
            return reply(BIG, Priority="u=6")
        conn.send(reply(b"b" * 100000, Priority="i;x, u=0;y"))
        sent.append(True)
        return None
    p = usher(proxied(), BACK=origin(script))
    c = connect(p, consume=False, settings=WIDE)
    first = c.request("/a", headers=[("priority", "u=1")])
    c.body(first, 65535)
    second = c.request("/b")
    until(lambda: sent, "the backend to have said it all")
    a, b = race(c, first, second)
    assert b > a  # what comes from a backend piece by piece leaves gaps for others


def test_priority_may_change_meanwhile(usher):
    p = usher(site("root html;"), files={"html/big": BIG})
    c = connect(p, consume=False, settings=WIDE)
    first, second = c.request("/big"), c.request("/big")
    c.head(second)
    payload = second.to_bytes(4, "big") + b"u=0"
    c.sock.sendall(len(payload).to_bytes(3, "big") + b"\x10\0\0\0\0\0" + payload)
    c.h2.ping(b"12345678")
    c.push()
    c.until(lambda: c.pongs, "the answer to PING")
    assert race(c, first, second) == (0, 100000)


def test_what_no_field_can_hold_is_left_out(usher):
    p = usher(site("default_type $remote_user; return 200 ok;"))
    c = connect(p)
    for user in (b"text/x\r\nX-Evil: 1", b"a\0b", b"text/fine"):
        a = c.get("/", headers=[("authorization", "Basic " + base64.b64encode(user + b":x").decode())])
        want = "text/fine" if user == b"text/fine" else None
        assert (a.status, a.body, a.get("content-type"), a.get("x-evil")) == (200, b"ok", want, None)


# --- Ends ---

def test_a_reset_cancels_the_request_at_the_backend(usher, origin):
    def script(conn, request):
        try:
            conn.recv_some()
        except Gone:
            pass
    back = origin(script)
    p = usher(proxied(), BACK=back)
    c = connect(p)
    s = c.request("/slow")
    back.wait_requests(1)
    c.reset(s)
    assert back.connections[0].gone.wait(10)
    assert '"GET /slow HTTP/2.0" 499' in p.access_log(1)[0]
    assert not c.closed


def test_a_lost_connection_cancels_them_all(usher, origin):
    back = origin(lambda c, r: c.wait_closed())
    p = usher(proxied(), BACK=back)
    c = connect(p)
    for _ in range(5):
        c.request()
    back.wait_requests(5)
    c.close()
    for conn in back.connections:
        assert conn.gone.wait(10)
    assert sum(" 499 " in line for line in p.access_log(5)) == 5


def test_after_keepalive_requests_comes_goaway(usher):
    p = usher(site("keepalive_requests 3; location / { return 200 $connection_requests; }"))
    c = connect(p)
    assert [c.get().text for _ in range(3)] == ["1", "2", "3"]
    c.wait_closed()
    assert c.goaway == 0


def test_an_idle_connection_ends_with_goaway(usher):
    p = usher(site("keepalive_timeout 50ms; location / { return 200; }"))
    c = connect(p)
    assert c.get().status == 200
    c.wait_closed()
    assert c.goaway == 0


def test_a_client_that_says_nothing_is_let_go(usher):
    p = usher(site("location / { return 200; }", more="client_header_timeout 50ms;"))
    c = connect(p)
    c.wait_closed()
    assert c.closed


def test_shutdown_ends_what_is_under_way_first(usher, origin):
    gate = threading.Event()
    back = origin(lambda c, r: reply(r.target) if gate.wait(10) else None)
    p = usher(proxied(), BACK=back)
    c = connect(p)
    s = c.request("/a")
    back.wait_requests(1)
    p.signal("QUIT")
    c.until(lambda: c.goaway is not None, "GOAWAY")
    gate.set()
    assert c.answer(s).text == "/a"
    c.wait_closed()


def test_a_reload_is_taken_at_the_next_request(usher):
    p = usher(site("location / { return 200 one; }"))
    c = connect(p)
    assert c.get().text == "one"
    p.reload(site("location / { return 200 two; }"))
    assert c.get().text == "two"


def test_an_address_that_is_given_up(usher):
    p = usher(site("location / { return 200 one; }") + "server { listen 127.0.0.1:%%PORT2%%; }")
    c = connect(p)
    assert c.get().text == "one"
    p.reload("server { listen 127.0.0.1:%%PORT2%%; }")
    c.wait_closed()


def test_a_client_that_does_not_read_is_given_up(usher):
    p = usher(site("send_timeout 100ms; root html;"), files={"html/big": BIG})
    c = connect(p, consume=False)
    s = c.request("/big")
    a = c.answer(s)
    assert a.reset_code is not None and len(a.body) == 65535
    p.wait_log("client timed out")


def test_a_slow_body_is_408(usher, origin):
    p = usher(proxied("client_body_timeout 50ms;"), BACK=origin(lambda c, r: reply(b"x")))
    c = connect(p)
    s = c.request(method="POST", headers=[("content-length", "10")], end=False)
    c.send(s, b"12345", end=False)
    assert c.answer(s).status == 408


# --- The log ---

def test_what_the_log_says(usher):
    p = usher("log_format f '$request|$status|$body_bytes_sent|$request_length|$bytes_sent|$http2|$server_protocol';"
              + site('access_log logs/f.log f; location / { return 200 0123456789; }'))
    connect(p).get("/x")
    line = until(lambda: (p.prefix / "logs/f.log").read_text(), "the line").strip().split("|")
    assert line[:3] == ["GET /x HTTP/2.0", "200", "19"]
    assert int(line[3]) > 20 and int(line[4]) > 60 and line[5:] == ["h2c", "HTTP/2.0"]


# --- Configuration ---

@pytest.mark.parametrize("row,now", [
    ("http2_idle_timeout 1m", 'use the "keepalive_timeout" directive instead'), ("http2_max_requests 5", "keepalive_requests"),
    ("http2_recv_timeout 5", "client_header_timeout"), ("http2_max_field_size 4k", "large_client_header_buffers"),
    ("http2_push_preload on", "is obsolete, ignored"), ("http2_max_concurrent_pushes 3", "is obsolete, ignored")])
def test_obsolete_words_are_warned_of(usher, row, now):
    p = usher(site(f"{row}; location / {{ return 200; }}"), start=False)
    done = p.run("-t")
    assert done.returncode == 0 and now in done.stderr and f'the "{row.split()[0]}" directive is obsolete' in done.stderr


def test_streams_beyond_the_limit_are_refused(usher, origin):
    gate = threading.Event()
    back = origin(lambda c, r: reply(b"x") if gate.wait(10) else None)
    p = usher(site("http2_max_concurrent_streams 2; location / { proxy_pass http://%%BACK%%; }"), BACK=back)
    c = connect(p)
    for _ in range(2):
        c.request()
    back.wait_requests(2)
    c.until(lambda: c.h2.remote_settings.max_concurrent_streams == 2, "the setting")
    c.h2.remote_settings[3] = 100  # as if it had not been said
    c.h2.remote_settings.acknowledge()
    c.request()
    c.wait_closed()  # RFC 9113 5.1.2, 5.4.1: an error of the stream, or of the connection
    assert c.goaway == 1
    gate.set()


# --- WebSocket (RFC 8441) ---

WEBSOCKET = ("proxy_set_header Upgrade $http_upgrade; "
             "proxy_set_header Connection $http_connection;")


class Echo:
    """A real WebSocket server in a thread of its own."""

    def __enter__(self):
        import websockets
        self.loop, ready = asyncio.new_event_loop(), threading.Event()

        async def echo(ws, *_):
            async for message in ws:
                await ws.send(message.upper())

        async def main():
            server = await websockets.serve(echo, "127.0.0.1", 0)
            self.address = "127.0.0.1:%d" % server.sockets[0].getsockname()[1]
            self.stop = asyncio.Event()
            ready.set()
            await self.stop.wait()
            server.close()
            await server.wait_closed()
        self.thread = threading.Thread(target=lambda: self.loop.run_until_complete(main()))
        self.thread.start()
        assert ready.wait(10)
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.stop.set)
        self.thread.join()
        self.loop.close()


def open_websocket(c, path="/"):
    c.until(lambda: c.h2.remote_settings.enable_connect_protocol, "the setting")
    s = c.request(path, method="CONNECT", extra=[(":protocol", "websocket")], end=False,
                  headers=[("sec-websocket-version", "13")])
    return s, c.head(s)


def test_websocket_over_http2(usher):
    with Echo() as echo:
        p = usher(proxied(WEBSOCKET), BACK=echo)
        c = connect(p)
        s, head = open_websocket(c)
        assert head.status == 200 and head.get("sec-websocket-accept") is None and head.get("upgrade") is None
        c.send(s, b"\x81\x85\0\0\0\0hello", end=False)
        assert c.body(s, 7).body == b"\x81\x05HELLO"
        big = b"x" * 60000
        c.send(s, b"\x81\xfe" + len(big).to_bytes(2, "big") + b"\0\0\0\0" + big, end=False)
        assert c.body(s, 60000 + 11).body[11:] == big.upper()
        assert c.get("/other").status in (400, 426)  # other streams live beside it
        c.send(s, b"\x88\x82\0\0\0\0\x03\xe8", end=True)
        assert c.answer(s).ended


def test_a_websocket_that_is_reset_ends_at_the_backend(usher, origin):
    def script(conn, request):
        import base64
        import hashlib
        key = request.get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        conn.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
                  f"Sec-WebSocket-Accept: {accept}\r\n\r\nahead")
        conn.wait_closed()
    back = origin(script)
    p = usher(proxied(WEBSOCKET), BACK=back)
    c = connect(p)
    s, head = open_websocket(c)
    assert head.status == 200, p.error_log()
    asked = back.requests[0]
    assert asked.line == "GET / HTTP/1.1" and not asked.get("content-length") and not asked.get("transfer-encoding")
    c.body(s, 5)
    c.reset(s)
    assert back.connections[0].gone.wait(10)
    assert c.get("/", method="TRACE").status == 405


@pytest.mark.parametrize("answer", [reply(b"no"), reply(b"", "404 Not Found"),
                                    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
                                    b"Sec-WebSocket-Accept: wrong\r\n\r\n"], ids=["200", "404", "wrong"])
def test_a_websocket_that_is_refused_is_not_200(usher, origin, answer):
    p = usher(proxied(WEBSOCKET), BACK=origin(lambda c, r: answer))
    c = connect(p)
    s, head = open_websocket(c)
    assert head.status != 200
    assert c.get(method="TRACE").status == 405


# --- Real clients ---

def run(*args):
    done = subprocess.run(args, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_curl(usher, origin):
    p = usher(proxied() + tls_site("location / { proxy_pass http://%%BACK%%; }").replace("PORT", "PORT2"),
              files=site_files(), BACK=origin(lambda c, r: reply(r.body)))
    assert run("curl", "-sS", "--http2-prior-knowledge", "-d", "abc", f"http://127.0.0.1:{p.port}/") == "abc"
    assert run("curl", "-sS", "-k", "-w", "%{http_version}", "-d", "abc",
               f"https://127.0.0.1:{p.ports['PORT2']}/") == "abc2"
    assert run("curl", "-sS", "-k", "--http1.1", "-w", "%{http_version}", "-d", "abc",
               f"https://127.0.0.1:{p.ports['PORT2']}/") == "abc1.1"


def test_nghttp(usher):
    p = usher(site("root html;"), files={"html/big": BIG})
    out = run("nghttp", "-ns", f"http://127.0.0.1:{p.port}/big", "-m", "5")
    assert out.count(" 200 ") == 5


def test_h2load(usher, origin):
    p = usher(proxied(), BACK=origin(lambda c, r: reply(b"x" * 1024)))
    out = run("h2load", "-n", "500", "-c", "5", "-m", "10", f"http://127.0.0.1:{p.port}/")
    assert "500 succeeded, 0 failed, 0 errored" in out


def test_httpx(usher, origin):
    p = usher(tls_site("location / { proxy_pass http://%%BACK%%; }"), files=site_files(),
              BACK=origin(lambda c, r: reply(r.body)))

    async def main():
        async with httpx.AsyncClient(http2=True, verify=False) as client:
            answers = await asyncio.gather(*(client.post(f"https://127.0.0.1:{p.port}/", content=b"%d" % i * 1000)
                                             for i in range(30)))
            assert {a.http_version for a in answers} == {"HTTP/2"}
            assert [a.content for a in answers] == [b"%d" % i * 1000 for i in range(30)]
    asyncio.run(main())
