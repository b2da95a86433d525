"""client_max_body_size: which location judges, and when: a length that was said as soon as a location is found."""
import pytest

CONF = """
server {
    listen 127.0.0.1:%%PORT%%; server_name localhost; client_max_body_size 3;
    location /return { return 200 r; }
    location /rewrite { rewrite ^ /roomy last; }
    location /roomy { client_max_body_size 100; proxy_pass http://%%BACKEND%%; }
    location /if { client_max_body_size 100; if ($request_method = POST) { return 204; } }
    location /named { client_max_body_size 100; try_files /none @narrow; }
    location @narrow { client_max_body_size 1; proxy_pass http://%%BACKEND%%; }
    location /try { try_files /none /roomy; }
    location /page { error_page 413 /roomy; }
    location /namedpage { error_page 413 = @page; return 200 x; }
    location @page { proxy_pass http://%%BACKEND%%; }
    location /other { client_max_body_size 100; error_page 405 =200 /narrow; empty_gif; }
    location /narrow { return 200 narrow; }
    location /deny { deny all; }
    location /any { client_max_body_size 0; proxy_pass http://%%BACKEND%%; }
    location /internal { internal; }
    location /slash/ { proxy_pass http://%%BACKEND%%; }
    location /except { limit_except GET { deny all; } }
}
server { listen 127.0.0.1:%%PORT%%; server_name returns; client_max_body_size 3; return 301 /x; }
"""
TARGETS = ["/return", "/rewrite", "/roomy", "/if", "/named", "/try", "/page", "/namedpage", "/other", "/deny", "/any", "/internal", "/slash",
           "/slash/", "/except"]
BODIES = {"small": ("Content-Length: 3", "123"), "large": ("Content-Length: 5", "12345"),
          "chunked": ("Transfer-Encoding: chunked", "5\r\n12345\r\n0\r\n\r\n")}


@pytest.fixture(scope="module")
def both(pair):
    return pair(CONF)


@pytest.mark.parametrize("size", BODIES)
@pytest.mark.parametrize("host", ["localhost", "returns"])
@pytest.mark.parametrize("target", TARGETS)
def test_who_judges(both, target, host, size):
    field, body = BODIES[size]
    both.agree(f"POST {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{field}\r\n\r\n{body}".encode())
