"""What of a backend's answer reaches the client: odd statuses, X-Accel-Redirect and intercepted errors."""
import re

import pytest

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
    return (f"HTTP/1.1 {status} Word\r\n{more}Content-Type: text/plain\r\nLast-Modified: Thu, 09 Oct 2025 08:53:20 GMT\r\n"
            "Content-Length: 4\r\n\r\n" + ("" if request.method == "HEAD" else "body")).encode()


@pytest.fixture(scope="module")
def both(pair):
    return pair(CONF, files={"html/file": "file", "html/e": "error page"}, script=answer)


@pytest.mark.parametrize("status", STATUSES)
def test_a_status_is_passed_on_or_intercepted(both, status):
    for target in ("/plain/", "/plain/accel", "/intercept/", "/intercept/accel"):
        for method in ("", "HEAD "):
            both.agree(f"{method}{target}?s={status}")


@pytest.mark.parametrize("target", ["/modified/", "/named/", "/trailer/"])
def test_what_is_added_to_a_backends_answer(both, target):
    for method in ("", "HEAD "):
        both.agree(f"{method}{target}?s=200")
