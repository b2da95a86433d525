"""Clients that leave at any moment, many at once, over HTTP/1, TLS and HTTP/2: nothing is left of them."""
import re
import socket
import struct

import pytest

import h2raw
from certs import Authority, client_context
from client import get
from origin import reply
from wait import until

CA = Authority()
CONF = """
limit_req_zone $server_name zone=delay:64k rate=1r/m; limit_req_zone $uri zone=pit:64k rate=1r/m;
resolver %%DNS%%; resolver_timeout 60s; ssl_certificate a.crt; ssl_certificate_key a.key;
client_header_timeout 60s; client_body_timeout 60s; client_max_body_size 0; client_body_buffer_size 1k;
proxy_connect_timeout 60s; proxy_http_version 1.1; lingering_close off;
server {
    listen 127.0.0.1:%%PORT%%; listen 127.0.0.1:%%PORT2%% ssl; http2 on;
    location /status { stub_status; }
    location /connect { proxy_pass http://%%FULL%%; }
    location /silent { proxy_pass http://%%O%%/silent; }
    location /head { proxy_pass http://%%O%%/head; }
    location /flood { proxy_pass http://%%O%%/flood; }
    location /streamed { proxy_request_buffering off; proxy_pass http://%%O%%/silent; }
    location /name { set $name silent.example; proxy_pass http://$name/; }
    location /fcgi { fastcgi_pass %%MUTE%%; }
    location /h2 { grpc_pass grpc://%%MUTE%%; }
    location /judge { auth_request /silent; return 200; }
    location /judges { auth_request /judge; mirror /silent; proxy_pass http://%%O%%/silent; }
    location /mirror { mirror /silent; mirror_request_body on; proxy_pass http://%%O%%/flood; }
    location /page { ssi on; ssi_types *; proxy_pass http://%%O%%/page; }
    location /nest { ssi on; ssi_types *; proxy_pass http://%%O%%; }
    location /more { add_before_body /head; add_after_body /silent; addition_types *; proxy_pass http://%%O%%/head; }
    location /secret { auth_basic a; auth_basic_user_file users; root html; }
    location /delay { limit_req zone=delay burst=1000; root html; }
    location /tarpit { limit_req zone=pit action=tarpit hold=60s; root html; }
    location /late { auth_delay 60s; auth_basic a; auth_basic_user_file users; root html; }
    location /slowly { limit_rate 10; root html; }
    location /big { root html; }
    location /after { post_action /silent; return 200 x; }
    location /lost { error_page 404 = /silent; return 404; }
    location /socket { proxy_pass http://%%O%%/socket; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; }
}
"""
PATHS = ("connect silent head flood streamed name fcgi h2 judge judges mirror page nest more secret delay tarpit late slowly big after "
         "lost socket").split()
PAGE = b"a <!--# include virtual='/silent' --> <!--# include virtual='/page' --> <!--# include virtual='/head' wait='yes' --> b"


def script(conn, request):
    if "head" in request.target:
        conn.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 999999\r\n\r\n" + b"x" * 100)
    if "socket" in request.target:
        conn.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n" + b"x" * 100)
    if "flood" in request.target:
        conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n")
        while conn.send(b"x" * 65536):
            pass
        return conn.close()
    if "nest" in request.target:
        inner = b"/head" if "nested" in request.target else b"/nested"
        return reply(b"<!--# include virtual='" + inner + b"' -->", headers=[("Content-Type", "text/html"), ("Connection", "close")])
    if "page" in request.target:
        return reply(PAGE, headers=[("Content-Type", "text/html"), ("Connection", "close")])
    conn.wait_closed()
    return conn.close()


def listener(stage, backlog):
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen(backlog)
    stage.sockets.append(s)
    return s, "127.0.0.1:%d" % s.getsockname()[1]


@pytest.fixture
def mute(stage):
    """An address where a connect succeeds, and that is all."""
    return listener(stage, 1024)[1]


@pytest.fixture
def full(stage):
    """An address where a connect is neither answered nor refused."""
    s, address = listener(stage, 0)
    for _ in range(4):
        waits = socket.socket()
        waits.setblocking(False)
        waits.connect_ex(s.getsockname())
        stage.sockets.append(waits)
    return address


@pytest.fixture
def proxy(usher, origin, dns, full, mute):
    leaf = CA.issue("a.example")
    o = origin(script, read_body=False)
    files = {"a.crt": leaf.chain, "a.key": leaf.key, "html/big": b"x" * 3000000, "html/slowly": b"x" * 3000000, "html/late": "x",
             "html/secret": "x", "users": "a:$2b$08$abcdefghijklmnopqrstuuzgvDWMYLZYYRYWaQ5YdcmRBhvgXGyGO\n"}
    return usher(CONF, O=o, DNS=dns({"silent.example": None}), FULL=full, MUTE=mute, files=files)


def heads(path):
    fields = "Host: a\r\nAuthorization: Basic YTpi\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
    yield f"GET /{path} HTTP/1.1\r\n{fields}\r\n"
    yield f"POST /{path} HTTP/1.1\r\n{fields}Content-Length: 100000\r\n\r\n" + "x" * 3000
    yield f"POST /{path} HTTP/1.1\r\n{fields}Content-Length: 4\r\n\r\nbody"
    yield f"POST /{path} HTTP/1.1\r\n{fields}Transfer-Encoding: chunked\r\n\r\n5\r\nhe"
    yield f"GET /{path} HTTP/1.1\r\n{fields}\r\n" * 3


def plain(port):
    s = socket.create_connection(("127.0.0.1", port), 10)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    return s


def secure(port):
    return client_context(None).wrap_socket(plain(port), server_hostname="a.example")


def active(proxy):
    return int(re.search(r"Active connections: (\d+)", get(proxy, "/status").text)[1])


def all_gone(proxy):
    until(lambda: active(proxy) == 1, "the end of all connections")


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


@pytest.mark.parametrize("connect", [plain, secure])
@pytest.mark.parametrize("served", [False, True])
def test_http1(proxy, connect, served):
    port = proxy.port if connect is plain else proxy.ports["PORT2"]
    for path in PATHS:
        crowd = []
        for head in heads(path):
            crowd.append(connect(port))
            crowd[-1].sendall(head.encode())
        if served:
            until(lambda: active(proxy) > 1, "the connections")
        for s in crowd:
            reset(s)
    all_gone(proxy)


@pytest.mark.parametrize("how", ["streams", "reset", "goaway"])
def test_http2(proxy, how):
    for path in PATHS:
        c = h2raw.begin(proxy)
        for n in (1, 3, 5, 7):
            fields = h2raw.request(("authorization", "Basic YTpi"), method="POST" if n % 4 == 3 else "GET", path=f"/{path}")
            c.say(h2raw.headers(n, fields, end=n % 4 == 1))
        c.say(h2raw.data(3, b"x" * 3000, end=True), h2raw.data(7, b"x" * 3000))
        if how == "streams":
            c.say(*[h2raw.rst(n) for n in (1, 3, 5, 7)]).alive()
        if how == "goaway":
            c.say(h2raw.goaway())
        reset(c.sock) if how == "reset" else c.close()
    all_gone(proxy)


def test_within_a_page_within_a_page(proxy):
    """Each waits for more of the next when the reader leaves."""
    s = plain(proxy.port)
    s.sendall(b"GET /nest HTTP/1.1\r\nHost: a\r\n\r\n")
    seen = b""
    while b"xxx" not in seen:
        seen += s.recv(65536)
    reset(s)
    all_gone(proxy)
