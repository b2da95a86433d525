"""scgi_pass: what the server sees, and what becomes of its answers."""
import pytest

from cgi_cases import HEADS, PARAMS, REQUESTS, head
from cgi_origin import ScgiOrigin, echo


def server(body, http=""):
    return http + " server { listen 127.0.0.1:%%PORT%%; server_name localhost; " + body + " }"


WAYS = ["", "scgi_pass_request_headers off;", "scgi_pass_request_body off;", "scgi_request_buffering off;"]


@pytest.mark.parametrize("way", WAYS, ids=range(len(WAYS)))
def test_requests(agree, way):
    requests = REQUESTS if "off" not in way else [r for r in REQUESTS if b"chunked" not in (r if isinstance(r, bytes) else b"")]
    requests = [r for r in requests if "body off" not in way or not isinstance(r, bytes)]
    agree(server(f"location / {{ {PARAMS % dict(p='scgi')} {way} scgi_pass %%BACKEND%%; }}"), requests, origin=ScgiOrigin, script=echo)


def test_addresses(agree):
    agree(server("location / { scgi_pass %%BACKEND%%; } location /v { set $b %%BACKEND%%; scgi_pass $b; } "
                 "location /g { scgi_pass group; } location /if { if ($arg_a) { scgi_pass %%BACKEND%%; } return 404; }",
                 "upstream group { server %%BACKEND%%; }"), ["/", "/v", "/g", "/if?a=1", "/if"], origin=ScgiOrigin, script=echo)


@pytest.mark.parametrize("way", ["", "scgi_intercept_errors on; error_page 404 500 /inner;", "scgi_hide_header X-Powered-By; scgi_pass_header Status;"])
def test_heads(agree, way):
    agree(server("scgi_param WHICH $uri; location / { %s scgi_pass %%%%BACKEND%%%%; } location /inner { internal; return 200 inner; }" % way),
          [f"{m}/{k}" for k in HEADS for m in ("", "HEAD ") if m == "" or k not in ("accel",)], origin=ScgiOrigin, script=head, exact=("etag",))


def test_failures(agree):
    agree(server("scgi_param WHICH $uri; location / { scgi_pass %%BACKEND%%; }"), ["/nothing", "/half", "/colon", "/folded"], origin=ScgiOrigin,
          script=lambda conn, request: {"/nothing": b"", "/half": b"Content-Type: a/b\r\n", "/colon": b"no colon here\r\n\r\n",
                                        "/folded": b" a: b\r\n\r\n"}[request.params["WHICH"]])
