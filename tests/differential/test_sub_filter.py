"""sub_filter: what nginx makes of texts, types, validators, and of pieces."""
import random

import pytest

from origin import chunked


def server(body, http=""):
    return http + " server { listen 127.0.0.1:%%PORT%%; server_name localhost; default_type text/html; " + body + " }"


TEXT = "abc ABC aBcd ab abcab xabcabcx <a href=\"http://Back.end/x\">http://back.end</a> \u00c4bc abc"

SETS = [
    "sub_filter abc 1;",
    "sub_filter abc 1; sub_filter ab 2;",
    "sub_filter ab 1; sub_filter abc 2;",
    "sub_filter ab 1; sub_filter AB 2; sub_filter a 3;",
    "sub_filter cd 3; sub_filter ab 1; sub_filter abc 2;",
    "sub_filter abc '';",
    "sub_filter abc [$uri|$arg_a];",
    "sub_filter $arg_a <$1>; sub_filter b B;",
    "sub_filter http://back.end https://$host; sub_filter ' ' '_';",
    "sub_filter $arg_none never;",
    "sub_filter \u00e4 never; sub_filter \u00c4 A;",
    "sub_filter b '$arg_a$arg_a'; sub_filter abc long;",
    "sub_filter abcabcabcabcabcabcabcabcabcabcabcabcabcabcabc 1; sub_filter bcx y;",
    "sub_filter 'abc' 'abcabc'; sub_filter c 'C';",
    "sub_filter 'a' '$content_type $status'; sub_filter '</a>' $bytes_sent;",
]


@pytest.mark.parametrize("once", ["on", "off"])
@pytest.mark.parametrize("pairs", SETS, ids=range(len(SETS)))
def test_pairs(agree, pairs, once):
    agree(server(f"{pairs} sub_filter_once {once}; location / {{ }} location /r {{ return 200 '{TEXT}'; }}"),
          ["/t.html", "/t.html?a=ABC", "HEAD /t.html", "/t.css", "/empty.html", "/r?a=x", "/none"],
          files={"html/t.html": TEXT, "html/t.css": TEXT, "html/empty.html": ""}, inexact=("last-modified",))


ENDS = ["ab", "xab", "abab", "a", "b", "xxabc", "abcd", "bcd", "zz", "xz", "abcz", "bc", "bcabc", "abczab"]


@pytest.mark.parametrize("pairs", ["sub_filter abc 1; sub_filter b 2; sub_filter bcd 3;", "sub_filter abcdefgh 1; sub_filter zz 2;",
                                   "sub_filter bcd 1; sub_filter ab 2;", "sub_filter abcabcd 1; sub_filter ca 2; sub_filter z 3;"])
def test_ends(agree, pairs):
    agree(server(f"{pairs} sub_filter_once off;"), [f"/{i}.html" for i in range(len(ENDS))],
          files={f"html/{i}.html": text for i, text in enumerate(ENDS)})


@pytest.mark.parametrize("seed", range(6))
def test_pieces(agree, seed):
    """Texts of few letters in small pieces: what begins in one and ends in another."""
    rng = random.Random(seed)

    def scribble(n):
        return "".join(rng.choice("abAB") for _ in range(n))
    texts = [[scribble(rng.randrange(1, 6)) for _ in range(rng.randrange(1, 12))] for _ in range(24)]
    pairs = " ".join(f"sub_filter {scribble(rng.randrange(1, 6))} {i};" for i in range(rng.randrange(1, 5)))

    def script(conn, request):
        pieces = texts[int(request.target.rpartition("/")[2])]
        conn.send(chunked([], headers=[("Content-Type", "text/html")])[:-5])
        for p in pieces:
            conn.send(b"%x\r\n%s\r\n" % (len(p), p.encode()))
        return b"0\r\n\r\n"
    agree(server(f"proxy_pass http://%%BACKEND%%; proxy_buffering off; location / {{ {pairs} sub_filter_once off; }} "
                 f"location /once/ {{ {pairs} }}".replace("proxy_pass http://%%BACKEND%%; ", "")
                 .replace("location / {", "location / { proxy_pass http://%%BACKEND%%; ")
                 .replace("location /once/ {", "location /once/ { proxy_pass http://%%BACKEND%%; ")),
          [f"/{w}{i}" for w in ("", "once/") for i in range(24)], script=script)


def answer(conn, request):
    kind = request.target.strip("/").split("/")[-1]
    tag = {"weak": 'W/"x"', "bare": "x", "short": '"', "lower": 'w/"x"'}.get(kind, '"x"')
    types = {"css": "Text/CSS", "cs": "text/html; charset=utf-8", "par": "text/html; a=b; charset=x", "none": None, "upper": "TEXT/HTML",
             "blank": "text/html ;charset=x", "semi": "text/html;", "xml": "text/xml"}
    kinds = types.get(kind, "text/html")
    head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nAccept-Ranges: bytes\r\nLast-Modified: Sat, 01 Jan 2022 00:00:00 GMT\r\n"
    head += f"ETag: {tag}\r\n" + (f"Content-Type: {kinds}\r\n" if kinds else "") + "\r\n"
    return head.encode() + (b"" if request.method == "HEAD" else b"hello")


KINDS = ["html", "weak", "bare", "short", "lower", "css", "cs", "par", "none", "upper", "blank", "semi", "xml"]
WAYS = ["", "sub_filter_last_modified on;", "sub_filter_types text/css TEXT/xml;", "sub_filter_types *;",
        "sub_filter_types text/css; sub_filter_types text/xml;", "add_header ETag mine; add_header Last-Modified '';"]


@pytest.mark.parametrize("way", WAYS, ids=range(len(WAYS)))
def test_heads(agree, way):
    agree(server("location / { sub_filter hello bye; %s proxy_pass http://%%%%BACKEND%%%%; }" % way),
          [f"{m}/{k}{r}" for k in KINDS for m in ("", "HEAD ") for r in ("", "\nRange: bytes=1-2")], script=answer, exact=("etag",))


def test_own_files_have_their_validators_taken(agree):
    agree(server("sub_filter a b; location /keep { sub_filter_last_modified on; alias html/; }"),
          ["/f.html", "/keep/f.html", "/f.html\nRange: bytes=0-1", "/f.html\nIf-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT"],
          files={"html/f.html": "aaa"}, same_time=("html/f.html", 1_700_000_000))


def test_inheritance(agree):
    agree(server("sub_filter a 1; sub_filter b 2; location /own { alias html; sub_filter c 3; sub_filter_once off; } "
                 "location /types { alias html; sub_filter_types text/css; } location /e { error_page 404 /f.html; }"),
          ["/f.html", "/own/f.html", "/types/f.css", "/types/f.html", "/f.css", "/e"],
          files={"html/f.html": "abcabc", "html/f.css": "abcabc"})


def test_large(agree):
    page = ("<p>lorem ipsum dolor http://back.end/ sit amet</p>\n" * 6000)
    agree(server("sub_filter_once off; sub_filter http://back.end https://front; sub_filter amet 'AMET amet'; "
                 "location /grow { alias html; sub_filter e '%s'; }" % ("e" * 200)), ["/f.html", "/grow/f.html"],
          files={"html/f.html": page})
