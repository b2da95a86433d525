"""set_real_ip_from, real_ip_header, real_ip_recursive."""
import pytest

# The client's own port is another one each time, and has five digits.
SHOW = 'set $port -; if ($remote_port ~ "^[0-9]{0,4}$") { set $port $remote_port; } return 200 "$remote_addr|$port|$realip_remote_addr|$proxy_add_x_forwarded_for\\n";'


def server(body, http=""):
    return f"{http} server {{ listen 127.0.0.1:%%PORT%%; server_name localhost; {body} }}"


FIELDS = [
    "X-Real-IP: 192.0.2.1", "X-Real-IP: 192.0.2.1:81", "X-Real-IP: nonsense", "X-Real-IP: 2001:db8::1", "X-Real-IP: [2001:db8::1]:99",
    "X-Real-IP: [2001:db8::1]", "X-Real-IP: 192.0.2.1, 192.0.2.2", "X-Real-IP: 192.0.2.1\nX-Real-IP: 192.0.2.2", "X-Real-IP: 192.0.2.1:0",
    "X-Real-IP: 192.0.2.256", "X-Real-IP:", "X-Real-IP: 127.0.0.1", "X-Real-IP: unix:/x", "X-Real-IP: 192.0.2.1:65536",
    "X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: 192.0.2.1, 198.51.100.7", "X-Forwarded-For: 192.0.2.1, 127.0.0.1",
    "X-Forwarded-For: 192.0.2.1, 127.0.0.1, 127.0.0.2,", "X-Forwarded-For: 192.0.2.1,198.51.100.7,127.0.0.3", "X-Forwarded-For: 127.0.0.9",
    "X-Forwarded-For: 192.0.2.1\nX-Forwarded-For: 198.51.100.7", "X-Forwarded-For: 192.0.2.1\nX-Forwarded-For: 127.0.0.1",
    "X-Forwarded-For: 192.0.2.1, bad, 127.0.0.1", "X-Forwarded-For: , ,", "X-Forwarded-For: 192.0.2.1:4711", "X-Forwarded-For: unknown",
    "X-Forwarded-For: bad\nX-Forwarded-For: 127.0.0.1", "X-Forwarded-For: 127.0.0.5, 127.0.0.6", "X-Forwarded-For: 192.0.2.1  127.0.0.2",
    "X-Forwarded-For: ::ffff:192.0.2.9", "X-Forwarded-For: 2001:db8::7, 127.0.0.2", "X-Forwarded-For: 192.0.2.1, 10.1.2.3, 10.1.2.4",
    "CF-Connecting-IP: 192.0.2.1", "CF-Connecting-IP: 192.0.2.1\nCF-Connecting-IP: 192.0.2.2", "cf-connecting-ip: 192.0.2.5",
    "CF_Connecting_IP: 192.0.2.1", "Host: x", "X-Forwarded-For: 192.0.2.1;198.51.100.7", "X-Forwarded-For: 1", "X-Forwarded-For: a b",
]
REQUESTS = ["/\n" + f for f in FIELDS]


@pytest.mark.parametrize("recursive", ["off", "on"])
@pytest.mark.parametrize("header", ["X-Real-IP", "X-Forwarded-For", "CF-Connecting-IP", "proxy_protocol"])
@pytest.mark.parametrize("trusted", ["127.0.0.0/8", "127.0.0.1", "10.0.0.0/8", "unix:", "::/0"])
def test_who_it_is(agree, trusted, header, recursive):
    agree(server(f"set_real_ip_from {trusted}; real_ip_header {header}; real_ip_recursive {recursive}; {SHOW}"), REQUESTS)


@pytest.mark.parametrize("recursive", ["off", "on"])
def test_several_that_are_trusted(agree, recursive):
    agree(server(f"real_ip_header X-Forwarded-For; real_ip_recursive {recursive}; location / {{ {SHOW} }}",
                 "set_real_ip_from 127.0.0.1; set_real_ip_from 10.1.0.0/16; set_real_ip_from 2001:db8::/32;"), REQUESTS)


LEVELS = [
    "set_real_ip_from 127.0.0.1; location / { add_before_body /a; addition_types *; proxy_pass http://%%BACKEND%%; } "
    "location /a { proxy_set_header X-Seen $remote_addr; proxy_pass http://%%BACKEND%%/seen; }",
    "location / { set_real_ip_from 127.0.0.1; add_before_body /a; addition_types *; proxy_pass http://%%BACKEND%%; } "
    "location /a { proxy_set_header X-Seen $remote_addr; proxy_pass http://%%BACKEND%%/seen; }",
    "location / { set_real_ip_from 127.0.0.1; proxy_pass http://%%BACKEND%%; proxy_set_header X-Seen $remote_addr; }",
    "location / { set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For; proxy_pass http://%%BACKEND%%; "
    "proxy_set_header X-Seen $remote_addr; }",
    "set_real_ip_from 127.0.0.1; location / { real_ip_header X-Forwarded-For; proxy_pass http://%%BACKEND%%; "
    "proxy_set_header X-Seen $remote_addr; }",
    "set_real_ip_from 10.0.0.1; location / { set_real_ip_from 127.0.0.1; proxy_pass http://%%BACKEND%%; "
    "proxy_set_header X-Seen $remote_addr; }",
    "set_real_ip_from 127.0.0.1; location / { set_real_ip_from 10.0.0.1; proxy_pass http://%%BACKEND%%; "
    "proxy_set_header X-Seen $remote_addr; }",
    "set_real_ip_from 127.0.0.1; location / { error_page 404 = /e; return 404; } location /e { return 200 $remote_addr; }",
    "location / { set_real_ip_from 127.0.0.1; error_page 404 = @e; try_files /none =404; } location @e { return 200 $remote_addr; }",
    "location / { set_real_ip_from 127.0.0.1; return 200 $remote_addr; }",
    "set_real_ip_from 127.0.0.1; location / { if ($remote_addr = 192.0.2.1) { return 200 yes; } return 200 no; }",
    "set_real_ip_from 127.0.0.1; set $who $remote_addr; location / { return 200 $who$binary_remote_addr; }",
]


@pytest.mark.parametrize("body", LEVELS, ids=range(len(LEVELS)))
def test_levels(agree, body):
    agree(server(body), ["/", "/\nX-Real-IP: 192.0.2.1", "/\nX-Forwarded-For: 192.0.2.2",
                         "/\nX-Real-IP: 192.0.2.1\nX-Forwarded-For: 192.0.2.2, 192.0.2.3"])


def test_a_connections_next_request_is_not_of_the_first_ones_client(agree):
    first = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Real-IP: 192.0.2.1\r\n\r\n"
    agree(server(f"set_real_ip_from 127.0.0.1; {SHOW}"), [first + b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"])


@pytest.mark.parametrize("recursive", ["off", "on"])
def test_many_that_are_trusted(agree, recursive):
    more = "".join(f"set_real_ip_from 10.{i}.0.0/16; set_real_ip_from 2001:db8:{i}::/48;" for i in range(20))
    agree(server(f"real_ip_header X-Forwarded-For; real_ip_recursive {recursive}; location / {{ {SHOW} }}",
                 f"set_real_ip_from 127.0.0.0/8; set_real_ip_from unix:; {more}"), REQUESTS)
