"""HTTP/2 clients that cost more than they are worth: each is ended or bounded, others are served,
memory stays, and the log says why."""
import pytest

from client import ProtocolError, connect as plain
from h2raw import (CONTINUATION, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM,
                   HEADER_TABLE_SIZE, INITIAL_WINDOW_SIZE, MAX_CONCURRENT_STREAMS, NO_ERROR,
                   PADDED, PREFACE, PROTOCOL_ERROR, DATA, begin, block, connect,
                   data, frame, goaway, headers, literal, ping, priority, request, rst,
                   settings, window_update)
from h2server import BIG, serve
from test_memory import MIB, anonymous

pytestmark = pytest.mark.usher_only("budgets are usher's own")
BLOCK = block(request())
POST = request(method="POST", path="/stall")
LOCAL = block(request(path="/local"))
MOST = 40000  # frames of a flood, far more than any budget
QUICK = """client_header_timeout 1s; client_body_timeout 1s; send_timeout 1s;
           lingering_timeout 100ms; lingering_time 100ms; client_max_body_size 0;"""


@pytest.fixture
def server(usher, origin):
    return serve(usher, origin, main="worker_processes 1;")


@pytest.fixture
def quick(usher, origin):
    return serve(usher, origin, QUICK, times="", main="worker_processes 1;")


def others_are_served(server):
    assert begin(server).get("/local").status == 200


def flood(server, make, first=b"", most=MOST, codes=(ENHANCE_YOUR_CALM,), batch=100):
    """Send make(n) for n = 0, 1, … in batches until the server has had enough."""
    c = begin(server)
    c.say(first)
    for n in range(0, most, batch):
        c.say(b"".join(make(m) for m in range(n, n + batch)))
        if not c.broken:
            c.say(ping(b"%08d" % n))
            while b"%08d" % n not in c.pongs and c.goaway is None and c.read():
                pass
        if c.broken or c.goaway:
            break
    else:
        raise AssertionError(f"{most} frames were borne")
    c.fails(*codes)
    others_are_served(server)
    return c


def end_of(c):
    """The connection ends, were it within a frame that could not be sent."""
    try:
        while c.read():
            pass
    except ProtocolError:
        pass


# --- floods ---

def opened(n):
    return 2 * n + 1


FLOODS = {
    "RST_STREAM after HEADERS (rapid reset)": lambda n: headers(opened(n), BLOCK) + rst(opened(n)),
    "resets of stalled requests": lambda n:
        headers(opened(n), block(request(path="/stall"))) + rst(opened(n)),
    "SETTINGS": lambda n: settings((MAX_CONCURRENT_STREAMS, n)),
    "empty SETTINGS": lambda n: settings(),
    "PING": lambda n: ping(),
    "ACKs of PING": lambda n: ping(flags=1),
    "PRIORITY": lambda n: priority(n % 1000 + 3, 1),
    "PRIORITY_UPDATE": lambda n: frame(0x10, 0, 0, b"\0\0\0\1u=%d" % (n % 8)),
    "WINDOW_UPDATE": lambda n: window_update(0, 1),
    "frames of unknown types": lambda n: frame(0xbe, 0, 0, b"x"),
    "malformed requests": lambda n: headers(opened(n), BLOCK + literal("Bad", "x")),
    "requests with a wrong length": lambda n:
        headers(opened(n), BLOCK + literal("content-length", "9"), end=False) +
        data(opened(n), b"x", end=True),
    "overflowing windows": lambda n:
        headers(opened(n), POST, end=False) + window_update(opened(n), (1 << 31) - 1),
    "streams that are refused for their head": lambda n:
        headers(opened(n), BLOCK + literal("x", "y" * 9000)) + rst(opened(n)),
}


@pytest.mark.parametrize("make", FLOODS.values(), ids=FLOODS)
def test_a_flood_ends_the_connection(server, make):
    flood(server, make)
    server.proxy.wait_log(r"client (sent too many|reset too many|flood)|Flooding|flood")


def test_a_client_that_says_goaway_and_stays_is_let_go_of(server):
    c = begin(server).say(goaway() * 1000)
    while c.read():
        pass
    others_are_served(server)


@pytest.mark.parametrize("make", [
    pytest.param(lambda n: data(1), id="empty DATA"),
    pytest.param(lambda n: window_update(1, 1), id="WINDOW_UPDATE"),
    pytest.param(lambda n: priority(1, 0, n % 256), id="PRIORITY"),
])
def test_a_flood_within_a_stream_ends_the_connection(server, make):
    flood(server, make, first=headers(1, POST, end=False))
    server.proxy.wait_log("client sent too many")


@pytest.mark.parametrize("make", [
    pytest.param(lambda n: ping(), id="PING"), pytest.param(lambda n: settings(), id="SETTINGS"),
    pytest.param(lambda n: headers(opened(n), BLOCK + literal("Bad", "x")), id="malformed requests"),
    pytest.param(lambda n: headers(opened(n), LOCAL), id="requests"),
    pytest.param(lambda n: headers(opened(n), block(request(path="/stall"))) + rst(opened(n)),
                 id="resets"),
])
@pytest.mark.plain_build
def test_answers_that_nobody_reads_are_bounded(quick, make):
    """The socket fills; what waits behind it may not grow."""
    others_are_served(quick)
    before = anonymous(quick.proxy)
    c = connect(quick, rcvbuf=4096).send(PREFACE + settings())
    c.sock.settimeout(3)
    for n in range(0, 100000, 500):
        c.say(b"".join(make(m) for m in range(n, n + 500)))
        if c.broken:
            break
    assert anonymous(quick.proxy) - before < 8 * MIB
    c.sock.settimeout(10)
    end_of(c)
    others_are_served(quick)


@pytest.mark.plain_build
def test_streams_too_many_without_our_ack_are_bounded(server):
    """They are refused one by one; a client that reads none of it is no better off."""
    others_are_served(server)
    before = anonymous(server.proxy)
    c = connect(server, rcvbuf=4096).send(PREFACE + settings())
    c.sock.settimeout(3)
    for n in range(0, 200000, 1000):
        c.say(b"".join(headers(opened(m), block(request(path="/stall")), end=False)
                       for m in range(n, n + 1000)))
        if c.broken:
            break
    assert anonymous(server.proxy) - before < 8 * MIB
    c.close()
    others_are_served(server)


def test_streams_too_many_that_are_refused_end_the_connection(server):
    """REFUSED_STREAM is for honest mistakes."""
    c = connect(server)
    c.answers = False
    c.start()
    for n in range(MOST):
        c.say(headers(opened(n), block(request(path="/stall")), end=False))
        if n % 100 == 99:
            c.say(ping(b"%08d" % n))
            while b"%08d" % n not in c.pongs and c.goaway is None and c.read():
                pass
        if c.broken or c.goaway:
            break
    c.fails(ENHANCE_YOUR_CALM)
    others_are_served(server)


def test_an_honest_client_is_no_flood(usher, origin):
    """Thousands of requests, acknowledged DATA, cancelled downloads, pings now and then."""
    server = serve(usher, origin, "keepalive_requests 10000;")
    c = begin(server)
    for n in range(3000):
        assert c.get("/local").status == 200
    for n in range(40):
        stream = c.next()
        c.send(headers(stream, request(path="/big"))).wait(lambda: c.streams[stream].body, "DATA")
        c.send(window_update(0, 65535) + rst(stream)).alive()
    stream = c.next()
    c.send(headers(stream, request(path="/big")))
    while not c.streams[stream].done:
        before = len(c.streams[stream].body)
        assert c.read()
        more = len(c.streams[stream].body) - before
        if more:
            c.send(window_update(stream, more) + window_update(0, more))
    assert len(c.streams[stream].body) == len(BIG)


# --- field blocks ---

@pytest.mark.parametrize("piece", [
    pytest.param(b"", id="empty"), pytest.param(b"\0\1a\1b", id="one field"),
    pytest.param(b"\0\1a\x7f\x80\x7d" + b"x" * 16127, id="16 KiB"),
])
def test_continuation_without_end_ends_the_connection(server, piece):
    c = begin(server)
    c.say(headers(1, BLOCK, flags=0))
    for _ in range(2000):
        c.say(frame(CONTINUATION, 0, 1, piece))
    while c.read():
        pass
    assert c.goaway is None or c.goaway[1] in (ENHANCE_YOUR_CALM, PROTOCOL_ERROR)
    server.unheard("/")
    others_are_served(server)
    server.proxy.wait_log("(?i)header block|continuation|flood")


def too_large(server, fields, connection_may_end=True):
    """431, a reset or GOAWAY; no origin hears of it."""
    c = begin(server)
    parts = [fields[n:n + 16384] for n in range(0, len(fields), 16384)]
    c.say(headers(1, parts[0], flags=END_HEADERS if len(parts) == 1 else 0),
          *(frame(CONTINUATION, END_HEADERS if p is parts[-1] else 0, 1, p) for p in parts[1:]))
    while not c.streams[1].done and c.read():
        pass
    a = c.streams[1]
    if a.final:
        assert a.status in (431, 414, 400), a
    else:
        assert connection_may_end
        assert (a.reset if a.reset is not None else c.goaway[1]) == ENHANCE_YOUR_CALM, c.state()
    server.unheard("/")
    others_are_served(server)
    return c


def test_a_field_that_is_too_large_is_refused(server):
    too_large(server, BLOCK + literal("x-large", "y" * 9000), connection_may_end=False)


def test_a_field_that_is_far_too_large_is_refused(server):
    too_large(server, BLOCK + literal("x-large", "y" * 60000))


def test_a_path_that_is_too_large_is_refused(server):
    too_large(server, block(request(path="/" + "y" * 9000)), connection_may_end=False)


def test_too_many_fields_are_refused(server):
    too_large(server, BLOCK + literal("x", "y") * 3000)


def test_many_small_fields_within_the_block_are_refused(server):
    """32 bytes more are counted for each (RFC 9113 6.5.2)."""
    too_large(server, BLOCK + literal("x-name", "1", 0x40) + b"\xbe" * 1500)


@pytest.mark.plain_build
@pytest.mark.parametrize("name, size", [("x-large", 4000), ("cookie", 4000), ("cookie", 1),
                                        ("host", 1), ("x", 0), ("te", 0)])
def test_what_compression_amplifies_is_counted_decoded(server, name, size):
    """One entry of the table, said again and again with a byte each: 64 MB from 16 KiB."""
    others_are_served(server)
    before = anonymous(server.proxy)
    amplified = BLOCK + literal(name, "y" * size, 0x40) + b"\xbe" * 12000
    for _ in range(20):
        c = begin(server)
        c.say(headers(1, amplified))
        while not c.streams[1].done and c.read():
            pass
        assert c.streams[1].status in (None, 400, 431)
    assert anonymous(server.proxy) - before < 4 * MIB
    server.unheard("/")
    others_are_served(server)


@pytest.mark.plain_build
def test_amplified_trailers_are_counted_too(server):
    others_are_served(server)
    before = anonymous(server.proxy)
    for _ in range(20):
        c = begin(server)
        c.say(headers(1, POST, end=False), data(1, b"x"),
              headers(1, literal("x-a", "y" * 4000, 0x40) + b"\xbe" * 12000))
        while not c.streams[1].done and c.read():
            pass
    assert anonymous(server.proxy) - before < 4 * MIB
    others_are_served(server)


@pytest.mark.plain_build
def test_heads_of_many_streams_are_bounded(server):
    """Each as large as it may be, a hundred at once, all waiting; the next crowd costs no more."""
    others_are_served(server)
    big = block(request(path="/stall")) + literal("x-a", "y" * 3000, 0x40) + b"\xbe" * 8
    seen = [anonymous(server.proxy)]
    for _ in range(4):
        c = begin(server)
        for n in range(100):
            c.say(headers(opened(n), big))
            if n % 10 == 9:
                c.alive()
        seen.append(anonymous(server.proxy))
        c.close()
        others_are_served(server)
    assert max(seen) - seen[0] < 32 * MIB and seen[4] - seen[2] < 4 * MIB


@pytest.mark.plain_build
def test_a_huge_table_of_the_clients_is_not_filled(server):
    """SETTINGS_HEADER_TABLE_SIZE is an offer."""
    c = begin(server, (HEADER_TABLE_SIZE, 0xffffffff))
    c.decoder.max_allowed_table_size = 0xffffffff
    before = anonymous(server.proxy)
    for n in range(900):
        assert c.get(f"/local?{n}").status == 200
    assert anonymous(server.proxy) - before < 2 * MIB


# --- slowness ---

def test_a_field_block_that_does_not_end_has_its_time(quick):
    c = begin(quick)
    c.send(headers(1, BLOCK, flags=0))
    while c.read():
        pass
    quick.proxy.wait_log("client timed out|while reading client request headers")
    others_are_served(quick)


def test_a_field_block_that_trickles_has_its_time(quick):
    """client_header_timeout is for the whole block, not for each byte."""
    c = begin(quick)
    c.send(headers(1, BLOCK[:1], flags=0))
    c.sock.settimeout(0.05)
    piece = frame(CONTINUATION, 0, 1, b"")[:9]
    for byte in (piece * 30)[:200]:
        c.say(bytes([byte]))
        try:
            if not c.read():
                break
        except TimeoutError:
            continue
    assert c.ended or c.broken or c.goaway
    others_are_served(quick)


@pytest.mark.parametrize("said", [
    pytest.param(b"", id="nothing"), pytest.param(PREFACE[:10], id="half a preface"),
    pytest.param(PREFACE, id="a preface alone"),
    pytest.param(PREFACE + settings()[:5], id="half a frame"),
    pytest.param(PREFACE + settings(), id="SETTINGS alone"),
    pytest.param(PREFACE + settings() + data(1, b"x", end=False)[:9], id="a frame's head"),
])
def test_a_connection_that_asks_nothing_has_its_time(quick, said):
    plain(quick).send(said).recv_until_closed()
    others_are_served(quick)


def test_a_body_that_does_not_come_has_its_time(quick):
    c = begin(quick)
    c.send(headers(1, request(("content-length", "10"), method="POST"), end=False) + data(1, b"x"))
    a = c.streams[1]
    c.wait(lambda: a.done, "an end")
    assert a.status in (None, 408)
    quick.proxy.wait_log("client timed out|timed out")
    assert c.ended or c.get("/local", stream=3).status == 200


def test_a_window_that_stays_shut_has_its_time(quick):
    """send_timeout: for a stream whose peer gives no window."""
    c = begin(quick, (INITIAL_WINDOW_SIZE, 0))
    c.send(headers(1, request(path="/big")))
    a = c.streams[1]
    while a.reset is None and c.read():
        pass
    assert a.reset is not None or c.ended
    quick.proxy.wait_log("timed out")
    others_are_served(quick)


def test_a_window_of_the_connection_that_stays_shut_has_its_time(quick):
    c = begin(quick, (INITIAL_WINDOW_SIZE, (1 << 31) - 1))
    c.send(b"".join(headers(n, request(path="/big")) for n in range(1, 21, 2)))
    ends = [c.streams[n] for n in range(1, 21, 2)]
    while not all(a.done for a in ends) and c.read():
        pass
    quick.proxy.wait_log("timed out")
    others_are_served(quick)


def test_a_socket_that_is_not_read_has_its_time(quick):
    c = connect(quick, rcvbuf=4096)
    c.send(PREFACE + settings((INITIAL_WINDOW_SIZE, (1 << 31) - 1)) +
           window_update(0, (1 << 31) - 65536))
    for n in range(1, 81, 2):
        c.send(headers(n, request(path="/big")))
    quick.proxy.wait_log("timed out")
    others_are_served(quick)
    end_of(c)


@pytest.mark.plain_build
def test_tiny_windows_cost_no_memory(server):
    """A hundred downloads of which the client takes a byte at a time."""
    others_are_served(server)
    before = anonymous(server.proxy)
    c = begin(server, (INITIAL_WINDOW_SIZE, 1))
    for n in range(100):
        c.send(headers(opened(n), block(request(path="/big"))))
    c.wait(lambda: all(len(c.streams[opened(n)].body) == 1 for n in range(100)), "a byte each")
    for n in range(100):
        c.send(window_update(opened(n), 1))
    c.wait(lambda: all(len(c.streams[opened(n)].body) == 2 for n in range(100)), "another")
    assert anonymous(server.proxy) - before < 24 * MIB
    others_are_served(server)


@pytest.mark.plain_build
def test_many_uploads_that_nobody_takes_are_bounded(server):
    """All streams fill their windows while the origin does not read."""
    others_are_served(server)
    before, sent = anonymous(server.proxy), 0
    c = begin(server)
    for n in range(100):
        c.send(headers(opened(n), request(method="POST", path="/buffered/stall"), end=False))
    c.alive()
    room = c.settings.get(INITIAL_WINDOW_SIZE, 65535)
    for n in range(100):
        most = min(room, 65535 + c.window[0] - sent, 16384)
        if most <= 0:
            break
        c.send(data(opened(n), b"x" * most))
        sent += most
    c.alive()
    assert anonymous(server.proxy) - before < 24 * MIB
    c.close()
    others_are_served(server)


@pytest.mark.plain_build
def test_idle_connections_and_streams_cost_little(server):
    others_are_served(server)
    before = anonymous(server.proxy)
    idle = [begin(server) for _ in range(200)]
    for c in idle:
        assert c.get("/local").status == 200
    others_are_served(server)
    assert anonymous(server.proxy) - before < 200 * 48 * 1024


def test_tiny_frames_are_work_and_no_harm(server):
    """A body in frames of one byte, padded and not."""
    c = begin(server)
    c.send(headers(1, request(method="POST"), end=False))
    for _ in range(40):
        c.send(data(1, b"x") * 100 + frame(DATA, PADDED, 1, b"\1x\0") * 100).alive()
    c.send(frame(DATA, END_STREAM, 1))
    assert c.answer(1).body == b"x" * 8000


def test_a_head_in_tiny_pieces_of_tcp_is_read(server):
    c = begin(server)
    for byte in headers(1, BLOCK):
        c.send(bytes([byte]))
    assert c.answer(1).status == 200


# --- nginx's limits ---

def test_http2_max_concurrent_streams_is_announced(usher, origin):
    s = serve(usher, origin, "http2_max_concurrent_streams 7;")
    assert begin(s).settings[MAX_CONCURRENT_STREAMS] == 7


def test_http2_body_preread_size_is_the_streams_first_window(usher, origin):
    s = serve(usher, origin, "http2_body_preread_size 10k;")
    assert begin(s).settings[INITIAL_WINDOW_SIZE] == 10240


def test_http2_chunk_size_bounds_frames_of_data(usher, origin):
    c = begin(serve(usher, origin, "http2_chunk_size 1k;"))
    c.max_frame = 1024
    c.send(headers(1, request(path="/big"))).wait(lambda: len(c.streams[1].body) > 60000, "DATA")


def test_keepalive_requests_ends_with_goaway(usher, origin):
    c = begin(serve(usher, origin, "keepalive_requests 5;"))
    for n in range(5):
        assert c.get("/local").status == 200
    c.wait(lambda: c.goaway, "GOAWAY")
    assert c.goaway[1] == NO_ERROR
    while c.read():
        pass


def test_keepalive_requests_lets_streams_under_way_finish(usher, origin):
    c = begin(serve(usher, origin, "keepalive_requests 2;"))
    c.send(headers(1, request(method="POST"), end=False) + headers(3, LOCAL) + headers(5, LOCAL))
    c.wait(lambda: c.goaway, "GOAWAY")
    c.send(data(1, b"late", end=True))
    assert c.answer(1).body == b"late"
    assert c.answer(3).status == 200


def test_keepalive_timeout_ends_an_idle_connection(usher, origin):
    c = begin(serve(usher, origin, "keepalive_timeout 100ms;"))
    assert c.get("/local").status == 200
    while c.read():
        pass
    assert c.goaway and c.goaway[1] == NO_ERROR


def test_large_client_header_buffers_is_the_limit_of_a_field(usher, origin):
    s = serve(usher, origin, "large_client_header_buffers 4 1k; client_max_body_size 0;")
    too_large(s, BLOCK + literal("x-large", "y" * 1500), connection_may_end=False)
    assert begin(s).get("/local", ("x", "y" * 900)).status == 200


@pytest.mark.parametrize("sent", [
    b"\0\0\0", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", PREFACE + b"\xff" * 100,
    PREFACE + b"\0" * 1000, PREFACE + settings() + b"garbage that is no frame at all" * 10,
    bytes(range(256)) * 10,
], ids=repr)
def test_garbage_is_let_go_of(quick, sent):
    c = plain(quick).send(sent)
    c.end()
    c.recv_until_closed()
    others_are_served(quick)


def test_a_client_that_vanishes_within_everything_leaves_nothing(server):
    """Every prefix of a session, then a reset or an end."""
    session = (PREFACE + settings() + headers(1, request(method="POST"), end=False) +
               data(1, b"x" * 50) + headers(3, request(path="/big"))[:20])
    for n in range(0, len(session), 7):
        c = connect(server)
        c.say(session[:n])
        if n % 2:
            c.reset()
        else:
            c.close()
    others_are_served(server)
