"""Which server and location answer: server_name, location, normalisation, return, error_page."""
import pytest

from client import connect, get
from origin import reply


def server(inside, outside=""):
    return f"{outside} server {{ listen 127.0.0.1:%%PORT%%; {inside} }}"


def named(*servers):
    return "".join(f"server {{ listen 127.0.0.1:%%PORT%%{flags}; server_name {names};"
                   f' return 200 "{answer}"; }}' for names, answer, flags in servers)


NAMES = named(("first.example", "first", ""), ("exact.example.com", "exact", ""),
              ("*.example.com", "leading", ""), ("*.www.example.com", "longer", ""),
              ("mail.*", "trailing", ""), (".dot.org", "dot", ""),
              ("~^(?<sub>[a-z]+)\\.regex\\.net$", "regex $sub", ""),
              ("~^.*\\.regex\\.net$", "second regex", ""), ("two.a two.b", "two", ""),
              ('""', "empty", ""), ("xn--80ak6aa92e.com", "idn", ""))


@pytest.mark.parametrize("host, answer", [
    ("exact.example.com", "exact"), ("EXACT.Example.COM", "exact"),
    ("exact.example.com:99", "exact"),
    ("exact.example.com.", "exact"), ("a.example.com", "leading"), ("a.b.example.com", "leading"),
    ("a.www.example.com", "longer"), ("example.com", "first"), ("mail.anything", "trailing"),
    ("mail.a.b", "trailing"), ("mail.example.com", "leading"), ("dot.org", "dot"),
    ("a.dot.org", "dot"),
    ("adot.org", "first"), ("abc.regex.net", "regex abc"), ("a1.regex.net", "second regex"),
    ("two.b", "two"), ("unknown", "first"), ("127.0.0.1", "first"), ("xn--80ak6aa92e.com", "idn"),
])
def test_server_name(usher, host, answer):
    assert get(usher(NAMES), host=host).text == answer


def test_no_host_at_all_is_the_empty_name(usher):
    with connect(usher(NAMES)) as c:
        assert c.get(host=None, version="1.0").text == "empty"


def test_default_server_by_flag_and_by_order(usher):
    proxy = usher(named(("a", "a", ""), ("b", "b", " default_server")))
    assert get(proxy, host="nobody").text == "b"


def test_names_belong_to_their_listener(usher):
    proxy = usher("server { listen 127.0.0.1:%%PORT%%; server_name x; return 200 one; }"
                  "server { listen 127.0.0.1:%%PORT2%%; server_name y; return 200 two; }")
    assert get(proxy, host="y").text == "one"
    assert get(proxy.ports["PORT2"], host="x").text == "two"


LOCATIONS = server("""
    location = / { return 200 A; }
    location / { return 200 B; }
    location /documents/ { return 200 C; }
    location ^~ /images/ { return 200 D; }
    location ~* \\.(gif|jpg|jpeg)$ { return 200 E; }
    location ~ \\.GIF$ { return 200 F; }
    location = /exact { return 200 G; }
    location /exact { return 200 H; }
    location /nest/ {
        location /nest/deep/ { return 200 I; }
        location ~ \\.nested$ { return 200 J; }
        return 200 K;
    }
    location ~ ^/cap/(\\d+)/(?<word>\\w+)$ { return 200 "$1-$word"; }
    location "/with space/" { return 200 L; }
    location /пример/ { return 200 M; }
    location ~ "^/brace/x{2}$" { return 200 N; }
""")


@pytest.mark.parametrize("uri, answer", [
    # the five of nginx's own manual
    ("/", "A"), ("/index.html", "B"), ("/documents/document.html", "C"), ("/images/1.gif", "D"),
    ("/documents/1.jpg", "E"),
    ("/x.GIF", "E"), ("/exact", "G"), ("/exact/", "H"), ("/exactly", "H"), ("/exact?q", "G"),
    ("/nest/a", "K"), ("/nest/deep/a", "I"), ("/nest/a.nested", "J"), ("/nest/deep/a.nested", "J"),
    ("/nest/a.gif", "E"), ("/cap/12/ab", "12-ab"), ("/cap/x/ab", "B"), ("/with%20space/a", "L"),
    ("/%D0%BF%D1%80%D0%B8%D0%BC%D0%B5%D1%80/a", "M"), ("/brace/xx", "N"), ("/DOCUMENTS/", "B"),
    # what matches is the decoded, normalised path
    ("/%64ocuments/x", "C"), ("//documents///x", "C"), ("/a/../documents/x", "C"),
    ("/./documents/./x", "C"), ("/documents/..", "A"), ("/documents/../", "A"),
    ("/a/b/../../documents/", "C"), ("/images%2F1.gif", "D"), ("/documents/%2e%2e/x", "B"),
    ("/documents#frag", "B"), ("/...", "B"), ("/documents/.../x", "C"), ("/documents/..a", "C"),
])
def test_location(usher, uri, answer):
    assert get(usher(LOCATIONS), uri).text == answer


def test_the_path_is_normalised_and_the_request_uri_is_not(usher):
    proxy = usher(server('location / { return 200 "$uri|$request_uri|$args|$is_args"; }'))
    assert get(proxy, "/a//b/./c/../%64%20e?x=%20y").text == (
        "/a/b/d e|/a//b/./c/../%64%20e?x=%20y|x=%20y|?")
    assert get(proxy, "/a?").text == "/a|/a?||"


def test_merge_slashes_off(usher):
    proxy = usher(server('merge_slashes off; location / { return 200 "$uri"; }'))
    assert get(proxy, "/a//b///c").text == "/a//b///c"


def test_a_location_with_a_handler_and_a_final_slash_redirects(usher, origin):
    o = origin(reply("ok"))
    proxy = usher(server("location /app/ { proxy_pass http://%%O%%; }"), O=o)
    r = get(proxy, "/app?x=1", host="example.com")
    assert r.status == 301
    assert r.get("Location") == f"http://example.com:{proxy.port}/app/?x=1"


@pytest.mark.parametrize("directives, location", [
    ("", "http://front.example:%PORT%/to"),
    ("port_in_redirect off;", "http://front.example/to"),
    ("absolute_redirect off;", "/to"),
    ("server_name_in_redirect on;", "http://name.example:%PORT%/to"),
])
def test_redirects_are_made_absolute(usher, directives, location):
    proxy = usher(server(f"server_name name.example; {directives} return 302 /to;"))
    r = get(proxy, host="front.example")
    assert r.get("Location") == location.replace("%PORT%", str(proxy.port))


def test_return(usher):
    proxy = usher(server("""
        default_type text/plain;
        location /text { return 200 "a $uri b"; }
        location /code { return 403; }
        location /301 { return 301 http://other.example$request_uri; }
        location /307 { return 307 /x; }
        location /308 { return 308 /x; }
        location /url { return https://other.example/; }
        location /scheme { return $scheme://host/; }
        location /odd { return 299 odd; }
        location /503 { return 503 busy; }
        location /204 { return 204; }
        location /empty { return 200; }"""))
    with connect(proxy) as c:
        r = c.get("/text")
        assert (r.status, r.text, r.get("Content-Type")) == (200, "a /text b", "text/plain")
        r = c.get("/code")
        assert r.status == 403 and r.reason == "Forbidden" and "<h1>403 Forbidden</h1>" in r.text
        r = c.get("/301?a")
        assert (r.status, r.get("Location")) == (301, "http://other.example/301?a")
        assert [c.get(t).status for t in ("/307", "/308", "/url", "/odd", "/204")] == [
            307, 308, 302, 299, 204]
        assert c.get("/scheme").get("Location") == "http://host/"
        r = c.get("/503")
        assert (r.status, r.text) == (503, "busy")
        r = c.get("/empty")
        assert (r.status, r.body) == (200, b"")
        assert c.get("/text", method="POST", body=b"x").text == "a /text b"


def test_444_says_nothing(usher):
    proxy = usher(server("return 444;"))
    with connect(proxy) as c:
        assert c.request().closed()


@pytest.mark.parametrize("status, reason", [
    (400, "Bad Request"), (401, "Authorization Required"), (403, "Forbidden"), (404, "Not Found"),
    (405, "Not Allowed"), (410, "Gone"), (413, "Request Entity Too Large"),
    (414, "Request-URI Too Large"), (415, "Unsupported Media Type"), (416, "Requested Range Not"
                                                                           " Satisfiable"),
    (429, "Too Many Requests"), (500, "Internal Server Error"), (501, "Not Implemented"),
    (502, "Bad Gateway"), (503, "Service Temporarily Unavailable"), (504, "Gateway Time-out"),
])
def test_default_error_pages_are_nginxs_with_our_name(usher, status, reason):
    proxy = usher(server(f"return {status};"))
    r = get(proxy)
    assert r.status == status
    assert r.reason == reason.replace("Authorization Required", "Unauthorized")
    name = r.get("Server")
    assert r.text == (f"<html>\r\n<head><title>{status} {reason}</title></head>\r\n<body>\r\n"
                      f"<center><h1>{status} {reason}</h1></center>\r\n"
                      f"<hr><center>{name}</center>\r\n</body>\r\n</html>\r\n")
    assert r.get("Content-Type") == "text/html"


def test_error_page(usher, origin):
    o = origin(reply("from the origin"))
    proxy = usher(server("""
        error_page 404 /404.html;
        error_page 500 502 504 /50x.html;
        error_page 403 =200 /forgiven;
        error_page 410 = @gone;
        error_page 418 http://other.example/teapot;
        error_page 419 =301 /moved;
        location / { root html; }
        location /forgiven { return 200 "forgiven $uri"; }
        location /500 { return 500; }
        location /403 { return 403; }
        location /410 { return 410; }
        location /418 { return 418; }
        location /419 { return 419; }
        location /own { error_page 404 /own404.html; root html; }
        location @gone { proxy_pass http://%%O%%; }"""), O=o,
                  files={"html/404.html": "our 404", "html/50x.html": "our 50x",
                         "html/own404.html": "own 404"})

    def seen(target):
        r = get(proxy, target)
        return r.status, r.text
    assert seen("/missing") == (404, "our 404")
    assert seen("/500") == (500, "our 50x")
    assert seen("/403")[0] == 200 and seen("/403")[1].startswith("forgiven")
    assert seen("/410") == (200, "from the origin")
    assert get(proxy, "/418").get("Location") == "http://other.example/teapot"
    assert seen("/own/missing") == (404, "own 404")
    assert get(proxy, "/missing", method="POST", body=b"x").status in (404, 405)
    assert o.requests[0].target == "/410"


def test_internal_is_not_for_clients(usher):
    proxy = usher(server("error_page 404 /inner.html;"
                         "location = /inner.html { internal; root html; }"
                         "location / { root html; }"), files={"html/inner.html": "inner"})
    assert get(proxy, "/inner.html").status == 404
    assert get(proxy, "/missing").text == "inner"


def test_many_servers_and_locations(usher):
    proxy = usher("".join(
        f"server {{ listen 127.0.0.1:%%PORT%%; server_name s{n}.example *.w{n}.example;"
        + "".join(f"location /l{k}/ {{ return 200 {n}-{k}; }}" for k in range(10)) + "}"
        for n in range(300)))
    with connect(proxy) as c:
        for n in range(0, 300, 7):
            assert c.get(f"/l{n % 10}/x", host=f"s{n}.example").text == f"{n}-{n % 10}"
            assert c.get("/l0/x", host=f"a.w{n}.example").text == f"{n}-0"
