"""fastcgi_pass: what the responder is told, what becomes of its answers, and of what is none."""
import re
import threading

import pytest

from client import ProtocolError, connect, get
from fcgi import END, STDERR, STDOUT, answer, end, record, stream
from proxy import IS_NGINX


def server(inner, outer=""):
    return f"{outer} server {{ listen 127.0.0.1:%%PORT%%; {inner} }}"


BASIC = ("fastcgi_param REQUEST_METHOD $request_method; fastcgi_param REQUEST_URI $request_uri;"
         "fastcgi_param CONTENT_LENGTH $content_length;")
PLAIN = server(f"{BASIC} location / {{ fastcgi_pass %%F%%; }}")


def asked(usher, fcgi, text, *args, path="/", **kw):
    """The one request that the responder gets, and the client's answer."""
    f = fcgi(answer("x"))
    proxy = usher(text, F=f, *args)
    r = get(proxy, path, **kw)
    return f.requests[-1], r


def raised(usher, fcgi, data, words, status=502, **kw):
    """An answer that must end badly, and the log's words for it."""
    proxy = usher(PLAIN, F=fcgi(data, **kw))
    assert get(proxy).status == status
    proxy.wait_log(words)


# --- the request ---

def test_parameters_are_passed_in_order_and_empty_ones_too(usher, fcgi):
    request, r = asked(usher, fcgi, server(
        "fastcgi_param A $arg_a; fastcgi_param B '' if_not_empty; fastcgi_param C $arg_none;"
        "fastcgi_param D $arg_a if_not_empty; location / { fastcgi_pass %%F%%; }"), path="/?a=1")
    given = [(k, v) for k, v in request.params.items() if not k.startswith("HTTP_")]
    assert given == [("A", "1"), ("C", ""), ("D", "1")]
    assert (r.status, r.text) == (200, "x")


def test_parameters_are_inherited_only_where_there_are_none(usher, fcgi):
    f = fcgi(answer("x"))
    proxy = usher(server("fastcgi_param A 1; fastcgi_pass_request_headers off;"
                         "location / { fastcgi_pass %%F%%; }"
                         "location /b { fastcgi_param B 2; fastcgi_pass %%F%%; }"), F=f)
    get(proxy), get(proxy, "/b")
    assert [r.params for r in f.requests] == [{"A": "1"}, {"B": "2"}]


@pytest.mark.usher_only("nginx 1.22 repeats a parameter and passes what is for one hop")
def test_fields_of_the_client_are_passed_by_their_cgi_names(usher, fcgi):
    request, _ = asked(usher, fcgi, server(
        "fastcgi_param HTTP_X_MINE mine; location / { fastcgi_pass %%F%%; }"), headers=[
            ("X-One", "1"), ("Cookie", "a=1"), ("x-one", "2"), ("X-Mine", "theirs"),
            ("Proxy", "evil"), ("Cookie", "b=2"), ("Connection", "X-Hop"), ("X-Hop", "h"),
            ("TE", "trailers"), ("Authorization", "Basic x"), ("Content-Type", "a/b")])
    assert request.params == {
        "HTTP_X_MINE": "mine", "HTTP_HOST": "localhost", "HTTP_X_ONE": "1, 2",
        "HTTP_COOKIE": "a=1; b=2", "HTTP_AUTHORIZATION": "Basic x", "HTTP_CONTENT_TYPE": "a/b"}


@pytest.mark.usher_only("nginx passes the field")
def test_the_host_is_the_targets_when_it_has_one(usher, fcgi):
    request, _ = asked(usher, fcgi, PLAIN, path="http://one.example/x", host="other")
    assert request.get("Host") == "one.example" and request.target == "/x"


def test_long_parameters_arrive_whole(usher, fcgi):
    request, _ = asked(usher, fcgi, server(
        "large_client_header_buffers 4 64k; location / { fastcgi_param U $request_uri;"
        "fastcgi_param V $request_uri; fastcgi_param W 1; fastcgi_pass %%F%%; }")
        if not IS_NGINX else PLAIN.replace("REQUEST_URI", "U"),
        path="/" + "u" * (60000 if not IS_NGINX else 200))
    assert len(request.params["U"]) > 200 and request.params.get("V", request.params["U"]) == \
        request.params["U"]


@pytest.mark.parametrize("size", [0, 1, 70000, 700000])
@pytest.mark.parametrize("way", [
    "length", "chunked", "unbuffered",
    pytest.param("unbuffered chunked", marks=pytest.mark.usher_only("nginx tells no length"))])
def test_a_body_arrives_whole_with_its_length(usher, fcgi, size, way):
    body = b'x' * size
    f = fcgi(lambda conn, r: answer(str(len(r.body))))
    off = "fastcgi_request_buffering off;" if "unbuffered" in way else ""
    proxy = usher(server(f"client_max_body_size 2m; {off} {BASIC}"
                         "location / { fastcgi_pass %%F%%; }"), F=f)
    with connect(proxy) as c:
        if "chunked" in way:
            c.request(method="POST", headers=[("Transfer-Encoding", "chunked")])
            for at in range(0, len(body), 50000):
                piece = body[at:at + 50000]
                c.send(b"%x\r\n%s\r\n" % (len(piece), piece))
            c.send(b"0\r\n\r\n")
        else:
            c.request(method="POST", body=body)
        assert c.recv_response().text == str(len(body))
    assert f.requests[0].params["CONTENT_LENGTH"] == str(len(body))
    assert f.requests[0].body == body


def test_an_unbuffered_body_is_passed_on_as_it_comes(usher, fcgi):
    seen, more = threading.Event(), threading.Event()
    f = fcgi(None, read_body=False)

    def script(conn, request):
        data = f.recv_record(conn)[1]
        seen.set()
        return answer(data + f.recv_stream(conn, 5))
    f.script = script
    proxy = usher(server("fastcgi_request_buffering off; location / { fastcgi_pass %%F%%; }"), F=f)
    with connect(proxy) as c:
        c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc")
        assert seen.wait(10)
        c.send("def")
        assert c.recv_response().text == "abcdef"
    more.set()


def test_an_answer_before_the_whole_body_is_passed_on(usher, fcgi):
    proxy = usher(server("fastcgi_request_buffering off; location / { fastcgi_pass %%F%%; }"),
                  F=fcgi(answer("no", "Status: 403 No\n"), read_body=False))
    with connect(proxy) as c:
        c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 600000\r\n\r\nabc")
        assert c.recv_response().status == 403


@pytest.mark.usher_only("nginx 1.22 ends parameters twice when there are none")
def test_no_body_and_no_fields_when_they_are_not_to_be_passed(usher, fcgi):
    request, _ = asked(usher, fcgi, server(
        "fastcgi_pass_request_body off; fastcgi_pass_request_headers off;"
        "location / { fastcgi_pass %%F%%; }"), method="POST", body=b"abc", headers={"X-A": "1"})
    assert request.params == {} and request.body == b""


@pytest.mark.parametrize("path, script, info", [
    ("/a.php/b/c", "/a.php", "/b/c"), ("/a.php", "/a.php", ""), ("/x", "/x", ""),
    ("/a%20b.php/c", "/a b.php", "/c"), ("/d/", "/d/index.php", ""),
])
def test_the_script_and_the_path_after_it(usher, fcgi, path, script, info):
    request, _ = asked(usher, fcgi, server(
        "location ~ ^/(.*)$ { fastcgi_split_path_info ^(.+\\.php)(/.*)?$; fastcgi_index index.php;"
        "fastcgi_param SCRIPT $fastcgi_script_name; fastcgi_param INFO $fastcgi_path_info;"
        "fastcgi_param ONE $1; fastcgi_pass %%F%%; }"), path=path)
    assert (request.params["SCRIPT"], request.params["INFO"]) == (script, info)
    assert "/" + request.params["ONE"] in path.replace("%20", " ")


def test_a_group_that_took_no_part_is_empty_whatever_the_location_captured(usher, fcgi):
    request, _ = asked(usher, fcgi, server(
        "location ~ ^/(.*)(\\.php)$ { fastcgi_split_path_info ^(.+\\.php)(/.*)?$;"
        "fastcgi_param INFO -$fastcgi_path_info-; fastcgi_pass %%F%%; }"), path="/a.php")
    assert request.params["INFO"] == "--"


@pytest.mark.parametrize("unix", [False, True])
@pytest.mark.parametrize("target", ["%%F%%", "$arg_to", "group", "$arg_group"])
def test_responders_by_address_group_and_variable(usher, fcgi, unix, target):
    f = fcgi(answer("x"), unix=unix)
    proxy = usher(server(f"location / {{ fastcgi_pass {target}; }}",
                         "upstream group { server %%F%%; }"), F=f)
    assert get(proxy, f"/?to={f.address}&group=group").text == "x"


@pytest.mark.usher_only("nginx says the same in other places")
def test_a_server_must_have_its_port(usher, fcgi):
    done = usher(server("location / { fastcgi_pass localhost; }"), start=False).run("-t")
    assert 'no port in upstream "localhost"' in done.stderr
    proxy = usher(server("location / { fastcgi_pass $arg_to; }"))
    assert get(proxy, "/?to=localhost").status == 500
    proxy.wait_log('no port in upstream "localhost"')


# --- the answer ---

@pytest.mark.parametrize("head, status, reason", [
    ("", 200, "OK"), ("Status: 404 Nothing Here\n", 404, "Nothing Here"),
    ("Location: /x\n", 302, "Moved Temporarily"), ("Location: http://a/b\n", 302, None),
    ("Status: 201 Made\nLocation: /x\n", 201, "Made"), ("Status: 500\n", 500, None),
])
def test_the_status_is_what_the_head_says(usher, fcgi, head, status, reason):
    proxy = usher(PLAIN, F=fcgi(answer("body", head)))
    r = get(proxy)
    assert (r.status, r.text, r.get("Status")) == (status, "body", None)
    assert reason is None or r.reason == reason
    assert r.get("Location") == (re.search("Location: (.*)", head) or [None] * 2)[1]


def test_fields_that_are_hidden_or_passed(usher, fcgi):
    head = ("Status: 200 OK\nServer: theirs\nDate: then\nX-Pad: p\nX-Hide: h\nX-Accel-Expires: 1\n"
            "Connection: close\nTransfer-Encoding: chunked\nContent-Type: a/b\nSet-Cookie: a\n"
            "Set-Cookie: b\n")
    proxy = usher(server("fastcgi_hide_header X-Hide; location / { fastcgi_pass %%F%%; }"
                         "location /s { fastcgi_pass_header Status; fastcgi_pass %%F%%; }"),
                  F=fcgi(answer("x", head)))
    r = get(proxy)
    assert [r.get(n) for n in ("Server", "Date", "Content-Type")] == ["theirs", "then", "a/b"]
    assert [r.get(n) for n in ("Status", "X-Hide", "X-Accel-Expires")] == [None] * 3
    assert r.all("Set-Cookie") == ["a", "b"] and r.get("Connection") == "keep-alive"
    assert r.text == "x" and get(proxy, "/s").get("Status") == "200 OK"


@pytest.mark.parametrize("step", [1, 7, 64])
def test_an_answer_in_small_pieces_and_records_is_the_same(usher, fcgi, step):
    text = b"Content-Type: text/x\r\nX-A: 1\n\r\n" + b"body of it"
    data = b"".join(record(STDOUT, text[at:at + 3], padding=at % 5) + record(STDERR, b"")
                    for at in range(0, len(text), 3)) + record(STDOUT) + end()

    def script(conn, r):
        for at in range(0, len(data), step):
            conn.send(data[at:at + step])
        conn.close()
    r = get(usher(PLAIN, F=fcgi(script)))
    assert (r.get("Content-Type"), r.get("X-A"), r.body) == ("text/x", "1", b"body of it")


@pytest.mark.parametrize("head", ["", "Content-Length: 3000000\n"])
def test_a_large_body_is_passed_whole(usher, fcgi, head):
    body = bytes(range(256)) * (3000000 // 256 + 1)
    r = get(usher(PLAIN, F=fcgi(answer(body[:3000000], head))))
    assert r.body == body[:3000000]


@pytest.mark.usher_only("nginx waits for the padding's record to be followed")
def test_the_head_leaves_before_the_body_is_there(usher, fcgi):
    go = threading.Event()

    def script(conn, r):
        conn.send(record(STDOUT, b"X-A: 1\r\n\r\n", padding=3))
        assert go.wait(10)
        return record(STDOUT, b"later") + end()
    with connect(usher(PLAIN, F=fcgi(script))) as c:
        r = c.request().recv_head()
        assert r.get("X-A") == "1"
        go.set()
        assert c.recv_chunk() == b"later"


@pytest.mark.parametrize("status", [200, 204, 304])
@pytest.mark.parametrize("body", ["", "hidden"])
def test_no_body_follows_where_none_may(usher, fcgi, status, body):
    proxy = usher(PLAIN, F=fcgi(answer(body, f"Status: {status}\n")))
    with connect(proxy) as c:
        for _ in range(2):
            r = c.get(method="HEAD" if status == 200 else "GET")
            assert (r.status, r.body) == (status, b"")


def test_an_empty_answer_has_length_zero(usher, fcgi):
    r = get(usher(PLAIN, F=fcgi(answer("", "X-A: 1\n"))))
    assert (r.status, r.body, r.get("X-A")) == (200, b"", "1")


def test_x_accel_redirect_and_error_page_work(usher, fcgi):
    proxy = usher(server(f"{BASIC} fastcgi_intercept_errors on; error_page 404 /lost;"
                         "location / { fastcgi_pass %%F%%; } location /lost { return 200 lost; }"
                         "location /in { internal; return 200 in; }"),
                  F=fcgi(lambda conn, r: answer("", "X-Accel-Redirect: /in\n" if r.target == "/a"
                                                else "Status: 404\n")))
    assert get(proxy, "/a").text == "in"
    r = get(proxy, "/b")
    assert (r.status, r.text) == (404, "lost")


def test_ranges_are_cut_when_forced(usher, fcgi):
    proxy = usher(server("fastcgi_force_ranges on; location / { fastcgi_pass %%F%%; }"),
                  F=fcgi(answer("0123456789", "Content-Length: 10\n")))
    r = get(proxy, headers={"Range": "bytes=2-4"})
    assert (r.status, r.text) == (206, "234")


# --- connections ---

@pytest.mark.one_thread
@pytest.mark.usher_only("nginx 1.22 keeps none after HEAD")
@pytest.mark.parametrize("keep", [False, True])
def test_connections_are_kept_when_asked_to(usher, fcgi, keep):
    f = fcgi(lambda conn, r: answer("" if r.method == "HEAD" else "x",
                                    "Content-Length: 1\n" if len(f.requests) % 2 else ""))
    proxy = usher(server(f"{BASIC} fastcgi_keep_conn {'on' if keep else 'off'};"
                         "location / { fastcgi_pass u; }",
                         "upstream u { server %%F%%; keepalive 4; }"), F=f)
    with connect(proxy) as c:
        assert [c.get(method=m).status for m in ("GET", "GET", "HEAD", "GET")] == [200] * 4
    assert [r.keep_conn for r in f.requests] == [keep] * 4
    assert len(f.connections) == (1 if keep else 4)


@pytest.mark.one_thread
@pytest.mark.parametrize("data", [
    answer("x") + b"more", answer("xy", "Content-Length: 1\n"),
    stream(STDOUT, b"\n\nx") + end(0, 0) + record(STDOUT, b"y"),
])
def test_a_connection_with_bytes_too_many_is_not_kept(usher, fcgi, data):
    f = fcgi(data)
    proxy = usher(server("fastcgi_keep_conn on; location / { fastcgi_pass u; }",
                         "upstream u { server %%F%%; keepalive 4; }"), F=f)
    with connect(proxy) as c:
        assert [c.get().status for _ in range(2)] == [200, 200]
    assert len(f.connections) == 2


@pytest.mark.one_thread
def test_a_kept_connection_that_died_is_replaced(usher, fcgi):
    f = fcgi(lambda conn, r: answer("x"))
    proxy = usher(server("fastcgi_keep_conn on; location / { fastcgi_pass u; }",
                         "upstream u { server %%F%%; keepalive 4; }"), F=f)
    for _ in range(3):
        assert get(proxy).text == "x"
        f.connections[-1].close()


@pytest.mark.usher_only("nginx 1.22 waits for the end")
def test_a_length_that_is_reached_ends_the_answer(usher, fcgi):
    """Without keep_conn nobody waits for what the responder does then."""
    f = fcgi(lambda conn, r: conn.send(stream(STDOUT, b"Content-Length: 5\n\nhello")) and
             conn.wait_closed())
    assert get(usher(PLAIN, F=f)).text == "hello"


# --- stderr ---

def test_stderr_goes_to_the_error_log(usher, fcgi):
    proxy = usher(PLAIN, F=fcgi(
        record(STDERR, b"PHP message: first\n") + stream(STDOUT, b"Status: 200\n\nhel")
        + record(STDERR, b"sec") + record(STDERR, b"ond") + stream(STDOUT, b"lo") + end()))
    assert get(proxy).text == "hello"
    line = proxy.wait_log('(?m).*FastCGI sent in stderr: "PHP message: first" while reading .*')[0]
    assert re.search(r'\[error\] .*client: 127\.0\.0\.1.*upstream: "fastcgi://127\.0\.0\.1:\d+"', line)


@pytest.mark.usher_only("nginx logs it all")
def test_endless_stderr_is_neither_kept_nor_logged(usher, fcgi):
    flood = stream(STDERR, b"e" * 5000000) + record(STDERR, b"x") * 10000
    proxy = usher(PLAIN, F=fcgi(flood + answer("x")))
    assert get(proxy).text == "x"
    proxy.wait_log("too much in stderr")
    assert len(proxy.error_log()) < 200000


def test_caught_stderr_makes_the_answer_invalid(usher, fcgi):
    bad = fcgi(record(STDERR, b"PHP Fatal error: x\n") + answer("bad"))
    good = fcgi(answer("good"))
    proxy = usher(server("fastcgi_catch_stderr Other; fastcgi_catch_stderr 'PHP Fatal error';"
                         "fastcgi_next_upstream invalid_header; location / { fastcgi_pass u; }",
                         "upstream u { server %%B%% max_fails=0; server %%G%% backup; }"),
                  B=bad, G=good)
    assert get(proxy).text == "good" and len(bad.requests) == 1


# --- what is no answer ---

@pytest.mark.parametrize("data, words", [
    (b"HTTP/1.1 200 OK\r\n\r\n", "unsupported FastCGI protocol version: 72"),
    (record(STDOUT, b"\n\n", version=2), "unsupported FastCGI protocol version: 2"),
    (record(STDOUT, b"\n\n", id=2), "unexpected FastCGI request id"),
    (record(STDOUT, b"\n\n", id=256), "unexpected FastCGI request id"),
    (record(9, b"\n\n"), "invalid FastCGI record type: 9"),
    (record(END, b"\0" * 8), "upstream .*FastCGI"),
    (record(STDOUT) + end(), "prematurely closed FastCGI"),
    (record(STDOUT, b"A: b\n") + end(), "upstream .*FastCGI"),
    (end(0, 2), "upstream .*FastCGI"),
    (record(STDOUT, b"A: b\n"), "upstream prematurely closed connection"),
    (b"", "upstream prematurely closed connection"),
    (b"\1\6\0", "upstream prematurely closed connection"),
    (answer("x", "no colon\n"), "upstream sent invalid header"),
    (answer("x", "A b: c\n"), "upstream sent invalid header"),
    (answer("x", "A: b\n c\n"), "upstream sent invalid header"),
    (answer("x", "Status: high\n"), "upstream sent invalid"),
    (answer("x", "Status: 42\n"), "upstream sent invalid"),
])
def test_what_is_no_answer_is_a_bad_gateway(usher, fcgi, data, words):
    raised(usher, fcgi, data, words)


def test_a_head_without_end_is_too_big(usher, fcgi):
    raised(usher, fcgi, stream(STDOUT, b"X: " + b"y" * 300000), "upstream sent too big header")


@pytest.mark.usher_only("nginx passes on what HTTP cannot carry, or guesses")
@pytest.mark.parametrize("head", ["Status: 103 Early Hints\nLink: </a>\n", "Status: 101\n",
                                  "Status: 2000\n", "Content-Length: x\n",
                                  "Content-Length: 1\nContent-Length: 1\n", "A: b\0c\n",
                                  "A: b\x07\n"])
def test_a_head_that_http_cannot_carry_is_a_bad_gateway(usher, fcgi, head):
    raised(usher, fcgi, answer("x", head), "upstream sent invalid header")


@pytest.mark.parametrize("data, words", [
    (stream(STDOUT, b"Content-Length: 9\n\nhello") + end(), "prematurely closed FastCGI request"),
    pytest.param(stream(STDOUT, b"Content-Length: 9\n\nhello"), "prematurely closed connection",
                 marks=pytest.mark.usher_only("nginx 1.22 leaves the client waiting")),
    pytest.param(stream(STDOUT, b"\n\nhello"), "prematurely closed connection",
                 marks=pytest.mark.usher_only("nginx takes it for the end")),
    pytest.param(stream(STDOUT, b"\n\nhello") + record(STDOUT, b"x", id=3), "request id",
                 marks=pytest.mark.usher_only("nginx takes it for the end")),
])
def test_an_answer_that_breaks_off_is_seen_to(usher, fcgi, data, words):
    proxy = usher(PLAIN, F=fcgi(data))
    with pytest.raises(ProtocolError):
        get(proxy)
    proxy.wait_log(words)


def test_a_responder_that_resets_is_followed_by_the_next(usher, fcgi):
    bad, good = fcgi(lambda conn, r: conn.reset()), fcgi(answer("good"))
    proxy = usher(server("location / { fastcgi_pass u; }",
                         "upstream u { server %%B%% max_fails=0; server %%G%% backup; }"),
                  B=bad, G=good)
    assert get(proxy).text == "good"
    with connect(proxy) as c:
        assert c.get(method="POST", body=b"x").status == 502


def test_a_body_in_a_file_is_sent_whole_to_the_next(usher, fcgi):
    bad, good = fcgi(lambda conn, r: conn.reset()), fcgi(lambda conn, r: answer(str(len(r.body))))
    proxy = usher(server("client_body_buffer_size 8k; fastcgi_next_upstream error non_idempotent;"
                         "location / { fastcgi_pass u; }",
                         "upstream u { server %%B%% max_fails=0; server %%G%% backup; }"),
                  B=bad, G=good)
    body = bytes(range(256)) * 1000
    assert get(proxy, method="POST", body=body).text == "256000"
    assert bad.requests[0].body == good.requests[0].body == body


def test_what_the_log_can_say(usher, fcgi):
    f = fcgi(answer("hello", "X-A: 1\nStatus: 201 Made\n"), unix=True)
    proxy = usher("log_format f '$upstream_addr $upstream_status $upstream_http_x_a"
                  " $upstream_response_length $status';" +
                  server("access_log logs/access.log f; location / { fastcgi_pass %%F%%; }"), F=f)
    assert get(proxy).text == "hello"
    assert proxy.access_log(1) == [f"{f.address} 201 1 5 201"]


def test_a_silent_responder_is_a_gateway_timeout(usher, fcgi):
    proxy = usher(server("fastcgi_read_timeout 100ms; location / { fastcgi_pass %%F%%; }"),
                  F=fcgi(lambda conn, r: conn.wait_closed()))
    assert get(proxy).status == 504
    proxy.wait_log("upstream timed out")


def test_a_client_that_leaves_ends_the_request(usher, fcgi):
    left = threading.Event()

    def script(conn, r):
        conn.wait_closed()
        left.set()
    f = fcgi(script)
    with connect(usher(PLAIN, F=f)) as c:
        c.request()
        f.wait_requests(1)
        c.reset()
    assert left.wait(10)
