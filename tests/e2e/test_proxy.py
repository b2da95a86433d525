"""proxy_pass: what the origin is asked, and what the client is told."""
import pytest

from client import connect, get
from origin import chunked, reply


def server(inside, outside=""):
    return f"{outside} server {{ listen 127.0.0.1:%%PORT%%; {inside} }}"


@pytest.fixture
def echo(origin):
    """Answers with the request line it saw."""
    return origin(lambda conn, r: reply(f"{r.method} {r.target}"))


# location, proxy_pass after http://ORIGIN, what is asked, what the origin must see
URIS = [
    ("/", "", "/a/b?c=d", "/a/b?c=d"),
    ("/", "/", "/a/b?c=d", "/a/b?c=d"),
    ("/", "/x/", "/a/b", "/x/a/b"),
    ("/", "/x", "/a/b", "/xa/b"),
    ("/a/", "/", "/a/b/c", "/b/c"),
    ("/a/", "/x/", "/a/b?q", "/x/b?q"),
    ("/a/", "", "/a/b", "/a/b"),
    ("/a", "/x", "/abc", "/xbc"),
    ("/a/", "/x", "/a/b", "/xb"),
    ("= /a", "/x?y=1", "/a", "/x?y=1"),
    ("^~ /a/", "/x/", "/a/b", "/x/b"),
    ("~ ^/a/", "", "/a/%41", "/a/%41"),
    # without a URI the request's own text goes on as it came
    ("/", "", "/a%2Fb//c/./d/../e%20f?x=%20", "/a%2Fb//c/./d/../e%20f?x=%20"),
    # with a URI the normalised path does, escaped again
    ("/a/", "/x/", "/a//b/./c/../d", "/x/b/d"),
    ("/a/", "/x/", "/a/b%20c", "/x/b%20c"),
    ("/a/", "/x/", "/a/b%25c%3Fd%23", "/x/b%25c%3Fd%23"),
    ("/a/", "/x/", "/a/%D0%B0", "/x/%D0%B0"),
    ("/a/", "/x/", "/%61/b", "/x/b"),
    # with variables the text is what they make it
    ("/", "/v$uri$is_args$args", "/a?b=c", "/v/a?b=c"),
    ("/", "$request_uri", "/a%2Fb?c", "/a%2Fb?c"),
    ("~ ^/u/(?<id>[0-9]+)", "/user?id=$id", "/u/17/x?q=1", "/user?id=17"),
    ("~ ^/n/(.*)$", "/m/$1", "/n/p/q", "/m/p/q"),
]


@pytest.mark.parametrize("location, uri, asked, seen", URIS)
def test_uri_mapping(usher, echo, location, uri, asked, seen):
    proxy = usher(server(f'location "{location}" {{ proxy_pass "http://%%O%%{uri}"; }}'
                         .replace('"= ', '= "').replace('"^~ ', '^~ "').replace('"~ ', '~ "')),
                  O=echo)
    assert get(proxy, asked).text == f"GET {seen}"


def test_a_variable_may_be_the_whole_target(usher, echo):
    proxy = usher(server("location / { proxy_pass $http_to; }"), O=echo)
    assert get(proxy, "/a%2Fb?c", headers={"To": f"http://{echo.address}"}).text == "GET /a%2Fb?c"


def test_a_uri_in_a_regex_location_is_refused(usher, echo):
    proxy = usher(server("location ~ /x { proxy_pass http://%%O%%/y; }"), start=False, O=echo)
    done = proxy.run("-t")
    assert done.returncode == 1
    assert '"proxy_pass" cannot have URI part in location given by regular' in done.stderr


def test_default_fields(usher, echo):
    proxy = usher(server("location / { proxy_pass http://%%O%%; }"), O=echo)
    get(proxy, host="www.example.com", headers=[("X-A", "1"), ("X-B", "2"), ("X-A", "3")])
    seen = echo.requests[0]
    assert seen.get("Host") == echo.address
    assert [f for f in seen.headers if f[0].startswith("X-")] == [
        ("X-A", "1"), ("X-B", "2"), ("X-A", "3")]


def test_a_groups_name_is_the_default_host(usher, echo):
    proxy = usher(server("location / { proxy_pass http://group; }",
                         "upstream group { server %%O%%; }"), O=echo)
    get(proxy)
    assert echo.requests[0].get("Host") == "group"


@pytest.mark.usher_only("as nginx 1.29.7: before it, HTTP/1.0 and Connection: close")
@pytest.mark.one_thread
def test_default_version_is_1_1_and_connections_are_kept(usher, echo):
    proxy = usher(server("location / { proxy_pass http://%%O%%; }"), O=echo)
    for _ in range(3):
        get(proxy)
    assert len(echo.connections) == 1
    assert {r.version for r in echo.requests} == {"HTTP/1.1"}
    assert {r.get("Connection") for r in echo.requests} <= {None, "keep-alive"}


def test_keepalive_pool(usher, echo):
    proxy = usher(server('location / { proxy_pass http://g; proxy_http_version 1.1;'
                         ' proxy_set_header Connection ""; }',
                         "upstream g { server %%O%%; keepalive 4; }"), O=echo)
    with connect(proxy) as c:
        for _ in range(10):
            assert c.get().status == 200
    assert len(echo.connections) == 1 and len(echo.requests) == 10


@pytest.mark.one_thread
def test_upstream_keepalive_requests(usher, echo):
    proxy = usher(server('location / { proxy_pass http://g; proxy_http_version 1.1;'
                         ' proxy_set_header Connection ""; }',
                         "upstream g { server %%O%%; keepalive 4; keepalive_requests 3; }"), O=echo)
    for _ in range(7):
        assert get(proxy).status == 200
    assert [len(c.requests) for c in echo.connections] == [3, 3, 1]


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_proxy_http_version(usher, echo, version):
    proxy = usher(server(f"proxy_http_version {version};"
                         " location / { proxy_pass http://%%O%%; }"), O=echo)
    assert get(proxy).status == 200
    assert echo.requests[0].version == f"HTTP/{version}"


def test_set_header_and_its_inheritance(usher, echo):
    proxy = usher(server("""
        proxy_set_header X-Server $server_port;
        proxy_set_header Host $host;
        location /inherits { proxy_pass http://%%O%%; }
        location /replaces { proxy_pass http://%%O%%; proxy_set_header X-Mine "a $uri b"; }
        location /removes { proxy_pass http://%%O%%; proxy_set_header Accept-Encoding ""; }"""),
                  O=echo)
    for target in ("/inherits", "/replaces", "/removes"):
        get(proxy, target, host="example.com", headers={"Accept-Encoding": "gzip"})
    a, b, c = echo.requests
    assert a.get("X-Server") == str(proxy.port) and a.get("Host") == "example.com"
    assert b.get("X-Mine") == "a /replaces b"
    assert b.get("X-Server") is None and b.get("Host") == echo.address
    assert a.get("Accept-Encoding") == "gzip" and c.get("Accept-Encoding") is None


def test_set_header_replaces_what_the_client_sent(usher, echo):
    proxy = usher(server("location / { proxy_pass http://%%O%%; proxy_set_header X-Real-IP"
                         " $remote_addr; proxy_set_header X-Forwarded-For"
                         " $proxy_add_x_forwarded_for; }"), O=echo)
    get(proxy, headers=[("X-Real-IP", "6.6.6.6"), ("x-real-ip", "7.7.7.7")])
    get(proxy, headers={"X-Forwarded-For": "1.2.3.4"})
    assert echo.requests[0].get("X-Real-IP") == "127.0.0.1"
    assert echo.requests[0].get("X-Forwarded-For") == "127.0.0.1"
    assert echo.requests[1].get("X-Forwarded-For") == "1.2.3.4, 127.0.0.1"


def test_hop_by_hop_fields_stop_here(usher, echo):
    """RFC 9110 7.6.1: Connection, Keep-Alive, Upgrade and friends are for one hop."""
    proxy = usher(server("location / { proxy_pass http://%%O%%; }"), O=echo)
    get(proxy, headers={"Connection": "keep-alive", "Keep-Alive": "timeout=5",
                        "Upgrade": "h2c"})
    seen = echo.requests[0]
    assert seen.get("Keep-Alive") is None and seen.get("Upgrade") is None
    assert seen.get("Connection") in (None, "close", "keep-alive")


@pytest.mark.usher_only("nginx forwards fields named in Connection")
def test_fields_named_in_connection_stop_here(usher, echo):
    proxy = usher(server("location / { proxy_pass http://%%O%%; }"), O=echo)
    get(proxy, headers={"Connection": "X-Secret", "X-Secret": "1", "X-Other": "2"})
    assert echo.requests[0].get("X-Secret") is None and echo.requests[0].get("X-Other") == "2"


def test_method_body_and_headers_can_be_replaced(usher, echo):
    proxy = usher(server("""
        location /method { proxy_pass http://%%O%%; proxy_method PUT; }
        location /body { proxy_pass http://%%O%%; proxy_set_body "was $request_method"; }
        location /nobody { proxy_pass http://%%O%%; proxy_pass_request_body off;
                           proxy_set_header Content-Length ""; }
        location /nohead { proxy_pass http://%%O%%; proxy_pass_request_headers off; }"""), O=echo)
    for target in ("/method", "/body", "/nobody", "/nohead"):
        assert get(proxy, target, method="POST", body=b"hello", headers={"X-A": "1"}).status == 200
    method, body, nobody, nohead = echo.requests
    assert (method.method, method.body) == ("PUT", b"hello")
    assert body.body == b"was POST" and body.get("Content-Length") == "8"
    assert nobody.body == b"" and nobody.get("X-A") == "1"
    assert nohead.get("X-A") is None and nohead.body == b"hello"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH",
                                    "PROPFIND", "QUERY"])
def test_methods_pass(usher, origin, method):
    o = origin(reply("", X_Seen="yes") if method == "HEAD" else reply(method))
    proxy = usher(server("location / { proxy_pass http://%%O%%; }"), O=o)
    with connect(proxy) as c:
        r = c.get("/", method=method)
        assert r.status == 200 and o.requests[0].method == method


def test_response_fields_pass_except_ours_and_hidden_ones(usher, origin):
    o = origin(reply("x", headers=[("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("X-One", "1"),
                                   ("X-Two", "2"), ("Server", "secret/1"), ("X-Pad", "p"),
                                   ("Date", "Thu, 01 Jan 1970 00:00:00 GMT"), ("ETag", '"e"'),
                                   ("X-Accel-Expires", "0"), ("X-Accel-Charset", "utf-8"),
                                   ("Keep-Alive", "timeout=1")]))
    proxy = usher(server("proxy_hide_header X-Two; location / { proxy_pass http://%%O%%; }"
                         "location /pass { proxy_pass http://%%O%%; proxy_pass_header Server;"
                         " proxy_pass_header Date; proxy_pass_header X-Accel-Expires; }"), O=o)
    r = get(proxy)
    assert r.all("Set-Cookie") == ["a=1", "b=2"]
    assert r.get("X-One") == "1" and r.get("ETag") == '"e"'
    for name in ("X-Two", "X-Pad", "X-Accel-Expires", "X-Accel-Charset", "Keep-Alive"):
        assert r.get(name) is None, name
    assert "secret" not in r.get("Server") and "1970" not in r.get("Date")
    r = get(proxy, "/pass")
    assert r.get("Server") == "secret/1" and "1970" in r.get("Date")
    assert r.get("X-Accel-Expires") == "0"


@pytest.mark.parametrize("raw_reply, status, body", [
    (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 200, b"abc"),
    (b"HTTP/1.1 200\r\nContent-Length: 3\r\n\r\nabc", 200, b"abc"),
    (b"HTTP/1.1 299 Strange Thing\r\nContent-Length: 0\r\n\r\n", 299, b""),
    (b"HTTP/1.1 599 X\r\nContent-Length: 1\r\n\r\n!", 599, b"!"),
    (b"HTTP/1.0 200 OK\r\nConnection: close\r\n\r\nuntil the end", 200, b"until the end"),
    (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", 200, b""),
    (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
    (b"HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 99\r\n\r\n", 304, b""),
    (chunked([b"ab", b"c" * 70000]), 200, b"ab" + b"c" * 70000),
    (b"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: v\r\n\r\n",
     200, b"abc"),
    pytest.param(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
                 200, b"abc", marks=pytest.mark.usher_only("nginx 1.22 takes 100 for the answer")),
], ids=lambda v: repr(v[:40]) if isinstance(v, bytes) else None)
def test_forms_of_response(usher, origin, raw_reply, status, body):
    o = origin(raw_reply)
    proxy = usher(server("location / { proxy_pass http://%%O%%; proxy_http_version 1.1; }"), O=o)
    with connect(proxy) as c:
        for _ in range(2):
            r = c.get()
            assert (r.status, r.body) == (status, body)


@pytest.mark.usher_only("nginx 1.22 relays no interim response")
def test_early_hints_are_relayed(usher, origin):
    o = origin(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n" + reply("x"))
    proxy = usher(server("early_hints 1; location / { proxy_pass http://%%O%%; }"), O=o)
    r = get(proxy)
    assert [i.status for i in r.interim] == [103] and r.interim[0].get("Link") and r.text == "x"


def test_head_keeps_the_origins_length(usher, origin):
    o = origin(b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n")
    proxy = usher(server('location / { proxy_pass http://%%O%%; proxy_http_version 1.1;'
                         ' proxy_set_header Connection ""; }'), O=o)
    with connect(proxy) as c:
        for _ in range(3):
            assert c.get(method="HEAD").get("Content-Length") == "1234"


REDIRECTS = [
    ("", "http://%O%/next", "http://%HOST%/app/next"),
    ("", "http://other/next", "http://other/next"),
    ("proxy_redirect off;", "http://%O%/next", "http://%O%/next"),
    ("proxy_redirect default;", "http://%O%/next", "http://%HOST%/app/next"),
    ("proxy_redirect http://x/ /y/;", "http://x/next", "http://%HOST%/y/next"),
    ("proxy_redirect http://x/ http://$host/z/;", "http://x/next", "http://front.example/z/next"),
    ("proxy_redirect ~^http://([a-z]+)/(.*)$ http://new/$1/$2;", "http://x/n", "http://new/x/n"),
    ("proxy_redirect ~*^HTTP://X http://w;", "http://x/n", "http://w"),
    ("proxy_redirect http://a/ /1/; proxy_redirect http://b/ /2/;", "http://b/",
     "http://%HOST%/2/"),
    ("", "/relative", "/relative"),
]


@pytest.mark.parametrize("directive, said, told", REDIRECTS)
def test_proxy_redirect(usher, origin, directive, said, told):
    o = origin(lambda conn, r: reply("", "302 Found", Location=said.replace("%O%", o.address)))
    proxy = usher(server("location /app/ { proxy_pass http://%%O%%/; " + directive + " }"), O=o)
    r = get(proxy, "/app/", host="front.example")
    told = told.replace("%O%", o.address).replace("%HOST%", f"front.example:{proxy.port}")
    assert r.status == 302 and r.get("Location") == told


def test_proxy_redirect_rewrites_refresh_too(usher, origin):
    o = origin(lambda conn, r: reply("", Refresh=f"5; url=http://{o.address}/next"))
    proxy = usher(server("location /app/ { proxy_pass http://%%O%%/; }"), O=o)
    assert get(proxy, "/app/").get("Refresh") == "5; url=/app/next"


COOKIES = [
    ("proxy_cookie_domain inner.example outer.example;", "a=1; domain=inner.example; Path=/",
     "a=1; domain=outer.example; Path=/"),
    ("proxy_cookie_domain ~\\.?inner\\.([a-z]+)$ $1.example;", "a=1; Domain=.inner.org",
     "a=1; Domain=org.example"),
    ("proxy_cookie_domain other x;", "a=1; domain=inner.example", "a=1; domain=inner.example"),
    ("proxy_cookie_path /two/ /;", "a=1; path=/two/some/uri/", "a=1; path=/some/uri/"),
    ("proxy_cookie_path ~*^/TWO/(.+) /$1;", "a=1; path=/two/x", "a=1; path=/x"),
    ("proxy_cookie_flags a secure httponly;", "a=1", "a=1; Secure; HttpOnly"),
    ("proxy_cookie_flags ~ samesite=strict;", "b=2", "b=2; SameSite=Strict"),
    ("proxy_cookie_flags a nosecure;", "a=1; Secure; HttpOnly", "a=1; HttpOnly"),
]


@pytest.mark.parametrize("directive, said, told", COOKIES)
def test_cookies_are_rewritten(usher, origin, directive, said, told):
    o = origin(reply("", Set_Cookie=said))
    proxy = usher(server("location / { proxy_pass http://%%O%%; " + directive + " }"), O=o)
    assert get(proxy).get("Set-Cookie") == told


def test_intercept_errors_gives_error_pages(usher, origin):
    o = origin(lambda conn, r: reply("theirs", "404 Not Found"))
    proxy = usher(server("""
        error_page 404 /ours;
        location = /ours { return 200 "ours"; }
        location /keep { proxy_pass http://%%O%%; }
        location /swap { proxy_pass http://%%O%%; proxy_intercept_errors on; }"""), O=o)
    assert (get(proxy, "/keep").status, get(proxy, "/keep").text) == (404, "theirs")
    assert "theirs" not in get(proxy, "/swap").text


def test_x_accel_redirect_serves_from_inside(usher, origin):
    o = origin(lambda conn, r: reply("never seen", X_Accel_Redirect="/hidden/secret.txt",
                                     Content_Type="text/x-special", Set_Cookie="a=1"))
    proxy = usher(server("""
        location / { proxy_pass http://%%O%%; }
        location /hidden/ { internal; alias %%PREFIX%%/files/; }"""), O=o,
                  files={"files/secret.txt": "the secret"})
    r = get(proxy, "/ask")
    assert (r.status, r.text) == (200, "the secret")
    assert r.get("Content-Type") == "text/x-special" and r.get("X-Accel-Redirect") is None
    assert r.get("Set-Cookie") == "a=1"
    assert get(proxy, "/hidden/secret.txt").status == 404


def test_unix_socket_origin(usher, origin):
    o = origin(lambda conn, r: reply(r.target), unix=True)
    proxy = usher(server("location /a/ { proxy_pass http://%%O%%:/b/; }"
                         "location / { proxy_pass http://%%O%%; }"
                         "location /g { proxy_pass http://group; }",
                         "upstream group { server %%O%%; }"), O=o)
    assert get(proxy, "/a/x").text == "/b/x"
    assert get(proxy, "/c").text == "/c" and get(proxy, "/g").text == "/g"
    assert o.requests[1].get("Host") == "localhost"


def test_proxy_bind_chooses_the_source_address(usher, origin):
    o = origin(lambda conn, r: reply(conn.sock.getpeername()[0]))
    proxy = usher(server("location / { proxy_pass http://%%O%%; proxy_bind 127.0.0.9;"
                         " proxy_socket_keepalive on; }"), O=o)
    assert get(proxy).text == "127.0.0.9"


def test_upstream_variables(usher, echo):
    proxy = usher(server("location / { proxy_pass http://%%O%%; access_log logs/access.log up; }",
                         "log_format up '$upstream_addr $upstream_status $upstream_response_time"
                         " $upstream_connect_time $upstream_header_time $upstream_response_length"
                         " $upstream_bytes_received $proxy_host $proxy_port';"), O=echo)
    get(proxy, "/x")
    f = proxy.access_log(1)[0].split()
    assert f[0] == echo.address and f[1] == "200" and f[5] == "6"
    assert all(len(t) >= 5 and t[-4] == "." for t in f[2:5])
    assert int(f[6]) > 6 and f[7] == echo.address and f[8] == str(echo.port)
