"""A scripted FastCGI responder: an Origin whose connections speak records.

A script is as an Origin's; it gets an FcgiRequest and returns records. Requests are read strictly.
"""
import struct

from origin import Origin

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR = range(1, 8)
KEEP_CONN = 1


def record(kind, data=b"", id=1, version=1, padding=0):
    """One record; data of any type of content, at most 65535 bytes."""
    head = struct.pack(">BBHHBB", version, kind, id, len(data), padding, 0)
    return head + data + b"\0" * padding


def stream(kind, data, **kw):
    """Data as one or more records."""
    return b"".join(record(kind, data[at:at + 65535], **kw) for at in range(0, len(data), 65535))


def end(app_status=0, protocol_status=0):
    return record(END, struct.pack(">IB3x", app_status, protocol_status))


def answer(body=b"", head="", **kw):
    """stdout with a CGI head and a body, and the ends. head: whole lines."""
    body = body.encode() if isinstance(body, str) else body
    data = head.replace("\n", "\r\n").encode() + b"\r\n" + body
    return stream(STDOUT, data, **kw) + record(STDOUT) + end()


class FcgiRequest:
    def __init__(self):
        self.params, self.names, self.body, self.keep_conn = {}, [], b"", None

    @property
    def method(self):
        return self.params.get("REQUEST_METHOD")

    @property
    def target(self):
        return self.params.get("REQUEST_URI")

    def get(self, field, default=None):
        """A field of the client's."""
        return self.params.get("HTTP_" + field.upper().replace("-", "_"), default)

    def take_params(self, data, repeats=False):
        while data:
            name_size, data = self._length(data)
            value_size, data = self._length(data)
            assert len(data) >= name_size + value_size, "a parameter is cut off"
            name = data[:name_size].decode("latin-1")
            assert repeats or name not in self.params, f"{name} is repeated"
            self.params[name] = data[name_size:name_size + value_size].decode("latin-1")
            data = data[name_size + value_size:]

    def _length(self, data):
        if data[0] < 128:
            return data[0], data[1:]
        return struct.unpack(">I", data[:4])[0] & 0x7fffffff, data[4:]


class FcgiOrigin(Origin):
    """Use the fcgi fixture. Closes after an answer unless KEEP_CONN was asked for.

    repeats: a parameter may come again, and the last one counts, as with PHP.
    """

    def __init__(self, script, repeats=False, **kw):
        self.repeats = repeats
        super().__init__(script, **kw)

    def recv_record(self, conn):
        version, kind, id, size, padding, _ = struct.unpack(">BBHHBB", conn.recv_exact(8))
        assert (version, id) == (1, 1), (version, id)
        data = conn.recv_exact(size)
        conn.recv_exact(padding)
        return kind, data

    def recv_stream(self, conn, kind):
        """All of a stream, up to its empty record."""
        data = bytearray()
        while True:
            got, piece = self.recv_record(conn)
            assert got == kind, f"record {got} within stream {kind}"
            if not piece:
                return bytes(data)
            data += piece

    def _exchange(self, conn):
        request = FcgiRequest()
        kind, data = self.recv_record(conn)
        assert kind == BEGIN and len(data) == 8 and data[:2] == b"\0\1", (kind, data)
        request.keep_conn = bool(data[2] & KEEP_CONN)
        request.take_params(self.recv_stream(conn, PARAMS), self.repeats)
        if self.read_body:
            request.body = self.recv_stream(conn, STDIN)
        with self.lock:
            number = len(self.requests)
            self.requests.append(request)
            conn.requests.append(request)
        data = self._answer(conn, request, number)
        if data is not None and conn.open:
            conn.send(data)
            if not request.keep_conn:
                conn.close()
