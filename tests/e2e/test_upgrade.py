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

HELLO = "server { listen 127.0.0.1:%%PORT%%; location / { return 200 hello; } }"


@pytest.fixture
def upgraded(usher):
    """upgraded(text) starts, sends USR2, waits for the new program; returns (proxy, old pid, new pid)."""
    def begin(text=HELLO, **kw):
        p = usher(text, **kw)
        old = p.pid
        os.kill(old, signal.SIGUSR2)
        aside = p.prefix / "logs/usher.pid.oldbin"
        until(lambda: aside.exists() and (p.prefix / "logs/usher.pid").exists(), "the new pid file")
        new = until(lambda: p.pid if p.pid != old else None, "the new process")
        assert aside.read_text() == f"{old}\n"
        return p, old, new
    return begin


def end(p, *pids):
    """The processes end; the fixture has nothing left to judge but the logs."""
    p.process.wait(10)
    until(lambda: not any(os.path.exists(f"/proc/{i}") and
                          open(f"/proc/{i}/stat").read().rpartition(")")[2].split()[0] != "Z" for i in pids),
          "the processes to end")
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
        return reply(request.target.encode() if isinstance(request.target, str) else request.target)
    back = origin(script)
    p, old, new = None, None, None
    conf = "server { listen 127.0.0.1:%%PORT%%; location / { proxy_pass http://%%B%%; } }"

    # the exchange begins before USR2
    def begin(usher_begin):
        return usher_begin
    p, old, new = upgraded(conf, B=back)
    os.kill(new, signal.SIGQUIT)
    until(lambda: (p.prefix / "logs/usher.pid").read_text() == f"{old}\n", "the pid file's return")
    c = connect(p)
    c.request("/slow")
    back.wait_requests(1)
    os.kill(old, signal.SIGUSR2)
    new = until(lambda: p.pid if (p.prefix / "logs/usher.pid").exists() and p.pid != old else None,
                "the new process")
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
    until(lambda: (p.prefix / "logs/usher.pid").read_text() == f"{old}\n", "the pid file's return")
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
            pids.append(until(lambda: p.pid if (p.prefix / "logs/usher.pid").exists() and p.pid != old
                              else None, "the new process"))
            os.kill(old, signal.SIGQUIT)
            until(lambda: not (p.prefix / "logs/usher.pid.oldbin").exists(), "the old one to go")
    finally:
        stop.set()
        thread.join()
    assert problems == [] and count[0] > 0
    os.kill(pids[-1], signal.SIGQUIT)
    end(p, *pids)


@pytest.mark.usher_only
def test_a_unix_socket_is_inherited_and_kept(upgraded):
    p, old, new = upgraded("server { listen unix:%%PREFIX%%/logs/s; location / { return 200 hello; } }")
    path = str(p.prefix / "logs/s")
    os.kill(old, signal.SIGQUIT)
    p.process.wait(10)
    assert get(path).text == "hello"
    os.kill(new, signal.SIGQUIT)
    end(p, old, new)
    assert not os.path.exists(path)
