"""Scripted uwsgi, SCGI and memcached servers: Origins whose connections speak those. Requests are read strictly."""
import struct

from origin import Gone, Origin


class CgiRequest:
    """params in the order they came; uwsgi's packet has modifiers too."""

    def __init__(self, pairs, modifiers=None, body=b""):
        self.pairs, self.modifiers, self.body = pairs, modifiers, body
        self.params = dict(pairs)

    @property
    def method(self):
        return self.params.get("REQUEST_METHOD")


def echo(conn, request):
    """Says what it was asked, but for what is bound to one hop, which usher leaves out."""
    bound = ("HTTP_CONNECTION", "HTTP_PROXY", "HTTP_TE", "HTTP_UPGRADE", "HTTP_CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING", "HTTP_KEEP_ALIVE")
    lines = "".join(f"{k}={v}\n" for k, v in request.pairs if k not in bound)
    return b"Content-Type: text/plain\r\n\r\n" + f"{request.modifiers}\n{lines}".encode("latin-1") + request.body


class CgiOrigin(Origin):
    """Closes after an answer."""

    def _exchange(self, conn):
        request = self.recv_request(conn)
        with self.lock:
            number = len(self.requests)
            self.requests.append(request)
        data = self._answer(conn, request, number)
        if data is not None and conn.open:
            conn.send(data)
            conn.close()


class UwsgiOrigin(CgiOrigin):
    def recv_request(self, conn):
        modifier1, size, modifier2 = struct.unpack("<BHB", conn.recv_exact(4))
        data, pairs = conn.recv_exact(size), []
        while data:
            texts = []
            for _ in range(2):
                n, = struct.unpack("<H", data[:2])
                assert len(data) >= 2 + n, "a parameter is cut off"
                texts.append(data[2:2 + n].decode("latin-1"))
                data = data[2 + n:]
            pairs.append(tuple(texts))
        length = dict(pairs).get("CONTENT_LENGTH") or "0"
        return CgiRequest(pairs, (modifier1, modifier2), conn.recv_exact(int(length)))


class ScgiOrigin(CgiOrigin):
    def recv_request(self, conn):
        digits = b""
        while not digits.endswith(b":"):
            digits += conn.recv_exact(1)
        texts = conn.recv_exact(int(digits[:-1])).split(b"\0")
        assert texts.pop() == b"" and len(texts) % 2 == 0 and conn.recv_exact(1) == b","
        texts = [t.decode("latin-1") for t in texts]
        pairs = list(zip(texts[::2], texts[1::2]))
        assert pairs[0][0] == "CONTENT_LENGTH"
        return CgiRequest(pairs, None, conn.recv_exact(int(pairs[0][1])))


class MemcachedOrigin(Origin):
    """script: what a line is answered with; b"" closes. A dict has answers by key, and END for the rest."""

    def _exchange(self, conn):
        line = b""
        while not line.endswith(b"\r\n"):
            line += conn.recv_exact(1)
        assert line.startswith(b"get ") and line.count(b" ") == 1, line
        key = line[4:-2].decode("latin-1")
        self.requests.append(key)
        if isinstance(self.script, dict):
            conn.send(self.script.get(key, b"END\r\n"))
            return
        data = self._answer(conn, key, len(self.requests) - 1)
        if data:
            conn.send(data)
        else:
            conn.close()
            raise Gone
