"""What a backend says, told to the client: fields, trailers, framing, pace, and who may say more."""
import threading
import time

import pytest

from client import connect, get
from origin import chunked, reply
from proxy import IS_NGINX
from wait import until


def server(inner):
    return f"server {{ listen 127.0.0.1:%%PORT%%; {inner} }}"


PLAIN = server("location / { proxy_pass http://%%O%%; proxy_http_version 1.1;"
               " proxy_set_header Connection ''; }")


def twice(usher, origin, data, target="/"):
    """The origin's connections after two requests that are answered with data."""
    o = origin(data)
    proxy = usher("upstream u { server %%O%%; keepalive 4; } " + server(
        "location / { proxy_pass http://u; proxy_http_version 1.1;"
        " proxy_set_header Connection ''; }"), O=o)
    first, second = get(proxy, target), get(proxy, target)
    assert (first.status, first.body) == (second.status, second.body)
    return len(o.connections)


@pytest.mark.usher_only("nginx 1.22 passes what a backend's Connection names")
def test_hop_by_hop_fields_of_a_backend_stop_here(usher, origin):
    proxy = usher(PLAIN, O=origin(reply("x", headers=[
        ("Connection", "keep-alive"), ("Connection", "x-a, X-B"), ("X-A", "1"), ("X-B", "2"),
        ("X-C", "3"), ("Upgrade", "h2c"), ("Keep-Alive", "timeout=9"), ("TE", "gzip"),
        ("Proxy-Connection", "close")])))
    r = get(proxy)
    assert [r.get(n) for n in ("X-A", "X-B", "X-C")] == [None, None, "3"]
    assert [r.get(n) for n in ("Upgrade", "Keep-Alive", "TE", "Proxy-Connection")] == [None] * 4
    assert r.all("Connection") == ["keep-alive"]


@pytest.mark.usher_only("nginx 1.22 knows no interim responses")
def test_interim_responses_are_relayed_without_hop_by_hop_fields(usher, origin):
    early = (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: X-Gone\r\nX-Gone: 1\r\n"
             b"Keep-Alive: 1\r\n\r\n")
    proxy = usher("early_hints 1; " + PLAIN, O=origin(early * 2 + reply("x")))
    r = get(proxy)
    assert [i.headers for i in r.interim] == [[("Link", "</a>")]] * 2 and r.body == b"x"


@pytest.mark.usher_only("early_hints came with nginx 1.29")
@pytest.mark.parametrize("conditions, passed", [
    ("", 0), ("early_hints 0;", 0), ("early_hints '';", 0), ("early_hints 0 $arg_hints;", 1),
    ("early_hints $arg_none $arg_zero;", 0), ("early_hints yes;", 1),
])
def test_early_hints_are_passed_where_a_condition_holds(usher, origin, conditions, passed):
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
    proxy = usher(server(f"{conditions} location / {{ proxy_pass http://%%O%%; }} "
                         "location /off { early_hints 0; proxy_pass http://%%O%%; }"),
                  O=origin(early + reply("x")))
    r = get(proxy, "/?hints=1&zero=0")
    assert [i.status for i in r.interim] == [103] * passed and r.text == "x"
    assert get(proxy, "/off").interim == []


@pytest.mark.usher_only("nginx 1.22 knows no interim responses")
def test_large_interim_responses_leave_room_for_the_answer(usher, origin):
    big = b"HTTP/1.1 103 Early Hints\r\nX-Big: " + b"y" * 60000 + b"\r\n\r\n"
    proxy = usher("early_hints 1; " + PLAIN, O=origin(big * 5 + reply("x" * 100000, X_Also="z" * 9000)))
    r = get(proxy)
    assert len(r.interim) == 5 and len(r.body) == 100000 and len(r.get("X-Also")) == 9000


@pytest.mark.usher_only("nginx 1.22 knows no interim responses")
def test_endless_interim_responses_are_an_error(usher, origin):
    def flood(conn, request):
        while conn.send(b"HTTP/1.1 102 Processing\r\n\r\n" * 100):
            pass
        conn.close()
    proxy = usher(PLAIN, O=origin(flood))
    assert get(proxy).status == 502
    proxy.wait_log("too many interim responses")


@pytest.mark.usher_only("nginx 1.22 passes it on and hangs")
def test_a_switch_of_protocols_that_nobody_asked_for_is_an_error(usher, origin):
    proxy = usher(PLAIN, O=origin(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n"
                                  b"Connection: upgrade\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"))
    assert get(proxy).status == 502


@pytest.mark.usher_only("nginx has proxy_pass_trailers since 1.27.2")
@pytest.mark.one_thread
def test_trailers_are_passed_when_asked_to(usher, origin):
    o = origin(chunked([b"ab", b"c"], trailers=[("X-Sum", "9"), ("Content-Length", "1"),
                                                ("X-Hidden", "h"), ("Transfer-Encoding", "x")]))
    proxy = usher("log_format t '[$upstream_trailer_x_sum|$sent_trailer_x_sum]';" + server(
        "access_log logs/access.log t; proxy_hide_header X-Hidden;"
        " location / { proxy_pass http://%%O%%; }"
        " location /on { proxy_pass_trailers on; proxy_pass http://%%O%%; }"), O=o)
    off, on = get(proxy), get(proxy, "/on")
    assert off.body == on.body == b"abc"
    assert off.trailers == [] and on.trailers == [("X-Sum", "9")]
    assert proxy.access_log(2) == ["[9|-]", "[9|9]"]
    assert len(o.connections) == 1


@pytest.mark.parametrize("raw_reply", [
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 100\r\n\r\n",
    reply(""), reply("body"), chunked([b"body"]), chunked([]),
])
@pytest.mark.one_thread
def test_an_answer_of_any_form_leaves_the_connection_fit(usher, origin, raw_reply):
    assert twice(usher, origin, raw_reply) == 1


@pytest.mark.parametrize("raw_reply", [
    reply("body") + b"garbage", chunked([b"body"]) + b"x", reply("", status="204 No Content") + b"y",
    b"HTTP/1.1 304 Not Modified\r\n\r\nz",
    reply("b", Connection="close"), reply("b").replace(b"1.1", b"1.0", 1),
])
def test_a_connection_with_bytes_too_many_or_an_end_is_not_used_again(usher, origin, raw_reply):
    assert twice(usher, origin, raw_reply) == 2


def test_a_head_request_leaves_the_connection_fit(usher, origin):
    o = origin(lambda conn, r: b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
               if r.method == "HEAD" else reply("x"))
    proxy = usher("upstream u { server %%O%%; keepalive 4; } " + server(
        "location / { proxy_pass http://u; proxy_http_version 1.1;"
        " proxy_set_header Connection ''; }"), O=o)
    with connect(proxy) as c:
        assert c.get("/", method="HEAD").get("Content-Length") == "1000"
        assert c.get("/").text == "x"
        assert c.get("/", method="HEAD").status == 200
    assert len(o.connections) == 1


@pytest.mark.usher_only("the default redirect of a bare URL")
@pytest.mark.parametrize("target, said, told", [
    ("/re/1", "http://%s/two/x", "/two/x"), ("/nest/in/1", "http://%s/two/x", "/nest/in/x"),
    ("/plain/1", "http://%s/x", "/x"), ("/nest/in/1", "http://%s/x", None),
    ("/var/1", "http://%s/x", None), ("/named/1", "http://%s/y", "/y")])
def test_redirects_are_turned_back_by_default(usher, origin, target, said, told):
    where = []
    o = origin(lambda conn, r: reply("", "302 Found", Location=where[0]))
    where.append(said % o.address)
    proxy = usher(server("""
        location ~ ^/re { proxy_pass http://%%O%%; }
        location /nest/ { location /nest/in/ { proxy_pass http://%%O%%/two/; } }
        location /plain { proxy_pass http://%%O%%; }
        location /var { proxy_pass http://%%O%%$request_uri; }
        location /named { try_files /nosuch @n; } location @n { proxy_pass http://%%O%%; }"""), O=o)
    location = get(proxy, target).get("Location")
    assert location == (f"http://localhost:{proxy.port}{told}" if told else where[0])


def test_ranges_may_be_forced(usher, origin):
    o = origin(lambda conn, r: reply("0123456789", ETag='"a"', Accept_Ranges="none",
                                     Last_Modified="Sun, 06 Nov 1994 08:49:37 GMT"))
    proxy = usher(server("location / { proxy_pass http://%%O%%; }"
                         " location /f { proxy_force_ranges on; proxy_pass http://%%O%%; }"), O=o)
    some = {"Range": "bytes=1-2"}
    assert get(proxy, headers=some).status == 200
    r = get(proxy, "/f", headers=some)
    assert (r.status, r.body, r.get("Content-Range")) == (206, b"12", "bytes 1-2/10")
    assert r.get("ETag") == '"a"' and r.get("Last-Modified") == "Sun, 06 Nov 1994 08:49:37 GMT"
    assert get(proxy, "/f", headers={**some, "If-Range": '"b"'}).status == 200
    assert get(proxy, "/f", headers={**some, "If-Range": '"a"'}).status == 206
    assert get(proxy, "/f", headers=some, method="HEAD").status in (200, 206)


def test_cookie_flags_may_be_variables(usher, origin):
    o = origin(reply("", headers=[("Set-Cookie", "a=b; Path=/")]))
    proxy = usher(server("location / { proxy_cookie_flags a $arg_f httponly;"
                         " proxy_pass http://%%O%%; }"), O=o)
    assert get(proxy, "/?f=secure").get("Set-Cookie") == "a=b; Path=/; Secure; HttpOnly"
    assert get(proxy, "/").get("Set-Cookie") == "a=b; Path=/; HttpOnly"


def test_ignored_control_fields_have_no_effect(usher, origin):
    o = origin(lambda conn, r: reply("own", X_Accel_Redirect="/other", X_Accel_Limit_Rate="1"))
    proxy = usher(server("location / { proxy_ignore_headers X-Accel-Redirect X-Accel-Limit-Rate;"
                         " proxy_pass http://%%O%%; }"), O=o)
    r = get(proxy)
    assert r.text == "own" and r.get("X-Accel-Redirect") is None


@pytest.mark.parametrize("directive, fields", [
    ("proxy_limit_rate 100k;", {}), ("proxy_limit_rate $arg_r;", {}),
    ("", {"X_Accel_Limit_Rate": "100000"})])
def test_a_response_is_paced(usher, origin, directive, fields):
    if IS_NGINX and "$" in directive:
        pytest.skip("since nginx 1.27.0")
    proxy = usher(server(f"location / {{ {directive} proxy_pass http://%%O%%; }}"),
                  O=origin(reply("x" * 250000, **fields)))
    begin = time.monotonic()
    assert len(get(proxy, "/?r=100k").body) == 250000
    assert time.monotonic() - begin > 1


def test_what_is_small_is_not_slowed_down(usher, origin):
    proxy = usher(server("location / { proxy_limit_rate 10k; proxy_pass http://%%O%%; }"),
                  O=origin(reply("x" * 5000)))

    def seconds():
        begin = time.monotonic()
        assert len(get(proxy).body) == 5000
        return time.monotonic() - begin
    until(lambda: seconds() < 0.4, "an answer that is not paced")


def test_a_pooled_connection_that_ends_under_a_post_is_replaced_unseen(usher, origin):
    """The backend closes without a look at the request: its kernel refuses the bytes."""
    def script(conn, request):
        if request.target == "/close":
            answered.wait(5)
            conn.close()
        elif request.target == "/first":
            conn.send(reply("kept"))
            conn.close()
            answered.set()
            return None
        return reply(f"{conn.number}")
    answered = threading.Event()
    o = origin(script)
    proxy = usher("upstream u { server %%O%%; keepalive 4; } " + server(
        "location / { proxy_pass http://u; proxy_http_version 1.1;"
        " proxy_set_header Connection ''; }"), O=o)
    with connect(proxy) as c:
        for turn in range(40):
            answered.clear()
            assert c.get("/first").text == "kept"
            answered.wait(5)
            r = c.get("/second", method="POST", body=b"once")
            assert r.status == 200
    assert len([r for r in o.requests if r.target == "/second"]) == 40
