"""The configurations, written once a run into bench/out/: one nginx text for nginx *and* usher.

nginx gets what its documentation advises for a proxy (upstream keep-alive, HTTP/1.1, no access log,
sendfile) and its default buffers. The one departure is client_body_buffer_size: with the default,
every 64 KiB POST would pass through a temporary file. HAProxy gets the equivalent routes.
"""

import os
from pathlib import Path

from .rows import IDLE_CONNECTIONS, LOCATIONS, SERVERS

CONNECTIONS_MAX = IDLE_CONNECTIONS + 6384

NGINX = """\
{user}worker_processes 1;
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
{servers}}}
"""

NGINX_SERVER = """
    server {{
        listen 127.0.0.1:{port}{backlog};
        server_name {name};
{locations}    }}
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
    bind 127.0.0.1:{port} backlog 4096
{routes}

backend origin
    server origin 127.0.0.1:{backend}
"""


def server_names(count: int) -> list[str]:
    return [f"site{i:04}.example" for i in range(count)]


def paths(count: int) -> list[str]:
    return [f"/part{i:02}/" for i in range(count)]


def nginx_server(port: int, name: str, locations: str, first: bool = True) -> str:
    return NGINX_SERVER.format(
        port=port, name=name, locations=locations, backlog=" backlog=4096" if first else ""
    )


def proxying(path: str) -> str:
    return f"        location {path} {{ proxy_pass http://origin; }}\n"


def nginx_one(out: Path, port: int) -> str:
    static = f"        location /static/ {{ root {out}/www; }}\n"
    return nginx_server(port, "localhost", proxying("/") + static)


def nginx_names(port: int, servers: int, locations: int) -> str:
    inside = "".join(map(proxying, paths(locations)))
    return "".join(
        nginx_server(port, name, inside, i == 0) for i, name in enumerate(server_names(servers))
    )


def nginx_text(out: Path, ports: dict[str, int], servers: str) -> str:
    return NGINX.format(
        user="user root;\n" if os.geteuid() == 0 else "",  # bench/out may lie in a private home
        out=out,
        connections=CONNECTIONS_MAX,
        backend=ports["backend"],
        servers=servers,
    )


def haproxy_text(ports: dict[str, int], routes: str) -> str:
    return HAPROXY.format(
        connections=CONNECTIONS_MAX, port=ports["proxy"], backend=ports["backend"], routes=routes
    )


def haproxy_names(out: Path, servers: int, locations: int) -> str:
    """HAProxy's own way of many routes: one tree of host and path prefixes, in a map file."""
    table = out / f"haproxy-{servers}.map"
    with table.open("w") as file:
        for name in server_names(servers):
            file.writelines(f"{name}{path} origin\n" for path in paths(locations))
    return f"    use_backend %[base,map_beg({table})]"


def write(out: Path, ports: dict[str, int]) -> dict[str, dict[str, Path]]:
    """Write all configurations; returns paths by row's conf and by language."""
    (out / "www/static").mkdir(parents=True, exist_ok=True)
    (out / "www/static/4k.bin").write_bytes(b"u" * 4096)
    port = ports["proxy"]
    plain = "    default_backend origin"
    texts = {
        "one": (nginx_one(out, port), plain),
        "small": (nginx_server(port, "localhost", proxying("/")), plain),
        "names-1": (nginx_names(port, 1, 1), haproxy_names(out, 1, 1)),
        "names-1000x50": (
            nginx_names(port, SERVERS, LOCATIONS),
            haproxy_names(out, SERVERS, LOCATIONS),
        ),
    }
    written = {}
    for conf, (servers, routes) in texts.items():
        written[conf] = {"nginx": out / f"{conf}.conf", "haproxy": out / f"{conf}.cfg"}
        written[conf]["nginx"].write_text(nginx_text(out, ports, servers))
        written[conf]["haproxy"].write_text(haproxy_text(ports, routes))
    return written
