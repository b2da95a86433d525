"""RFC 9113 5.2 and 6.9: flow control, both ways."""
import pytest

from h2raw import (DATA, FLOW_CONTROL_ERROR, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, PADDED,
                   PROTOCOL_ERROR, WINDOW, begin, data, frame, headers, request, rst, settings,
                   window_update)
from h2server import BIG

MOST = (1 << 31) - 1
POST = request(method="POST", path="/buffered")
STALLED = request(method="POST", path="/stall")

pytestmark = pytest.mark.usher_only("nginx 1.22 judges requests by laxer rules")


@pytest.fixture
def c(h2server):
    return begin(h2server)


def got(c, stream=1):
    return len(c.streams[stream].body)


def holds_at(c, n, stream=1):
    """So many bytes come and not one more (after a PING's round trip)."""
    c.wait(lambda: got(c, stream) >= n, f"{n} bytes").alive()
    c.alive()
    assert got(c, stream) == n


# --- what the server sends ---

def test_the_first_windows_are_65535_bytes(c):
    """RFC 9113 5.2.1, 6.9.2"""
    c.send(headers(1, request(path="/big")))
    holds_at(c, WINDOW)


def test_the_connections_window_holds_for_all_streams(c):
    """RFC 9113 6.9.1"""
    c.send(settings((INITIAL_WINDOW_SIZE, MOST)) + headers(1, request(path="/big")) +
           headers(3, request(path="/big")))
    c.wait(lambda: got(c, 1) + got(c, 3) >= WINDOW, "the window").alive()
    assert got(c, 1) + got(c, 3) == WINDOW


def test_the_streams_window_holds_though_the_connections_is_wide(c):
    """RFC 9113 6.9.1"""
    c.send(window_update(0, 1 << 24) + headers(1, request(path="/big")))
    holds_at(c, WINDOW)
    c.send(window_update(1, 1000))
    holds_at(c, WINDOW + 1000)


def test_other_streams_go_on_while_one_has_no_window(c):
    """RFC 9113 5.2.2"""
    c.send(window_update(0, 1 << 24) + headers(1, request(path="/big")))
    holds_at(c, WINDOW)
    assert c.get(stream=3).status == 200


def test_a_window_of_one_byte_is_honoured(h2server):
    """RFC 9113 6.9.1"""
    c = begin(h2server, (INITIAL_WINDOW_SIZE, 1))
    c.send(headers(1))
    holds_at(c, 1)
    while not c.streams[1].done:
        before = got(c)
        c.send(window_update(1, 1)).wait(lambda: c.streams[1].done or got(c) > before, "a byte")
        assert got(c) <= before + 1
    assert c.streams[1].body == b"hello\n"


def test_with_no_window_the_head_comes_and_no_body(h2server):
    """RFC 9113 6.9.1, 5.2.1: only DATA is controlled."""
    c = begin(h2server, (INITIAL_WINDOW_SIZE, 0))
    c.send(headers(1)).wait(lambda: c.streams[1].heads, "the head").alive()
    assert got(c) == 0 and not c.streams[1].done
    c.send(window_update(1, 100))
    assert c.answer(1).body == b"hello\n"


def test_an_empty_body_needs_no_window(h2server):
    """RFC 9113 6.9.1"""
    c = begin(h2server, (INITIAL_WINDOW_SIZE, 0))
    assert c.get(stream=1, method="HEAD").status == 200


def test_a_larger_initial_window_widens_open_streams(h2server):
    """RFC 9113 6.9.2"""
    c = begin(h2server, (INITIAL_WINDOW_SIZE, 10))
    c.send(headers(1, request(path="/big")))
    holds_at(c, 10)
    c.send(settings((INITIAL_WINDOW_SIZE, 30)))
    holds_at(c, 30)


def test_a_window_may_become_negative(h2server):
    """RFC 9113 6.9.2: no more is sent until it is positive again."""
    c = begin(h2server, (INITIAL_WINDOW_SIZE, 1000))
    c.send(headers(1, request(path="/big")))
    holds_at(c, 1000)
    c.send(settings((INITIAL_WINDOW_SIZE, 200)) + window_update(1, 800))
    holds_at(c, 1000)
    c.send(window_update(1, 7))
    holds_at(c, 1007)


def test_a_long_answer_comes_whole(h2server):
    """RFC 9113 5.2"""
    c = begin(h2server, (MAX_FRAME_SIZE, 1 << 20))
    c.max_frame = 1 << 20
    c.send(headers(1, request(path="/big")))
    while not c.streams[1].done:
        before = got(c)
        assert c.read()
        if got(c) > before:
            c.send(window_update(0, got(c) - before) + window_update(1, got(c) - before))
    assert got(c) == len(BIG)


def test_a_window_update_before_the_answer_counts(c):
    """RFC 9113 6.9.1"""
    c.send(window_update(0, 100) + headers(1, request(path="/big")) + window_update(1, 100))
    holds_at(c, WINDOW + 100)


# --- what the client may not do ---

def test_an_increment_of_0_for_the_connection_is_its_error(c):
    """RFC 9113 6.9"""
    c.say(window_update(0, 0)).fails(PROTOCOL_ERROR)


def test_an_increment_of_0_for_a_stream_is_an_error(c):
    """RFC 9113 6.9: of the stream, or the connection (5.4.1)."""
    c.say(headers(1, STALLED), window_update(1, 0)).errs(1, PROTOCOL_ERROR)


def test_the_connections_window_may_not_overflow(c):
    """RFC 9113 6.9.1"""
    c.say(window_update(0, MOST)).fails(FLOW_CONTROL_ERROR)


def test_the_connections_window_may_not_overflow_in_steps(c):
    """RFC 9113 6.9.1"""
    c.send(window_update(0, MOST - WINDOW)).alive()
    c.say(window_update(0, 1)).fails(FLOW_CONTROL_ERROR)


def test_a_streams_window_may_not_overflow(c):
    """RFC 9113 6.9.1: the stream ends, the connection goes on."""
    c.send(headers(1, STALLED) + window_update(1, MOST)).resets(1, FLOW_CONTROL_ERROR)
    assert c.get(stream=3).status == 200


def test_a_new_initial_window_may_not_overflow_any(c):
    """RFC 9113 6.9.2: a connection error; libnghttp2 ends the streams alone."""
    c.send(headers(1, STALLED) + window_update(1, MOST - WINDOW)).alive()
    c.say(settings((INITIAL_WINDOW_SIZE, WINDOW + 1))).errs(1, FLOW_CONTROL_ERROR)


# --- what the server bears ---

def test_a_body_that_is_not_read_stops_at_the_window(c):
    """RFC 9113 6.9.1: more than the window is FLOW_CONTROL_ERROR, of the stream or connection."""
    room = c.settings.get(INITIAL_WINDOW_SIZE, WINDOW)
    pieces = room // 16384 + 200  # at once: there is no time to read them and to widen the window
    c.say(headers(1, STALLED, end=False), data(1, b"x" * 16384) * pieces).errs(1, FLOW_CONTROL_ERROR)


def test_the_server_gives_windows_as_a_body_is_read(c):
    """RFC 9113 6.9.1: a body larger than all windows arrives whole."""
    c.send(headers(1, POST, end=False)).alive()
    room = c.settings.get(INITIAL_WINDOW_SIZE, WINDOW)
    left, sent = 200, 0
    while left:
        c.wait(lambda: WINDOW + c.window[0] - sent >= 16384 and
               room + c.window[1] - sent >= 16384, "a window")
        c.send(data(1, b"y" * 16384, end=left == 1))
        left, sent = left - 1, sent + 16384
    c.wait(lambda: c.streams[1].heads, "the answer")
    c.send(rst(1)).alive()


def test_padding_counts_and_is_given_back(c):
    """RFC 9113 6.1, 6.9.1"""
    c.send(headers(1, POST, end=False)).alive()
    room = c.settings.get(INITIAL_WINDOW_SIZE, WINDOW)
    padded, sent = frame(DATA, PADDED, 1, b"\xff" + b"z" * 10 + b"\0" * 255), 0
    for _ in range(2000):
        c.wait(lambda: WINDOW + c.window[0] - sent >= 266 and
               room + c.window[1] - sent >= 266, "a window")
        c.send(padded)
        sent += 266
    c.send(data(1, end=True))
    assert c.answer(1).body == b"z" * 20000


def test_data_of_closed_streams_counts_for_the_connection(c):
    """RFC 9113 5.1, 6.9: and is given back, or the connection would run dry."""
    room, sent, stream = c.settings.get(INITIAL_WINDOW_SIZE, WINDOW), 0, 1
    most = min(room, 16384)
    for stream in range(1, 81, 2):
        c.send(headers(stream, STALLED, end=False)).alive()
        c.wait(lambda: WINDOW + c.window[0] - sent >= most, "a window")
        c.send(data(stream, b"x" * most) + rst(stream))
        sent += most
    c.send(headers(stream + 2, POST, end=False) + data(stream + 2, b"last", end=True))
    assert c.answer(stream + 2).body == b"last"
