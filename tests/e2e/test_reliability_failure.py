"""Backends, name servers, disks and workers that fail: bounded, told, and nobody else's business."""
import os
import pathlib
import re
import signal
import socket
import threading

import pytest

from client import connect, get
from origin import Origin, chunk, reply
from proxy import session_pids
from wait import until

pytestmark = pytest.mark.usher_only


def site(locations, http=""):
    return http + "server { listen 127.0.0.1:%%PORT%%; location / { return 200 here; } " + locations + " }"


def the_worker(proxy):
    get(proxy, "/")
    [worker] = [p for p in session_pids(proxy.process.pid) if p != proxy.pid]
    return worker


def freeze(pid):
    """Stop a process, and wait until each of its threads has stopped."""
    os.kill(pid, signal.SIGSTOP)
    tasks = pathlib.Path(f"/proc/{pid}/task")
    until(lambda: all((t / "stat").read_text().rpartition(")")[2].split()[0] == "T"
                      for t in tasks.iterdir()), "all threads to stop")


@pytest.fixture
def good(origin):
    return origin(reply("good"))


@pytest.fixture
def syn_hole(stage):
    """An address whose queue is full: connects are neither taken nor refused."""
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen(0)
    stage.sockets.append(s)
    for _ in range(3):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(s.getsockname())
        stage.sockets.append(filler)
    return "127.0.0.1:%d" % s.getsockname()[1]


def crowd(proxy, target, n):
    clients = [connect(proxy) for _ in range(n)]
    for c in clients:
        c.request(target)
    return clients


# --- backends ---

def test_a_backend_that_never_answers_hinders_nobody_else(usher, origin, good):
    hole = origin(lambda conn, request: conn.wait_closed())
    p = usher(site("location /hole { proxy_pass http://%%H%%; proxy_read_timeout 500ms; }"
                   "location /good { proxy_pass http://%%G%%; }"), H=hole, G=good, main="worker_processes 1;")
    stuck = crowd(p, "/hole", 50)
    hole.wait_requests(50)
    for _ in range(50):
        assert get(p, "/good").text == "good"
    assert [c.recv_response().status for c in stuck] == [504] * 50
    assert len(re.findall(r"\[error\].*upstream timed out .*reading response header", p.error_log())) == 50


def test_a_backend_that_takes_no_connection_hinders_nobody_else(usher, syn_hole, good):
    p = usher(site("location /hole { proxy_pass http://%%H%%; proxy_connect_timeout 500ms; }"
                   "location /good { proxy_pass http://%%G%%; }"), H=syn_hole, G=good, main="worker_processes 1;")
    stuck = crowd(p, "/hole", 50)
    for _ in range(50):
        assert get(p, "/good").text == "good"
    assert [c.recv_response().status for c in stuck] == [504] * 50


def test_a_black_hole_in_a_group_is_left_out_soon(usher, syn_hole, good):
    p = usher(site("location /g { proxy_pass http://g; proxy_connect_timeout 300ms; }",
                   "upstream g { server %%H%% max_fails=1 fail_timeout=60s; server %%G%%; }"),
              H=syn_hole, G=good, main="worker_processes 1;")
    for _ in range(20):
        assert get(p, "/g").text == "good"
    assert len(re.findall("upstream timed out", p.error_log())) == 1
    assert len(re.findall("temporarily disabled", p.error_log())) == 1


@pytest.mark.parametrize("threads", [1, 4])
def test_a_backend_that_comes_and_goes_is_not_seen(usher, stage, good, threads):
    flapping = Origin(reply("good"))
    stage.origins.append(flapping)
    p = usher(site("location /g { proxy_pass http://g; }",
                   "upstream g { server %%F%% max_fails=1 fail_timeout=1s; server %%G%%; }"),
              F=flapping, G=good, main=f"worker_processes {threads};")
    stop, problems, count = threading.Event(), [], [0]

    def load():
        c = connect(p)
        while not stop.is_set():
            try:
                r = c.get("/g")
                count[0] += 1
                if r.text != "good":
                    problems.append(repr(r))
            except Exception as e:
                problems.append(repr(e))
                c = connect(p)
    loads = [threading.Thread(target=load) for _ in range(4)]
    for t in loads:
        t.start()
    try:
        for _ in range(10):
            flapping.die()
            seen = count[0]
            until(lambda: count[0] > seen + 40, "requests without it")
            flapping = Origin(reply("good"), port=flapping.port)
            stage.origins.append(flapping)
            seen = count[0]
            until(lambda: count[0] > seen + 40, "requests with it")
    finally:
        stop.set()
        for t in loads:
            t.join()
    assert problems == []


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 5000,
                                  b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(b"x" * 5000)],
                         ids=["length", "chunked"])
def test_a_reset_in_the_middle_of_a_body_is_seen_as_one(usher, origin, good, head):
    def cut(conn, request):
        conn.send(head)
        conn.reset()
    p = usher(site("location /cut { proxy_pass http://%%C%%; } location /good { proxy_pass http://%%G%%; }"),
              C=origin(cut), G=good)
    kept = connect(p)
    for _ in range(10):
        with connect(p) as c:
            c.request("/cut")
            got = c.recv_until_closed()
            assert not got.endswith(b"0\r\n\r\n") and len(got) < 10000
        assert kept.get("/good").text == "good"
    assert len(re.findall(r"\[error\].*(recv\(\) failed|prematurely closed)", p.error_log())) == 10


def test_a_name_server_that_dies_hinders_nobody_who_knows_the_name(usher, stage, dns, good):
    server = dns({"known.test": ["127.0.0.1"], "group.test": ["127.0.0.1"]}, ttl=1)
    port = good.address.split(":")[1]
    p = usher(site("location /to { proxy_pass http://$arg_name:%%GP%%; }"
                   "location /group { proxy_pass http://g; }",
                   "resolver %%D%%; resolver_timeout 300ms;"
                   "upstream g { zone g 64k; server group.test:%%GP%% resolve; }"), D=server, GP=port)
    assert get(p, "/to?name=known.test").text == "good" and get(p, "/group").text == "good"
    server.stop()
    stage.origins.remove(server)
    stuck = crowd(p, "/to?name=new.test", 20)
    for _ in range(20):
        assert get(p, "/group").text == "good" and get(p).text == "here"
    assert {c.recv_response().status for c in stuck} == {502}
    p.wait_log(r"\[error\].*new.test could not be resolved|\[error\].*host not found.*new.test")


# --- disks ---

def test_a_full_disk_stops_the_log_and_nothing_else(usher):
    p = usher("access_log /dev/full;" + site(""), may_log=r'write\(\) to "/dev/full" failed')
    with connect(p) as c:
        for _ in range(200):
            assert c.get("/").text == "here"
    p.wait_log(r'write\(\) to "/dev/full" failed \(28: No space left on device\)')
    assert len(re.findall("/dev/full", p.error_log())) == 1


def test_an_error_log_on_a_full_disk(usher):
    p = usher("error_log /dev/full debug;" + site(""))
    with connect(p) as c:
        for _ in range(200):
            assert c.get("/").text == "here"


def test_a_log_that_nobody_reads_holds_nobody_up(usher):
    p = usher(site(""), start=False)
    fifo = p.prefix / "logs/fifo"
    os.mkfifo(fifo, 0o666)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        p.configure("access_log logs/fifo; keepalive_requests 10000;" + site(""))
        p.start()
        with connect(p) as c:
            for _ in range(5000):
                assert c.get("/").text == "here"
    finally:
        p.may_log = "write.. to .*fifo"
        p.stop()
        os.close(reader)


# --- workers ---

@pytest.mark.parametrize("threads", [1, 4])
def test_who_waits_in_the_queue_is_served_by_the_next_worker(usher, threads):
    p = usher(site(""), main=f"worker_processes {threads};", may_log="exited on signal 9")
    worker = the_worker(p)
    freeze(worker)
    waiting = crowd(p, "/", 64)
    os.kill(worker, signal.SIGKILL)
    for c in waiting:
        assert c.recv_response().text == "here"


@pytest.mark.parametrize("name", ["SEGV", "BUS", "FPE", "ILL", "ABRT"])
def test_a_crash_tells_where_and_costs_one_worker(usher, name):
    if os.environ.get("USHER_SANITIZED"):
        pytest.skip("the sanitizer takes these signals")
    p = usher(site(""), may_log="exited on signal|crashed")
    worker = the_worker(p)
    os.kill(worker, getattr(signal, "SIG" + name))
    p.wait_log(rf"\[alert\] usher worker crashed: SIG{name}.*\n(.*\(.*\) ?\[0x[0-9a-f]+\]\n){{3}}")
    p.wait_log(rf"\[alert\].*worker process {worker} exited on signal {int(getattr(signal, 'SIG' + name))}")
    assert get(p).text == "here"


def test_a_stuck_worker_does_not_keep_the_program_from_ending(usher):
    p = usher(site(""), may_log="exited on signal 9")
    freeze(the_worker(p))
    p.signal("TERM")
    assert p.process.wait(10) == 0
