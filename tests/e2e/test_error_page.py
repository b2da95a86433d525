"""error_page: what answers in place of an error, how often, and what of the error stays."""
import pytest

from client import get
from origin import reply

CONF = """
default_type text/plain;
server {
    listen 127.0.0.1:%%PORT%%;
    root html;
    location /keeps/ { error_page 404 /page.txt; }
    location /forgives/ { error_page 404 =200 /page.txt; }
    location /takes/ { error_page 404 = /echo?from=$uri; }
    location /named/ { error_page 404 = @named; }
    location /inner/ { error_page 404 =418 /nowhere; }
    location /once/ { error_page 404 /once/again; }
    location /deep/ { recursive_error_pages on; error_page 404 /deeper/x; }
    location /deeper/ { error_page 404 =200 /echo; }
    location /cycle/ { recursive_error_pages on; error_page 404 /cycle/again; }
    location /moved { error_page 301 /page.txt; return 301 /there; }
    location /redirects/ { error_page 404 =301 http://other.example$uri; }
    location /percent/ { error_page 404 /100%25.txt; }
    location /post/ { alias %%PREFIX%%/html/; error_page 405 =200 /echo; }
    location /backend/ { proxy_pass http://%%O%%; proxy_intercept_errors on;
                         error_page 401 403 /page.txt; }
    location /hidden/ { internal; alias %%PREFIX%%/html/; }
    location = /exact/ { proxy_pass http://%%O%%; }
    location /echo { return 200 "$uri $args"; }
    location @named { return 200 "named $uri"; }
    location /outer { location /outer/in { } return 200 outer; }
}
"""


def answer(conn, request):
    if "login" in request.target:
        return reply("login", "401 Unauthorized", headers=[("WWW-Authenticate", 'Basic realm="x"')])
    if "xa=" in request.target:
        return reply("", headers=[("X-Accel-Redirect", request.target.split("xa=")[1]),
                                  ("Content-Type", "a/b"), ("Set-Cookie", "a=1")])
    return reply("denied", "403 Forbidden")


@pytest.fixture
def proxy(usher, origin):
    return usher(CONF, O=origin(answer), files={
        "html/page.txt": "page", "html/100%25.txt": "percent", "html/in": "in"})


@pytest.mark.parametrize("target, status, text", [
    ("/keeps/x", 404, "page"), ("/forgives/x", 200, "page"),
    ("/takes/x", 200, "/echo from=/takes/x"),
    ("/named/x", 200, "named /named/x"), ("/inner/x", 404, None), ("/once/x", 404, None),
    ("/deep/x", 200, "/echo "), ("/cycle/x", 500, None), ("/moved", 301, "page"),
    ("/percent/x", 404, "percent"), ("/backend/x", 403, "page"), ("/outer", 200, "outer"),
    ("/outer/in", 404, None),
])
def test_what_answers(proxy, target, status, text):
    r = get(proxy, target)
    assert r.status == status and (text is None or r.text == text)


def test_an_error_is_not_dated(proxy):
    assert get(proxy, "/keeps/x").get("Last-Modified") is None
    assert get(proxy, "/forgives/x").get("Last-Modified") is not None


def test_what_the_error_had_to_say_stays(proxy):
    assert get(proxy, "/moved", host="h.example").get("Location") == (
        f"http://h.example:{proxy.port}/there")
    r = get(proxy, "/backend/login")
    assert (r.status, r.text, r.get("WWW-Authenticate")) == (401, "page", 'Basic realm="x"')


def test_a_redirect_elsewhere(proxy):
    r = get(proxy, "/redirects/x")
    assert (r.status, r.get("Location")) == (301, "http://other.example/redirects/x")


def test_a_refused_method_is_answered_as_get(proxy):
    assert get(proxy, "/post/page.txt", method="POST", body=b"").text == "/echo "


@pytest.mark.parametrize("target, status, text", [
    ("/hidden/page.txt", 200, "page"), ("/hidden/%70age.txt", 200, "page"),
    ("/echo?k=v", 200, "/echo k=v"), ("@named", 200, "named /exact/"), ("@nowhere", 500, None),
    ("/hidden/../page.txt", 404, None), ("/hidden/%2e%2e/page.txt", 404, None),
    ("/hidden/missing", 404, None),
])
def test_a_backend_sends_the_client_to_another_location(proxy, target, status, text):
    """X-Accel-Redirect: some of the backend's fields stay with the answer."""
    r = get(proxy, "/exact/?xa=" + target)
    assert r.status == status and (text is None or r.text == text)
    assert r.get("Set-Cookie") == "a=1"
    assert r.get("Content-Type") == ("a/b" if status == 200 else "text/html")


def test_an_exact_location_with_a_handler_gets_its_slash(proxy):
    r = get(proxy, "/exact?a=b", host="h.example")
    assert r.status == 301 and r.get("Location") == f"http://h.example:{proxy.port}/exact/?a=b"


def test_a_named_location_stays_with_the_first(usher):
    proxy = usher("server { listen 127.0.0.1:%%PORT%%; error_page 404 = @a;"
                  "location @a { return 200 first; } location @a { return 200 second; } }")
    assert get(proxy, "/missing").text == "first"
