"""HTTPS in front: answers, redirects, bodies, the end of connections, plain HTTP on a TLS port."""
import hashlib
import socket
import subprocess

import pytest

from client import get, raw
from origin import reply
from wait import until
from tls_client import (CA, LISTEN, PAIR, TLS12, TLS13, connect_tls, context, get_tls, https,
                        site_files)

BIG = bytes(range(256)) * 4096 * 3


@pytest.mark.parametrize("version", [TLS12, TLS13], ids=["1.2", "1.3"])
def test_a_site_answers(usher, version):
    p = usher(https(), files=site_files())
    r = get_tls(p, ctx=context(trust=True, version=version))
    assert (r.status, r.text) == (200, "fine")


@pytest.mark.parametrize("args", [[], ["--tlsv1.3"], ["--tls-max", "1.2"], ["--http1.0"]], ids=" ".join)
def test_curl_is_served(usher, args):
    p = usher(https(), files=site_files())
    done = subprocess.run(["curl", "-sS", "--cacert", p.prefix / "ca.crt", "--max-time", "10", *args,
                           "--resolve", f"a.example:{p.port}:127.0.0.1",
                           f"https://a.example:{p.port}/"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "fine"), done.stderr


def test_the_whole_chain_is_sent(usher):
    leaf = CA.intermediate().issue("a.example")
    p = usher(https(), files=site_files(**{"a.crt": leaf.chain, "a.key": leaf.key}))
    assert get_tls(p, ctx=context(trust=True)).status == 200


def test_requests_follow_each_other_on_one_connection(usher):
    p = usher(https("location / { return 200 $connection_requests; }"), files=site_files())
    with connect_tls(p) as c:
        assert [c.get().text for _ in range(5)] == list("12345")


def test_pipelined_requests_are_answered_in_order(usher):
    p = usher(https("location / { return 200 $uri; }"), files=site_files())
    with connect_tls(p) as c:
        c.send("".join(f"GET /{i} HTTP/1.1\r\nHost: a\r\n\r\n" for i in range(20)))
        assert [c.recv_response().text for _ in range(20)] == [f"/{i}" for i in range(20)]


def test_a_head_that_comes_byte_by_byte(usher):
    p = usher(https(), files=site_files())
    with connect_tls(p) as c:
        for byte in "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n":
            c.send(byte)
        assert c.recv_response().text == "fine"


def test_scheme_and_redirects_are_https(usher):
    p = usher(https("location = /v { return 200 '$scheme $https'; } location /d/ { alias html/; }"
                    "location = /r { return 301 /x; }"), files=site_files())
    (p.prefix / "html/sub").mkdir()
    assert get_tls(p, "/v").text == "https on"
    assert get_tls(p, "/r").get("Location") == f"https://a.example:{p.port}/x"
    assert get_tls(p, "/d/sub").get("Location") == f"https://a.example:{p.port}/d/sub/"


def test_a_large_file_arrives_whole(usher):
    p = usher(https("root html;"), files=site_files(**{"html/big": BIG}))
    r = get_tls(p, "/big")
    assert hashlib.sha256(r.body).digest() == hashlib.sha256(BIG).digest()
    with connect_tls(p) as c:
        r = c.get("/big", headers={"Range": f"bytes={len(BIG) - 5}-"})
        assert (r.status, r.body) == (206, BIG[-5:])


def test_bodies_pass_both_ways(usher, origin):
    backend = origin(lambda conn, r: reply(r.body))
    p = usher(https("client_max_body_size 0; location / { proxy_pass http://%%B%%; }"),
              files=site_files(), B=backend)
    with connect_tls(p) as c:
        r = c.get("/", method="POST", body=BIG)
        assert hashlib.sha256(r.body).digest() == hashlib.sha256(BIG).digest()
        assert c.get("/", method="POST", body=b"again").text == "again"


def test_the_backend_learns_of_https(usher, origin):
    backend = origin(lambda conn, r: reply(r.get("X-Proto") + r.get("X-Port")))
    p = usher(https("location / { proxy_pass http://%%B%%; proxy_set_header X-Proto $scheme; "
                    "proxy_set_header X-Port :$server_port; }"), files=site_files(), B=backend)
    assert get_tls(p).text == f"https:{p.port}"


def test_a_tunnel_runs_over_tls(usher, origin):
    def echo(conn, r):
        conn.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\n")
        while data := conn.sock.recv(65536):
            conn.send(data)
    backend = origin(echo)
    p = usher(https("location / { proxy_pass http://%%B%%; proxy_http_version 1.1; proxy_set_header "
                    "Upgrade $http_upgrade; proxy_set_header Connection upgrade; }"),
              files=site_files(), B=backend)
    with connect_tls(p) as c:
        c.request("/", headers={"Upgrade": "echo", "Connection": "upgrade"})
        assert c.recv_head().status == 101
        for piece in (b"one", b"x" * 100000, b"three"):
            c.send(piece)
            assert c.recv_exact(len(piece)) == piece


def test_a_connection_ends_with_close_notify(usher):
    p = usher(https(), files=site_files())
    with connect_tls(p, ragged=False) as c:
        r = c.get("/", headers={"Connection": "close"})
        assert r.text == "fine" and r.get("Connection") == "close"
        assert c.sock.recv(10) == b""  # an end without the alert raises SSLEOFError


def test_an_idle_connection_ends_with_close_notify(usher):
    p = usher(https("keepalive_timeout 100ms; location / { return 200 fine; }"), files=site_files())
    with connect_tls(p, ragged=False) as c:
        assert c.get().text == "fine"
        assert c.sock.recv(10) == b""


def test_an_unread_body_does_not_take_the_answer_away(usher):
    p = usher(https("client_max_body_size 0; location / { return 403; }"), files=site_files())
    with connect_tls(p) as c:
        c.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\nConnection: close\r\n\r\n")
        for _ in range(20):
            c.send(bytes(65536))
        assert c.recv_response().status == 403


def test_a_client_that_goes_away_ends_its_exchange(usher, origin):
    backend = origin(lambda conn, r: conn.wait_closed())
    p = usher(https("location / { proxy_pass http://%%B%%; }"), files=site_files(), B=backend)
    with connect_tls(p) as c:
        c.request("/slow")
        backend.wait_requests(1)
        c.reset()
    assert '"GET /slow HTTP/1.1" 499 ' in p.access_log(1)[0]


def test_unix_sockets_speak_tls_too(usher):
    p = usher(https(listen="listen unix:%%PREFIX%%/s.sock ssl; listen 127.0.0.1:%%PORT%% ssl;"),
              files=site_files())
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(str(p.prefix / "s.sock"))
    with context().wrap_socket(sock, server_hostname="a.example") as s:
        s.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert b"200 OK" in s.recv(4096)


# --- plain HTTP on a TLS port ---

def test_plain_http_on_a_tls_port_is_told_so(usher):
    p = usher(https(), files=site_files())
    r = get(p, "/x?y")
    assert r.status == 400 and r.get("Connection") == "close"
    assert "<title>400 The plain HTTP request was sent to HTTPS port</title>" in r.text
    assert "<center>The plain HTTP request was sent to HTTPS port</center>" in r.text
    p.wait_log(r"\[info\].*client sent plain HTTP request to HTTPS port while reading client request "
               r"headers, client: 127.0.0.1, server: .*request: \"GET /x\?y HTTP/1.1\"")
    assert '"GET /x?y HTTP/1.1" 400 ' in p.access_log(1)[0]


def test_error_page_497_leads_to_https(usher):
    p = usher(https("error_page 497 https://$host:$server_port$request_uri; "
                    "location / { return 200 fine; }"), files=site_files())
    r = get(p, "/x?y", host="a.example")
    assert (r.status, r.get("Location")) == (302, f"https://a.example:{p.port}/x?y")


def test_a_page_of_ones_own_for_497_keeps_400(usher):
    p = usher(https("error_page 497 /e.html; root html;"),
              files=site_files(**{"html/e.html": b"speak TLS"}))
    r = get(p)
    assert (r.status, r.text) == (400, "speak TLS")
    p.reload(https("error_page 497 =200 /e.html; root html;"))
    r = get(p)
    assert (r.status, r.text) == (200, "speak TLS")


def test_what_is_neither_tls_nor_http_is_a_bad_request(usher):
    p = usher(https(), files=site_files())
    assert b" 400 " in raw(p, b"hello\r\n\r\n")


def test_plain_and_tls_ports_live_in_one_server(usher):
    p = usher(https("location / { return 200 $scheme; }",
                    listen=LISTEN + " listen 127.0.0.1:%%PORT2%%;"), files=site_files())
    assert get_tls(p).text == "https"
    assert get(p.ports["PORT2"]).text == "http"


def test_ssl_on_one_server_of_an_address_holds_for_all(usher):
    p = usher(https("server_name a.example; location / { return 200 a; }") +
              "server { listen 127.0.0.1:%%PORT%%; server_name b.example;" + PAIR +
              "location / { return 200 b; } }", files=site_files())
    assert get_tls(p, name="b.example").text == "b"


# --- variables ---

def test_variables_of_the_handshake(usher):
    names = ["protocol", "cipher", "server_name", "session_reused", "early_data", "alpn_protocol",
             "curve", "client_verify", "client_s_dn", "client_raw_cert"]
    text = "|".join(f"$ssl_{n}" for n in names)
    p = usher(https(f"location / {{ return 200 '{text}'; }}",
                    listen=LISTEN + " listen 127.0.0.1:%%PORT2%%;"), files=site_files())
    values = get_tls(p, ctx=context(version=TLS12, alpn=["http/1.1"])).text.split("|")
    assert values[0] == "TLSv1.2" and values[1].startswith("ECDHE-ECDSA-")
    assert values[2:] == ["a.example", ".", "", "http/1.1", "X25519", "NONE", "", ""]
    values = get_tls(p, name=None, ctx=context(version=TLS13)).text.split("|")
    assert values[0] == "TLSv1.3" and values[1].startswith("TLS_") and values[2] == ""
    assert get(p.ports["PORT2"]).text == "|" * (len(names) - 1)


def test_lists_of_what_the_client_offers(usher):
    p = usher(https("location / { return 200 '$ssl_ciphers $ssl_curves'; }"), files=site_files())
    ctx = context(version=TLS12)
    ctx.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    ctx.set_ecdh_curve("prime256v1")
    ciphers, curves = get_tls(p, ctx=ctx).text.split()
    assert ciphers.removesuffix(":TLS_EMPTY_RENEGOTIATION_INFO_SCSV") == "ECDHE-ECDSA-AES128-GCM-SHA256"
    assert curves == "prime256v1"


@pytest.mark.usher_only("nginx 1.22 has none")
def test_signature_algorithms_have_names(usher):
    p = usher(https("location / { return 200 '$ssl_sigalg $ssl_sigalgs'; }"), files=site_files())
    ours, offered = get_tls(p).text.split()
    assert ours == "ecdsa_secp256r1_sha256"
    assert ours in offered.split(":") and "rsa_pss_rsae_sha256" in offered.split(":")


def test_what_is_not_there_is_a_dash_in_the_log(usher):
    p = usher("log_format t '$ssl_protocol $ssl_client_s_dn $ssl_server_name'; access_log logs/t t;"
              + https(), files=site_files())
    get_tls(p, name=None, ctx=context(version=TLS13))
    until(lambda: (p.prefix / "logs/t").read_text() == "TLSv1.3 - -\n", "the line")


# --- resumption ---

@pytest.mark.parametrize("version", [TLS12, TLS13], ids=["1.2", "1.3"])
def test_a_session_is_resumed_by_ticket(usher, version):
    p = usher(https("location / { return 200 $ssl_session_reused; }"), files=site_files())
    ctx = context(version=version)
    with connect_tls(p, ctx=ctx) as c:
        assert c.get().text == "."
        session = c.sock.session
    with connect_tls(p, ctx=ctx, session=session) as c:
        assert c.get().text == "r" and c.sock.session_reused


def test_tickets_may_be_forbidden(usher):
    p = usher(https("ssl_session_tickets off; location / { return 200 $ssl_session_reused; }"),
              files=site_files())
    ctx = context(version=TLS12)
    with connect_tls(p, ctx=ctx) as c:
        c.get()
        session = c.sock.session
    assert not session.has_ticket
    with connect_tls(p, ctx=ctx, session=session) as c:
        assert c.get().text == "."


def test_a_session_is_resumed_by_id_from_a_shared_cache(usher):
    p = usher(https("ssl_session_tickets off; ssl_session_cache shared:S:1m; "
                    "location / { return 200 $ssl_session_reused; }"), files=site_files())
    ctx = context(version=TLS12)
    with connect_tls(p, ctx=ctx) as c:
        c.get()
        session = c.sock.session
    with connect_tls(p, ctx=ctx, session=session) as c:
        assert c.get().text == "r"
