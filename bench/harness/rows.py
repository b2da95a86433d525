"""What is measured (rows), against whom (programs), and what usher must reach (targets)."""

from dataclasses import dataclass

PROGRAMS = ("usher", "nginx", "haproxy", "h2o", "nghttpx", "relay")
SECURE = ("h2o", "nghttpx")  # these take part where there is TLS or HTTP/2
OTHERS = ("haproxy", "relay", *SECURE)  # have no part where nginx's language is what is measured
PREFIXES = 1_000_000
SERVERS, LOCATIONS = 1000, 50
IDLE_CONNECTIONS = 10_000


@dataclass(frozen=True)
class Row:
    """One kind of work. kind is "load", "idle" (memory) or "start" (time)."""

    name: str
    title: str
    kind: str = "load"
    connections: int = 64
    path: str = "/"
    mode: tuple[str, ...] = ("get",)  # words for the driver
    conf: str = "one"  # a key of configs.write()
    without: tuple[str, ...] = SECURE  # programs that cannot do this work, or have no part in it
    driver: str = "wrk"  # who makes the load, of drivers.DRIVERS
    opening: str = "http"  # how a connection begins: "http", "tls" or "h2c"


def tls_row(name: str, title: str, **more) -> Row:
    return Row(name, title, **{"conf": "tls", "without": ("relay",), "opening": "tls", **more})


ROWS = (
    Row("keepalive-1k-1", "1 KiB, keep-alive, 1 connection", connections=1),
    Row("keepalive-1k-64", "1 KiB, keep-alive, 64 connections"),
    Row("keepalive-1k-512", "1 KiB, keep-alive, 512 connections", connections=512),
    Row("get-256k", "256 KiB, keep-alive, 64 connections", path="/256k"),
    Row("close-1k", "1 KiB, a new connection per request", mode=("close",)),
    Row("post-64k", "64 KiB POST, keep-alive", mode=("post", str(64 * 1024))),
    Row(
        "static-4k",
        "static file of 4 KiB",
        path="/static/4k.bin",
        without=OTHERS,
    ),
    Row("names-1", "1 server name × 1 location", mode=("names", "1", "1"), conf="names-1"),
    Row(
        "names-1000x50",
        "1,000 server names × 50 locations",
        mode=("names", str(SERVERS), str(LOCATIONS)),
        conf="names-1000x50",
    ),
    tls_row("tls-1k", "TLS, 1 KiB, keep-alive, 64 connections"),
    tls_row("tls-256k", "TLS, 256 KiB, keep-alive, 64 connections", path="/256k"),
    tls_row("tls-full", "TLS, a full handshake per request", mode=("full",), driver="tls_client"),
    tls_row("tls-resume", "TLS, a resumed one per request", mode=("resume",), driver="tls_client"),
    tls_row(
        "h2-1k",
        "HTTP/2 over TLS, 1 KiB, 16 × 10 streams",
        connections=16,
        mode=("-m", "10"),
        driver="h2load",
    ),
    Row(
        "grpc",
        "gRPC unary, cleartext, 16 × 10 streams",
        connections=16,
        path="/bench.Echo/Say",
        mode=("-m", "10"),
        conf="grpc",
        driver="grpc",
        opening="h2c",
        without=("h2o", "relay"),
    ),
    Row(
        "site",
        "rewrite, map, two add_header, access log",
        path="/old/",
        conf="site",
        without=OTHERS,
    ),
    Row("gif", "a GIF from memory", path="/gif", conf="limits", without=OTHERS),
    Row(
        "limits", "… with limit_req and limit_conn", path="/limited", conf="limits", without=OTHERS
    ),
    Row(
        "deny-1m",
        "… with 1,000,000 denied prefixes",
        path="/denied",
        conf="deny-1m",
        without=("nginx", *OTHERS),
    ),
    Row(
        "sub-256k", "sub_filter over 256 KiB", path="/256k", conf="sub", without=OTHERS
    ),
    Row("idle-10k", "10,000 idle keep-alive connections", kind="idle"),
    tls_row("tls-idle-10k", "10,000 idle TLS connections", kind="idle"),
    Row("start", "start to first request", kind="start", conf="small"),
    Row(
        "start-1m",
        "start with 1,000,000 denied prefixes",
        kind="start",
        conf="deny-1m",
        without=("nginx", *OTHERS),
    ),
)


@dataclass(frozen=True)
class Target:
    """usher's median of a metric, divided by another median, must not be above the limit."""

    row: str
    metric: str
    limit: float
    program: str | None = None  # whose median divides; None: the figure stands by itself
    divisor_row: str | None = None  # None: the same row
    above_row: str | None = None  # the figure is what usher takes more than for this row


TARGETS = (
    *(
        Target(f"keepalive-1k-{connections}", "cpu_us", limit, program)
        for connections in (1, 64, 512)
        for program, limit in (("nginx", 0.88), ("relay", 1.12))
    ),
    Target("get-256k", "cpu_us", 0.40, "nginx"),
    Target("get-256k", "cpu_us", 0.85, "haproxy"),
    Target("keepalive-1k-1", "p50_us", 1.00, "nginx"),
    Target("tls-1k", "cpu_us", 0.88, "nginx"),
    Target("tls-256k", "cpu_us", 0.90, "nginx"),
    Target("tls-full", "cpu_us", 1.00, "nginx"),
    Target("tls-resume", "cpu_us", 0.91, "nginx"),
    Target("h2-1k", "cpu_us", 0.65, "nginx"),
    Target("h2-1k", "cpu_us", 1.00, "nghttpx"),
    Target("grpc", "cpu_us", 0.65, "nginx"),
    Target("idle-10k", "connection_bytes", 1024),
    Target("tls-idle-10k", "full_kib", 1.00, "nginx"),
    Target("names-1000x50", "cpu_us", 1.03, "usher", "names-1"),
    Target("static-4k", "cpu_us", 0.80, "nginx"),
    Target("site", "cpu_us", 0.88, "nginx"),
    Target("limits", "cpu_us", 0.3, above_row="gif"),
    Target("deny-1m", "cpu_us", 0.2, above_row="gif"),
    Target("sub-256k", "cpu_us", 1.00, "nginx"),
    Target("start", "start_ms", 50),
    Target("start-1m", "start_ms", 1000),
)


@dataclass(frozen=True)
class Metric:
    name: str
    title: str
    unit: str
    kind: str  # of the rows that have it


METRICS = (
    Metric("cpu_us", "CPU time per request", "µs", "load"),
    Metric("rps", "Throughput", "requests/s", "load"),
    Metric("p50_us", "Latency, median", "µs", "load"),
    Metric("p99_us", "Latency, 99th percentile", "µs", "load"),
    Metric("empty_kib", "User memory with no connection", "KiB", "idle"),
    Metric("resident_kib", "Resident memory with no connection", "KiB", "idle"),
    Metric("full_kib", "User memory at 10,000 idle connections", "KiB", "idle"),
    Metric("connection_bytes", "User memory per idle connection", "bytes", "idle"),
    Metric("start_ms", "Start to first request", "ms", "start"),
)


def by_name(names: str | None, known, what: str):
    """The members of known that a comma-separated list names, in known's order; None: all."""
    key = {getattr(k, "name", k): k for k in known}
    chosen = list(key) if names is None else names.split(",")
    for name in chosen:
        if name not in key:
            raise SystemExit(f"bench: no {what} {name!r}; there are: {', '.join(key)}")
    return [member for name, member in key.items() if name in chosen]
