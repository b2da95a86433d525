"""A scripted backend: says exactly what the test wants and remembers every byte it was sent.

script is one of
    bytes            the same raw reply to every request
    [bytes, ...]     the n-th request (over all connections) gets the n-th reply, then the last
    f(conn, request) a function, run on the connection's own thread; it returns bytes to send, or
                     None when it has itself used conn.send, close, reset or wait_closed
Connections stay open until the script closes them or a reply says `Connection: close`.
"""
import os
import socket
import struct
import threading

from wait import until

TIMEOUT = 10.0


def reply(body=b"", status="200 OK", headers=(), **fields):
    """A raw response with Content-Length. reply(b"x", Content_Type="text/plain")."""
    body = body.encode() if isinstance(body, str) else body
    pairs = list(headers) + [(k.replace("_", "-"), v) for k, v in fields.items()]
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n"
    head += "".join(f"{k}: {v}\r\n" for k, v in pairs)
    return head.encode("latin-1") + b"\r\n" + body


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def chunked(pieces, status="200 OK", headers=(), trailers=()):
    """A raw response in chunks."""
    head = f"HTTP/1.1 {status}\r\nTransfer-Encoding: chunked\r\n"
    head += "".join(f"{k}: {v}\r\n" for k, v in headers) + "\r\n"
    tail = "0\r\n" + "".join(f"{k}: {v}\r\n" for k, v in trailers) + "\r\n"
    return head.encode() + b"".join(chunk(p) for p in pieces) + tail.encode()


class Request:
    """One request as it came; `head` is its raw bytes including the empty line."""

    def __init__(self, head):
        self.head, self.body, self.trailers = head, b"", []
        lines = head.decode("latin-1").split("\r\n")
        self.line = lines[0]
        self.method, self.target, self.version = lines[0].split(" ")
        self.headers = [tuple(p.strip() for p in h.split(":", 1)) for h in lines[1:] if h]

    def all(self, name):
        return [v for k, v in self.headers if k.lower() == name.lower()]

    def get(self, name, default=None):
        values = self.all(name)
        assert len(values) <= 1, f"{name} is repeated: {values}"
        return values[0] if values else default

    def __repr__(self):
        return f"<{self.line} {self.headers}>"


class Gone(Exception):
    """The proxy closed the connection."""


class Conn:
    """One connection from the proxy, as the script sees it."""

    def __init__(self, sock, number):
        self.sock, self.number, self.received, self.pending = sock, number, bytearray(), b""
        self.open, self.gone, self.requests = True, threading.Event(), []
        sock.settimeout(None)

    def recv_some(self):
        """More bytes from the proxy; raises Gone at the end of the connection."""
        try:
            data = self.sock.recv(65536)
        except OSError:
            data = b""
        if not data:
            self.gone.set()
            raise Gone
        self.received += data
        self.pending += data
        return data

    def recv_exact(self, n):
        data, self.pending = bytearray(self.pending), b""
        while len(data) < n:
            data += self.recv_some()
            self.pending = b""
        self.pending = bytes(data[n:])
        return bytes(data[:n])

    def recv_line(self):
        while b"\r\n" not in self.pending:
            self.recv_some()
        line, self.pending = self.pending.split(b"\r\n", 1)
        return line

    def recv_head(self):
        while b"\r\n\r\n" not in self.pending:
            self.recv_some()
        head, self.pending = self.pending.split(b"\r\n\r\n", 1)
        return Request(head + b"\r\n\r\n")

    def read_body(self, request):
        """Read the request's body into request.body. With read_body=False the script calls it."""
        if request.get("Transfer-Encoding") is not None:
            while True:
                size = int(self.recv_line().split(b";")[0], 16)
                if size == 0:
                    break
                request.body += self.recv_exact(size)
                assert self.recv_exact(2) == b"\r\n", "a chunk does not end in CRLF"
            while line := self.recv_line():
                request.trailers.append(tuple(line.decode("latin-1").split(": ", 1)))
        else:
            request.body = self.recv_exact(int(request.get("Content-Length", "0")))
        return request.body

    def send(self, data):
        """Send bytes; returns False when the proxy is gone."""
        try:
            self.sock.sendall(data.encode() if isinstance(data, str) else data)
            return True
        except OSError:
            return False

    def wait_closed(self):
        """Block until the proxy closes this connection (a backend that stalls)."""
        try:
            while True:
                self.recv_some()
        except Gone:
            return

    def close(self):
        self.open = False
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()

    def reset(self):
        """Close with RST."""
        self.open = False
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


class Origin:
    """Use the origin fixture. `address` goes into the configuration."""

    def __init__(self, script, path=None, read_body=True, host="127.0.0.1", port=0, tls=None):
        """tls: an ssl.SSLContext; failed handshakes are in `refused`."""
        self.script, self.read_body, self.path = script, read_body, path
        self.tls, self.refused = tls, []
        self.requests, self.connections, self.errors, self.threads = [], [], [], []
        self.lock, self.stopping = threading.Lock(), False
        self.listener = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(path if path else (host, port))
        if path:
            os.chmod(path, 0o777)
        self.port = None if path else self.listener.getsockname()[1]
        self.address = f"unix:{path}" if path else f"{host}:{self.port}"
        self.listener.listen(1024)
        self._start(self._accept)

    @property
    def received(self):
        """Every byte that came, over all connections."""
        return b"".join(bytes(c.received) for c in self.connections)

    def wait_requests(self, n):
        """Wait until n requests have come; returns them."""
        until(lambda: len(self.requests) >= n, f"{n} requests at the origin")
        return self.requests

    def _start(self, f, *args):
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
            conn = Conn(sock, len(self.connections))
            self.connections.append(conn)
            self._start(self._serve, conn)

    def _shake_hands(self, conn):
        if self.tls is None:
            return
        try:
            conn.sock = self.tls.wrap_socket(conn.sock, server_side=True)
        except OSError as e:
            self.refused.append(e)
            raise Gone from e

    def _serve(self, conn):
        try:
            self._shake_hands(conn)
            while conn.open:
                self._exchange(conn)
        except Gone:
            pass
        except Exception as e:  # a broken script must fail its test, not vanish in a thread
            if not self.stopping:
                self.errors.append(e)
        finally:
            if conn.open:
                conn.close()

    def _exchange(self, conn):
        request = conn.recv_head()
        if self.read_body:
            conn.read_body(request)
        with self.lock:
            number = len(self.requests)
            self.requests.append(request)
            conn.requests.append(request)
        data = self._answer(conn, request, number)
        if data is not None and conn.open:
            conn.send(data)
            if b"\r\nconnection: close\r\n" in data.split(b"\r\n\r\n")[0].lower() + b"\r\n":
                conn.close()

    def _answer(self, conn, request, number):
        if isinstance(self.script, bytes):
            return self.script
        if isinstance(self.script, list):
            return self.script[min(number, len(self.script) - 1)]
        return self.script(conn, request)

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
