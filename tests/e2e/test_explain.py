"""usher explain: what a request would meet, told by the steps that would do it; nothing is asked."""
import subprocess

import pytest

from proxy import BIN

pytestmark = pytest.mark.usher_only
CONF = """upstream app { server 10.0.0.1:8000; server 10.0.0.2:8000 weight=2; }
server {
    listen 80;
    server_name example.com;
    add_header X-Frame-Options DENY always;
    client_max_body_size 2m;
    rewrite ^/old/(.*)$ /app/$1;
    set_real_ip_from 127.0.0.1;
    location / { root /nowhere; error_page 404 = @last; }
    location /app/ {
        if ($arg_to = img) { set $kind a$arg_n; rewrite ^ /x.png last; }
        proxy_set_header Host $host;
        proxy_pass http://app/v1/;
        location ~ \\.php$ { fastcgi_pass unix:/run/php.sock; fastcgi_param A b; }
    }
    location ~ \\.png$ { proxy_pass http://no-such-host.invalid:81; }
    location ~ ^/x { }
    location = /hi { return 200 hi; }
    location ^~ /static/ { return 302 /there; }
    location @last { proxy_pass http://$host:9000$request_uri; }
    location = /inner { internal; }
    location = /get { proxy_pass http://127.0.0.1:1; limit_except GET { proxy_pass http://127.0.0.1:2; } }
    location /some/ { proxy_pass http://127.0.0.1:3; }
    location = /same { rewrite ^ /same break; }
}
server { listen 80; server_name other.com; return 301 https://$host$request_uri; }
server { listen 8443; server_name ~^(?<who>.+)\\.net$; location / { return 200 $who; } }
"""


@pytest.fixture(scope="module")
def explain(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explain")
    (folder / "a.conf").write_text(CONF)

    def run(*args, conf="a.conf"):
        return subprocess.run([BIN, "explain", conf, *args], cwd=folder, capture_output=True, text=True,
                              timeout=20)
    run.folder = folder
    return run


def lines(done):
    assert done.returncode == 0, done.stderr
    return [line.rstrip() for line in done.stdout.splitlines()]


def test_a_request_is_followed_to_its_upstream(explain):
    assert lines(explain("GET", "http://example.com/old/x?y=1", "-H", "X-A: b", "--from", "192.0.2.7")) == [
        "listen     0.0.0.0:80  (a.conf:3)",
        "server     example.com: has the request's host  (a.conf:2)",
        "real ip    set_real_ip_from 127.0.0.1  (a.conf:8)",
        "rewrite    rewrite ^/old/(.*)$ /app/$1: /old/x becomes /app/x?y=1  (a.conf:7)",
        "location   /app/, the longest prefix, and no regular expression matches  (a.conf:10)",
        "           not /: shorter  (a.conf:9)",
        "           not ~ \\.png$: does not match  (a.conf:16)",
        "           not ~ ^/x: does not match  (a.conf:17)",
        "           not ~ \\.php$: does not match  (a.conf:14)",
        "limit      client_max_body_size 2m  (a.conf:6)",
        "rewrite    if ($arg_to = img): does not hold  (a.conf:11)",
        "content    proxy_set_header Host $host  (a.conf:12)",
        "content    proxy_pass http://app/v1/  (a.conf:13)",
        "upstream   upstream app  (a.conf:1)",
        "           server 10.0.0.1:8000  (a.conf:1)",
        "           server 10.0.0.2:8000 weight=2  (a.conf:1)",
        "           over HTTP/1",
        "sends      GET /v1/x?y=1 HTTP/1.1",
        "           Host: example.com",
        "           X-A: b",
        "response   add_header X-Frame-Options DENY always  (a.conf:5)",
        "answer     the backend's, and these fields:",
        "           X-Frame-Options: DENY",
    ]


@pytest.mark.parametrize("args, told", [
    (("GET", "http://other.com/a"), ["rewrite    return 301 https://$host$request_uri: 301 to https://other.com/a  "
                                     "(a.conf:26)", "answer     301"]),
    (("GET", "http://nobody/hi"), ["server     example.com: the address's first, as none has the request's host  "
                                   "(a.conf:2)"]),
    (("GET", "http://example.com/hi"), ["location   = /hi, exactly this path  (a.conf:18)",
                                        "           not /: an exact one goes before  (a.conf:9)",
                                        "rewrite    return 200 hi: 200  (a.conf:18)"]),
    (("GET", "http://example.com/static/x.png"), [
        "location   ^~ /static/, the longest prefix  (a.conf:19)",
        "           not ~ \\.png$: regular expressions are not asked  (a.conf:16)",
        "rewrite    return 302 /there: 302 to http://example.com/there  (a.conf:19)"]),
    (("GET", "http://example.com/x.png"), [
        "location   ~ \\.png$, the first regular expression that matches  (a.conf:16)",
        "           not /: a regular expression goes before  (a.conf:9)",
        "           not ~ ^/x: comes later  (a.conf:17)",
        "upstream   no-such-host.invalid:81 over HTTP/1"]),
    (("GET", "http://example.com/app/y?to=img&n=7"), [
        "rewrite    if ($arg_to = img): holds  (a.conf:11)",
        'rewrite        set $kind a$arg_n: "a7"  (a.conf:11)',
        "rewrite        rewrite ^ /x.png last: /app/y becomes /x.png?to=img&n=7  (a.conf:11)",
        "location   ~ \\.png$, the first regular expression that matches  (a.conf:16)"]),
    (("GET", "http://example.com/app/y.php"), [
        "location   ~ \\.php$, the first regular expression that matches  (a.conf:14)",
        "content    fastcgi_param A b  (a.conf:14)", "upstream   unix:/run/php.sock over FastCGI"]),
    (("GET", "http://example.com/none"), [
        "           root /nowhere  (a.conf:9)", "content    static: 404", "error      error_page of 404",
        "location   @last, by its name  (a.conf:20)", "upstream   example.com:9000 over HTTP/1"]),
    (("POST", "http://example.com/app/", "-H", "Content-Length: 9000000"), [
        "limit      client_max_body_size 2m  (a.conf:6)", "limit      client_max_body_size: 413",
        "answer     413"]),
    (("GET", "https://a.net:8443/"), ["listen     0.0.0.0:8443: speaks no TLS, the URL does  (a.conf:27)",
                                     "server     ~^(?<who>.+)\\.net$: has the request's host  (a.conf:27)"]),
    (("GET", "http://example.com/inner"), ["location   = /inner, exactly this path  (a.conf:21)",
                                           "           internal: 404 for clients", "answer     404"]),
    (("PUT", "http://example.com/get"), ["           limit_except: the method is none of these  (a.conf:22)",
                                         "upstream   127.0.0.1:2 over HTTP/1"]),
    (("GET", "http://example.com/some"), ["location   /some/, the longest prefix, and no regular expression matches  "
                                          "(a.conf:23)",
                                          "           but for its slash: 301 to http://example.com/some/"]),
    (("GET", "/hi", "-H", "Host: other.com"), ["server     other.com: has the request's host  (a.conf:26)"]),
    (("GET", "http://example.com/%zz"), [
        "logs       [info] client sent invalid request: invalid URI while reading client request headers", "answer     400"]),
    (("TRACE", "http://example.com/"), ["answer     405"]),
    (("GET", "http://example.com:99?a#b"), ["listen     0.0.0.0:80, as nothing listens on port 99  (a.conf:3)",
                                            "location   /, the longest prefix, and no regular expression matches  (a.conf:9)"]),
    (("GET", "http://example.com/same"), ["rewrite    rewrite ^ /same break: /same becomes /same  (a.conf:24)"]),
    (("GET", "http://example.com/app/y.php"), ["sends      A: b"]),
])
def test_each_step_tells_what_it_came_to(explain, args, told):
    said = lines(explain(*args))
    assert [line for line in told if line not in said] == [], "\n".join(said)


ACCESS = """server {
    listen 80;
    location /all { allow 10.0.0.0/8; deny all; }
    location /any { satisfy any; allow 10.0.0.0/8; deny all; auth_basic a; auth_basic_user_file htpasswd; auth_delay 9s; }
}
"""


@pytest.mark.parametrize("args, told", [
    (("/all", "--from", "10.1.2.3"), ["access     deny all  (access.conf:3)", "access     access: lets the request in"]),
    (("/all",), ["logs       [error] access forbidden by rule", "access     access: 403", "answer     403"]),
    (("/any",), ["access     access: 403", "auth       auth_basic: 401", "access     satisfy: 401",
                 '           WWW-Authenticate: Basic realm="a"']),
    (("/any",), ["           asks for a password, realm \"a\": say it with -H 'Authorization: Basic ...'"]),
    (("/any", "-H", "Authorization: Basic dTpw"), ['           the password of "u" is right',
                                                  "auth       auth_basic: lets the request in"]),
    (("/any", "-H", "Authorization: Basic dTpwcA=="), ['logs       [error] user "u": password mismatch',
                                                      "auth       auth_basic: 401", "answer     401"]),
])
def test_access_is_decided(explain, args, told):
    (explain.folder / "access.conf").write_text(ACCESS)
    (explain.folder / "htpasswd").write_text("u:{PLAIN}p\n")
    said = lines(explain("GET", *args, conf="access.conf"))
    assert [line for line in told if line not in said] == [], "\n".join(said)


ASKS = """limit_req_zone $binary_remote_addr zone=perip:1m rate=10r/s;
limit_conn_zone $arg_who zone=who:1m;
server {
    listen 80;
    listen 443 ssl;
    ssl_reject_handshake on;
    location / { limit_req zone=perip burst=20 nodelay; limit_conn who 5; mirror /copy; root .; }
    location /app { auth_request /auth; error_page 401 = @login; proxy_pass http://127.0.0.1:1; }
    location = /auth { proxy_pass http://127.0.0.1:9/judge; }
    location /no { auth_request /never; root .; log_subrequest on; }
    location = /never { internal; log_subrequest on; return 403; }
    location @login { return 302 /login; }
    location /tls { return 200 "$ssl_server_name $ssl_protocol $ssl_client_verify $ssl_session_id"; }
    location /old { error_page 404 /page; return 404; }
    location = /page { proxy_pass http://127.0.0.1:1; }
    location /post { proxy_pass http://127.0.0.1:1; }
}
"""


@pytest.mark.parametrize("args, told", [
    (("GET", "/", "--from", "192.0.2.7"), [
        "limit      limit_req zone=perip burst=20 nodelay  (asks.conf:7)",
        "           limit_req_zone $binary_remote_addr zone=perip:1m rate=10r/s  (asks.conf:1)",
        "           counts 192.0.2.7, which is taken to be within the limit",
        "           the key is empty: not counted",
        "           copies the request to /copy, and waits for no answer"]),
    (("GET", "/?who=me"), ['           counts "me", which is taken to be within the limit']),
    (("GET", "/app"), [
        "auth       asks /auth:", "location       = /auth, exactly this path  (asks.conf:9)",
        "sends          GET /judge HTTP/1.1", "auth       the backend answers 200, which is assumed",
        "upstream   127.0.0.1:1 over HTTP/1"]),
    (("GET", "/no"), ["rewrite        return 403: 403  (asks.conf:11)", "auth       it answers 403", "answer     403"]),
    (("GET", "https://a.example/tls"), ["answer     200"]),
    (("GET", "/old"), ["answer     the backend's, as 404"]),
    (("POST", "/post", "-H", "Content-Length: 4"), ["           Content-Length: 4"]),
])
def test_what_is_asked_of_others_is_told(explain, args, told):
    (explain.folder / "asks.conf").write_text(ASKS)
    said = lines(explain(*args, conf="asks.conf"))
    assert [line for line in told if line not in said] == [], "\n".join(said)


TLS = """server { listen 443 ssl default_server; server_name other.example; ssl_reject_handshake on; }
server {
    listen 443 ssl;
    server_name a.example;
    ssl_certificate_key none.key;
    ssl_certificate none.pem;
    return 200 "$ssl_server_name";
}
server {
    listen 80;
    if ($server_protocol = HTTP/2.0) { return 200 h2; }
    if ($server_protocol = HTTP/1.0) { return 200 old; }
    location / { proxy_set_header X-Line $request; proxy_pass http://127.0.0.1:1; }
}
"""


@pytest.mark.parametrize("args, told", [
    (("https://a.example/",), ["tls        SNI a.example  (tls.conf:2)",
                               "           ssl_certificate none.pem  (tls.conf:6)",
                               "server     a.example: has the request's host  (tls.conf:2)"]),
    (("https://a.example/", "--sni", "Other.example"), [
        "tls        SNI other.example  (tls.conf:1)", "           ssl_reject_handshake on  (tls.conf:1)",
        "server     a.example: has the request's host  (tls.conf:2)"]),
    (("https://192.0.2.1/",), ["tls        no SNI  (tls.conf:1)"]),
    (("http://a/", "--http", "2"), ["rewrite    if ($server_protocol = HTTP/2.0): holds  (tls.conf:11)"]),
    (("http://a/", "--http", "1.0"), ["rewrite    if ($server_protocol = HTTP/1.0): holds  (tls.conf:12)"]),
    (("http://a/x?y",), ["           X-Line: GET /x?y HTTP/1.1"]),
])
def test_handshakes_and_versions(explain, args, told):
    (explain.folder / "tls.conf").write_text(TLS)
    said = lines(explain("GET", *args, conf="tls.conf"))
    assert [line for line in told if line not in said] == [], "\n".join(said)


def test_what_cannot_be_asked_is_refused(explain):
    for args in (("GET",), ("GET", "ftp://a/"), ("GET", "http:///a"), ("GET", "/", "-H", "x"),
                 ("GET", "/", "-H", "a: b\r\nc: d"), ("GET", "/", "--from", "nowhere"), ("GET", "/", "-x"),
                 ("GET", "/", "--http", "3"), ("GET", "/", "--sni")):
        done = explain(*args)
        assert done.returncode == 2 and done.stdout == "" and done.stderr, args
    (explain.folder / "bad.conf").write_text("server { lisen 80; }\n")
    done = explain("GET", "/", conf="bad.conf")
    assert done.returncode == 2 and 'unknown directive "lisen"' in done.stderr
    (explain.folder / "none.conf").write_text("events { }\n")
    done = explain("GET", "/", conf="none.conf")
    assert done.returncode == 2 and "nothing listens" in done.stderr


def test_work_for_other_threads_is_done(explain):
    (explain.folder / "list.conf").write_text("server { listen 80; location / { root .; autoindex on; } }\n")
    assert "content    autoindex: 200" in lines(explain("GET", "/", conf="list.conf"))


def test_nothing_is_written(explain):
    (explain.folder / "logs.conf").write_text("error_log err.log; access_log acc.log; pid p.pid;\n" + CONF)
    before = sorted(p.name for p in explain.folder.iterdir())
    assert explain("GET", "http://example.com/none", conf="logs.conf").returncode == 0
    assert sorted(p.name for p in explain.folder.iterdir()) == before
