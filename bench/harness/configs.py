"""The configurations, written once a run into bench/out/: one nginx text for nginx *and* usher.

nginx gets what its documentation advises for a proxy (upstream keep-alive, HTTP/1.1, no access log,
sendfile) and its default buffers. The one departure is client_body_buffer_size: with the default,
every 64 KiB POST would pass through a temporary file. HAProxy, h2o and nghttpx get the equivalent.
"""

import os
import subprocess
from pathlib import Path

from .rows import IDLE_CONNECTIONS, LOCATIONS, PREFIXES, SERVERS

CONNECTIONS_MAX = IDLE_CONNECTIONS + 6384

NGINX = """\
{user}
worker_processes 1;
pid {out}/proxy.pid;
error_log {out}/error.log;

events {{
    worker_connections {connections};
}}

http {{
    access_log off;
    sendfile on;
    keepalive_timeout 600s;
    keepalive_requests 1000000000;
    client_body_buffer_size 128k;
    server_names_hash_max_size 8192;
    client_body_temp_path {out}/client_body;
    proxy_temp_path {out}/proxy;
    proxy_http_version 1.1;
    proxy_set_header Connection "";

    upstream origin {{
        server 127.0.0.1:{backend};
        keepalive 512;
        keepalive_requests 1000000000;
    }}
    upstream grpc {{
        server 127.0.0.1:{grpc};
        keepalive 512;
        keepalive_requests 1000000000;
    }}
{servers}}}
"""

NGINX_SERVER = """
    server {{
        listen 127.0.0.1:{port}{more};
        server_name {name};
{inside}    }}
"""

HAPROXY = """\
global
    nbthread 1
    maxconn {connections}
    no strict-limits

defaults
    mode http
    http-reuse always
    timeout connect 5s
    timeout client 600s
    timeout server 60s
    timeout http-keep-alive 600s

frontend proxy
    bind 127.0.0.1:{port} backlog 4096{bind}
{routes}

backend origin
    server origin 127.0.0.1:{backend}

backend grpc
    server grpc 127.0.0.1:{grpc} proto h2
"""

H2O = """\
num-threads: 1
max-connections: {connections}
http1-request-timeout: 600
http2-idle-timeout: 600
listen:
  host: 127.0.0.1
  port: {port}
  ssl:
    certificate-file: {certificate}
    key-file: {key}
hosts:
  default:
    paths:
      /:
        proxy.reverse.url: http://127.0.0.1:{backend}/
        proxy.preserve-host: ON
        proxy.timeout.keepalive: 600000
"""

NGHTTPX = """\
workers=1
frontend=127.0.0.1,{port}{plain}
backend=127.0.0.1,{nghttpx_backend}
private-key-file={key}
certificate-file={certificate}
backlog=4096
frontend-keep-alive-timeout=600s
frontend-http2-read-timeout=600s
backend-keep-alive-timeout=600s
backend-connections-per-host=512
"""

FORMS = {"nginx": NGINX, "haproxy": HAPROXY, "h2o": H2O, "nghttpx": NGHTTPX}


def server_names(count: int) -> list[str]:
    return [f"site{i:04}.example" for i in range(count)]


def paths(count: int) -> list[str]:
    return [f"/part{i:02}/" for i in range(count)]


def nginx_server(port: int, name: str, inside: str, more: str = " backlog=4096") -> str:
    return NGINX_SERVER.format(port=port, name=name, inside=inside, more=more)


def proxying(path: str) -> str:
    return f"        location {path} {{ proxy_pass http://origin; }}\n"


def nginx_one(out: Path, port: int) -> str:
    static = f"        location /static/ {{ root {out}/www; }}\n"
    return nginx_server(port, "localhost", proxying("/") + static)


def nginx_names(port: int, servers: int, locations: int) -> str:
    inside = "".join(map(proxying, paths(locations)))
    names = server_names(servers)
    rest = (nginx_server(port, name, inside, "") for name in names[1:])
    return nginx_server(port, names[0], inside) + "".join(rest)


def nginx_tls(port: int, certificate: Path, key: Path) -> str:
    lines = f"""\
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
"""
    return nginx_server(port, "localhost", lines + proxying("/"), " ssl http2 backlog=4096")


def nginx_grpc(port: int) -> str:
    location = "        location / { grpc_pass grpc://grpc; }\n"
    return nginx_server(port, "localhost", location, " http2 backlog=4096")


def nginx_site(out: Path, port: int) -> str:
    kinds = """
    map $http_user_agent $kind { default other; "" none; ~*bot bot; }
"""
    inside = f"""\
        access_log {out}/access.log;
        location /old/ {{
            rewrite ^/old/(.*)$ /$1 break;
            add_header X-Kind $kind;
            add_header X-Frame-Options DENY;
            proxy_pass http://origin;
        }}
"""
    inside += proxying("/")
    return kinds + nginx_server(port, "localhost", inside)


def nginx_limits(port: int) -> str:
    """Limits that hold nobody back: what is measured is the counting."""
    zones = """
    limit_req_zone $binary_remote_addr zone=requests:10m rate=1000000r/s;
    limit_conn_zone $binary_remote_addr zone=connections:10m;
"""
    inside = """\
        location = /gif { empty_gif; }
        location = /limited {
            limit_req zone=requests burst=1000000 nodelay;
            limit_conn connections 10000;
            empty_gif;
        }
"""
    return zones + nginx_server(port, "localhost", inside + proxying("/"))


def nginx_deny(out: Path, port: int) -> str:
    """usher's alone: nginx has no such file, and a million deny lines would be asked one by one."""
    prefixes = out / "prefixes.txt"
    with prefixes.open("w") as file:
        for i in range(PREFIXES):
            n = 11 << 28 | i << 8  # 176.0.0.0 and up
            file.write(f"{n >> 24}.{n >> 16 & 255}.{n >> 8 & 255}.0/{23 + i % 2}\n")
    inside = f"""\
        deny file={prefixes};
        location = /denied {{ empty_gif; }}
        location / {{ proxy_pass http://origin; }}
"""
    return nginx_server(port, "localhost", inside)


def nginx_sub(port: int) -> str:
    inside = """\
        location / {
            sub_filter_types *;
            sub_filter_once off;
            sub_filter "http://internal.example" "https://www.example.com";
            sub_filter "</head>" "<script src=/a.js></script></head>";
            proxy_pass http://origin;
        }
"""
    return nginx_server(port, "localhost", inside)


def make_certificate(out: Path) -> tuple[Path, Path]:
    """A certificate of our own with an ECDSA key on P-256, and the key."""
    certificate, key = out / "certificate.pem", out / "key.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "365"]
    command = ["openssl", "req", "-x509", *kind, *subject, "-out", certificate, "-keyout", key]
    subprocess.run(command, check=True, capture_output=True)
    (out / "pair.pem").write_text(certificate.read_text() + key.read_text())
    return certificate, key


def haproxy_names(out: Path, servers: int, locations: int) -> str:
    """HAProxy's own way of many routes: one tree of host and path prefixes, in a map file."""
    table = out / f"haproxy-{servers}.map"
    with table.open("w") as file:
        for name in server_names(servers):
            file.writelines(f"{name}{path} origin\n" for path in paths(locations))
    return f"    use_backend %[base,map_beg({table})]"


def texts(out: Path, ports: dict[str, int]) -> dict[str, dict[str, str]]:
    """What a conf adds to each language's common text: servers of nginx, routes of HAProxy."""
    port = ports["proxy"]
    plain = "    default_backend origin"
    return {
        "one": {"servers": nginx_one(out, port), "routes": plain},
        "site": {"servers": nginx_site(out, port), "routes": plain},
        "limits": {"servers": nginx_limits(port), "routes": plain},
        "deny-1m": {"servers": nginx_deny(out, port), "routes": plain},
        "sub": {"servers": nginx_sub(port), "routes": plain},
        "small": {"servers": nginx_server(port, "localhost", proxying("/")), "routes": plain},
        "names-1": {"servers": nginx_names(port, 1, 1), "routes": haproxy_names(out, 1, 1)},
        "names-1000x50": {
            "servers": nginx_names(port, SERVERS, LOCATIONS),
            "routes": haproxy_names(out, SERVERS, LOCATIONS),
        },
        "tls": {
            "servers": nginx_tls(port, *make_certificate(out)),
            "routes": plain,
            "bind": f" ssl crt {out}/pair.pem alpn h2,http/1.1",
        },
        "grpc": {
            "servers": nginx_grpc(port),
            "routes": "    default_backend grpc",
            "bind": " proto h2",
            "plain": ";no-tls",
            "nghttpx_backend": f"{ports['grpc']};;proto=h2",
        },
    }


def write(out: Path, ports: dict[str, int]) -> dict[str, dict[str, Path]]:
    """Write all configurations; returns paths by row's conf and by language."""
    (out / "www/static").mkdir(parents=True, exist_ok=True)
    (out / "www/static/4k.bin").write_bytes(b"u" * 4096)
    common = {
        "user": "user root;" if os.geteuid() == 0 else "",  # bench/out may lie in a private home
        "out": out,
        "connections": CONNECTIONS_MAX,
        "port": ports["proxy"],
        "backend": ports["backend"],
        "grpc": ports["grpc"],
        "certificate": out / "certificate.pem",
        "key": out / "key.pem",
        "nghttpx_backend": ports["backend"],
        "bind": "",
        "plain": "",
    }
    written = {}
    for conf, text in texts(out, ports).items():
        written[conf] = {}
        for language, form in FORMS.items():
            written[conf][language] = out / f"{conf}.{language}.conf"
            written[conf][language].write_text(form.format(**{**common, **text}))
    return written
