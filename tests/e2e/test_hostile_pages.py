"""Pages that mean harm: what their includes and patterns may take is bounded, and others are served."""
import re

import pytest

from client import ProtocolError, connect, get
from origin import reply

pytestmark = pytest.mark.usher_only("nginx has no such bounds")
CONF = """server { listen 127.0.0.1:%%PORT%%; ssi on; ssi_types *; ssi_value_length 2000; location / { proxy_pass http://%%O%%; }
location /ok { return 200 ok; } }"""
TOO_MUCH = "SSI commands take too much memory"


def serve(usher, origin, script, **kw):
    return usher(CONF, O=origin(script), main="worker_processes 1;", **kw)


def page(text):
    return reply(text, headers=[("Content-Type", "text/html")])


def peak(proxy):
    """MiB that its worker has ever had."""
    worker = int(re.findall(r"start worker process (\d+)", proxy.error_log())[-1])
    with open(f"/proc/{worker}/status", encoding="ascii") as status:
        return int(re.search(r"VmHWM:\s+(\d+)", status.read())[1]) >> 10


@pytest.mark.plain_build
def test_a_value_that_doubles(usher, origin):
    text = "<!--# set var='a' value='0123456789abcdef' -->" + "<!--# set var='a' value='$a$a' -->" * 40 + "end"
    proxy = serve(usher, origin, page(text))
    assert get(proxy).text.endswith("end")
    assert "too long text" in proxy.error_log()
    assert peak(proxy) < 50


@pytest.mark.plain_build
@pytest.mark.parametrize("command", [
    "<!--# set var='v%d' value='' -->",
    "<!--# set var='v' value='$uri%d' -->",
    "<!--# if expr='$uri = /(?<v%d>.)/' --><!--# endif -->",
], ids=range(3))
def test_commands_without_end(usher, origin, command):
    def script(conn, request):
        conn.send("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
        n = 0
        while conn.send("".join(command % i for i in range(n, n + 5000))):
            n += 5000
    proxy = serve(usher, origin, script)
    with pytest.raises(ProtocolError):
        connect(proxy).get("/" + "x" * 2000)
    assert TOO_MUCH in proxy.error_log()
    assert peak(proxy) < 80
    assert get(proxy, "/ok").text == "ok"


@pytest.mark.plain_build
def test_mistakes_in_great_number_cost_no_memory(usher, origin):
    proxy = serve(usher, origin, page("<!--# nonsense -->" * 20000))
    get(proxy)
    assert proxy.error_log().count("invalid SSI command") == 20000
    assert peak(proxy) < 50


@pytest.mark.parametrize("group", ["(", "(?:", "(?=", "(?i:", "(?>", "(|"])
def test_patterns_of_groups_of_groups(usher, origin, group):
    text = "".join(f"<!--# if expr='$uri = /{group * n}.{')' * n}/' -->yes<!--# endif -->|" for n in (5, 240))
    proxy = serve(usher, origin, page(text))
    said = get(proxy).text.split("|")[0]
    assert said == "yes"
    assert "parentheses are too deeply nested" in proxy.error_log()
    assert get(proxy, "/ok").text == "ok"


def test_a_pattern_that_takes_too_long(usher, origin):
    text = "<!--# set var='a' value='" + "a" * 200 + "b' --><!--# if expr='$a = /^(a+)+[bc]{2}/' -->yes<!--# else -->no<!--# endif -->"
    proxy = serve(usher, origin, page(text), may_log=r"pcre2_match\(\) failed")
    assert get(proxy).text == "no"
    proxy.wait_log(r"\[alert\].*pcre2_match\(\) failed: -47")
