"""uwsgi_pass and scgi_pass: what the server sees, and what becomes of its answers."""
import pytest

from cgi_origin import ScgiOrigin, UwsgiOrigin, echo

ORIGINS = {"scgi": ScgiOrigin, "uwsgi": UwsgiOrigin}

PARAMS = """%(p)s_param QUERY_STRING $query_string; %(p)s_param REQUEST_METHOD $request_method; %(p)s_param CONTENT_TYPE $content_type;
    %(p)s_param CONTENT_LENGTH $content_length; %(p)s_param REQUEST_URI $request_uri; %(p)s_param PATH_INFO $document_uri;
    %(p)s_param DOCUMENT_ROOT $document_root; %(p)s_param SERVER_PROTOCOL $server_protocol; %(p)s_param HTTPS $https if_not_empty;
    %(p)s_param REMOTE_ADDR $remote_addr; %(p)s_param SERVER_PORT $server_port; %(p)s_param SERVER_NAME $server_name;
    %(p)s_param X_EMPTY $arg_none; %(p)s_param X_MAYBE $arg_a if_not_empty; %(p)s_param X_TWICE 1; %(p)s_param X_TWICE 2;
    %(p)s_param HTTP_X_SET mine; %(p)s_param HTTP_HOST $host;"""

REQUESTS = ["/", "/?a=b&c", "/a%20b/c%2fd?x=%20#f", "/x", "HEAD /",
            "/\nX-One: 1\nX-Set: theirs\nX_Under: 1", "/\nCookie: a=b\nAccept: */*\nUser-Agent: me", "/\nX-Empty:\nX-Blank:  a b ",
            "DELETE /x", "OPTIONS /x", "/no/such/../thing", b"POST /p HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 5\r\n"
            b"Content-Type: a/b\r\n\r\nhello", b"POST /p HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n", b"POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"]

HEADS = {
    "plain": "Content-Type: text/plain\r\n\r\nbody", "status": "Status: 404 Not Here\r\nContent-Type: a/b\r\n\r\nbody",
    "line": "HTTP/1.1 203 Odd Reason\r\nContent-Type: a/b\r\n\r\nbody",
    "line-and-status": "HTTP/1.0 203 Odd\r\nStatus: 404 No\r\n\r\nbody", "location": "Location: /x\r\n\r\nbody",
    "location-and-status": "Status: 201 Made\r\nLocation: /x\r\n\r\nbody", "feeds": "Content-Type: a/b\nX-A: 1\n\nbody",
    "empty": "Content-Type: a/b\r\n\r\n", "length": "Content-Length: 4\r\n\r\nbody", "204": "Status: 204 None\r\n\r\n",
    "304": "Status: 304 Same\r\nETag: \"x\"\r\n\r\n", "500": "Status: 500 Broken\r\n\r\nbroken", "cookies": "Set-Cookie: a\r\nSet-Cookie: b\r\n\r\nx",
    "accel": "X-Accel-Redirect: /inner\r\nX-Accel-Limit-Rate: 9\r\n\r\nnever", "expires": "X-Accel-Expires: 5\r\nX-Accel-Charset: x\r\n\r\nx",
    "server": "Server: own\r\nX-Powered-By: me\r\n\r\nx", "line-204": "HTTP/1.1 204 None\r\n\r\n", "bad-line": "HTTP/1.1 2x0 None\r\nA: b\r\n\r\nx",
    "body": "Content-Type: text/html\r\n\r\n" + "x" * 70000, "line-301": "HTTP/1.1 301 Moved\r\nLocation: http://other/\r\n\r\n",
    "charset": "Content-Type: text/html; charset=koi8-r\r\n\r\nx", "ranges": "Accept-Ranges: bytes\r\nContent-Length: 4\r\n\r\nbody",
}


def head(conn, request):
    return HEADS[request.params["WHICH"].strip("/")].encode()


def server(body, http=""):
    return http + " server { listen 127.0.0.1:%%PORT%%; server_name localhost; " + body + " }"


@pytest.mark.parametrize("p, way", [
    *((p, way) for p in ORIGINS for way in ("", f"{p}_pass_request_headers off;", f"{p}_pass_request_body off;", f"{p}_request_buffering off;")),
    ("uwsgi", "uwsgi_modifier1 9; uwsgi_modifier2 255;")])
def test_requests(agree, p, way):
    requests = REQUESTS if "off" not in way else [r for r in REQUESTS if b"chunked" not in (r if isinstance(r, bytes) else b"")]
    requests = [r for r in requests if "body off" not in way or not isinstance(r, bytes)]
    agree(server(f"location / {{ {PARAMS % dict(p=p)} {way} {p}_pass %%BACKEND%%; }}"), requests, origin=ORIGINS[p], script=echo)


@pytest.mark.parametrize("p, scheme", [("scgi", ""), ("uwsgi", "uwsgi://")])
def test_addresses(agree, p, scheme):
    agree(server(f"location / {{ {p}_pass {scheme}%%BACKEND%%; }} location /v {{ set $b %%BACKEND%%; {p}_pass $b; }} "
                 f"location /g {{ {p}_pass group; }} location /if {{ if ($arg_a) {{ {p}_pass %%BACKEND%%; }} return 404; }}",
                 "upstream group { server %%BACKEND%%; }"), ["/", "/v", "/g", "/if?a=1", "/if"], origin=ORIGINS[p], script=echo)


@pytest.mark.parametrize("p", ORIGINS)
@pytest.mark.parametrize("way", ["", "%s_intercept_errors on; error_page 404 500 /inner;", "%s_hide_header X-Powered-By; %s_pass_header Status;"])
def test_heads(agree, p, way):
    agree(server(f"{p}_param WHICH $uri; location / {{ {way.replace('%s', p)} {p}_pass %%BACKEND%%; }} location /inner {{ internal; return 200 inner; }}"),
          [f"{m}/{k}" for k in HEADS for m in ("", "HEAD ") if m == "" or k not in ("accel",)], origin=ORIGINS[p], script=head, exact=("etag",))


@pytest.mark.parametrize("p", ORIGINS)
def test_failures(agree, p):
    agree(server(f"{p}_param WHICH $uri; location / {{ {p}_pass %%BACKEND%%; }}"), ["/nothing", "/half", "/colon", "/folded"], origin=ORIGINS[p],
          script=lambda conn, request: {"/nothing": b"", "/half": b"Content-Type: a/b\r\n", "/colon": b"no colon here\r\n\r\n",
                                        "/folded": b" a: b\r\n\r\n"}[request.params["WHICH"]])
