"""The binary under test: usher, or nginx, with a configuration and a directory of its own.

The same tests run against both (USHER_BIN=/usr/sbin/nginx): so a test that was written from nginx's
documentation is checked against nginx itself.
"""
import os
import pathlib
import re
import random
import shutil
import signal
import socket
import subprocess
import tempfile

from wait import until

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = os.environ.get("USHER_BIN", str(ROOT / "build" / "usher"))


def is_nginx(program):
    return os.path.basename(program).startswith("nginx")


IS_NGINX = is_nginx(BIN)
THREADS = os.environ.get("USHER_THREADS")  # where a test asks for no number of its own

# What may never stand in a log after a test: our bugs, and the sanitizers' words for them.
BAD = re.compile(r"\[(alert|emerg)\]|ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:"
                 r"|must\(|exited on signal")
# nginx starts a worker for a new configuration; usher swaps a snapshot and says so.
RELOADED = re.compile(r"\[notice\].*(gracefully shutting down|adopted|reloaded)|\[emerg\]")

NGINX_TEMP = "".join(f"{m}_temp_path tmp/{m};\n" for m in
                     ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))


# Tests that run beside each other (pytest-xdist's gw0, gw1 …) each draw from ports of their own.
BESIDE = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
MINE = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])


def free_port(promised=()):
    """A port that nobody holds and that is not promised, outside the kernel's range for outgoing connections."""
    while True:
        port = random.randrange(10240 + MINE, 32000, BESIDE)
        if port in promised:
            continue
        with socket.socket() as s:
            try:
                s.bind(("0.0.0.0", port))
                return port
            except OSError:
                continue


def session_pids(sid):
    """Living processes of a session: what a proxy leaves behind when it should not."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = pathlib.Path("/proc", entry, "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == sid and fields[0] != "Z":
                found.append(int(entry))
    return found


class Proxy:
    """A running proxy. Use the usher fixture.

    text    %%PORT%%, %%PORT2%%, … become free ports; %%PREFIX%% the directory; %%NAME%% the keyword
            argument NAME. Unless it has an `events` block it is put inside events{} http{}.
    main    directives for the top level; bare=True hands the text over as it stands;
    may_log a regular expression of [alert]/[emerg] lines that this test expects.
    """

    def __init__(self, text, main="", bare=False, may_log=None, files=None, args=(), program=BIN,
                 **names):
        self.prefix = pathlib.Path(tempfile.mkdtemp(prefix="usher-e2e-"))
        self.prefix.chmod(0o755)
        self.program, self.is_nginx = program, is_nginx(program)
        self.ports, self.names, self.bare, self.main = {}, names, bare, main
        self.may_log, self.args, self.process = may_log, list(args), None
        self.conf = "usher.conf"
        for d in ("logs", "tmp", "html"):
            (self.prefix / d).mkdir()
        for name, content in (files or {}).items():
            self.write(name, content)
        self.configure(text)

    def write(self, name, content):
        """Put a file below the prefix; returns its path."""
        path = self.prefix / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else self.fill(content).encode())
        return path

    def configure(self, text):
        """Write the configuration file (a running proxy reads it at reload())."""
        text = self.fill(text)
        if not self.bare and not re.search(r"^\s*events\b", text, re.M):
            temp = NGINX_TEMP if self.is_nginx else ""
            text = (f"{self.main}\nevents {{ }}\nhttp {{\naccess_log logs/access.log;\n"
                    f"{temp}{text}\n}}\n")
        if THREADS and not self.bare and not self.is_nginx and "worker_processes" not in text:
            text = f"worker_processes {THREADS};\n{text}"
        new = self.prefix / "usher.conf.new"
        new.write_text(text)
        new.rename(self.prefix / "usher.conf")  # whole at every moment: a reload may be reading

    def fill(self, text):
        def value(m):
            name = m[1]
            if name == "PREFIX":
                return str(self.prefix)
            if name.startswith("PORT"):
                if name not in self.ports:
                    self.ports[name] = free_port(self.ports.values())
                return str(self.ports[name])
            v = self.names[name]
            return str(getattr(v, "address", v))
        return re.sub(r"%%(\w+)%%", value, text)

    @property
    def port(self):
        return self.ports["PORT"]

    @property
    def pid(self):
        return int((self.prefix / "logs/usher.pid").read_text())

    def command(self, *args):
        """The program with this proxy's prefix and configuration."""
        settings = "daemon off; pid logs/usher.pid; error_log logs/error.log info;"
        return [self.program, "-p", f"{self.prefix}/", "-c", self.conf, "-g", settings, *args]

    def run(self, *args):
        """Run the program to its end (-t, -s …); returns CompletedProcess with text output."""
        return subprocess.run(self.command(*args), capture_output=True, text=True, timeout=30)

    def start(self):
        """Start and wait until it listens, which is when the pid file appears."""
        with open(self.prefix / "logs/stderr", "wb") as err:
            self.process = subprocess.Popen(self.command(*self.args), stderr=err, stdout=err,
                                            stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            until(self._listening, "the pid file", timeout=20)
        except AssertionError:  # said once, here; stop() has nothing left to judge
            process, self.process = self.process, None
            self._kill_session(process, process.pid)
            raise
        return self

    def _listening(self):
        code = self.process.poll()
        assert code is None, f"exited with {code} at start:\n{self.stderr()}{self.error_log()}"
        path = self.prefix / "logs/usher.pid"
        return path.exists() and path.read_text().strip()

    def _read(self, name):
        path = self.prefix / "logs" / name
        return path.read_text(errors="replace") if path.exists() else ""

    def error_log(self):
        return self._read("error.log")

    def access_log(self, lines=0, name="access.log"):
        """The access log's lines, once there are at least `lines` of them."""
        until(lambda: self._read(name).count("\n") >= lines, f"{lines} lines in {name}")
        return self._read(name).splitlines()

    def stderr(self):
        return self._read("stderr")

    def wait_log(self, pattern, seen=0):
        """Wait for a regular expression in the error log after its first `seen` characters."""
        what = f"{pattern!r} in the error log"
        return until(lambda: re.search(pattern, self.error_log()[seen:]), what)

    def signal(self, name):
        os.kill(self.pid, getattr(signal, "SIG" + name))

    def reload(self, text=None):
        """Give it new text (or the same again), HUP, and wait until it is in force or refused."""
        if text is not None:
            self.configure(text)
        seen = len(self.error_log())
        self.signal("HUP")
        self.wait_log(RELOADED, seen)

    def stop(self):
        """QUIT, and judge: exit 0, nobody left behind, nothing bad in a log."""
        if self.process is None:
            return
        process, self.process = self.process, None
        sid = process.pid
        if process.poll() is None:
            os.kill(process.pid, signal.SIGQUIT)
        try:
            code = process.wait(15)
            left = session_pids(sid)
            assert code == 0, f"exit code {code}\n{self.stderr()}{self.error_log()[-4000:]}"
            assert not left, f"processes left behind: {left}"
            self.judge_logs()
        finally:
            self._kill_session(process, sid)

    def judge_logs(self):
        for line in (self.stderr() + self.error_log()).splitlines():
            expected = self.may_log and re.search(self.may_log, line)
            assert expected or not BAD.search(line), f"in the log: {line}\n{self.stderr()[-8000:]}"

    def _kill_session(self, process, sid):
        for pid in session_pids(sid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        process.wait(5)

    def forget(self):
        shutil.rmtree(self.prefix, ignore_errors=True)
