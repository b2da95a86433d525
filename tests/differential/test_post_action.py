"""post_action: what is asked when a request is over."""
import pytest

import proxy
from conftest import NGINX, Seen, echo
from origin import Origin, reply
from wait import until


def server(body):
    return "server { listen 127.0.0.1:%%PORT%%; server_name localhost; server_tokens off; " + body + " }"


ASK = ("proxy_pass http://%%AFTER%%; proxy_set_header X-Seen "
       '"$request_completion|$body_bytes_sent|$request_uri|$request_method|$arg_a"; ')
BODIES = {
    "static": "location / { post_action /done; } location = /done { internal; " + ASK + "}",
    "proxied": "location / { proxy_pass http://%%BACKEND%%; post_action /done; } location = /done { internal; " + ASK + "}",
    "named": "location / { post_action @done; } location @done { " + ASK + "}",
    "server": "post_action /done; location / { return 200 text; } location = /done { post_action off; " + ASK + "}",
    "if": "location / { if ($arg_a) { post_action /done; } } location = /done { internal; " + ASK + "}",
    "error": "location / { post_action /done; error_page 404 /f; } location = /done { internal; " + ASK + "}",
    "rewritten": "location / { post_action /done; } location = /done { internal; rewrite ^ /n?x=$arg_a break; " + ASK + "}",
}
REQUESTS = ["/f?a=b", "/none?a=c", "HEAD /f?a=d", "POST /f?a=e", "/?a=%20"]


def said(origin, server):
    return [(r.line.replace("HTTP/1.0", "HTTP/1.1"), Seen.plain(r.get("X-Seen"), server)) for r in origin.requests]


@pytest.mark.parametrize("name", BODIES)
def test_what_is_asked_afterwards(stage, name):
    seen = []
    for program in (NGINX, proxy.BIN):
        backend, after = Origin(echo), Origin(lambda conn, request: reply(b"dropped", status="500 No"))
        stage.origins += [backend, after]
        p = proxy.Proxy("root html;\n" + server(BODIES[name]), program=program, BACKEND=backend, AFTER=after,
                        files={"html/f": "a file", "html/index.html": "an index"})
        stage.proxies.append(p)
        p.start()
        for n, request in enumerate(REQUESTS, 1):
            Seen(p, request)
            until(lambda: len(after.requests) >= n, f"what comes after {request}")
        seen.append(said(after, p))
    assert seen[0] == seen[1]
