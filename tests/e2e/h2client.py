"""An HTTP/2 client (python3-h2) for tests that are about what is exchanged, not about frames.

Everything is done step by step on the caller's thread: what is not asked for is not read.
"""
import socket

import h2.config
import h2.connection
import h2.events
import h2.settings

import client

# The library ends a connection at GOAWAY; RFC 9113 6.8 lets what is under way go on.
_STATES, _INPUTS = h2.connection.ConnectionState, h2.connection.ConnectionInputs
h2.connection.H2ConnectionStateMachine._transitions[
    (_STATES.CLIENT_OPEN, _INPUTS.RECV_GOAWAY)] = (None, _STATES.CLIENT_OPEN)

TIMEOUT = 10.0


class Answer:
    """What came on a stream so far. Fields are pairs of text without pseudo-fields."""

    def __init__(self):
        self.status, self.headers, self.interim, self.trailers = None, [], [], []
        self.body, self.ended, self.reset_code = b"", False, None

    def all(self, name):
        return [v for k, v in self.headers if k == name]

    def get(self, name, default=None):
        values = self.all(name)
        assert len(values) <= 1, f"{name} is repeated: {values}"
        return values[0] if values else default

    @property
    def text(self):
        return self.body.decode()

    @property
    def done(self):
        return self.ended or self.reset_code is not None


class H2:
    """A connection. consume=False: bodies that come are not acknowledged, so windows run dry."""

    def __init__(self, sock, consume=True, settings=None):
        self.sock, self.consume, self.answers = sock, consume, {}
        self.goaway, self.closed, self.pongs = None, False, []
        sock.settimeout(TIMEOUT)
        config = h2.config.H2Configuration(client_side=True, header_encoding="utf-8",
                                           validate_outbound_headers=False)
        self.h2 = h2.connection.H2Connection(config)
        for name, value in (settings or {}).items():
            self.h2.local_settings[name] = value
        self.h2.local_settings.acknowledge()
        self.h2.initiate_connection()
        self.push()
        client.open_clients.append(self)

    def close(self):
        self.sock.close()

    def push(self):
        self.sock.sendall(self.h2.data_to_send())

    def request(self, path="/", method="GET", headers=(), body=None, end=None, authority="localhost",
                scheme="http", extra=()):
        """Send a request; returns its stream. With body=None it has none, unless end=False."""
        stream = self.h2.get_next_available_stream_id()
        fields = [(":method", method), (":scheme", scheme), (":authority", authority),
                  (":path", path), *extra, *headers]
        end = body is None if end is None else end
        self.h2.send_headers(stream, fields, end_stream=end)
        self.answers[stream] = Answer()
        self.push()
        if body is not None:
            self.send(stream, body)
        return stream

    def send(self, stream, data, end=True):
        """Send a body, as the windows allow: what comes meanwhile is read."""
        while data:
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
            if room == 0:
                self.read()
                continue
            piece, data = data[:room], data[room:]
            self.h2.send_data(stream, piece, end_stream=end and not data)
            self.push()
        return self

    def end(self, stream, trailers=None):
        if trailers:
            self.h2.send_headers(stream, trailers, end_stream=True)
        else:
            self.h2.end_stream(stream)
        self.push()

    def reset(self, stream, code=8):
        self.h2.reset_stream(stream, code)
        self.push()

    def read(self):
        """Read once and take what came. False at the end of the connection."""
        data = self.sock.recv(65536)
        if not data:
            self.closed = True
            return False
        for event in self.h2.receive_data(data):
            self.take(event)
        self.push()
        return True

    def take(self, event):
        a = self.answers.get(getattr(event, "stream_id", None))
        if isinstance(event, h2.events.InformationalResponseReceived):
            a.interim.append([(k, v) for k, v in event.headers])
        elif isinstance(event, h2.events.ResponseReceived):
            a.status = int(dict(event.headers)[":status"])
            a.headers = [(k, v) for k, v in event.headers if k[0] != ":"]
        elif isinstance(event, h2.events.TrailersReceived):
            a.trailers = [(k, v) for k, v in event.headers]
        elif isinstance(event, h2.events.DataReceived):
            a.body += event.data
            if self.consume:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            a.ended = True
        elif isinstance(event, h2.events.StreamReset):
            a.reset_code = int(event.error_code)
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.goaway = int(event.error_code)
        elif isinstance(event, h2.events.PingAckReceived):
            self.pongs.append(event.ping_data)

    def until(self, true, what):
        while not true():
            assert not self.closed and self.read(), f"the connection ended before {what}"

    def answer(self, stream):
        """The whole answer, or what there is of it when it is reset."""
        a = self.answers[stream]
        self.until(lambda: a.done, f"the answer on stream {stream}")
        return a

    def head(self, stream):
        a = self.answers[stream]
        self.until(lambda: a.status or a.done, f"the head on stream {stream}")
        return a

    def body(self, stream, size):
        """Read until that much of the body is there."""
        a = self.answers[stream]
        self.until(lambda: len(a.body) >= size or a.done, f"{size} bytes on stream {stream}")
        return a

    def get(self, *args, **kw):
        return self.answer(self.request(*args, **kw))

    def wait_closed(self):
        try:
            while self.read():
                pass
        except ConnectionResetError:
            self.closed = True


def connect(where, ctx=None, name="a.example", **kw):
    """Connect to a port (or a Proxy), in the clear with prior knowledge, or by ALPN over TLS."""
    sock = socket.create_connection(("127.0.0.1", getattr(where, "port", where)), TIMEOUT)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if ctx:
        sock = ctx.wrap_socket(sock, server_hostname=name)
        assert sock.selected_alpn_protocol() == "h2"
    return H2(sock, **kw)
