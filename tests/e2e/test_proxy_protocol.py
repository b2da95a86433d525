"""listen … proxy_protocol: in pieces, before TLS and HTTP/2, TLVs, what the log says; and towards backends."""
import re
import socket
import struct

import pytest

import h2client
from client import connect, raw
from tls_client import PAIR, context, site_files
from wait import until

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
V1 = b"PROXY TCP4 192.0.2.1 198.51.100.1 4711 80\r\n"
SHOW = 'return 200 "$proxy_protocol_addr $proxy_protocol_port $remote_addr";'
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def server(body=SHOW, listen="listen 127.0.0.1:%%PORT%% proxy_protocol;", http=""):
    return f"{http} server {{ {listen} server_name localhost; {body} }}"


def tlv(kind, value):
    return struct.pack("!BH", kind, len(value)) + value


def v2(*tlvs):
    body = socket.inet_aton("192.0.2.1") + socket.inet_aton("198.51.100.1") + struct.pack("!HH", 4711, 80) + b"".join(tlvs)
    return SIGNATURE + struct.pack("!BBH", 0x21, 0x11, len(body)) + body


SSL = struct.pack("!BI", 1, 70000) + tlv(0x21, b"TLSv1.3") + tlv(0x22, b"client.example") + tlv(0x23, b"AES") + tlv(0x25, b"EC256")
NAMED = {
    "alpn": b"h2", "authority": b"a.example", "unique_id": b"id", "netns": b"net", "0x01": b"h2", "0xe0": b"own", "0xE0": b"own",
    "ssl_version": b"TLSv1.3", "ssl_cn": b"client.example", "ssl_cipher": b"AES", "ssl_sig_alg": b"", "ssl_key_alg": b"EC256",
    "ssl_verify": b"70000", "ssl_0x22": b"client.example", "ssl": SSL, "other": b"", "0x7f": b"", "0x": b"", "0x100": b"", "ssl_x": b"",
}


@pytest.mark.usher_only("TLVs are of nginx 1.23")
def test_tlvs(usher):
    fields = "".join(f"location /{name} {{ return 200 $proxy_protocol_tlv_{name}; }}\n" for name in NAMED)
    p = usher(server(fields))
    header = v2(tlv(1, b"h2"), tlv(2, b"a.example"), tlv(5, b"id"), tlv(0x30, b"net"), tlv(0xe0, b"own"), tlv(0xe0, b"second"), tlv(0x20, SSL))
    with connect(p.port) as c:
        c.send(header)
        assert {name: c.get("/" + name).body for name in NAMED} == NAMED


@pytest.mark.usher_only("TLVs are of nginx 1.23")
@pytest.mark.parametrize("more", [b"\x01", b"\x01\0", b"\x01\0\x09h2", tlv(0x20, b"\0\0\0\0") + b"\x01\0\x02"], ids=range(4))
def test_broken_tlvs_have_no_value(usher, more):
    p = usher(server('return 200 "$proxy_protocol_addr[$proxy_protocol_tlv_alpn$proxy_protocol_tlv_ssl_verify]";'))
    assert raw(p.port, v2(more) + GET).endswith(b"192.0.2.1[]")


@pytest.mark.usher_only("nginx wants the header in one piece")
@pytest.mark.parametrize("header", [V1, v2(tlv(1, b"h2"))], ids=["v1", "v2"])
def test_a_header_in_pieces(usher, header):
    p = usher(server())
    with connect(p.port) as c:
        c.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in header:
            c.send(bytes([byte]))
        assert c.get().text == "192.0.2.1 4711 127.0.0.1"


@pytest.mark.parametrize("listen", ["ssl", "ssl http2"])
@pytest.mark.parametrize("header", [V1, v2()], ids=["v1", "v2"])
def test_before_tls(usher, header, listen):
    p = usher(server(SHOW + PAIR, f"listen 127.0.0.1:%%PORT%% {listen} proxy_protocol;",
                     "set_real_ip_from 127.0.0.1; real_ip_header proxy_protocol;"), files=site_files())
    sock = socket.create_connection(("127.0.0.1", p.port), 10)
    sock.sendall(header)
    h2 = "http2" in listen
    tls = context(alpn=["h2"] if h2 else None).wrap_socket(sock, server_hostname="a.example")
    if h2:
        assert h2client.H2(tls).get("/").text == "192.0.2.1 4711 192.0.2.1"
        return
    tls.sendall(GET)
    assert tls.recv(4096).endswith(b"192.0.2.1 4711 192.0.2.1")
    tls.close()


def test_before_http2_in_the_clear(usher):
    p = usher(server(listen="listen 127.0.0.1:%%PORT%% http2 proxy_protocol;"))
    sock = socket.create_connection(("127.0.0.1", p.port), 10)
    sock.sendall(V1)
    assert h2client.H2(sock).get("/").text == "192.0.2.1 4711 127.0.0.1"


@pytest.mark.parametrize("sent", [b"GET / HTTP/1.0\r\n\r\n", b"PROXY TCP9 x\r\n", b"\x16\x03\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e"])
def test_what_is_none_is_logged_and_not_answered(usher, sent):
    p = usher(server())
    assert raw(p.port, sent + b"more") == b""
    p.wait_log(r'(?s)\[error\].* broken header: ".* while reading PROXY protocol, client: 127.0.0.1, server: 127.0.0.1:\d+')


@pytest.mark.usher_only("nginx wants the header in one piece")
def test_a_header_that_does_not_come(usher):
    p = usher(server("client_header_timeout 100ms;" + SHOW))
    with connect(p.port) as c:
        c.send("PROXY ")
        assert c.recv_until_closed() == b""
    p.wait_log(r"\[info\].* client timed out \(110: Connection timed out\) while reading PROXY protocol, client: 127.0.0.1")


@pytest.mark.usher_only("nginx wants the header in one piece")
def test_a_header_that_breaks_off(usher):
    p = usher(server("client_header_timeout 5s;" + SHOW))
    with connect(p.port) as c:
        c.send(b"PROXY TCP4 192.0")
        c.sock.shutdown(socket.SHUT_WR)
        assert c.recv_until_closed() == b""
    p.wait_log(r"\[info\].* client closed connection while reading PROXY protocol")


def test_a_log_line_has_the_real_client(usher):
    p = usher(server("access_log logs/who.log who; location / { proxy_pass http://127.0.0.1:1; }", http="set_real_ip_from 127.0.0.1; real_ip_header proxy_protocol; "
                     "log_format who '$remote_addr $proxy_protocol_addr $realip_remote_addr';"))
    raw(p.port, V1 + GET)
    until(lambda: p._read("who.log") == "192.0.2.1 192.0.2.1 127.0.0.1\n", "the log line")
    p.wait_log(r"\[error\].* client: 192.0.2.1, server: localhost")


@pytest.mark.usher_only("the words are usher's")
def test_other_protocols_of_one_address_are_told(usher):
    p = usher("server { listen 127.0.0.1:%%PORT%% proxy_protocol; } server { listen 127.0.0.1:%%PORT%% ssl; ssl_certificate a.crt; "
              "ssl_certificate_key a.key; server_name b; }", start=False, files=site_files())
    assert re.search(r"\[warn\] protocol options redefined for 127.0.0.1:", p.run("-t").stderr)


@pytest.mark.usher_only("a reload of usher's")
def test_a_file_of_trusted_proxies(usher):
    p = usher(server("return 200 $remote_addr;", http="set_real_ip_from file=trusted; real_ip_header proxy_protocol;"),
              may_log="invalid network", files={"trusted": "# balancers\n10.0.0.0/8;\n2001:db8::/32\r\n"})
    assert raw(p.port, V1 + GET).endswith(b"127.0.0.1")
    p.write("trusted", "127.0.0.0/8\n")
    until(lambda: raw(p.port, V1 + GET).endswith(b"192.0.2.1"), "the file's new text")
    p.write("trusted", "127.0.0.0/33\n")
    p.signal("HUP")
    p.wait_log('invalid network "127.0.0.0/33" in ')
    assert raw(p.port, V1 + GET).endswith(b"192.0.2.1")


# --- Towards backends ---

@pytest.mark.usher_only("usher's own")
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_backend_is_told_whose_request_it_is(usher, version):
    """Two usher servers, one behind the other."""
    p = usher("server { listen 127.0.0.1:%%PORT2%% proxy_protocol; location / { return 200 \"$proxy_protocol_addr $proxy_protocol_port "
              "$proxy_protocol_server_addr $proxy_protocol_server_port $connection\"; } }"
              "server { listen 127.0.0.1:%%PORT%%; set_real_ip_from 127.0.0.1; location / { proxy_pass http://127.0.0.1:%%PORT2%%; "
              "proxy_pass_proxy_protocol VERSION; } }".replace("VERSION", version))
    with connect(p.port) as a, connect(p.port) as b:
        seen = {}
        for name, c in (("a", a), ("b", b), ("a", a), ("b", b)):
            port = c.sock.getsockname()[1]
            *who, connection = c.get().text.split()
            assert who == ["127.0.0.1", str(port), "127.0.0.1", str(p.port)]
            seen.setdefault(name, set()).add(connection)
        assert len(seen["a"]) == len(seen["b"]) == 1 and seen["a"] != seen["b"]
        other = a.get(headers={"X-Real-IP": "192.0.2.1:99"}).text.split()
        assert other[:2] == ["192.0.2.1", "99"] and {other[-1]} not in seen.values()
        six = a.get(headers={"X-Real-IP": "2001:db8::1"}).text.split(" ")
        assert six[0] == "2001:db8::1" and six[2] == "::ffff:127.0.0.1"


@pytest.mark.usher_only("usher's own")
def test_the_header_comes_before_tls(usher):
    p = usher("server { listen 127.0.0.1:%%PORT2%% ssl proxy_protocol; location / { return 200 $proxy_protocol_port; } PAIR }"
              "server { listen 127.0.0.1:%%PORT%%; location / { proxy_pass https://127.0.0.1:%%PORT2%%; proxy_pass_proxy_protocol v1; } }"
              .replace("PAIR", PAIR), files=site_files())
    with connect(p.port) as c:
        assert {c.get().text for _ in range(3)} == {str(c.sock.getsockname()[1])}


WRONG = [
    ("proxy_pass_proxy_protocol v3;", 'invalid value "v3"'),
    ("set_real_ip_from 1.2.3.4/33;", 'invalid network "1.2.3.4/33"'), ("set_real_ip_from file=none;", "none\" failed (2: No such file"),
    ("set_real_ip_from;", 'invalid number of arguments in "set_real_ip_from"'), ("set_real_ip_from 1.2.3.4/24;", "low address bits of 1.2.3.4/24"),
    ("real_ip_recursive maybe;", 'invalid value "maybe" in "real_ip_recursive"'),
    ("real_ip_header a; real_ip_header b;", '"real_ip_header" directive is duplicate'), ("set_real_ip_from a b;", "invalid number of arguments"),
]


@pytest.mark.usher_only("-t of usher tells all at once")
def test_mistakes_are_told(usher):
    text = "".join(f"server {{ listen 127.0.0.1:%%PORT%%; server_name s{i}; {line} }}\n" for i, (line, _) in enumerate(WRONG))
    told = usher(text, start=False, may_log="emerg").run("-t").stderr
    assert [words for _, words in WRONG if words not in told] == [], told
