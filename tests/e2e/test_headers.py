"""What add_header, add_trailer and expires do where nginx 1.22 cannot be asked."""
import client


def test_trailers_follow_a_body_of_unknown_length(usher, origin):
    backend = origin(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
    proxy = usher("""server { listen 127.0.0.1:%%PORT%%;
        location / { add_trailer X-Status $status; proxy_pass http://%%BACKEND%%; } }""", BACKEND=backend)
    assert client.raw(proxy.port, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").endswith(
        b"0\r\nX-Status: 200\r\n\r\n")


def test_a_trailer_is_made_when_the_body_is_over(usher, origin):
    backend = origin(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n")
    proxy = usher("""server { listen 127.0.0.1:%%PORT%%;
        location / { add_trailer X-Copy $upstream_trailer_x_sum; proxy_pass http://%%BACKEND%%; } }""", BACKEND=backend)
    assert client.raw(proxy.port, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").endswith(b"0\r\nX-Copy: 7\r\n\r\n")


def test_inheritance_is_merged_kept_or_cut_off(usher):
    proxy = usher("""add_header X-A http; server { listen 127.0.0.1:%%PORT%%;
        location /merge { add_header_inherit merge; add_header X-B own; return 200; }
        location /off { add_header_inherit off; return 200; }
        location /on { return 200; }
        location /own { add_header X-B own; return 200; } }""")
    def seen(target):
        r = client.get(proxy.port, target)
        return r.get("x-a"), r.get("x-b")
    assert [seen(t) for t in ("/merge", "/off", "/on", "/own")] == [
        ("http", "own"), (None, None), ("http", None), (None, "own")]


def test_inheritance_of_trailers_is_their_own(usher, origin):
    backend = origin(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
    proxy = usher("""add_trailer X-A http; server { listen 127.0.0.1:%%PORT%%; proxy_buffering off;
        location /merge { add_trailer_inherit merge; add_trailer X-B own; proxy_pass http://%%BACKEND%%; }
        location /off { add_trailer_inherit off; proxy_pass http://%%BACKEND%%; }
        location /headers { add_header_inherit off; proxy_pass http://%%BACKEND%%; } }""", BACKEND=backend)
    def trailers(target):
        r = client.raw(proxy.port, b"GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % target)
        return sorted(r.rpartition(b"0\r\n")[2].split())
    assert trailers(b"/merge") == [b"X-A:", b"X-B:", b"http", b"own"]
    assert trailers(b"/off") == []
    assert trailers(b"/headers") == [b"X-A:", b"http"]


def test_a_line_break_in_a_variable_adds_no_field(usher):
    proxy = usher("""server { listen 127.0.0.1:%%PORT%%; location / { add_header X-Uri $uri always; return 200; } }""")
    r = client.get(proxy.port, "/a%0d%0aX-Evil:%201")
    assert r.get("x-evil") is None and r.get("x-uri") is None
