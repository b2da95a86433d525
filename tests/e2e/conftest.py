"""Fixtures of the end-to-end tests: usher(text), origin(script), h2origin(script), fcgi(script),
dns(records), refusing().

At the end of a test its clients go first, then its origins, then the proxies, so that a proxy is
always asked to quit with nothing left to wait for, and must then leave at once and leave nothing.
"""
import os
import socket
import time

import pytest

from dns import NameServer
from fcgi import FcgiOrigin
from h2origin import H2Origin
from h2server import serve
from origin import Origin
from proxy import BIN, IS_NGINX, THREADS, Proxy
from stage import Stage


def pytest_configure(config):
    config.addinivalue_line("markers", "usher_only(why): usher differs from nginx 1.22 on purpose")
    config.addinivalue_line("markers", "plain_build: counts memory or wake-ups, which sanitizers spend freely")
    config.addinivalue_line("markers", "one_thread: counts turns, idle connections, cached names or "
                            "log lines in order, of which each thread has its own")


def pytest_collection_modifyitems(items):
    for item in items:
        mark = item.get_closest_marker("usher_only")
        if IS_NGINX and mark:
            item.add_marker(pytest.mark.skip(reason="usher only"))
        if os.environ.get("USHER_SANITIZED") and item.get_closest_marker("plain_build"):
            item.add_marker(pytest.mark.skip(reason="a sanitizer's build"))
        if THREADS and item.get_closest_marker("one_thread"):
            item.add_marker(pytest.mark.skip(reason="several threads"))


def pytest_report_header():
    return f"program under test: {BIN}"


def socket_path():
    return f"/tmp/usher-e2e-{os.getpid()}-{time.monotonic_ns()}.sock"


@pytest.fixture
def stage():
    s = Stage()
    yield s
    s.clear()


@pytest.fixture
def usher(stage):
    """usher(text, **kw) starts the program under test; see Proxy. start=False only prepares it."""
    def begin(text, start=True, **kw):
        proxy = Proxy(text, **kw)
        stage.proxies.append(proxy)
        return proxy.start() if start else proxy
    return begin


@pytest.fixture
def origin(stage):
    """origin(script, **kw) starts a scripted backend; see Origin. unix=True for a unix socket."""
    def begin(script, unix=False, **kw):
        backend = Origin(script, path=socket_path() if unix else None, **kw)
        stage.origins.append(backend)
        return backend
    return begin


@pytest.fixture
def fcgi(stage):
    """fcgi(script, **kw) starts a scripted FastCGI responder; see FcgiOrigin. unix=True as above."""
    def begin(script, unix=False, **kw):
        backend = FcgiOrigin(script, path=socket_path() if unix else None, **kw)
        stage.origins.append(backend)
        return backend
    return begin


@pytest.fixture
def cgi(stage):
    """cgi(UwsgiOrigin, script, **kw) starts a scripted server of cgi_origin.py. unix=True as above."""
    def begin(kind, script, unix=False, **kw):
        backend = kind(script, path=socket_path() if unix else None, **kw)
        stage.origins.append(backend)
        return backend
    return begin


@pytest.fixture
def h2origin(stage):
    """h2origin(script, tls=None, **kw) starts a scripted HTTP/2 backend; see H2Origin."""
    def begin(script, **kw):
        backend = H2Origin(script, **kw)
        stage.origins.append(backend)
        return backend
    return begin


@pytest.fixture
def dns(stage):
    """dns(records, ttl=1) starts a scripted name server; see NameServer."""
    def begin(records, **kw):
        server = NameServer(records, **kw)
        stage.origins.append(server)
        return server
    return begin


@pytest.fixture
def h2server(usher, origin):
    """A server of HTTP/2 in clear text before an origin; see h2server.py."""
    return serve(usher, origin)


@pytest.fixture
def refusing(stage):
    """refusing() is an address where every connect is refused, for as long as the test runs."""
    def begin():
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
        stage.sockets.append(s)
        return "127.0.0.1:%d" % s.getsockname()[1]
    return begin
