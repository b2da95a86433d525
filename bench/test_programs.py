"""Our own programs must be right before they may be fast: what they answer, byte for byte."""

import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from harness import configs  # noqa: E402
from harness.process import Process, free_ports  # noqa: E402

BUILT = Path(os.environ.get("BENCH_BUILT", "build/bench"))
CORE = min(os.sched_getaffinity(0))


def request(path: str, more: str = "", body: bytes = b"", method: str = "GET") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: a\r\n{more}\r\n".encode() + body


class Connection:
    def __init__(self, port: int):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send(self, data: bytes):
        self.socket.sendall(data)

    def answer(self) -> tuple[list[bytes], bytes]:
        """The next answer's lines of head, and its body."""
        head = []
        while (line := self.file.readline().rstrip(b"\r\n")) != b"":
            head.append(line)
        length = next(int(h.split(b":")[1]) for h in head if h.startswith(b"Content-Length:"))
        return head, self.file.read(length)


class Programs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        logs = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.origin, cls.relay = free_ports(2)
        for name, ports in (("backend", [cls.origin]), ("relay", [cls.relay, cls.origin])):
            argv = [str((BUILT / name).resolve()), *map(str, ports)]
            process = cls.enterClassContext(Process(argv, CORE, logs / f"{name}.log"))
            process.wait_until_it_answers(ports[0])

    def test_a_path_decides_the_size_of_its_answer(self):
        sizes = {"/": 1024, "/part07/page": 1024, "/static/4k.bin": 4096, "/256k": 256 * 1024}
        for port in (self.origin, self.relay):
            with Connection(port) as c:
                for path, size in sizes.items():
                    c.send(request(path))
                    head, body = c.answer()
                    self.assertEqual(head[0], b"HTTP/1.1 200 OK")
                    self.assertEqual(body, b"u" * size)

    def test_a_posted_body_is_read_before_the_answer_and_is_not_taken_for_a_request(self):
        body = b"GET / HTTP/1.1\r\n\r\n" * 4096
        for port in (self.origin, self.relay):
            with Connection(port) as c:
                c.send(request("/", f"Content-Length: {len(body)}\r\n", body, "POST"))
                self.assertEqual(len(c.answer()[1]), 1024)
                c.send(request("/static/"))
                self.assertEqual(len(c.answer()[1]), 4096)

    def test_requests_sent_together_are_answered_in_their_order(self):
        with Connection(self.relay) as c:
            c.send(request("/256k") + request("/static/") + request("/"))
            self.assertEqual([len(c.answer()[1]) for _ in range(3)], [256 * 1024, 4096, 1024])

    def test_a_request_that_comes_byte_by_byte_is_answered(self):
        with Connection(self.relay) as c:
            for byte in request("/static/"):
                c.send(bytes([byte]))
            self.assertEqual(len(c.answer()[1]), 4096)

    def test_connection_close_is_answered_in_kind(self):
        with Connection(self.origin) as c:
            c.send(request("/", "Connection: close\r\n"))
            self.assertIn(b"Connection: close", c.answer()[0])

    def test_a_client_that_leaves_unanswered_leaves_nothing_to_the_next(self):
        for _ in range(20):
            with Connection(self.relay) as c:
                c.send(request("/static/"))
            with Connection(self.relay) as c:
                c.send(request("/"))
                self.assertEqual(c.answer()[1], b"u" * 1024)


class Grpc(unittest.TestCase):
    def test_each_request_gets_a_message_and_the_status_in_trailers(self):
        (port,) = free_ports(1)
        logs = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (logs / "request").write_bytes(b"\0\0\0\0\0")
        program = [str((BUILT / "grpc_backend").resolve()), str(port)]
        process = self.enterContext(Process(program, CORE, logs / "log"))
        process.wait_until_it_answers(port, "h2c")
        command = ["nghttp", "-nv", "-d", str(logs / "request"), f"http://127.0.0.1:{port}/a/b"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        self.assertIn("DATA frame <length=69, flags=0x00", said)
        self.assertIn("grpc-status: 0", said)


class TlsServer:
    """Answers 1 KiB on TLS connections, one at a time: closes after each, or keeps them."""

    def __init__(self, keep: bool):
        self.kept = []
        self.keep = keep
        with tempfile.TemporaryDirectory() as place:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*configs.make_certificate(Path(place)))
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                self.answer(self.listener.accept()[0])
            except OSError:
                pass  # a client that has had its time leaves as it pleases

    def answer(self, plain: socket.socket):
        plain.settimeout(10)
        s = self.context.wrap_socket(plain, server_side=True)
        s.recv(4096)
        s.sendall(b"HTTP/1.1 200 OK\r\nX: \r\n\r\n" + b"u" * 1024)
        if self.keep:
            self.kept.append(s)
            return
        with s:
            s.unwrap()


class TlsClient(unittest.TestCase):
    def run_against(self, server: TlsServer, mode: str) -> dict[str, float]:
        command = [str(BUILT / "tls_client"), mode, str(server.port), "2", "1"]
        return json.loads(subprocess.check_output(command))

    def test_every_handshake_is_of_the_sort_that_was_asked_for(self):
        server = TlsServer(keep=False)
        full = self.run_against(server, "full")
        self.assertGreater(full["requests"], 2)
        self.assertEqual((full["resumed"], full["refused"], full["failed"]), (0, 0, 0))
        resumed = self.run_against(server, "resume")
        self.assertGreater(resumed["resumed"], 2)
        self.assertGreaterEqual(resumed["resumed"] + 2, resumed["requests"])
        self.assertEqual((resumed["refused"], resumed["failed"]), (0, 0))

    def test_connections_are_held_until_the_input_ends(self):
        server = TlsServer(keep=True)
        command = [str(BUILT / "tls_client"), "hold", str(server.port), "100"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
            self.assertEqual(client.stdout.readline(), b"ready\n")
            self.assertEqual(len(server.kept), 100)
            client.stdin.close()
            self.assertEqual(client.wait(10), 0)


if __name__ == "__main__":
    unittest.main()
