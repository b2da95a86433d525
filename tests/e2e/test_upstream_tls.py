"""TLS to backends: proxy_pass https:// and proxy_ssl_*, against scripted TLS origins."""
import socket
import ssl
import threading

import pytest

import certs
from client import connect, get
from origin import chunked, reply
from wait import until

CA = certs.Authority()


@pytest.fixture
def tls_of(tmp_path):
    """tls_of(leaf) is a server's ssl.SSLContext; ca=: clients must have a certificate."""
    def make(leaf, ca=None, alpn=None):
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        c.load_cert_chain(*leaf.write(tmp_path, f"leaf-{leaf.x509.serial_number}"))
        if ca:
            c.verify_mode = ssl.CERT_REQUIRED
            c.load_verify_locations(cadata=ca.cert.decode())
        if alpn:
            c.set_alpn_protocols(alpn)
        return c
    return make


def server(inner="", target="https://%%O%%", main=""):
    return (f"{main} server {{ listen 127.0.0.1:%%PORT%%; location / {{ proxy_pass {target};"
            f" {inner} }} }}")


VERIFY = "proxy_ssl_trusted_certificate %%PREFIX%%/ca.pem; proxy_ssl_verify on;"


def with_ca(usher, text, **kw):
    return usher(text, files={"ca.pem": CA.cert, **kw.pop("files", {})}, **kw)


def test_a_backend_is_asked_over_tls(usher, origin, tls_of):
    o = origin(reply("secret"), tls=tls_of(CA.issue("localhost")))
    proxy = usher(server(), O=o)
    assert get(proxy, "/x").text == "secret"
    assert o.requests[0].line == "GET /x HTTP/1.1"
    assert o.requests[0].get("Host") == o.address
    assert o.connections[0].sock.version() == "TLSv1.3"


def test_bodies_of_any_framing_pass_both_ways(usher, origin, tls_of):
    def script(conn, r):
        return chunked([r.body[i:i + 10000] for i in range(0, len(r.body), 10000)])
    o = origin(script, tls=tls_of(CA.issue("localhost")))
    proxy = usher(server("client_max_body_size 0; client_body_buffer_size 1m;"), O=o)
    body = bytes(range(256)) * 4096
    with connect(proxy) as c:
        c.request("/", "POST", body=body)
        assert c.recv_response().body == body
    o.requests[0].body = b""


def test_a_file_is_sealed_like_all_else(usher, origin, tls_of):
    o = origin(lambda conn, r: reply(str(len(r.body))), tls=tls_of(CA.issue("localhost")))
    proxy = usher(server("client_max_body_size 0; client_body_buffer_size 8k;"), O=o)
    with connect(proxy) as c:
        c.request("/", "POST", body=b"x" * 3_000_000)
        assert c.recv_response().text == "3000000"


@pytest.mark.one_thread
def test_connections_are_kept_and_tickets_do_not_end_them(usher, origin, tls_of):
    o = origin(reply("x"), tls=tls_of(CA.issue("localhost")))
    proxy = usher("upstream g { server %%O%%; keepalive 4; }"
                  + server(target="https://g"), O=o)
    for _ in range(5):
        assert get(proxy).text == "x"
    assert len(o.connections) == 1


@pytest.mark.one_thread
def test_an_idle_connection_that_says_goodbye_is_not_used(usher, origin, tls_of):
    def script(conn, r):
        conn.send(reply("x"))
        if conn.number == 0:
            conn.sock.unwrap()  # close_notify; usher answers by closing
            conn.close()
    o = origin(script, tls=tls_of(CA.issue("localhost")))
    proxy = usher("upstream g { server %%O%%; keepalive 4; }"
                  + server(target="https://g"), O=o)
    assert get(proxy).text == "x"
    until(lambda: o.connections[0].open is False, "the goodbye")
    with connect(proxy) as c:
        c.request("/", "POST", body=b"once")
        assert c.recv_response().text == "x"
    assert [r.method for r in o.requests] == ["GET", "POST"]


def test_connect_time_includes_the_handshake(usher, origin, tls_of):
    o = origin(reply("x"), tls=tls_of(CA.issue("localhost")))
    proxy = usher("log_format t '$upstream_connect_time $proxy_port $proxy_host';"
                  + server("access_log logs/t.log t;"), O=o)
    get(proxy)
    until(lambda: proxy._read("t.log"), "a line")
    assert proxy._read("t.log").endswith(f"{o.port} {o.address}\n")


@pytest.mark.usher_only("the message's place is the directive's")
def test_trust_needs_somebody_to_be_trusted(usher):
    proxy = usher(server("proxy_ssl_verify on;", target="https://127.0.0.1:1"), start=False)
    r = proxy.run("-t")
    assert r.returncode == 1
    assert "no proxy_ssl_trusted_certificate for proxy_ssl_verify" in r.stderr


def test_what_no_https_location_uses_is_not_read(usher):
    proxy = usher(server("proxy_ssl_verify on; proxy_ssl_trusted_certificate nowhere.pem;",
                         target="http://127.0.0.1:1"), start=False)
    assert proxy.run("-t").returncode == 0


# --- verification ---

def test_a_verified_backend_is_spoken_to(usher, origin, tls_of):
    o = origin(reply("good"), tls=tls_of(CA.issue("backend.test")))
    proxy = with_ca(usher, server(VERIFY + "proxy_ssl_name backend.test;"), O=o)
    assert get(proxy).text == "good"


def test_an_address_can_be_what_is_verified(usher, origin, tls_of):
    o = origin(reply("good"), tls=tls_of(CA.issue("x", ["127.0.0.1"])))
    proxy = with_ca(usher, server(VERIFY), O=o)
    assert get(proxy).text == "good"


BROKEN = {
    "unknown": (lambda: certs.Authority("Other").issue("backend.test"),
                r"upstream SSL certificate verify error: \(20:unable to get local issuer certif"),
    "self-signed": (lambda: certs.self_signed("backend.test"),
                    r"upstream SSL certificate verify error: \(18:self[- ]signed certificate\)"),
    "expired": (lambda: CA.issue("backend.test", days=(-10, -1)),
                r"upstream SSL certificate verify error: \(10:certificate has expired\)"),
    "name": (lambda: CA.issue("other.test"),
             r'upstream SSL certificate does not match "backend.test"'),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_certificate_that_is_not_good_is_a_502_that_says_why(usher, origin, tls_of, how):
    make, line = BROKEN[how]
    o = origin(reply("bad"), tls=tls_of(make()))
    proxy = with_ca(usher, server(VERIFY + "proxy_ssl_name backend.test;"), O=o)
    assert get(proxy).status == 502
    proxy.wait_log(line + r".* while SSL handshaking to upstream, client: 127.0.0.1, .*"
                   r'upstream: "https://127.0.0.1:')
    assert o.requests == []


def test_a_revoked_certificate_is_refused(usher, origin, tls_of):
    ca = certs.Authority("With a list")
    good, bad = ca.issue("good.test"), ca.issue("bad.test")
    ca.revoke(bad)
    proxy = usher(server("proxy_ssl_trusted_certificate ca.pem; proxy_ssl_verify on;"
                         " proxy_ssl_crl crl.pem; proxy_ssl_name $arg_name;", target="https://$arg_to"),
                  files={"ca.pem": ca.cert, "crl.pem": ca.crl()})
    a, b = origin(reply("good"), tls=tls_of(good)), origin(reply("bad"), tls=tls_of(bad))
    assert get(proxy, f"/?to={a.address}&name=good.test").text == "good"
    assert get(proxy, f"/?to={b.address}&name=bad.test").status == 502
    proxy.wait_log(r"verify error: \(23:certificate revoked\)")


def test_a_failed_handshake_goes_to_the_next_server_even_with_a_post(usher, origin, tls_of):
    bad = origin(reply("bad"), tls=tls_of(CA.issue("other.test")))
    good = origin(reply("good"), tls=tls_of(CA.issue("backend.test")))
    proxy = with_ca(usher, "upstream g { server %%BAD%%; server %%GOOD%% backup; }"
                    + server(VERIFY + "proxy_ssl_name backend.test;", "https://g"),
                    BAD=bad, GOOD=good)
    with connect(proxy) as c:
        c.request("/", "POST", body=b"x")
        assert c.recv_response().text == "good"
    assert bad.requests == []


@pytest.mark.one_thread
def test_a_connection_verified_for_one_name_serves_no_other(usher, origin, tls_of):
    o = origin(reply("x"), tls=tls_of(CA.issue("a.test", ["a.test", "b.test"])))
    proxy = with_ca(usher, "upstream g { server %%O%%; keepalive 8; }"
                    + server(VERIFY + "proxy_ssl_name $arg_n;", "https://g"), O=o)
    for name in ("a.test", "b.test", "a.test", "b.test"):
        assert get(proxy, f"/?n={name}").status == 200
    assert len(o.connections) == 2
    assert get(proxy, "/?n=c.test").status == 502


# --- names, versions, sessions ---

def test_the_name_is_sent_when_asked_to(usher, origin, tls_of):
    seen = []
    tls = tls_of(CA.issue("localhost"))
    tls.sni_callback = lambda sock, name, ctx: seen.append(name)
    o = origin(reply("x"), tls=tls)
    proxy = usher(server("proxy_ssl_server_name on; proxy_ssl_name $arg_n;"), O=o)
    get(proxy, "/?n=who.test:99")
    get(proxy, "/?n=127.0.0.1")
    proxy.reload(server())
    get(proxy, "/")
    assert seen == ["who.test", None, None]


def test_the_name_may_be_that_of_the_server_tried(usher, origin, tls_of):
    seen = []
    tls = tls_of(CA.issue("localhost"))
    tls.sni_callback = lambda sock, name, ctx: seen.append(name)
    o = origin(reply("x"), tls=tls)
    proxy = usher("upstream g { server localhost:%%P%%; } " + server(
        "proxy_ssl_server_name on; proxy_ssl_name $upstream_last_server_name;", "https://g"), P=str(o.port))
    assert get(proxy, "/").status == 200 and seen == ["localhost"]


def test_protocols_and_ciphers_are_chosen(usher, origin, tls_of):
    o = origin(reply("x"), tls=tls_of(CA.issue("localhost")))
    proxy = usher(server("proxy_ssl_protocols TLSv1.2; proxy_ssl_ciphers ECDHE-ECDSA-AES256-GCM-SHA384;"),
                  O=o)
    get(proxy)
    assert o.connections[0].sock.cipher()[:2] == ("ECDHE-ECDSA-AES256-GCM-SHA384", "TLSv1.2")


def test_commands_of_openssl_are_obeyed(usher, origin, tls_of):
    o = origin(reply("x"), tls=tls_of(CA.issue("localhost")))
    proxy = usher(server("proxy_ssl_conf_command Ciphersuites TLS_CHACHA20_POLY1305_SHA256;"), O=o)
    get(proxy)
    assert o.connections[0].sock.cipher()[0] == "TLS_CHACHA20_POLY1305_SHA256"


@pytest.mark.one_thread
@pytest.mark.parametrize("reuse", ["on", "off"])
def test_sessions_are_resumed_unless_told_not_to(usher, origin, tls_of, reuse):
    o = origin(reply("x", Connection="close"), tls=tls_of(CA.issue("localhost")))
    resumed = []
    o.script = lambda conn, r: resumed.append(conn.sock.session_reused) or reply("x", Connection="close")
    proxy = usher(server(f"proxy_ssl_session_reuse {reuse};"), O=o)
    for _ in range(3):
        get(proxy)
    assert resumed == ([False, True, True] if reuse == "on" else [False] * 3)


@pytest.mark.one_thread
def test_a_session_of_an_unverified_connection_does_not_open_a_verified_one(usher, origin, tls_of):
    o = origin(reply("x", Connection="close"), tls=tls_of(certs.self_signed("backend.test")))
    text = ("server { listen 127.0.0.1:%%PORT%%; location /any { proxy_pass https://%%O%%; }"
            " location / { proxy_pass https://%%O%%; " + VERIFY + " proxy_ssl_name backend.test; } }")
    proxy = with_ca(usher, text, O=o)
    assert get(proxy, "/any").status == 200
    assert get(proxy, "/").status == 502


# --- our own certificate ---

def test_a_certificate_is_shown_to_a_backend_that_asks(usher, origin, tls_of):
    o = origin(lambda conn, r: reply(str(conn.sock.getpeercert()["subject"])),
               tls=tls_of(CA.issue("localhost"), ca=CA))
    me = CA.issue("usher.test")
    files = {"me.crt": me.chain, "me.key": me.key}
    proxy = usher(server("proxy_ssl_certificate me.crt; proxy_ssl_certificate_key me.key;"),
                  files=files, O=o)
    assert "usher.test" in get(proxy).text


def test_a_key_may_have_a_passphrase(usher, origin, tls_of):
    o = origin(reply("x"), tls=tls_of(CA.issue("localhost"), ca=CA))
    me = CA.issue("usher.test")
    files = {"me.crt": me.chain, "me.key": me.encrypted_key("tell"), "pass": b"wrong\ntell\n"}
    proxy = usher(server("proxy_ssl_certificate me.crt; proxy_ssl_certificate_key me.key;"
                         " proxy_ssl_password_file pass;"), files=files, O=o)
    assert get(proxy).text == "x"


@pytest.mark.one_thread
@pytest.mark.usher_only("1.22 refuses an empty name")
def test_variables_choose_the_certificate_and_connections_are_not_shared(usher, origin, tls_of):
    o = origin(lambda conn, r: reply(str(conn.sock.getpeercert()["subject"])),
               tls=tls_of(CA.issue("localhost"), ca=CA))
    files = {}
    for name in ("a", "b"):
        leaf = CA.issue(f"{name}.test")
        files |= {f"{name}.crt": leaf.chain, f"{name}.key": leaf.key}
    proxy = usher("upstream g { server %%O%%; keepalive 8; }" + server(
        "proxy_ssl_certificate %%PREFIX%%/$arg_c.crt; proxy_ssl_certificate_key %%PREFIX%%/$arg_c.key;"
        "proxy_ssl_certificate_cache max=10;", "https://g"), files=files, O=o)
    for name in ("a", "b", "a", "b"):
        assert f"{name}.test" in get(proxy, f"/?c={name}").text
    assert len(o.connections) == 2
    assert get(proxy, "/?c=none").status == 500
    proxy.wait_log("cannot load certificate .*none.crt.*No such file")


def test_a_backend_that_wants_a_certificate_and_gets_none_is_a_502(usher, origin, tls_of):
    o = origin(reply("x"), tls=tls_of(CA.issue("localhost"), ca=CA))
    proxy = usher(server(), O=o)
    assert get(proxy).status == 502
    assert o.requests == []


@pytest.mark.parametrize("files, line", [
    ({"me.crt": b""}, "cannot load certificate"),
    ({}, "cannot load certificate .*me.crt.*No such file"),
])
def test_a_certificate_that_cannot_be_had_stops_the_start(usher, files, line):
    proxy = usher(server("proxy_ssl_certificate me.crt; proxy_ssl_certificate_key me.key;",
                         "https://127.0.0.1:1"), files=files, start=False)
    r = proxy.run("-t")
    assert r.returncode == 1
    assert __import__("re").search(line, r.stderr), r.stderr


def test_a_certificate_needs_its_key(usher):
    proxy = usher(server("proxy_ssl_certificate me.crt;", "https://127.0.0.1:1"), start=False)
    r = proxy.run("-t")
    assert r.returncode == 1
    assert 'no "proxy_ssl_certificate_key" is defined for certificate' in r.stderr


# --- hostile and broken backends ---

def deaf():
    """A backend that accepts and never says a word."""
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen(16)
    return s, "127.0.0.1:%d" % s.getsockname()[1]


def test_a_handshake_that_stalls_is_a_504(usher):
    s, address = deaf()
    with s:
        proxy = usher(server("proxy_connect_timeout 300ms;"), O=address)
        assert get(proxy).status == 504
        proxy.wait_log(r"upstream timed out \(110: .*\) while SSL handshaking to upstream")


@pytest.mark.parametrize("bytes_", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x15\x03\x03\x00\x02\x02\x28",
                                    b"\x16\x03\x03\xff\xff" + b"A" * 70000, b""])
def test_a_backend_that_speaks_no_tls_is_a_502(usher, bytes_):
    s, address = deaf()

    def talk():
        c, _ = s.accept()
        c.recv(65536)
        c.sendall(bytes_)
        c.close()
    t = threading.Thread(target=talk, daemon=True)
    t.start()
    with s:
        proxy = usher(server(), O=address)
        assert get(proxy).status == 502
        proxy.wait_log("while SSL handshaking to upstream, client")
        t.join(5)


def test_a_client_that_leaves_in_the_handshake_is_noticed(usher):
    s, address = deaf()
    with s:
        proxy = usher(server(), O=address)
        with connect(proxy) as c:
            c.request()
            backend, _ = s.accept()
            backend.recv(1)
            c.reset()
        backend.settimeout(5)
        try:
            while backend.recv(65536):
                pass
        except ConnectionResetError:
            pass
        backend.close()
        assert '" 499 ' in proxy.access_log(1)[0]


def test_connections_survive_a_reload_that_changes_nothing(usher, origin, tls_of):
    o = origin(reply("x"), tls=tls_of(CA.issue("localhost")))
    proxy = with_ca(usher, "upstream g { server %%O%%; }" + server("", "https://g"), O=o)
    for _ in range(3):
        assert get(proxy).text == "x"
        proxy.reload()
    assert get(proxy).text == "x"


def test_a_scheme_may_be_a_variable(usher, origin, tls_of):
    plain, tls = origin(reply("plain")), origin(reply("tls"), tls=tls_of(CA.issue("localhost")))
    proxy = usher(server(target="$arg_s://$arg_to$uri"))
    assert get(proxy, f"/?s=http&to={plain.address}").text == "plain"
    assert get(proxy, f"/?s=https&to={tls.address}").text == "tls"
