"""A raw HTTP/2 client: frames and field blocks by hand, in clear text or TLS.

It says exactly what a test writes, right or wrong, and reads strictly: what RFC 9113 forbids a
server to send raises ProtocolError here. Frames are counted, streams gathered, SETTINGS and PING
acknowledged as they arrive; windows are given only when a test gives them.
"""
import socket
import ssl
import struct
from collections import Counter, defaultdict, namedtuple

import hpack

import client
from client import ProtocolError

(DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE,
 CONTINUATION) = range(10)
END_STREAM = ACK = 0x01
END_HEADERS, PADDED, PRIORITISED = 0x04, 0x08, 0x20
(NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED,
 FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM,
 INADEQUATE_SECURITY, HTTP_1_1_REQUIRED) = range(14)
(HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE,
 MAX_HEADER_LIST_SIZE) = range(1, 7)
ENABLE_CONNECT_PROTOCOL = 8
NAMES = ("NO_ERROR PROTOCOL_ERROR INTERNAL_ERROR FLOW_CONTROL_ERROR SETTINGS_TIMEOUT STREAM_CLOSED"
         " FRAME_SIZE_ERROR REFUSED_STREAM CANCEL COMPRESSION_ERROR CONNECT_ERROR"
         " ENHANCE_YOUR_CALM INADEQUATE_SECURITY HTTP_1_1_REQUIRED").split()
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
WINDOW = 65535

Frame = namedtuple("Frame", "type flags stream payload")


def frame(kind, flags=0, stream=0, payload=b"", length=None):
    """One frame's bytes; `length` when it is to lie."""
    n = len(payload) if length is None else length
    return struct.pack(">I", n)[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def settings(*pairs, flags=0, stream=0):
    return frame(SETTINGS, flags, stream, b"".join(struct.pack(">HI", *p) for p in pairs))


def window_update(stream, increment):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", increment))


def rst(stream, code=CANCEL):
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def ping(payload=b"01234567", flags=0):
    return frame(PING, flags, 0, payload)


def priority(stream, depends=0, weight=15):
    return frame(PRIORITY, 0, stream, struct.pack(">IB", depends, weight))


def goaway(last=0, code=NO_ERROR, debug=b""):
    return frame(GOAWAY, 0, 0, struct.pack(">II", last, code) + debug)


def data(stream, payload=b"", end=False):
    return frame(DATA, END_STREAM if end else 0, stream, payload)


def integer(value, bits, first=0):
    """RFC 7541 5.1: an integer with a prefix of so many bits; `first` has the other bits."""
    most = (1 << bits) - 1
    if value < most:
        return bytes([first | value])
    out, value = [first | most], value - most
    while value >= 128:
        out.append(value % 128 + 128)
        value //= 128
    return bytes(out + [value])


def text(value):
    """RFC 7541 5.2: a string literal, not Huffman coded."""
    value = value.encode("latin-1") if isinstance(value, str) else value
    return integer(len(value), 7) + value


def literal(name, value, first=0x00):
    """RFC 7541 6.2: a field that is not indexed; first=0x40 puts it into the dynamic table."""
    return bytes([first]) + text(name) + text(value)


def block(fields):
    return b"".join(literal(*f) for f in fields)


def request(*more, method="GET", path="/", scheme="http", authority="localhost"):
    """A request's fields; a pseudo-field that is None is left out."""
    pseudo = [(":method", method), (":scheme", scheme), (":path", path), (":authority", authority)]
    return [f for f in pseudo if f[1] is not None] + list(more)


def headers(stream, fields=None, end=True, flags=END_HEADERS):
    """A HEADERS frame; fields are pairs, or the bytes of a block."""
    fields = request() if fields is None else fields
    payload = fields if isinstance(fields, bytes) else block(fields)
    return frame(HEADERS, flags | (END_STREAM if end else 0), stream, payload)


class Answer:
    """What came on one stream so far."""

    def __init__(self):
        self.heads, self.body, self.ended, self.reset = [], bytearray(), False, None

    @property
    def final(self):
        return next((h for h in self.heads if h.get(":status", "200")[0] != "1"), None)

    @property
    def status(self):
        return int(self.final[":status"]) if self.final else None

    @property
    def done(self):
        return self.ended or self.reset is not None

    def __repr__(self):
        return f"<{self.heads} {len(self.body)} bytes ended={self.ended} reset={self.reset}>"


class H2Client(client.Client):
    """One connection. Use connect() or begin()."""

    def __init__(self, sock):
        super().__init__(sock)
        self.decoder, self.seen, self.streams = hpack.Decoder(), Counter(), defaultdict(Answer)
        self.settings, self.acks, self.pongs, self.goaway = {}, 0, [], None
        self.window, self.ended, self.max_frame, self.answers = Counter(), False, 16384, True
        self.block, self.last_stream, self.broken = b"", 0, False

    def say(self, *parts):
        """Send what may find the connection closed already: that is for the reader to see."""
        try:
            return self.send(b"".join(parts))
        except OSError:
            self.broken = True
            return self

    def start(self, *pairs):
        """The preface, both sides' SETTINGS and their acknowledgements."""
        self.send(PREFACE + settings(*pairs))
        return self.wait(lambda: self.seen[SETTINGS] > self.acks and self.acks, "SETTINGS and ACK")

    def get(self, path="/", *more, stream=None, **kw):
        """A request without a body and its answer."""
        stream = stream or self.next()
        self.send(headers(stream, request(*more, path=path, **kw)))
        return self.answer(stream)

    def next(self):
        self.last_stream += 2 if self.last_stream else 1
        return self.last_stream

    def answer(self, stream):
        """The whole answer on a stream; it must end well."""
        a = self.streams[stream]
        self.wait(lambda: a.done, f"the end of stream {stream}")
        assert a.ended, f"stream {stream} was reset: {NAMES[a.reset]}, {a}"
        return a

    def wait(self, true, what):
        """Read until something holds."""
        while not true():
            if not self.read():
                raise AssertionError(f"the connection ended before {what}; {self.state()}")
        return self

    def state(self):
        code = self.goaway and f"GOAWAY {NAMES[self.goaway[1]]} {self.goaway[2]!r}"
        return f"{code}, {dict(self.streams)}"

    # --- what must follow from what was said ---

    def alive(self):
        """The connection works: a PING comes back."""
        token = b"%08d" % len(self.pongs)
        self.send(ping(token))
        return self.wait(lambda: token in self.pongs, "the PING's ACK")

    def fails(self, *codes):
        """A connection error: GOAWAY with one of the codes, then the end."""
        while self.read():
            pass
        assert self.goaway is not None, f"closed without GOAWAY; {self.state()}"
        assert self.goaway[1] in codes, self.state()
        return self

    def resets(self, stream, *codes):
        """A stream error with one of the codes; the connection goes on."""
        a = self.streams[stream]
        self.wait(lambda: a.reset is not None, f"RST_STREAM of {stream}")
        assert a.reset in codes, f"{NAMES[a.reset]}; {self.state()}"
        return self.alive()

    def errs(self, stream, *codes):
        """A stream error, or the connection error that may stand for it (5.4.1)."""
        a = self.streams[stream]
        while a.reset is None and self.read():
            pass
        code = a.reset if a.reset is not None else self.goaway and self.goaway[1]
        assert code in codes, self.state()
        return self

    def refuses(self, stream, *codes, statuses=(400,)):
        """A malformed request (8.1.1): an answer that says so, or a reset; the connection lives."""
        a = self.streams[stream]
        self.wait(lambda: a.done, f"the refusal of {stream}")
        if a.final is not None:
            assert a.status in statuses, a
        else:
            assert a.reset in (codes or (PROTOCOL_ERROR,)), a
        return self.alive()

    # --- reading ---

    def read(self):
        """One frame, taken note of; None at the end of the connection."""
        try:
            head = self._take(9)
            if head is None:
                return None
            n, kind, flags, stream = (int.from_bytes(head[:3], "big"), *struct.unpack(">BBI", head[3:]))
            if n > self.max_frame:
                raise ProtocolError(f"a frame of {n} bytes")
            f = Frame(kind, flags, stream & 0x7fffffff, self._take(n) or b"")
        except ConnectionError:
            self.ended = True
            return None
        self._note(f)
        return f

    def _take(self, n):
        """Exactly n bytes; None at the end of the connection."""
        while len(self.pending) < n:
            more = self.sock.recv(65536)
            if not more:
                if self.pending and self.goaway is None:
                    raise ProtocolError(f"closed inside a frame: {self.pending!r}")
                self.ended = True
                return None
            self.pending += more
        taken, self.pending = self.pending[:n], self.pending[n:]
        return taken

    def _note(self, f):
        self.seen[f.type] += 1
        if bool(f.stream) != (f.type in (DATA, HEADERS, RST_STREAM, CONTINUATION)) and \
                f.type not in (WINDOW_UPDATE,) and f.type < 10:
            raise ProtocolError(f"{f} on the wrong stream")
        if self.block and f.type != CONTINUATION:
            raise ProtocolError(f"{f} within a field block")
        note = {DATA: self._data, HEADERS: self._head, CONTINUATION: self._head,
                RST_STREAM: self._reset, SETTINGS: self._settings, PING: self._ping,
                GOAWAY: self._goaway, WINDOW_UPDATE: self._window}.get(f.type)
        if f.type in (PUSH_PROMISE, PRIORITY):
            raise ProtocolError(f"a server sent {f}")
        if note:
            note(f)

    def _data(self, f):
        a = self.streams[f.stream]
        if a.done or not a.final:
            raise ProtocolError(f"DATA out of place on {f.stream}: {a}")
        payload = f.payload
        if f.flags & PADDED:
            payload = payload[1:len(payload) - payload[0]]
        a.body += payload
        a.ended = bool(f.flags & END_STREAM)

    def _head(self, f):
        a = self.streams[f.stream]
        payload = f.payload
        if f.type == HEADERS:
            if a.done:
                raise ProtocolError(f"HEADERS out of place on {f.stream}: {a}")
            self.ends = f.flags & END_STREAM
            skip = bool(f.flags & PADDED) + (5 if f.flags & PRIORITISED else 0)
            payload = payload[skip:len(payload) - (payload[0] if f.flags & PADDED else 0)]
        self.block += payload
        if not f.flags & END_HEADERS:
            return
        fields, self.block = self.decoder.decode(self.block), b""
        head = {}
        for name, value in fields:
            if name != name.lower() or name in ("connection", "transfer-encoding", "keep-alive"):
                raise ProtocolError(f"a field {name}")
            head[name] = value if name not in head else f"{head[name]}, {value}"
        if (":status" in head) == (a.final is not None):
            raise ProtocolError(f"not a head: {head} after {a}")
        a.heads.append(head)
        a.ended = bool(self.ends)

    def _reset(self, f):
        self.streams[f.stream].reset = struct.unpack(">I", f.payload)[0]

    def _settings(self, f):
        if f.flags & ACK:
            self.acks += 1
            return
        for n in range(0, len(f.payload), 6):
            name, value = struct.unpack_from(">HI", f.payload, n)
            self.settings[name] = value
        if self.answers:
            self.say(settings(flags=ACK))

    def _ping(self, f):
        if f.flags & ACK:
            self.pongs.append(f.payload)
        elif self.answers:
            self.say(ping(f.payload, ACK))

    def _goaway(self, f):
        last, code = struct.unpack(">II", f.payload[:8])
        if self.goaway and last > self.goaway[0]:
            raise ProtocolError("GOAWAY's last stream grew")
        self.goaway = (last, code, f.payload[8:])

    def _window(self, f):
        self.window[f.stream] += struct.unpack(">I", f.payload)[0]


def secure(sock):
    """TLS with ALPN h2, believing anybody."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    tls = context.wrap_socket(sock, server_hostname="localhost")
    assert tls.selected_alpn_protocol() == "h2"
    return tls


def connect(where, tls=False, rcvbuf=None):
    """An H2Client that has said nothing yet."""
    where = getattr(where, "port", where)
    sock = socket.socket()
    if rcvbuf:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
    sock.settimeout(client.TIMEOUT)
    sock.connect(where if isinstance(where, tuple) else ("127.0.0.1", where))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return H2Client(secure(sock) if tls else sock)


def begin(where, *pairs, **kw):
    """An H2Client whose SETTINGS and the server's are exchanged."""
    return connect(where, **kw).start(*pairs)
