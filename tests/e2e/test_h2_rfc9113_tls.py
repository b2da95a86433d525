"""RFC 9113 3.2 and 9: HTTP/2 over TLS; and that what holds in clear text holds there."""
import socket
import ssl

import pytest

from certs import Authority
from client import connect as plain
from h2raw import (ENHANCE_YOUR_CALM, HEADERS, INITIAL_WINDOW_SIZE, PREFACE, PROTOCOL_ERROR, begin,
                   connect, data, headers, request, rst, settings, window_update)
from h2server import BIG, serve

pytestmark = pytest.mark.usher_only("http2 on is of nginx 1.25")
LEAF = Authority().issue("localhost")
MORE = "client_max_body_size 0; ssl_certificate a.crt; ssl_certificate_key a.key;"
MOST = (1 << 31) - 1


@pytest.fixture
def server(usher, origin):
    return serve(usher, origin, MORE, how="ssl", files={"a.crt": LEAF.chain, "a.key": LEAF.key})


def get(c, path, stream, **kw):
    return c.get(path, stream=stream, scheme="https", **kw)


def wrap(server, alpn, **kw):
    """A TLS socket that offers these protocols."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if alpn:
        context.set_alpn_protocols(alpn)
    for name, value in kw.items():
        setattr(context, name, value)
    sock = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    return context.wrap_socket(sock, server_hostname="localhost")


def test_alpn_chooses_h2(server):
    """RFC 9113 3.2"""
    for alpn in (["h2"], ["h2", "http/1.1"], ["http/1.1", "h2"]):
        with wrap(server, alpn) as s:
            assert s.selected_alpn_protocol() == "h2"


def test_without_h2_in_alpn_it_is_http_1(server):
    """RFC 9113 3.2: h2c is no identifier for TLS, and no ALPN is no HTTP/2."""
    for alpn in (["http/1.1"], ["h2c", "http/1.1"], []):
        with wrap(server, alpn) as s:
            assert s.selected_alpn_protocol() in ("http/1.1", None)
            s.sendall(b"GET /local HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert s.recv(4096).startswith(b"HTTP/1.1 200")


def test_tls_1_2_serves_h2_with_a_strong_cipher(server):
    """RFC 9113 9.2.2: none of its appendix A is chosen."""
    with wrap(server, ["h2"], maximum_version=ssl.TLSVersion.TLSv1_2) as s:
        assert s.selected_alpn_protocol() == "h2"
        assert "GCM" in s.cipher()[0] or "CHACHA" in s.cipher()[0]


def test_alpn_h2_means_h2(server):
    """RFC 9113 3.4: a client that then speaks HTTP/1 is no client."""
    with wrap(server, ["h2"]) as s:
        s.sendall(b"GET /local HTTP/1.1\r\nHost: localhost\r\n\r\n")
        said = b""
        while more := s.recv(4096):
            said += more
        assert b"HTTP/1.1 200" not in said


def test_requests_and_bodies_both_ways(server):
    c = begin(server, (INITIAL_WINDOW_SIZE, MOST), tls=True)
    c.send(window_update(0, MOST - 65535))
    assert get(c, "/local", 1).body == b"local"
    assert get(c, "/big", 3).body == BIG
    c.send(headers(5, request(method="POST", scheme="https"), end=False) +
           data(5, b"x" * 16384) + data(5, b"y" * 16384, end=True))
    assert c.answer(5).body == b"x" * 16384 + b"y" * 16384


def test_a_session_in_one_record_is_answered(server):
    c = connect(server, tls=True)
    c.send(PREFACE + settings() + b"".join(
        headers(n, request(path="/local", scheme="https")) for n in range(1, 41, 2)))
    assert [c.answer(n).status for n in range(1, 41, 2)] == [200] * 20


def test_a_session_in_records_of_a_byte_is_answered(server):
    c = connect(server, tls=True)
    for byte in PREFACE + settings() + headers(1, request(path="/local", scheme="https")):
        c.send(bytes([byte]))
    assert c.answer(1).status == 200


def test_errors_are_told(server):
    begin(server, tls=True).say(data(0, b"x")).fails(PROTOCOL_ERROR)


def test_floods_end(server):
    c = begin(server, tls=True)
    for n in range(1, 20001, 2):
        c.say(headers(n, request(path="/local", scheme="https")) + rst(n))
        if c.broken:
            break
    c.fails(ENHANCE_YOUR_CALM)


def test_a_client_that_leaves_without_close_notify_harms_nobody(server):
    c = begin(server, tls=True)
    c.send(headers(1, request(path="/stall", scheme="https")))
    c.sock.shutdown(socket.SHUT_RDWR)
    c.close()
    assert get(begin(server, tls=True), "/local", 1).status == 200


def test_a_preface_in_clear_text_on_a_tls_port_is_no_request(server):
    said = plain(server).send(PREFACE + settings()).recv_until_closed()
    assert b"200" not in said


def test_scheme_and_transport_may_differ_only_in_words(server):
    """RFC 9113 8.3.1: :scheme is what the client says; the answer comes or is a refusal, not a crash."""
    c = begin(server, tls=True)
    c.send(headers(1, request(path="/local", scheme="http")))
    c.wait(lambda: c.streams[1].done, "an answer").alive()
    assert c.seen[HEADERS] == 1
