"""USR2: a new program on the same sockets; nobody notices."""
import os
import re
import signal
import threading

import pytest

from client import connect, get
from origin import reply
from proxy import session_pids
from wait import until

# nginx refuses an upgrade with `daemon off`, which is how the tests run it.
pytestmark = pytest.mark.usher_only

HELLO = "server { listen 127.0.0.1:%%PORT%%; location / { return 200 hello; } }"


def named(p):
    """The process that the pid file names; None while there is no file."""
    try:
        return p.pid
    except FileNotFoundError:
        return None


def living(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def successor(p, old):
    """The new program, once it has written its pid file."""
    def other():
        pid = named(p)
        return pid if pid != old else None
    return until(other, "the new process")


@pytest.fixture
def upgraded(usher):
    """upgraded(text) starts, sends USR2, waits for the new program; returns (proxy, old pid, new pid)."""
    def begin(text=HELLO, **kw):
        p = usher(text, **kw)
        old = p.pid
        os.kill(old, signal.SIGUSR2)
        new = successor(p, old)
        assert (p.prefix / "logs/usher.pid.oldbin").read_text() == f"{old}\n"
        return p, old, new
    return begin


def end(p, *pids):
    """The processes end; the fixture has nothing left to judge but the logs."""
    p.process.wait(10)
    until(lambda: not any(living(i) for i in pids), "the processes to end")
    until(lambda: not session_pids(p.process.pid), "the session to be empty")
    p.process = None
    p.judge_logs()


def test_the_new_program_serves_when_the_old_one_has_quit(upgraded):
    p, old, new = upgraded()
    os.kill(old, signal.SIGQUIT)
    p.process.wait(10)
    assert not (p.prefix / "logs/usher.pid.oldbin").exists()
    assert get(p).text == "hello" and p.pid == new
    assert re.search(r'using inherited sockets from "', p.error_log())
    os.kill(new, signal.SIGQUIT)
    end(p, old, new)
    assert not (p.prefix / "logs/usher.pid").exists()


def test_a_running_exchange_of_the_old_program_finishes(upgraded, origin):
    release = []

    def script(conn, request):
        if request.target == "/slow":
            until(lambda: release, "permission")
        return reply(request.target)
    back = origin(script)
    conf = "server { listen 127.0.0.1:%%PORT%%; location / { proxy_pass http://%%B%%; } }"

    p, old, new = upgraded(conf, B=back)
    os.kill(new, signal.SIGQUIT)
    until(lambda: named(p) == old, "the pid file's return")
    c = connect(p)
    c.request("/slow")
    back.wait_requests(1)
    os.kill(old, signal.SIGUSR2)
    new = successor(p, old)
    os.kill(old, signal.SIGQUIT)
    assert get(p, "/fast").text == "/fast"
    release.append(1)
    assert c.recv_response().text == "/slow"
    p.process.wait(10)
    os.kill(new, signal.SIGQUIT)
    end(p, old, new)


def test_winch_then_hup_brings_the_old_program_back(upgraded):
    p, old, new = upgraded()
    seen = len(p.error_log())
    os.kill(old, signal.SIGWINCH)
    p.wait_log(r"worker process \d+ exited with code 0", seen)
    assert get(p).text == "hello"
    os.kill(old, signal.SIGHUP)
    p.wait_log(rf"{old}#\d+: start worker process \d+(.|\n)*{old}#\d+: start worker process \d+")
    os.kill(new, signal.SIGQUIT)
    until(lambda: named(p) == old, "the pid file's return")
    assert get(p).text == "hello"


def test_a_new_program_that_does_not_start_leaves_the_old_one(usher):
    p = usher(HELLO, may_log=r"\[emerg\]")
    p.configure(HELLO + "\nlisen 80;\n")
    os.kill(p.pid, signal.SIGUSR2)
    p.wait_log(r"new binary process \d+ exited with code 1")
    assert p.pid == p.process.pid and not (p.prefix / "logs/usher.pid.oldbin").exists()
    assert get(p).text == "hello"


def test_a_second_upgrade_waits_for_the_end_of_the_first(upgraded):
    p, old, new = upgraded()
    os.kill(old, signal.SIGUSR2)
    p.wait_log(r"changing binary signal is ignored")
    os.kill(old, signal.SIGQUIT)
    p.process.wait(10)
    os.kill(new, signal.SIGQUIT)
    end(p, old, new)


def test_no_connection_is_refused_or_reset(usher):
    p = usher(HELLO, main="worker_processes 2;")
    stop, problems, count = threading.Event(), [], [0]

    def load():
        while not stop.is_set():
            try:
                assert get(p).text == "hello"
                count[0] += 1
            except Exception as e:
                problems.append(repr(e))
    thread = threading.Thread(target=load)
    thread.start()
    pids = [p.pid]
    try:
        for _ in range(3):
            old = pids[-1]
            os.kill(old, signal.SIGUSR2)
            pids.append(successor(p, old))
            os.kill(old, signal.SIGQUIT)
            until(lambda: not living(old), "the old one to go")
    finally:
        stop.set()
        thread.join()
    assert problems == [] and count[0] > 0
    os.kill(pids[-1], signal.SIGQUIT)
    end(p, *pids)


def test_a_unix_socket_is_inherited_and_kept(upgraded):
    p, old, new = upgraded("server { listen unix:%%PREFIX%%/logs/s; location / { return 200 hello; } }")
    path = str(p.prefix / "logs/s")
    os.kill(old, signal.SIGQUIT)
    p.process.wait(10)
    assert get(path).text == "hello"
    os.kill(new, signal.SIGQUIT)
    end(p, old, new)
    assert not os.path.exists(path)
