"""uwsgi_pass, scgi_pass, memcached_pass: against the real uwsgi and memcached, over TLS, and with servers that misbehave."""
import socket
import ssl
import subprocess

import pytest

import certs
import client
from cgi_origin import MemcachedOrigin, ScgiOrigin, UwsgiOrigin, echo
from proxy import free_port
from wait import until

APP = """
def application(environ, start):
    size = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(size)
    start("201 Made Here", [("Content-Type", "text/plain"), ("X-Method", environ["REQUEST_METHOD"])])
    return [environ["PATH_INFO"].encode(), b"|", environ.get("QUERY_STRING", "").encode(), b"|", str(len(body)).encode()]
"""
PARAMS = """uwsgi_param QUERY_STRING $query_string; uwsgi_param REQUEST_METHOD $request_method; uwsgi_param CONTENT_LENGTH $content_length;
    uwsgi_param PATH_INFO $document_uri; uwsgi_param SERVER_NAME x; uwsgi_param SERVER_PORT 1; uwsgi_param REQUEST_URI $request_uri;
    uwsgi_param SERVER_PROTOCOL $server_protocol;"""


def answers(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def program():
    """program(argv) runs until the test's end."""
    running = []
    yield lambda *argv: running.append(subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)) or running[-1]
    for p in running:
        p.kill()
        p.wait()


def test_the_real_uwsgi(usher, program, tmp_path):
    (tmp_path / "app.py").write_text(APP)
    port = free_port()
    program("uwsgi", "--plugin", "python3", "--socket", f"127.0.0.1:{port}", "--wsgi-file", str(tmp_path / "app.py"), "--die-on-term")
    until(lambda: answers(port), "uwsgi")
    server = usher("server { listen 127.0.0.1:%%PORT%%; client_max_body_size 0; location / { " + PARAMS + f" uwsgi_pass 127.0.0.1:{port}; }} }}")
    r = client.get(server.port, "/a%20b?c=d")
    assert (r.status, r.reason, r.body, r.get("x-method")) == (201, "Made Here", b"/a b|c=d|0", "GET")
    assert client.get(server.port, "/up", method="POST", body=b"x" * 300_000).body == b"/up||300000"


def test_the_real_memcached(usher, program):
    port = free_port()
    program("memcached", "-u", "nobody", "-l", "127.0.0.1", "-p", str(port), "-U", "0")
    until(lambda: answers(port), "memcached")
    big = b"v" * 500_000
    with socket.create_connection(("127.0.0.1", port)) as s:
        s.sendall(b"set /a 0 0 5\r\nhello\r\nset /big 0 0 %d\r\n%s\r\n" % (len(big), big))
        got = b""
        while got.count(b"STORED") < 2:
            got += s.recv(100)
    server = usher("upstream m { server 127.0.0.1:%d; keepalive 2; } server { listen 127.0.0.1:%%%%PORT%%%%; location / { "
                   "set $memcached_key $uri; memcached_pass m; } }" % port)
    for _ in range(3):
        assert client.get(server.port, "/a").body == b"hello"
        assert client.get(server.port, "/none").status == 404
        assert client.get(server.port, "/big").body == big


def test_a_memcached_connection_is_kept_when_all_was_read(usher, cgi):
    backend = cgi(MemcachedOrigin, {"/a": b"VALUE /a 0 1\r\nx\r\nEND\r\n", "/odd": b"VALUE /odd 0 1\r\nx\r\nEND\r\nmore"})
    server = usher("upstream m { server %%BACKEND%%; keepalive 2; } server { listen 127.0.0.1:%%PORT%%; location / { "
                   "set $memcached_key $uri; memcached_pass m; } }", main="worker_processes 1;", BACKEND=backend)
    for target in ("/a", "/none", "/a"):
        client.get(server.port, target)
    assert len(backend.connections) == 1
    assert client.get(server.port, "/odd").body == b"x"
    client.get(server.port, "/a")
    assert len(backend.connections) == 2


def test_another_memcached_is_asked_for_what_is_not_found(usher, cgi):
    first, second = cgi(MemcachedOrigin, {}), cgi(MemcachedOrigin, {"/a": b"VALUE /a 0 1\r\nx\r\nEND\r\n"})
    server = usher("upstream m { server %%FIRST%%; server %%SECOND%% backup; } server { listen 127.0.0.1:%%PORT%%; location / { "
                   "memcached_next_upstream not_found; set $memcached_key $uri; memcached_pass m; } }", FIRST=first, SECOND=second)
    assert client.get(server.port, "/a").body == b"x"
    assert client.get(server.port, "/none").status == 404


@pytest.mark.parametrize("data", [b"", b"VALUE /a 0 5\r\n", b"VALUE /a 0 5\r\nab", b"x" * 70000, b"VALUE /a 0 99999999999999999999\r\n",
                                  b"VALUE /a -1 1\r\nx", b"VALUE /a 0 1 2\r\nx\r\nEND\r\n", b"\r\n", b"VALUE\r\n"])
def test_memcached_that_misbehaves(usher, cgi, data):
    backend = cgi(MemcachedOrigin, lambda conn, key: (data and conn.send(data), b"")[1])
    server = usher("server { listen 127.0.0.1:%%PORT%%; location / { set $memcached_key $uri; memcached_pass %%BACKEND%%; } }", BACKEND=backend)
    got = client.raw(server.port, b"GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 502") or (b"\r\n0\r\n" not in got and data[:13] == b"VALUE /a 0 5\r"), got


@pytest.mark.parametrize("kind, name", [(UwsgiOrigin, "uwsgi"), (ScgiOrigin, "scgi")])
def test_answers_in_pieces_and_cut_off(usher, cgi, kind, name):
    def script(conn, request):
        which = request.params["WHICH"]
        if which == "/pieces":
            for i in b"Status: 201 Made\r\nContent-Type: a/b\r\n\r\nbody":
                conn.send(bytes([i]))
            return b""
        return {"/cut": b"Content-Length: 9\r\n\r\nbody", "/more": b"Content-Length: 2\r\n\r\nbody", "/fold": b"A: b\r\n c\r\n\r\n",
                "/nul": b"A: b\0c\r\n\r\n", "/line": b"HTTP/1.1 200 O\0K\r\nA: b\r\n\r\n", "/large": b"A: " + b"x" * 70000 + b"\r\n\r\n", "/reset": b""}[which]
    server = usher(f"server {{ listen 127.0.0.1:%%PORT%%; location / {{ {name}_param WHICH $uri; {name}_pass %%BACKEND%%; }} }}",
                   BACKEND=cgi(kind, script, unix=True))
    def seen(target):
        return client.raw(server.port, f"GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    assert seen("/pieces").startswith(b"HTTP/1.1 201 Made\r\n")
    assert seen("/cut").endswith(b"\r\n\r\nbody")
    assert seen("/more").endswith(b"\r\n\r\nbo")
    for target in ("/fold", "/nul", "/line", "/large", "/reset"):
        assert seen(target).startswith(b"HTTP/1.1 502"), target


def test_uwsgi_over_tls(usher, cgi, tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certs.self_signed("backend.test").write(tmp_path, "backend"))
    server = usher("server { listen 127.0.0.1:%%PORT%%; location / { uwsgi_param A b; uwsgi_pass suwsgi://%%BACKEND%%; } }",
                   BACKEND=cgi(UwsgiOrigin, echo, tls=context))
    assert b"A=b\n" in client.get(server.port, "/").body


def test_a_request_that_no_packet_holds(usher, cgi):
    server = usher("server { listen 127.0.0.1:%%PORT%%; large_client_header_buffers 8 32k; location / { uwsgi_pass %%BACKEND%%; } }",
                   BACKEND=cgi(UwsgiOrigin, echo))
    head = "".join(f"X-{i}: {'x' * 30000}\r\n" for i in range(3))
    assert client.raw(server.port, f"GET / HTTP/1.1\r\nHost: a\r\n{head}Connection: close\r\n\r\n".encode()).startswith(b"HTTP/1.1 500")
    server.wait_log("uwsgi request is too large")
