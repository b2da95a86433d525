"""charset, source_charset, override_charset, charset_map, X-Accel-Charset. What is no UTF-8 is in tests/e2e: nginx
takes the byte after a broken character along, usher does not."""
import random

import pytest

from origin import chunked


def table(codec, back="utf-8", skip=()):
    """A charset_map's lines, for the upper half."""
    lines = []
    for byte in range(0x80, 0x100):
        try:
            letter = bytes([byte]).decode(codec)
            code = letter.encode(back)
        except UnicodeError:
            continue
        if byte not in skip:
            lines.append(f"{byte:02X} {code.hex().upper()};")
    return " ".join(lines)


KOI = "charset_map koi8-r utf-8 { " + table("koi8-r", skip=(0xA3,)) + " } "
WIN = "charset_map windows-1251 KOI8-R { " + table("cp1251", "koi8-r") + " } "
ODD = "charset_map odd utf-8 { 80 EFBFBD; 81 E282AC; 82 C3A9; 41 D0B6; } charset_map utf-16 x { 80 81; 9 a; } "
RUSSIAN = "Это текст: ёж, Ёлка — 5 €, naïve ⛄ 𝄞."


def server(body, http=KOI + WIN):
    return http + " server { listen 127.0.0.1:%%PORT%%; server_name localhost; default_type text/html; " + body + " }"


FILES = {"html/koi.html": RUSSIAN.encode("koi8-r", "replace").decode("latin-1"), "html/utf.html": RUSSIAN.encode().decode("latin-1"),
         "html/win.html": RUSSIAN.encode("cp1251", "replace").decode("latin-1"), "html/all.html": "".join(map(chr, range(256))),
         "html/ascii.html": "plain\n", "html/empty.html": "", "html/x.css": "css", "html/x.txt": "txt", "html/x.xml": "xml"}
FILES = {k: v.encode("latin-1") for k, v in FILES.items()}
PAGES = [f"/{k[5:]}" for k in FILES]
TYPES = "types { text/html html; text/css css; text/plain txt; text/xml xml; } "

OWN = [
    "charset utf-8;", "charset UTF-8; source_charset koi8-r;", "charset koi8-r; source_charset KOI8-R;",
    "charset koi8-r; source_charset windows-1251;", "charset windows-1251; source_charset koi8-r;", "charset off; source_charset koi8-r;",
    "set $c \"$arg_c\"; charset $c; source_charset koi8-r;", "set $s \"$arg_s\"; charset utf-8; source_charset $s;", "charset utf-8; charset_types text/css;",
    "charset utf-8; charset_types *;", "set $c \"$arg_c\"; charset $c;", "charset utf-8; source_charset koi8-r; override_charset on;",
    "source_charset koi8-r;", "charset utf-8; error_page 404 /koi.html;", "charset utf-8; if ($arg_c) { charset koi8-r; }",
]


@pytest.mark.parametrize("way", OWN, ids=range(len(OWN)))
def test_files(agree, way):
    agree(server(f"{TYPES} location / {{ {way} }}"),
          [*(PAGES if "source_charset utf-8" not in way else PAGES[4:]), "/koi.html?c=utf-8", "/koi.html?c=KOI8-r", "/koi.html?c=off", "/koi.html?c=unknown", "/koi.html?s=koi8-r", "/none",
           "HEAD /koi.html", "/koi.html\nRange: bytes=2-5", "/koi.html?c=off&s=off"],
          files=FILES, inexact=("last-modified",))


def test_utf8_is_taken_apart(agree):
    agree(server("charset koi8-r; source_charset utf-8; location /win { charset windows-1251; source_charset koi8-r; alias html; }"),
          ["/utf.html", "/ascii.html", "/empty.html", "/none", "/win/win.html", "HEAD /utf.html"], files=FILES,
          inexact=("last-modified",))


def test_return_and_redirects(agree):
    agree(server("charset utf-8; location / { return 200 text; } location /r { return 301 /x; } location /e { return 404; } "
                 "location /c { default_type 'text/html; charset=koi8-r'; return 200 text; } "), ["/", "/r", "/e", "/c"])


def answer(conn, request):
    kind = request.target.rpartition("/")[2].partition("?")[0]
    types = {"own": "text/html; charset=koi8-r", "same": "text/html; charset=utf-8", "quoted": 'text/html; charset="koi8-r"',
             "upper": "text/html; CHARSET=KOI8-R", "odd": "text/html; charset=none-such", "json": "application/json", "none": None,
             "par": "text/html; a=b", "tight": "text/html;charset=koi8-r", "two": "text/html; charset=koi8-r; x=y", "void": "text/html; charset="}
    fields = [("Content-Type", types.get(kind, "text/html"))]
    accel = {"accel": "koi8-r", "acceloff": "off", "accelutf": "utf-8", "accelodd": "none-such", "own": "utf-8" if "?" in request.target else None}
    fields += [("X-Accel-Charset", accel.get(kind)), ("Content-Encoding", "gzip" if kind == "gz" else None)]
    fields += [("ETag", '"x"'), ("Accept-Ranges", "bytes"), ("Last-Modified", "Sat, 01 Jan 2022 00:00:00 GMT")]
    head = "".join(f"{k}: {v}\r\n" for k, v in fields if v)
    body = "Это текст".encode("koi8-r")
    status = {"301": "301 Moved", "302": "302 Found", "404": "404 No"}.get(kind, "200 OK")
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{head}\r\n".encode() + (b"" if request.method == "HEAD" else body)


KINDS = ["plain", "own", "own?accel", "same", "quoted", "upper", "odd", "json", "none", "par", "tight", "two", "void", "accel", "acceloff",
         "accelutf", "accelodd", "gz", "301", "302", "404"]
BACKED = ["", "charset utf-8;", "charset utf-8; source_charset koi8-r;", "charset utf-8; override_charset on;",
          "charset utf-8; source_charset windows-1251; override_charset on;", "charset windows-1251; source_charset koi8-r;",
          "charset utf-8; source_charset koi8-r; proxy_ignore_headers X-Accel-Charset;", "charset_types application/json; charset utf-8;",
          "set $c \"$arg_c\"; charset $c; override_charset on;", "source_charset koi8-r;"]


@pytest.mark.parametrize("way", BACKED, ids=range(len(BACKED)))
def test_backends(agree, way):
    http = KOI + WIN + "charset_map windows-1251 utf-8 { " + table("cp1251") + " }"
    agree(server("location / { %s proxy_pass http://%%%%BACKEND%%%%; }" % way, http), [f"{m}/{k}" for k in KINDS for m in ("", "HEAD ")],
          script=answer, exact=("etag",))


@pytest.mark.parametrize("way", ["charset koi8-r; source_charset utf-8;", "charset odd; source_charset utf-8;",
                                 "charset utf-16; source_charset x;",
                                 "charset x; source_charset utf-16;"])
@pytest.mark.parametrize("seed", range(3))
def test_pieces(agree, way, seed):
    """Bytes of all kinds, whole and broken characters, in small pieces."""
    rng = random.Random(seed)
    letters = [c.encode() for c in "aAzжёЁ€⛄𝄞😀é\u0080\ud7ff\ue000\uffff\u07ff\u0800"] + [
        b"\x80", b"\xc0\x80", b"\xe2\x82", b"\xf0\x9d", b"\xed\xa0\x80", b"\xff", b"\xf8\x80\x80\x80", b"\xc3", b"\xe0\x80\x80",
        b"\xf4\x90\x80\x80", b"\xc1", b"\x81\x82\x83\x09\x0a"]
    letters = letters if "utf-8" not in way.split()[3] else letters[:18]
    texts = [b"".join(rng.choice(letters) for _ in range(12)) for _ in range(40)]

    def script(conn, request):
        text = texts[int(request.target[1:])]
        conn.send(chunked([], headers=[("Content-Type", "text/html")])[:-5])
        step = rng.randrange(1, 9)
        for i in range(0, len(text), step):
            piece = text[i:i + step]
            conn.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        return b"0\r\n\r\n"
    agree(server("location / { proxy_buffering off; %s proxy_pass http://%%%%BACKEND%%%%; }" % way, KOI + ODD),
          [f"/{i}" for i in range(40)], script=script)


@pytest.mark.parametrize("to", ["utf-8", "x"])
def test_maps_of_ascii_hold_in_plain_text_too(agree, to):
    """No byte of the text is above 0x7f."""
    maps = "charset_map odd utf-8 { 41 D0B6; 80 E282AC; } charset_map odd x { 41 42; 42 41; 80 81; } "
    files = {"html/a.html": b"A plain text, AB, " * 9, "html/odd.html": b"BAB\x80AAA plain again, AB" * 3}
    agree(server(f"{TYPES} charset {to}; source_charset odd; location /back {{ charset odd; source_charset {to}; alias html; }}", http=maps),
          ["/a.html", "/odd.html", *(["/back/a.html", "/back/odd.html"] if to == "x" else [])], files=files, inexact=("last-modified",))
