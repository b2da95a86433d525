"""Too many connections, too few descriptors, nothing to do: bounded work, bounded words."""
import pathlib
import re
import select
import time

import pytest

from client import connect, get
from origin import reply
from proxy import session_pids
from wait import until

pytestmark = pytest.mark.usher_only

CONF = """
events {{ worker_connections {connections}; }}
http {{
    access_log off;
    server {{
        listen 127.0.0.1:%%PORT%%;
        {more}
        location / {{ return 200 here; }}
        location /back {{ proxy_pass http://%%B%%; }}
    }}
}}"""


def conf(connections, more="", main=""):
    return main + CONF.format(connections=connections, more=more)


def the_worker(proxy):
    get(proxy, "/")
    [worker] = [p for p in session_pids(proxy.process.pid) if p != proxy.pid]
    return worker


def spent(pid):
    """Nanoseconds on a processor, and how often one was given up to wait, over all threads."""
    ns = waits = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        ns += int((task / "schedstat").read_text().split()[0])
        waits += int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", (task / "status").read_text(), re.M)[1])
    return ns, waits


def in_a_second(*pids):
    """What the processes spend in a second in which the test does nothing."""
    before = [spent(p) for p in pids]
    select.select([], [], [], 1)  # the measure itself, not a synchronisation
    after = [spent(p) for p in pids]
    return sum(a[0] - b[0] for a, b in zip(after, before)), sum(a[1] - b[1] for a, b in zip(after, before))


def is_calm(*pids):
    """No busy loop: within 5 % of a processor and few wake-ups (once over: something may just end)."""
    ns, waits = min(in_a_second(*pids) for _ in range(2))
    assert ns < 50_000_000 and waits < 40, f"{ns} ns and {waits} wake-ups in a second"


def alerts(proxy, pattern):
    return len(re.findall(pattern, proxy.error_log()))


class Held:
    """Answers once released; counts who waits."""

    def __init__(self):
        self.free, self.waiting = False, 0

    def __call__(self, conn, request):
        self.waiting += 1
        until(lambda: self.free, "the release", timeout=30)
        return reply("late")


# --- connections ---

@pytest.mark.parametrize("threads", [1, 4])
def test_all_worker_connections_busy(usher, origin, threads):
    held = Held()
    back = origin(held)
    p = usher(conf(20, main=f"worker_processes {threads};"), B=back, may_log="worker_connections are not")
    worker = the_worker(p)
    crowd = [connect(p) for _ in range(40 * threads)]
    for c in crowd:
        c.request("/back")
    p.wait_log("20 worker_connections are not enough")
    until(lambda: held.waiting >= 20, "the first ones' requests")
    is_calm(worker)
    held.free = True
    for c in crowd:  # those outside come in as those inside leave
        assert c.recv_response().text == "late"
        c.close()
    assert get(p).text == "here"
    assert alerts(p, "worker_connections are not enough") < 10 * threads + 20


def test_idle_connections_make_room(usher, origin):
    p = usher(conf(10, main="worker_processes 1;"), B=origin(reply("b")))
    crowd = []
    for _ in range(50):
        c = connect(p)
        assert c.get("/back").text == "b"
        crowd.append(c)
    assert not re.search(r"\[alert\]", p.error_log())
    assert crowd[-1].get("/").text == "here"


def test_a_stream_of_clients_at_the_limit_is_no_flood_in_the_log(usher, origin):
    held = Held()
    p = usher(conf(5, main="worker_processes 1;"), B=origin(held), may_log="worker_connections are not")
    busy = [connect(p) for _ in range(4)]
    for c in busy:
        c.request("/back")
    until(lambda: held.waiting == 4, "four requests")
    began = time.monotonic()
    for _ in range(300):  # each fills the last place, with another one outside
        a, b = connect(p), connect(p)
        a.request("/back")
        b.request("/")
        a.reset()
        assert b.recv_response().text == "here"
        b.close()
    took = time.monotonic() - began
    assert alerts(p, "worker_connections are not enough") <= took + 2
    held.free = True
    for c in busy:
        assert c.recv_response().text == "late"


# --- descriptors ---

@pytest.mark.parametrize("threads", [1, 4])
def test_few_descriptors(usher, origin, threads):
    held = Held()
    back = origin(held)
    p = usher(conf(512, main=f"worker_processes {threads}; worker_rlimit_nofile {40 + 24 * threads};"),
              B=back, may_log="open files are not enough|accept4")
    p.wait_log(r"\[warn\].*512 worker_connections exceed open file resource limit")
    worker = the_worker(p)
    crowd = [connect(p) for _ in range(200)]
    for c in crowd:
        c.request("/back")
    p.wait_log("open files are not enough|accept4")
    is_calm(worker)
    held.free = True
    for c in crowd:  # whoever is let in is served
        assert c.recv_response().text == "late"
        c.close()
    assert get(p).text == "here"
    assert alerts(p, r"\[(alert|crit)\]") < 10 * threads + 30


def test_few_descriptors_and_many_idle_connections(usher, origin):
    p = usher(conf(512, main="worker_processes 1; worker_rlimit_nofile 64;"), B=origin(reply("b")))
    crowd = []
    for _ in range(200):
        c = connect(p)
        assert c.get("/back").status == 200
        crowd.append(c)
    assert crowd[-1].get("/").text == "here"
    assert alerts(p, r"\[(alert|crit)\]") == 0


def test_a_reload_with_all_descriptors_taken(usher, origin):
    held = Held()
    back = origin(held)
    text = conf(512, main="worker_processes 1; worker_rlimit_nofile 64;")
    p = usher(text, B=back, may_log="open files are not enough|accept4")
    worker = the_worker(p)
    crowd = [connect(p) for _ in range(60)]
    for c in crowd:
        c.request("/back")
    p.wait_log("open files are not enough|accept4")
    p.reload(text.replace("return 200 here", "return 200 there"))
    assert pathlib.Path(f"/proc/{worker}").exists()
    held.free = True
    for c in crowd:
        assert c.recv_response().text == "late"
        c.close()
    assert get(p).text == "there"
    assert the_worker(p) == worker


def test_running_out_of_descriptors_is_not_the_backends_fault(usher, origin):
    """Idle clients outnumber what is left when they all ask at once: some get 500, none blames the group."""
    text = conf(512, main="worker_processes 1; worker_rlimit_nofile 64;").replace(
        "server {", "upstream g { server %%B%% max_fails=1 fail_timeout=60s; server %%B2%% max_fails=1"
                    " fail_timeout=60s; } server {", 1).replace("http://%%B%%", "http://g")
    held = Held()
    p = usher(text, B=origin(held), B2=origin(held), may_log="accept4|open files are not enough")
    crowd = []
    for _ in range(40):
        c = connect(p)
        assert c.get("/").status == 200
        crowd.append(c)
    for c in crowd:
        c.request("/back")
    p.wait_log(r"socket\(\) failed \(24: Too many open files\)")
    held.free = True
    seen = {c.recv_response().status for c in crowd}
    assert seen == {200, 500}
    for c in crowd:
        c.close()
    assert "temporarily disabled" not in p.error_log() and "no live upstreams" not in p.error_log()
    assert get(p, "/back").status == 200


# --- nothing to do ---

@pytest.mark.plain_build
@pytest.mark.parametrize("threads", [1, 4])
def test_without_traffic_everybody_sleeps(usher, origin, threads):
    p = usher(conf(512, main=f"worker_processes {threads};"), B=origin(reply("b")))
    worker = the_worker(p)
    kept = [connect(p) for _ in range(8)]
    for c in kept:
        assert c.get("/back").text == "b"
    ns, waits = min(in_a_second(worker, p.pid) for _ in range(2))
    assert ns < 10_000_000 and waits <= 2 + 2 * threads, f"{ns} ns, {waits} wake-ups"


@pytest.mark.plain_build
def test_idle_connections_cost_less_than_a_kibibyte(usher, origin):
    n = 4000
    p = usher(conf(n + 10, "keepalive_timeout 600s;", main="worker_processes 1;"), B=origin(reply("b")))
    worker = the_worker(p)

    def anonymous():
        return int(re.search(r"RssAnon:\s+(\d+)", pathlib.Path(f"/proc/{worker}/status").read_text())[1])
    for c in [connect(p) for _ in range(100)]:  # what the first ones cost once
        c.get("/back")
    before, crowd = anonymous(), [connect(p) for _ in range(n - 110)]
    for c in crowd:
        assert c.get("/back").status == 200
    each = (anonymous() - before) * 1024 / len(crowd)
    assert each <= 1024, f"{each:.0f} bytes each"
