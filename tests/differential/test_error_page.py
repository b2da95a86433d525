"""error_page in all its forms; recursive_error_pages; what stays of the error."""
import pytest

from origin import reply

FILES = {"html/e.html": "error page\n", "html/404.txt": "not found\n", "html/dir/index.html": "dir", "html/a b.html": "blank", "html/post": "post"}
CONF = """
types { text/html html; } default_type text/plain;
server {
    listen 127.0.0.1:%%PORT%%; server_name localhost; error_page 410 /410-server;
    location /keep { error_page 404 /e.html; return 404; }
    location /to200 { error_page 404 =200 /e.html; return 404; }
    location /to201 { error_page 404 500 =201 /e.html; return 500; }
    location /to204 { error_page 404 =204 /e.html; return 404; }
    location /to304 { error_page 404 =304 /e.html; return 404; }
    location /to404 { error_page 500 =404 /e.html; return 500; }
    location /to301 { error_page 404 =301 /e.html; return 404; }
    location /take { error_page 404 = /show; return 404; }
    location /take2 { error_page 404 = /teapot; return 404; }
    location /named { error_page 404 @n; return 404; }
    location /namedtake { error_page 404 = @n; return 404; }
    location /named418 { error_page 404 =418 @n; return 404; }
    location /nowhere { error_page 404 @nowhere; return 404; }
    location /missing { error_page 404 /none.html; return 404; }
    location /url { error_page 404 http://other.example/x; return 404; }
    location /url301 { error_page 404 =301 http://other.example$uri?a=$status; return 404; }
    location /url303 { error_page 404 =303 http://other.example/; return 404; }
    location /url307 { error_page 404 =307 http://other.example/; return 404; }
    location /url308 { error_page 404 =308 http://other.example/; return 404; }
    location /url200 { error_page 404 =200 http://other.example/; return 404; }
    location /url304 { error_page 404 =304 http://other.example/; return 404; }
    location /urls { error_page 404 https://$host/; return 404; }
    location /relative { error_page 404 e.html; return 404; }
    location /vars { error_page 404 /show/$arg_a$status; return 404; }
    location /args { error_page 404 /show?a=1&b=$uri; return 404; }
    location /argskept { error_page 404 /show; return 404; }
    location /several { error_page 401 403 404 /e.html; error_page 500 502 =200 /show; return 403; }
    location /twice { error_page 404 /e.html; error_page 404 =200 /show; return 404; }
    location /other { error_page 500 /e.html; return 404; }
    location /server410 { return 410; }
    location /410-server { return 200 "gone $status $uri"; }
    location /301 { error_page 301 /e.html; return 301 /there; }
    location /302 { error_page 302 =200 /e.html; return 302 http://x.example/; }
    location /302take { error_page 302 = /show; return 302 /there; }
    location /403 { error_page 403 /e.html; return 403; }
    location /dir403 { alias html/dir/; index none; error_page 403 =200 /e.html; }
    location /405 { error_page 405 =200 /show; alias html/; }
    location /413 { client_max_body_size 1; error_page 413 /e.html; proxy_pass http://%%BACKEND%%; }
    location /416 { error_page 416 /e.html; alias html/e.html; }
    location /412 { error_page 412 =200 /show; alias html/e.html; }
    location /444 { error_page 444 /e.html; return 444; }
    location /494bare { return 494; }
    location /494 { error_page 494 495 496 497 /e.html; return 494; }
    location /495 { error_page 495 =200 /show; return 495; }
    location /497 { return 497; }
    location /499 { return 499; }
    location /599 { error_page 599 /e.html; return 599; }
    location /402 { return 402; }
    location /415 { return 415; }
    location /421 { return 421; }
    location /429 { return 429; }
    location /507 { return 507; }
    location /505 { return 505; }
    location /300 { error_page 300 /e.html; return 300; }
    location /once { error_page 404 /once2; return 404; }
    location /once2 { error_page 404 /e.html; return 404; }
    location /deep { recursive_error_pages on; error_page 404 /deep2; return 404; }
    location /deep2 { recursive_error_pages on; error_page 404 =200 /e.html; return 404; }
    location /deepmixed { recursive_error_pages on; error_page 404 =201 /deepmixed2; return 404; }
    location /deepmixed2 { recursive_error_pages on; error_page 404 500 =202 /show; return 500; }
    location /half { recursive_error_pages on; error_page 404 /once; return 404; }
    location /cycle { recursive_error_pages on; error_page 404 /cycle; return 404; }
    location /cyclenamed { recursive_error_pages on; error_page 404 = @c; return 404; }
    location @c { recursive_error_pages on; error_page 404 = @c; return 404; }
    location /to500 { error_page 404 /fails; return 404; }
    location /fails { return 503; }
    location /redirects { error_page 404 = /moved; return 404; }
    location /redirectskeep { error_page 404 /moved; return 404; }
    location /moved { return 302 /there; }
    location /proxied { error_page 404 = /backend; return 404; }
    location /proxiedkeep { error_page 404 /backend; return 404; }
    location /backend { proxy_pass http://%%BACKEND%%; }
    location /intercept { proxy_pass http://%%BACKEND%%; proxy_intercept_errors on; error_page 401 403 404 /e.html; error_page 302 503 = /show; error_page 500 =200 @n; }
    location /nointercept { proxy_pass http://%%BACKEND%%; error_page 404 /e.html; }
    location /nopage { proxy_pass http://%%BACKEND%%; proxy_intercept_errors on; }
    location /internal { error_page 404 /int; return 404; }
    location /int { internal; return 200 "internal $uri"; }
    location /rewritten { error_page 404 /rw/x; return 404; }
    location /rw { rewrite ^/rw/(.*)$ /show/$1 last; }
    location /dirpage { error_page 404 /dir/; return 404; }
    location /dirpage2 { error_page 404 /dir; return 404; }
    location /blank { error_page 404 "/a b.html"; return 404; }
    location /blank2 { error_page 404 /a%20b.html; return 404; }
    location /headers { error_page 404 /headers2; add_header X-A a always; return 404; }
    location /headers2 { add_header X-B b always; return 200 h; }
    location /if { if ($arg_a) { error_page 404 =200 /show; } error_page 404 /e.html; return 404; }
    location /try { try_files /none =404; error_page 404 /e.html; }
    location /text { error_page 404 /e.html; return 404 text; }
    location /outer { error_page 404 =200 /show; location /outer/in { return 404; } location /outer/own { error_page 500 /x; return 404; } }
    location /show { return 200 "$uri|$args|$status|$request_uri|$request_method|$request_completion"; }
    location /teapot { return 418 teapot; }
    location @n { return 200 "named $uri $args $status"; }
    location / { }
}
"""
TARGETS = sorted({line.split()[1] for line in CONF.split("\n") if line.startswith("    location /")} - {"/"})


def answer(conn, request):
    for status in ("401 Unauthorized", "403 Forbidden", "404 Not Found", "500 Oops", "503 Busy", "302 Found", "418 Teapot"):
        if status[:3] in request.target:
            fields = [("WWW-Authenticate", "Basic")] if status[0:3] == "401" else [("Location", "/x")] if status[0] == "3" else [("X-B", "b")]
            return reply("backend " + status, status, headers=fields)
    return reply("backend " + request.line)


@pytest.fixture(scope="module")
def both(pair):
    return pair(CONF, files=FILES, script=answer)


@pytest.mark.parametrize("target", TARGETS)
def test_what_answers(both, target):
    both.agree(target, inexact=("last-modified",))


@pytest.mark.parametrize("target", ["/keep?x=1", "/argskept?x=1", "/take?x=1", "/vars?a=z", "/namedtake?q", "/if?a=1", "/outer/in", "/outer/own", "/none", "/server410?a",
                                    "/url301?x", "/dir403/", "/404x", "/proxied?q", "/rewritten?q", "/internal/x", "/int", "/405/e.html",
                                    "/intercept/401", "/intercept/403", "/intercept/404", "/intercept/500", "/intercept/503", "/intercept/302",
                                    "/intercept/418", "/intercept/200", "/nointercept/404", "/nopage/404", "/416\nRange: bytes=100-"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_methods_and_arguments(both, method, target):
    both.agree(f"{method} {target}", inexact=("last-modified",))


@pytest.mark.parametrize("target", ["/keep", "/to200", "/405/post", "/413", "/take", "/namedtake", "/proxied", "/intercept/404", "/url", "/backend/200", "/302take"])
def test_a_body_with_an_error(both, target):
    both.agree(f"POST {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 5\r\n\r\n12345".encode(), inexact=("last-modified",))
