"""HUP under every condition: connections of every kind at once, faults at every step, storms."""
import os
import re
import resource
import signal
import socket
import threading

import pytest

from client import connect, get
from origin import chunk, reply
from proxy import session_pids
from wait import until

pytestmark = pytest.mark.usher_only

PIECE = bytes(range(256)) * 256


def says(word, *extra):
    return "server { listen 127.0.0.1:%%PORT%%; " + " ".join(extra) + \
           f" location / {{ return 200 {word}; }} }}"


def workers(proxy):
    return [p for p in session_pids(proxy.process.pid) if p != proxy.pid]


def the_worker(proxy):
    get(proxy, "/worker")  # an answer: it is past its preparations
    [worker] = until(lambda: len(workers(proxy)) == 1 and workers(proxy), "one worker")
    return worker


def refused(port):
    try:
        connect(port).close()
    except ConnectionRefusedError:
        return True


def status(pid, field):
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(rf"^{field}:\s+(\d+)", f.read(), re.M)[1])


# --- every kind of connection, at once ---

class Steps:
    """Counts up; a script waits for the n-th step."""

    def __init__(self):
        self.n, self.changed = 0, threading.Condition()

    def step(self):
        with self.changed:
            self.n += 1
            self.changed.notify_all()

    def wait(self, n):
        with self.changed:
            assert self.changed.wait_for(lambda: self.n >= n, 30), "the test stopped stepping"


ROUNDS = 20


def everything(steps):
    """An origin that streams a piece, or an event, at each step; that echoes; that reads."""
    def script(conn, request):
        if request.target == "/down":
            conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (ROUNDS * len(PIECE)))
            for n in range(ROUNDS):
                steps.wait(n + 1)
                conn.send(PIECE)
            return None
        if request.target == "/events":
            conn.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                      "Transfer-Encoding: chunked\r\n\r\n")
            for n in range(ROUNDS):
                steps.wait(n + 1)
                conn.send(chunk(b"data: %d\n\n" % n))
            return b"0\r\n\r\n"
        if request.target == "/socket":
            conn.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\n")
            while True:
                data = conn.recv_some()
                conn.pending = b""
                conn.send(data)
        body = conn.read_body(request)
        return reply(f"{request.target} {len(body)}")
    return script


def configuration(n):
    """The n-th differs from the one before in listeners, names, groups, locations and limits."""
    first = n == 0
    doors = "".join(f"listen 127.0.0.1:%%PORT{2 + i}%% backlog={100 + n};" for i in range(3) if n >> i & 1)
    streams = ("location /down { proxy_pass http://group; } location /events { proxy_pass http://group; }"
               "location /socket { proxy_pass http://group; proxy_set_header Upgrade $http_upgrade;"
               " proxy_set_header Connection upgrade; }"
               "location /up { proxy_pass http://group; }"
               "location /upnow { proxy_pass http://group; proxy_request_buffering off; }")
    group = "server %%O%%;" if first else f"server %%O2%% weight={n}; server %%O3%%;"
    return f"""
events {{ worker_connections {400 + n}; }}
http {{
    access_log logs/access{n % 3}.log;
    proxy_http_version 1.1; client_max_body_size 0;
    upstream group {{ {group} keepalive {n + 1}; }}
    server {{
        listen 127.0.0.1:%%PORT%% backlog={200 + n}; {doors}
        server_name name{n}.example;
        {streams if first else ""}
        location /word {{ return 200 word{n}; }}
        location /back {{ proxy_pass http://group; }}
    }}
}}"""


@pytest.mark.parametrize("threads", [1, 4])
def test_no_connection_of_any_kind_is_closed(usher, origin, threads):
    steps, size = Steps(), ROUNDS * len(PIECE)
    backs = [origin(everything(steps), read_body=False), origin(reply("back")), origin(reply("back"))]
    conf = lambda n: f"worker_processes {threads};" + configuration(n)
    p = usher(conf(0), O=backs[0], O2=backs[1], O3=backs[2])
    kept = [connect(p) for _ in range(8)]
    half, down, events, sock, up, upnow = (connect(p) for _ in range(6))
    for c in kept:
        assert c.get("/word").text == "word0"
    half.send("GET /word HT")
    down.request("/down")
    assert down.recv_head().status == 200
    events.request("/events")
    assert events.recv_head().status == 200
    sock.request("/socket", headers={"Upgrade": "echo", "Connection": "upgrade"})
    assert sock.recv_head().status == 101
    for c, where in (up, "/up"), (upnow, "/upnow"):
        c.send(f"POST {where} HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n")
    backs[0].wait_requests(4)
    worker = the_worker(p)
    for n in range(ROUNDS):
        steps.step()
        assert down.recv_exact(len(PIECE)) == PIECE
        assert events.recv_chunk() == b"data: %d\n\n" % n
        sock.send(b"ping %d" % n)
        assert sock.recv_exact(len(b"ping %d" % n)) == b"ping %d" % n
        up.send(PIECE)
        upnow.send(PIECE)
        p.reload(conf(n + 1))
        for c in kept:
            assert c.get("/word").text == f"word{n + 1}"
            assert c.get("/back").text == "back"
            assert c.get("/down").status == 404
    assert events.recv_chunk() == b""
    assert up.recv_response().text == f"/up {size}"
    assert upnow.recv_response().text == f"/upnow {size}"
    assert half.send("TP/1.1\r\nHost: a\r\n\r\n").recv_response().text == f"word{ROUNDS}"
    assert the_worker(p) == worker


def test_health_survives(usher, origin):
    sick, well = origin(lambda conn, request: conn.reset()), origin(reply("well"))
    group = "upstream g { server %%S%% max_fails=1 fail_timeout=60s; server %%W%%; }"
    server = "server { listen 127.0.0.1:%%PORT%%; location / { proxy_pass http://g; } }"
    p = usher(group + server, S=sick, W=well)
    for _ in range(4):
        assert get(p).text == "well"
    for n in range(5):
        p.reload(group + server + f"# {n}\n")
        for _ in range(4):
            assert get(p).text == "well"
    assert len(sick.requests) == 1


def test_idle_connections_to_a_backend_survive(usher, origin):
    back = origin(reply("x"))
    conf = ("upstream g { server %%B%%; } server { listen 127.0.0.1:%%PORT%%;"
            " location / { proxy_pass http://g; } }")
    p = usher(conf, B=back, main="worker_processes 1;")
    for n in range(10):
        assert get(p).text == "x"
        p.reload(conf + f"# {n}\n")
    assert len(back.connections) == 1


# --- faults ---

def serves(proxy, word):
    """Of as many connections as reach every thread's socket."""
    return all(get(proxy).text == word for _ in range(40))


def test_a_log_that_cannot_be_opened_changes_nothing(usher):
    p = usher(says("one"), main="worker_processes 1;", may_log=r"\[emerg\]")
    p.main = "worker_processes 4;"
    p.reload("access_log nowhere/a.log;" + says("two", "listen 127.0.0.1:%%PORT2%%;"))
    assert re.search(r'\[emerg\].*open\(\) "\S+/nowhere/a.log" failed', p.error_log())
    assert serves(p, "one") and refused(p.ports["PORT2"])
    p.reload(says("three", "listen 127.0.0.1:%%PORT2%%;"))
    until(lambda: get(p).text == "three", "the new worker")
    assert get(p.ports["PORT2"]).text == "three"


def test_an_address_in_use_changes_nothing(usher):
    p = usher(says("one"), may_log=r"\[emerg\]")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        p.names["TAKEN"] = "127.0.0.1:%d" % other.getsockname()[1]
        seen = len(p.error_log())
        p.configure("error_log logs/other.log;"
                    + says("two", "listen 127.0.0.1:%%PORT2%%;", "listen %%TAKEN%%;"))
        p.signal("HUP")
        p.wait_log(r"\[emerg\].*still could not bind", seen)
        assert serves(p, "one") and refused(p.ports["PORT2"])
    p.reload()
    assert get(p.ports["PORT2"]).text == "two"


def test_every_fault_of_a_file_is_told_and_nothing_changes(usher):
    p = usher(says("one"), may_log=r"\[emerg\]")
    kept = connect(p)
    assert kept.get("/").text == "one"
    p.reload(says("two") + "\nserver { lisen 80; }\nkeepalive_timeout x;\nserver { listen 1:2:3; }\n")
    for problem in "lisen", "keepalive_timeout", "1:2:3":
        p.wait_log(rf"\[emerg\].*{problem}")
    assert kept.get("/").text == "one"


def test_a_file_without_a_word_changes_nothing(usher):
    p = usher(says("one"), may_log=r"\[emerg\]")
    (p.prefix / "usher.conf").write_text("# just being written\n")
    p.signal("HUP")
    p.wait_log(r'\[emerg\].*no "events" section in configuration')
    assert serves(p, "one")


def test_a_file_that_cannot_be_read_changes_nothing(usher):
    p = usher(says("one"), may_log=r"\[emerg\]")
    conf = p.prefix / "usher.conf"
    conf.rename(p.prefix / "away")
    p.signal("HUP")
    p.wait_log(r"\[emerg\].*usher.conf")
    assert serves(p, "one")
    p.reload(says("two"))
    assert serves(p, "two")


@pytest.mark.plain_build
def test_a_text_that_memory_does_not_suffice_for_changes_nothing(usher):
    p = usher(says("one"), may_log=r"\[emerg\]")
    assert serves(p, "one")
    bytes_now = status(p.pid, "VmSize") * 1024
    resource.prlimit(p.pid, resource.RLIMIT_AS,
                     (bytes_now + (24 << 20), resource.prlimit(p.pid, resource.RLIMIT_AS)[1]))
    p.reload("map $uri $m { " + "".join(f"/{n} x;\n" for n in range(200000)) + "}" + says("two"))
    p.wait_log(r"\[emerg\].*a trial of the configuration ended on signal 6: it is not taken")
    assert serves(p, "one")
    p.reload(says("three"))
    assert serves(p, "three")


@pytest.mark.parametrize("threads", [1, 4])
def test_a_new_worker_that_cannot_start_leaves_the_old_one_serving(usher, threads):
    p = usher(says("one"), main=f"worker_processes {threads};", may_log="fatal code|chdir")
    kept = connect(p)
    assert kept.get("/").text == "one"
    p.main = f"worker_processes {threads}; working_directory /nowhere;"
    p.configure(says("two", "listen 127.0.0.1:%%PORT2%%;"))
    p.signal("HUP")
    p.wait_log("cannot be respawned")
    assert kept.get("/").text == "one" and serves(p, "one")
    p.main = f"worker_processes {threads};"
    p.reload(says("three", "listen 127.0.0.1:%%PORT2%%;"))
    until(lambda: get(p).text == "three", "the new worker")
    assert get(p.ports["PORT2"]).text == "three"
    until(lambda: len(workers(p)) == 1, "the old worker's end")


@pytest.mark.parametrize("threads", [1, 4])
def test_hundreds_of_listeners_come_and_go(usher, threads):
    p = usher(says("one"), main=f"worker_processes {threads};")
    many = [f"listen 127.0.0.1:%%PORT{n}%%;" for n in range(2, 302)]
    with connect(p) as kept:
        for word in "two", "three":
            p.reload(says(word, *many))
            assert kept.get("/").text == word
            assert all(get(p.ports[f"PORT{n}"]).text == word for n in range(2, 302, 17))
            p.reload(says("one"))
            assert kept.get("/").text == "one"
            until(lambda: all(refused(p.ports[f"PORT{n}"]) for n in range(2, 302, 17)), "them to go")


# --- several things at once ---

@pytest.mark.parametrize("threads", [1, 4])
def test_a_storm_of_hups_ends_with_the_last_file(usher, threads):
    p = usher(says("n0"), main=f"worker_processes {threads};")
    kept = connect(p)
    assert kept.get("/").text == "n0"
    for n in range(1, 101):
        p.configure(says(f"n{n}", "listen 127.0.0.1:%%PORT2%%;" if n % 2 else ""))
        p.signal("HUP")
    until(lambda: get(p).text == "n100", "the last file")
    assert kept.get("/").text == "n100"
    assert p.error_log().count("reconfiguring\n") <= 201  # the signal's line and the reload's


def test_a_storm_of_new_workers(usher):
    p = usher(says("n0"), main="worker_processes 1;")
    for n in range(1, 21):
        p.main = f"worker_processes {1 + n % 2};"
        p.configure(says(f"n{n}"))
        p.signal("HUP")
        assert re.fullmatch(r"n\d+", get(p).text)
    until(lambda: get(p).text == "n20", "the last file")
    until(lambda: len(workers(p)) == 1, "the former workers' end")


def test_a_worker_that_is_killed_in_a_reload(usher):
    p = usher(says("n0"), may_log="exited on signal 9|did not take the configuration")
    for n in range(1, 6):
        worker = the_worker(p)
        p.configure(says(f"n{n}", "listen 127.0.0.1:%%PORT2%%;"))
        p.signal("HUP")
        os.kill(worker, signal.SIGKILL)
        p.wait_log(f"worker process {worker} exited")
        until(lambda: answers(p, f"n{n}"), "the new configuration")
        assert get(p.ports["PORT2"]).text == f"n{n}"


def answers(proxy, word):
    try:
        return get(proxy).text == word
    except (ConnectionError, AssertionError):
        return False


def test_a_worker_that_was_told_to_quit_opens_no_new_door(usher, origin):
    release = []

    def script(conn, request):
        until(lambda: release, "permission")
        return reply("late")
    back = origin(script)
    p = usher(says("one", "location /slow { proxy_pass http://%%B%%; }"), B=back)
    worker = the_worker(p)
    slow = connect(p)
    slow.request("/slow")
    back.wait_requests(1)
    os.kill(worker, signal.SIGQUIT)
    p.wait_log(f"{worker}#.*gracefully shutting down")
    p.reload(says("two", "listen 127.0.0.1:%%PORT2%%;"))
    until(lambda: answers(p, "two"), "the next worker")
    assert get(p.ports["PORT2"]).text == "two"
    release.append(1)
    assert slow.recv_response().text == "late"


@pytest.mark.parametrize("name", ["QUIT", "TERM"])
def test_an_end_in_the_middle_of_a_reload(usher, name):
    p = usher(says("one"), main="worker_processes 2;")
    assert get(p).text == "one"
    p.main = "worker_processes 3;"
    p.configure(says("two"))
    p.signal("HUP")
    p.signal(name)
    assert p.process.wait(10) == 0


# --- what adds up ---

@pytest.mark.plain_build
def test_300_reloads_cost_neither_memory_nor_descriptors(usher):
    many = "".join(f"server {{ listen 127.0.0.1:%%PORT%%; server_name n{n}.example;"
                   f" location / {{ proxy_pass http://127.0.0.1:9; }} }}\n" for n in range(1000))
    p = usher(says("n0") + many)
    worker, sizes, fds = the_worker(p), [], []
    with connect(p) as kept:
        for n in range(1, 301):
            p.reload(says(f"n{n}", "listen 127.0.0.1:%%PORT2%%;" if n % 2 else "") + many)
            sizes.append((status(p.pid, "VmRSS"), status(worker, "VmRSS")))
            fds.append((len(os.listdir(f"/proc/{p.pid}/fd")), len(os.listdir(f"/proc/{worker}/fd"))))
        assert kept.get("/").text == "n300"
    for who in 0, 1:
        early, late = max(s[who] for s in sizes[20:60]), max(s[who] for s in sizes[-40:])
        assert late - early < 1024, f"KiB after each reload: {[s[who] for s in sizes]}"
        assert fds[-1][who] == fds[21][who]
    assert the_worker(p) == worker
