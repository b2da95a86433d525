"""What proxy_pass asks for: a URI in place of the prefix, variables, rewrites, and bytes as the client wrote them."""
import pytest

CONF = """
map $arg_none $backend { default %%BACKEND%%; }
server {
    listen 127.0.0.1:%%PORT%%; server_name localhost;
    location /whole/ { proxy_pass http://%%BACKEND%%; }
    location /base/ { proxy_pass http://%%BACKEND%%/b/; }
    location /tight { proxy_pass http://%%BACKEND%%/b; }
    location /root/ { proxy_pass http://%%BACKEND%%/; }
    location = /one { proxy_pass http://%%BACKEND%%/b?x=1; }
    location /escaped/ { proxy_pass http://%%BACKEND%%/b%20c/; }
    location /utf8/ { proxy_pass http://%%BACKEND%%/\u00e9/; }
    location /variable/ { proxy_pass http://$backend; }
    location /variable/uri/ { proxy_pass http://$backend$request_uri; }
    location /variable/path/ { proxy_pass http://$backend/v; }
    location ~ ^/regex/ { proxy_pass http://%%BACKEND%%; }
    location ~ ^/capture/(\\w+) { proxy_pass http://%%BACKEND%%/c/$1?a=$1; }
    location /rewritten/ { rewrite ^/rewritten/(.*) /x/$1 break; proxy_pass http://%%BACKEND%%/b/; }
    location /rewritten/args/ { rewrite ^/rewritten/args/(.*) /x?y=$1 break; proxy_pass http://%%BACKEND%%; }
    location /last/ { rewrite ^/last/(.*) /base/$1 last; }
    location /found/whole/ { try_files "/\u00e9{x}" =404; proxy_pass http://%%BACKEND%%; }
    location /fallback/ { try_files /none /base$uri; }
    location /named/ { try_files /none @named; }
    location /page/ { error_page 404 = /base$uri; return 404; }
    location /if/ { if ($arg_q) { proxy_pass http://%%BACKEND%%; } proxy_pass http://%%BACKEND%%/b/; }
    location @named { proxy_pass http://%%BACKEND%%; }
}
"""
PLACES = ["/whole/", "/base/", "/tight", "/tight/", "/tightly", "/root/", "/one", "/escaped/", "/utf8/", "/variable/", "/variable/uri/", "/variable/path/", "/regex/",
          "/capture/", "/rewritten/", "/rewritten/args/", "/last/", "/found/whole/", "/fallback/", "/named/", "/page/", "/if/"]
RESTS = ["", "a", "a?q=1", "\u00e9", "{x}|<>^`\"\\", "%C3%A9{x}", "%41{x}?q={}", "a//\u00ff", "a%2fb", "a%252fb", "%3f%23", "x;y=1,&+$!*'()@:~", "./{a}/../b", "%7f", "+%2B"]


@pytest.fixture(scope="module")
def both(pair):
    return pair(CONF, files={"html/\u00e9{x}": "x"})


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("rest", RESTS)
def test_what_a_backend_is_asked_for(both, place, rest):
    both.agree(f"GET {place}{rest} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())


def leaves_it(conn, request):
    """A backend that has X-Accel-Redirect say where the answer is."""
    to = request.target.partition("to=")[2]
    return f"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Accel-Redirect: {to}\r\n\r\n".encode()


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
def test_a_named_location_keeps_the_method_of_x_accel_redirect(agree, method):
    agree("server { listen 127.0.0.1:%%PORT%%; location / { proxy_pass http://%%BACKEND%%; } "
          'location /show { return 200 "$request_method $uri $args"; } location @show { return 200 "$request_method $uri $args"; } }',
          [f"{method} /?to={to}" for to in ("@show", "@none", "/show", "/show?x=y", "/%73how", "/none/../show")], script=leaves_it)


def test_words_of_two_directives_add_up(agree):
    agree("server { listen 127.0.0.1:%%PORT%%; proxy_ignore_headers Expires; location / { proxy_ignore_headers X-Accel-Redirect; "
          "proxy_ignore_headers Expires X-Accel-Redirect; proxy_ignore_headers Vary; proxy_pass http://%%BACKEND%%; } "
          "location /outer { proxy_pass http://%%BACKEND%%; } location /show { return 200 show; } }", ["/?to=/show", "/outer?to=/show"], script=leaves_it)
