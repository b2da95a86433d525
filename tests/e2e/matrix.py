"""Clients and backends of every protocol under one face each, for test_matrix.py.

A client: begin, send, end, head, finish, leave. A backend does as its Plan says and remembers what
it was asked. What a protocol can carry is in its Traits: expectations follow from these.
"""
import dataclasses
import functools
import threading

import certs
import fcgi
import h2client
from client import ProtocolError, connect
from origin import chunk


@dataclasses.dataclass(frozen=True)
class Traits:
    streams: bool = True   # bodies whose length is not known before they end
    trailers: bool = True
    interim: bool = True


CLIENTS = {"http/1.0": Traits(False, False, False), "http/1.1": Traits(), "h2c": Traits(),
           "h2": Traits()}
BACKENDS = {"http/1.0": Traits(False, False, False), "http/1.1": Traits(), "h2": Traits(),
            "fastcgi": Traits(False, False, False)}

PASS = {
    "http/1.0": "proxy_http_version 1.0; proxy_pass http://%%B%%;",
    "http/1.1": "proxy_http_version 1.1; proxy_pass http://%%B%%;",
    "h2": "proxy_http_version 2; proxy_pass http://%%B%%;",
    "fastcgi": "fastcgi_param REQUEST_METHOD $request_method; fastcgi_param REQUEST_URI"
               " $request_uri; fastcgi_param CONTENT_LENGTH $content_length; fastcgi_pass %%B%%;",
}
CONF = """
early_hints 1; proxy_pass_trailers on; client_max_body_size 8m;
server {
    listen 127.0.0.1:%%PORT%%; listen 127.0.0.1:%%PORT2%% ssl; http2 on;
    ssl_certificate site.crt; ssl_certificate_key site.key;
    location / { PASS }
    location /unbuffered { proxy_request_buffering off; fastcgi_request_buffering off; PASS }
}
"""


@functools.lru_cache(maxsize=None)
def leaf():
    return certs.Authority().issue("localhost")


def start(usher, backend, served):
    return usher(CONF.replace("PASS", PASS[backend]), B=served,
                 files={"site.crt": leaf().chain, "site.key": leaf().key})


# --- clients ---

@dataclasses.dataclass
class Outcome:
    status: int
    headers: list
    body: bytes
    trailers: list
    interim: list  # (status, fields)
    whole: bool

    def get(self, name):
        return dict((k.lower(), v) for k, v in self.headers).get(name.lower())


class H1Exchange:
    """One request of an HTTP/1 client on a connection of its own."""

    def __init__(self, proxy, version):
        self.c, self.version, self.interim = connect(proxy), version, []

    def begin(self, method, path, fields=(), length=None, streamed=False):
        self.method, self.streamed = method, streamed
        fields = list(fields)
        if streamed:
            fields.append(("Transfer-Encoding", "chunked"))
        elif length is not None:
            fields.append(("Content-Length", str(length)))
        self.c.request(path, method=method, headers=fields, version=self.version)

    def send(self, piece):
        self.c.send(chunk(piece) if self.streamed else piece)

    def end(self, trailers=()):
        if self.streamed:
            lines = "".join(f"{k}: {v}\r\n" for k, v in trailers)
            self.c.send(f"0\r\n{lines}\r\n")

    def wait_interim(self):
        r = self.c.recv_head()
        self.interim.append((r.status, r.headers))
        return r.status

    def head(self):
        self.r = self.c.recv_head()
        while 100 <= self.r.status < 200:
            self.interim.append((self.r.status, self.r.headers))
            self.r = self.c.recv_head()
        return self.r.status

    def some_body(self):
        if self.r.get("Transfer-Encoding"):
            return self.c.recv_chunk()
        return self.c.recv_exact(1)

    def finish(self):
        try:
            self.c._recv_body(self.r, self.method == "HEAD")
            whole = True
        except (ProtocolError, ConnectionResetError):
            whole = False
        return Outcome(self.r.status, self.r.headers, self.r.body, self.r.trailers, self.interim,
                       whole)

    def leave(self):
        self.c.reset()


class H2Exchange:
    """One request of an HTTP/2 client on a connection of its own."""

    def __init__(self, where, tls):
        context = certs.client_context(alpn=["h2"]) if tls else None
        self.c, self.scheme = h2client.connect(where, context), "https" if tls else "http"

    def begin(self, method, path, fields=(), length=None, streamed=False):
        fields = [(k.lower(), v) for k, v in fields]
        if length is not None and not streamed:
            fields.append(("content-length", str(length)))
        self.has_body = length is not None or streamed
        self.id = self.c.request(path, method, fields, end=not self.has_body, scheme=self.scheme)
        self.a = self.c.answers[self.id]

    def send(self, piece):
        self.c.send(self.id, piece, end=False)

    def end(self, trailers=()):
        if self.has_body:
            self.c.end(self.id, [(k.lower(), v) for k, v in trailers])

    def wait_interim(self):
        n = len(self.a.interim)
        self.c.until(lambda: len(self.a.interim) > n, "an interim response")
        return self.interim()[-1][0]

    def interim(self):
        return [(int(fields[0][1]), fields[1:]) for fields in self.a.interim]

    def head(self):
        return self.c.head(self.id).status

    def some_body(self):
        self.c.body(self.id, 1)

    def finish(self):
        a = self.c.answer(self.id)
        return Outcome(a.status, a.headers, a.body, a.trailers, self.interim(), a.ended)

    def leave(self):
        self.c.reset(self.id)


def exchange(client, proxy):
    if client.startswith("h2"):
        tls = client == "h2"
        return H2Exchange(proxy.ports["PORT2"] if tls else proxy.port, tls)
    return H1Exchange(proxy, client.removeprefix("http/"))


# --- backends ---

@dataclasses.dataclass
class Plan:
    body: bytes = b""
    length: bool = True       # say how long it is
    status: int = 200
    trailers: tuple = ()
    hints: tuple = ()         # fields of a 103
    fails: str = None         # "head": reset in its place; "body": reset when told, half of it sent
    stalls: str = None        # "head", "body": wait for the client to leave
    early: bool = False       # answer without a look at the request's body
    go: threading.Event = dataclasses.field(default_factory=threading.Event)
    left: threading.Event = dataclasses.field(default_factory=threading.Event)

    @property
    def half(self):
        return self.body[:len(self.body) // 2]

    def fields(self):
        return [("X-Answer", "yes")] + \
            ([("Content-Length", str(len(self.body)))] if self.length else [])

    def wait_go(self):
        assert self.go.wait(10), "the client does not see the head"


@dataclasses.dataclass
class Seen:
    method: str
    target: str
    body: bytes
    trailers: list
    version: str


def in_steps(plan, begin, some, rest, reset, wait_closed):
    """What every backend does, given how it does each step. True: to the end."""
    if plan.fails == "head":
        return reset()
    if plan.stalls != "head":
        begin()
    if plan.fails == "body":
        some()
        plan.wait_go()
        return reset()
    if plan.stalls:
        if plan.stalls == "body":
            some()
        wait_closed()
        return plan.left.set()
    return rest()


def h1_script(plan, version):
    streams = version == "1.1" and not plan.length

    def script(conn, request):
        bodiless = request.method == "HEAD" or plan.status in (204, 304)

        def begin():
            head = ""
            if plan.hints and version == "1.1":
                head += "HTTP/1.1 103 Early Hints\r\n" + lines(plan.hints) + "\r\n"
            head += f"HTTP/{version} {plan.status} Planned\r\n" + lines(plan.fields())
            if streams and not bodiless:
                head += "Transfer-Encoding: chunked\r\n"
            conn.send(head + "\r\n")

        def send(data):
            if data and not bodiless:
                conn.send(chunk(data) if streams else data)

        def rest():
            send(plan.body)
            if streams and not bodiless:
                conn.send("0\r\n" + lines(plan.trailers) + "\r\n")
            if version == "1.0" or plan.early:
                conn.close()
        in_steps(plan, begin, lambda: send(plan.half), rest, conn.reset, conn.wait_closed)
    return script


def fcgi_script(plan):
    def script(conn, request):
        def out(data):
            conn.send(fcgi.stream(fcgi.STDOUT, data))

        def begin():
            out((f"Status: {plan.status} Planned\r\n" + lines(plan.fields()) + "\r\n").encode())

        def rest():
            if request.method != "HEAD" and plan.status not in (204, 304):
                out(plan.body)
            conn.send(fcgi.record(fcgi.STDOUT) + fcgi.end())
            conn.close()
        in_steps(plan, begin, lambda: out(plan.half), rest, conn.reset, conn.wait_closed)
    return script


def h2_script(plan):
    def script(stream):
        bodiless = stream.method == "HEAD" or plan.status in (204, 304)
        if not plan.early:
            stream.read_body()

        def begin():
            if plan.hints:
                stream.send_head(103, plan.hints)
            stream.send_head(plan.status, plan.fields(),
                             end=bodiless or not (plan.body or plan.trailers))

        def rest():
            if stream.open:
                stream.send(plan.body, end=not plan.trailers)
            if stream.open:
                stream.send_trailers(plan.trailers)
        in_steps(plan, begin, lambda: stream.send(plan.half), rest, stream.reset,
                 stream.wait_gone)
    return script


def lines(fields):
    return "".join(f"{k}: {v}\r\n" for k, v in fields)


class Backend:
    """A backend of one kind that serves one plan. fixtures: origin, fcgi and h2origin, by name."""

    def __init__(self, kind, plan, fixtures):
        self.kind = kind
        if kind == "fastcgi":
            self.server = fixtures["fcgi"](fcgi_script(plan), read_body=not plan.early)
        elif kind == "h2":
            self.server = fixtures["h2origin"](h2_script(plan))
        else:
            script = h1_script(plan, kind.removeprefix("http/"))
            self.server = fixtures["origin"](script, read_body=not plan.early)
        self.address = self.server.address

    def seen(self):
        """The one request."""
        requests = self.server.requests
        assert len(requests) == 1, requests
        r = requests[0]
        target = r.path if self.kind == "h2" else r.target
        version = getattr(r, "version", self.kind).lower()
        return Seen(r.method, target, r.body, getattr(r, "trailers", []), version)

