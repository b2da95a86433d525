"""The same configuration and the same raw requests on nginx and on usher: what clients see must agree.

agree(conf, requests) starts both, sends each request on a connection of its own to each, and compares
status, fields and body. %%PORT%% and the rest are filled in as in tests/e2e. What cannot be equal is
made so: Server and Date, the ports, the programs' names, an ETag's form (unless `exact` names it). Files get `same_time` where
their date is looked at; `inexact` names fields that have the present second in them; `module` is one
that nginx has to load.
"""
import os
import pathlib
import re
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import client  # noqa: E402
import proxy  # noqa: E402
from origin import Origin  # noqa: E402
from stage import Stage  # noqa: E402

NGINX = os.environ.get("NGINX_BIN", "/usr/sbin/nginx")
WRITTEN = 1_760_000_000  # when files were
UNEQUAL = ("server", "date", "etag", "connection", "keep-alive")


def raw(request, default_host="localhost"):
    """Bytes of a request: bytes as they are, a text is a target with optional "METHOD " before it."""
    if isinstance(request, bytes):
        return request
    lines = request.strip().split("\n")
    method, _, target = lines[0].rpartition(" ")
    fields = [line.strip() for line in lines[1:]]
    if not any(f.lower().startswith("host:") for f in fields):
        fields.insert(0, f"Host: {default_host}")
    head = [f"{method or 'GET'} {target} HTTP/1.1", *fields, "Connection: close", "", ""]
    return "\r\n".join(head).encode("latin-1")


class Seen:
    """What a client saw of one answer, as far as it can be compared."""

    def __init__(self, server, request, inexact=(), exact=(), data=None):
        data = client.raw(server.port, raw(request)) if data is None else data
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.status = lines[0]
        pairs = [tuple(p.strip() for p in line.split(":", 1)) for line in lines[1:] if ":" in line]
        chunked = any(k.lower() == "transfer-encoding" for k, _ in pairs)
        own = [(k, v) for k, v in pairs if k.lower() in exact or k.lower() not in (*UNEQUAL, *inexact)]
        self.fields = sorted((k, self.plain(v, server)) for k, v in own if k.lower() != "content-length")
        self.has_length = any(k.lower() == "content-length" for k, _ in own)
        self.body = self.plain((dechunk(body) if chunked else body).decode("latin-1"), server)

    @staticmethod
    def plain(text, server):
        text = text.replace(str(server.prefix), "PREFIX")
        for name, port in server.ports.items():
            text = re.sub(rf"\b{port}\b", name, text)
        text = re.sub(r"(--|boundary=)\d{20}\b", r"\1BOUNDARY", text)
        return re.sub(r"nginx/[\d.]+|usher/[\d.]+|nginx|usher", "SERVER", text)

    def __eq__(self, other):
        return vars(self) == vars(other)

    def __repr__(self):
        return f"{self.status}\n" + "\n".join(f"{k}: {v}" for k, v in self.fields) + f"\n\n{self.body}"


def dechunk(data):
    out = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        n = int(size or b"0", 16)
        if n == 0:
            break
        out, data = out + data[:n], data[n + 2:]
    return out


def echo(conn, request):
    """A backend that says what it was asked."""
    from origin import reply
    fields = "".join(f"{k}: {v}\n" for k, v in sorted(request.headers) if k.lower() != "connection")
    return reply(f"{request.line}\n{fields}\n".encode("latin-1") + request.body)


@pytest.fixture
def stage():
    s = Stage()
    yield s
    s.clear()


def write_long_ago(server, files):
    """Both servers' files are of the same second."""
    for name in files or ():
        os.utime(server.prefix / name, (WRITTEN, WRITTEN))


@pytest.fixture
def agree(stage):
    def check(conf, requests, files=None, script=echo, same_time=None, inexact=(), exact=(), module=None, origin=Origin,
              **kw):
        backend = origin(script)
        stage.origins.append(backend)
        names = dict(kw, BACKEND=backend)
        pair = []
        for program in (NGINX, proxy.BIN):
            server = proxy.Proxy("proxy_http_version 1.1; root html;\n" + conf, program=program, files=files,
                                 main=f"load_module {module};" if module and program == NGINX else "", **names)
            stage.proxies.append(server)
            write_long_ago(server, files)
            if same_time:
                os.utime(server.prefix / same_time[0], (same_time[1], same_time[1]))
            pair.append(server.start())
        for request in requests:
            expected, got = (Seen(server, request, inexact, exact) for server in pair)
            assert got == expected, f"{request!r}\n--- nginx\n{expected!r}\n--- usher\n{got!r}"
        return pair
    return check


class Pair:
    """nginx and usher with one configuration, for the tests of a module."""

    def __init__(self, servers):
        self.servers = servers

    def agree(self, request, inexact=()):
        expected, got = (Seen(server, request, inexact) for server in self.servers)
        assert got == expected, f"{request!r}\n--- nginx\n{expected!r}\n--- usher\n{got!r}"


@pytest.fixture(scope="module")
def pair():
    """pair(conf, files, script, before) starts both once; before(prefix) puts into place what `files` cannot."""
    s = Stage()

    def begin(conf, files=None, script=echo, before=None, **kw):
        backend = Origin(script)
        s.origins.append(backend)
        for program in (NGINX, proxy.BIN):
            server = proxy.Proxy("proxy_http_version 1.1; root html;\n" + conf, program=program, files=files,
                                 **dict(kw, BACKEND=backend))
            s.proxies.append(server)
            write_long_ago(server, files)
            if before:
                before(server.prefix)
            server.start()
        return Pair(s.proxies[-2:])
    yield begin
    s.clear()
