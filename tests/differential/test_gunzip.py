"""gunzip, and who may have gzip: gzip_vary, gzip_http_version, gzip_proxied, gzip_disable."""
import gzip

import pytest

PAGE = b"<p>some text</p>\n" * 5000
PACKED = gzip.compress(PAGE, mtime=0)


def server(body):
    return "server { listen 127.0.0.1:%%PORT%%; server_name localhost; " + body + " location / { proxy_pass http://%%BACKEND%%; } }"


def answer(conn, request):
    path, _, args = request.target.partition("?")
    body = {"/cut": PACKED[:-20], "/head": PACKED[:5], "/twice": PACKED * 2, "/tail": PACKED + b"garbage", "/bad": b"no gzip at all",
            "/none": b"", "/plain": PAGE, "/nil": gzip.compress(b"", mtime=0), "/zeros": PACKED + bytes(20)}.get(path, PACKED)
    coding = {"/plain": "", "/upper": "GZIP", "/x": "x-gzip", "/two": "gzip, gzip", "/br": "br"}.get(path, "gzip")
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nContent-Type: text/html\r\nAccept-Ranges: bytes\r\n"
    head += f"Content-Encoding: {coding}\r\n" if coding else ""
    head += "".join(f"{f.replace('=', ': ').replace('+', ' ')}\r\n" for f in args.split("&") if f)
    return (head + "\r\n").encode() + (b"" if request.method == "HEAD" else body)


PATHS = ["/", "/twice", "/plain", "/nil", "/upper", "/x", "/two", "/br", "HEAD /", "/?ETag=\"a\"&Last-Modified=x",
         "/\nRange: bytes=0-3", "/?Vary=Cookie"]


@pytest.mark.parametrize("way", ["gunzip on;", "gunzip on; gzip_vary on;", "gunzip off; gzip_vary on;"])
def test_bodies(agree, way):
    agree(server(way), [f"{p}{a}" for p in PATHS for a in ("", "\nAccept-Encoding: gzip")], script=answer, exact=("etag",))


ACCEPTS = ["", "gzip", "GZIP", "gzip;q=0", "gzip;q=0.0", "gzip;q=0.000", "gzip;q=0.0000", "gzip;q=0.001", "gzip;q=0.5", "gzip;q=1", "gzip;q=1.0",
           "gzip;q=1.000", "gzip;q=1.001", "gzip;q=2", "gzip; q=0.3", "gzip ;q=0.3", "gzip;Q=1", "gzip;q=", "gzip;q", "gzip;x=1", "deflate, gzip",
           "deflate,gzip,br", "x-gzip", "gzipx", "xgzip", "*", "identity", "br;q=1, gzip;q=0", "gzip, gzip;q=0", "gzip;q=0, gzip", "gzip;q=.5",
           "gzip;q=1.", "gzip;q=0.", "gzip;q=0.1234", "gzip;q=0 .5", "gzip;q=01", "gzip;;q=1", "\"gzip\"", "gzip,", ",gzip"]


def test_accept_encoding(agree):
    agree(server("gunzip on;"), [f"/\nAccept-Encoding: {a}" for a in ACCEPTS], script=answer)


def test_versions_and_agents(agree):
    raw = "GET {} HTTP/1.0\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n"
    agree(server("gunzip on; gzip_disable msie6 curl; location /old { gzip_http_version 1.0; proxy_pass http://%%BACKEND%%; }"),
          [raw.format("/").encode(), raw.format("/old").encode()]
          + [f"/\nAccept-Encoding: gzip\nUser-Agent: {a}" for a in
             ("CURL/8", "x", "Mozilla/4.0 (compatible; MSIE 6.0; Windows)", "MSIE 6.0 SV1", "MSIE 7.0", "MSIE 5.5", "MSIE 3.0", "msie 6.0", "MSIE 60")],
          script=answer)


PAST, FUTURE = "Sat,+01+Jan+2000+00:00:00+GMT", "Sat,+01+Jan+2050+00:00:00+GMT"
PROXIED = ["off", "any", "expired", "no-cache", "no-store", "private", "no_last_modified", "no_etag", "auth", "expired no-cache",
           "no_last_modified no_etag", "off any", "no-cache no_etag", "no-store private expired auth", "expired no_etag"]
ANSWERS = ["", f"Expires={PAST}", f"Expires={FUTURE}", "Expires=0", "Cache-Control=no-cache", "Cache-Control=no-store",
           "Cache-Control=private,+max-age=3", "Cache-Control=max-age=3", "ETag=\"a\"", f"Last-Modified={PAST}", f"ETag=\"a\"&Last-Modified={PAST}",
           f"Expires={FUTURE}&Cache-Control=no-cache", f"Expires={PAST}&Cache-Control=public", "Cache-Control=public&Cache-Control=no-cache",
           "Cache-Control=max-age=3&ETag=\"a\"", f"Expires={PAST}&ETag=\"a\""]


@pytest.mark.parametrize("rules", PROXIED)
def test_proxied(agree, rules):
    agree(server(f"gunzip on; gzip_proxied {rules};"),
          [f"/?{a}\nAccept-Encoding: gzip\nVia: 1.1 x" for a in ANSWERS] + ["/\nAccept-Encoding: gzip\nVia: 1.1 x\nAuthorization: x",
                                                                          "/\nAccept-Encoding: gzip"], script=answer)
