"""Every example in conf/examples/ is valid as it stands; what each one promises is kept."""
import re
import ssl
import subprocess

import pytest

from client import connect, get
from fcgi import answer
from h2origin import answer as answer_h2
from origin import reply
from proxy import BIN, ROOT
from tls_client import CA, connect_tls, context, get_tls

PACKAGED = {name: (ROOT / "conf" / name).read_bytes()
            for name in ("mime.types", "fastcgi.conf", "fastcgi_params", "uwsgi_params", "scgi_params")}
CLIENT_FILES = {"/etc/ssl/clients-ca.pem": CA.cert, "/etc/ssl/clients.crl": CA.crl()}
EXAMPLES = sorted((ROOT / "conf/examples").glob("*.conf"))


def example(name):
    """An example's text with its ports and addresses moved to loopback."""
    text = (ROOT / "conf/examples" / name).read_text().replace("listen 80;",
                                                               "listen 127.0.0.1:%%PORT%%;")
    for n in (1, 2, 3):
        text = text.replace(f"10.0.0.{n}:8000", f"%%B{n}%%")
    return text


def with_files(text, leaf, contents=()):
    """The text with its files below the prefix, and the files: the leaf's unless contents has them."""
    files = {}
    for path in re.findall(r"/etc/[^;]+", text):
        own = leaf.key if path.endswith(("key", "privkey.pem")) else leaf.chain
        files[path[1:]] = dict(contents).get(path, own)
    return text.replace("/etc/", "%%PREFIX%%/etc/"), files


def over_tls(name, leaf, contents=()):
    """An example with its TLS port on loopback and its files in the test's directory."""
    text = example(name).replace("listen 80 default_server;", "listen 127.0.0.1:%%PORT%%;")
    text = text.replace("listen 443 ssl", "listen 127.0.0.1:%%PORT2%% ssl")
    return with_files(text.replace("/srv", "%%PREFIX%%/srv"), leaf, contents)


def backends(origin):
    def script(name):
        return lambda conn, r: reply(f"{name} {r.target} {r.get('Host')}")
    return {f"B{n}": origin(script(n)) for n in (1, 2, 3)}


@pytest.mark.usher_only("a fragment")
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.name)
def test_every_example_is_valid_alone(usher, path):
    text, files = with_files(path.read_text(), CA.issue("example.com"), CLIENT_FILES)
    done = usher(text, bare=True, start=False, files={**PACKAGED, **files}).run("-t")
    assert done.returncode == 0, done.stderr


@pytest.mark.usher_only("its paths")
def test_the_packaged_configuration_is_valid(usher):
    proxy = usher((ROOT / "conf/usher.conf").read_text(), bare=True, start=False,
                  files=PACKAGED)
    done = subprocess.run([BIN, "-t", "-p", f"{proxy.prefix}/", "-c", "usher.conf"], timeout=30,
                          capture_output=True, text=True)
    assert done.returncode == 0 and "test is successful" in done.stderr, done.stderr


def test_the_media_types_are_the_usual_ones(usher):
    names = {"a.html": "text/html", "a.css": "text/css", "a.mjs": "text/javascript",
             "a.json": "application/json", "a.svg": "image/svg+xml", "a.wasm": "application/wasm",
             "a.woff2": "font/woff2", "a.mp4": "video/mp4", "a.webp": "image/webp"}
    proxy = usher("include mime.types; server { listen 127.0.0.1:%%PORT%%; root html; }",
                  files={**PACKAGED, **{f"html/{n}": b"x" for n in names}})
    for name, kind in names.items():
        assert get(proxy, "/" + name).get("Content-Type") == kind


def test_behind_one_name(usher, origin):
    b = backends(origin)
    proxy = usher(example("behind-one-name.conf"), **b)
    assert get(proxy, "/x", host="example.com").text == "1 /x example.com"
    assert get(proxy, "/shop/cart", host="example.com").text == "2 /cart example.com"
    assert get(proxy, "/reports/1", host="example.com").text == "3 /reports/1 example.com"
    seen = b["B1"].requests[0]
    assert seen.get("X-Real-IP") == seen.get("X-Forwarded-For") == "127.0.0.1"
    assert seen.get("X-Forwarded-Proto") == "http"


def test_static_site(usher, origin):
    text = example("static-site.conf").replace("/srv", "%%PREFIX%%/srv")
    proxy = usher(text, **backends(origin),
                  files={"srv/www/index.html": "home", "srv/www/404.html": "lost",
                         "srv/assets/a.css": "css", "srv/www/.git/config": "secret"})
    with connect(proxy) as c:
        assert c.get("/", host="www.example.com").text == "home"
        r = c.get("/nothing", host="www.example.com")
        assert (r.status, r.text) == (404, "lost")
        assert c.get("/assets/a.css", host="www.example.com").get("Content-Type") == "text/css"
        assert c.get("/.git/config", host="www.example.com").text == "lost"
        assert c.get("/forms/x", host="www.example.com").text.startswith("1 /forms/x")
        r = c.get("/a?b", host="example.com")
        assert (r.status, r.get("Location")) == (301, "http://www.example.com/a?b")


@pytest.mark.usher_only("key_prefix, count, action")
def test_limits(usher, origin):
    """Guesses end, downloads are few, and the API is counted by its key."""
    b = backends(origin)
    b["B1"] = origin(lambda conn, r: reply(b"", status="401 Unauthorized" if r.target == "/login" else "200 OK"))
    proxy = usher(example("limits.conf"), **b)
    with connect(proxy) as c:
        assert [c.get("/login").status for _ in range(8)] == [401] * 6 + [429] * 2
        assert [c.get("/").status for _ in range(20)] == [200] * 20
        assert {c.get("/api/", headers={"X-Api-Key": str(n % 2)}).status for n in range(40)} == {200}
        assert c.get("/downloads/x").status == 200


def test_websocket_and_events(usher, origin):
    b = backends(origin)
    proxy = usher(example("websocket-and-events.conf"), **b)
    get(proxy, headers={"Connection": "upgrade", "Upgrade": "websocket"})
    get(proxy)
    asked, plain = b["B1"].requests + b["B2"].requests
    assert (asked.get("Upgrade"), asked.get("Connection")) == ("websocket", "upgrade")
    assert (plain.get("Upgrade"), plain.get("Connection")) == (None, None)


@pytest.mark.one_thread
def test_load_balancing(usher, origin):
    ill = set()

    def script(name):
        return lambda conn, r: reply(name, status=503 if name in ill else 200)
    backs = {f"B{n}": origin(script(str(n))) for n in (1, 2, 3)}
    proxy = usher(example("load-balancing.conf"), **backs)
    assert sorted(get(proxy, f"/{n}").text for n in range(4)) == ["1", "1", "1", "2"]
    ill.update("12")
    r = get(proxy)
    assert (r.status, r.text) == (200, "3")


def test_site_and_api(usher, origin):
    text = example("site-and-api.conf").replace("/srv", "%%PREFIX%%/srv")
    proxy = usher(text, **backends(origin),
                  files={"srv/app/index.html": "app", "srv/app/assets/a.js": "js"})
    with connect(proxy) as c:
        assert [c.get(p).text for p in ("/", "/view/7", "/assets/a.js")] == ["app", "app", "js"]
        assert c.get("/assets/a.js").get("Content-Type") == "text/javascript"
        assert c.get("/assets/b.js").status == 404
        assert c.get("/api/users", host="app.example.com").text == "1 /api/users app.example.com"
        assert c.get("/api/upload").text.startswith("1 /api/upload")


def test_https_of_modern_grade(usher, origin):
    leaf = CA.issue("example.com", names=["example.com", "www.example.com"])
    text, files = over_tls("https.conf", leaf)
    proxy = usher(text, **backends(origin), files={**files, "srv/acme/.well-known/acme-challenge/x": "token"})
    tls = proxy.ports["PORT2"]
    r = get(proxy, "/a?b", host="www.example.com")
    assert (r.status, r.get("Location")) == (301, "https://www.example.com/a?b")
    assert get(proxy, "/.well-known/acme-challenge/x").text == "token"
    with connect_tls(tls, "example.com", context(trust=True)) as c:
        assert c.sock.version() == "TLSv1.3"
        assert c.get("/x", host="example.com").text == "1 /x example.com"
    for version in ("TLSv1", "TLSv1_1", "TLSv1_2"):
        old = context()
        old.set_ciphers("ALL:@SECLEVEL=0")
        old.maximum_version = old.minimum_version = getattr(ssl.TLSVersion, version)
        with pytest.raises(ssl.SSLError):
            connect_tls(tls, "example.com", old)
    with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
        connect_tls(tls, "other.example")
    done = subprocess.run(["curl", "-sSk", "--http2", "-w", " %{http_version}", "--resolve",
                           f"example.com:{tls}:127.0.0.1", f"https://example.com:{tls}/y"],
                          capture_output=True, text=True, timeout=20)
    assert done.stdout == "1 /y example.com 2", done.stderr


def test_client_certificates(usher, origin, tmp_path):
    leaf = CA.issue("api.example.com", names=["api.example.com", "status.example.com"])
    good, bad = CA.issue("alice"), CA.issue("bob")
    CA.revoke(bad)
    text, files = over_tls("client-certificates.conf", leaf,
                           {**CLIENT_FILES, "/etc/ssl/clients.crl": CA.crl()})
    b = backends(origin)
    proxy = usher(text.replace("127.0.0.1:%%PORT2%%", "127.0.0.1:%%PORT%%"), **b,
                  files=files)
    assert get_tls(proxy, "/x", "api.example.com", context(leaf=good, directory=tmp_path)).status == 200
    assert b["B1"].requests[0].get("X-Client-Name") == "CN=alice"
    for leaf in (bad, None):
        r = get_tls(proxy, "/x", "api.example.com", context(leaf=leaf, directory=tmp_path))
        assert (r.status, r.text) == (403, "a client certificate is needed\n")
    assert get_tls(proxy, "/", "status.example.com").text == "fine\n"


def test_maintenance_page(usher, origin):
    text = example("maintenance-page.conf").replace("/srv", "%%PREFIX%%/srv")
    state = {"status": 200}
    back = origin(lambda conn, r: reply("fine", status=state["status"]))
    proxy = usher(text, B1=origin(lambda conn, r: conn.close()), B2=back,
                  files={"srv/pages/maintenance.html": "soon"})
    for path in ("/x", "/shop/7"):
        r = get(proxy, path, host="example.com")
        assert (r.status, r.text, r.get("Content-Type")) == (503, "soon", "text/html")
    assert get(proxy, "/maintenance.html", host="example.com").status == 404
    assert get(proxy, host="api.example.com").text == "fine"
    state["status"] = 500
    r = get(proxy, host="api.example.com")
    assert (r.status, r.get("Content-Type")) == (503, "application/json")
    assert '"error": "away"' in r.text


def test_php_site(usher, fcgi):
    f = fcgi(lambda conn, r: answer(f"{r.params['SCRIPT_FILENAME']} {r.params['QUERY_STRING']}"),
             unix=True)
    text = example("php-site.conf").replace("unix:/run/php/php-fpm.sock", f.address)
    proxy = usher(text.replace("/srv", "%%PREFIX%%/srv"),
                  files={**PACKAGED, "srv/site/public/a.css": "css",
                         "srv/site/public/index.php": "never shown",
                         "srv/site/public/evil.php": "never shown"})
    script = f"{proxy.prefix}/srv/site/public/index.php"
    with connect(proxy) as c:
        assert c.get("/a.css").text == "css"
        assert c.get("/").text == f"{script} "
        assert c.get("/articles/7?x=1").text == f"{script} x=1"
        assert c.get("/index.php").text == f"{script} "
        assert c.get("/evil.php").status == 404


def test_grpc_and_tls_backends(usher, h2origin, tmp_path):
    sealed = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    sealed.load_cert_chain(*CA.issue("app.example.com").write(tmp_path, "app"))
    greeters = [h2origin(answer_h2(f"greeter {i}")) for i in (1, 2)]
    app = h2origin(answer_h2("app"), tls=sealed)
    text, files = with_files(example("grpc-and-tls-backends.conf"), CA.issue("example.com"),
                             {"/etc/ssl/certs/ca-certificates.crt": CA.cert})
    proxy = usher(text, files=files, B1=greeters[0], B2=greeters[1], B3=app)
    with connect(proxy) as c:
        assert c.get("/helloworld.Greeter/SayHello").text.startswith("greeter ")
        assert c.get("/").text == "app"
    assert (greeters[0].requests + greeters[1].requests)[0].get("x-real-ip") == "127.0.0.1"
    assert app.requests[0].authority == "app.example.com"
