"""RFC 9113, chapter 8: messages. What is malformed is refused and no origin hears of it."""
import pytest

from h2raw import (CANCEL, NO_ERROR, PROTOCOL_ERROR, STREAM_CLOSED, begin, block, data, headers,
                   literal, request)
from h2server import pages, serve
from origin import chunked, reply
from wait import until

BAD = {"path": "/bad"}

pytestmark = pytest.mark.usher_only("nginx 1.22 judges requests by laxer rules")


@pytest.fixture
def c(h2server):
    return begin(h2server)


def refused(server, fields, codes=(PROTOCOL_ERROR,), statuses=(400,), **kw):
    """A request that is malformed from its head on: refused, unheard, and the connection lives."""
    c = begin(server)
    c.send(headers(1, fields, **kw)).refuses(1, *codes, statuses=statuses)
    assert c.get(stream=3).status == 200
    server.unheard()


def heard(server, n=1):
    return server.heard.wait_requests(n)


# --- 8.1 framing ---

def test_a_request_and_its_answer(c):
    """RFC 9113 8.1"""
    a = c.get()
    assert a.status == 200 and a.body == b"hello\n" and len(a.heads) == 1


def test_a_body_arrives_in_order(c):
    """RFC 9113 8.1"""
    pieces = [bytes([n]) * n for n in range(1, 100)]
    c.send(headers(1, request(method="POST"), end=False) + b"".join(data(1, p) for p in pieces))
    c.send(data(1, end=True))
    assert c.answer(1).body == b"".join(pieces)


def test_request_trailers_end_the_stream(c):
    """RFC 9113 8.1"""
    c.send(headers(1, request(method="POST"), end=False) + data(1, b"x") +
           headers(1, [("x-sum", "1")]))
    assert c.answer(1).body == b"x"


def test_trailers_without_a_body_are_allowed(c):
    """RFC 9113 8.1"""
    c.send(headers(1, request(method="POST"), end=False) + headers(1, [("x-sum", "1")]))
    assert c.answer(1).status == 200


@pytest.mark.parametrize("name, value", [
    (":path", "/other"), (":method", "GET"), (":status", "200"), ("connection", "close"),
    ("Upper", "x"), ("x-lf", "a\nb"), ("", "x"), ("te", "gzip"), ("transfer-encoding", "chunked"),
])
def test_malformed_trailers_are_refused(c, name, value):
    """RFC 9113 8.1, 8.2.1, 8.2.2, 8.3"""
    c.send(headers(1, request(method="POST"), end=False) + data(1, b"x") +
           headers(1, [(name, value)]))
    c.refuses(1)


def test_a_second_head_that_does_not_end_the_stream_is_malformed(c):
    """RFC 9113 8.1"""
    c.say(headers(1, request(method="POST"), end=False), data(1, b"x"),
          headers(1, [("x-sum", "1")], end=False))
    c.errs(1, PROTOCOL_ERROR)


def test_nothing_may_follow_trailers(c):
    """RFC 9113 8.1, 5.1"""
    c.say(headers(1, request(method="POST", path="/stall"), end=False),
          headers(1, [("x-sum", "1")]), data(1, b"y"))
    c.errs(1, STREAM_CLOSED)


# --- 8.1.1 content-length ---

@pytest.mark.parametrize("length, body", [
    ("5", b"four"), ("3", b"four"), ("0", b"four"), ("4", b""), ("18446744073709551615", b"four"),
])
@pytest.mark.parametrize("path", ["/bad", "/buffered"])
def test_a_body_of_another_length_than_declared_is_malformed(h2server, length, body, path):
    """RFC 9113 8.1.1"""
    c = begin(h2server)
    fields = request(("content-length", length), method="POST", path=path)
    c.send(headers(1, fields, end=False) + data(1, body, end=True)).refuses(1)
    h2server.unheard()


def test_a_body_that_is_declared_and_missing_is_malformed(h2server):
    """RFC 9113 8.1.1: END_STREAM of HEADERS."""
    refused(h2server, request(("content-length", "4"), method="POST", **BAD))


def test_trailers_do_not_hide_a_wrong_length(h2server):
    """RFC 9113 8.1.1"""
    c = begin(h2server)
    c.send(headers(1, request(("content-length", "5"), method="POST", **BAD), end=False) +
           data(1, b"four") + headers(1, [("x-sum", "1")])).refuses(1)
    h2server.unheard()


@pytest.mark.parametrize("fields", [
    [("content-length", "4"), ("content-length", "5")], [("content-length", "-4")],
    [("content-length", "+4")], [("content-length", "4x")], [("content-length", "")],
    [("content-length", "0x4")], [("content-length", "18446744073709551620")],
    [("content-length", "4, 5")],
], ids=str)
def test_a_length_that_is_none_is_malformed(h2server, fields):
    """RFC 9113 8.1.1, RFC 9110 8.6"""
    c = begin(h2server)
    c.say(headers(1, request(*fields, method="POST", **BAD), end=False), data(1, b"four", end=True))
    c.refuses(1)
    h2server.unheard()


def test_a_right_length_is_taken(c):
    """RFC 9113 8.1.1"""
    c.send(headers(1, request(("content-length", "4"), method="POST"), end=False) +
           data(1, b"fo") + data(1, b"ur", end=True))
    assert c.answer(1).body == b"four"


# --- 8.2.1 fields ---

@pytest.mark.parametrize("name", [
    "Upper", "uppeR", "X", "a b", " a", "a ", "a\x00", "a\nb", "a\r", "a\x7f", "a\xe4", "a:b",
    "::a", "a\tb", "", "(", "a@b", "a/b", "{a}",
], ids=repr)
def test_a_name_with_a_forbidden_character_is_malformed(h2server, name):
    """RFC 9113 8.2.1, 8.2, RFC 9110 5.1"""
    refused(h2server, request((name, "x"), **BAD))


@pytest.mark.parametrize("value", [
    "a\0b", "a\nb", "a\rb", "a\r\nx: y", "\0", "\n", "\r", "a\n", "a\r\n\r\nGET / HTTP/1.1\r\n",
], ids=repr)
def test_a_value_with_nul_cr_or_lf_is_malformed(h2server, value):
    """RFC 9113 8.2.1"""
    refused(h2server, request(("x-value", value), **BAD))


@pytest.mark.parametrize("value", [" a", "a ", "\ta", "a\t", " ", "\t"], ids=repr)
def test_a_value_with_space_around_it_is_malformed(h2server, value):
    """RFC 9113 8.2.1"""
    refused(h2server, request(("x-value", value), **BAD))


@pytest.mark.parametrize("value", ["\x01", "a\x7fb", "a\x1fb"], ids=repr)
def test_a_value_with_a_control_character_is_malformed(h2server, value):
    """RFC 9113 8.2.1, RFC 9110 5.5"""
    refused(h2server, request(("x-value", value), **BAD))


@pytest.mark.parametrize("value", ["", "a b", "a\tb", "\xe4\xff", "a,b;c=\"d\""], ids=repr)
def test_other_values_pass_unchanged(h2server, value):
    """RFC 9113 8.2.1"""
    assert begin(h2server).get("/", ("x-value", value)).status == 200
    if h2server.heard:
        assert heard(h2server)[0].get("x-value") == value


# --- 8.2.2 connection-specific fields ---

@pytest.mark.parametrize("name, value", [
    ("connection", "close"), ("connection", "x-a"), ("connection", ""),
    ("proxy-connection", "keep-alive"), ("keep-alive", "timeout=5"),
    ("transfer-encoding", "chunked"), ("transfer-encoding", "identity"), ("upgrade", "websocket"),
    ("upgrade", "h2c"),
])
def test_a_connection_specific_field_is_malformed(h2server, name, value):
    """RFC 9113 8.2.2"""
    refused(h2server, request((name, value), **BAD))


@pytest.mark.parametrize("value", ["gzip", "trailers, gzip", "chunked", "", "trailers;q=0.5"])
def test_te_says_trailers_or_is_malformed(h2server, value):
    """RFC 9113 8.2.2"""
    refused(h2server, request(("te", value), **BAD))


@pytest.mark.parametrize("value", ["trailers", "Trailers"])
def test_te_trailers_is_allowed(c, value):
    """RFC 9113 8.2.2"""
    assert c.get("/", ("te", value)).status == 200


# --- 8.2.3 cookies ---

def test_cookie_crumbs_are_joined_for_http_1(h2server):
    """RFC 9113 8.2.3"""
    fields = [("cookie", "a=b"), ("x", "y"), ("cookie", "c=d"), ("cookie", "e=f")]
    assert begin(h2server).get("/", *fields).status == 200
    if h2server.heard:
        assert heard(h2server)[0].all("cookie") == ["a=b; c=d; e=f"]


# --- 8.3 pseudo-fields ---

@pytest.mark.parametrize("name, value", [
    (":status", "200"), (":unknown", "x"), (":", "x"), (":Method", "GET"), (":host", "a"),
    (":protocol", "websocket"),
])
def test_undefined_pseudo_fields_are_malformed(h2server, name, value):
    """RFC 9113 8.3; :protocol needs SETTINGS_ENABLE_CONNECT_PROTOCOL and CONNECT (RFC 8441 4)."""
    refused(h2server, [(name, value)] + request(**BAD))


@pytest.mark.parametrize("late", [":method", ":scheme", ":path", ":authority"])
def test_pseudo_fields_come_before_all_others(h2server, late):
    """RFC 9113 8.3"""
    fields = request(**BAD)
    late = next(f for f in fields if f[0] == late)
    fields.remove(late)
    refused(h2server, fields + [("x-a", "b"), late])


@pytest.mark.parametrize("twice", [
    (":method", "GET"), (":method", "POST"), (":scheme", "https"), (":path", "/other"),
    (":authority", "localhost"), (":authority", "other"),
])
def test_pseudo_fields_come_once(h2server, twice):
    """RFC 9113 8.3"""
    refused(h2server, request(**BAD) + [twice])
    refused(h2server, [twice] + request(**BAD))


@pytest.mark.parametrize("missing", ["method", "scheme", "path"])
def test_mandatory_pseudo_fields_are_there(h2server, missing):
    """RFC 9113 8.3.1"""
    refused(h2server, request(**{**BAD, missing: None}))


@pytest.mark.parametrize("missing", ["method", "scheme", "path"])
def test_mandatory_pseudo_fields_are_not_empty(h2server, missing):
    """RFC 9113 8.3.1"""
    refused(h2server, request(**{**BAD, missing: ""}))


@pytest.mark.parametrize("method", ["G T", "GET\n", "GET ", "G\0T", "GET / HTTP/1.1\r\nx:", "(GET)"],
                         ids=repr)
def test_a_method_is_a_token(h2server, method):
    """RFC 9113 8.3.1, RFC 9110 9.1"""
    refused(h2server, request(method=method, **BAD), statuses=(400, 405, 501))


@pytest.mark.parametrize("path", [
    "bad", "*", "//bad\n", "/bad ", "/b ad", "/bad\0", "/bad\r\nx: y", "/bad HTTP/1.1", "?x", "/bad\t",
    "http://localhost/bad",
], ids=repr)
def test_a_path_is_a_path(h2server, path):
    """RFC 9113 8.3.1, 10.3: it begins with a slash; * is for OPTIONS."""
    refused(h2server, request(path=path))
    if h2server.heard:
        assert [r.target for r in h2server.heard.requests] == ["/"]


def test_options_may_ask_for_an_asterisk(c):
    """RFC 9113 8.3.1: it is no malformed request; what becomes of it is the server's."""
    c.send(headers(1, request(method="OPTIONS", path="*")))
    a = c.streams[1]
    c.wait(lambda: a.done, "an answer")
    assert a.status is not None
    c.alive()


@pytest.mark.parametrize("scheme", ["ht tp", "1http", "http\n", "http:", "ht\0tp"], ids=repr)
def test_a_scheme_is_a_scheme(h2server, scheme):
    """RFC 9113 8.3.1, RFC 3986 3.1"""
    refused(h2server, request(scheme=scheme, **BAD))


@pytest.mark.parametrize("authority", [
    "user@localhost", "user:pass@localhost", "local host", "localhost\n", "local/host", "a\0b",
    "localhost?x", "localhost#x", "[::1", "a:b:c", "localhost:99999999",
], ids=repr)
def test_an_authority_is_host_and_port(h2server, authority):
    """RFC 9113 8.3.1: no userinfo, no delimiters."""
    refused(h2server, request(authority=authority, **BAD))


def test_authority_becomes_host(h2server):
    """RFC 9113 8.3.1"""
    begin(h2server).get("/", authority="localhost:8080")
    if h2server.heard:
        assert len(heard(h2server)[0].all("host")) == 1


def test_host_stands_in_for_a_missing_authority(h2server):
    """RFC 9113 8.3.1"""
    assert begin(h2server).get("/", ("host", "localhost"), authority=None).status == 200


def test_a_request_that_names_no_host_is_refused(h2server):
    """RFC 9110 7.2, RFC 9113 8.3.1: neither :authority nor Host."""
    refused(h2server, request(authority=None, **BAD))


def test_host_may_repeat_the_authority(h2server):
    """RFC 9113 8.3.1"""
    assert begin(h2server).get("/", ("host", "localhost")).status == 200
    if h2server.heard:
        assert len(heard(h2server)[0].all("host")) == 1


@pytest.mark.parametrize("host", ["other", "localhost:81", "", "user@localhost"])
def test_host_may_not_differ_from_the_authority(h2server, host):
    """RFC 9113 8.3.1"""
    refused(h2server, request(("host", host), **BAD))


@pytest.mark.parametrize("host", ["LOCALHOST", "localhost:80"])
def test_authority_and_host_are_compared_by_what_they_mean(c, host):
    """RFC 9113 8.3.1, RFC 3986 6.2.3: case and the scheme's port do not matter."""
    assert c.get("/", ("host", host)).status == 200


def test_host_may_not_be_repeated(h2server):
    """RFC 9110 7.2"""
    refused(h2server, request(("host", "localhost"), ("host", "localhost"), authority=None, **BAD))


# --- 8.4, 8.5 ---

@pytest.mark.parametrize("pseudo", [
    {}, {"path": None}, {"path": None, "scheme": None, "authority": None}, {"scheme": None},
    {"path": None, "scheme": None, "authority": ""},
], ids=str)
def test_connect_has_an_authority_and_neither_scheme_nor_path(h2server, pseudo):
    """RFC 9113 8.5"""
    refused(h2server, request(method="CONNECT", **{**BAD, **pseudo}), statuses=(400, 405, 501))


def test_connect_is_not_ours_and_refused(c):
    """RFC 9113 8.5, RFC 9110 9.3.6: a reverse proxy opens no tunnels."""
    c.send(headers(1, request(method="CONNECT", path=None, scheme=None), end=False))
    c.wait(lambda: c.streams[1].done or c.streams[1].heads, "an answer")
    assert c.streams[1].status in (400, 405, 501) or c.streams[1].reset == PROTOCOL_ERROR
    c.alive()


# --- 8.1 answers ---

def test_a_head_request_gets_no_body(c):
    """RFC 9113 8.1.1"""
    a = c.get(method="HEAD")
    assert a.status == 200 and a.body == b"" and a.final["content-length"] == "6"


def test_an_answer_may_come_before_the_request_is_whole(usher, origin):
    """RFC 9113 8.1: then RST_STREAM says NO_ERROR, or the rest is read."""
    c = begin(serve(usher, origin, "client_max_body_size 10;"))
    c.send(headers(1, request(("content-length", "100"), method="POST"), end=False))
    c.wait(lambda: c.streams[1].ended, "the answer")
    assert c.streams[1].status == 413
    c.send(data(1, b"x" * 50)).alive()
    assert c.streams[1].reset in (None, NO_ERROR, CANCEL)
    assert c.get("/local", stream=3).status == 200


def only_chunks(conn, request):
    if request.target == "/chunks":
        return chunked([b"a", b"bc"], headers=[("Trailer", "X-T")], trailers=[("X-T", "v")])
    return pages(conn, request)


def test_chunks_of_an_origin_become_data(usher, origin):
    """RFC 9113 8.1: there is no transfer-encoding here; H2Client raises at one."""
    a = begin(serve(usher, origin, script=only_chunks)).get("/chunks")
    assert a.body == b"abc" and "transfer-encoding" not in a.final


@pytest.mark.parametrize("field", [
    "Connection: close", "Connection: X-Hop\r\nX-Hop: 1", "Keep-Alive: timeout=5",
    "Proxy-Connection: close", "Upgrade: h2c",
])
def test_an_origins_connection_fields_are_taken_out(usher, origin, field):
    """RFC 9113 8.2.2"""
    script = reply("x").replace(b"\r\n\r\n", b"\r\n" + field.encode() + b"\r\n\r\n")
    a = begin(serve(usher, origin, script=lambda conn, r: script)).get()
    assert not set(a.final) & {"connection", "keep-alive", "proxy-connection", "upgrade", "x-hop"}


def test_names_of_an_origins_fields_are_lowered(usher, origin):
    """RFC 9113 8.2"""
    a = begin(serve(usher, origin, script=reply("x", X_UPPER="Value"))).get()
    assert a.final["x-upper"] == "Value"


def test_a_reset_reaches_the_origin(h2server):
    """RFC 9113 8.7, 5.4.2: who works for nobody stops."""
    if not h2server.heard:
        return
    c = begin(h2server)
    c.send(headers(1, request(path="/stall")))
    heard(h2server)
    c.send(b"\0\0\4\3\0\0\0\0\1\0\0\0\x08").alive()
    until(lambda: h2server.heard.connections[0].gone.is_set(), "the origin's connection closed")


def test_malformed_and_honest_streams_share_a_connection(h2server):
    """RFC 9113 5.4.2"""
    c = begin(h2server)
    bad = block(request(**BAD)) + literal("Bad", "x")
    c.send(b"".join(headers(n, bad) + headers(n + 2) for n in range(1, 80, 4)))
    for n in range(1, 80, 4):
        assert c.answer(n + 2).status == 200
    h2server.unheard()
