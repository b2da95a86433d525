"""One measurement: a fresh program, warmed up, one row of work, a dictionary of figures."""

import json
import resource
import socket
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

from .process import REQUEST, Failed, Process
from .rows import IDLE_CONNECTIONS, Row

SCRIPT = Path(__file__).with_name("load.lua")
HOLD_LIMIT = 60  # seconds


class Bench:
    """What stays the same over a run: where things are and how long to measure."""

    def __init__(self, args, out: Path, ports: dict[str, int], configs, binaries: dict[str, str]):
        self.args = args
        self.out = out
        self.ports = ports
        self.configs = configs
        self.binaries = binaries

    def command(self, program: str, conf: str) -> list[str]:
        binary = self.binaries[program]
        if program == "relay":
            return [binary, str(self.ports["proxy"]), str(self.ports["backend"])]
        if program == "haproxy":
            return [binary, "-db", "-q", "-f", str(self.configs[conf]["haproxy"])]
        prefix = ["-p", str(self.out), "-c", str(self.configs[conf]["nginx"])]
        return [binary, *prefix, "-g", "daemon off;"]

    def start(self, program: str, conf: str) -> Process:
        log = self.out / f"{program}.log"
        try:
            return Process(self.command(program, conf), self.args.proxy_core, log)
        except OSError as error:
            raise Failed(str(error)) from error

    def measure(self, program: str, row: Row) -> dict[str, float]:
        """The figures of one round. Raises Failed."""
        with self.start(program, row.conf) as process:
            seconds = process.wait_until_it_answers(self.ports["proxy"])
            if row.kind == "start":
                return {"start_ms": seconds * 1000}
            if row.kind == "idle":
                return self.idle(process)
            self.load(row, self.args.warmup)
            return self.loaded(process, row)

    def loaded(self, process: Process, row: Row) -> dict[str, float]:
        before = process.cpu_ns()
        figures = self.load(row, self.args.seconds)
        cpu_us = (process.cpu_ns() - before) / 1000
        process.check()
        return {
            "cpu_us": cpu_us / figures["requests"],
            "rps": figures["requests"] / figures["seconds"],
            "p50_us": figures["p50_us"],
            "p99_us": figures["p99_us"],
            "busy": cpu_us / 1e6 / figures["seconds"],
        }

    def load(self, row: Row, seconds: float) -> dict[str, float]:
        url = f"http://127.0.0.1:{self.ports['proxy']}{row.path}"
        size = ["-t", "1", "-c", str(row.connections), "-d", f"{seconds}s", "--latency"]
        pinned = ["taskset", "-c", str(self.args.load_core), "wrk"]
        command = [*pinned, *size, "-s", str(SCRIPT), url, "--", *row.mode]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=seconds + 15, check=True
            )
            figures = json.loads(done.stdout.strip().splitlines()[-1])
        except (subprocess.SubprocessError, ValueError, IndexError) as error:
            raise Failed(f"wrk: {error}") from error
        judge(figures)
        return figures

    def idle(self, process: Process) -> dict[str, float]:
        """Each connection has had one request answered before it falls idle, as in real life."""
        with hold(self.ports["proxy"], 16):
            pass
        time.sleep(0.5)
        empty = process.memory_kib()
        count = most_connections()
        with hold(self.ports["proxy"], count):
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


def most_connections() -> int:
    """10,000, or a few less where the limit of descriptors would be in a relay's way."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(IDLE_CONNECTIONS, limit // 2 - 50)


def judge(figures: dict[str, float]):
    """A fast refusal is no answer: a run with wrong answers has no figures."""
    wrong = figures["refused"] + figures["failed"]
    if figures["requests"] == 0 or wrong > figures["requests"] / 1000:
        raise Failed(
            f"of {figures['requests']} requests {figures['refused']} got an error status,"
            f" {figures['failed']} failed"
        )


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
