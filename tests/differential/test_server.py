"""Which server answers, and what $host and $server_name are there."""
import socket

import pytest

NAMES = ["", "server_name example.com www.example.com;", "server_name *.example.com; server_name_in_redirect on;", "server_name .example.net;",
         "server_name www.*;", "server_name www.example.* mail.*;", "server_name ~^(?<who>\\w+)\\.example\\.org$;", "server_name ~^www\\d;",
         "server_name $hostname;", "server_name localhost \"\" UPPER.example;", "server_name *.a.example.com;"]
SHOW = 'location /r { return 301 /x; } location / { return 200 "%d|$server_name|$host|$http_host|$who|$server_port"; }'
CONF = "".join("server { listen 127.0.0.1:%%PORT%%" + "; " + names + SHOW % i + " }\n" for i, names in enumerate(NAMES))
HOSTS = ["example.com", "EXAMPLE.com:80", "example.com.", "www.example.com", "a.example.com", "b.a.example.com", "a.a.example.com.", "example.net", "x.example.net",
         "xexample.net", "www.x", "www.example.y", "mail.example.com", "mail.x", "joe.example.org", "joe.x.example.org", "www1", "www1.example.com", socket.gethostname(),
         socket.gethostname().upper(), "localhost", "upper.example", "UPPER.EXAMPLE:1", "127.0.0.1", "[::1]:80", "unknown", "x_y", "a..b", ".", "..", ".example.com", "a/b", "a b", "a:", ""]


@pytest.fixture(scope="module")
def both(pair):
    return pair(CONF)


@pytest.mark.parametrize("target", ["/", "/r"])
@pytest.mark.parametrize("host", HOSTS)
def test_who_answers(both, host, target):
    both.agree(f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())


@pytest.mark.parametrize("target", ["http://www.example.com/", "http://WWW.example.com:81/r", "http://example.net.", "https://x.example.net/", "http://unknown/r", "http:///",
                                    "http://a b/", "//example.net/", "http://example..com/"])
@pytest.mark.parametrize("host", ["example.com", "a/b", ".", "", None])
def test_the_request_line_goes_before_a_host_that_is_valid(both, target, host):
    field = "" if host is None else f"Host: {host}\r\n"
    for version in ("1.1", "1.0"):
        both.agree(f"GET {target} HTTP/{version}\r\n{field}Connection: close\r\n\r\n".encode())
