"""HUP: a new configuration in the running process. Nothing is closed, a faulty file changes nothing."""
import hashlib
import os
import re
import signal
import socket
import threading

import pytest

from client import connect, get
from origin import reply
from proxy import IS_NGINX, session_pids
from wait import until


def says(word, *extra):
    return "server { listen 127.0.0.1:%%PORT%%; " + " ".join(extra) + \
           f" location / {{ return 200 {word}; }} }}"


def workers(proxy):
    get(proxy, "/workers")  # an answer: the first worker is past its preparations
    return [p for p in session_pids(proxy.process.pid) if p != proxy.pid]


def test_a_reload_takes_effect(usher):
    p = usher(says("one"))
    assert get(p).text == "one"
    p.reload(says("two"))
    until(lambda: get(p).text == "two", "the new answer")


def test_s_reload_returns_at_once_and_reloads(usher):
    p = usher(says("one"))
    p.configure(says("two"))
    r = p.run("-s", "reload")
    assert r.returncode == 0
    until(lambda: get(p).text == "two", "the new answer")


@pytest.mark.usher_only
def test_a_keepalive_connection_lives_on_and_takes_the_new_configuration(usher):
    p = usher(says("one"))
    with connect(p) as c:
        assert c.get("/").text == "one"
        for n in range(5):
            p.reload(says(f"next{n}"))
            assert c.get("/").text == f"next{n}"


@pytest.mark.usher_only
def test_the_worker_process_stays(usher):
    p = usher(says("one"))
    before = workers(p)
    p.reload(says("two"))
    assert workers(p) == before


def test_a_running_exchange_ends_with_the_configuration_it_began_with(usher, origin):
    release = []

    def script(conn, request):
        until(lambda: release, "permission")
        return reply("late")
    back = origin(script)
    p = usher("server { listen 127.0.0.1:%%PORT%%; location / { proxy_pass http://%%B%%; } }", B=back)
    c = connect(p)
    c.request("/")
    back.wait_requests(1)
    p.reload(says("new"))
    until(lambda: get(p).text == "new", "the new answer")
    release.append(1)
    assert c.recv_response().text == "late"


@pytest.mark.usher_only
def test_a_long_download_is_not_cut(usher, origin):
    size = 32 << 20
    body = os.urandom(1 << 16) * (size >> 16)
    back = origin(reply(body))
    conf = "server { listen 127.0.0.1:%%PORT%%; location / { proxy_pass http://%%B%%; } }"
    p = usher(conf, B=back)
    with connect(p, rcvbuf=65536) as c:
        c.request("/")
        begun = c.recv_some()
        for n in range(3):
            p.reload(conf + f"# {n}\n")
        c.pending = begun + c.pending
        got = c.recv_response().body
    assert hashlib.sha256(got).digest() == hashlib.sha256(body).digest()


@pytest.mark.usher_only
def test_an_upgraded_connection_is_not_cut(usher, origin):
    def echo(conn, request):
        conn.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\n")
        while True:
            data = conn.recv_some()
            if not data:
                conn.close()
                return None
            conn.send(data)
    back = origin(echo)
    conf = ("server { listen 127.0.0.1:%%PORT%%; location / { proxy_pass http://%%B%%; "
            "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; "
            "proxy_set_header Connection upgrade; } }")
    p = usher(conf, B=back)
    with connect(p) as c:
        c.request("/", headers={"Upgrade": "echo", "Connection": "upgrade"})
        assert c.recv_head().status == 101
        for n in range(3):
            c.send(b"ping%d" % n)
            seen = b""
            while b"ping%d" % n not in seen:
                seen += c.recv_some()
            p.reload(conf + f"# {n}\n")


def test_listeners_open_and_close(usher):
    p = usher(says("one"))
    p.reload(says("one", "listen 127.0.0.1:%%PORT2%%;"))
    until(lambda: get(p.ports["PORT2"]).text == "one", "the new listener")
    p.reload(says("two"))

    def refused():
        try:
            connect(p.ports["PORT2"]).close()
        except ConnectionRefusedError:
            return True
    until(refused, "the old listener to close")
    assert get(p).text == "two"


@pytest.mark.usher_only
def test_a_wildcard_beside_an_address_of_the_same_port(usher):
    p = usher(says("one"))
    p.reload("server { listen %%PORT%%; location / { return 200 any; } }" + says("local"))
    until(lambda: get(p).text == "local", "the more specific server")


def test_a_faulty_file_changes_nothing_and_is_told(usher):
    p = usher(says("one"), may_log=r"\[emerg\]")
    p.reload(says("two") + "\nserver { lisen 80; }\n")
    assert re.search(r'\[emerg\] .*unknown directive "lisen" in \S+/usher.conf:\d+', p.error_log())
    assert get(p).text == "one"
    p.reload(says("three"))
    until(lambda: get(p).text == "three", "the mended file")


@pytest.mark.usher_only
def test_every_error_of_a_faulty_file_is_logged(usher):
    p = usher(says("one"), may_log=r"\[emerg\]")
    p.reload(says("two") + "\nserver { lisen 80; }\nkeepalive_timeout x;\n")
    p.wait_log(r'unknown directive "lisen"')
    p.wait_log(r'keepalive_timeout')


def test_a_new_address_that_is_busy_changes_nothing(usher):
    p = usher(says("one"), may_log=r"\[emerg\]")
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        p.configure(says("two", f"listen 127.0.0.1:{s.getsockname()[1]};"))
        p.signal("HUP")
        p.wait_log("still could not bind")
    assert get(p).text == "one"


def test_a_log_that_cannot_be_opened_changes_nothing(usher):
    p = usher(says("one"), may_log=r"\[emerg\]")
    p.reload("access_log /nowhere/at/all.log;" + says("two"))
    assert "/nowhere/at/all.log" in p.error_log()
    assert get(p).text == "one"


def test_a_new_log_is_opened_with_the_supervisors_rights(usher):
    p = usher(says("one"))
    (p.prefix / "logs").chmod(0o700)
    p.reload("access_log logs/second.log;" + says("two"))
    until(lambda: get(p, "/here").text == "two", "the new configuration")
    until(lambda: "/here" in (p.prefix / "logs/second.log").read_text(), "a line in the new log")


@pytest.mark.usher_only
@pytest.mark.parametrize("before, after", [(1, 3), (3, 1)])
def test_another_number_of_threads_takes_a_new_worker_and_no_connection_is_lost(usher, before, after):
    p = usher(says("one"), main=f"worker_processes {before};")
    old = workers(p)
    stop, problems = threading.Event(), []

    def load():
        while not stop.is_set():
            try:
                assert get(p).text in ("one", "two")
            except Exception as e:
                problems.append(repr(e))
    thread = threading.Thread(target=load)
    thread.start()
    try:
        p.main = f"worker_processes {after};"
        p.reload(says("two"))
        until(lambda: not set(old) & set(workers(p)), "the old worker to go")
        until(lambda: get(p).text == "two", "the new worker")
    finally:
        stop.set()
        thread.join()
    assert problems == []
    [worker] = workers(p)
    names = [open(f"/proc/{worker}/task/{t}/comm").read() for t in os.listdir(f"/proc/{worker}/task")]
    assert len([n for n in names if re.match(r"usher/\d", n)]) == after


@pytest.mark.usher_only
@pytest.mark.plain_build
def test_old_snapshots_are_freed(usher):
    big = "".join(f"server {{ listen 127.0.0.1:%%PORT%%; server_name n{n}.example; return 200 x; }}\n"
                  for n in range(2000))
    p = usher(says("one") + big)
    [worker] = workers(p)

    def rss():
        return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{worker}/status").read())[1])
    sizes = []
    with connect(p) as kept:  # an idle connection holds no snapshot back
        for n in range(15):
            p.reload(says(f"n{n}") + big)
            sizes.append(rss())
        assert kept.get("/").text == "n14"
    assert sizes[-1] - sizes[4] < 2048, f"KiB after each reload: {sizes}"


@pytest.mark.usher_only
def test_after_a_crash_the_reloaded_configuration_is_served(usher):
    p = usher(says("one"), may_log="exited on signal 9")
    p.reload(says("two", "listen 127.0.0.1:%%PORT2%%;"))
    os.kill(workers(p)[0], signal.SIGKILL)
    assert get(p).text == "two" and get(p.ports["PORT2"]).text == "two"


def test_many_reloads_under_keepalive_load(usher):
    p = usher(says("n0"))
    problems, stop = [], threading.Event()

    def load():
        c = connect(p)
        while not stop.is_set():
            try:
                if c.get("/").get("Connection") == "close":
                    c = connect(p)
            except Exception as e:
                if not IS_NGINX:
                    problems.append(repr(e))
                c = connect(p)
    threads = [threading.Thread(target=load) for _ in range(4)]
    for t in threads:
        t.start()
    try:
        for n in range(1, 11):
            p.reload(says(f"n{n}"))
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert problems == []
    until(lambda: get(p).text == "n10", "the last configuration")


@pytest.mark.usher_only
def test_the_pid_file_moves_with_its_directive(usher):
    p = usher(says("one"), start=False)
    bare = p.command
    p.command = lambda *a: [x.replace("pid logs/usher.pid;", "") for x in bare(*a)]
    p.main = "pid logs/usher.pid;"
    p.configure(says("one"))
    p.start()
    p.main = "pid logs/other.pid;"
    p.configure(says("two"))
    seen = len(p.error_log())
    os.kill(p.process.pid, signal.SIGHUP)
    p.wait_log("reloaded", seen)
    assert (p.prefix / "logs/other.pid").read_text() == f"{p.process.pid}\n"
    assert not (p.prefix / "logs/usher.pid").exists()
