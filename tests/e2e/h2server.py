"""What the tests of HTTP/2's rules speak to: usher before an origin, or with H2_PEER=HOST:PORT
another server that has the same pages, to check the tests themselves."""
import os

from origin import reply
from proxy import IS_NGINX

PEER = os.environ.get("H2_PEER")
LISTEN = "listen 127.0.0.1:%%PORT%% http2;" if IS_NGINX else "listen 127.0.0.1:%%PORT%%; http2 on;"
CONF = "server { " + LISTEN + """
    server_name localhost; MORE
    location / { proxy_pass http://%%O%%; proxy_http_version 1.1; }
    location /local { return 200 "local"; }
    location /buffered { proxy_request_buffering off; proxy_pass http://%%O%%;
                         proxy_http_version 1.1; }
}
"""
TIMES = "client_header_timeout 5s; client_body_timeout 5s; send_timeout 5s;"
BIG = bytes(range(256)) * 1200


def pages(conn, request):
    """/big is long, /stall never answers, what is posted comes back, the rest is small."""
    path = request.target.split("?")[0]
    if path.endswith("/stall"):
        return conn.wait_closed()
    if path == "/big":
        return reply(BIG)
    return reply(request.body or "hello\n")


class Server:
    """Where to connect, and what the origin has heard."""

    def __init__(self, proxy, heard):
        self.proxy, self.heard = proxy, heard
        self.port = proxy.port if proxy else (PEER.split(":")[0], int(PEER.split(":")[1]))

    def unheard(self, path="/bad"):
        """Nothing of a refused request reached the origin."""
        targets = [r.target for r in self.heard.requests] if self.heard else []
        assert path not in targets, targets


def serve(usher, origin, more="client_max_body_size 0;", script=pages, times=TIMES, how="", **kw):
    """A Server; `more` and `times` go into its server block, `how` into listen."""
    if PEER:
        return Server(None, None)
    heard, text = origin(script), CONF.replace("PORT%%;", f"PORT%% {how};")
    return Server(usher(text.replace("MORE", times + more), O=heard, **kw), heard)
