"""limit_req and limit_conn where usher goes beyond nginx 1.22, or where several clients are needed at once."""
import hashlib
import re
import os
import signal
import subprocess
import tempfile
import threading

import pytest

from client import connect, get, raw
from h2client import connect as connect_h2
from origin import reply
from wait import until


def server(body, http=""):
    return http + " server { listen 127.0.0.1:%%PORT%%; server_name localhost; " + body + " }"


def test_who_goes_beyond_the_rate_waits(usher):
    p = usher(server("location / { limit_req zone=z burst=3; root html; try_files /f =404; }",
                     "log_format l '$request_uri $status $limit_req_status'; access_log logs/l l;"
                     "limit_req_zone $arg_k zone=z:64k rate=2r/s;"), files={"html/f": "f"})
    clients = [connect(p).request(f"/{i}?k=1") for i in range(2)]
    assert [c.recv_response().status for c in clients] == [200] * 2
    p.wait_log(r"\[warn\].* delaying request, excess: \d\.\d{3}, by zone \"z\", client: 127.0.0.1, server: localhost, request")
    until(lambda: p._read("l").count("\n") == 2, "two lines")
    assert sorted(line.split()[2] for line in p._read("l").splitlines()) == ["DELAYED", "PASSED"]


def test_a_client_that_goes_away_while_it_waits_is_a_499(usher):
    p = usher(server("location / { limit_req zone=z burst=3; root html; }", "limit_req_zone $arg_k zone=z:64k rate=1r/m;"), files={"html/f": "f"})
    assert get(p, "/f?k=1").status == 200
    c = connect(p).request("/f?k=1")
    p.wait_log("delaying request")
    c.reset()
    until(lambda: any(" 499 " in line for line in p.access_log()), "the 499")


@pytest.mark.usher_only("nginx's workers are several processes here only with worker_processes")
def test_the_limit_is_exact_over_all_threads(usher):
    p = usher(server("location / { limit_req zone=z burst=20 nodelay; limit_req zone=y burst=15 nodelay; root html; }",
                     "limit_req_zone $server_name zone=z:64k rate=1r/m; limit_req_zone $host zone=y:64k rate=1r/m;"),
              files={"html/f": "f"}, main="worker_processes 4;")
    clients = [connect(p) for _ in range(60)]
    for c in clients:
        c.request("/f")
    statuses = [c.recv_response().status for c in clients]
    assert (statuses.count(200), statuses.count(503)) == (16, 44)


@pytest.mark.usher_only("http2 on, $limit_conn_status over streams")
def test_each_stream_of_http2_counts_as_a_connection(usher, origin):
    go = threading.Event()
    backend = origin(lambda conn, request: go.wait(10) and reply(b"x"))
    p = usher(server("http2 on; location / { limit_conn c 2; proxy_pass http://%%BACKEND%%; }", "limit_conn_zone $server_name zone=c:64k;"),
              BACKEND=backend)
    c = connect_h2(p.port)
    held = [c.request("/") for _ in range(2)]
    until(lambda: len(backend.requests) == 2, "two requests under way")
    assert c.get("/").status == 503
    go.set()
    assert [c.answer(s).status for s in held] == [200, 200]
    assert c.get("/").status == 200


def test_a_place_is_given_back_however_a_request_ends(usher, origin):
    backend = origin(lambda conn, request: None if "wait" in request.target else conn.close() if "die" in request.target else reply(b"x"))
    p = usher(server("location / { limit_conn c 1; proxy_read_timeout 60s; proxy_pass http://%%BACKEND%%; }", "limit_conn_zone $server_name zone=c:64k;"),
              BACKEND=backend)
    assert get(p, "/die").status == 502
    assert get(p, "/").status == 200
    c = connect(p).request("/wait")
    until(lambda: any("wait" in r.target for r in backend.requests), "the request at the backend")
    assert get(p, "/").status == 503
    c.reset()
    until(lambda: get(p, "/").status == 200, "the place of one who left")


ACTIONS = """limit_req_zone $arg_k zone=z:64k rate=1r/m; limit_req_zone $arg_t zone=t:64k rate=1r/m; limit_req_zone $arg_d zone=d:64k rate=2r/s;
limit_req_zone $arg_u zone=u:64k rate=1r/m;"""


@pytest.mark.usher_only("action=")
class TestActions:
    def test_close_says_nothing(self, usher):
        p = usher(server("location / { limit_req zone=z action=close; root html; }", ACTIONS), files={"html/f": "f"})
        assert get(p, "/f?k=1").status == 200
        assert raw(p, "GET /f?k=1 HTTP/1.1\r\nHost: a\r\n\r\n".encode()) == b""
        assert " 444 " in p.access_log(2)[1]

    def test_a_tarpit_holds_a_few_and_then_refuses(self, usher):
        p = usher(server("location / { limit_req zone=t action=tarpit hold=1h held=1; limit_req_status 429; root html; }"
                         "location /short { limit_req zone=u action=tarpit hold=20ms; root html; }", ACTIONS), files={"html/f": "f"})
        assert get(p, "/f?t=1").status == 200
        held = connect(p).request("/f?t=1")
        p.wait_log("limiting requests")
        assert get(p, "/f?t=1").status == 429
        held.reset()
        until(lambda: any(" 499 " in line for line in p.access_log()), "the end of the held one")
        assert [get(p, "/short?u=1").status for _ in range(2)] == [404, 503]

    def test_delay_lets_what_is_beyond_the_burst_wait(self, usher):
        p = usher(server("location / { limit_req zone=d burst=1 nodelay action=delay hold=1s; root html; }", ACTIONS), files={"html/f": "f"})
        clients = [connect(p).request("/f?d=1") for _ in range(3)]
        assert [c.recv_response().status for c in clients] == [200] * 3
        p.wait_log(r"delaying request, excess: [12]\.")

    def test_only_failures_count(self, usher, origin):
        """Twice wrong, and the third attempt is not even asked; who is right goes on for ever."""
        backend = origin(lambda conn, request: reply(b"", status="401 Unauthorized" if "bad" in request.target else "200 OK"))
        p = usher(server("location / { limit_req zone=z burst=1 nodelay count=401,403; limit_req_status 429; proxy_pass http://%%BACKEND%%; }", ACTIONS),
                  BACKEND=backend)
        assert [get(p, "/good?k=1").status for _ in range(5)] == [200] * 5
        assert [get(p, "/bad?k=1").status for _ in range(4)] == [401, 401, 429, 429]
        assert get(p, "/good?k=1").status == 429
        assert get(p, "/good?k=2").status == 200
        assert len(backend.requests) == 8

    def test_refusals_are_no_failures(self, usher):
        """Else nobody who goes on asking would ever be let in again."""
        p = usher(server("location / { limit_req zone=z burst=1 nodelay count=403; limit_req_status 403; root html; }"
                         "location /no { limit_req zone=z burst=1 nodelay count=404; limit_req_status 403; root html; }", ACTIONS))
        assert [get(p, "/no?k=1").status for _ in range(5)] == [404, 404, 403, 403, 403]
        assert [get(p, "/f?k=1").status for _ in range(5)] == [403] * 5
        assert "excess: 3" not in p.error_log()

    def test_an_ipv6_network_is_one_client(self, usher):
        for key in ("$binary_remote_addr", "$remote_addr"):
            p = usher(server("set_real_ip_from 127.0.0.1; real_ip_header X-Real-IP; location / { limit_req zone=n; root html; }",
                             f"limit_req_zone {key} zone=n:64k rate=1r/m key_prefix=56;"), files={"html/f": "f"})
            ips = ["2001:db8:0:100::1", "2001:db8:0:1ff::2", "2001:db8:0:200::1", "192.0.2.1", "192.0.2.2", "::ffff:192.0.2.9", "::ffff:192.0.2.8"]
            assert [get(p, "/f", headers={"X-Real-IP": ip}).status for ip in ips] == [200, 503, 200, 200, 200, 200, 200]


@pytest.mark.usher_only("nginx refuses a zone that changed")
def test_zones_go_on_over_reloads_unless_they_change(usher):
    def text(key, rate):
        return server("location / { limit_req zone=z; root html; }", f"limit_req_zone {key} zone=z:64k rate={rate};")
    p = usher(text("$arg_k", "1r/m"), files={"html/f": "f"})
    assert [get(p, "/f?k=1").status for _ in range(2)] == [200, 503]
    p.reload(text("$arg_k", "2r/m"))
    assert get(p, "/f?k=1").status == 503
    assert "begins anew" not in p.error_log()
    p.reload(text("$arg_k$host", "2r/m"))
    assert get(p, "/f?k=1").status == 200
    p.wait_log(r"\[notice\].* limit_req_zone \"z\" begins anew: its key or size has changed")


BAD = {
    "limit_req_zone $uri zone=a rate=1r/s;": 'invalid zone size "zone=a"',
    "limit_req_zone $uri zone=a:1k rate=1r/s;": 'zone "zone=a:1k" is too small',
    "limit_req_zone $uri zone=a:1m rate=0r/s;": 'invalid rate "rate=0r/s"',
    "limit_req_zone $uri zone=a:1m rate=1r/h;": 'invalid rate "rate=1r/h"',
    "limit_req_zone $uri zone=a:1m rate=r/s;": 'invalid rate "rate=r/s"',
    "limit_req_zone $uri rate=1r/s foo=1;": 'invalid parameter "foo=1"',
    "limit_req_zone $uri zone=:1m rate=1r/s;": '"limit_req_zone" must have "zone" parameter',
    "limit_req_zone $nosuch zone=a:1m rate=1r/s;": 'unknown "nosuch" variable',
    "limit_req_zone $uri zone=z:1m rate=2r/s;": 'limit_req_zone "z" is already bound to key "$uri"',
    "limit_req_zone $uri zone=c:1m rate=1r/s;": 'the shared memory zone "c" is already declared for a different use',
    "limit_req_zone $uri zone=a:1m key_prefix=64;": "key_prefix needs $binary_remote_addr or $remote_addr as the key",
    "limit_req_zone zone=a:1m key_prefix=129;": 'invalid key_prefix "129"',
    "limit_req;": 'invalid number of arguments in "limit_req" directive',
    "limit_req burst=1;": '"limit_req" must have "zone" parameter',
    "limit_req zone=z burst=0;": 'invalid burst value "burst=0"',
    "limit_req zone=z delay=x;": 'invalid delay value "delay=x"',
    "limit_req zone=z foo;": 'invalid parameter "foo"',
    "limit_req zone=nosuch;": 'zero size shared memory zone "nosuch"',
    "limit_req zone=z; limit_req zone=z burst=2;": '"limit_req" directive is duplicate',
    "limit_req zone=z action=nothing;": 'invalid action "action=nothing"',
    "limit_req zone=z count=401,x;": 'invalid count value "count=401,x"',
    "limit_req zone=z hold=0;": 'invalid hold value "hold=0"',
    "limit_req zone=z held=0;": 'invalid held value "held=0"',
    "limit_req_status 200;": "value must be between 400 and 599",
    "limit_req_status x;": '"limit_req_status" directive invalid number',
    "limit_req_log_level debug;": 'invalid value "debug"',
    "limit_conn c;": 'invalid number of arguments in "limit_conn" directive',
    "limit_conn c 0;": 'invalid number of connections "0"',
    "limit_conn c 65536;": "connection limit must be less 65536",
    "limit_conn c 1; limit_conn c 2;": '"limit_conn" directive is duplicate',
    "limit_conn z 1;": 'the shared memory zone "z" is already declared for a different use',
    "limit_conn_zone $uri foo=a:1m;": 'invalid parameter "foo=a:1m"',
    "limit_conn_zone $uri key_prefix=1;": "key_prefix needs $binary_remote_addr or $remote_addr as the key",
    "limit_req_challenge difficulty=31;": 'invalid value "difficulty=31": it must be between 1 and 30',
    "limit_req_challenge wait=x;": 'invalid time "wait=x"',
    "limit_req_challenge expires=0;": 'invalid time "expires=0"',
    "limit_req_challenge foo=1;": 'invalid parameter "foo=1"',
    "limit_req_challenge_secret none;": "none\" failed (2: No such file or directory)",
    "limit_req_challenge_secret short;": "short\" must have 32 bytes to 1 MiB",
    "limit_req zone=a/b action=challenge;": 'zone "a/b" cannot have a challenge',
}


@pytest.mark.usher_only("nginx stops at the first, and knows fewer")
def test_what_cannot_be_is_said_with_its_place(usher):
    """All in one run, each at its own line."""
    zones = "limit_req_zone $uri zone=z:1m rate=1r/s;\nlimit_conn_zone $uri zone=c:1m;\nlimit_req_zone $uri zone=a/b:1m;\n"
    for text, problem in BAD.items():
        p = usher(zones + text + "\n", start=False, files={"short": "x"})
        r = p.run("-t")
        line = 1 + (p.prefix / "usher.conf").read_text().splitlines().index(text)
        assert r.returncode == 1 and problem in r.stderr, (text, r.stderr)
        assert f"{p.prefix}/usher.conf:{line}" in r.stderr, (text, r.stderr)


# --- The challenge ---

CHALLENGE = "limit_req_challenge difficulty=8 wait=1s factor=2 %s; limit_req_zone $arg_k zone=z:64k rate=1r/m;"
SITE = "location / { limit_req zone=z burst=1 nodelay action=challenge; limit_req_status 429; root html; }"


def solve(task, bits):
    n = 0
    while int.from_bytes(hashlib.sha256(f"{task}.{n}".encode()).digest()[:4], "big") >> (32 - bits):
        n += 1
    return n


class Task:
    """What a challenge's page asks."""

    def __init__(self, page, bits=8):
        assert page.status == 403
        text = page.text
        self.task = re.search(r"task='(\w+)'", text)[1]
        self.bits = int(re.search(r"bits=(\d+)", text)[1])
        assert self.bits == bits
        self.url = re.search(r"url='([^']+)'", text)[1]
        link = re.search(r'<a href="([^"]+)"', text)
        self.link = link and link[1]

    def solved(self):
        return f"{self.url}&task={self.task}&answer={solve(self.task, self.bits)}"


def challenged(p, target="/f?k=1"):
    """The page that stands in the way, once the burst is used."""
    while (r := get(p, target)).status == 200:
        pass
    return r


def cookie_of(r):
    value = r.get("Set-Cookie")
    return value and value.split(";")[0]


@pytest.mark.usher_only("action=challenge")
class TestChallenge:
    @pytest.fixture
    def site(self, usher):
        return usher(server(SITE, CHALLENGE % ""), files={"html/f": "f"})

    def test_work_earns_a_pass_that_allows_more_but_not_all(self, site):
        page = challenged(site)
        assert page.get("Cache-Control") == "no-store"
        assert "default-src 'none'" in page.get("Content-Security-Policy")
        nonce = re.search(r"script-src 'nonce-(\w{32})'", page.get("Content-Security-Policy"))[1]
        assert page.text.count(nonce) == 2 and "http" not in page.text.replace("http-equiv", "")
        r = get(site, Task(page).solved())
        assert (r.status, r.get("Cache-Control")) == (303, "no-store")
        assert r.get("Location") == f"http://localhost:{site.port}/f?k=1"
        assert re.fullmatch(r"usher_pass_z=[0-9a-f]{40}; Path=/; Max-Age=(3600|3599|3598); HttpOnly; SameSite=Lax", r.get("Set-Cookie"))
        cookie = {"Cookie": "a=b; " + cookie_of(r)}
        statuses = [get(site, "/f?k=1", headers=cookie).status for _ in range(7)]
        assert statuses == [200] * 5 + [429] * 2, "twice the burst and one more each, then the limit's status"
        assert challenged(site).status == 403, "others have gained nothing"

    def test_a_pass_is_for_its_key_and_zone_only(self, site):
        cookie = {"Cookie": cookie_of(get(site, Task(challenged(site)).solved()))}
        challenged(site, "/f?k=2")
        assert get(site, "/f?k=2", headers=cookie).status == 403
        assert get(site, "/f?k=1", headers=cookie).status == 200

    def test_nothing_else_earns_one(self, site):
        mine, other = Task(challenged(site)), Task(challenged(site, "/f?k=2"))
        good = mine.solved()
        answer = good.rpartition("=")[2]
        wrong = str(next(n for n in range(100) if not self.right(mine.task, n)))
        forged = ("0" if mine.task[-1] != "0" else "1").join([mine.task[:-1], ""])
        later = "f" + mine.task[1:]
        for url in (good.replace(f"answer={answer}", f"answer={wrong}"), good.replace(mine.task, forged), good.replace(mine.task, later),
                    good.replace("zone=z", "zone=y"), good.replace("zone=z", "zone="), good.replace("zone=z", "zone=" + "z" * 300),
                    good.replace(mine.url.split("key=")[1][:32], other.url.split("key=")[1][:32]), good.replace("&task=", "&wait="),
                    good.replace("key=", "key=0"), good + "0" * 20, good.replace("answer=", "answer=-"), mine.url, "/.well-known/usher/challenge",
                    mine.link.replace("&wait=", "&task=") + "&answer=0", good.replace("zone=z", "zone=z%0d%0aX:1")):
            r = get(site, url)
            assert (r.status, r.all("Set-Cookie")) == (303, []), url
        for value in ("", "x", mine.task, other.task, "f" * 40, "g" * 40):
            assert get(site, "/f?k=1", headers={"Cookie": "usher_pass_z=" + value}).status == 403
        site.wait_log(r"\[info\].* a challenge was answered wrongly or out of time")

    @staticmethod
    def right(task, n):
        return hashlib.sha256(f"{task}.{n}".encode()).digest()[0] == 0

    def test_handing_in_twice_gives_the_same_pass(self, site):
        url = Task(challenged(site)).solved()
        assert cookie_of(get(site, url)) == cookie_of(get(site, url))

    def test_the_way_back_stays_on_the_site(self, site):
        task = Task(challenged(site))
        home = f"http://localhost:{site.port}"
        for to, place in {"%2Fa%3Fb%3D1": "/a?b=1", "https%3A%2F%2Fevil%2F": "/", "%2F%2Fevil": "/", "%2F%5Cevil": "/", "%5C%5Cevil": "/", "": "/",
                          "%2Fa%0d%0aX%3A1": "/", "javascript%3Aalert(1)": "/", "%2F" + "a" * 5000: "/", "%2Fa%20b": "/", "%2F%09%2Fevil": "/"}.items():
            r = get(site, re.sub(r"to=[^&]*", "to=" + to, task.solved()))
            assert r.get("Location") == home + place, to

    def test_markup_in_the_address_stays_out_of_the_page(self, site):
        challenged(site)
        r = raw(site, b"GET /'\"</script><b>?k=1&'</script>\"<b> HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert b"403" in r and b"<b>" not in r and b"'</script>" not in r

    def test_who_has_no_script_waits(self, site):
        """The link is no good at once, and good after the wait."""
        task = Task(challenged(site))
        assert get(site, task.link).all("Set-Cookie") == []
        r = until(lambda: (lambda r: r.all("Set-Cookie") and r)(get(site, task.link)), "the wait's end")
        assert get(site, "/f?k=1", headers={"Cookie": cookie_of(r)}).status == 200

    def test_posts_and_heads_are_stopped_too(self, site):
        challenged(site)
        assert connect(site).get("/f?k=1", method="POST", body=b"x").status == 403
        assert connect(site).get("/f?k=1", method="HEAD").status == 403

    def test_a_pass_ends(self, usher):
        p = usher(server(SITE, CHALLENGE % "expires=1s status=429"), files={"html/f": "f"})
        page = challenged(p)
        assert page.status == 429
        page.status = 403
        cookie = {"Cookie": cookie_of(get(p, Task(page).solved()))}
        until(lambda: b"One moment" in get(p, "/f?k=1", headers=cookie).body, "the pass's end")

    def test_wait_can_be_forbidden(self, usher):
        p = usher(server(SITE, CHALLENGE.replace("wait=1s", "wait=0") % ""), files={"html/f": "f"})
        task = Task(challenged(p))
        assert task.link is None
        assert "refresh" not in challenged(p).text

    def test_machines_that_share_a_secret_share_passes(self, usher):
        files = {"html/f": "f", "key": "s" * 32, "other": "t" * 32}
        one, two = (usher(server(SITE, "limit_req_challenge_secret key;" + CHALLENGE % ""), files=files) for _ in range(2))
        three = usher(server(SITE, "limit_req_challenge_secret other;" + CHALLENGE % ""), files=files)
        cookie = {"Cookie": cookie_of(get(one, Task(challenged(one)).solved()))}
        challenged(two), challenged(three)
        assert get(two, "/f?k=1", headers=cookie).status == 200
        assert get(three, "/f?k=1", headers=cookie).status == 403
        one.reload(server(SITE, CHALLENGE % ""))
        assert get(one, "/f?k=1", headers=cookie).status == 403

    def test_passes_outlive_reloads(self, site):
        cookie = {"Cookie": cookie_of(get(site, Task(challenged(site)).solved()))}
        site.reload()
        assert get(site, "/f?k=1", headers=cookie).status == 200

    def test_a_dry_run_challenges_nobody(self, usher):
        p = usher(server(SITE.replace("root", "limit_req_dry_run on; root"), CHALLENGE % ""), files={"html/f": "f"})
        assert [get(p, "/f?k=1").status for _ in range(4)] == [200] * 4

    @pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
    def test_chromium_gets_through(self, usher, script):
        page = "<title>t</title><img src=/arrived?k=2>"
        p = usher(server(SITE, CHALLENGE.replace("=8", "=12") % ""), files={"html/f": page, "html/arrived": "x"}, main="")
        challenged(p)
        with tempfile.TemporaryDirectory(prefix="usher-chromium-") as profile:
            settings = [] if script else ["--blink-settings=scriptEnabled=false"]
            browser = subprocess.Popen(
                ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-port=0",
                 *settings, f"--user-data-dir={profile}", f"http://127.0.0.1:{p.port}/f?k=1"],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
            try:
                until(lambda: any("GET /.well-known/usher/challenge" in line for line in p.access_log()), "the answer", timeout=60)
                until(lambda: any("GET /f?k=1 " in line and " 200 " in line and "Chrom" in line for line in p.access_log()), "the page", timeout=60)
            finally:
                os.killpg(browser.pid, signal.SIGTERM)
                browser.wait(20)
