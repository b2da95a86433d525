"""proxy_cookie_domain, proxy_cookie_path, proxy_cookie_flags: how a Set-Cookie is taken apart and put together."""
import re

import pytest

COOKIES = ["a=1; domain = localhost; path = /", "a=1;;path=/", "a=1; path=/;", "a=1;path=/; ; ", "a=\"q;path=/x\"; PATH=/", "a=1; Secure ; HttpOnly",
           "a=1;secure;httponly;samesite=lax;path=/", "a=1; path=", "a=1; path", "noeq; path=/", "noeq", "  a = 1 ; path=/", "a=1; path=/a; path=/b",
           "a=1; domain=.one.com; domain=two.com", "=v; path=/", "; path=/", "a=1; path=/x=y; foo=bar=baz", "a=1; foo; =; =x; path=/", "",
           "a=1; SameSite; Secure=1; HttpOnly=x; path=/", "a=1; Domain=ONE.COM; Path=/Abc", "a=1,b=2; path=/", "a", "a=1; domain=..one.com",
           "a=1; expires=Thu, 01 Jan 2099 00:00:00 GMT;path=/", "a=1; domain=.", "a=1; domain="]
RULES = ["proxy_cookie_path / /app/;", "proxy_cookie_path ~^(.*)$ [$1];", "proxy_cookie_path '' /e;", "proxy_cookie_path /Abc /q; proxy_cookie_path / /r;",
         "proxy_cookie_domain one.com x.org;", "proxy_cookie_domain .one.com .x.org;", "proxy_cookie_domain ~^one x;", "proxy_cookie_domain ~^\\.one x;",
         "proxy_cookie_domain ~^(.*)$ [$1];", "proxy_cookie_flags ~ secure httponly;", "proxy_cookie_flags a secure samesite=strict;",
         "proxy_cookie_flags a nosecure nohttponly nosamesite;", "proxy_cookie_flags ~ httponly; proxy_cookie_path / ''; proxy_cookie_domain ~. '';",
         "proxy_cookie_path /zzz /y; proxy_cookie_domain q w; proxy_cookie_flags zz secure;"]


def cookie(conn, request):
    text = COOKIES[int(re.search(r"k=(\d+)", request.target)[1])]
    redirect = "X-Accel-Redirect: /file\r\n" if "accel" in request.target else ""
    return f"HTTP/1.1 200 OK\r\nSet-Cookie: {text}\r\n{redirect}Content-Length: 0\r\n\r\n".encode()


@pytest.fixture(scope="module")
def both(pair):
    locations = "".join(f"location /l{i}/ {{ proxy_pass http://%%BACKEND%%; {rule} }}" for i, rule in enumerate(RULES))
    return pair("server { listen 127.0.0.1:%%PORT%%; server_name localhost; "
                "location /read { return 200 \"$cookie_a|$cookie_A_b|$cookie_c\"; }" + locations + "}", files={"html/file": "f"}, script=cookie)


@pytest.mark.parametrize("i", range(len(RULES)))
def test_a_cookie_is_rewritten(both, i):
    for k in range(len(COOKIES)):
        both.agree(f"/l{i}/?k={k}")


def test_a_cookie_that_goes_along_with_x_accel_redirect_is_rewritten_too(both):
    for i in (0, 4, 9):
        for k in (4, 13, 20):
            both.agree(f"/l{i}/accel?k={k}")


@pytest.mark.parametrize("field", ["a=1, A_b=2", "a=1,A_b=2", "x=1; A_b=2", "a=1; c=2, c=3", "c=1,a=2;A_b=3", "a=\"x; A_b=y\"; c=1", "xx,c=1",
                                   "c =1; a= 2 ; A_b", "=1; c=2", ";;c=2", "c=1;c=2", "a=1\nCookie: c=2; A_b=3"])
def test_a_cookie_is_found(both, field):
    both.agree(f"/read\nCookie: {field}")
