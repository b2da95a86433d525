"""RFC 9113, chapters 3 to 5: the preface, frames, streams and errors, rule by rule."""
import pytest

from client import connect as plain
from h2raw import (ACK, CANCEL, COMPRESSION_ERROR, CONTINUATION, DATA, END_HEADERS,
                   FRAME_SIZE_ERROR, GOAWAY, HEADERS, INTERNAL_ERROR, MAX_CONCURRENT_STREAMS,
                   PING, PREFACE, PRIORITY, PROTOCOL_ERROR, PUSH_PROMISE, REFUSED_STREAM,
                   RST_STREAM, SETTINGS, STREAM_CLOSED, WINDOW_UPDATE, begin, block, connect, data,
                   frame, goaway, headers, ping, priority, request, rst, settings, window_update)
from h2server import serve

UNKNOWN = 0xbe

pytestmark = pytest.mark.usher_only("nginx 1.22 judges requests by laxer rules")


@pytest.fixture
def c(h2server):
    return begin(h2server)


# --- 3.4 the preface ---

def test_a_server_begins_with_settings(h2server):
    """RFC 9113 3.4: its preface is a SETTINGS frame, the first it sends, without ACK."""
    c = connect(h2server).send(PREFACE + settings())
    first = c.read()
    assert first.type == SETTINGS and not first.flags & ACK


def test_settings_may_be_empty_and_requests_need_not_wait_for_the_servers(h2server):
    """RFC 9113 3.4"""
    c = connect(h2server).send(PREFACE + settings() + headers(1))
    assert c.answer(1).status == 200


def test_a_preface_may_come_byte_by_byte(h2server):
    """RFC 9113 3.4"""
    c = connect(h2server)
    for byte in PREFACE + settings() + headers(1):
        c.send(bytes([byte]))
    assert c.answer(1).status == 200


@pytest.mark.parametrize("attack", [
    pytest.param(PREFACE[:-4] + b"XX\r\n" + settings(), id="its last word differs"),
    pytest.param(PREFACE.replace(b"HTTP/2.0", b"HTTP/2.1") + settings(), id="its version differs"),
    pytest.param(PREFACE.replace(b"SM", b"sm") + settings(), id="its case differs"),
    pytest.param(settings() + headers(1), id="it is missing"),
])
def test_a_broken_preface_ends_the_connection(h2server, attack):
    """RFC 9113 3.4: a connection error; GOAWAY may be left out."""
    c = plain(h2server).send(attack)
    said = c.recv_until_closed()
    assert b"200" not in said and b"hello" not in said


@pytest.mark.parametrize("first", [
    pytest.param(headers(1), id="HEADERS"), pytest.param(ping(), id="PING"),
    pytest.param(settings(flags=ACK), id="an ACK"),
    pytest.param(window_update(0, 1), id="WINDOW_UPDATE"),
])
def test_after_the_preface_comes_settings_or_a_connection_error(h2server, first):
    """RFC 9113 3.4"""
    connect(h2server).say(PREFACE, first).fails(PROTOCOL_ERROR)


# --- 4.1 frame format ---

def test_frames_of_unknown_types_are_ignored(c):
    """RFC 9113 4.1, 5.5: whatever their flags, stream or length."""
    c.send(frame(UNKNOWN, 0xff, 0, b"x" * 100) + frame(0xff, 0, 1, b"") +
           frame(0x0b, 0xff, 77, b"y"))
    assert c.get().status == 200


def test_frames_of_unknown_types_are_ignored_inside_a_request(c):
    """RFC 9113 4.1"""
    c.send(headers(1, request(method="POST"), end=False) + frame(UNKNOWN, 0, 1, b"zz") +
           data(1, b"body", end=True))
    assert c.answer(1).body == b"body"


def test_undefined_flags_are_ignored(c):
    """RFC 9113 4.1"""
    c.send(headers(1, flags=END_HEADERS | 0x80 | 0x40 | 0x10 | 0x02))
    assert c.answer(1).status == 200
    c.send(ping(b"flagged!", flags=0xfe)).wait(lambda: b"flagged!" in c.pongs, "ACK")
    c.send(settings((MAX_CONCURRENT_STREAMS, 9), flags=0xfe))
    c.wait(lambda: c.acks == 2, "ACK")


def test_the_reserved_bit_is_ignored(c):
    """RFC 9113 4.1, 6.9, 6.8"""
    c.send(headers(1 | 1 << 31) + window_update(0, 5 | 1 << 31) + ping())
    assert c.answer(1).status == 200
    c.alive()


# --- 4.2 frame size ---

def test_a_frame_of_the_largest_allowed_size_is_taken(c):
    """RFC 9113 4.2: 16,384 bytes at least, of any type."""
    c.send(headers(1, request(method="POST"), end=False) + data(1, b"x" * 16384, end=True))
    assert c.answer(1).body == b"x" * 16384
    c.send(frame(UNKNOWN, 0, 0, b"x" * 16384)).alive()


@pytest.mark.parametrize("kind", [HEADERS, SETTINGS, CONTINUATION, PING, UNKNOWN])
def test_a_frame_that_is_too_large_is_a_connection_error(c, kind):
    """RFC 9113 4.2: FRAME_SIZE_ERROR; where it may alter the whole connection's state."""
    c.say(frame(kind, 0, 0 if kind in (SETTINGS, PING) else 1, b"\0" * 16385))
    c.fails(FRAME_SIZE_ERROR)


def test_a_data_frame_that_is_too_large_is_an_error(c):
    """RFC 9113 4.2"""
    c.say(headers(1, request(method="POST"), end=False), data(1, b"x" * 16385))
    c.errs(1, FRAME_SIZE_ERROR)


def test_a_server_sends_no_frame_larger_than_allowed(c):
    """RFC 9113 4.2: H2Client counts."""
    c.send(window_update(0, 1 << 20) + headers(1, request(path="/big")))
    c.send(window_update(1, 1 << 20))
    assert len(c.answer(1).body) > 300000


# --- 4.3 field section compression ---

def test_a_field_block_may_come_in_many_pieces(c):
    """RFC 9113 4.3: split anywhere; libnghttp2 bears eight pieces and calls more a flood."""
    whole = block(request(("x-long", "y" * 100)))
    c.send(headers(1, whole[:1], flags=0))
    for n in range(1, 7):
        c.send(frame(CONTINUATION, 0, 1, whole[n:n + 1]))
    c.send(frame(CONTINUATION, END_HEADERS, 1, whole[7:]))
    assert c.answer(1).status == 200


def test_empty_pieces_of_a_field_block_are_allowed(c):
    """RFC 9113 4.3, 6.10"""
    c.send(headers(1, b"", flags=0) + frame(CONTINUATION, 0, 1) +
           frame(CONTINUATION, END_HEADERS, 1, block(request())))
    assert c.answer(1).status == 200


@pytest.mark.parametrize("between", [
    pytest.param(data(1, b"x"), id="DATA of the stream"),
    pytest.param(data(3, b"x"), id="DATA of another"),
    pytest.param(headers(1), id="HEADERS of the stream"),
    pytest.param(headers(3), id="HEADERS of another"),
    pytest.param(priority(1), id="PRIORITY"), pytest.param(rst(1), id="RST_STREAM"),
    pytest.param(settings(), id="SETTINGS"), pytest.param(ping(), id="PING"),
    pytest.param(goaway(), id="GOAWAY"), pytest.param(window_update(0, 1), id="WINDOW_UPDATE"),
    pytest.param(frame(UNKNOWN, 0, 1), id="an unknown type"),
    pytest.param(frame(CONTINUATION, END_HEADERS, 3, block(request())), id="another's CONTINUATION"),
])
def test_nothing_may_come_between_the_pieces_of_a_field_block(c, between):
    """RFC 9113 4.3, 5.5, 6.2, 6.10"""
    c.say(headers(1, flags=0), between).fails(PROTOCOL_ERROR)


def test_a_block_that_cannot_be_decoded_is_a_connection_error(c):
    """RFC 9113 4.3"""
    c.say(headers(1, block(request()) + b"\x80")).fails(COMPRESSION_ERROR)


def test_a_refused_streams_block_is_still_decoded(usher, origin):
    """RFC 9113 4.3, 5.1.2, 6.8: compression state is the connection's."""
    c = connect(serve(usher, origin, "http2_max_concurrent_streams 1;"))
    c.answers = False  # without our ACK the limit is not known to hold, and no error
    c.start().send(headers(1, request(path="/stall")))
    c.send(headers(3, block(request()) + b"\x40\x01a\x01b"))
    c.resets(3, REFUSED_STREAM, PROTOCOL_ERROR)
    c.send(rst(1) + ping()).wait(lambda: c.pongs, "ACK")
    assert c.get("/local", stream=5).status == 200
    c.send(headers(7, block(request()) + b"\xbe"))  # index 62: the field of the refused block
    assert c.answer(7).status == 200


# --- 5.1 states ---

@pytest.mark.parametrize("first", [
    pytest.param(data(1, b"x"), id="DATA"), pytest.param(rst(1), id="RST_STREAM"),
    pytest.param(window_update(1, 1), id="WINDOW_UPDATE"),
    pytest.param(frame(CONTINUATION, END_HEADERS, 1, block(request())), id="CONTINUATION"),
])
def test_only_headers_and_priority_are_allowed_on_an_idle_stream(c, first):
    """RFC 9113 5.1"""
    c.say(first).fails(PROTOCOL_ERROR)


@pytest.mark.parametrize("more", [
    pytest.param(data(1, b"x"), id="DATA"), pytest.param(headers(1), id="HEADERS"),
])
def test_a_half_closed_stream_takes_neither_data_nor_headers(c, more):
    """RFC 9113 5.1: STREAM_CLOSED."""
    c.say(headers(1, request(path="/stall")), more).errs(1, STREAM_CLOSED)


def test_a_half_closed_stream_takes_window_update_priority_and_reset(c):
    """RFC 9113 5.1"""
    c.send(headers(1, request(path="/stall")) + window_update(1, 1) + priority(1) + rst(1)).alive()
    assert c.get(stream=3).status == 200


@pytest.mark.parametrize("late", [
    pytest.param(data(1, b"x"), id="DATA"),
    pytest.param(headers(1, request(path="/bad")), id="HEADERS"),
])
def test_frames_on_a_stream_that_the_client_reset_are_an_error_or_ignored(h2server, late):
    """RFC 9113 5.1: never a request; the connection may go on or end with STREAM_CLOSED."""
    c = begin(h2server)
    c.send(headers(1, request(path="/stall")) + rst(1)).say(late, ping())
    while not c.pongs and c.read():
        pass
    assert c.goaway is None or c.goaway[1] in (STREAM_CLOSED, PROTOCOL_ERROR)
    assert not c.streams[1].heads
    h2server.unheard()


@pytest.mark.parametrize("late", [
    pytest.param(window_update(1, 1), id="WINDOW_UPDATE"),
    pytest.param(priority(1), id="PRIORITY"), pytest.param(rst(1), id="RST_STREAM"),
])
def test_frames_that_crossed_a_streams_end_are_no_error(c, late):
    """RFC 9113 5.1, 6.9: WINDOW_UPDATE and RST_STREAM on a closed stream."""
    assert c.get(stream=1).status == 200
    c.send(late).alive()
    assert c.get(stream=3).status == 200


def test_data_after_the_end_of_a_closed_stream_counts_and_is_no_body(c):
    """RFC 9113 5.1, 6.1: discarded, or STREAM_CLOSED."""
    assert c.get(stream=1).status == 200
    c.say(data(1, b"x" * 100), ping())
    while not c.pongs and c.read():
        pass
    codes = [c.streams[1].reset, c.goaway and c.goaway[1]]
    assert set(codes) <= {None, STREAM_CLOSED, PROTOCOL_ERROR}


# --- 5.1.1 identifiers ---

def test_a_client_may_not_open_even_streams(c):
    """RFC 9113 5.1.1"""
    c.say(headers(2)).fails(PROTOCOL_ERROR)


def test_stream_identifiers_only_grow(h2server):
    """RFC 9113 5.1.1: a skipped stream is closed; opening it is an error, and no request."""
    c = begin(h2server)
    assert c.get(stream=5).status == 200
    c.say(headers(3, request(path="/bad")), ping())
    c.fails(PROTOCOL_ERROR, STREAM_CLOSED)
    h2server.unheard()


def test_a_stream_is_never_used_twice(h2server):
    """RFC 9113 5.1.1"""
    c = begin(h2server)
    assert c.get(stream=1).status == 200
    c.say(headers(1, request(path="/bad")), ping())
    while not c.pongs and c.read():
        pass
    assert c.goaway is None or c.goaway[1] in (PROTOCOL_ERROR, STREAM_CLOSED)
    assert len(c.streams[1].heads) == 1
    h2server.unheard()


def test_identifiers_may_be_skipped(c):
    """RFC 9113 5.1.1"""
    for stream in (1, 7, 1001, 0x7ffffffd, 0x7fffffff):
        assert c.get("/local", stream=stream).status == 200


# --- 5.1.2 concurrency ---

def test_a_stream_too_many_is_an_error(usher, origin):
    """RFC 9113 5.1.2: of the stream, or of the connection (5.4.1) once the limit is acknowledged."""
    c = begin(serve(usher, origin, "http2_max_concurrent_streams 3;"))
    for stream in (1, 3, 5, 7):
        c.say(headers(stream, request(path="/stall")))
    c.errs(7, REFUSED_STREAM, PROTOCOL_ERROR)


def test_a_stream_too_many_is_refused_alone_as_long_as_the_limit_is_news(usher, origin):
    """RFC 9113 5.1.2: the others live."""
    c = connect(serve(usher, origin, "http2_max_concurrent_streams 3;"))
    c.answers = False
    c.start()
    assert c.settings[MAX_CONCURRENT_STREAMS] == 3
    for stream in (1, 3, 5, 7):
        c.send(headers(stream, request(path="/stall")))
    c.resets(7, REFUSED_STREAM, PROTOCOL_ERROR)
    assert not any(c.streams[n].done for n in (1, 3, 5))
    c.send(rst(1)).alive()
    assert c.get("/local", stream=9).status == 200


def test_the_limit_is_announced_and_no_smaller_than_100(c):
    """RFC 9113 6.5.2"""
    assert c.settings[MAX_CONCURRENT_STREAMS] >= 100


# --- 5.4 errors ---

def test_a_connection_error_names_the_last_stream_and_closes(c):
    """RFC 9113 5.4.1, 6.8"""
    assert c.get(stream=1).status == 200
    assert c.get(stream=3).status == 200
    c.say(data(0, b"x")).fails(PROTOCOL_ERROR)
    assert c.goaway[0] == 3 and c.ended


def test_a_reset_is_not_answered_by_a_reset(c):
    """RFC 9113 5.4.2"""
    c.send(headers(1, request(path="/stall")) + rst(1)).alive()
    assert c.streams[1].reset is None and c.seen[RST_STREAM] == 0


@pytest.mark.parametrize("code", [0, CANCEL, INTERNAL_ERROR, 0xdeadbeef])
def test_error_codes_do_not_matter(c, code):
    """RFC 9113 7"""
    c.send(headers(1, request(path="/stall")) + rst(1, code)).alive()
    assert c.get("/local", stream=3).status == 200


# --- frames that only a server may send ---

def test_a_client_may_not_push(c):
    """RFC 9113 8.4, 6.6"""
    promise = frame(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\2" + block(request()))
    c.say(headers(1, request(path="/stall")), promise).fails(PROTOCOL_ERROR)


def test_a_server_never_pushes(c):
    """RFC 9113 8.4: H2Client raises at PUSH_PROMISE."""
    assert c.get(stream=1).status == 200
    assert c.settings.get(2, 0) == 0 and c.seen[PUSH_PROMISE] == 0


# --- one thing after another in one write ---

def test_a_session_in_one_write_is_answered(h2server):
    """RFC 9113 3.4"""
    c = connect(h2server)
    c.send(PREFACE + settings() + b"".join(headers(n) for n in range(1, 41, 2)) + ping())
    assert [c.answer(n).status for n in range(1, 41, 2)] == [200] * 20
    c.wait(lambda: c.pongs, "ACK")


def test_goaway_from_the_client_lets_its_streams_finish(c):
    """RFC 9113 6.8"""
    c.send(headers(1, request(method="POST"), end=False) + goaway() + data(1, b"late", end=True))
    assert c.answer(1).body == b"late"


def test_the_end_of_the_clients_bytes_is_no_error(c):
    """RFC 9113 6.8: a client that leaves is let go of."""
    assert c.get(stream=1).status == 200
    c.send(goaway()).end()
    while c.read():
        pass
    assert c.goaway is None or c.goaway[1] == 0
    assert c.seen[DATA] >= 1 and c.seen[GOAWAY] <= 2 and c.seen[PRIORITY] == 0
    assert c.seen[WINDOW_UPDATE] < 10
