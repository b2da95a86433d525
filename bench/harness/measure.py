"""One measurement: a fresh program, warmed up, one row of work, a dictionary of figures."""

import resource
import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

from .drivers import Drivers
from .process import REQUEST, Failed, Process
from .rows import IDLE_CONNECTIONS, Row

HOLD_LIMIT = 60  # seconds


class Bench:
    """What stays the same over a run: where things are and how long to measure."""

    def __init__(self, args, out: Path, ports: dict[str, int], configs, binaries: dict[str, str]):
        self.args = args
        self.out = out
        self.ports = ports
        self.configs = configs
        self.binaries = binaries
        self.drivers = Drivers(out, binaries["tls_client"], ports["proxy"])

    def command(self, program: str, conf: str) -> list[str]:
        binary = self.binaries[program]
        if program == "relay":
            return [binary, str(self.ports["proxy"]), str(self.ports["backend"])]
        of = {language: str(path) for language, path in self.configs[conf].items()}
        if program == "haproxy":
            return [binary, "-db", "-q", "-f", of["haproxy"]]
        if program == "h2o":
            return [binary, "-c", of["h2o"]]
        if program == "nghttpx":
            return [binary, f"--conf={of['nghttpx']}"]
        return [binary, "-p", str(self.out), "-c", of["nginx"], "-g", "daemon off;"]

    def start(self, program: str, conf: str) -> Process:
        log = self.out / f"{program}.log"
        try:
            return Process(self.command(program, conf), self.args.proxy_core, log)
        except OSError as error:
            raise Failed(str(error)) from error

    def measure(self, program: str, row: Row) -> dict[str, float]:
        """The figures of one round. Raises Failed."""
        with self.start(program, row.conf) as process:
            seconds = process.wait_until_it_answers(self.ports["proxy"], row.opening)
            if row.kind == "start":
                return {"start_ms": seconds * 1000}
            if row.kind == "idle":
                return self.idle(process, row)
            self.drivers.run(row, self.args.warmup)
            return self.loaded(process, row)

    def loaded(self, process: Process, row: Row) -> dict[str, float]:
        before = process.cpu_ns()
        figures = self.drivers.run(row, self.args.seconds)
        cpu_us = (process.cpu_ns() - before) / 1000
        process.check()
        return {
            "cpu_us": cpu_us / figures["requests"],
            "rps": figures["requests"] / figures["seconds"],
            "p50_us": figures["p50_us"],
            "p99_us": figures["p99_us"],
            "busy": cpu_us / 1e6 / figures["seconds"],
        }

    def idle(self, process: Process, row: Row) -> dict[str, float]:
        """Each connection has had one request answered before it falls idle, as in real life."""
        with self.hold(row, 16):
            pass
        time.sleep(0.5)
        empty = process.memory_kib()
        count = most_connections()
        with self.hold(row, count):
            time.sleep(1)
            process.check()
            full = process.memory_kib()
        each_kib = (full["user"] - empty["user"]) / count
        return {
            "empty_kib": empty["user"],
            "resident_kib": empty["resident"],
            "full_kib": empty["user"] + each_kib * IDLE_CONNECTIONS,
            "connection_bytes": each_kib * 1024,
        }

    def hold(self, row: Row, count: int):
        if row.opening == "tls":
            return hold_tls(self.binaries["tls_client"], self.ports["proxy"], count)
        return hold(self.ports["proxy"], count)


def most_connections() -> int:
    """10,000, or a few less where the limit of descriptors would be in a relay's way."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(IDLE_CONNECTIONS, limit // 2 - 50)


def hold(port: int, count: int) -> ExitStack:
    """Open connections, each with one answered request; they are closed with the stack."""
    stack = ExitStack()
    until = time.monotonic() + HOLD_LIMIT
    try:
        for _ in range(count):
            if time.monotonic() > until:
                raise OSError(f"not all of {count} answered in {HOLD_LIMIT} s")
            s = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
            s.sendall(REQUEST)
            read_answer(s)
    except OSError as error:
        stack.close()
        raise Failed(f"idle connections: {error}") from error
    return stack


def read_answer(s: socket.socket):
    """Read an answer of 1 KiB and its head."""
    seen = b""
    while len(seen.partition(b"\r\n\r\n")[2]) < 1024:
        piece = s.recv(4096)
        if not piece.strip():
            raise OSError("closed before its answer was whole")
        seen += piece


@contextmanager
def hold_tls(client: str, port: int, count: int):
    """The same over TLS; a program of ours holds them."""
    command = [client, "hold", str(port), str(count)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        if process.stdout.readline() != b"ready\n":
            raise Failed("idle connections: not all were answered")
        yield
        process.stdin.close()
