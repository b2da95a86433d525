"""empty_gif, stub_status, limit_except: small content, and settings by method."""
import pytest

CONF = """
server {
    listen 127.0.0.1:%%PORT%%; server_name localhost;
    location /gif { empty_gif; expires epoch; }
    location /gif/no/ { empty_gif; error_page 405 =200 /a.txt; }
    location /plain { limit_except GET { } }
    location /post { limit_except POST put { } return 200 own; }
    location /rewritten { limit_except GET { } rewrite ^ /a.txt break; }
    location /tries { limit_except GET HEAD POST { } try_files /a.txt =404; }
    location /passes { limit_except GET { proxy_pass http://%%BACKEND%%; } }
    location /also { proxy_pass http://%%BACKEND%%; limit_except GET { } proxy_set_header X-Out 1; }
    location /two { limit_except PROPFIND LOCK { proxy_pass http://%%BACKEND%%; } limit_rate 1m; }
    location /if { limit_except GET { } if ($arg_a) { return 200 if; } return 200 out; }
    location /nested { limit_except GET { proxy_pass http://%%BACKEND%%; } location /nested/in { return 200 in; } }
    location /named { error_page 404 = @n; return 404; }
    location @n { limit_except GET { proxy_pass http://%%BACKEND%%; } return 200 named; }
    location /var { limit_except DELETE { } return 200 "$request_filename $uri"; }
    location /deny { limit_except GET POST { deny all; } return 200 own; }
    location /denied { deny all; limit_except GET { allow all; } proxy_pass http://%%BACKEND%%; }
    location /inherits { allow 127.0.0.1; deny all; limit_except GET { } proxy_pass http://%%BACKEND%%; }
    location /allow { limit_except GET { allow 127.0.0.1; deny all; } proxy_pass http://%%BACKEND%%; }
    location /basic { limit_except GET { auth_basic realm; auth_basic_user_file pw; } proxy_pass http://%%BACKEND%%; }
    location /open { auth_basic realm; auth_basic_user_file pw; limit_except GET { auth_basic off; } proxy_pass http://%%BACKEND%%; }
    location /satisfy { satisfy any; limit_except GET { deny all; auth_basic realm; auth_basic_user_file pw; } proxy_pass http://%%BACKEND%%; }
    location /errorpage { error_page 403 =200 /a.txt; limit_except GET { deny all; } return 200 own; }
    location /gif/if { if ($arg_a) { set $x 1; } empty_gif; }
    location /gifs { limit_except GET { } empty_gif; }
}
"""
FILES = {"conf/pw": "user:{PLAIN}pass", "pw": "user:{PLAIN}pass", "html/a.txt": "file a", "html/plain": "plain file", "html/dir/x": "x"}
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "LOCK", "FOO"]


@pytest.fixture(scope="module")
def both(pair):
    return pair(CONF, files=FILES)


@pytest.mark.parametrize("target", ["/plain", "/post", "/rewritten", "/tries", "/passes", "/also", "/two", "/if?a=1", "/if", "/nested",
                                    "/nested/in", "/named", "/var", "/gifs", "/deny", "/denied", "/inherits", "/allow",
                                    "/basic", "/basic\nAuthorization: Basic dXNlcjpwYXNz", "/open", "/satisfy",
                                    "/satisfy\nAuthorization: Basic dXNlcjpwYXNz", "/errorpage"])
@pytest.mark.parametrize("method", METHODS)
def test_limit_except(both, target, method):
    both.agree(f"{method} {target}")


@pytest.mark.parametrize("request_", ["/gif", "/gif/x?y", "/gif/if", "/gif/if?a=1", "HEAD /gif", "POST /gif", "OPTIONS /gif", "POST /gif/no/",
                                      "/gif\nRange: bytes=0-3", "/gif\nIf-Modified-Since: Mon, 28 Sep 1970 06:00:00 GMT",
                                      "/gif\nIf-Modified-Since: Mon, 28 Sep 1970 06:00:01 GMT", "/gif\nIf-None-Match: *"])
def test_empty_gif(both, request_):
    both.agree(request_)


STATUS = """
server { listen 127.0.0.1:%%PORT%%; server_name localhost; location = /s { stub_status; } location /on { stub_status on; }
         location /x { stub_status; limit_except GET { } } location / { return 200 rest; } }
server { listen 127.0.0.1:%%PORT%%; server_name other; stub_status; location /a { } location /b { return 200 b; } }
"""


@pytest.mark.parametrize("request_", ["/s", "HEAD /s", "POST /s", "PUT /s", "/s?q", "/on", "POST /x", "/\nHost: other", "/a\nHost: other",
                                      "/b\nHost: other", "/s\nRange: bytes=0-3"])
def test_stub_status(agree, request_):
    agree(STATUS, [request_])
