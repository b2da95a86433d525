"""Who makes the load: a command for each kind of work, and the figures in what it says.

All of them offer TLS 1.3 with one cipher and one group, so that every program does the same work,
whatever it would choose by itself. wrk and h2load are told by OpenSSL's own configuration file."""

import json
import os
import re
import subprocess
from pathlib import Path

from .process import Failed
from .rows import Row

SCRIPT = Path(__file__).with_name("load.lua")
OPENSSL_CONF = """\
openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = tls
[tls]
MinProtocol = TLSv1.3
Ciphersuites = TLS_AES_128_GCM_SHA256
Groups = X25519
"""
GRPC_HEAD = ("-H", "content-type: application/grpc", "-H", "te: trailers")
GRPC_MESSAGE = b"\0\0\0\0\x40" + b"u" * 64
GRPC_ANSWER = 5 + 64  # bytes of body, see grpc_backend.c; a proxy's refusal has none
SCHEMES = {"http": "http", "tls": "https", "h2c": "http"}
H2LOAD_COUNTS = re.compile(r"requests: .* (\d+) done, (\d+) succeeded, (\d+) failed")
H2LOAD_CODES = re.compile(r"status codes: (\d+) 2xx")
H2LOAD_DATA = re.compile(r"traffic: .*\((\d+)\) data")


class Drivers:
    """Knows where the parts are: bench/out, our own client, the port that is asked."""

    def __init__(self, out: Path, client: str, port: int):
        self.out = out
        self.client = client
        self.port = port
        (out / "openssl.cnf").write_text(OPENSSL_CONF)
        (out / "grpc.bin").write_bytes(GRPC_MESSAGE)

    def run(self, row: Row, seconds: int) -> dict[str, float]:
        """Drive the row's work for some seconds. Raises Failed."""
        drive = {
            "wrk": self.wrk,
            "tls_client": self.tls_client,
            "h2load": self.h2load,
            "grpc": self.grpc,
        }[row.driver]
        try:
            figures = drive(row, seconds)
        except (subprocess.SubprocessError, ValueError, IndexError) as error:
            raise Failed(f"{row.driver}: {error}") from error
        judge(figures)
        return figures

    def say(self, command: list[str], seconds: int) -> str:
        """What a command says; it runs on the core of this process."""
        conf = {"OPENSSL_CONF": str(self.out / "openssl.cnf")}
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=seconds + 15,
            check=True,
            env={**os.environ, **conf},
        ).stdout

    def url(self, row: Row) -> str:
        return f"{SCHEMES[row.opening]}://127.0.0.1:{self.port}{row.path}"

    def wrk(self, row: Row, seconds: int) -> dict[str, float]:
        size = ["-t", "1", "-c", str(row.connections), "-d", f"{seconds}s", "--latency"]
        command = ["wrk", *size, "-s", str(SCRIPT), self.url(row), "--", *row.mode]
        return json.loads(self.say(command, seconds).strip().splitlines()[-1])

    def tls_client(self, row: Row, seconds: int) -> dict[str, float]:
        command = [self.client, *row.mode, str(self.port), str(row.connections), str(seconds)]
        return json.loads(self.say(command, seconds))

    def h2load(self, row: Row, seconds: int, more: tuple[str, ...] = ()) -> dict[str, float]:
        log = self.out / "h2load.log"
        log.unlink(missing_ok=True)
        size = ["-c", str(row.connections), "-D", str(seconds), f"--log-file={log}"]
        said = self.say(["h2load", *size, *row.mode, *more, self.url(row)], seconds)
        done, good, failed = map(int, matched(H2LOAD_COUNTS, said))
        took = sorted(int(line.split("\t")[2]) for line in log.open())
        return {
            "requests": good,
            "seconds": seconds,
            "p50_us": took[len(took) // 2],
            "p99_us": took[len(took) * 99 // 100],
            "refused": done - int(matched(H2LOAD_CODES, said)[0]),
            "failed": failed,
            "data": int(matched(H2LOAD_DATA, said)[0]),
        }

    def grpc(self, row: Row, seconds: int) -> dict[str, float]:
        figures = self.h2load(row, seconds, ("-d", str(self.out / "grpc.bin"), *GRPC_HEAD))
        answered = figures["data"] // GRPC_ANSWER
        return {**figures, "refused": max(0, figures["requests"] - answered)}


def matched(pattern: re.Pattern, said: str) -> tuple[str, ...]:
    found = pattern.search(said)
    if found is None:
        raise ValueError(f"no {pattern.pattern!r} in what it said")
    return found.groups()


def judge(figures: dict[str, float]):
    """A fast refusal is no answer: a run with wrong answers has no figures."""
    wrong = figures["refused"] + figures["failed"]
    if figures["requests"] == 0 or wrong > figures["requests"] / 1000:
        raise Failed(
            f"of {figures['requests']} requests {figures['refused']} got an error status,"
            f" {figures['failed']} failed"
        )
