"""The clients that people really use: curl, h2load, nghttp, httpx, websockets, Chromium.

Over TLS, with HTTP/1.1 and HTTP/2, in front of a scripted HTTP/1.1 backend.
"""
import asyncio
import base64
import hashlib
import os
import re
import signal
import ssl
import subprocess
import tempfile

import httpx
import pytest
import websockets

from certs import Authority
from origin import chunked, reply
from wait import until

pytestmark = pytest.mark.usher_only("http2 on is newer than nginx 1.22")

SITE = """
server {
    listen 127.0.0.1:%%PORT%% ssl;
    http2 on;
    server_name localhost;
    ssl_certificate %%CERT%%;
    ssl_certificate_key %%KEY%%;
    client_max_body_size 64m;
    location / { proxy_pass http://%%BACKEND%%; }
    location /ws {
        proxy_pass http://%%BACKEND%%;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection "upgrade";
    }
    location /proto { return 200 "$server_protocol $ssl_protocol $http2"; }
}
"""

PAGE = b"""<!doctype html><title>t</title><body><script>
const socket = () => new Promise((good, bad) => {
    const s = new WebSocket('wss://' + location.host + '/ws');
    s.onopen = () => s.send('marco');
    s.onmessage = m => good(m.data);
    s.onerror = () => bad('socket');
});
const events = () => new Promise(good => {
    const e = new EventSource('/events');
    e.onmessage = m => { e.close(); good(m.data); };
});
(async () => {
    const statuses = await Promise.all(Array.from({length: 30}, (_, i) => fetch('/n' + i).then(r => r.status)));
    const upload = await fetch('/echo', {method: 'POST', body: 'x'.repeat(300000)}).then(r => r.text());
    const said = await events();
    const heard = await socket();
    const protocol = performance.getEntriesByType('navigation')[0].nextHopProtocol;
    const report = ['got', statuses.filter(s => s == 200).length, upload.length, said, heard,
        protocol].join(' ');
    fetch('/report', {method: 'POST', body: report});
})();
</script>"""


def serve(conn, request):
    """A small web site: a page, an echo, server-sent events, a WebSocket that answers once."""
    if request.get("upgrade") == "websocket":
        return serve_socket(conn, request)
    if request.target == "/page":
        return reply(PAGE, headers=[("Content-Type", "text/html")])
    if request.target == "/echo":
        return reply(request.body)
    if request.target == "/events":
        return chunked([b"data: tick\n\n", b"data: tock\n\n"], headers=[("Content-Type", "text/event-stream")])
    if request.target == "/large":
        return reply(b"l" * 3_000_000)
    return reply(b"small")


def serve_socket(conn, request):
    guid = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accept = base64.b64encode(hashlib.sha1(request.get("sec-websocket-key").encode() + guid).digest())
    conn.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
    while True:  # one text frame, masked and short
        head = conn.recv_exact(2)
        mask = conn.recv_exact(4)
        data = bytes(b ^ mask[i % 4] for i, b in enumerate(conn.recv_exact(head[1] & 0x7f)))
        if head[0] & 0xf == 8:
            conn.send(b"\x88" + bytes([len(data)]) + data)
            return conn.close()
        answer = b"polo" if data == b"marco" else data
        conn.send(b"\x81" + bytes([len(answer)]) + answer)


@pytest.fixture
def site(usher, origin, tmp_path):
    ca = Authority()
    chain, key = ca.issue("localhost", ["localhost", "127.0.0.1"]).write(tmp_path, "site")
    backend = origin(serve)
    proxy = usher(SITE, BACKEND=backend, CERT=chain, KEY=key)
    proxy.backend, proxy.url = backend, f"https://localhost:{proxy.port}"
    proxy.chain, proxy.ca = chain, tmp_path / "ca.pem"
    proxy.ca.write_bytes(ca.cert)
    return proxy


def run(*command, data=None, timeout=60):
    done = subprocess.run([str(c) for c in command], input=data, capture_output=True, timeout=timeout)
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]
    return done.stdout


def curl(site, path, *args, **kw):
    return run("curl", "-sS", "--cacert", site.ca, "--resolve", f"localhost:{site.port}:127.0.0.1", *args,
               site.url + path, **kw)


@pytest.mark.parametrize("version, name", [("--http1.0", "HTTP/1.0"), ("--http1.1", "HTTP/1.1"),
                                           ("--http2", "HTTP/2.0")])
@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_curl_speaks_each_version_over_each_tls(site, version, name, tls):
    said = curl(site, "/proto", version, f"--tlsv{tls}", "--tls-max", tls).decode().strip()
    assert said == f"{name} TLSv{tls} {'h2' if name == 'HTTP/2.0' else ''}".strip()


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_curl_gets_back_the_bytes_that_it_uploads(site, version):
    body = bytes(range(256)) * 8000
    assert curl(site, "/echo", version, "--data-binary", "@-", data=body) == body


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_curl_downloads_what_was_sent(site, version):
    assert curl(site, "/large", version) == b"l" * 3_000_000


def test_h2load_has_no_failed_request(site):
    said = run("h2load", "-n", "2000", "-c", "8", "-m", "16", f"https://127.0.0.1:{site.port}/x").decode()
    assert re.search(r"requests: 2000 total, 2000 started, 2000 done, 2000 succeeded, 0 failed", said), said


def test_nghttp_gets_a_page_and_what_it_names(site):
    said = run("nghttp", "-v", "-n", f"https://localhost:{site.port}/x").decode()
    assert ":status: 200" in said and "recv DATA frame" in said


def test_httpx_shares_one_http2_connection_among_many_requests(site):
    async def fetch():
        trusted = ssl.create_default_context(cafile=str(site.ca))
        async with httpx.AsyncClient(http2=True, verify=trusted) as client:
            answers = await asyncio.gather(*(client.get(f"{site.url}/n{i}") for i in range(40)))
            big = await client.post(site.url + "/echo", content=b"e" * 200_000)
        return answers + [big]
    *small, big = asyncio.run(fetch())
    assert {(r.status_code, r.http_version, r.text) for r in small} == {(200, "HTTP/2", "small")}
    assert big.content == b"e" * 200_000


def test_a_websocket_goes_over_tls(site):
    async def talk():
        trusted = ssl.create_default_context(cafile=str(site.ca))
        async with websockets.connect(f"wss://localhost:{site.port}/ws", ssl=trusted, max_size=None) as s:
            await s.send("marco")
            return await s.recv()
    assert asyncio.run(talk()) == "polo"


def spki(chain):
    key = run("openssl", "x509", "-in", chain, "-pubkey", "-noout")
    der = run("openssl", "pkey", "-pubin", "-outform", "der", data=key)
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


def test_chromium_uses_http2_for_page_fetches_events_upload_and_websocket(site):
    """The page tells the backend what it has seen."""
    def report():
        return next((r.body.decode() for r in site.backend.requests if r.target == "/report"), None)
    with tempfile.TemporaryDirectory(prefix="usher-chromium-") as profile:
        browser = subprocess.Popen(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--remote-debugging-port=0", f"--user-data-dir={profile}",
             f"--ignore-certificate-errors-spki-list={spki(site.chain)}", f"{site.url}/page"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            until(report, "the page's report", timeout=60)
        finally:
            os.killpg(browser.pid, signal.SIGTERM)
            browser.wait(20)
    assert report() == "got 30 300000 tick polo h2"
    sockets = [r for r in site.backend.requests if r.target == "/ws"]
    assert [r.get("connection") for r in sockets] == ["upgrade"]
    lines = site.access_log(35)
    assert {line.split('"')[1].split()[-1] for line in lines} == {"HTTP/2.0"}, lines
