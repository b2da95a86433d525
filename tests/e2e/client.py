"""A raw HTTP/1 client: sends exactly the bytes it is given and reads answers strictly.

A forgiving client would hide a sloppy server, so everything RFC 9112 forbids in a response raises
ProtocolError here. Every call has a time-out; none can hang a run.
"""
import re
import socket
import struct

TIMEOUT = 10.0
TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
open_clients = []


class ProtocolError(AssertionError):
    """The peer sent something RFC 9112 does not allow."""


class Response:
    """One final response; `interim` holds the 1xx heads that came before it."""

    def __init__(self, status, reason, version, headers):
        self.status, self.reason, self.version, self.headers = status, reason, version, headers
        self.body, self.trailers, self.interim, self.chunks = b"", [], [], []

    def all(self, name):
        """Every value of a field, in order."""
        return [v for k, v in self.headers if k.lower() == name.lower()]

    def get(self, name, default=None):
        """The value of a field that must not be repeated."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} is repeated: {values}"
        return values[0] if values else default

    @property
    def text(self):
        return self.body.decode()

    def __repr__(self):
        return f"<{self.status} {self.reason} {self.headers} {self.body[:200]!r}>"


class Client:
    """One connection. Use connect()."""

    def __init__(self, sock):
        self.sock, self.pending = sock, b""
        sock.settimeout(TIMEOUT)
        open_clients.append(self)

    def send(self, data):
        self.sock.sendall(data.encode("latin-1") if isinstance(data, str) else data)
        return self

    def request(self, target="/", method="GET", headers=(), body=None, host="localhost",
                version="1.1"):
        """Send one well-formed request; a body gets its Content-Length."""
        fields = list(headers.items() if isinstance(headers, dict) else headers)
        if host is not None:
            fields.insert(0, ("Host", host))
        if body is not None:
            fields.append(("Content-Length", str(len(body))))
        head = f"{method} {target} HTTP/{version}\r\n"
        head += "".join(f"{k}: {v}\r\n" for k, v in fields) + "\r\n"
        return self.send(head.encode("latin-1") + (body or b""))

    def get(self, target="/", **kw):
        """A request and its response."""
        self.request(target, **kw)
        return self.recv_response(head=kw.get("method") == "HEAD")

    def recv_some(self):
        """The next bytes, whatever they are; b'' at the end of the connection."""
        if self.pending:
            data, self.pending = self.pending, b""
            return data
        return self.sock.recv(65536)

    def _more(self, why):
        data = self.sock.recv(65536)
        if not data:
            raise ProtocolError(f"connection closed inside {why}: {self.pending!r}")
        self.pending += data

    def recv_line(self):
        while b"\r\n" not in self.pending:
            self._more("a line")
        line, self.pending = self.pending.split(b"\r\n", 1)
        if b"\r" in line or b"\n" in line:
            raise ProtocolError(f"bare CR or LF in {line!r}")
        return line

    def recv_exact(self, n):
        data, self.pending = bytearray(self.pending), b""
        while len(data) < n:
            more = self.sock.recv(1 << 20)
            if not more:
                raise ProtocolError(f"connection closed after {len(data)} of {n} bytes of body")
            data += more
        self.pending = bytes(data[n:])
        return bytes(data[:n])

    def recv_fields(self):
        fields = []
        while True:
            line = self.recv_line()
            if not line:
                return fields
            name, colon, value = line.partition(b":")
            if not colon or not TOKEN.match(name):
                raise ProtocolError(f"not a field line: {line!r}")
            fields.append((name.decode(), value.strip(b" \t").decode("latin-1")))

    def recv_head(self):
        """The next head alone, 1xx included; the body stays unread."""
        line = self.recv_line()
        m = re.match(rb"HTTP/(1\.[01]) ([1-9]\d\d)(?: (.*))?\Z", line)
        if not m:
            raise ProtocolError(f"not a status line: {line!r}")
        reason = (m[3] or b"").decode()
        return Response(int(m[2]), reason, m[1].decode(), self.recv_fields())

    def recv_response(self, head=False):
        """The next final response, whole. `head` when the request was HEAD."""
        interim = []
        while True:
            r = self.recv_head()
            if not 100 <= r.status < 200 or r.status == 101:
                break
            interim.append(r)
        r.interim = interim
        self._recv_body(r, head)
        return r

    def _recv_body(self, r, head):
        length, coding = r.get("Content-Length"), r.get("Transfer-Encoding")
        if length is not None and coding is not None:
            raise ProtocolError("Content-Length and Transfer-Encoding together")
        if head or r.status in (101, 204, 304):
            return
        if coding is not None:
            self._recv_chunks(r, coding)
        elif length is not None:
            r.body = self.recv_exact(int(length))
        else:
            r.body = self.recv_until_closed()

    def _recv_chunks(self, r, coding):
        if coding.lower() != "chunked":
            raise ProtocolError(f"Transfer-Encoding: {coding}")
        while True:
            chunk = self.recv_chunk()
            if not chunk:
                break
            r.chunks.append(chunk)
        r.body = b"".join(r.chunks)
        r.trailers = self.recv_fields()

    def recv_chunk(self):
        """One chunk's data; b'' for the last one, whose trailers stay unread."""
        line = self.recv_line()
        if not re.match(rb"[0-9a-fA-F]+(;.*)?\Z", line):
            raise ProtocolError(f"not a chunk size: {line!r}")
        size = int(line.split(b";")[0], 16)
        data = self.recv_exact(size)
        if size and self.recv_exact(2) != b"\r\n":
            raise ProtocolError("a chunk does not end in CRLF")
        return data

    def recv_until_closed(self):
        """All bytes up to the end of the connection; a reset counts as its end."""
        data, self.pending = bytearray(self.pending), b""
        try:
            while more := self.sock.recv(65536):
                data += more
        except ConnectionResetError:
            pass
        return bytes(data)

    def closed(self):
        """Assert that the peer closes and sends nothing more."""
        rest = self.recv_until_closed()
        assert rest == b"", f"expected the end of the connection, got {rest!r}"
        return True

    def end(self):
        """No more bytes from our side (FIN); we still read."""
        self.sock.shutdown(socket.SHUT_WR)
        return self

    def reset(self):
        """Leave rudely: RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self):
        self.sock.close()
        if self in open_clients:
            open_clients.remove(self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def connect(where, rcvbuf=None):
    """A Client to a port on 127.0.0.1, to (host, port), to a socket's path or to a Proxy."""
    where = getattr(where, "port", where)
    if isinstance(where, str):
        sock = socket.socket(socket.AF_UNIX)
    elif isinstance(where, tuple) and ":" in where[0]:
        sock = socket.socket(socket.AF_INET6)
    else:
        sock = socket.socket(socket.AF_INET)
        where = where if isinstance(where, tuple) else ("127.0.0.1", where)
    if rcvbuf:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
    sock.settimeout(TIMEOUT)
    sock.connect(where)
    return Client(sock)


def get(where, target="/", **kw):
    """One request on a connection of its own."""
    with connect(where) as c:
        return c.get(target, **kw)


def raw(where, data):
    """Send bytes, return all that comes back until the peer closes."""
    with connect(where) as c:
        try:
            c.send(data)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return c.recv_until_closed()


def close_all():
    for client in list(open_clients):
        client.close()
