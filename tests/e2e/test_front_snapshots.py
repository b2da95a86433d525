"""A snapshot is freed when the last exchange that began with it has ended, and used by nothing
after that: not by a connection that idles, lingers or is in the middle of a head."""
import re

import pytest

from client import connect, get
from origin import reply
from wait import until

pytestmark = pytest.mark.usher_only


def says(word, more=""):
    return ("server { listen 127.0.0.1:%%PORT%%; lingering_timeout 10s;" + more +
            " location / { return 200 " + word + "; }"
            " location /slow { proxy_pass http://%%O%%; }"
            " location /up { proxy_pass http://%%O%%; proxy_http_version 1.1;"
            " proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; } }")


def freed(proxy):
    """The generations that the worker has freed; the supervisor counts its own."""
    lines = re.findall(r" (\d+)#\d+: snapshot (\d+) freed", proxy.error_log())
    return {int(generation) for pid, generation in lines if int(pid) != proxy.pid}


def wait_freed(proxy, generation):
    until(lambda: generation in freed(proxy), f"snapshot {generation} to be freed")


class Held:
    """An origin's script that answers when told to."""

    def __init__(self):
        self.free = False

    def __call__(self, conn, request):
        if request.get("Upgrade"):
            conn.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")
            return conn.wait_closed()
        until(lambda: self.free, "permission")
        return reply("late")


@pytest.mark.parametrize("threads", [1, 4])
def test_it_lives_as_long_as_its_last_exchange(usher, origin, threads):
    held = Held()
    back = origin(held)
    proxy = usher(says("one"), main=f"worker_processes {threads};", O=back)
    slow = connect(proxy)
    slow.request("/slow")
    back.wait_requests(1)
    proxy.reload(says("two"))
    proxy.reload(says("three"))
    wait_freed(proxy, 2)
    assert 1 not in freed(proxy)
    held.free = True
    assert slow.recv_response().text == "late"
    wait_freed(proxy, 1)
    assert slow.get("/").text == "three"


def test_an_upgraded_connection_holds_it(usher, origin):
    proxy = usher(says("one"), O=origin(Held()))
    with connect(proxy) as c:
        c.request("/up", headers={"Upgrade": "x", "Connection": "upgrade"})
        assert c.recv_head().status == 101
        proxy.reload(says("two"))
        proxy.reload(says("three"))
        wait_freed(proxy, 2)
        assert 1 not in freed(proxy)
    wait_freed(proxy, 1)


def test_neither_idle_connections_nor_half_a_head_hold_it(usher, origin):
    proxy = usher(says("one"), O=origin(Held()))
    idle, begun = connect(proxy), connect(proxy)
    assert idle.get("/").text == "one"
    begun.send(b"GET / HTTP/1.1\r\nHo")
    assert get(proxy).text == "one"  # so the half head has been read, too
    proxy.reload(says("two"))
    wait_freed(proxy, 1)
    assert begun.send(b"st: a\r\n\r\n").recv_response().text == "two"
    assert idle.get("/").text == "two"


def test_a_lingering_connection_does_not_hold_it(usher, origin):
    proxy = usher(says("one", "client_max_body_size 10;"), O=origin(Held()))
    c = connect(proxy)
    c.send(b"POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\nhalf")
    assert c.recv_response().status == 413
    proxy.reload(says("two"))
    wait_freed(proxy, 1)
    c.send(b"more")
    assert get(proxy).text == "two"


def test_a_body_that_is_dropped_after_a_reload(usher, origin):
    held = Held()
    back = origin(held, read_body=False)
    proxy = usher(says("one", "proxy_request_buffering off;"), O=back)
    c = connect(proxy)
    c.send(b"POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nhalf")
    back.wait_requests(1)
    proxy.reload(says("two"))
    held.free = True
    assert c.recv_response().text == "late"
    c.send(b"rest")
    wait_freed(proxy, 1)


def test_another_default_server_after_a_reload(usher, origin):
    two = ("server { listen 127.0.0.1:%%PORT%%; server_name a; return 200 a; }"
           "server { listen 127.0.0.1:%%PORT%% DEFAULT; server_name b; return 200 b; }")
    proxy = usher(two.replace("DEFAULT", ""))
    with connect(proxy) as c:
        assert c.get(host="unknown").text == "a"
        proxy.reload(two.replace("DEFAULT", "default_server"))
        assert c.get(host="unknown").text == "b"
        assert c.get(host="a").text == "a"


def test_an_address_that_vanishes(usher, origin):
    held = Held()
    back = origin(held)
    proxy = usher(says("one", "listen 127.0.0.1:%%PORT2%%;"), O=back)
    busy, idle = connect(proxy.ports["PORT2"]), connect(proxy.ports["PORT2"])
    assert idle.get("/").text == "one"
    busy.request("/slow")
    back.wait_requests(1)
    proxy.reload(says("two"))
    assert idle.closed()
    held.free = True
    answer = busy.recv_response()
    assert answer.text == "late" and answer.get("Connection") == "close" and busy.closed()
    wait_freed(proxy, 1)
    proxy.reload(says("three", "listen 127.0.0.1:%%PORT2%%;"))
    assert get(proxy.ports["PORT2"]).text == "three"
