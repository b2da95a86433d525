"""Backends by name: resolved when asked for and again by their TTL, and never a reason to die."""
import pytest

from client import connect, get
from origin import Origin, reply
from wait import until


@pytest.fixture
def twins(stage):
    """Two origins on one port of two loopback addresses, so that only the name's answer chooses."""
    while True:
        first = Origin(reply("first"))
        try:
            second = Origin(reply("second"), port=first.port, host="127.0.0.2")
            break
        except OSError:
            first.stop()
    stage.origins += [first, second]
    return first.port


BY_VARIABLE = """
    resolver %%DNS%% valid=1s ipv6=off; resolver_timeout 1s;
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { proxy_pass http://$http_to:%%APP%%; }
        location /lost { proxy_pass http://lost.test:%%APP%%$uri; }
        location /silent { proxy_pass http://silent.test:%%APP%%$uri; }
    }"""


def ask(proxy):
    return get(proxy, headers={"To": "app.test"}).text


@pytest.mark.one_thread
def test_a_name_in_a_variable_is_asked_of_the_resolver(usher, dns, twins):
    names = dns({"app.test": ["127.0.0.1"]})
    proxy = usher(BY_VARIABLE, DNS=names, APP=twins)
    assert ask(proxy) == "first"
    assert ask(proxy) == "first"
    assert len([q for q in names.asked if q[0] == "app.test"]) == 1
    names.records["app.test"] = ["127.0.0.2"]
    until(lambda: ask(proxy) == "second", "the name to be asked again", timeout=5)


def test_several_addresses_take_turns_and_a_dead_one_is_not_seen(usher, dns, origin):
    o = origin(reply("alive"))
    names = dns({"app.test": ["127.0.0.1", "127.0.0.3"]})
    proxy = usher(BY_VARIABLE, DNS=names, APP=o.port)
    assert [ask(proxy) for _ in range(6)] == ["alive"] * 6


def test_a_client_that_leaves_is_not_waited_for(usher, dns):
    names = dns({"silent.test": None})
    proxy = usher(BY_VARIABLE.replace("resolver_timeout 1s", "resolver_timeout 60s"), DNS=names, APP=1)
    c = connect(proxy).request("/silent")
    until(lambda: names.asked, "the question")
    c.reset()
    assert " 499 " in proxy.access_log(1)[0]


def test_an_unknown_or_silent_name_is_502(usher, dns, twins):
    names = dns({"silent.test": None})
    proxy = usher(BY_VARIABLE.replace("resolver_timeout 1s", "resolver_timeout 300ms"),
                  DNS=names, APP=twins)
    assert get(proxy, "/lost").status == 502
    assert get(proxy, "/silent").status in (502, 504)
    proxy.wait_log(r"lost\.test")


def test_each_block_asks_the_nearest_resolver(usher, dns, twins):
    outer, middle, inner = (dns({"app.test": ["127.0.0.1"]}) for _ in range(3))
    proxy = usher("""
        resolver %%OUTER%% ipv6=off;
        server {
            listen 127.0.0.1:%%PORT%%;
            location / { proxy_pass http://$http_to:%%APP%%; }
            location /in { resolver %%INNER%% ipv6=off; proxy_pass http://$http_to:%%APP%%; }
            location /around {
                resolver %%INNER%% ipv6=off;
                location /around/in { proxy_pass http://$http_to:%%APP%%; }
            }
        }
        server {
            listen 127.0.0.1:%%PORT2%%;
            resolver %%MIDDLE%% ipv6=off;
            location / { proxy_pass http://$http_to:%%APP%%; }
        }""", OUTER=outer, MIDDLE=middle, INNER=inner, APP=twins)
    places = [(proxy.port, "/", outer), (proxy.ports["PORT2"], "/", middle),
              (proxy.port, "/in", inner), (proxy.port, "/around/in", inner)]
    for n, (port, path, asked) in enumerate(places):
        name = f"app{n}.test"
        asked.records[name] = ["127.0.0.1"]
        assert get(port, path, headers={"To": name}).text == "first"
        assert name in [q[0] for q in asked.asked]


IN_A_GROUP = """
    resolver %%DNS%% ipv6=off;
    upstream app { server app.test:%%APP%%; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { proxy_pass http://app; }
        location /direct { proxy_pass http://app.test:%%APP%%; }
        location /static { return 200 static; }
    }"""


@pytest.mark.usher_only("nginx resolves these once, at start, with the system's resolver")
def test_a_name_in_a_group_follows_its_ttl(usher, dns, twins):
    names = dns({"app.test": ["127.0.0.1"]}, ttl=1)
    proxy = usher(IN_A_GROUP, DNS=names, APP=twins)
    until(lambda: get(proxy).text == "first", "the first answer")
    names.records["app.test"] = ["127.0.0.2"]
    until(lambda: get(proxy).text == "second", "the group to follow the name", timeout=6)
    until(lambda: get(proxy, "/direct").text == "second", "proxy_pass to follow", timeout=6)


@pytest.mark.usher_only("nginx does not start")
def test_a_name_that_comes_later_is_found_later(usher, dns, twins):
    names = dns({}, ttl=1)
    proxy = usher(IN_A_GROUP, DNS=names, APP=twins)
    assert get(proxy, "/static").text == "static"
    assert get(proxy).status == 502
    names.records["app.test"] = ["127.0.0.1"]
    until(lambda: get(proxy).status == 200, "the name to be found", timeout=8)


@pytest.mark.usher_only("nginx resolves these once")
@pytest.mark.one_thread
def test_a_name_that_is_lost_keeps_its_last_addresses(usher, dns, twins):
    names = dns({"app.test": ["127.0.0.1"]}, ttl=1)
    proxy = usher(IN_A_GROUP, DNS=names, APP=twins)
    until(lambda: get(proxy).text == "first", "the first answer")
    asked = len(names.asked)
    names.records["app.test"] = None
    until(lambda: len(names.asked) > asked + 1, "it to be asked again", timeout=8)
    assert get(proxy).text == "first"


def test_localhost_needs_no_resolver(usher, origin):
    o = origin(reply("here"))
    proxy = usher("upstream app { server localhost:%%APP%%; }"
                  "server { listen 127.0.0.1:%%PORT%%; location / { proxy_pass http://app; } }",
                  APP=o.port)
    assert [get(proxy).text for _ in range(4)] == ["here"] * 4
