"""A scripted name server: answers A and AAAA questions over UDP from a dictionary, and counts them.

records: name -> list of addresses; an absent name is NXDOMAIN; None is silence (a time-out).
"""
import socket
import struct
import threading

A, AAAA = 1, 28


def read_question(data):
    """(name, type, end of the question section)."""
    labels, at = [], 12
    while data[at]:
        labels.append(data[at + 1:at + 1 + data[at]].decode())
        at += 1 + data[at]
    kind, = struct.unpack_from("!H", data, at + 1)
    return ".".join(labels).lower(), kind, at + 5


class NameServer:
    """Use the dns fixture. `address` is for a resolver directive; `records` may change."""

    def __init__(self, records, ttl=1):
        self.records, self.ttl, self.asked = dict(records), ttl, []
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.sock.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while True:
            try:
                data, peer = self.sock.recvfrom(2048)
            except OSError:
                return
            if len(data) < 17:
                return
            answer = self._answer(data)
            if answer:
                self.sock.sendto(answer, peer)

    def _answer(self, data):
        name, kind, end = read_question(data)
        self.asked.append((name, kind))
        addresses = self.records.get(name, [])
        if addresses is None:
            return None
        family = socket.AF_INET if kind == A else socket.AF_INET6
        mine = [a for a in addresses if (":" in a) == (kind == AAAA)] if kind in (A, AAAA) else []
        rcode = 0 if name in self.records else 3
        head = data[:2] + struct.pack("!HHHHH", 0x8180 | rcode, 1, len(mine), 0, 0)
        body = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, self.ttl, len(raw)) + raw
                        for raw in (socket.inet_pton(family, a) for a in mine))
        return head + data[12:end] + body

    def stop(self):
        # A datagram too short to be a question wakes the thread and ends it.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"", self.sock.getsockname())
        self.thread.join(5)
        self.sock.close()
