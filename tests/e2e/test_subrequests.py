"""auth_request as oauth2-proxy's and Authelia's documents have it; mirrors that hang; clients that leave; words for mistakes."""
import threading

import pytest

import client
from origin import reply
from tls_client import get_tls, https, site_files
from wait import until

OAUTH2 = """server { listen 127.0.0.1:%%PORT%%;
    location /oauth2/ { proxy_pass http://%%AUTH%%; proxy_set_header Host $host; proxy_set_header X-Real-IP $remote_addr;
        proxy_set_header X-Auth-Request-Redirect $request_uri; }
    location = /oauth2/auth { proxy_pass http://%%AUTH%%; proxy_set_header Host $host; proxy_set_header X-Real-IP $remote_addr;
        proxy_set_header X-Forwarded-Uri $request_uri; proxy_set_header Content-Length ""; proxy_pass_request_body off; }
    location / { auth_request /oauth2/auth; error_page 401 = /oauth2/sign_in;
        auth_request_set $user $upstream_http_x_auth_request_user; auth_request_set $email $upstream_http_x_auth_request_email;
        proxy_set_header X-User $user; proxy_set_header X-Email $email;
        auth_request_set $token $upstream_http_x_auth_request_access_token; proxy_set_header X-Access-Token $token;
        auth_request_set $auth_cookie $upstream_http_set_cookie; add_header Set-Cookie $auth_cookie;
        proxy_pass http://%%APP%%; } }"""

AUTHELIA = """server { listen 127.0.0.1:%%PORT%%;
    location /internal/authelia/authz { internal; proxy_pass http://%%AUTH%%/api/authz/auth-request;
        proxy_set_header X-Original-Method $request_method; proxy_set_header X-Original-URL $scheme://$http_host$request_uri;
        proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header Content-Length ""; proxy_set_header Connection "";
        proxy_pass_request_body off; proxy_http_version 1.1; }
    location / { auth_request /internal/authelia/authz; auth_request_set $user $upstream_http_remote_user;
        auth_request_set $redirection_url $upstream_http_location; proxy_set_header Remote-User $user;
        error_page 401 =302 $redirection_url; proxy_pass http://%%APP%%; } }"""


def test_oauth2_proxy(usher, origin):
    def judge(conn, request):
        if request.target == "/oauth2/auth" and request.get("Cookie") == "ok":
            return reply(b"", status="202 Accepted", X_Auth_Request_User="joe", X_Auth_Request_Email="j@e", Set_Cookie="renewed")
        return reply(b"sign in", status="401 Unauthorized") if request.target == "/oauth2/auth" else reply(b"the form", status="403 Forbidden")
    auth, app = origin(judge), origin(lambda conn, request: reply(b"app"))
    u = usher(OAUTH2, AUTH=auth, APP=app)
    refused = client.raw(u.port, b"GET /x?y HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    assert refused.startswith(b"HTTP/1.1 403") and refused.endswith(b"the form") and not app.requests
    body = b"POST /x?y HTTP/1.1\r\nHost: h\r\nCookie: ok\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody"
    assert b"Set-Cookie: renewed" in client.raw(u.port, body)
    assert auth.requests[-1].body == b"" and auth.requests[-1].get("X-Forwarded-Uri") == "/x?y"
    (seen,) = app.requests
    assert (seen.get("X-User"), seen.get("X-Email"), seen.get("X-Access-Token"), seen.body) == ("joe", "j@e", None, b"body")


def test_authelia(usher, origin):
    def judge(conn, request):
        if request.get("Cookie") == "ok":
            return reply(b"", Remote_User="joe")
        return reply(b"", status="401 Unauthorized", Location="https://auth.example/?rd=" + request.get("X-Original-URL"))
    auth, app = origin(judge), origin(lambda conn, request: reply(b"app"))
    u = usher(AUTHELIA, AUTH=auth, APP=app)
    refused = client.raw(u.port, b"DELETE /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    assert refused.startswith(b"HTTP/1.1 302") and b"Location: https://auth.example/?rd=http://h/x" in refused
    assert auth.requests[0].get("X-Original-Method") == "DELETE" and auth.requests[0].method == "GET"
    assert client.raw(u.port, b"GET / HTTP/1.1\r\nHost: h\r\nCookie: ok\r\nConnection: close\r\n\r\n").endswith(b"app")
    assert app.requests[0].get("Remote-User") == "joe"


@pytest.mark.usher_only("nginx announces a body to the judge that never comes")
def test_the_judge_is_told_of_no_body(usher, origin):
    auth = origin(lambda conn, request: reply(b""))
    u = usher("server { listen 127.0.0.1:%%PORT%%; location / { auth_request /auth; proxy_pass http://%%AUTH%%; } location /auth { proxy_pass http://%%AUTH%%; } }",
              AUTH=auth)
    client.raw(u.port, b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody")
    assert [(r.method, r.get("Content-Length"), r.body) for r in auth.requests] == [("GET", "0", b""), ("POST", "4", b"body")]


@pytest.mark.usher_only("nginx serves the next request of a connection when the mirror has answered")
def test_nobody_waits_for_a_mirror(usher, origin):
    hangs = origin(lambda conn, request: conn.wait_closed())
    u = usher("server { listen 127.0.0.1:%%PORT%%; location / { mirror /m; root html; } location /m { proxy_pass http://%%HANGS%%; } }",
              HANGS=hangs, files={"html/f": "file"})
    twice = b"GET /f HTTP/1.1\r\nHost: h\r\n\r\nGET /f HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    assert client.raw(u.port, twice).count(b"200 OK") == 2
    hangs.wait_requests(2)


def test_a_client_that_leaves_ends_the_judge(usher, origin):
    auth = origin(lambda conn, request: conn.wait_closed())
    u = usher("server { listen 127.0.0.1:%%PORT%%; location / { auth_request /auth; root html; } location /auth { proxy_pass http://%%AUTH%%; } }", AUTH=auth)
    c = client.connect(u.port)
    c.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    auth.wait_requests(1)
    c.reset()
    assert auth.connections[0].gone.wait(10)


MISTAKES = [
    ("auth_request;", 'invalid number of arguments in "auth_request" directive'),
    ("auth_request /a /b;", 'invalid number of arguments in "auth_request" directive'),
    ("auth_request_set user v;", 'invalid variable name "user"'),
    ("auth_request_set $uri v;", 'the duplicate "uri" variable'),
    ("mirror;", 'invalid number of arguments in "mirror" directive'),
    ("mirror_request_body maybe;", 'invalid value "maybe" in "mirror_request_body" directive'),
    ("add_before_body;", 'invalid number of arguments in "add_before_body" directive'),
    ("ssi yes;", 'invalid value "yes" in "ssi" directive'),
    ("ssi_types;", 'invalid number of arguments in "ssi_types" directive'),
]


@pytest.mark.parametrize("line, words", MISTAKES, ids=[m[0] for m in MISTAKES])
def test_mistakes_are_told_in_nginx_words(usher, line, words):
    done = usher("server { listen 127.0.0.1:%%PORT%%; " + line + " }", start=False).run("-t")
    assert done.returncode == 1 and words in done.stderr


def test_a_sub_request_is_logged_where_that_is_wanted(usher):
    u = usher("""log_format f '$uri $status $request_method'; access_log logs/f.log f; server { listen 127.0.0.1:%%PORT%%; root html;
                 location / { auth_request /auth; } location /auth { log_subrequest on; return 204; } }""", files={"html/f": "file"})
    client.raw(u.port, b"GET /f HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    u.stop()
    assert (u.prefix / "logs/f.log").read_text().splitlines() == ["/auth 204 GET", "/f 200 GET"]


@pytest.mark.usher_only("nginx keeps the client until the mirror has answered")
def test_a_mirror_that_outlives_its_client_says_nothing_of_its_tls(usher, origin):
    gate = threading.Event()
    slow = origin(lambda conn, request: gate.wait(10) and reply(b"late"))
    u = usher("log_format says '$uri [$ssl_protocol$ssl_server_name$ssl_client_verify$ssl_client_s_dn]';\n" +
              https("location / { mirror /m; root html; }"
                    "location /m { log_subrequest on; access_log mirror.log says; proxy_pass http://%%SLOW%%; }"),
              SLOW=slow, files=site_files(**{"html/f": "file"}))
    assert get_tls(u, "/f").text == "file"
    slow.wait_requests(1)
    gate.set()
    until(lambda: (u.prefix / "mirror.log").read_text())
    assert (u.prefix / "mirror.log").read_text() == "/m [----]\n"
