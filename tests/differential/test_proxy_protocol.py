"""listen … proxy_protocol: raw headers before a request."""
import socket
import struct

import pytest

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
SHOW = ('return 200 "$proxy_protocol_addr|$proxy_protocol_port|$proxy_protocol_server_addr|$proxy_protocol_server_port|'
        '$remote_addr|$server_addr\\n";')
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def server(body, listen="proxy_protocol"):
    return f"server {{ listen 127.0.0.1:%%PORT%% {listen}; server_name localhost; {body} }}"


def v2(body, family=0x11, command=0x21, length=None):
    return SIGNATURE + struct.pack("!BBH", command, family, len(body) if length is None else length) + body


def four(source="192.0.2.1", destination="198.51.100.1", ports=(4711, 80)):
    return socket.inet_aton(source) + socket.inet_aton(destination) + struct.pack("!HH", *ports)


def six(source="2001:db8::1", destination="2001:db8::2", ports=(4711, 443)):
    pack = socket.inet_pton
    return pack(socket.AF_INET6, source) + pack(socket.AF_INET6, destination) + struct.pack("!HH", *ports)


GOOD = {
    "v1": b"PROXY TCP4 192.0.2.1 198.51.100.1 4711 80\r\n",
    "v1-six": b"PROXY TCP6 2001:db8::1 2001:db8::2 4711 443\r\n",
    "v1-long-six": b"PROXY TCP6 2001:0db8:0:0:0:0:0:1 2001:DB8:0:0:0:0:0:2 65535 65535\r\n",
    "v1-unknown": b"PROXY UNKNOWN\r\n",
    "v1-unknown-words": b"PROXY UNKNOWN 192.0.2.1 198.51.100.1 4711 80\r\n",
    "v1-ports-0": b"PROXY TCP4 192.0.2.1 198.51.100.1 0 0\r\n",
    "v1-trusted": b"PROXY TCP4 127.0.0.1 127.0.0.2 1 2\r\n",
    "v2": v2(four()), "v2-six": v2(six(), 0x21), "v2-local": v2(b"", 0, 0x20), "v2-local-addresses": v2(four(), 0x11, 0x20),
    "v2-unspec": v2(b"", 0), "v2-unspec-body": v2(b"abcdef", 0), "v2-tlv": v2(four() + b"\x01\0\x02h2"),
    "v2-unix": v2(b"/a".ljust(108, b"\0") + b"/b".ljust(108, b"\0"), 0x31), "v2-datagrams": v2(four(), 0x12),
    "v2-padding": v2(four() + b"\x04\0\x08" + b"\0" * 8), "v2-family-9": v2(four(), 0x91),
    "v2-mapped": v2(six("::ffff:192.0.2.1"), 0x21),
}
BAD = {
    "none": b"", "v1-lower": b"proxy TCP4 192.0.2.1 198.51.100.1 4711 80\r\n", "v1-family": b"PROXY TCP5 192.0.2.1 198.51.100.1 4711 80\r\n",
    "v1-lf": b"PROXY TCP4 192.0.2.1 198.51.100.1 4711 80\n", "v1-port": b"PROXY TCP4 192.0.2.1 198.51.100.1 4711 65536\r\n",
    "v1-short": b"PROXY TCP4 192.0.2.1 198.51.100.1 4711\r\n", "v1-letters": b"PROXY TCP4 192.0.2.x 198.51.100.1 4711 80\r\n",
    "v1-empty": b"PROXY \r\n", "v1-blanks": b"PROXY  TCP4 192.0.2.1 198.51.100.1 4711 80\r\n", "v1-long": b"PROXY TCP4 " + b"1" * 120 + b"\r\n",
    "v2-short": v2(four()[:8]), "v2-six-short": v2(four(), 0x21), "v2-version": v2(four(), 0x11, 0x31), "v2-huge": v2(four(), length=65535),
    "v2-signature": b"\r\n\r\n\0\r\nQUIT\r" + b"\x21\x11\0\x0c" + four(), "garbage": b"\x16\x03\x01\x02\x00\x01\x00",
}


def test_good_ones(agree):
    agree(server(SHOW), [header + REQUEST for header in GOOD.values()])


def test_bad_ones(agree):
    agree(server(SHOW), [header + REQUEST for header in BAD.values()])


@pytest.mark.parametrize("recursive", ["off", "on"])
def test_real_ip(agree, recursive):
    body = f"set_real_ip_from 127.0.0.1; real_ip_header proxy_protocol; real_ip_recursive {recursive}; "
    agree(server(body + SHOW.replace("$remote_addr", "$remote_addr:$remote_port:$realip_remote_addr")),
          [GOOD[k] + REQUEST for k in ("v1", "v1-six", "v1-ports-0", "v1-trusted", "v2", "v2-six", "v2-tlv", "v2-mapped")])


def test_who_is_not_trusted(agree):
    agree(server("set_real_ip_from 10.0.0.0/8; real_ip_header proxy_protocol; " + SHOW), [GOOD["v1"] + REQUEST, GOOD["v2"] + REQUEST])


def test_a_connection_keeps_what_its_header_said(agree):
    kept = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    agree(server("set_real_ip_from 127.0.0.1; real_ip_header proxy_protocol; " + SHOW),
          [GOOD["v1"] + kept + REQUEST, GOOD["v2"] + kept + kept + REQUEST])


def test_logs_and_backends_see_it(agree):
    agree(server("proxy_set_header X-Addr $proxy_protocol_addr; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; "
                 "location / { proxy_pass http://%%BACKEND%%; }"), [GOOD["v1"] + REQUEST, GOOD["v1-unknown"] + REQUEST])


def test_a_header_where_none_is_asked_for(agree):
    agree(server(SHOW, listen=""), [REQUEST])
