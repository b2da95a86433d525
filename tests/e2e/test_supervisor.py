"""The supervisor: the pid file, signals, workers that die, the graceful and the fast end."""
import os
import pathlib
import re
import signal
import subprocess

import pytest

from client import connect, get
from origin import reply
from proxy import BIN, IS_NGINX, session_pids
from wait import until

HELLO = "server { listen 127.0.0.1:%%PORT%%; location / { return 200 hello; } }"


def workers(proxy):
    get(proxy, "/workers")  # an answer: the first worker is past its preparations
    return [p for p in session_pids(proxy.process.pid) if p != proxy.pid]


def loops(worker):
    """The names of its loop threads."""
    names = [pathlib.Path(f"/proc/{worker}/task/{t}/comm").read_text().strip()
             for t in os.listdir(f"/proc/{worker}/task")]
    return sorted(n for n in names if re.fullmatch(r"usher/\d+", n))


def held(origin):
    """An origin that answers when told: `release` is a list to append to."""
    release = []

    def script(conn, request):
        until(lambda: release, "the test's permission")
        return reply("late")
    return origin(script), release


def slow_conf():
    return ("server { listen 127.0.0.1:%%PORT%%; location / { proxy_pass http://%%B%%; } "
            "location /now { return 200 now; } }")


def test_the_started_process_is_the_one_in_the_pid_file(usher):
    p = usher(HELLO)
    assert p.pid == p.process.pid
    assert (p.prefix / "logs/usher.pid").read_text() == f"{p.pid}\n"


def test_when_the_pid_file_is_there_every_socket_listens(usher):
    p = usher("server { listen 127.0.0.1:%%PORT%%; listen 127.0.0.1:%%PORT2%%; listen 127.0.0.1:%%PORT3%%;"
              " location / { return 200 hello; } }")
    for port in p.ports.values():  # no retry: a refused connection fails the test
        with connect(port) as c:
            c.request("/")


def test_the_pid_file_goes_at_the_end(usher):
    p = usher(HELLO)
    p.stop()
    assert not (p.prefix / "logs/usher.pid").exists()


@pytest.mark.usher_only
def test_a_killed_worker_is_replaced_on_the_same_sockets(usher):
    p = usher(HELLO, may_log="exited on signal 9")
    [worker] = workers(p)
    with connect(p) as c:
        c.get("/")
        os.kill(worker, signal.SIGKILL)
        assert c.recv_until_closed() == b""
    assert get(p).text == "hello"  # the socket never closed: no connection is refused
    p.wait_log(rf"\[alert\] .*worker process {worker} exited on signal 9")
    p.wait_log(r"\[notice\].*start worker process \d+\n(.|\n)*start worker process \d+")
    assert workers(p) != [worker]


@pytest.mark.usher_only
def test_a_crash_leaves_a_report_in_the_error_log(usher):
    p = usher(HELLO, may_log="exited on signal|crashed")
    [worker] = workers(p)
    os.kill(worker, signal.SIGSEGV)
    p.wait_log(r"\[alert\] usher worker crashed")
    p.wait_log(rf"worker process {worker} exited")  # until then its threads may accept
    assert get(p).text == "hello"


@pytest.mark.usher_only
def test_workers_that_die_young_are_replaced_ever_slower(usher):
    p = usher(HELLO, may_log="exited on signal 9")
    for _ in range(4):
        [worker] = until(lambda: workers(p), "a worker")
        os.kill(worker, signal.SIGKILL)
        p.wait_log(rf"worker process {worker} exited")
    assert get(p).text == "hello"
    assert p.error_log().count("start worker process ") == 5


def test_quit_lets_a_running_exchange_finish(usher, origin):
    back, release = held(origin)
    p = usher(slow_conf(), B=back)
    c = connect(p)
    c.request("/")
    back.wait_requests(1)
    idle = connect(p)
    assert idle.get("/now").text == "now"
    p.signal("QUIT")
    assert idle.recv_until_closed() == b""

    def refused():
        try:
            connect(p).close()
        except (ConnectionRefusedError, ConnectionResetError):  # reset: it was in the backlog
            return True
    until(refused, "new connections to be refused")
    assert p.process.poll() is None
    release.append(1)
    r = c.recv_response()
    assert r.text == "late" and r.get("Connection") == "close"
    assert p.process.wait(10) == 0


def test_worker_shutdown_timeout_ends_a_quit(usher, origin):
    back, release = held(origin)
    p = usher(slow_conf(), B=back, main="worker_shutdown_timeout 300ms;")
    c = connect(p)
    c.request("/")
    back.wait_requests(1)
    p.signal("QUIT")
    assert p.process.wait(5) == 0
    release.append(1)
    c.recv_until_closed()


@pytest.mark.parametrize("name", ["TERM", "INT"])
def test_term_and_int_end_at_once(usher, origin, name):
    back, release = held(origin)
    p = usher(slow_conf(), B=back)
    c = connect(p)
    c.request("/")
    back.wait_requests(1)
    p.signal(name)
    assert p.process.wait(3) == 0
    release.append(1)


def test_a_quit_may_be_hastened(usher, origin):
    back, release = held(origin)
    p = usher(slow_conf(), B=back, may_log="open socket" if IS_NGINX else None)
    c = connect(p)
    c.request("/")
    back.wait_requests(1)
    p.signal("QUIT")
    p.wait_log("gracefully shutting down")
    p.signal("TERM")
    assert p.process.wait(3) == 0
    release.append(1)


def test_usr1_reopens_the_logs(usher):
    p = usher(HELLO)
    get(p, "/before")
    p.access_log(1)
    logs = p.prefix / "logs"
    (logs / "access.log").rename(logs / "access.1")
    (logs / "error.log").rename(logs / "error.1")
    get(p, "/between")
    until(lambda: "/between" in (logs / "access.1").read_text(), "a line in the moved file")
    p.signal("USR1")
    until(lambda: (logs / "access.log").exists() and (logs / "error.log").exists(), "new files")
    until(lambda: get(p, "/after") and "/after" in (logs / "access.log").read_text(), "a line in the new")
    assert "/between" not in (logs / "access.log").read_text()
    assert "reopening logs" in (logs / "error.1").read_text()


def test_buffered_lines_of_before_usr1_go_to_the_former_file(usher):
    p = usher("access_log logs/b.log combined buffer=64k;" + HELLO)
    get(p, "/before")
    (p.prefix / "logs/b.log").rename(p.prefix / "logs/b.1")
    p.signal("USR1")
    until(lambda: "/before" in (p.prefix / "logs/b.1").read_text(), "the buffered line")


def test_buffered_lines_are_written_at_the_end(usher):
    p = usher("access_log logs/b.log combined buffer=64k;" + HELLO)
    get(p, "/last")
    p.stop()
    assert "/last" in (p.prefix / "logs/b.log").read_text()


@pytest.mark.usher_only
def test_without_a_master_process_one_process_does_it_all(usher):
    p = usher(HELLO, main="master_process off; worker_processes 2;")
    assert session_pids(p.process.pid) == [p.pid]
    assert get(p).text == "hello"
    p.reload(HELLO.replace("hello", "changed"))
    assert get(p).text == "changed"
    p.signal("USR1")
    p.wait_log("reopening logs")


@pytest.mark.usher_only
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may change the user")
def test_the_worker_runs_as_the_user_and_the_supervisor_does_not(usher):
    p = usher(HELLO, main="user www-data;")
    [worker] = workers(p)
    assert os.stat(f"/proc/{worker}").st_uid == 33 and os.stat(f"/proc/{p.pid}").st_uid == 0


@pytest.mark.usher_only
def test_limits_and_directory_of_the_worker(usher):
    p = usher(HELLO, main="worker_rlimit_nofile 777; working_directory /tmp; worker_priority 3;"
                          "env FOO=bar; env HOME;")
    [worker] = workers(p)
    limits = open(f"/proc/{worker}/limits").read()
    assert re.search(r"Max open files\s+777\s+777", limits)
    assert os.readlink(f"/proc/{worker}/cwd") == "/tmp"
    assert os.getpriority(os.PRIO_PROCESS, worker) == 3


def test_ps_tells_master_from_worker(usher):
    p = usher(HELLO)
    [worker] = workers(p)
    title = [pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0") for pid in (p.pid, worker)]
    name = b"nginx" if IS_NGINX else b"usher"
    assert title[0].startswith(name + b": master process ") and BIN.encode() in title[0]
    assert title[1] == name + b": worker process"


@pytest.mark.usher_only
def test_worker_processes_are_threads(usher):
    p = usher(HELLO, main="worker_processes 3;")
    [worker] = workers(p)
    until(lambda: loops(worker) == ["usher/0", "usher/1", "usher/2"], "three threads")
    for _ in range(12):
        assert get(p).text == "hello"


def test_a_unix_socket_is_removed_at_the_end(usher):
    p = usher("server { listen unix:%%PREFIX%%/logs/s; listen 127.0.0.1:%%PORT%%;"
              " location / { return 200 hello; } }", main="worker_processes 2;")
    for _ in range(4):
        assert get(str(p.prefix / "logs/s")).text == "hello"
    p.stop()
    assert not (p.prefix / "logs/s").exists()


@pytest.mark.usher_only
def test_a_second_usher_does_not_share_the_port_silently(usher):
    p = usher(HELLO)
    r = subprocess.run([BIN, "-p", f"{p.prefix}/", "-c", "usher.conf", "-g",
                        "daemon off; pid logs/2.pid; error_log stderr;"],
                       capture_output=True, text=True, timeout=20)
    assert r.returncode == 1 and "Address already in use" in r.stderr
    assert get(p).text == "hello"


@pytest.mark.usher_only
def test_a_worker_that_loses_its_supervisor_finishes_and_goes(usher, origin):
    back, release = held(origin)
    p = usher(slow_conf(), B=back, may_log="the supervisor is gone")
    c = connect(p)
    c.request("/")
    back.wait_requests(1)
    sid = p.process.pid
    p.signal("KILL")
    p.process.wait(5)
    release.append(1)
    assert c.recv_response().text == "late"
    until(lambda: not session_pids(sid), "the worker to go")
    p.process = None


def test_a_normal_life_logs_no_alert(usher):
    p = usher(HELLO)
    get(p)
    p.stop()
    assert not re.search(r"\[(alert|emerg|crit|error|warn)\]", p.error_log() + p.stderr())
