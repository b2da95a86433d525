"""security_headers, hide_technology, and the cookies that userid makes."""
import base64
import re
import struct

import pytest

import h2client
from client import connect, get
from tls_client import PAIR, context, get_tls, site_files

ours = pytest.mark.usher_only("usher's own")
STRICT = {"x-content-type-options": "nosniff", "x-frame-options": "SAMEORIGIN", "referrer-policy": "strict-origin-when-cross-origin",
          "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
          "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp", "cross-origin-resource-policy": "same-origin",
          "content-security-policy": "default-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'; object-src 'none'"}
API = {"x-content-type-options": "nosniff", "x-frame-options": "DENY", "referrer-policy": "no-referrer", "cross-origin-resource-policy": "same-origin",
       "content-security-policy": "default-src 'none'; frame-ancestors 'none'"}
HSTS = {"strict-transport-security": "max-age=31536000; includeSubDomains"}
USUAL = {"server", "date", "content-type", "content-length", "connection"}


def server(body, listen="listen 127.0.0.1:%%PORT%%;", http=""):
    return f"{http} server {{ {listen} server_name localhost; {body} }}"


def policies(response):
    fields = {k.lower(): v for k, v in response.headers}
    assert len(fields) == len(response.headers)
    return {k: v for k, v in fields.items() if k not in USUAL}


@ours
def test_presets(usher):
    p = usher(server("location / { return 200; } location /api { security_headers api; return 404; } location /off { security_headers off; return 200; }",
                     http="security_headers strict;"))
    assert policies(get(p.port)) == STRICT
    assert policies(get(p.port, "/api")) == API
    assert policies(get(p.port, "/off")) == {}


@ours
@pytest.mark.parametrize("h2", [False, True])
def test_hsts_is_for_tls(usher, h2):
    p = usher(server("security_headers api; http2 on; location / { return 200; }" + PAIR, "listen 127.0.0.1:%%PORT%% ssl;"), files=site_files())
    if h2:
        answer = h2client.connect(p, ctx=context(alpn=["h2"])).get("/")
        assert {k: v for k, v in answer.headers if k not in USUAL and not k.startswith(":")} == {**API, **HSTS}
    else:
        assert policies(get_tls(p)) == {**API, **HSTS}


@ours
def test_what_is_said_already_stays(usher, origin):
    o = origin(lambda conn, request: b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nx-frame-options: DENY\r\nContent-Security-Policy: img-src x\r\n\r\n")
    p = usher(server("security_headers strict; add_header Referrer-Policy origin always; location / { proxy_pass http://%%O%%; }"), O=o)
    assert policies(get(p.port)) == {**STRICT, "x-frame-options": "DENY", "content-security-policy": "img-src x", "referrer-policy": "origin"}


TOLD = ("Server: Apache/2.4\r\nX-Powered-By: PHP/8\r\nX-AspNet-Version: 4\r\nx-generator: Drupal\r\nX-Drupal-Cache: HIT\r\nX-Runtime: 0.1\r\n"
        "X-Varnish: 1\r\nX-Kept: yes\r\n")


@ours
def test_backends_do_not_tell_what_they_are(usher, origin):
    o = origin(lambda conn, request: f"HTTP/1.1 200 OK\r\n{TOLD}Content-Length: 0\r\n\r\n".encode())
    p = usher(server("proxy_pass_header Server; location / { hide_technology on; proxy_pass http://%%O%%; } location /off { proxy_pass http://%%O%%; } "
                     "location /own { hide_technology on; add_header X-Powered-By love; return 404; }"), O=o)
    assert policies(get(p.port)) == {"x-kept": "yes"}
    assert get(p.port).get("server") == "usher"
    assert get(p.port, "/off").get("server") == "Apache/2.4"
    assert len(policies(get(p.port, "/off"))) == 7
    page = get(p.port, "/own")
    assert page.get("server") == "usher" and "usher/" not in page.text


# --- userid ---

def uid(response, name="uid"):
    value, _, attributes = response.get("set-cookie").partition("; ")
    assert value.startswith(name + "=")
    return base64.b64decode(value[len(name) + 1:]), attributes


@pytest.mark.parametrize("version, form", [("on", ">4I"), ("v1", "<4I")])
def test_a_new_identifier(usher, version, form):
    p = usher(server(f"userid {version}; userid_service 77; location / {{ return 200; }}"))
    with connect(p.port) as c:
        seen = [uid(c.get()) for _ in range(3)]
    parts = [struct.unpack(form, raw) for raw, _ in seen]
    assert len(set(raw for raw, _ in seen)) == 3 and {a for _, a in seen} == {"path=/"}
    assert {s for s, *_ in parts} == {77} and all(t > 1_700_000_000 for _, t, *_ in parts)
    assert {n & 0xff for *_, n in parts} == {2 if version == "on" else 1}


def test_the_service_is_the_address_by_default(usher):
    p = usher(server("userid on; location / { return 200; }", listen="listen %%PORT%%;"))
    assert uid(get(p.port))[0][:4] == bytes([127, 0, 0, 1])


def test_what_was_set_is_what_the_log_says(usher):
    p = usher(server("userid on; userid_expires 1d; userid_name me; access_log logs/u.log u; location / { add_header X-Set $uid_set; return 200; }",
                     http="log_format u $uid_set;"))
    r = get(p.port)
    raw, attributes = uid(r, "me")
    assert r.get("x-set") == "me=" + "".join("%08X" % part for part in struct.unpack("<4I", raw))
    assert re.fullmatch(r"expires=\w{3}, \d\d-\w{3}-\d\d \d\d:\d\d:\d\d GMT; path=/", attributes)


def test_reset_is_logged(usher):
    p = usher(server("userid on; location / { set $uid_reset log; return 200; }"))
    r = get(p.port, headers={"Cookie": "uid=fwAAAWQAAAAAAAAAAgMDAw=="})
    assert uid(r)[0] != base64.b64decode("fwAAAWQAAAAAAAAAAgMDAw==")
    p.wait_log(r'\[notice\].* userid cookie "uid=0100007F000000640000000003030302" was reset')


WRONG = [
    ("security_headers lax;", 'invalid value "lax"'), ("hide_technology maybe;", 'invalid value "maybe" in "hide_technology"'),
    ("if ($arg_a) { security_headers api; }", '"security_headers" directive is not allowed here'), ("userid v3;", 'invalid value "v3"'),
    ("userid_mark ab;", 'value must be "off" or a single letter, digit or "="'), ("userid_expires soon;", "invalid value"),
    ("userid_flags httponly lazy;", 'invalid value "lazy"'), ("userid_service x;", "invalid number"), ("userid on; userid on;", '"userid" directive is duplicate'),
]


@ours
def test_mistakes_are_told(usher):
    text = "".join(f"server {{ listen 127.0.0.1:%%PORT%%; server_name s{i}; {line} }}\n" for i, (line, _) in enumerate(WRONG))
    told = usher(text, start=False).run("-t").stderr
    assert [words for _, words in WRONG if words not in told] == [], told
