"""TLS over time: reloads with other certificates, graceful ends, sessions that outlive a configuration."""
import os
import socket
import ssl
import subprocess

import pytest

from client import TIMEOUT, get
from origin import reply
from proxy import IS_NGINX
from tls_client import (CA, TLS12, TLS13, connect_tls, context, get_tls, https, name_presented,
                        site_files)
from wait import until


def files(name, kind="ecdsa"):
    leaf = CA.issue(name, names=["a.example"], kind=kind)
    return {"a.crt": leaf.chain, "a.key": leaf.key, "ca.crt": CA.cert}


def replace(p, leaf):
    for name, data in (("a.crt", leaf.chain), ("a.key", leaf.key)):
        (p.prefix / (name + ".new")).write_bytes(data)
        (p.prefix / (name + ".new")).rename(p.prefix / name)


@pytest.mark.parametrize("main", ["", "worker_processes 2;"], ids=["one thread", "two threads"])
def test_new_handshakes_get_the_new_certificate(usher, main):
    p = usher(https(), files=files("first"), main=main)
    assert name_presented(p) == "first"
    with connect_tls(p) as old:
        assert old.get().text == "fine"
        replace(p, CA.issue("second", names=["a.example"]))
        p.reload()
        until(lambda: name_presented(p) == "second", "the new certificate")
        if not IS_NGINX:  # there, idle connections are closed
            assert old.get().text == "fine"


def test_a_response_under_way_outlives_the_reload(usher, origin):
    waiting = []

    def script(conn, r):
        waiting.append(conn)
        conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")
        until(lambda: len(waiting) > 1, "the second half")
        return b"later"
    backend = origin(script)
    p = usher(https("location / { proxy_pass http://%%B%%; }"), files=files("first"), B=backend)
    with connect_tls(p) as c:
        c.request("/")
        backend.wait_requests(1)
        replace(p, CA.issue("second", names=["a.example"]))
        p.reload()
        waiting.append(None)
        assert c.recv_response().text == "firstlater"


@pytest.mark.usher_only("nginx 1.22's ticket keys go with the configuration")
@pytest.mark.parametrize("version", [TLS12, TLS13], ids=["1.2", "1.3"])
def test_sessions_outlive_a_reload(usher, version):
    p = usher(https("location / { return 200 $ssl_session_reused; }"), files=site_files())
    ctx = context(version=version)
    with connect_tls(p, ctx=ctx) as c:
        assert c.get().text == "."
        session = c.sock.session
    p.reload(https("ssl_verify_depth 1; location / { return 200 $ssl_session_reused; }"))
    with connect_tls(p, ctx=ctx, session=session) as c:
        assert c.get().text == "r"


def test_sessions_are_shared_by_ticket_key_files(usher):
    key = os.urandom(80)
    text = https("ssl_session_ticket_key t.key; location / { return 200 $ssl_session_reused; }")
    one, two = (usher(text, files=site_files(**{"t.key": key})) for _ in range(2))
    other = usher(text, files=site_files(**{"t.key": os.urandom(80)}))
    ctx = context(version=TLS12)
    with connect_tls(one, ctx=ctx) as c:
        c.get()
        session = c.sock.session
    assert get_reused(two, ctx, session) == "r"
    assert get_reused(other, ctx, session) == "."


def get_reused(p, ctx, session):
    with connect_tls(p, ctx=ctx, session=session) as c:
        return c.get().text


def test_quit_closes_idle_connections_in_good_order(usher):
    p = usher(https(), files=site_files())
    with connect_tls(p, ragged=False) as c:
        assert c.get().text == "fine"
        p.signal("QUIT")
        assert c.sock.recv(1) == b""  # close_notify: else this raises
    assert p.process.wait(TIMEOUT) == 0


@pytest.mark.usher_only("nginx waits for client_header_timeout")
def test_quit_does_not_wait_for_handshakes_that_stall(usher):
    p = usher(https(), files=site_files())
    with socket.create_connection(("127.0.0.1", p.port), TIMEOUT) as s, connect_tls(p) as c:
        s.sendall(b"\x16\x03\x01")
        assert c.get().text == "fine"  # both are known by now
        p.signal("QUIT")
        assert p.process.wait(TIMEOUT) == 0


def test_quit_lets_a_response_end(usher, origin):
    backend = origin(lambda conn, r: reply(b"x" * 1000000))
    p = usher(https("location / { proxy_pass http://%%B%%; }"), files=site_files(), B=backend)
    with connect_tls(p) as c:
        c.request("/")
        backend.wait_requests(1)
        p.signal("QUIT")
        assert len(c.recv_response().body) == 1000000
    assert p.process.wait(TIMEOUT) == 0


def test_ssl_may_come_and_go_at_a_reload(usher):
    plain = "server { listen 127.0.0.1:%%PORT%%; location / { return 200 plain; } }"
    p = usher(plain, files=site_files())
    assert get(p).text == "plain"
    p.reload(https())
    def tls():
        try:
            return get_tls(p).text == "fine"
        except (OSError, ssl.SSLError):
            return False
    until(tls, "TLS")
    p.reload(plain)
    until(lambda: get(p).status == 200, "plain HTTP")


@pytest.mark.usher_only("HTTP/2's switch of later nginx")
def test_http2_over_tls_beside_http1(usher):
    p = usher(https("http2 on; location / { return 200 '$server_protocol $ssl_alpn_protocol $ssl_protocol'; }"),
              files=site_files())
    for args, said in ((["--http2"], "HTTP/2.0 h2 TLSv1.3"), (["--http1.1"], "HTTP/1.1 http/1.1 TLSv1.3")):
        done = subprocess.run(["curl", "-sSk", "--max-time", "10", *args, f"https://127.0.0.1:{p.port}/"],
                              capture_output=True, text=True)
        assert done.stdout == said, done.stderr


@pytest.mark.usher_only("HTTP/2's switch of later nginx")
def test_client_certificates_over_http2(usher, tmp_path):
    leaf = CA.issue("client")
    pair = leaf.write(tmp_path, "client")
    p = usher(https("http2 on; ssl_verify_client on; ssl_client_certificate ca.crt; "
                    "location / { return 200 '$server_protocol $ssl_client_s_dn'; }"), files=site_files())
    curl = ["curl", "-sSk", "--http2", "--max-time", "10", f"https://127.0.0.1:{p.port}/"]
    done = subprocess.run([*curl, "--cert", pair[0], "--key", pair[1]], capture_output=True, text=True)
    assert done.stdout == "HTTP/2.0 CN=client", done.stderr
    done = subprocess.run([*curl, "-w", "%{http_code}"], capture_output=True, text=True)
    assert "No required SSL certificate was sent" in done.stdout and done.stdout.endswith("400")
