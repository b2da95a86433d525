"""Every client's protocol to every backend's: what one has and the other has too goes through, and
what the other has not is done without. Expectations follow from the protocols' traits (matrix.py)."""
import pytest

from matrix import BACKENDS, CLIENTS, Backend, Plan, exchange, start
from wait import until

PIECES = [b"first ", b"second ", b"third"]
LARGE = bytes(range(256)) * 4096  # 1 MiB
BEHAVIOURS = {}


def behaviour(needs=lambda client, backend: True, **variants):
    """Registers a behaviour, once for each variant's arguments; needs: where it can be had."""
    def add(f):
        for name, arguments in (variants or {"": ()}).items():
            BEHAVIOURS[f.__name__ + (f"-{name}" if name else "")] = (f, arguments, needs)
        return f
    return add


class Stage:
    """One client, one proxy, one backend."""

    def __init__(self, client, backend, fixtures):
        self.client, self.kind, self.fixtures = client, backend, fixtures
        self.front, self.back = CLIENTS[client], BACKENDS[backend]

    def serve(self, plan):
        self.plan, self.backend = plan, Backend(self.kind, plan, self.fixtures)
        self.proxy = start(self.fixtures["usher"], self.kind, self.backend)
        self.exchange = exchange(self.client, self.proxy)
        return self.exchange

    def ask(self, plan, method="GET", path="/x?y=1", **kw):
        """A request without a body, and its outcome."""
        x = self.serve(plan)
        x.begin(method, path, **kw)
        x.head()
        return x.finish()

    def seen(self):
        seen = self.backend.seen()
        if self.kind.startswith("http/1"):
            assert seen.version == self.kind
        return seen


@behaviour()
def get(s):
    r = s.ask(Plan(b"hello"))
    assert (r.status, r.body, r.whole, r.get("X-Answer")) == (200, b"hello", True, "yes")
    assert (s.seen().method, s.seen().target, s.seen().body) == ("GET", "/x?y=1", b"")


@behaviour(length=(True,), unknown=(False,))
def head(s, length):
    r = s.ask(Plan(b"hello", length=length), method="HEAD")
    assert (r.status, r.body, r.whole) == (200, b"", True)
    assert r.get("Content-Length") == ("5" if length else None)
    assert s.seen().method == "HEAD"


@behaviour(no_content=(204,), not_modified=(304,))
def answer_without_body(s, status):
    r = s.ask(Plan(b"", length=False, status=status))
    assert (r.status, r.body, r.whole) == (status, b"", True)


@behaviour(length=(True,), unknown=(False,))
def empty_answer(s, length):
    r = s.ask(Plan(b"", length=length))
    assert (r.status, r.body, r.whole) == (200, b"", True)


@behaviour(length=(b"x" * 1000, True), unknown=(b"x" * 1000, False), large=(LARGE, True),
           large_unknown=(LARGE, False))
def body_down(s, body, length):
    r = s.ask(Plan(body, length=length))
    assert (r.status, r.whole) == (200, True) and r.body == body
    assert r.get("Content-Length") == (str(len(body)) if length else None)


def upload(s, path, pieces, streamed):
    x = s.serve(Plan(b"done"))
    body = b"".join(pieces)
    x.begin("POST", path, length=len(body), streamed=streamed)
    for piece in pieces:
        x.send(piece)
    x.end()
    assert x.head() == 200
    assert x.finish().body == b"done"
    assert (s.seen().method, s.seen().target) == ("POST", path) and s.seen().body == body


@behaviour(buffered=("/", PIECES), unbuffered=("/unbuffered", PIECES), large=("/", [LARGE]),
           large_unbuffered=("/unbuffered", [LARGE]), empty=("/", []),
           empty_unbuffered=("/unbuffered", []))
def body_up(s, path, pieces):
    upload(s, path, pieces, streamed=False)


@behaviour(lambda client, backend: client.streams, buffered=("/", PIECES),
           unbuffered=("/unbuffered", PIECES), large=("/", [LARGE]),
           large_unbuffered=("/unbuffered", [LARGE]), empty=("/", []),
           empty_unbuffered=("/unbuffered", []))
def streamed_up(s, path, pieces):
    upload(s, path, pieces, streamed=True)


@behaviour()
def answer_before_the_body_is_over(s):
    x = s.serve(Plan(b"too much", status=413, early=True))
    x.begin("POST", "/unbuffered", length=len(LARGE))
    x.send(LARGE[:1000])
    assert x.head() == 413
    r = x.finish()
    assert (r.body, r.whole) == (b"too much", True)


@behaviour(lambda client, backend: backend.trailers)
def trailers_down(s):
    r = s.ask(Plan(b"hello", length=False, trailers=(("X-Sum", "9"),)))
    assert (r.body, r.whole) == (b"hello", True)
    given = [(k.lower(), v) for k, v in r.trailers]
    assert given == ([("x-sum", "9")] if s.front.trailers else [])


@behaviour(lambda client, backend: client.trailers)
def trailers_up(s):
    x = s.serve(Plan(b"done"))
    x.begin("POST", "/unbuffered", streamed=True)
    x.send(b"body")
    x.end([("X-Sum", "9")])
    assert x.head() == 200 and x.finish().whole
    assert s.seen().body == b"body"
    given = [(k.lower(), v) for k, v in s.seen().trailers]
    assert given == ([("x-sum", "9")] if s.back.trailers else [])


@behaviour(buffered=("/",), unbuffered=("/unbuffered",))
def expect_continue(s, path):
    """The proxy answers for itself, at once; who has no interim responses is not sent one."""
    x = s.serve(Plan(b"done"))
    x.begin("POST", path, [("Expect", "100-continue")], length=4)
    if s.front.interim:
        assert x.wait_interim() == 100
    x.send(b"body")
    x.end()
    assert x.head() == 200
    r = x.finish()
    assert (r.body, s.seen().body) == (b"done", b"body")
    assert [status for status, _ in r.interim] == [100] * s.front.interim


@behaviour(lambda client, backend: backend.interim)
def early_hints(s):
    r = s.ask(Plan(b"hello", hints=(("Link", "</a.css>; rel=preload"),)))
    assert (r.status, r.body) == (200, b"hello")
    assert [status for status, _ in r.interim] == [103] * s.front.interim
    for _, fields in r.interim:
        assert ("link", "</a.css>; rel=preload") in [(k.lower(), v) for k, v in fields]


@behaviour(get=("GET", None), post=("POST", 4))
def reset_before_the_head(s, method, length):
    x = s.serve(Plan(fails="head"))
    x.begin(method, "/", length=length)
    if length:
        x.send(b"body")
        x.end()
    assert x.head() == 502
    assert x.finish().whole


@behaviour(length=(True,), unknown=(False,))
def reset_within_the_body(s, length):
    """Only an HTTP/1.0 client cannot be told, when it was told no length."""
    plan = Plan(b"x" * 1000, length=length, fails="body")
    x = s.serve(plan)
    x.begin("GET", "/")
    assert x.head() == 200
    x.some_body()
    plan.go.set()
    r = x.finish()
    assert len(r.body) < 1000
    assert r.whole == (not s.front.streams and not length)


@behaviour(before_the_head=("head",), within_the_body=("body",))
def client_leaves(s, when):
    plan = Plan(b"x" * 1000, stalls=when)
    x = s.serve(plan)
    x.begin("GET", "/")
    if when == "body":
        assert x.head() == 200
        x.some_body()
    s.backend.server.wait_requests(1)
    x.leave()
    assert plan.left.wait(10), "the backend does not hear of it"
    until(lambda: s.proxy.access_log(1), "the log line")


def combinations():
    for name, (_, _, needs) in BEHAVIOURS.items():
        for client, front in CLIENTS.items():
            for backend, back in BACKENDS.items():
                if needs(front, back):
                    yield pytest.param(client, backend, name, id=f"{client}-{backend}-{name}")


@pytest.mark.usher_only("nginx 1.22 has no http2 on, and not all of the protocols")
@pytest.mark.parametrize("client, backend, name", combinations())
def test_translation(client, backend, name, usher, origin, fcgi, h2origin):
    f, arguments, _ = BEHAVIOURS[name]
    fixtures = {"usher": usher, "origin": origin, "fcgi": fcgi, "h2origin": h2origin}
    f(Stage(client, backend, fixtures), *arguments)
