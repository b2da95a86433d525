"""What service managers and containers do: process 1, daemons, pid files, signals, broken upgrades."""
import os
import shutil
import signal
import subprocess

import pytest

from client import get
from proxy import BIN, session_pids
from wait import until

pytestmark = pytest.mark.usher_only

HELLO = "server { listen 127.0.0.1:%%PORT%%; location / { return 200 hello; } }"


def living(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def named(proxy):
    try:
        return proxy.pid
    except (FileNotFoundError, ValueError):
        return None


# --- process 1 ---

@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes a process 1")
@pytest.mark.parametrize("master", ["on", "off"])
@pytest.mark.parametrize("name", ["TERM", "QUIT", "INT"])
def test_process_1_of_a_container_ends_when_told(usher, master, name):
    p = usher(HELLO, main=f"master_process {master};", start=False)
    container = subprocess.Popen(["unshare", "--pid", "--fork", "--kill-child", *p.command()],
                                 stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        until(lambda: named(p) == 1, "the pid file")
        assert get(p).text == "hello"
        with open(f"/proc/{container.pid}/task/{container.pid}/children") as f:
            [one] = f.read().split()
        os.kill(int(one), getattr(signal, "SIG" + name))
        assert container.wait(10) == 0
        assert named(p) is None
    finally:
        container.kill()
        container.wait(5)


# --- daemons ---

def daemon(proxy):
    return [a.replace("daemon off", "daemon on") for a in proxy.command()]


def test_a_daemon_that_cannot_listen_says_so_where_it_was_typed(usher):
    first = usher(HELLO)
    second = usher(HELLO.replace("%%PORT%%", str(first.port)), start=False)
    r = subprocess.run(daemon(second), capture_output=True, text=True, timeout=20)
    assert r.returncode == 1 and "bind() to 127.0.0.1:%d failed" % first.port in r.stderr
    assert named(second) is None


def test_a_daemon_whose_worker_cannot_start_fails(usher):
    p = usher(HELLO, main="working_directory /nowhere;", start=False)
    r = subprocess.run(daemon(p), capture_output=True, text=True, timeout=20)
    assert r.returncode == 1 and named(p) is None


def test_a_daemon_accepts_when_the_command_returns_and_obeys_s(usher):
    p = usher(HELLO, start=False)
    assert subprocess.run(daemon(p), timeout=20).returncode == 0
    pid = p.pid
    assert get(p).text == "hello"
    p.configure(HELLO.replace("hello", "changed"))
    assert p.run("-s", "reload").returncode == 0
    until(lambda: get(p).text == "changed", "the new configuration")
    (p.prefix / "logs/error.log").rename(p.prefix / "logs/error.1")
    assert p.run("-s", "reopen").returncode == 0
    until(lambda: (p.prefix / "logs/error.log").exists(), "the new file")
    assert p.run("-s", "quit").returncode == 0
    until(lambda: not living(pid), "its end")
    assert named(p) is None
    p.judge_logs()
    assert subprocess.run(daemon(p), timeout=20).returncode == 0
    pid = p.pid
    assert p.run("-s", "stop").returncode == 0
    until(lambda: not living(pid), "its end")


# --- pid files ---

def dead_pid():
    child = subprocess.Popen(["true"])
    child.wait()
    return child.pid


def test_a_stale_pid_file_does_not_hinder_a_start(usher):
    p = usher(HELLO, start=False)
    pid = dead_pid()
    p.write("logs/usher.pid", f"{pid}\n")
    r = p.run("-s", "stop")
    assert r.returncode == 1 and f"kill({pid}, 15) failed (3: No such process)" in r.stderr
    (p.prefix / "logs/usher.pid").unlink()
    p.write("logs/usher.pid.old", f"{pid}\n").rename(p.prefix / "logs/usher.pid")
    with open(p.prefix / "logs/stderr", "wb") as err:
        p.process = subprocess.Popen(p.command(), stderr=err, stdin=subprocess.DEVNULL,
                                     start_new_session=True)
    until(lambda: named(p) == p.process.pid, "its own pid file")
    assert get(p).text == "hello"


def test_a_second_start_that_fails_leaves_the_pid_file_alone(usher):
    p = usher(HELLO, may_log=r"\[emerg\]")
    assert p.run().returncode == 1
    assert p.pid == p.process.pid


def test_the_pid_file_of_another_is_not_removed(usher):
    p = usher(HELLO)
    p.write("logs/usher.pid", "1\n")
    os.kill(p.process.pid, signal.SIGQUIT)
    assert p.process.wait(10) == 0
    assert p.pid == 1


def test_a_killed_supervisor_is_followed_by_a_new_one(usher):
    p = usher(HELLO + "server { listen unix:%%PREFIX%%/logs/s; location / { return 200 hello; } }",
              may_log="the supervisor is gone|Address already in use|still could not")
    sid = p.process.pid
    os.kill(p.process.pid, signal.SIGKILL)
    p.process.wait(5)
    (p.prefix / "logs/usher.pid").unlink()
    p.start()
    assert get(p).text == "hello" and get(str(p.prefix / "logs/s")).text == "hello"
    until(lambda: not session_pids(sid), "the former worker's end")


# --- upgrades ---

@pytest.fixture
def replaceable(usher):
    """A proxy that runs from a file that the test may replace."""
    def begin(**kw):
        p = usher(HELLO, start=False, may_log=r"\[(alert|emerg)\]", **kw)
        program = p.prefix / "usher"
        shutil.copy(BIN, program)
        command = p.command
        p.command = lambda *a: [str(program), *command(*a)[1:]]
        return p.start(), program
    return begin


def replace(program, content, mode=0o755):
    new = program.with_suffix(".new")
    new.write_bytes(content)
    new.chmod(mode)
    new.rename(program)


@pytest.mark.parametrize("content, mode, said", [
    (b"\x7fELF garbage", 0o755, "execve.. failed .*Exec format error"),
    (b"echo this is no program; sleep 100\n", 0o755, "execve.. failed .*Exec format error"),
    (b"", 0o644, "execve.. failed .*Permission denied"),
    (b"#!/bin/sh\nexit 3\n", 0o755, "exited with code 3"),
    (b"#!/bin/sh\nkill -9 $$\n", 0o755, "new binary process .* exited on signal 9"),
], ids=["garbage", "text", "not executable", "fails", "dies"])
def test_a_new_program_that_is_broken_changes_nothing(replaceable, content, mode, said):
    p, program = replaceable()
    replace(program, content, mode)
    os.kill(p.pid, signal.SIGUSR2)
    p.wait_log(said)
    p.wait_log(r"new binary process \d+ exited")
    until(lambda: named(p) == p.process.pid, "the pid file's return")
    assert get(p).text == "hello"
    shutil.copy(BIN, program.with_suffix(".new"))
    program.with_suffix(".new").rename(program)
    os.kill(p.pid, signal.SIGUSR2)
    new = until(lambda: named(p) not in (None, p.process.pid) and named(p), "the good program")
    os.kill(new, signal.SIGQUIT)
    until(lambda: named(p) == p.process.pid, "the pid file's return")
    assert get(p).text == "hello"


def test_a_new_program_that_hangs_does_no_harm(replaceable):
    p, program = replaceable()
    replace(program, b"#!/bin/sh\nexec sleep 1000\n")
    os.kill(p.pid, signal.SIGUSR2)
    p.wait_log(r"start new binary process \d+")
    new = int(p.wait_log(r"start new binary process (\d+)")[1])
    assert get(p).text == "hello"
    os.kill(p.process.pid, signal.SIGUSR2)
    p.wait_log("changing binary signal is ignored")
    p.configure(HELLO.replace("hello", "reloaded"))
    os.kill(p.process.pid, signal.SIGHUP)
    until(lambda: get(p).text == "reloaded", "the reload")
    os.kill(new, signal.SIGKILL)
    until(lambda: named(p) == p.process.pid, "the pid file's return")


def test_a_reload_of_the_old_program_leaves_the_new_ones_pid_file(usher):
    p = usher(HELLO)
    old = p.pid
    os.kill(old, signal.SIGUSR2)
    new = until(lambda: named(p) not in (None, old) and named(p), "the new program")
    seen = len(p.error_log())
    os.kill(old, signal.SIGHUP)
    p.wait_log("reloaded", seen)
    assert p.pid == new and (p.prefix / "logs/usher.pid.oldbin").read_text() == f"{old}\n"
    os.kill(new, signal.SIGQUIT)
    until(lambda: named(p) == old, "the pid file's return")
    assert get(p).text == "hello"


def test_the_old_programs_death_is_no_harm_to_the_new_one(usher, origin):
    p = usher(HELLO, main="worker_processes 4;", may_log="the supervisor is gone")
    old, sid = p.pid, p.process.pid
    os.kill(old, signal.SIGUSR2)
    new = until(lambda: named(p) not in (None, old) and named(p), "the new program")
    p.wait_log(rf"{new}#\d+: start worker process \d+")
    os.kill(old, signal.SIGKILL)
    p.process.wait(5)
    for _ in range(40):
        assert get(p).text == "hello"
    os.kill(new, signal.SIGTERM)
    until(lambda: not session_pids(sid), "everybody's end")
    p.process = None
