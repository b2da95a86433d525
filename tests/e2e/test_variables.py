"""Variables: what they are in answers, in requests to backends, and in the log. The same on nginx."""
import base64
import os
import re
import socket
import time

import pytest

from client import connect, get, raw
from origin import chunked, reply
from wait import until


def say(usher, text, location="/", **kw):
    """A server that answers with the text evaluated."""
    return usher('server { listen 127.0.0.1:%%PORT%%; server_name first.example second.example;'
                 f' location {location} {{ return 200 "{text}"; }} }}', **kw)


def test_the_request_in_its_parts(usher):
    p = say(usher, "$request_method|$request|$request_uri|$uri|$document_uri|$args|$query_string"
                   "|$is_args|$server_protocol|$arg_a|$arg_B|$arg_none")
    assert get(p, "/x%20y/../z?a=1&b=%22&A=3").text == (
        "GET|GET /x%20y/../z?a=1&b=%22&A=3 HTTP/1.1|/x%20y/../z?a=1&b=%22&A=3|/z|/z"
        "|a=1&b=%22&A=3|a=1&b=%22&A=3|?|HTTP/1.1|1|%22|")
    assert get(p, "/q?").text == "GET|GET /q? HTTP/1.1|/q?|/q|/q||||HTTP/1.1|||"


def test_the_host_and_the_server(usher):
    p = say(usher, "$host|$http_host|$server_name|$server_addr|$server_port|$scheme|$https|")
    assert get(p, host="Second.Example:81").text == (
        f"second.example|Second.Example:81|first.example|127.0.0.1|{p.port}|http||")
    old = raw(p, b"GET / HTTP/1.0\r\n\r\n").decode()
    assert old.rpartition("\r\n\r\n")[2] == f"first.example||first.example|127.0.0.1|{p.port}|http||"
    absolute = raw(p, b"GET http://abs.example:8/ HTTP/1.1\r\nHost: no\r\nConnection: close\r\n\r\n")
    assert b"abs.example|no|first.example" in absolute


def test_a_server_on_all_addresses_tells_the_one_that_was_asked(usher):
    p = usher('server { listen %%PORT%%; return 200 "$server_addr"; }')
    with socket.create_connection(("127.0.0.2", p.port)) as s:
        s.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer = b""
        while piece := s.recv(4096):
            answer += piece
    assert answer.endswith(b"127.0.0.2")


def test_the_client_and_its_connection(usher):
    p = say(usher, "$remote_addr|$remote_port|$connection_requests|$pipe|$connection")
    with connect(p) as c:
        port = c.sock.getsockname()[1]
        first, second = c.get("/").text.split("|"), c.get("/").text.split("|")
    assert first[:4] == ["127.0.0.1", str(port), "1", "."]
    assert second[:4] == ["127.0.0.1", str(port), "2", "."]
    assert first[4] == second[4] != get(p).text.split("|")[4]


def test_a_pipelined_request_is_marked(usher):
    p = say(usher, "<$pipe>")
    both = raw(p, b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.0\r\n\r\n")
    assert re.findall(rb"<(.)>", both) == [b".", b"p"]


def test_connections_are_counted_by_what_they_do(usher):
    p = say(usher, "$connections_active|$connections_reading|$connections_writing|$connections_waiting")
    with connect(p) as idle, connect(p) as begun:
        idle.get("/")
        begun.get("/")
        begun.send(b"GET / HT")
        until(lambda: get(p).text == "3|1|1|1", "one that reads, one that waits, and the one that asks")


def test_request_fields_and_cookies(usher):
    p = say(usher, "$http_user_agent|$http_x_multi|$http_none|$http_cookie|$cookie_foo|$cookie_bar"
                   "|$cookie_none|$content_type|$content_length|$remote_user")
    r = get(p, headers=[("User-Agent", "me"), ("X-Multi", "1"), ("Cookie", "foo=1; Bar=2"),
                        ("Cookie", "Foo=3"), ("Content-Type", "a/b"),
                        ("Authorization", "Basic dXNlcjpwYXNz")])
    assert r.text == "me|1||foo=1; Bar=2; Foo=3|1|2||a/b||user"


@pytest.mark.usher_only   # nginx 1.22 gives the first; 1.23 and later join them
def test_several_fields_of_a_name_are_joined(usher):
    p = say(usher, "$http_x_multi")
    assert get(p, headers=[("X-Multi", "1"), ("X-Multi", "2")]).text == "1, 2"


def test_the_file_of_a_uri(usher):
    p = usher("""server { listen 127.0.0.1:%%PORT%%; root html;
        location / { return 200 "$document_root|$request_filename|$realpath_root"; }
        location /al/ { alias html/; return 200 "$document_root|$request_filename"; }
        location ~ ^/re/(.*)$ { alias /x/$1; return 200 "$document_root|$request_filename"; } }""")
    html = f"{p.prefix}/html"
    assert get(p, "/a").text == f"{html}|{html}/a|{os.path.realpath(html)}"
    assert get(p, "/al/b").text == f"{html}/|{html}/b"
    assert get(p, "/re/c").text == "/x/c|/x/c"


def test_time_and_process(usher):
    p = say(usher, "$msec|$time_iso8601|$time_local|$pid|$hostname|$request_time|$connection_time")
    before = time.time()
    msec, iso, local, pid, host, took, age = get(p).text.split("|")
    assert re.fullmatch(r"\d+\.\d{3}", msec) and abs(float(msec) - before) < 5
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", iso)
    assert re.fullmatch(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}", local)
    assert os.path.exists(f"/proc/{pid}") and host == socket.gethostname().lower()
    assert re.fullmatch(r"0\.\d{3}", took) and re.fullmatch(r"0\.\d{3}", age)


def test_the_request_id_is_new_for_each_request(usher):
    p = say(usher, "$request_id $request_id")
    one, same = get(p).text.split()
    assert re.fullmatch("[0-9a-f]{32}", one) and one == same and get(p).text.split()[0] != one


def test_tcp_figures(usher):
    p = say(usher, "$tcpinfo_rtt|$tcpinfo_rttvar|$tcpinfo_snd_cwnd|$tcpinfo_rcv_space")
    assert all(int(v) > 0 for v in get(p).text.split("|"))


@pytest.mark.usher_only
def test_what_nginx_1_22_has_not(usher):
    p = say(usher, "$nginx_version|$request_port|$is_request_port")
    assert get(p, host="x:81").text == "1.31.5|81|:"
    assert get(p, host="x").text == "1.31.5||"


def test_captures_of_a_regex_location(usher):
    p = say(usher, "$1-$2-$3-$name", r"~ ^/(?<name>\w+)/(\d)?(x)?")
    assert get(p, "/ab/7").text == "ab-7--ab"
    assert get(p, "/ab/x").text == "ab--x-ab"


def test_what_a_backend_is_told(usher, origin):
    backend = origin(reply("ok"))
    p = usher("""server { listen 127.0.0.1:%%PORT%%; location / { proxy_pass http://%%B%%;
        proxy_set_header X-Host $proxy_host; proxy_set_header X-Port $proxy_port;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; } }""", B=backend)
    get(p)
    get(p, headers=[("X-Forwarded-For", "1.1.1.1")])
    one, two = backend.requests
    assert one.get("X-Host") == backend.address and one.get("X-Port") == str(backend.port)
    assert one.get("X-Forwarded-For") == "127.0.0.1"
    assert two.get("X-Forwarded-For") == "1.1.1.1, 127.0.0.1"


def test_the_tries_at_backends(usher, origin, refusing):
    backend, dead = origin(reply("abc", Set_Cookie="sid=7; Path=/", X_A="b")), refusing()
    p = usher("""log_format u '$upstream_addr|$upstream_status|$upstream_response_length'
          '|$upstream_http_x_a|$upstream_cookie_sid|$upstream_connect_time|$upstream_header_time'
          '|$upstream_response_time|$upstream_bytes_received|$upstream_bytes_sent';
        upstream u { server %%DEAD%%; server %%B%% backup; }
        server { listen 127.0.0.1:%%PORT%%; access_log logs/access.log u; location / { proxy_pass http://u; }
                 location /own { return 204; } }""", DEAD=dead, B=backend)
    get(p)
    get(p, "/own")
    tried, own = p.access_log(2)
    assert own == "|".join(["-"] * 10)
    addr, status, length, field, cookie, *times, received, sent = tried.split("|")
    assert (addr, status, length) == (f"{dead}, {backend.address}", "502, 200", "0, 3")
    assert (field, cookie) == ("b", "7")
    assert times[0].startswith("-, ")
    assert all(re.fullmatch(r"(-|0\.\d{3}), 0\.\d{3}", t) for t in times)
    assert received.startswith("0, ") and sent.startswith("0, ")


def test_what_was_sent(usher, origin):
    backend = origin(lambda conn, request: chunked([b"abcd"]) if request.target == "/c"
                     else reply("xyz", X_A="1"))
    p = usher("""log_format s '$status|$body_bytes_sent|$sent_http_x_a|$sent_http_content_length'
          '|$sent_http_transfer_encoding|$request_completion|$request_length';
        server { listen 127.0.0.1:%%PORT%%; access_log logs/access.log s; location / { proxy_pass http://%%B%%;
                 proxy_http_version 1.1; } }""", B=backend)
    with connect(p) as c:
        c.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
        c.recv_response()
        c.send(b"GET /c HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        c.recv_response()
    first, second = p.access_log(2)
    assert first == "200|3|1|3|-|OK|50"
    assert second == "200|14|-|-|chunked|OK|47"   # the chunk's framing counts


@pytest.mark.parametrize("text,problem", [
    ("$", "invalid variable name"), ("a$-", "invalid variable name"),
    ("${host", 'the closing bracket in "host" variable is missing'),
    ("$foo", 'unknown "foo" variable')])
def test_faulty_variables_are_refused(usher, text, problem):
    p = say(usher, text, start=False)
    r = p.run("-t")
    assert r.returncode == 1 and re.search(r"\[emerg\].* " + re.escape(problem), r.stderr)


# nginx's alphabetical index of variables, as far as it is HTTP's; * stands for any end of the name.
INDEX = """arg_x args binary_remote_addr body_bytes_sent bytes_sent connection connection_requests connection_time connections_active
    connections_reading connections_waiting connections_writing content_length content_type cookie_x document_root document_uri
    fastcgi_path_info fastcgi_script_name host hostname http2 http_x https is_args is_request_port limit_rate msec nginx_version pid pipe
    proxy_add_x_forwarded_for proxy_host proxy_port proxy_protocol_addr proxy_protocol_port proxy_protocol_server_addr
    proxy_protocol_server_port proxy_protocol_tlv_0x01 query_string realip_remote_addr realip_remote_port realpath_root remote_addr
    remote_port remote_user request request_body request_body_file request_completion request_filename request_id request_length
    request_method request_port request_time request_uri scheme sent_http_x sent_trailer_x server_addr server_name server_port
    server_protocol ssl_alpn_protocol ssl_cipher ssl_ciphers ssl_client_cert ssl_client_escaped_cert ssl_client_fingerprint
    ssl_client_i_dn ssl_client_i_dn_legacy ssl_client_raw_cert ssl_client_s_dn ssl_client_s_dn_legacy ssl_client_serial
    ssl_client_sigalg ssl_client_v_end ssl_client_v_remain ssl_client_v_start ssl_client_verify ssl_curve ssl_curves ssl_early_data
    ssl_ech_outer_server_name ssl_ech_status ssl_protocol ssl_server_name ssl_session_id ssl_session_reused ssl_sigalg status
    tcpinfo_rtt tcpinfo_rttvar tcpinfo_snd_cwnd tcpinfo_rcv_space time_iso8601 time_local upstream_addr upstream_bytes_received
    upstream_bytes_sent upstream_cache_status upstream_connect_time upstream_cookie_x upstream_header_time upstream_http_x
    upstream_last_server_name upstream_queue_time upstream_response_length upstream_response_time upstream_status upstream_trailer_x
    uri""".split()


@pytest.mark.usher_only
def test_every_variable_of_the_index_is_known_and_may_be_asked_anywhere(usher):
    text = "|".join(f"${n}" for n in INDEX)
    p = usher(f"log_format all '{text}'; server {{ listen 127.0.0.1:%%PORT%%; access_log logs/access.log all; set $early \"{text}\";"
              f' location / {{ add_header X-All "{text}"; return 200 "{text}"; }} }}')
    assert get(p, "/").text.count("|") == len(INDEX) - 1
    assert raw(p, b"\x00\r\n\r\n").startswith(b"HTTP/1.1 400")
    assert all(line.count("|") == len(INDEX) - 1 for line in p.access_log(2))


SPLITS = ["return 302 /$remote_user;", "return 301 http://h$uri;", "rewrite ^ /r/$remote_user redirect;", "default_type $remote_user; return 200 x;",
          "add_header X $remote_user; return 200;", "add_header X $uri always; return 404;", "error_page 404 =302 /$remote_user; return 404;",
          "proxy_cookie_path / $remote_user; proxy_pass http://%%B%%;", "proxy_redirect / $remote_user; proxy_pass http://%%B%%;",
          "proxy_set_header X $remote_user; proxy_pass http://%%B%%;", "proxy_pass http://%%B%%/$remote_user;"]


@pytest.mark.usher_only  # nginx lets them through
def test_line_breaks_in_variables_split_nothing(usher, origin):
    backend = origin(reply("ok", Set_Cookie="a=b; path=/", Location="/x"))
    p = usher("".join(f"server {{ listen 127.0.0.1:%%PORT%%; server_name n{i}; location / {{ {s} }} }}" for i, s in enumerate(SPLITS)), B=backend)
    for i in range(len(SPLITS)):
        for user in (b"a\0b:", b"a\r\nEvil: b:", b"a\nEvil: b:"):
            credentials = base64.b64encode(user).decode()
            answer = raw(p, f"GET /a%0d%0aEvil:%20b HTTP/1.1\r\nHost: n{i}\r\nConnection: close\r\n"
                         f"Authorization: Basic {credentials}\r\n\r\n".encode())
            assert answer.startswith(b"HTTP/1.1 ") and b"\nEvil" not in answer and b"\0" not in answer
    assert all(r.get("Evil") is None for r in backend.requests)


@pytest.mark.usher_only
def test_the_server_chosen_last_is_known_by_its_configured_name(usher, origin, refusing):
    backend, dead = origin(reply("ok")), refusing()
    p = usher("""upstream u { server %%DEAD%%; server localhost:%%P%% backup; }
        server { listen 127.0.0.1:%%PORT%%; location / { proxy_pass http://u; proxy_set_header X-Server $upstream_last_server_name;
                 add_header X-Server "[$upstream_last_server_name]"; } location /own { return 200 "[$upstream_last_server_name]"; } }""",
              DEAD=dead, P=str(backend.port))
    assert get(p).get("X-Server") == f"[localhost:{backend.port}]"
    assert get(p, "/own").text == "[]"
