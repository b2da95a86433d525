"""uwsgi_pass: what the server sees, and what becomes of its answers."""
import pytest

from cgi_cases import HEADS, PARAMS, REQUESTS, head
from cgi_origin import UwsgiOrigin, echo


def server(body, http=""):
    return http + " server { listen 127.0.0.1:%%PORT%%; server_name localhost; " + body + " }"


WAYS = ["", "uwsgi_pass_request_headers off;", "uwsgi_pass_request_body off;", "uwsgi_request_buffering off;", "uwsgi_modifier1 9; uwsgi_modifier2 255;"]


@pytest.mark.parametrize("way", WAYS, ids=range(len(WAYS)))
def test_requests(agree, way):
    requests = REQUESTS if "off" not in way else [r for r in REQUESTS if b"chunked" not in (r if isinstance(r, bytes) else b"")]
    requests = [r for r in requests if "body off" not in way or not isinstance(r, bytes)]
    agree(server(f"location / {{ {PARAMS % dict(p='uwsgi')} {way} uwsgi_pass %%BACKEND%%; }}"), requests, origin=UwsgiOrigin, script=echo)


def test_addresses(agree):
    agree(server("location / { uwsgi_pass uwsgi://%%BACKEND%%; } location /v { set $b %%BACKEND%%; uwsgi_pass $b; } "
                 "location /g { uwsgi_pass group; } location /if { if ($arg_a) { uwsgi_pass %%BACKEND%%; } return 404; }",
                 "upstream group { server %%BACKEND%%; }"), ["/", "/v", "/g", "/if?a=1", "/if"], origin=UwsgiOrigin, script=echo)


@pytest.mark.parametrize("way", ["", "uwsgi_intercept_errors on; error_page 404 500 /inner;", "uwsgi_hide_header X-Powered-By; uwsgi_pass_header Status;"])
def test_heads(agree, way):
    agree(server("uwsgi_param WHICH $uri; location / { %s uwsgi_pass %%%%BACKEND%%%%; } location /inner { internal; return 200 inner; }" % way),
          [f"{m}/{k}" for k in HEADS for m in ("", "HEAD ") if m == "" or k not in ("accel",)], origin=UwsgiOrigin, script=head, exact=("etag",))


def test_failures(agree):
    agree(server("uwsgi_param WHICH $uri; location / { uwsgi_pass %%BACKEND%%; }"), ["/nothing", "/half", "/colon", "/folded"], origin=UwsgiOrigin,
          script=lambda conn, request: {"/nothing": b"", "/half": b"Content-Type: a/b\r\n", "/colon": b"no colon here\r\n\r\n",
                                        "/folded": b" a: b\r\n\r\n"}[request.params["WHICH"]])
