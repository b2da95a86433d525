"""mirror: what the mirrors are asked, and what the client sees of it."""
import pytest

import proxy
from conftest import NGINX, Seen, echo
from origin import Origin, reply
from wait import until

POST = b"POST /p?a=b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nX-A: b\r\nConnection: close\r\n\r\nbody"
CHUNKED = b"PUT /p HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n4\r\nbody\r\n0\r\n\r\n"
LARGE = b"POST /large HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\nConnection: close\r\n\r\n" + b"x" * 100000
REQUESTS = ["/f?a=b", "HEAD /f", "/", "/none", POST, CHUNKED, LARGE, "DELETE /p/x%20y", "/f\nRange: bytes=0-1\nCookie: c=d", "/m"]


def said(origin, server):
    return sorted((r.line, sorted((k, Seen.plain(v, server).replace(origin.address, "MIRROR")) for k, v in r.headers if k != "Connection"),
                   r.body) for r in origin.requests)


def both(stage, text, requests, files, script=lambda conn, request: reply(b"dropped", status="500 No")):
    """What nginx's mirrors were asked, and usher's, one request after the other."""
    seen = []
    for program in (NGINX, proxy.BIN):
        backend, mirror = Origin(echo), Origin(script)
        stage.origins += [backend, mirror]
        server = proxy.Proxy("proxy_http_version 1.1; root html;\n" + text, program=program, files=files, BACKEND=backend, MIRROR=mirror)
        stage.proxies.append(server)
        server.start()
        answers = [Seen(server, r, ("last-modified",)) for r in requests]
        if seen:
            until(lambda: len(mirror.requests) >= len(seen[0][1]), "as many mirrored requests as nginx makes")
        for a in answers:
            a.body = a.body.replace(backend.address, "BACKEND")
        seen.append((answers, said(mirror, server)))
    assert seen[0][1] == seen[1][1]
    for request, expected, got in zip(requests, seen[0][0], seen[1][0]):
        assert got == expected, request


def server(body):
    return "server { listen 127.0.0.1:%%PORT%%; server_name localhost; " + body + " }"


TO = "location = /m { internal; proxy_pass http://%%MIRROR%%$request_uri; }"
BODIES = {
    "static": "location / { mirror /m; } " + TO,
    "proxied": "location / { mirror /m; proxy_pass http://%%BACKEND%%; } " + TO,
    "no-body": "location / { mirror /m; mirror_request_body off; proxy_pass http://%%BACKEND%%; } location = /m { internal; "
               'proxy_pass http://%%MIRROR%%$request_uri; proxy_pass_request_body off; proxy_set_header Content-Length ""; }',
    "two": "location / { mirror /m; mirror /n; proxy_pass http://%%BACKEND%%; } location = /n { proxy_pass http://%%MIRROR%%; } " + TO,
    "server": "mirror /m; location / { } location /p { mirror off; } location /large { mirror /n; } location /n { proxy_pass http://%%MIRROR%%/n; } "
              "location = /m { mirror off; internal; proxy_pass http://%%MIRROR%%$request_uri; }",
    "plain-uri": "location / { mirror /m; } location = /m { internal; proxy_pass http://%%MIRROR%%; }",
    "fields": "location / { mirror /m; } location = /m { internal; proxy_pass http://%%MIRROR%%; proxy_set_header X-Uri "
              '"$uri|$args|$request_uri|$request_method|$request|$host|$remote_addr|$content_length"; }',
    "return": "location / { mirror /m; return 200; } " + TO,
    "try_files": "location / { mirror /m; try_files $uri =404; } " + TO,
    "try_files-uri": "location / { mirror /m; try_files $uri /f; } location = /f { } " + TO,
    "error_page": "error_page 404 /f; location / { mirror /m; } " + TO,
    "rewritten": "location / { mirror /m; } location = /m { rewrite ^ /n?x=y break; proxy_pass http://%%MIRROR%%; }",
    "set": "location / { set $v here; mirror /m; add_header X-V $v; } location = /m { proxy_set_header X-V $v; set $w 1; "
           "proxy_pass http://%%MIRROR%%; }",
    "auth": "location / { auth_request /a; mirror /m; } location = /a { if ($request_uri ~ none) { return 403; } return 204; } " + TO,
    "args": "location / { mirror /m?x=y; } location /m { proxy_pass http://%%MIRROR%%; }",
    "missing": "location / { mirror /missing; }",
    "answers-here": "location / { mirror /here; } location /here { return 200 here; }",
}


@pytest.mark.parametrize("name", BODIES)
def test_mirror(stage, name):
    both(stage, server(BODIES[name]), REQUESTS, {"html/index.html": "index\n", "html/f": "file\n"})
