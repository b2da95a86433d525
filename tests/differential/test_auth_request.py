"""auth_request: whom a sub-request lets in, and what is known of it afterwards."""
import pytest

from origin import reply


def server(body):
    return "server { listen 127.0.0.1:%%PORT%%; server_name localhost; " + body + " }"


FILES = {"html/index.html": "index\n", "html/f": "file\n", "html/auth": "x", "html/page": "page\n"}

POST = b"POST /f HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"

AUTH = [
    "return 200", "return 204", "return 299", "return 200 text", "return 301 /x", "return 302 http://e/", "return 304", "return 400",
    "return 401", "return 402", "return 403", "return 404", "return 500", "return 503", "return 418 x", "proxy_pass http://127.0.0.1:1",
    "proxy_pass http://%%BACKEND%%", "root html", "deny all", "internal; return 200", "error_page 404 = /ok; return 404",
    "error_page 403 = /ok; return 403", "error_page 500 =204 /ok; return 500", "rewrite ^ /ok last", "rewrite ^ /ok redirect",
    "try_files /ok =401", "try_files /none =401", "alias html/index.html",
]


@pytest.mark.parametrize("auth", AUTH)
def test_what_the_sub_request_may_say(agree, auth):
    auth = "" if auth == "deny all" else auth + ";"  # not there yet
    agree(server("location / { auth_request /auth; } location = /auth { %s } location = /ok { return 200 ok; }" % auth),
          ["/f", "HEAD /f", "/none", "/", *([] if "BACKEND" in auth else [POST]), "/f\nIf-None-Match: *",
           "/f\nRange: bytes=0-1"], files=FILES, inexact=("last-modified",))


STATUSES = {
    "401-www": b"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 4\r\n\r\nbody",
    "401-two": b"HTTP/1.1 401 No\r\nWWW-Authenticate: A\r\nX-Other: y\r\nSet-Cookie: c\r\nContent-Length: 0\r\n\r\n",
    "401-none": b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n",
    "403-www": b"HTTP/1.1 403 No\r\nWWW-Authenticate: A\r\nContent-Length: 0\r\n\r\n",
    "200-cookie": b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nX-User: joe\r\nContent-Length: 5\r\n\r\nhello",
    "202-chunked": b"HTTP/1.1 202 OK\r\nTransfer-Encoding: chunked\r\nX-User: joe\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "200-close": b"HTTP/1.1 200 OK\r\nConnection: close\r\nX-User: joe\r\n\r\nuntil the end",
    "500": b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
    "302": b"HTTP/1.1 302 No\r\nLocation: http://login/\r\nContent-Length: 0\r\n\r\n",
    "accel": b"HTTP/1.1 200 OK\r\nX-Accel-Redirect: /teapot\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("name", STATUSES)
def test_a_backend_that_judges(agree, name):
    agree(server("""
        location / { auth_request /auth; auth_request_set $user $upstream_http_x_user; auth_request_set $cookie $upstream_http_set_cookie;
            auth_request_set $status_there $upstream_status; add_header X-User $user always; add_header Set-Cookie $cookie always;
            add_header X-Status "$status_there|$upstream_status|$upstream_http_x_user" always; }
        location /own { auth_request /auth; error_page 401 = @login; error_page 403 /sorry; error_page 500 =503 /sorry; root html; }
        location @login { return 302 /login?to=$request_uri; }
        location = /sorry { return 200 "sorry $status"; } location = /teapot { return 403; }
        location = /auth { internal; proxy_pass http://%%BACKEND%%; proxy_pass_request_body off; }"""),
          ["/f", "HEAD /f", "/own/f", "/auth"], script=STATUSES[name], files=dict(FILES, **{"html/own/f": "own\n"}), inexact=("last-modified",))


@pytest.mark.parametrize("auth", ["", "proxy_pass_request_body off;", 'proxy_set_header Content-Length "";',
                                  'proxy_pass_request_body off; proxy_set_header Content-Length "";', "proxy_set_body set;",
                                  "proxy_method POST;", "proxy_pass_request_headers off;", "rewrite ^ /y?z=1 break;",
                                  "proxy_set_header X-Uri $request_uri; proxy_set_header X-Method $request_method;"
                                  "proxy_set_header X-Own $uri|$args|$request|$content_length|$http_x_a|$request_length;"])
def test_what_the_backend_is_asked(agree, auth):
    """A backend that says in a field what it was asked."""
    def tell(conn, request):
        said = request.line + "|" + "|".join(f"{k}={v}" for k, v in sorted(request.headers) if k not in ("Host", "Connection"))
        return reply(b"", headers=[("X-Asked", said + "|" + request.body.decode())])
    agree(server("""location / { auth_request /auth?x=1; auth_request_set $asked $upstream_http_x_asked; add_header X-Asked $asked; root html; }
                    location /p { auth_request /auth; auth_request_set $asked $upstream_http_x_asked; add_header X-Asked $asked;
                                  proxy_pass http://%%BACKEND%%; }
                    location /auth { proxy_pass http://%%BACKEND%%; """ + auth + " }"),
          ["/f?a=b", "HEAD /f", "POST /p\nContent-Length: 0\nX-A: b",
           # nginx would announce a body to the judge that never comes
           *([b"POST /p HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nConnection: close\r\nX-A: b\r\n\r\nbody"]
             if 'Content-Length ""' in auth or "set_body" in auth else []),
           b"PUT /p?q=%20 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
           "/f\nRange: bytes=0-1\nIf-None-Match: x\nCookie: c=d\nExpect: nothing", "DELETE /p"],
          script=tell, files=FILES, inexact=("last-modified",))


PLACES = [
    "auth_request /auth; location / { %s } location /auth { return 204; } location /off { auth_request off; return 200 off; }",
    "auth_request /auth; location / { } location /auth { return 403; } location /off { auth_request off; }",
    "auth_request /auth; error_page 403 = @no; location / { } location /auth { return 403; } location @no { return 200 no; }",
    "auth_request /auth; error_page 403 /no; location / { } location /auth { return 403; } location /no { root html; }",
    "location / { auth_request /auth; index page; } location /auth { return 204; }",
    "location / { auth_request /auth; try_files /none /page; } location /auth { return 204; }",
    "location / { auth_request /auth; return 200 early; } location /auth { return 403; }",
    "location / { auth_request /one; rewrite ^ /two break; } location /one { return 204; } location /two { return 403; }",
    "location / { auth_request /auth; } location /auth { auth_request /deeper; return 204; } location /deeper { return 403; }",
    "location / { auth_request /auth%%2F; %s } location /auth { return 204; }",
    "location / { auth_request auth; %s } location /auth { return 204; }",
    "location / { auth_request /auth?a=403; } location /auth { if ($arg_a) { return 403; } return 204; }",
    "set $a s; location / { set $v 1; auth_request /auth; set $w 2; add_header X-V $v$w$a; } location /auth { set $v 3; set $a t; return 204; }",
    "location / { auth_request /auth; add_header X-V $v; } location /auth { set $v $uri; return 204; }",
    "location / { set $v 1; auth_request /auth; auth_request_set $v $uri$v; add_header X-V $v; } location /auth { return 204; }",
    "location / { auth_request /auth; auth_request_set $v $status; auth_request_set $w $request_uri; add_header X-V $v$w; } location /auth { return 204; }",
    "location / { auth_request /auth; auth_request_set $v $uri; add_header X-V $v always; } location /auth { return 403; }",
    "auth_request_set $v a; location / { auth_request /auth; add_header X-V $v; } location /n { auth_request /auth; auth_request_set $w b; add_header X-V $v$w; return 200; } location /auth { return 204; }",
    "location ~ ^/(?<name>.)(.*) { auth_request /auth; add_header X-V $name$1$2; } location = /auth { return 204; }",
    "location ~ ^/(?<name>f)(.*) { auth_request /auth; add_header X-V $name$1$2; } location ~ ^/a(?<name>u)(.*) { return 204; }",
    "if ($uri ~ ^/(.)(.*)) { set $z 1; } location / { auth_request /auth; add_header X-V $1$2$z; } location /auth { return 204; }",
]


@pytest.mark.parametrize("body", PLACES, ids=range(len(PLACES)))
def test_where_it_holds(agree, body):
    agree(server("root html; " + body.replace("%s", "").replace("%%", "%")), ["/f", "/", "/off", "/n", "/auth", "/none", "HEAD /"],
          files=FILES, inexact=("last-modified",))
