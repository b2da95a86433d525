"""TLS that goes wrong: configurations that cannot work, and clients that mean no good."""
import os
import re
import socket
import ssl
import struct

import pytest

from client import TIMEOUT
from origin import reply
from proxy import IS_NGINX
from tls_client import connect_tls, context, get_tls, https, s_client, site_files
from wait import until

PAIR_TEXT = "ssl_certificate a.crt; ssl_certificate_key a.key;"


@pytest.mark.parametrize("text, said", [
    ("listen 1443 ssl;", r'no "ssl_certificate" is defined for the "listen ... ssl" directive in '),
    ("listen 1443 ssl; ssl_certificate a.crt;", 'no "ssl_certificate_key" is defined for certificate "a.crt"'),
    ("listen 1443 ssl; ssl_certificate a.crt; ssl_certificate a.crt; ssl_certificate_key a.key;",
     'no "ssl_certificate_key" is defined for certificate "a.crt"'),
    (f"listen 1443 ssl; {PAIR_TEXT} ssl_verify_client on;", "no ssl_client_certificate.* for ssl_verify_client"),
    (f"listen 1443 ssl; {PAIR_TEXT} ssl_session_cache foo;", 'invalid session cache "foo" in '),
    (f"listen 1443 ssl; {PAIR_TEXT} ssl_session_cache shared:a:1k;", 'session cache "shared:a:1k" is too small in'),
    (f"listen 1443 ssl; {PAIR_TEXT} ssl_ciphers foo;", r'SSL_CTX_set_cipher_list\("foo"\) failed \(SSL: .*no cipher match'),
    (f"listen 1443 ssl; {PAIR_TEXT} ssl_ecdh_curve foo;", r'SSL_CTX_set1_curves_list\("foo"\) failed'),
    (f"listen 1443 ssl; {PAIR_TEXT} ssl_conf_command foo bar;", r'SSL_CONF_cmd\("foo", "bar"\) failed \(SSL: .*unknown cmd name'),
    (f"listen 1443 ssl; {PAIR_TEXT} ssl_session_ticket_key a.key;", 'a.key" must be 48 or 80 bytes'),
    (f"listen 1443 ssl; {PAIR_TEXT} ssl_dhparam nope;", r'nope"\)? failed .*No such file or directory'),
    (f"listen 1443 ssl; {PAIR_TEXT} ssl_password_file nope;", r'open\(\) ".*nope" failed \(2: No such file or directory\)'),
    (f"listen 1443 ssl; {PAIR_TEXT} ssl_verify_client on; ssl_client_certificate nope;", 'nope"? ?.*No such file'),
    (f"listen 1443 ssl; {PAIR_TEXT} ssl_protocols TLSv1.4;", 'invalid value "TLSv1.4" in '),
    (f"listen 1443 ssl; {PAIR_TEXT} ssl_verify_client maybe;", 'invalid value "maybe" in '),
    (f"listen 1443 ssl; {PAIR_TEXT} ssl_session_cache shared:S:1m; }} server {{ listen 1443 ssl; server_name b; "
     f"{PAIR_TEXT} ssl_session_cache shared:S:2m;",
     'the size 2097152 of shared memory zone "S" conflicts with already declared size 1048576'),
    (f"listen 1443 ssl default_server ssl=on; {PAIR_TEXT}", 'invalid parameter "ssl=on"'),
])
def test_configurations_that_cannot_work(usher, text, said):
    done = usher(f"server {{ {text} }}", start=False, files=site_files()).run("-t")
    assert done.returncode == 1
    assert re.search(r"\[emerg\].*" + said, done.stderr), done.stderr


@pytest.mark.usher_only("of later nginx, or usher's own words")
@pytest.mark.parametrize("text, said", [
    ("listen 1443 ssl http2;" + PAIR_TEXT, r'\[warn\].*the "listen ... http2" directive is deprecated, '
     'use the "http2" directive instead in'),
    (f"listen 1443 ssl http2; {PAIR_TEXT} }} server {{ server_name b; listen 1443 ssl;",
     r"\[warn\].*protocol options redefined for 0.0.0.0:1443 in"),
    ("listen 1443; ssl on;", r'\[emerg\].*unknown directive "ssl" in(.|\n)*listen ... ssl'),
    ("listen 1443 ssl; ssl_ech_file x;" + PAIR_TEXT, "encrypted client hello is not in usher"),
    ("listen 1443 ssl; ssl_certificate_key engine:x:y; ssl_certificate a.crt;", "keys are read from files only"),
    ("listen 1443 ssl; ssl_certificate_cache inactive=1m;" + PAIR_TEXT, 'must have the "max" parameter'),
    ("listen 1443 ssl; ssl_certificate_cache max=x;" + PAIR_TEXT, 'invalid parameter "max=x"'),
])
def test_what_is_told_beside(usher, text, said):
    done = usher(f"server {{ {text} }}", start=False, files=site_files()).run("-t")
    assert re.search(said, done.stderr), done.stderr


def test_http2_waits_for_its_switch(usher):
    """`http2 on` without a client that offers it changes nothing."""
    p = usher(https("location / { return 200 $ssl_alpn_protocol; }"), files=site_files())
    with connect_tls(p, ctx=context(alpn=["h2", "http/1.1"])) as c:
        assert c.sock.selected_alpn_protocol() == "http/1.1"
        assert c.get().text == "http/1.1"


# --- hostile clients ---

def plain(port):
    return socket.create_connection(("127.0.0.1", port), TIMEOUT)


def drained(s):
    """All that comes until the end of the connection, however it ends."""
    data = b""
    try:
        while more := s.recv(65536):
            data += more
    except OSError:
        pass
    return data


def record(body, kind=0x16, version=0x0301):
    return struct.pack("!BHH", kind, version, len(body)) + body


def hello(size=None, body=b""):
    return record(b"\x01" + (len(body) if size is None else size).to_bytes(3, "big") + body)


@pytest.mark.parametrize("data", [
    b"\x16garbage that is no record at all, but begins like one" * 10,
    record(b"hello, world"), record(b""), b"\x80\x2e\x01\x00\x02" + b"x" * 60,
    hello(size=0xffffff, body=b"x" * 1000), hello(body=b"\x03\x03" + b"x" * 40), record(b"\x02" + bytes(40)),
    record(os.urandom(2000)), struct.pack("!BHH", 0x16, 0x0301, 0xffff) + bytes(70000),
    record(b"\x01\x00\x00\x30" + bytes(0x30)) * 50,
], ids=range(10))
def test_garbage_is_refused_and_nobody_else_notices(usher, data):
    p = usher(https(), files=site_files())
    with connect_tls(p) as good:
        with plain(p.port) as s:
            try:
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            assert b"HTTP/" not in drained(s)
        assert good.get().text == "fine"
    assert get_tls(p).text == "fine"
    if IS_NGINX:  # is louder about some
        return
    p.wait_log(r"\[info\].*while SSL handshaking, client: 127.0.0.1, server: ")
    assert not re.search(r"\[(error|crit)\]", p.error_log())


def captured_hello(port):
    """The first flight of a real client."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    c = context().wrap_bio(incoming, outgoing, server_hostname="a.example")
    with pytest.raises(ssl.SSLWantReadError):
        c.do_handshake()
    return outgoing.read()


def test_a_hello_that_is_cut_off(usher):
    p = usher(https(), files=site_files())
    whole = captured_hello(p.port)
    for n in (1, 5, 6, 9, 40, len(whole) // 2, len(whole) - 1):
        with plain(p.port) as s:
            s.sendall(whole[:n])
            s.shutdown(socket.SHUT_WR)
            drained(s)
    assert get_tls(p).text == "fine"
    p.wait_log(r"\[info\].*peer closed connection in SSL handshake.* while SSL handshaking")


def test_a_hello_byte_by_byte_is_a_hello(usher):
    p = usher(https(), files=site_files())
    whole = captured_hello(p.port)
    with plain(p.port) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(len(whole)):
            s.sendall(whole[i:i + 1])
        assert s.recv(1) == b"\x16"


def test_a_hello_that_never_ends_has_its_time(usher):
    p = usher("client_header_timeout 300ms;" + https(), files=site_files())
    whole = captured_hello(p.port)
    for part in (b"", whole[:1], whole[:-1], whole):  # even a client that stops after its hello
        with plain(p.port) as s:
            s.sendall(part)
            drained(s)  # ends by itself
    p.wait_log(r"\[info\].*client timed out \(110: Connection timed out\) while SSL handshaking, "
               rf"client: 127.0.0.1, server: 127.0.0.1:{p.port}")
    assert get_tls(p).text == "fine"


def test_a_client_that_leaves_in_the_handshake(usher):
    p = usher(https(), files=site_files())
    whole = captured_hello(p.port)
    for how in (struct.pack("ii", 1, 0), None):
        s = plain(p.port)
        s.sendall(whole)
        s.recv(1)
        if how:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, how)
        s.close()
    p.wait_log(r"\[info\].*while SSL handshaking")
    assert get_tls(p).text == "fine"


def test_renegotiation_is_refused(usher):
    p = usher(https("keepalive_timeout 1s; location / { return 200 fine; }"), files=site_files())
    said = s_client(p.port, "-tls1_2", "-servername", "a.example", say=b"R\nGET / HTTP/1.0\n\n")
    assert "no renegotiation" in said or "RENEGOTIATING" in said
    assert "200 OK" not in said
    assert get_tls(p).text == "fine"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1], ids=["1.0", "1.1"])
def test_old_protocols_are_refused(usher, version):
    p = usher(https(), files=site_files())
    ctx = context(version=version)
    ctx.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION|protocol version"):
        connect_tls(p, ctx=ctx)
    p.wait_log(r"\[info\].*SSL_do_handshake\(\) failed \(SSL: error:[0-9A-F]+:SSL routines:.*"
               r"(unsupported protocol|unsupported version).*\) while SSL handshaking")


def test_a_client_that_refuses_our_certificate(usher):
    p = usher(https(), files=site_files())
    with pytest.raises(ssl.SSLCertVerificationError):
        connect_tls(p, "wrong.example", context(trust=True))
    p.wait_log(r"\[info\].*SSL_do_handshake\(\) failed \(SSL: error:.*alert.*while SSL handshaking|"
               r"\[info\].*while SSL handshaking")
    assert get_tls(p).text == "fine"


def test_broken_records_in_an_open_connection(usher):
    p = usher(https(), files=site_files())
    with connect_tls(p) as good, connect_tls(p) as bad:
        assert bad.get().text == "fine"
        raw = socket.socket(fileno=os.dup(bad.sock.fileno()))
        raw.sendall(record(os.urandom(100), kind=0x17, version=0x0303) + b"junk" * 100)
        raw.close()
        assert b"HTTP" not in drained(bad.sock)
        assert good.get().text == "fine"


def test_many_clients_that_never_speak_do_not_hold_the_others(usher):
    p = usher(https(), files=site_files())
    silent = [plain(p.port) for _ in range(200)]
    for s in silent[::2]:
        s.sendall(b"\x16\x03\x01")
    assert get_tls(p).text == "fine"
    for s in silent:
        s.close()
    until(lambda: get_tls(p).text == "fine", "an answer")


def test_early_data_is_off_unless_asked_for(usher, tmp_path):
    p = usher(https("location / { return 200 'early=$ssl_early_data.'; }"), files=site_files())
    session = tmp_path / "session"
    s_client(p.port, "-servername", "a.example", "-sess_out", str(session), "-ign_eof",
             say=b"GET / HTTP/1.0\r\nHost: a.example\r\n\r\n")
    early = tmp_path / "early"
    early.write_bytes(b"GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n")
    said = s_client(p.port, "-servername", "a.example", "-sess_in", str(session), "-early_data", str(early),
                    "-ign_eof", say=b"GET / HTTP/1.0\r\nHost: a.example\r\n\r\n")
    assert "Early data was accepted" not in said and "early=." in said


def test_early_data_is_told_to_the_application(usher, tmp_path, origin):
    backend = origin(lambda conn, r: reply(f"early={r.get('Early-Data')}."))
    p = usher(https("ssl_early_data on; location / { proxy_pass http://%%B%%; "
                    "proxy_set_header Early-Data $ssl_early_data; }"), files=site_files(), B=backend)
    session, early = tmp_path / "session", tmp_path / "early"
    s_client(p.port, "-tls1_3", "-servername", "a.example", "-sess_out", str(session), "-ign_eof",
             say=b"GET / HTTP/1.0\r\nHost: a.example\r\n\r\n")
    early.write_bytes(b"GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n")
    said = s_client(p.port, "-tls1_3", "-servername", "a.example", "-sess_in", str(session), "-early_data",
                    str(early), "-ign_eof")
    assert "Early data was accepted" in said and "early=1." in said, said[-2000:]
    said = s_client(p.port, "-tls1_3", "-servername", "a.example", "-ign_eof",
                    say=b"GET / HTTP/1.0\r\nHost: a.example\r\n\r\n")
    assert "early=None." in said
