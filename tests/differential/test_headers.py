"""add_header, add_trailer, expires."""
import pytest

STATUSES = [200, 201, 204, 206, 301, 302, 303, 307, 308, 400, 403, 404, 500, 503]


def server(body, http=""):
    return http + " server { listen 127.0.0.1:%%PORT%%; server_name localhost; " + body + " }"


@pytest.mark.parametrize("status", STATUSES)
def test_which_statuses_get_a_field(agree, status):
    text = f"{status} /x" if 300 < status < 309 else status
    agree(server("location / { add_header X-Some a; add_header X-All b always; return %s; }" % text), ["/", "HEAD /"])


BODIES = [
    "add_header X-Server s; location / { return 200; } location /own { add_header X-Own o; return 200; }",
    "add_header X-Server s; location /own { add_header X-Own o; location /own/in { return 200; } return 204; }",
    "location / { add_header X-Uri $uri; add_header X-Empty $arg_none; add_header X-Arg \"[$arg_a]\"; return 200; }",
    "location / { if ($arg_a) { add_header X-If a; } if ($arg_b) { add_header X-If b; } add_header X-Out o; return 200; }",
    "location / { add_header X-Status $status; error_page 404 /e; return 404; } location /e { add_header X-E e always; return 200 e; }",
    "location / { add_header Cache-Control no-store; add_header Vary X; add_header Link l; return 200; }",
    "location / { proxy_pass http://%%BACKEND%%; add_header X-Up $upstream_status; add_header Content-Language en; }",
    "location / { add_header X-Twice 1; add_header X-Twice 2; return 200; }",
    "location / { add_header ETag '\"mine\"'; add_header Last-Modified ''; }",
    "location / { add_header X-Missing $sent_http_content_type; return 200 text; }",
]


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_add_header(agree, body):
    agree(server(body, "add_header X-Http h;"), ["/", "/own", "/own/in", "/?a=1", "/?a=1&b=1", "/file", "/none", "HEAD /file"],
          files={"html/file": "file\n", "html/index.html": "index\n"})


def no_content(conn, request):
    """A backend without a body, and with a type."""
    status = "204 Nothing" if "204" in request.target else "200 OK"
    return f"HTTP/1.1 {status}\r\nContent-Type: text/x\r\n{'' if '204' in request.target else 'Content-Length: 0'}\r\n\r\n".replace(
        "\r\n\r\n\r\n", "\r\n\r\n").encode()


def test_the_type_of_no_content(agree):
    agree(server("default_type text/d; location / { proxy_pass http://%%BACKEND%%; } location /r { return 204; } location /t { return 204 text; } "
                 "location /e { error_page 404 =204 /page; return 404; } location /f { error_page 404 =204 @b; return 404; } location /page { return 200 x; } "
                 "location @b { proxy_pass http://%%BACKEND%%; }"),
          ["/204", "/200", "HEAD /204", "/r", "/t", "/e", "/f", "/f/204", "POST /204"], script=no_content)


EXPIRES = ["off", "epoch", "max", "-1", "0", "modified -1h", "modified +1h", "modified 0", "@0", "$arg_e"]


@pytest.mark.parametrize("what", EXPIRES)
def test_expires(agree, what):
    agree(server("location / { expires %s; } location /404 { expires %s; return 404; }" % (what, what)),
          ["/file", "/404", "/file?e=max", "/file?e=epoch", "/file?e=off", "/file?e=bad", "HEAD /file"], files={"html/file": "f"},
          same_time=("html/file", 1_700_000_000), inexact=("expires",) if what in ("-1", "0", "@0") else ())


def test_expires_counts_in_seconds(agree):
    agree(server("location / { expires 30d; } location /m { alias html/file; expires +1h30m; }"), ["/file", "/m"], files={"html/file": "f"},
          inexact=("expires",))


def test_expires_goes_over_what_a_backend_says(agree):
    agree(server("location / { expires epoch; proxy_pass http://%%BACKEND%%; }"), ["/"],
          script=lambda conn, request: b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nExpires: x\r\nCache-Control: y\r\n\r\n")


TRAILED = ["add_trailer X-T t;", "add_trailer X-T $arg_none;", "add_trailer X-T t; return 200;", "add_trailer X-T t; return 404;",
           "add_trailer X-T t always; return 404;", "add_trailer X-T t; return 204;", "add_trailer X-T t; chunked_transfer_encoding off;"]


@pytest.mark.parametrize("body", TRAILED)
def test_trailers_and_parts(agree, body):
    asked = ["", "\nRange: bytes=1-2", "\nRange: bytes=0-0,2-2", "\nIf-Range: \"x\"\nRange: bytes=0-0"]
    agree(server("location / { %s }" % body), [f"{m}{f}" for m in ("", "HEAD ") for f in ["/empty"] + ["/file" + h for h in asked]],
          files={"html/file": "abcdefgh", "html/empty": ""})
