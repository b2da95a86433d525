"""proxy_pass_proxy_protocol_tlv: what a backend reads of it, byte for byte and as usher and HAProxy read it."""
import socket
import struct
import subprocess

import pytest

import h2client
from certs import self_signed
from client import connect, get, raw
from proxy import free_port
from test_proxy_protocol import GET, SIGNATURE, tlv, v2
from tls_client import CA, PAIR, TLS12, connect_tls, context, get_tls, site_files
from wait import until

pytestmark = pytest.mark.usher_only("usher's own")

READ = ("alpn authority unique_id netns 0xe0 0xEA ssl_version ssl_cn ssl_cipher ssl_sig_alg ssl_key_alg ssl_verify").split()
BACKEND = ('server { listen 127.0.0.1:%%PORT2%% proxy_protocol http2; location / { return 200 "'
           + "".join(f"{name}=$proxy_protocol_tlv_{name}\n" for name in READ) + 'connection=$connection\n"; } }')
SENT = {"alpn": "$ssl_alpn_protocol", "authority": "$ssl_server_name", "unique_id": "id-$arg_id", "netns": "blue",
        "0xe0": "$arg_own", "0xEA": "\x01vpc"}
TELL = "proxy_pass http://127.0.0.1:%%PORT2%%; proxy_pass_proxy_protocol v2; "


def rows(sent, more=""):
    return "".join(f'proxy_pass_proxy_protocol_tlv {name} "{value}";\n' for name, value in sent.items()) + more


ROWS = rows(SENT, "proxy_pass_proxy_protocol_tlv ssl; proxy_pass_proxy_protocol_tlv crc32c;")


def answered(r):
    assert r.status == 200, r.text
    return {k: v for k, v in (line.split("=", 1) for line in r.text.splitlines()) if v}


def without(seen, *names):
    return {k: v for k, v in seen.items() if k not in names}


def test_every_tlv_is_read_again(usher, tmp_path):
    """Over TLS with and without a certificate, resumed, of two versions; and in the clear."""
    leaf, stranger = CA.issue("client one"), self_signed("stranger")
    p = usher(BACKEND + "server { listen 127.0.0.1:%%PORT%%; listen 127.0.0.1:%%PORT3%% ssl; ssl_verify_client optional_no_ca;"
              f" ssl_client_certificate ca.crt; {PAIR} location / {{ {TELL} {ROWS} }} }}", files=site_files())
    clear = answered(get(p.port, "/?id=7&own=x"))
    assert without(clear, "connection") == {"unique_id": "id-7", "netns": "blue", "0xe0": "x", "0xEA": "\x01vpc"}

    def over_tls(**kw):
        directory = tmp_path / str(len(kw))
        directory.mkdir(exist_ok=True)
        return answered(get_tls(p.ports["PORT3"], "/", ctx=context(alpn=["http/1.1"], directory=directory, **kw)))

    fixed = {"alpn": "http/1.1", "authority": "a.example", "unique_id": "id-", "netns": "blue", "0xEA": "\x01vpc",
             "ssl_version": "TLSv1.3", "ssl_cipher": "TLS_AES_256_GCM_SHA384", "ssl_sig_alg": "ecdsa-with-SHA256", "ssl_key_alg": "EC256"}
    assert without(over_tls(), "connection") == {**fixed, "ssl_verify": "1"}
    assert without(over_tls(leaf=leaf), "connection") == {**fixed, "ssl_cn": "client one", "ssl_verify": "0"}
    seen = over_tls(leaf=stranger)
    assert seen["ssl_cn"] == "stranger" and int(seen["ssl_verify"]) > 1
    assert over_tls(version=TLS12)["ssl_version"] == "TLSv1.2"


def test_a_session_of_earlier_says_so(usher, tmp_path):
    """client: SSL | CERT_CONN | CERT_SESS; without CERT_CONN where the certificate is the session's."""
    p = usher("server { listen 127.0.0.1:%%PORT2%% proxy_protocol; location / { return 200 $proxy_protocol_tlv_ssl; } }"
              "server { listen 127.0.0.1:%%PORT%% ssl; ssl_verify_client on; ssl_client_certificate ca.crt; "
              f"{PAIR} location / {{ {TELL} proxy_pass_proxy_protocol_tlv ssl; }} }}", files=site_files())
    ctx = context(leaf=CA.issue("one"), directory=tmp_path)
    with connect_tls(p.port, ctx=ctx) as c:
        first, session = c.get(host="a.example").body, c.sock.session
    with connect_tls(p.port, ctx=ctx, session=session) as c:
        again, resumed = c.get(host="a.example").body, c.sock.session_reused
    assert resumed and first[:5] == b"\7\0\0\0\0" and again[:5] == b"\5\0\0\0\0"


def addresses(c, port):
    return socket.inet_aton("127.0.0.1") * 2 + struct.pack("!HH", c.sock.getsockname()[1], port)


def begun(sock):
    """What came before the request."""
    got = b""
    while b"GET " not in got:
        got += sock.recv(65536)
    return got.partition(b"GET ")[0]


def crc32c(text):
    crc = 0xffffffff
    for byte in text:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def test_bytes_on_the_wire(usher):
    o = socket.create_server(("127.0.0.1", 0))
    o.settimeout(10)
    port = o.getsockname()[1]
    p = usher(f"server {{ listen 127.0.0.1:%%PORT%%; proxy_pass_proxy_protocol v2; {rows(SENT)} location / {{ proxy_pass http://127.0.0.1:{port}; }}"
              f" location /own {{ proxy_pass http://127.0.0.1:{port}; proxy_pass_proxy_protocol_tlv 0xee x$arg_none;"
              f" proxy_pass_proxy_protocol_tlv crc32c; }}"
              f" location /none {{ proxy_pass http://127.0.0.1:{port}; proxy_pass_proxy_protocol_tlv alpn $arg_none; }}"
              f" location /v1 {{ proxy_pass http://127.0.0.1:{port}; proxy_pass_proxy_protocol v1; }} }}")
    inherited = tlv(5, b"id-") + tlv(0x30, b"blue") + tlv(0xea, b"\1vpc")
    for path, tlvs in (("/", inherited), ("/own", tlv(3, bytes(4)) + tlv(0xee, b"x")), ("/none", b""), ("/v1", None)):
        with connect(p.port) as c:
            c.send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
            backend, _ = o.accept()
            body = addresses(c, p.port) + (tlvs or b"")
            want = SIGNATURE + struct.pack("!BBH", 0x21, 0x11, len(body)) + body
            want = want.replace(tlv(3, bytes(4)), tlv(3, struct.pack("!I", crc32c(want))))
            if tlvs is None:
                want = f"PROXY TCP4 127.0.0.1 127.0.0.1 {c.sock.getsockname()[1]} {p.port}\r\n".encode()
            assert begun(backend) == want
            backend.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            assert c.recv_response().status == 200
            backend.close()
    o.close()


def test_a_client_of_a_unix_socket_has_tlvs_too(usher):
    o = socket.create_server(("127.0.0.1", 0))
    o.settimeout(10)
    p = usher("server { listen unix:%%PREFIX%%/front.sock; location / { proxy_pass_proxy_protocol v2; proxy_pass_proxy_protocol_tlv alpn h2;"
              f" proxy_pass http://127.0.0.1:{o.getsockname()[1]}; }} }} server {{ listen 127.0.0.1:%%PORT%%; }}")
    c = socket.socket(socket.AF_UNIX)
    c.connect(p.fill("%%PREFIX%%/front.sock"))
    c.sendall(GET)
    backend, _ = o.accept()
    assert begun(backend) == SIGNATURE + b"\x21\0\0\5\1\0\2h2"
    for s in (c, backend, o):
        s.close()


@pytest.mark.one_thread
@pytest.mark.parametrize("version", ["1.1", "2"])
def test_connections_are_shared_by_those_of_one_header(usher, version):
    p = usher(BACKEND + f"server {{ listen 127.0.0.1:%%PORT%%; proxy_http_version {version}; location / {{ {TELL} {ROWS} }} }}")
    seen = {}
    with connect(p.port) as c:
        for name in "abab":
            a = answered(c.get(f"/?id={name}"))
            assert a["unique_id"] == "id-" + name
            seen.setdefault(name, set()).add(a["connection"])
    assert len(seen["a"]) == len(seen["b"]) == 1 and seen["a"] != seen["b"]


def test_what_is_too_long_is_left_out_and_told(usher):
    p = usher(BACKEND + "server { listen 127.0.0.1:%%PORT%%; large_client_header_buffers 4 16k; location / {" + TELL +
              "proxy_pass_proxy_protocol_tlv unique_id $arg_id; proxy_pass_proxy_protocol_tlv 0xe0 $arg_own;"
              "proxy_pass_proxy_protocol_tlv alpn last; proxy_pass_proxy_protocol_tlv crc32c; } }")
    most = answered(get(p.port, f"/?id={'i' * 128}&own={'o' * (4096 - 16 - 36 - 7 - 3 - 131 - 7)}"))
    assert len(most["unique_id"]) == 128 and len(most["0xe0"]) > 3800 and most["alpn"] == "last"
    assert not p.error_log().count("too long")
    more = answered(get(p.port, f"/?id={'i' * 129}&own={'o' * 4096}"))
    assert without(more, "connection") == {"alpn": "last"}
    p.wait_log(r'\[error\].* TLV "unique_id" of 129 bytes is too long for a PROXY protocol header while connecting to upstream')
    p.wait_log(r'\[error\].* TLV "0xe0" of 4096 bytes is too long')


@pytest.mark.parametrize("how", ["sum", "length"])
def test_a_wrong_checksum_is_refused(usher, how):
    p = usher("server { listen 127.0.0.1:%%PORT%% proxy_protocol; return 200 fine; }")
    assert raw(p.port, v2(tlv(3, b"abcd" if how == "sum" else b"abc")) + GET) == b""
    p.wait_log(r"\[error\].* broken header: ")


def test_over_http2_and_tls(usher):
    p = usher(BACKEND + f"server {{ listen 127.0.0.1:%%PORT%% ssl http2; {PAIR} location / {{ {TELL} {ROWS} }} }}", files=site_files())
    sock = socket.create_connection(("127.0.0.1", p.port), 10)
    tls = context(alpn=["h2"]).wrap_socket(sock, server_hostname="a.example")
    seen = answered(h2client.H2(tls).get("/"))
    assert seen["alpn"] == "h2" and seen["authority"] == "a.example" and seen["ssl_version"] == "TLSv1.3"


HAPROXY = """
defaults
 mode http
 timeout client 5s
 timeout server 5s
 timeout connect 5s
frontend f
 bind 127.0.0.1:%d accept-proxy
 http-request return status 200 content-type text/plain lf-string "%%[src] %%[fc_pp_authority] %%[fc_pp_unique_id]"
"""


def test_haproxy_reads_it(usher, tmp_path):
    port = free_port()
    (tmp_path / "h.cfg").write_text(HAPROXY % port)
    h = subprocess.Popen(["haproxy", "-db", "-q", "-f", tmp_path / "h.cfg"])
    try:
        until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0, "HAProxy")
        p = usher(f"server {{ listen 127.0.0.1:%%PORT%% ssl; {PAIR} location / {{ proxy_pass http://127.0.0.1:{port};"
                  f" proxy_pass_proxy_protocol v2; {ROWS} }} }}", files=site_files())
        assert get_tls(p.port, "/?id=9").text == "127.0.0.1 a.example id-9"
    finally:
        h.kill()
        h.wait()


ROW = "proxy_pass_proxy_protocol_tlv "
WRONG = [
    (ROW + "alp h2;", 'invalid TLV "alp"'), (ROW + "0x100 h2;", 'invalid TLV "0x100"'), (ROW + "ALPN h2;", 'invalid TLV "ALPN"'),
    (ROW + "alpn;", 'no value for TLV "alpn"'), (ROW + "ssl on;", 'TLV "ssl" has no value of yours'),
    (ROW + "crc32c 1;", 'TLV "crc32c" has no value of yours'), (ROW + "0x03 abcd;", 'TLV "0x03" is "crc32c", without a value'),
    (ROW + "alpn a; " + ROW + "0x01 b;", 'duplicate TLV "0x01"'), (ROW + "crc32c; " + ROW + "crc32c;", 'duplicate TLV "crc32c"'),
    (ROW + "unique_id " + "i" * 129 + ";", 'TLV "unique_id" is longer than 128 bytes'),
    (ROW + "0xe1 $none_such;", 'unknown "none_such" variable'), (ROW + ";", f'invalid number of arguments in "{ROW.strip()}"'),
    ("proxy_pass_proxy_protocol v1; " + ROW + "alpn h2;", f'"{ROW.strip()}" needs "proxy_pass_proxy_protocol v2"'),
    ("if ($host) { " + ROW + "alpn h2; }", f'"{ROW.strip()}" directive is not allowed here'),
]


def test_mistakes_are_told(usher):
    text = "".join(f"server {{ listen 127.0.0.1:%%PORT%%; server_name s{i}; {line} }}\n" for i, (line, _) in enumerate(WRONG))
    told = usher(text, start=False, may_log="emerg").run("-t").stderr
    assert [words for _, words in WRONG if words not in told] == [], told


def test_a_raw_ssl_of_a_proxy_before_is_passed_on(usher):
    p = usher(BACKEND + "server { listen 127.0.0.1:%%PORT%% proxy_protocol; proxy_pass_proxy_protocol_tlv 0x20 $proxy_protocol_tlv_ssl;"
              f" location / {{ {TELL} }} }}")
    inner = struct.pack("!BI", 7, 0) + tlv(0x21, b"TLSv1.3") + tlv(0x22, b"far client")
    answer = raw(p.port, v2(tlv(0x20, inner)) + GET)
    assert b"ssl_version=TLSv1.3\nssl_cn=far client\n" in answer and b"ssl_verify=0\n" in answer
