"""What of a backend's answer reaches the client: odd statuses, X-Accel-Redirect and intercepted errors."""
import re

import pytest

from wait import until

STATUSES = [200, 201, 203, 299, 300, 301, 305, 400, 401, 404, 418, 429, 444, 494, 495, 497, 499, 500, 599, 600, 999]
CONF = """server { listen 127.0.0.1:%%PORT%%; server_name localhost;
    location /plain/ { proxy_pass http://%%BACKEND%%; }
    location /intercept/ { proxy_pass http://%%BACKEND%%; proxy_intercept_errors on; error_page 404 500 /e; error_page 401 =402 /e; }
    location /modified/ { proxy_pass http://%%BACKEND%%; expires modified 1h; }
    location /named/ { proxy_pass http://%%BACKEND%%; add_header Last-Modified unreadable; }
    location /trailer/ { proxy_pass http://%%BACKEND%%; add_trailer X-T $upstream_http_x_none; }
}"""


def answer(conn, request):
    status = re.search(r"s=(\d+)", request.target)[1]
    more = "X-Accel-Redirect: /file\r\n" if "accel" in request.target else ""
    length = "" if status == "204" else "Content-Length: 4\r\n"
    body = "body" if length and request.method != "HEAD" else ""
    return (f"HTTP/1.1 {status} Word\r\n{more}Content-Type: text/plain\r\nLast-Modified: Thu, 09 Oct 2025 08:53:20 GMT\r\n"
            f"{length}\r\n{body}").encode()


@pytest.fixture(scope="module")
def both(pair):
    return pair(CONF, files={"html/file": "file", "html/e": "error page"}, script=answer)


@pytest.mark.parametrize("status", STATUSES)
def test_a_status_is_passed_on_or_intercepted(both, status):
    for target in ("/plain/", "/plain/accel", "/intercept/", "/intercept/accel"):
        for method in ("", "HEAD "):
            both.agree(f"{method}{target}?s={status}")


@pytest.mark.parametrize("method", ["", "HEAD "])
def test_no_content_keeps_its_type(both, method):
    both.agree(f"{method}/plain/?s=204")


@pytest.mark.parametrize("target", ["/modified/", "/named/", "/trailer/"])
def test_what_is_added_to_a_backends_answer(both, target):
    for method in ("", "HEAD "):
        both.agree(f"{method}{target}?s=200")


GROUPS = ["server 127.0.0.1:1; server 127.0.0.1:2 backup;", "server 127.0.0.1:1; server 127.0.0.1:2; server 127.0.0.1:3;",
          "server 127.0.0.1:1 max_fails=0; server 127.0.0.1:2;", "server 127.0.0.1:1 down; server 127.0.0.1:2;",
          "server 127.0.0.1:1 down; server 127.0.0.1:2; server 127.0.0.1:3 backup; server 127.0.0.1:4 backup;"]


def test_whom_a_request_was_passed_to_in_vain(agree):
    groups = "".join(f"upstream g{i} {{ {group} }}" for i, group in enumerate(GROUPS))
    locations = "".join(f"location /{i} {{ proxy_pass http://g{i}; }}" for i in range(len(GROUPS)))
    agree(groups + "server { listen 127.0.0.1:%%PORT%%; server_name localhost; "
          'add_header X-Tried "$upstream_addr $upstream_status" always; ' + locations + "}",
          [f"/{i}" for i in range(len(GROUPS)) for _ in range(4)])


REPEATED = ["proxy_next_upstream error; proxy_next_upstream http_404;", "proxy_ignore_headers X-Accel-Charset; proxy_ignore_headers X-Accel-Redirect;",
            "fastcgi_split_path_info ^(/a)(/.+)$; fastcgi_split_path_info ^(/plain)(/.+)$; add_header X-Split $fastcgi_script_name;",
            "gzip_proxied off; gzip_proxied any;", "keepalive_disable none; keepalive_disable msie6;", "userid_flags off; userid_flags secure;"]


@pytest.mark.parametrize("lines", REPEATED)
def test_what_may_be_said_in_several_lines(agree, lines):
    agree("server { listen 127.0.0.1:%%PORT%%; server_name localhost; location /file { return 200 file; } location /plain/ { proxy_pass http://%%BACKEND%%; "
          + lines + " } }", ["/plain/x?s=200", "/plain/accel?s=200", "/plain/?s=404"], script=answer)


def test_a_body_that_breaks_off_is_logged_with_the_status_it_had(agree):
    def broken(conn, request):
        conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        conn.close()
    pair = agree("log_format short '$status $upstream_status $body_bytes_sent'; access_log logs/short.log short; "
                 "server { listen 127.0.0.1:%%PORT%%; server_name localhost; location / { proxy_pass http://%%BACKEND%%; } }", ["/"], script=broken)
    for server in pair:
        until(lambda server=server: (server.prefix / "logs/short.log").read_text() == "200 200 3\n", "its line in the log")
