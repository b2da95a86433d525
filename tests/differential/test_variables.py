"""Variables: each in an answer, in a log line and in a request to a backend."""
import re

import pytest

SAME = """args body_bytes_sent bytes_sent content_length content_type document_root document_uri host https is_args limit_rate nginx_version pipe
  proxy_host proxy_port proxy_add_x_forwarded_for proxy_protocol_addr proxy_protocol_port proxy_protocol_server_addr proxy_protocol_server_port
  query_string realpath_root remote_addr binary_remote_addr remote_user request request_body request_body_file request_completion request_filename
  request_length request_method request_uri scheme server_addr server_name server_port server_protocol status uri http2
  connection_requests connections_reading connections_writing hostname
  upstream_addr upstream_status upstream_response_length upstream_cache_status upstream_http_x upstream_cookie_x upstream_trailer_x
  upstream_bytes_received upstream_bytes_sent upstream_connect_time upstream_header_time upstream_response_time
  arg_a arg_A arg_b arg_none arg_a_b cookie_a cookie_B cookie_none cookie_a_b http_host http_user_agent http_x http_X_y http_none http_cookie
  http_referer http_via http_x_forwarded_for http_content_type http_content_length http_connection http_accept
  sent_http_x sent_http_content_type sent_http_content_length sent_http_location sent_http_last_modified sent_http_connection
  sent_http_keep_alive sent_http_transfer_encoding sent_http_cache_control sent_http_link sent_trailer_x
  ssl_protocol ssl_cipher ssl_server_name ssl_client_verify ssl_client_s_dn ssl_session_reused
  fastcgi_script_name fastcgi_path_info""".split()
LIKE = {"connection": r"\d+", "connection_time": r"\d+\.\d{3}", "msec": r"\d{10}\.\d{3}", "pid": r"\d+", "remote_port": r"\d+",
        "request_id": "[0-9a-f]{32}", "request_time": r"\d+\.\d{3}", "tcpinfo_rtt": r"\d+", "tcpinfo_rttvar": r"\d+",
        "tcpinfo_snd_cwnd": r"\d+", "tcpinfo_rcv_space": r"\d+", "connections_active": r"\d+", "connections_waiting": r"\d+",
        "time_iso8601": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", "time_local": r"\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}"}
UNEQUAL = {"nginx_version", "bytes_sent"}  # the Server field is as long as its name
TIMES = {n for n in SAME if n.endswith("_time")} | {"upstream_bytes_received", "upstream_bytes_sent"}

REQUESTS = [
    "/", "/?", "/?a", "/?a=", "/?a=1&A=2", "/?b=2&a=1&a=3", "/?a_b=1&a%5Fb=2", "/?&&a=1&", "/?a=%20+x", "/?xa=1&a=2", "/?a=b=c", "/?none",
    "/a%20b/../c//d/./e%2Ff?x", "/%C3%A9", "/dir/", "/file.txt", "//x", "/?=v", "/?a=1;b=2",
    "HEAD /?a=1", "OPTIONS /", "DELETE /x", "PUT /x\nContent-Length: 3\n\nabc",
    "/\nCookie: a=1; B=2", "/\nCookie: A=1;b=2;a_b=3", "/\nCookie: a=1\nCookie: b=2", "/\nCookie: xa=1; a=; b", "/\nCookie: a=\"q v\"; b=2,c",
    "/\nCookie: a = 1; b=2 ", "/\nCookie:", "/\nX: v\nX-Y: w", "/\nX: ", "/\nX_Y: dropped", "/\nReferer: r\nUser-Agent: ua\nVia: 1.1 v",
    "/\nX-Forwarded-For: 1.1.1.1", "/\nAuthorization: Basic dTpw", "/\nAuthorization: Basic dTpwOnE=", "/\nAuthorization: Basic dQ==",
    "/\nAuthorization: Basic !!", "/\nAuthorization: basic dTpw", "/\nAuthorization: Bearer x", "/\nAuthorization: Basic OnA=",
    "/\nContent-Type: text/x; y", "POST /\nContent-Length: 0",
    "/\nHost: First.Example", "/\nHost: first.example:8080", "/\nHost: other.example.", "/\nHost: [::1]:80", "/\nHost: 127.0.0.1",
    b"GET http://abs.example:81/p?a=1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
    b"GET / HTTP/1.0\r\n\r\n", b"GET / HTTP/1.0\r\nHost: ten\r\n\r\n",
    b"POST /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
]


def request(r):
    """A text with a body of its own after an empty line, as bytes."""
    if isinstance(r, bytes) or "\n\n" not in r:
        return r
    head, _, body = r.partition("\n\n")
    line, *fields = head.split("\n")
    return ("\r\n".join([f"{line} HTTP/1.1", "Host: h", "Connection: close", *fields, "", ""]) + body).encode()


ALL = [request(r) for r in REQUESTS]
NAMES = "server_name first.example second.example;"


def shown(names):
    return "".join(f"{n}=[${n}]\n" for n in names)


def answered(agree, http, location, names=SAME):
    text = shown(n for n in names if n not in UNEQUAL | TIMES)
    return agree(http + " server { listen 127.0.0.1:%%PORT%%; " + NAMES + " location / { " + location.replace("SHOW", text) + " } }", ALL,
                 files={"html/file.txt": "text\n", "html/dir/index.html": "index\n"}, same_time=("html/file.txt", 1_700_000_000))


def test_in_an_answer(agree):
    answered(agree, "", 'return 200 "SHOW";')


def test_in_a_field_of_the_answer(agree):
    names = [n for n in SAME if not n.startswith("sent_http") and n not in ("binary_remote_addr", "http_x")]
    for part in range(0, len(names), 20):
        fields = "".join(f'add_header X-{n.replace("_", "-")} "[${n}]" always;' for n in names[part:part + 20] if n not in UNEQUAL | TIMES)
        answered(agree, "", fields + "return 204;")


def test_told_to_a_backend(agree):
    names = [n for n in SAME if not n.startswith(("sent_", "upstream_", "body_")) and n not in UNEQUAL | {"http_x", "binary_remote_addr"}]
    fields = "".join(f'proxy_set_header V-{n.replace("_", "-")} "[${n}]";' for n in names if not re.search("[A-Z]", n))
    answered(agree, "", fields + 'proxy_set_header Connection ""; proxy_pass http://%%BACKEND%%;')


def logs(pair, n, drop=()):
    """Both access logs, ports and prefixes made equal."""
    both = []
    for p in pair:
        lines = [line.encode("latin-1", "replace").decode("latin-1") for line in p.access_log(n)]
        text = "\n".join(lines).replace(str(p.prefix), "PREFIX")
        for name, port in p.ports.items():
            text = text.replace(str(port), name)
        both.append(text.split("\n"))
    return both


LOCATIONS = {
    "return": "return 200 text;", "empty": "return 204;", "redirect": "return 301 /x;", "error": "return 404;",
    "file": "root html; add_header X v; expires 1h;", "proxy": "proxy_pass http://%%BACKEND%%; add_header Cache-Control a; add_header Cache-Control b;",
    "refused": "proxy_pass http://127.0.0.1:1; error_page 502 = @e;", "drop": "return 444;",
    "trailer": "add_trailer X $uri; proxy_pass http://%%BACKEND%%; proxy_http_version 1.1;",
}


@pytest.mark.parametrize("name", LOCATIONS)
def test_in_the_log(agree, name):
    names = [n for n in SAME if n not in UNEQUAL | TIMES | {"connections_reading", "connections_writing", "upstream_addr", "proxy_host", "proxy_port"}]
    conf = ("server_tokens off; log_format v escape=json '" + "|".join(f"{n}=${n}" for n in names) + "'; server { listen 127.0.0.1:%%PORT%%; " + NAMES +
            "access_log logs/access.log v; location @e { return 200 e; } location / { " + LOCATIONS[name] + " } }")
    pair = agree(conf, ALL, files={"html/file.txt": "text\n", "html/dir/index.html": "index\n"}, inexact=("expires",),
                 script=b"HTTP/1.1 200 OK\r\nX: up\r\nSet-Cookie: x=1; Path=/\r\nSet-Cookie: y=2\r\nContent-Length: 3\r\nContent-Type: a/b\r\n\r\nabc")
    expected, got = logs(pair, len(ALL))
    for r, a, b in zip(ALL, expected, got):
        differ = [(x, y) for x, y in zip(a.split("|"), b.split("|")) if x != y]
        assert not differ, f"{r!r}: {differ}"


def test_what_differs_by_time_or_place_has_the_same_form(agree):
    pair = agree("log_format v '" + "|".join(f"${n}" for n in LIKE) + "'; server { listen 127.0.0.1:%%PORT%%; access_log logs/access.log v; "
                 "return 204; }", ["/", "/x"])
    for p in pair:
        for line in p.access_log(2):
            for n, value in zip(LIKE, line.split("|")):
                assert re.fullmatch(LIKE[n], value), (p.program, n, value)


SETS = ["args a=9", "args $args&z=1", 'args ""', "limit_rate 1m", "limit_rate x", "limit_rate 0", "arg_a over", "http_x over", "cookie_a over"]


@pytest.mark.parametrize("what", SETS)
def test_those_that_may_be_set(agree, what):
    agree("server { listen 127.0.0.1:%%PORT%%; location / { set $" + what + '; return 200 "$args|$arg_a|$limit_rate|$is_args|$query_string|$http_x'
          '|$cookie_a|$request_uri"; } }', ["/", "/?a=1", "/\nX: y", "/\nCookie: a=2"])


@pytest.mark.parametrize("family", ["proxy_pass http://", "fastcgi_pass ", "scgi_pass ", "uwsgi_pass ", "grpc_pass ", "memcached_pass "])
def test_the_host_and_port_of_proxy_pass_alone(agree, family):
    agree("server { listen 127.0.0.1:%%PORT%%; location / { set $memcached_key k; " + family + "127.0.0.1:1;"
          " add_header X [$proxy_host|$proxy_port] always; } }", ["/"])


OVER = """
server {
    listen 127.0.0.1:%%PORT%%; server_name localhost;
    location /set { set $http_x_over s; return 200 $http_x_over; }
    location /missing { if ($http_x_over = "") { set $http_x_over https; } return 200 $http_x_over; }
    location /backend { if ($http_x_over = "") { set $http_x_over https; } proxy_set_header X-Over $http_x_over; proxy_pass http://%%BACKEND%%; }
    location /elsewhere { return 200 "[$http_x_over][$cookie_over][$arg_over]"; }
    location /cookie { if ($arg_a) { set $cookie_over 1; } return 200 $cookie_over; }
    location /args { set $before $arg_over; set $args over=3; return 200 "$before $arg_over"; }
    location /args/set { set $before $arg_over; set $arg_over 2; set $args over=3; return 200 "$before $arg_over"; }
    location /backend's { set $upstream_http_over 1; set $sent_http_over 2; return 200 "$upstream_http_over$sent_http_over"; }
    location /empty { return 200 "[$arg_][$http_][$cookie_]"; }
}
"""


@pytest.fixture(scope="module")
def over(pair):
    return pair(OVER)


@pytest.mark.parametrize("target", ["/set", "/missing", "/backend", "/elsewhere", "/cookie", "/cookie?a=1", "/args", "/args/set", "/backend's", "/empty"])
@pytest.mark.parametrize("rest", ["", "?over=1\nX-Over: http\nCookie: over=c"])
def test_a_field_that_is_set_somewhere_is_itself_elsewhere(over, target, rest):
    over.agree(target + (rest.replace("?", "&") if "?" in target else rest))


ARGS = """
log_format args "$request|$args|$query_string|$is_args|$arg_a|$uri";
server {
    listen 127.0.0.1:%%PORT%%; server_name localhost; access_log logs/access.log args;
    location /try { try_files /none /show; }
    location /try/args { try_files /none /show?x=1; }
    location /try/named { try_files /none @named; }
    location /page { error_page 404 /show; return 404; }
    location /page/variable { error_page 404 /show$arg_none; return 404; }
    location /page/args { error_page 404 /show?$arg_a; return 404; }
    location /rewrite { rewrite ^ /show last; }
    location /rewrite/drop { rewrite ^ /show? last; }
    location /rewrite/empty { rewrite ^ /show?$arg_none last; }
    location /rewrite/break { rewrite ^ /show? break; return 200; }
    location /set { set $args ""; return 200; }
    location /set/one { set $args $arg_a; return 200; }
    location /show { return 200; }
    location @named { return 200; }
}
"""


def test_empty_arguments_in_a_log_and_none(agree):
    places = [line.split()[1] for line in ARGS.split("\n") if line.startswith("    location /")]
    asked = [place + args for place in places for args in ("", "?", "?a=1")]
    nginx, usher = agree(ARGS, asked)
    assert usher.access_log(len(asked)) == nginx.access_log(len(asked))
