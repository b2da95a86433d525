"""A minute of everything at once: load, a reload every second, a killed worker, a binary upgrade, backends
that die and come back. The only requests that may fail were under way inside the killed process.

USHER_SOAK_SECONDS changes the length.
"""
import os
import signal
import threading
import time

from client import ProtocolError, connect
from origin import Origin, reply
from proxy import session_pids
from wait import until

SECONDS = float(os.environ.get("USHER_SOAK_SECONDS", "60"))
CLIENTS, PAUSE = 6, 0.01
BODY = b"x" * 4096
CONF = """
upstream backends { server %%B1%% fail_timeout=1s; server %%B2%% fail_timeout=1s; }
server {
    listen 127.0.0.1:%%PORT%%;
    location / { proxy_pass http://backends; proxy_connect_timeout 2s; }
}
"""


class Load(threading.Thread):
    """One client: requests one after another, some on a kept connection, some on fresh ones."""

    def __init__(self, soak, number):
        super().__init__(daemon=True)
        self.soak, self.number, self.client, self.used = soak, number, None, 0.0

    def run(self):
        n = 0
        while not self.soak.stop.is_set():
            n += 1
            if n % 5 == self.number % 5:
                self.drop()
            self.request(f"/{self.number}/{n}")
            time.sleep(PAUSE)  # the pace, not a synchronisation
        self.drop()

    def drop(self):
        if self.client:
            self.client.close()
        self.client = None

    def request(self, target):
        began, reused = time.monotonic(), self.client is not None
        try:
            self.exchange(target)
        except (OSError, ProtocolError) as e:
            self.drop()
            if reused and self.soak.process_ended_since(self.used):
                self.request(target)  # a kept connection ended with its process: any client tries again
            else:
                self.soak.failed(began, target, e)
        self.used = time.monotonic()

    def exchange(self, target):
        if self.client is None:
            self.client = connect(self.soak.proxy)
        r = self.client.get(target)
        if r.status != 200 or r.body != BODY:
            raise ProtocolError(str(r))
        self.soak.count += 1
        if r.get("Connection") == "close":
            self.drop()


class Soak:
    def __init__(self, proxy):
        self.proxy, self.stop, self.count = proxy, threading.Event(), 0
        self.kills, self.ends, self.problems, self.reloads = [], [], [], 0
        self.lock = threading.Lock()
        self.threads = [Load(self, i) for i in range(CLIENTS)]

    def process_ended_since(self, moment):
        return any(t >= moment - 0.05 for t in self.kills + self.ends)

    def failed(self, began, target, error):
        now = time.monotonic()
        if not any(began <= k <= now for k in self.kills):
            with self.lock:
                self.problems.append(f"{target} at {now:.3f}: {error!r}")

    def children(self):
        pid = self.proxy.pid
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            return [int(c) for c in f.read().split()]

    def reload(self):
        self.proxy.configure(CONF + f"# {self.reloads}\n")
        self.reloads += 1
        self.proxy.reload()

    def kill_worker(self):
        [worker] = until(self.children, "a worker")
        self.kills.append(time.monotonic())
        os.kill(worker, signal.SIGKILL)
        until(lambda: [c for c in self.children() if c != worker], "the next worker")

    def upgrade(self):
        p, old = self.proxy, self.proxy.pid
        os.kill(old, signal.SIGUSR2)
        aside = p.prefix / "logs/usher.pid.oldbin"
        until(lambda: aside.exists() and (p.prefix / "logs/usher.pid").exists(), "the new program")
        until(self.children, "its worker")
        self.ends.append(time.monotonic())
        os.kill(old, signal.SIGQUIT)
        until(lambda: not living(old), "the old program's end")
        self.ends.append(time.monotonic())


def living(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def rss_kib(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


def end(proxy):
    """The upgraded program is not the one that was started: it is ended here, by its pid file."""
    sid = proxy.process.pid
    os.kill(proxy.pid, signal.SIGQUIT)
    until(lambda: not session_pids(sid), "every process to end", timeout=15)
    proxy.process.wait(5)
    proxy.process = None
    proxy.judge_logs()


def test_nothing_is_lost_but_what_was_inside_the_killed_process(usher, stage):
    answer = reply(BODY)
    backends = [Origin(answer), Origin(answer)]
    stage.origins += backends
    proxy = usher(CONF, B1=backends[0], B2=backends[1], main="worker_processes 4;",
                  may_log=r"exited on signal 9")
    soak = Soak(proxy)
    for t in soak.threads:
        t.start()
    began, turn, early = time.monotonic(), 0, None
    while time.monotonic() - began < SECONDS:
        turn += 1
        next_turn = time.monotonic() + 1
        soak.reload()
        if turn % 10 == 3:
            soak.kill_worker()
        if turn % 10 == 6:
            soak.upgrade()
        which = (turn // 8) % 2
        if turn % 8 == 4:
            backends[which].die()
        if turn % 8 == 6:
            backends[which] = Origin(answer, port=backends[which].port)
            stage.origins.append(backends[which])
        if turn == 8:
            early = rss_kib(soak.children()[0])
        soak.stop.wait(max(0, next_turn - time.monotonic()))
    late = rss_kib(soak.children()[0])
    soak.stop.set()
    for t in soak.threads:
        t.join(15)
    end(proxy)
    assert soak.problems == []
    assert soak.count > 20 * SECONDS and soak.reloads > 0.7 * SECONDS
    if early:
        assert late < 2 * early + 4096, f"memory grew from {early} to {late} KiB"
