"""A program under measurement: pinned to a core, watched through /proc, ended with its children.

Only processes that were started here are ever looked at or ended."""

import os
import signal
import socket
import ssl
import subprocess
import time
from pathlib import Path

START_LIMIT = 20.0  # seconds; the 50,000 locations take their time to read
STOP_LIMIT = 5.0
REQUEST = b"GET /part00/page HTTP/1.1\r\nHost: site0000.example\r\n\r\n"  # each conf has it
H2_SETTINGS = b"\x04"
H2_OPENING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0" + H2_SETTINGS + b"\0\0\0\0\0"


class Failed(Exception):
    """A program could not do its work; the text says why. Its row becomes "n/a"."""


def free_ports(count: int) -> list[int]:
    """Port numbers that nobody uses at this moment."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    numbers = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return numbers


def unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def answers(port: int, opening: str = "http") -> bool:
    """True when a request to the port is answered well; opening says how a connection begins."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as s:
            if opening == "h2c":
                s.sendall(H2_OPENING)
                return s.recv(4096)[3:4] == H2_SETTINGS
            if opening == "tls":
                s = unverified().wrap_socket(s)
            s.sendall(REQUEST)
            return s.recv(4096).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def parent(pid: str) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    return int(stat.rpartition(")")[2].split()[1])


class Process:
    """Started by the constructor; use it in a `with`, which ends it."""

    def __init__(self, argv: list[str], core: int, log: Path):
        self.argv = argv
        self.log = log
        self.begun = time.monotonic()
        with log.open("wb") as output:
            self.child = subprocess.Popen(
                ["taskset", "-c", str(core), *argv], stdout=output, stderr=output, cwd=log.parent
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def wait_until_it_answers(self, port: int, opening: str = "http") -> float:
        """Seconds from the start to the first answer. Raises Failed when none comes."""
        while not answers(port, opening):
            self.check()
            if time.monotonic() - self.begun > START_LIMIT:
                raise Failed("does not answer on its port")
            time.sleep(0.0005)
        return time.monotonic() - self.begun

    def check(self):
        if self.child.poll() is not None:
            words = self.log.read_text(errors="replace").strip().splitlines() or ["said nothing"]
            raise Failed(f"exited with {self.child.returncode}: {words[-1][:120]}")

    def family(self) -> list[int]:
        """The program's processes: the one that was started and its descendants."""
        parents = {int(p): parent(p) for p in os.listdir("/proc") if p.isdigit()}
        family = [self.child.pid]
        for pid in family:
            family += [child for child, its_parent in parents.items() if its_parent == pid]
        return family

    def cpu_ns(self) -> int:
        """CPU time of all the program's threads so far."""
        return sum(
            int(stat.read_text().split()[0])
            for pid in self.family()
            for stat in Path(f"/proc/{pid}/task").glob("*/schedstat")
        )

    def memory_kib(self) -> dict[str, int]:
        """"user" is what the program wrote (anonymous and shared memory, each page counted once
        however many of its processes map it); "resident" also has the pages of files."""
        user = resident = 0
        for pid in self.family():
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
            kib = {line.split(":")[0]: int(line.split()[1]) for line in lines}
            user += kib["Pss_Anon"] + kib["Pss_Shmem"]
            resident += kib["Pss"]
        return {"user": user, "resident": resident}

    def stop(self):
        family = self.family()
        self.child.terminate()
        try:
            self.child.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        for pid in family[1:]:
            end_orphan(pid)


def end_orphan(pid: int):
    """Wait for a descendant to follow its parent, and make it when it does not."""
    until = time.monotonic() + STOP_LIMIT
    while Path(f"/proc/{pid}").exists():
        if time.monotonic() > until:
            os.kill(pid, signal.SIGKILL)
            return
        time.sleep(0.005)
