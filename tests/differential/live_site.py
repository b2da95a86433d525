"""A complete configuration as it lies on somebody's machine, brought to life in a test's own directory.

sites/NAME/ is a file tree: etc/nginx/… and what it serves (var/www/… and the like); sites/debian/ lies below each of them.
`requests` names what is asked: requests apart by an empty line, each as agree() takes it, "https " before it for
port 443, lines of a body behind "> ". The text of the configuration stays as it would be there; raise_site()
moves its absolute paths, ports and backends here.
"""
import functools
import os
import pathlib
import re
import ssl
import struct
import subprocess

import certs
import client
import proxy
from conftest import WRITTEN
from fcgi import FcgiOrigin, answer
from origin import Origin, reply

HERE = pathlib.Path(__file__).resolve().parent / "sites"
NAMES = sorted(p.name for p in HERE.iterdir() if (p / "requests").exists())
PATHS = re.compile(r"(?<![\w.$}%/*])/(?=(?:etc|var|srv|opt|run|home|usr/share)/)")
LISTEN = re.compile(r"((?:^|[{;])[ \t]*listen\s+)(\S+?)(;|\s)", re.M)
OTHER_MACHINE = re.compile(r"^\s*(user|pid)\s[^;]*;", re.M)
SECRETS = re.compile(r"^\s*(ssl_certificate|ssl_certificate_key|ssl_trusted_certificate|ssl_dhparam)\s+([^;$]+);", re.M)


# --- Backends that say what they were asked ---

def show(pairs, body):
    return ("".join(f"{k}: {v}\n" for k, v in sorted(pairs)) + "\n").encode("latin-1") + body


def http_echo(conn, request):
    fields = [(k, v) for k, v in request.headers if k.lower() not in ("connection", "x-request-id")]
    line = request.line.rpartition(" ")[0]  # nginx 1.22 speaks HTTP/1.0 by default, its successors 1.1
    return reply(line.encode("latin-1") + b"\n" + show(fields, request.body), Content_Type="text/plain")


def fcgi_echo(conn, request):
    own = {k: v for k, v in request.params.items() if k not in ("REMOTE_PORT", "HTTP_CONNECTION") and v}
    return answer(show(own.items(), request.body), "Content-Type: text/plain\nX-Powered-By: PHP/8.2\n")


class UwsgiOrigin(Origin):
    """Answers a uwsgi packet with what was in it."""

    def _exchange(self, conn):
        _, size, _ = struct.unpack("<BHB", conn.recv_exact(4))
        data, params = conn.recv_exact(size), {}
        while data:
            texts = []
            for _ in "kv":
                n = struct.unpack("<H", data[:2])[0]
                texts.append(data[2:2 + n].decode("latin-1"))
                data = data[2 + n:]
            params[texts[0]] = texts[1]
        body = conn.recv_exact(int(params.get("CONTENT_LENGTH") or 0))
        for own in ("REMOTE_PORT", "HTTP_CONNECTION"):
            params.pop(own, None)
        conn.send(reply(show([p for p in params.items() if p[1]], body), Content_Type="text/plain"))
        conn.close()
        return False


def backends(stage):
    kinds = {"http": Origin(http_echo), "fcgi": FcgiOrigin(fcgi_echo, repeats=True), "uwsgi": UwsgiOrigin(http_echo)}
    stage.origins.extend(kinds.values())
    return {kind: origin.address for kind, origin in kinds.items()}


# --- The text, moved here ---

def move_listen(text):
    """Every port becomes a free one; addresses become the loopback, IPv6 ones go, as they may not be there."""
    def move(m):
        address = m[2]
        if address.startswith("["):
            return "#" + m[0]
        if address.startswith("unix:"):
            return m[0]
        port = address.rpartition(":")[2]
        port = port if port.isdigit() else "80"
        return f"{m[1]}127.0.0.1:%%PORT{'' if port == '80' else port}%%{m[3]}"
    return LISTEN.sub(move, text)


PASS = re.compile(r"^(\s*(proxy|fastcgi|uwsgi)_pass\s+)(\w+://)?(unix:[^\s;:]+:?|[^\s;/]+)([^;]*);", re.M)
GROUP = re.compile(r"^\s*upstream\s+(\S+)\s*\{[^}]*\}", re.M)
KINDS = {"proxy": "http", "fastcgi": "fcgi", "uwsgi": "uwsgi"}


def kinds_of_groups(text):
    """upstream name → which of our backends speaks its protocol"""
    used = {m[4]: KINDS[m[2]] for m in PASS.finditer(text)}
    return {name: used.get(name, "http") for name in GROUP.findall(text)}


def move_backends(text, groups, addresses):
    def of_pass(m):
        there = m[4] in groups or "$" in m[4]
        return m[0] if there else f"{m[1]}{m[3] or ''}{addresses[KINDS[m[2]]]}{m[5]};"

    def of_group(m):
        address = addresses[groups[m[1]]]
        return re.sub(r"(^|[{;]|\n)(\s*server\s+)[^\s;]+", rf"\g<1>\g<2>{address}", m[0])

    return GROUP.sub(of_group, PASS.sub(of_pass, text))


@functools.lru_cache(maxsize=1)
def secrets():
    leaf = certs.Authority().issue("example.com", ["example.com", "*.example.com"])
    dh = subprocess.run(["openssl", "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048"],
                        capture_output=True, check=True).stdout
    return {"ssl_certificate": leaf.chain, "ssl_certificate_key": leaf.key, "ssl_trusted_certificate": leaf.chain, "ssl_dhparam": dh}


def tree(name):
    """Relative path → bytes."""
    files = {}
    for top in ("debian", name):
        for path in sorted((HERE / top).rglob("*")):
            if path.is_file() and path.name != "requests":
                files[str(path.relative_to(HERE / top))] = path.read_bytes()
    conf = proxy.ROOT / "conf"
    for shared in ("mime.types", "fastcgi_params", "fastcgi.conf", "uwsgi_params", "scgi_params"):
        if (conf / shared).exists():
            files.setdefault(f"etc/nginx/{shared}", (conf / shared).read_bytes())
    return files


def raise_site(name, program, addresses):
    """A Proxy, not started, with the site's files below its prefix."""
    server = proxy.Proxy("", program=program, bare=True)
    files = tree(name)
    texts = {p: d.decode() for p, d in files.items() if p.startswith("etc/nginx/")}
    groups = kinds_of_groups("\n".join(texts.values()))
    for path, data in files.items():
        if path in texts:
            text = move_backends(move_listen(texts[path]), groups, addresses)
            data = PATHS.sub(f"{server.prefix}/", OTHER_MACHINE.sub("", text))
            write_secrets(server, data)
        os.utime(server.write(path, data), (WRITTEN, WRITTEN))
    for directory in ("var/log/nginx", "var/lib/nginx", "var/cache/nginx", "run"):
        (server.prefix / directory).mkdir(parents=True, exist_ok=True)
    server.conf = "etc/nginx/nginx.conf"
    return server


def write_secrets(server, text):
    for kind, where in SECRETS.findall(text):
        path = where.strip('"').removeprefix(f"{server.prefix}/")
        if not (server.prefix / path).exists():
            server.write(path, secrets()[kind])


# --- Asking ---

def requests_of(name):
    """(over TLS?, host, bytes)"""
    for part in re.split(r"\n\s*\n", (HERE / name / "requests").read_text().strip()):
        lines = [line for line in part.split("\n") if not line.startswith("#")]
        if not lines:
            continue
        body = "\n".join(line[2:] for line in lines if line.startswith("> ")).encode()
        lines = [line for line in lines if not line.startswith("> ")]
        secure = lines[0].startswith("https ")
        method, _, target = lines[0].removeprefix("https ").rpartition(" ")
        fields = [line.strip() for line in lines[1:]]
        host = next((f[5:].strip() for f in fields if f.lower().startswith("host:")), "example.com")
        fields = [f"Host: {host}", *(f for f in fields if not f.lower().startswith("host:"))]
        if body:
            fields.append(f"Content-Length: {len(body)}")
        head = [f"{method or 'GET'} {target} HTTP/1.1", *fields, "Connection: close", "", ""]
        yield secure, host, "\r\n".join(head).encode() + body


def ask(server, secure, host, data):
    if not secure:
        return client.raw(server.port, data)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with client.connect(server.ports["PORT443"]) as plain:
        with context.wrap_socket(plain.sock, server_hostname=host, suppress_ragged_eofs=True) as secured:
            secured.sendall(data)
            got = b""
            while more := secured.recv(65536):
                got += more
            return got
