"""more_set_headers and its kin: what is theirs alone; the rest is compared in tests/differential."""
import pytest

from client import connect, get
from origin import reply

pytestmark = pytest.mark.usher_only("Debian's nginx has them in a module of their own")


def server(body, http=""):
    return f"{http} server {{ listen 127.0.0.1:%%PORT%%; server_name localhost; {body} }}"


def test_server_and_date_can_go(usher):
    p = usher(server("more_clear_headers Server Date; location / { return 200 x; } location /2 { more_set_headers 'Date: d'; return 200; }"))
    assert {k.lower() for k, _ in get(p.port).headers} == {"content-type", "content-length", "connection"}
    assert get(p.port, "/2").get("date") == "d"


def test_framing_is_left_alone(usher):
    p = usher(server("more_set_headers 'Content-Length: 1' 'Transfer-Encoding: x' 'Connection: y' 'Keep-Alive: z'; return 200 text;"))
    with connect(p.port) as c:
        assert [c.get().text for _ in range(2)] == ["text", "text"]


def test_a_requests_framing_is_left_alone(usher, origin):
    o = origin(lambda conn, request: reply(request.body))
    p = usher(server("more_set_input_headers 'Content-Length: 1' 'Transfer-Encoding: chunked'; more_clear_input_headers 'Content-*'; "
                     "location / { proxy_pass http://%%O%%; }"), O=o)
    with connect(p.port) as c:
        assert [c.request("/", "POST", body=b"text").recv_response().body for _ in range(2)] == [b"text", b"text"]


def test_a_value_of_two_lines_is_none(usher):
    p = usher(server('location ~ ^/(.*)$ { more_set_headers "X-A: $1"; return 200; }'))
    assert get(p.port, "/a").get("x-a") == "a"
    assert get(p.port, "/a%0d%0aX-B:b").get("x-a") is None


def test_fields_are_added_beside(usher):
    p = usher(server("more_set_headers 'X-A: 1'; more_set_headers -a 'X-A: 2' 'X-A: 3'; return 200;"))
    assert get(p.port).all("x-a") == ["1", "2", "3"]


WRONG = [
    ("more_set_headers -x a 'X: y';", 'more_set_headers: invalid option name: "-x"'), ("more_set_headers -t;", "option -t takes an argument."),
    ("more_set_headers;", 'invalid number of arguments in "more_set_headers"'), ("more_set_headers -r 'X: y';", 'invalid option name: "-r"'),
    ("more_set_headers -s 40x 'X: y';", 'more_set_headers: invalid digit "x" found in the status code list "40x"'),
    ("more_set_input_headers -s 404 'X: y';", 'more_set_input_headers: invalid option name: "-s"'),
    ("more_clear_headers ':';", 'invalid header name ""'), ("more_set_headers 'A B: c';", 'invalid header name "A B"'),
    ("if ($arg_a) { more_set_headers 'X: y'; }", '"more_set_headers" directive is not allowed here'),
    ("more_set_headers 'X: $no_such';", 'unknown "no_such" variable'),
]


def test_mistakes_are_told(usher):
    text = "".join(f"server {{ listen 127.0.0.1:%%PORT%%; server_name s{i}; {line} }}\n" for i, (line, _) in enumerate(WRONG))
    told = usher(text, start=False).run("-t").stderr
    assert [words for _, words in WRONG if words not in told] == [], told
