"""geo: networks and ranges."""
import pytest

ASKED = ["", "0.0.0.0", "10.0.0.5", "10.0.0.15", "10.0.0.10", "10.0.0.20", "10.0.0.21", "10.0.0.255", "10.0.1.0", "10.1.1.1", "10.2.1.1", "10.255.255.255",
         "11.0.0.0", "127.0.0.1", "192.168.1.1", "255.255.255.255", "255.255.255.254", "010.1.0.1", "1.2.3", "1.2.3.4:80", "1.2.3.256", "bogus", "::",
         "::1", "2001:db8::1", "2001:db8:1::1", "2001:db8:1:2:3:4:5:6", "2001:db9::", "::ffff:10.0.0.5", "::ffff:10.1.0.5", "fe80::1", "unix:",
         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "[::1]", "10.0.0.0/8"]

BLOCKS = [
    "",
    "default d;",
    "default d; 10.0.0.0/8 ten; 10.1.0.0/16 inner; 10.0.0.10 host;",
    "10.1.0.0/16 inner; 10.0.0.0/8 ten; 10.1.1.0/24 deep; 0.0.0.0/0 all;",
    "default d; 2001:db8::/32 six; 2001:db8:1::/48 deep; 2001:db8:1:2:3:4:5:6 host; ::/0 other;",
    "default d; 255.255.255.255 none; 127.0.0.0/8 lo; ::1 lo6;",
    "10.0.0.0/8 a; 10.0.0.0/8 b; 10.1.0.0/16 x; delete 10.1.0.0/16; delete 11.0.0.0/8;",
    "10.0.0.0/8 a; delete 10.0.0.0/8; 10.0.0.0/8 c; 10.2.0.0/15 e; default z; default y;",
    "10.1.2.3/8 loose; 010.2.0.0/16 lead;",
    "default d; ::ffff:10.0.0.0/104 mapped;",
    "10.0.0.0/8 'a b'; 11.0.0.0/8 ''; 192.168.0.0/16 $uri;",
    "default d; 0.0.0.0/0 c; ::/0 e;",
    "0.0.0.0/0 c; default d;",
    "::/0 e; default d; 10.0.0.0/8 ten;",
    "10.0.0.0/8 ten; 0.0.0.0/0 c; default d; ::/0 e;",
    "0.0.0.0/0 b; default d; 0.0.0.0/0 c; default f;",
    "include nets.conf; 10.0.0.10 host;",
    "ranges; default d; 10.0.0.0-10.0.0.255 wide; 10.0.0.10-10.0.0.20 in; 10.0.0.15-10.0.0.15 one;",
    "ranges; 10.1.0.0-10.1.255.255 a; 10.0.0.0-10.0.0.255 b; 127.0.0.1-127.0.0.1 lo;",
    "ranges; 0.0.0.0-255.255.255.254 all; 10.0.0.0-10.0.0.0 a; 10.0.0.255-10.0.0.255 z; 10.0.0.5-10.0.0.20 m;",
    "ranges; 10.0.0.0-10.0.0.255 a; 10.0.0.0-10.0.0.255 b; delete 10.0.0.0-10.0.0.255; delete 10.0.0.1-10.0.0.2;",
    "ranges; 10.0.0.0-10.0.0.255 a; 10.0.0.10-10.0.0.20 b; delete 10.0.0.10-10.0.0.20; default q; default r;",
    "ranges; include ranges.conf; 127.0.0.1-127.0.0.1 lo;",
    "proxy_recursive; ranges; 10.0.0.0-10.0.1.255 a;",
]
FILES = {"nets.conf": "10.0.0.0/8 ten;\n# comment\n2001:db8::/32 six;\n", "ranges.conf": "10.0.0.0-10.0.0.255 file;\n"}


def server(http, body):
    return http + " server { listen 127.0.0.1:%%PORT%%; server_name localhost; " + body + " }"


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_addresses_of_a_variable(agree, block):
    agree(server("geo $arg_a $g { %s } geo $own { %s }" % (block, block), 'location / { return 200 "[$g] [$own]\\n"; }'),
          [f"/?a={a}" for a in ASKED], files=FILES)


LISTS = ["", "10.0.0.1", "10.0.0.1, 11.0.0.1", "10.0.0.1, 127.0.0.1", "10.0.0.1, 11.0.0.1, 127.0.0.1", "11.0.0.1,10.0.0.1,  127.0.0.1", "bogus",
         "10.0.0.1, bogus", "2001:db8::1", "10.0.0.1:80", "11.0.0.1\nX-Forwarded-For: 10.0.0.1", "127.0.0.1", "127.0.0.1, 127.0.0.1", ", 10.0.0.1 ,"]


@pytest.mark.parametrize("proxy", ["proxy 127.0.0.1;", "proxy 127.0.0.0/8; proxy_recursive;", "proxy 10.0.0.0/8;", "proxy 0.0.0.0/0; proxy_recursive;",
                                   "proxy ::1; proxy_recursive;"])
def test_proxies(agree, proxy):
    nets = "default d; 10.0.0.0/8 ten; 11.0.0.0/8 eleven; 127.0.0.0/8 lo; 2001:db8::/32 six;"
    ranges = "ranges; default d; 10.0.0.0-10.0.0.255 ten; 11.0.0.0-11.0.0.255 eleven; 127.0.0.0-127.0.0.255 lo;"
    agree(server("geo $g { %s %s } geo $r { %s %s } geo $arg_a $v { %s %s }" % (proxy, nets, ranges, proxy, proxy, nets),
                 'location / { return 200 "[$g] [$r] [$v]\\n"; }'),
          [f"/?a={a}\nX-Forwarded-For: {value}" for value in LISTS for a in ("", "127.0.0.1")] + ["/"])


def test_where_a_value_is_used(agree):
    agree(server("geo $g { default 0; 127.0.0.0/8 1; } geo $h { 127.0.0.1 %%BACKEND%%; } geo $k { default a; } geo $k { default b; }",
                 "location / { if ($g) { return 200 \"in $k $G\"; } } location /p { proxy_pass http://$h; } location /s { set $g 2; return 200 $g; }"),
          ["/", "/p", "/s"])
