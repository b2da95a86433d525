"""A scripted HTTP/2 backend (python3-h2): prior knowledge, or by ALPN over TLS.

script is answer(…), or f(stream), run on a thread of the stream's own: it reads and writes through
the stream and returns when it is done; what it leaves open is ended. Connections stay open until
the script or the proxy closes them.
"""
import os
import select
import socket
import ssl
import struct
import threading
import time

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from wait import until

TIMEOUT = 10.0
WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Gone(Exception):
    """The proxy reset the stream or closed the connection."""


def answer(body=b"", status=200, headers=(), trailers=(), interim=(), length=True):
    """A script that reads the request's body and answers. interim: lists of fields, each a 103."""
    body = body.encode() if isinstance(body, str) else body

    def script(stream):
        stream.read_body()
        for fields in interim:
            stream.send_head(103, fields)
        fields = list(headers) + ([("content-length", len(body))] if length else [])
        bodiless = stream.method == "HEAD" or status in (204, 304)
        stream.send_head(status, fields, end=bodiless or not (body or trailers))
        if not bodiless and (body or trailers):
            stream.send(body, end=not trailers)
            if trailers:
                stream.send_trailers(trailers)
    return script


class Stream:
    """One request, and the answer to it. Fields are pairs of text; pseudo-fields are among them."""

    def __init__(self, conn, number, headers, ended):
        self.conn, self.id, self.headers = conn, number, headers
        self.method, self.path = self.get(":method"), self.get(":path")
        self.authority, self.scheme = self.get(":authority"), self.get(":scheme")
        self.body, self.trailers, self.pieces = b"", [], []
        self.ended, self.reset_code, self.open = ended, None, True

    def all(self, name):
        return [v for k, v in self.headers if k.lower() == name.lower()]

    def get(self, name, default=None):
        values = self.all(name)
        assert len(values) <= 1, f"{name} is repeated: {values}"
        return values[0] if values else default

    @property
    def gone(self):
        return self.reset_code is not None or self.conn.closed

    def recv(self):
        """The next piece of the request's body, b'' at its end."""
        self.conn.wait(lambda: self.pieces or self.ended or self.gone, "a piece of body")
        with self.conn.lock:
            if self.pieces:
                data = self.pieces.pop(0)
                self.body += data
                self.conn.acknowledge(self, len(data))
                return data
        if not self.ended:
            raise Gone
        return b""

    def read_body(self):
        while self.recv():
            pass
        return self.body

    def send_head(self, status, headers=(), end=False):
        fields = [(":status", str(status))] + [(k.lower(), str(v)) for k, v in headers]
        self._act(self.conn.h2.send_headers, fields, end_stream=end)
        self.open = not end

    def send(self, data=b"", end=False):
        """Send a piece of body, as the proxy's windows allow."""
        data = data.encode() if isinstance(data, str) else data
        while data:
            room = self.conn.wait(self._room, "a window of the proxy")
            self._act(self.conn.h2.send_data, data[:room], end_stream=end and len(data) <= room)
            data = data[room:]
            if not data and end:
                self.open = False
        if end and self.open:
            self._act(self.conn.h2.send_data, b"", end_stream=True)
            self.open = False

    def send_trailers(self, trailers):
        self._act(self.conn.h2.send_headers, [(k.lower(), str(v)) for k, v in trailers],
                  end_stream=True)
        self.open = False

    def reset(self, code=h2.errors.ErrorCodes.INTERNAL_ERROR):
        self.open = False
        with self.conn.lock:
            self.conn.h2.reset_stream(self.id, code)
            self.conn.flush()

    def wait_gone(self):
        """Wait until the proxy resets the stream or closes the connection; returns the code."""
        self.conn.wait(lambda: self.gone, "a reset")
        return self.reset_code

    def _room(self):
        if self.gone:
            raise Gone
        with self.conn.lock:
            window = self.conn.h2.local_flow_control_window(self.id)
            return min(window, self.conn.h2.max_outbound_frame_size)

    def _act(self, f, *args, **kw):
        try:
            with self.conn.lock:
                if self.gone:
                    raise Gone
                f(self.id, *args, **kw)
                self.conn.flush()
        except h2.exceptions.StreamClosedError:
            raise Gone from None

    def __repr__(self):
        return f"<{self.method} {self.path} {self.headers}>"


class Conn:
    """One connection from the proxy. The lock covers socket and state, for TLS allows one user."""

    def __init__(self, origin, sock):
        self.origin, self.sock, self.closed = origin, sock, False
        self.streams, self.lock = {}, threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.goaway_code, self.settings = None, {}
        config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8",
                                           validate_inbound_headers=True)
        self.h2 = h2.connection.H2Connection(config)
        self.h2.local_settings = h2.settings.Settings(
            client=False, initial_values={h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 100,
                                          **origin.settings})

    def wait(self, predicate, what):
        with self.changed:
            end = time.monotonic() + TIMEOUT
            while not (value := predicate()):
                assert self.changed.wait(end - time.monotonic()), f"waited in vain for {what}"
            return value

    def serve(self):
        try:
            if self.origin.tls:
                self.sock = self.origin.tls.wrap_socket(self.sock, server_side=True)
                self.alpn = self.sock.selected_alpn_protocol()
            self.sock.setblocking(False)
            with self.lock:
                self.h2.initiate_connection()
                self.flush()
            while not self.closed:
                self._read()
        except h2.exceptions.ProtocolError as e:
            if not self.origin.stopping:
                self.origin.errors.append(e)
        except (OSError, ValueError):  # closed by its script, or by the proxy
            pass
        finally:
            self.close()

    def _read(self):
        if not (isinstance(self.sock, ssl.SSLSocket) and self.sock.pending()):
            select.select([self.sock], [], [], 1.0)
        with self.lock:
            try:
                data = self.sock.recv(65536)
            except WOULD_BLOCK:
                return
            if not data:
                self.closed = True
            for event in self.h2.receive_data(data) if data else []:
                self._take(event)
            self.flush()
            self.changed.notify_all()

    def _take(self, event):
        stream = self.streams.get(getattr(event, "stream_id", None))
        if isinstance(event, h2.events.RequestReceived):
            self._begin(event)
        elif isinstance(event, h2.events.DataReceived):
            stream.pieces.append(event.data)
            padding = event.flow_controlled_length - len(event.data)
            if padding:
                self.acknowledge(stream, padding)
        elif isinstance(event, h2.events.TrailersReceived):
            stream.trailers = [tuple(f) for f in event.headers]
        elif isinstance(event, h2.events.StreamEnded):
            stream.ended = True
        elif isinstance(event, h2.events.StreamReset) and stream:
            stream.reset_code = event.error_code
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.goaway_code = event.error_code

    def _begin(self, event):
        headers = [tuple(f) for f in event.headers]
        stream = Stream(self, event.stream_id, headers, event.stream_ended is not None)
        self.streams[event.stream_id] = stream
        with self.origin.lock:
            self.origin.requests.append(stream)
        self.origin.start(self._run, stream)

    def _run(self, stream):
        try:
            self.origin.script(stream)
            if stream.open and not stream.gone:
                stream.send(end=True)
        except (Gone, OSError):
            pass
        except Exception as e:  # a broken script must fail its test, not vanish in a thread
            if not self.origin.stopping:
                self.origin.errors.append(e)

    def acknowledge(self, stream, n):
        """Open the windows again by n bytes that the script has taken."""
        try:
            self.h2.acknowledge_received_data(n, stream.id)
        except h2.exceptions.StreamClosedError:
            pass
        self.flush()

    def flush(self):
        data = self.h2.data_to_send()
        while data and not self.closed:
            try:
                data = data[self.sock.send(data):]
            except WOULD_BLOCK:
                ready = select.select([], [self.sock], [], TIMEOUT)
                assert ready[1], "the proxy reads nothing"
            except OSError:
                self.closed = True

    def goaway(self, last=None, code=h2.errors.ErrorCodes.NO_ERROR):
        """GOAWAY; streams above `last` were not and will not be looked at."""
        with self.lock:
            self.h2.close_connection(code, last_stream_id=last)
            self.flush()

    def send_raw(self, data):
        """Bytes as they are, for what the library would not send."""
        with self.lock:
            self.flush()
            self.sock.send(data)

    def close(self):
        with self.lock:
            self.closed = True
            try:
                self.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            self.sock.close()
            self.changed.notify_all()

    def reset(self):
        """Close with RST."""
        with self.lock:
            self.closed = True
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.sock.close()
            self.changed.notify_all()


class H2Origin:
    """Use the h2origin fixture. tls: a server-side SSLContext, to which ALPN h2 is added."""

    def __init__(self, script, tls=None, path=None, settings=None, host="127.0.0.1"):
        self.script, self.tls, self.path, self.settings = script, tls, path, settings or {}
        self.requests, self.connections, self.errors, self.threads = [], [], [], []
        self.lock, self.stopping = threading.Lock(), False
        if tls:
            tls.set_alpn_protocols(["h2"])
        self.listener = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
        self.listener.bind(path if path else (host, 0))
        if path:
            os.chmod(path, 0o777)
        self.port = None if path else self.listener.getsockname()[1]
        self.address = f"unix:{path}" if path else f"{host}:{self.port}"
        self.listener.listen(1024)
        self.start(self._accept)

    def start(self, f, *args):
        t = threading.Thread(target=f, args=args, daemon=True)
        self.threads.append(t)
        t.start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            if self.stopping:
                sock.close()
                return
            sock.settimeout(TIMEOUT)
            if not self.path:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            conn = Conn(self, sock)
            self.connections.append(conn)
            self.start(conn.serve)

    def wait_requests(self, n):
        until(lambda: len(self.requests) >= n, f"{n} requests at the origin")
        return self.requests

    def die(self):
        """Stop listening and cut every connection: from now on connects are refused."""
        self.stopping = True
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        for conn in list(self.connections):
            conn.close()

    def stop(self):
        self.die()
        if self.path:
            os.unlink(self.path)
        for t in self.threads:
            t.join(TIMEOUT)
        assert not self.errors, f"the origin's script failed: {self.errors!r}"
