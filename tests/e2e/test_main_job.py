"""The main job: conf/examples/two-apps-and-an-api.conf, moved to loopback."""
import re

import pytest

from client import connect, get
from origin import reply
from proxy import ROOT

EXAMPLE = ROOT / "conf/examples/two-apps-and-an-api.conf"


def moved():
    text = EXAMPLE.read_text()
    for n in (1, 2, 3):
        text = re.sub(rf"\b10\.0\.0\.{n}\b", f"%%B{n}%%", text)
    return re.sub(r"listen 80;", "listen 127.0.0.1:%%PORT%%;", text)


def backends(origin):
    return {f"B{n}": origin(reply(f"backend {n}")) for n in (1, 2, 3)}


@pytest.fixture
def house(usher, origin):
    b = backends(origin)
    return usher(moved(), **b), b


def test_the_example_is_the_fragment_of_the_readme():
    text = EXAMPLE.read_text()
    assert "events" not in text and "http {" not in text
    assert text.strip() in (ROOT / "README.md").read_text()


@pytest.mark.one_thread
def test_root_alternates_between_the_two_web_servers(house):
    proxy, _ = house
    seen = [get(proxy, "/").text for _ in range(6)]
    assert sorted(seen[:2]) == ["backend 1", "backend 2"]
    assert seen == seen[:2] * 3


def test_alternation_holds_on_one_connection(house):
    proxy, _ = house
    with connect(proxy) as c:
        seen = [c.get("/").text for _ in range(6)]
    assert sorted(seen[:2]) == ["backend 1", "backend 2"] and seen == seen[:2] * 3


def test_api_goes_to_the_api_server(house):
    proxy, b = house
    assert [get(proxy, t).text for t in ("/api/", "/api/users?id=7")] == ["backend 3"] * 2
    assert [r.target for r in b["B3"].requests] == ["/api/", "/api/users?id=7"]
    assert get(proxy, "/apiary").text != "backend 3"


def test_clients_never_see_a_backends_address(usher, origin):
    def redirect(conn, request):
        host = request.get("Host")
        return reply(b"", "302 Found", Location=f"http://{host}/next", Refresh="0")
    b = {f"B{n}": origin(redirect) for n in (1, 2, 3)}
    proxy = usher(moved(), **b)
    for target in ("/", "/api/x"):
        r = get(proxy, target, host="example.com")
        everything = str(r.headers) + r.text
        assert r.get("Location") == f"http://example.com:{proxy.port}/next"
        for backend in b.values():
            assert str(backend.port) not in everything


def test_a_dead_backend_is_not_seen(house):
    proxy, b = house
    b["B1"].die()
    assert [get(proxy, "/").text for _ in range(8)] == ["backend 2"] * 8
    assert [get(proxy, "/").status for _ in range(2)] == [200, 200]


def test_a_backend_that_dies_under_keepalive_is_not_seen(house):
    proxy, b = house
    with connect(proxy) as c:
        assert [c.get("/").status for _ in range(4)] == [200] * 4
        b["B2"].die()
        assert [c.get("/").text for _ in range(6)] == ["backend 1"] * 6


def test_when_all_are_dead_the_answer_is_502(house):
    proxy, b = house
    for backend in b.values():
        backend.die()
    r = get(proxy, "/")
    assert r.status == 502 and r.get("Content-Type") == "text/html"
    assert get(proxy, "/api/").status == 502


@pytest.mark.usher_only
def test_the_fragment_alone_is_a_whole_configuration(usher, origin):
    proxy = usher(moved(), bare=True, **backends(origin))
    assert get(proxy, "/api/").text == "backend 3"
