"""RFC 9113, chapter 6: each type of frame, rule by rule (flow control has a file of its own)."""
import pytest

from h2raw import (ACK, CONTINUATION, DATA, ENABLE_PUSH, END_HEADERS, END_STREAM,
                   FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, GOAWAY, HEADERS, HEADER_TABLE_SIZE,
                   INITIAL_WINDOW_SIZE, MAX_CONCURRENT_STREAMS, MAX_FRAME_SIZE,
                   MAX_HEADER_LIST_SIZE, PADDED, PING, PRIORITISED, PRIORITY, PROTOCOL_ERROR,
                   RST_STREAM, SETTINGS, STREAM_CLOSED, WINDOW_UPDATE, begin, block, data, frame,
                   goaway, headers, ping, priority, request, rst, settings)

POST = request(method="POST")
BLOCK = block(request())

pytestmark = pytest.mark.usher_only("nginx 1.22 judges requests by laxer rules")


@pytest.fixture
def c(h2server):
    return begin(h2server)


@pytest.mark.parametrize("kind, payload", [
    pytest.param(DATA, b"x", id="6.1 DATA"), pytest.param(HEADERS, BLOCK, id="6.2 HEADERS"),
    pytest.param(PRIORITY, b"\0\0\0\0\0", id="6.3 PRIORITY"),
    pytest.param(RST_STREAM, b"\0\0\0\x08", id="6.4 RST_STREAM"),
    pytest.param(CONTINUATION, BLOCK, id="6.10 CONTINUATION"),
])
def test_a_frame_of_a_stream_may_not_be_on_stream_0(c, kind, payload):
    """RFC 9113 6.1 to 6.4, 6.10"""
    c.say(frame(kind, END_HEADERS if kind in (HEADERS, CONTINUATION) else 0, 0, payload))
    c.fails(PROTOCOL_ERROR)


@pytest.mark.parametrize("kind, payload", [
    pytest.param(SETTINGS, b"", id="6.5 SETTINGS"), pytest.param(PING, b"12345678", id="6.7 PING"),
    pytest.param(GOAWAY, b"\0" * 8, id="6.8 GOAWAY"),
])
@pytest.mark.parametrize("stream", [1, 2, 3])
def test_a_frame_of_the_connection_must_be_on_stream_0(c, kind, payload, stream):
    """RFC 9113 6.5, 6.7, 6.8"""
    c.send(headers(1, request(path="/stall"))).say(frame(kind, 0, stream, payload))
    c.fails(PROTOCOL_ERROR)


@pytest.mark.parametrize("kind, stream, payload", [
    pytest.param(RST_STREAM, 1, b"\0" * 3, id="6.4 RST_STREAM of 3"),
    pytest.param(RST_STREAM, 1, b"\0" * 5, id="6.4 RST_STREAM of 5"),
    pytest.param(RST_STREAM, 1, b"", id="6.4 RST_STREAM of 0"),
    pytest.param(SETTINGS, 0, b"\0" * 5, id="6.5 SETTINGS of 5"),
    pytest.param(SETTINGS, 0, b"\0" * 7, id="6.5 SETTINGS of 7"),
    pytest.param(PING, 0, b"\0" * 7, id="6.7 PING of 7"),
    pytest.param(PING, 0, b"\0" * 9, id="6.7 PING of 9"),
    pytest.param(PING, 0, b"", id="6.7 PING of 0"),
    pytest.param(GOAWAY, 0, b"\0" * 7, id="6.8 GOAWAY of 7"),
    pytest.param(WINDOW_UPDATE, 0, b"\0" * 3, id="6.9 WINDOW_UPDATE of 3"),
    pytest.param(WINDOW_UPDATE, 1, b"\0\0\0\1\0", id="6.9 WINDOW_UPDATE of 5"),
])
def test_a_frame_of_a_wrong_length_is_a_connection_error(c, kind, stream, payload):
    """RFC 9113 6.4, 6.5, 6.7, 6.8, 6.9, 4.2: FRAME_SIZE_ERROR."""
    c.send(headers(1, request(path="/stall"))).say(frame(kind, 0, stream, payload))
    c.fails(FRAME_SIZE_ERROR)


@pytest.mark.parametrize("n", [0, 4, 6])
def test_a_priority_of_a_wrong_length_is_a_stream_error(c, n):
    """RFC 9113 6.3: or a connection error (5.4.1)."""
    c.send(headers(1, request(path="/stall"))).say(frame(PRIORITY, 0, 1, b"\0" * n))
    c.errs(1, FRAME_SIZE_ERROR)


# --- 6.1 DATA ---

@pytest.mark.parametrize("pad", [0, 1, 255])
def test_padding_of_data_is_no_body(c, pad):
    """RFC 9113 6.1"""
    c.send(headers(1, POST, end=False) +
           frame(DATA, PADDED, 1, bytes([pad]) + b"bo" + b"\0" * pad) +
           frame(DATA, PADDED | END_STREAM, 1, bytes([pad]) + b"dy" + b"\0" * pad))
    assert c.answer(1).body == b"body"


@pytest.mark.parametrize("payload", [
    pytest.param(b"\x05body", id="as long as the payload"),
    pytest.param(b"\xffbody", id="longer"), pytest.param(b"", id="no room for its length"),
    pytest.param(b"\x01", id="of an empty frame"),
])
def test_padding_of_data_must_fit(c, payload):
    """RFC 9113 6.1: PROTOCOL_ERROR (FRAME_SIZE_ERROR where its length field is missing, 4.2)."""
    c.say(headers(1, POST, end=False), frame(DATA, PADDED | END_STREAM, 1, payload))
    c.fails(PROTOCOL_ERROR, FRAME_SIZE_ERROR)


def test_a_frame_may_be_nothing_but_padding(c):
    """RFC 9113 6.1"""
    c.send(headers(1, POST, end=False) + frame(DATA, PADDED, 1, b"\x05" + b"\0" * 5) +
           frame(DATA, PADDED | END_STREAM, 1, b"\0"))
    assert c.answer(1).status == 200


def test_an_empty_data_frame_ends_a_body(c):
    """RFC 9113 6.1"""
    c.send(headers(1, POST, end=False) + data(1, b"a") + data(1) + data(1, end=True))
    assert c.answer(1).body == b"a"


# --- 6.2 HEADERS ---

@pytest.mark.parametrize("pad", [0, 1, 255])
@pytest.mark.parametrize("prioritised", [False, True])
def test_padding_and_priority_of_headers_are_skipped(c, pad, prioritised):
    """RFC 9113 6.2"""
    flags = END_HEADERS | END_STREAM | PADDED | (PRIORITISED if prioritised else 0)
    weight = b"\0\0\0\0\x0f" if prioritised else b""
    c.send(frame(HEADERS, flags, 1, bytes([pad]) + weight + BLOCK + b"\0" * pad))
    assert c.answer(1).status == 200


@pytest.mark.parametrize("payload", [
    pytest.param(bytes([len(BLOCK) + 1]) + BLOCK, id="one too long"),
    pytest.param(b"\xff" + BLOCK, id="longer than the payload"),
    pytest.param(b"", id="no room for its length"),
])
def test_padding_of_headers_must_fit(c, payload):
    """RFC 9113 6.2"""
    c.say(frame(HEADERS, END_HEADERS | END_STREAM | PADDED, 1, payload))
    c.fails(PROTOCOL_ERROR, FRAME_SIZE_ERROR)


@pytest.mark.parametrize("payload", [b"", b"\0\0\0\0"])
def test_headers_whose_priority_does_not_fit_are_an_error(c, payload):
    """RFC 9113 6.2, 4.2"""
    c.say(frame(HEADERS, END_HEADERS | END_STREAM | PRIORITISED, 1, payload))
    c.fails(FRAME_SIZE_ERROR, PROTOCOL_ERROR)


def test_an_empty_block_is_a_malformed_request(c):
    """RFC 9113 6.2, 8.3.1"""
    c.send(headers(1, b"")).refuses(1)


# --- 6.3 PRIORITY: deprecated, and still parsed ---

@pytest.mark.parametrize("stream", [1, 3, 2, 0x7fffffff], ids=["open", "idle", "even", "last"])
def test_priority_may_come_in_any_state_and_changes_none(c, stream):
    """RFC 9113 6.3"""
    c.send(headers(1, POST, end=False) + priority(stream, 0x80000000, 255))
    c.send(data(1, b"x", end=True))
    assert c.answer(1).status == 200
    c.send(priority(1)).alive()
    assert c.get(stream=3).status == 200


def test_a_stream_that_depends_on_itself_is_an_error_or_ignored(c):
    """RFC 9113 5.3.2, 5.4.1 (RFC 7540 5.3.1: a stream error)"""
    c.say(priority(3, depends=3), ping())
    while not c.pongs and c.read():
        pass
    assert c.goaway is None or c.goaway[1] == PROTOCOL_ERROR


# --- 6.4 RST_STREAM ---

def test_after_a_reset_nothing_more_is_sent_on_the_stream(c):
    """RFC 9113 6.4"""
    c.send(headers(1, request(path="/big")))
    c.wait(lambda: len(c.streams[1].body) > 20000, "some of the body")
    c.send(rst(1)).alive()
    got = len(c.streams[1].body)
    c.send(frame(WINDOW_UPDATE, 0, 0, b"\0\x01\0\0")).alive()
    assert len(c.streams[1].body) == got
    assert c.get(stream=3).status == 200


# --- 6.5 SETTINGS ---

def test_each_settings_is_acknowledged_once_and_in_order(c):
    """RFC 9113 6.5.3"""
    c.send(settings() + settings((MAX_CONCURRENT_STREAMS, 5)) + settings() + ping(b"in order"))
    c.wait(lambda: c.acks == 4, "three ACKs more")
    c.alive()
    assert c.acks == 4


def test_an_ack_is_not_acknowledged(c):
    """RFC 9113 6.5.3"""
    before = c.acks
    c.alive()
    assert c.acks == before


def test_an_ack_with_a_payload_is_a_connection_error(c):
    """RFC 9113 6.5"""
    c.say(settings((MAX_CONCURRENT_STREAMS, 5), flags=ACK)).fails(FRAME_SIZE_ERROR)


@pytest.mark.parametrize("name, value, code", [
    pytest.param(ENABLE_PUSH, 2, PROTOCOL_ERROR, id="ENABLE_PUSH 2"),
    pytest.param(ENABLE_PUSH, 0xffffffff, PROTOCOL_ERROR, id="ENABLE_PUSH of all ones"),
    pytest.param(INITIAL_WINDOW_SIZE, 1 << 31, FLOW_CONTROL_ERROR, id="INITIAL_WINDOW_SIZE 2^31"),
    pytest.param(INITIAL_WINDOW_SIZE, 0xffffffff, FLOW_CONTROL_ERROR, id="INITIAL_WINDOW_SIZE -1"),
    pytest.param(MAX_FRAME_SIZE, 16383, PROTOCOL_ERROR, id="MAX_FRAME_SIZE 16383"),
    pytest.param(MAX_FRAME_SIZE, 0, PROTOCOL_ERROR, id="MAX_FRAME_SIZE 0"),
    pytest.param(MAX_FRAME_SIZE, 1 << 24, PROTOCOL_ERROR, id="MAX_FRAME_SIZE 2^24"),
])
def test_a_setting_out_of_range_is_a_connection_error(c, name, value, code):
    """RFC 9113 6.5.2"""
    c.say(settings((name, value))).fails(code)


@pytest.mark.parametrize("name, value", [
    (HEADER_TABLE_SIZE, 0), (HEADER_TABLE_SIZE, 0xffffffff), (ENABLE_PUSH, 0), (ENABLE_PUSH, 1),
    (MAX_CONCURRENT_STREAMS, 0), (MAX_CONCURRENT_STREAMS, 0xffffffff),
    (INITIAL_WINDOW_SIZE, 0x7fffffff), (MAX_FRAME_SIZE, 16384), (MAX_FRAME_SIZE, (1 << 24) - 1),
    (MAX_HEADER_LIST_SIZE, 0xffffffff),
])
def test_every_allowed_value_of_a_setting_is_taken(c, name, value):
    """RFC 9113 6.5.2"""
    c.send(settings((name, value))).wait(lambda: c.acks == 2, "ACK")
    assert c.get(stream=1).status == 200


def test_unknown_settings_are_ignored(c):
    """RFC 9113 6.5.2, 5.5"""
    c.send(settings((0, 1), (0xff, 7), (0xffff, 0xffffffff), (7, 0)))
    c.wait(lambda: c.acks == 2, "ACK")
    assert c.get(stream=1).status == 200


def test_the_last_of_repeated_settings_holds(c):
    """RFC 9113 6.5, 6.5.3: in the order in which they appear."""
    c.send(settings((INITIAL_WINDOW_SIZE, 0), (INITIAL_WINDOW_SIZE, 10)))
    c.send(headers(1, request(path="/big"))).wait(lambda: len(c.streams[1].body) == 10, "10 bytes")
    c.alive()
    assert len(c.streams[1].body) == 10


def test_what_the_server_announces_is_within_its_ranges(c):
    """RFC 9113 6.5.2"""
    assert c.settings.get(ENABLE_PUSH, 0) == 0
    assert c.settings.get(INITIAL_WINDOW_SIZE, 65535) < 1 << 31
    assert 16384 <= c.settings.get(MAX_FRAME_SIZE, 16384) < 1 << 24


def test_the_servers_encoder_honours_a_table_of_nothing(c):
    """RFC 9113 4.3.1, RFC 7541 4.2: H2Client's decoder insists on the size update."""
    c.decoder.max_allowed_table_size = 0
    c.send(settings((HEADER_TABLE_SIZE, 0))).wait(lambda: c.acks == 2, "ACK")
    for stream in (1, 3, 5):
        assert c.get(stream=stream).status == 200
    assert c.decoder.header_table_size == 0


# --- 6.7 PING ---

@pytest.mark.parametrize("payload", [b"\0" * 8, b"\xff" * 8, b"a\r\nb\0c\r\n"])
def test_a_ping_comes_back_as_it_was(c, payload):
    """RFC 9113 6.7"""
    c.send(ping(payload)).wait(lambda: c.pongs == [payload], "ACK")


def test_a_ping_is_answered_while_a_request_waits(c):
    """RFC 9113 6.7"""
    c.send(headers(1, request(path="/stall"))).alive()
    assert not c.streams[1].done


def test_a_pings_ack_is_not_answered(c):
    """RFC 9113 6.7"""
    c.send(ping(b"unasked!", flags=ACK)).alive()
    assert b"unasked!" not in c.pongs


# --- 6.8 GOAWAY ---

@pytest.mark.parametrize("sent", [
    pytest.param(goaway(), id="plain"), pytest.param(goaway(0x7ffffffe), id="last stream"),
    pytest.param(goaway(0, 0xff, b"debug" * 1000), id="unknown code, long debug data"),
    pytest.param(goaway(4) + goaway(2), id="twice"),
])
def test_goaway_is_taken_and_answers_still_come(c, sent):
    """RFC 9113 6.8"""
    c.send(headers(1, POST, end=False) + sent + data(1, b"x", end=True))
    assert c.answer(1).status == 200


# --- 6.10 CONTINUATION ---

@pytest.mark.parametrize("before", [
    pytest.param(b"", id="nothing"), pytest.param(headers(1), id="a whole block"),
    pytest.param(headers(1, POST, end=False) + data(1, b"x"), id="DATA"),
    pytest.param(headers(1, BLOCK[:5], flags=0) +
                 frame(CONTINUATION, END_HEADERS, 1, BLOCK[5:]), id="a whole block's end"),
])
def test_continuation_continues_something(c, before):
    """RFC 9113 6.10"""
    c.say(before, frame(CONTINUATION, END_HEADERS, 1, BLOCK)).fails(PROTOCOL_ERROR, STREAM_CLOSED)


def test_end_stream_of_headers_holds_though_continuation_follows(c):
    """RFC 9113 6.2"""
    c.send(headers(1, BLOCK[:5], flags=0) + frame(CONTINUATION, END_HEADERS, 1, BLOCK[5:]))
    assert c.answer(1).status == 200


def test_trailers_may_be_continued(c):
    """RFC 9113 6.10, 8.1"""
    tail = block([("x-a", "1"), ("x-b", "2")])
    c.send(headers(1, POST, end=False) + data(1, b"x") +
           frame(HEADERS, END_STREAM, 1, tail[:4]) +
           frame(CONTINUATION, END_HEADERS, 1, tail[4:]))
    assert c.answer(1).status == 200


def test_no_reset_is_sent_twice_for_a_stream(c):
    """RFC 9113 5.4.2"""
    bad = headers(1, request(("Bad", "x"), method="POST"), end=False)
    c.say(bad, data(1, b"x"), data(1, b"y", end=True), ping(b"the end!"))
    while b"the end!" not in c.pongs and c.read():
        pass
    assert c.seen[RST_STREAM] <= 1
