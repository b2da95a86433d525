"""access_log, log_format, error_log: nginx's lines to the letter."""
import gzip
import os
import re
import socket
import subprocess

import pytest

from client import get, raw
from proxy import IS_NGINX
from wait import until

HOSTILE = b'a"b\\c\xc3\xa9\td'


def site(conf, location='return 200 "hello";'):
    return f"{conf} server {{ listen 127.0.0.1:%%PORT%%; location / {{ {location} }} }}"


def log(p, name, lines=1):
    path = p.prefix / "logs" / name
    until(lambda: path.exists() and path.read_bytes().count(b"\n") >= lines, f"{lines} in {name}")
    return path.read_bytes().splitlines()


def test_combined_is_the_default(usher):
    p = usher(site(""))
    raw(p, b"GET /a?b HTTP/1.1\r\nHost: x\r\nReferer: r\r\nUser-Agent: " + HOSTILE +
        b"\r\nAuthorization: Basic dXNlcjpwYXNz\r\nConnection: close\r\n\r\n")
    assert re.fullmatch(r'127\.0\.0\.1 - user \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] '
                        r'"GET /a\?b HTTP/1\.1" 200 5 "r" "a\\x22b\\x5Cc\\xC3\\xA9\\x09d"',
                        p.access_log(1)[0])


@pytest.mark.usher_only   # nginx's default stands where its package put it
def test_without_any_access_log_the_default_file_is_written(usher):
    p = usher("events { } http { " + site("") + " }", bare=True)
    get(p)
    assert p.access_log(1)


@pytest.mark.parametrize("how,expected", [
    ("", b'"a\\x22b\\x5Cc\\xC3\\xA9\\x09d" -'),
    ("escape=default", b'"a\\x22b\\x5Cc\\xC3\\xA9\\x09d" -'),
    ("escape=json", b'"a\\"b\\\\c\xc3\xa9\\td" '),
    ("escape=none", b'"a"b\\c\xc3\xa9\td" ')])
def test_values_are_escaped_as_the_format_says(usher, how, expected):
    p = usher(site(f"""log_format f {how} '"$http_x"' ' $http_none';
                       access_log logs/f.log f;"""))
    raw(p, b"GET / HTTP/1.0\r\nX: " + HOSTILE + b"\r\n\r\n")
    assert log(p, "f.log") == [expected]


@pytest.mark.parametrize("how,expected", [("default", rb"/\x01\x1F\x7F"),
                                          ("json", rb"/\u0001\u001F" + b"\x7f")])
def test_control_bytes_never_reach_a_log(usher, how, expected):
    p = usher(site(f"log_format f escape={how} $uri; access_log logs/f.log f;"))
    get(p, "/%01%1f%7f")
    assert log(p, "f.log") == [expected]


def test_several_logs_a_level_and_inheritance(usher):
    p = usher("""log_format a A$uri; log_format b B$uri;
        access_log logs/a.log a; access_log logs/b.log b;
        server { listen 127.0.0.1:%%PORT%%;
            location / { return 204; }
            location /off { access_log off; return 204; }
            location /own { access_log logs/own.log a; return 204; } }""")
    for target in ("/off", "/own", "/1"):
        get(p, target)
    assert log(p, "a.log") == [b"A/1"] and log(p, "b.log") == [b"B/1"]
    assert log(p, "own.log") == [b"A/own"]


def test_a_condition_chooses(usher):
    p = usher(site("log_format f $uri; access_log logs/f.log f if=$arg_log;"))
    for target in ("/1", "/2?log=0", "/3?log=1", "/4?log="):
        get(p, target)
    get(p, "/5?log=x")
    assert log(p, "f.log", 2) == [b"/3", b"/5"]


def test_a_buffered_log_is_written_in_time(usher):
    p = usher(site("log_format f $uri; access_log logs/f.log f buffer=64k flush=100ms;"))
    get(p, "/1")
    assert log(p, "f.log") == [b"/1"]


def test_a_buffered_log_is_written_at_the_end(usher):
    p = usher(site("log_format f $uri; access_log logs/f.log f buffer=64k;"))
    get(p, "/1")
    assert log_is_empty(p, "f.log")
    p.stop()
    assert log(p, "f.log") == [b"/1"]


def log_is_empty(p, name):
    return (p.prefix / "logs" / name).read_bytes() == b""


@pytest.mark.one_thread
def test_a_compressed_log(usher):
    p = usher(site("log_format f $uri; access_log logs/f.gz f gzip;"))
    for n in range(3):
        get(p, f"/{n}")
    p.stop()
    assert gzip.decompress((p.prefix / "logs/f.gz").read_bytes()) == b"/0\n/1\n/2\n"


@pytest.mark.parametrize("cache", ["off", "max=10 inactive=1m valid=1m min_uses=1"])
def test_a_path_with_variables(usher, cache):
    p = usher(site(f"""open_log_file_cache {cache}; log_format f $uri;
                       access_log logs/$host.log f;"""))
    (p.prefix / "logs").chmod(0o777)
    get(p, "/1", host="one")
    get(p, "/2", host="two")
    get(p, "/3", host="one")
    assert log(p, "one.log", 2) == [b"/1", b"/3"] and log(p, "two.log") == [b"/2"]


def test_reopening_after_rotation(usher):
    p = usher(site("log_format f $uri; access_log logs/f.log f;"))
    get(p, "/1")
    assert log(p, "f.log") == [b"/1"]
    os.rename(p.prefix / "logs/f.log", p.prefix / "logs/f.old")
    p.signal("USR1")
    until(lambda: (p.prefix / "logs/f.log").exists(), "the new log")

    def written():
        get(p, "/2")
        return b"/2" in (p.prefix / "logs/f.log").read_bytes()
    until(written, "a line in the new log")


@pytest.fixture
def receiver(tmp_path):
    path = f"/tmp/usher-{os.getpid()}.syslog"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(path)
        os.chmod(path, 0o777)
        s.settimeout(10)
        yield s, path
    os.unlink(path)


HEAD = rb"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d "


def test_an_access_log_to_syslog(usher, receiver):
    s, path = receiver
    p = usher(site(f"log_format f $request; access_log syslog:server=unix:{path} f;"))
    get(p, "/1")
    host = re.escape(socket.gethostname().encode())
    assert re.fullmatch(rb"<190>" + HEAD + host + rb" nginx: GET /1 HTTP/1\.1", s.recv(4096))


def test_syslogs_parameters(usher, receiver):
    s, path = receiver
    p = usher(site(f"log_format f $uri; access_log syslog:server=unix:{path},nohostname,tag=me,"
                   "severity=notice,facility=local1 f;"))
    get(p, "/1")
    assert re.fullmatch(rb"<141>" + HEAD + rb"me: /1", s.recv(4096))


def test_an_error_log_to_syslog(usher, receiver):
    s, path = receiver
    p = usher(site(f"error_log syslog:server=unix:{path},nohostname info;", "root html;"))
    get(p, "/none")
    line = s.recv(4096)
    assert re.match(rb"<187>" + HEAD + rb'nginx: \d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[error\] \d+#\d+: \*\d+ open\(\) "', line)
    assert not line.endswith(b"\n")


def test_a_missing_file_in_the_error_log(usher):
    p = usher("server { listen 127.0.0.1:%%PORT%%; server_name s.example; root html; }")
    get(p, "/none", host="h", headers=[("Referer", "r")])
    p.wait_log(r'(?m)^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[error\] \d+#\d+: \*\d+ '
               rf'open\(\) "{p.prefix}/html/none" failed \(2: No such file or directory\), '
               r'client: 127\.0\.0\.1, server: s\.example, request: "GET /none HTTP/1\.1", '
               r'host: "h", referrer: "r"$')


def test_a_refused_connection_in_the_error_log(usher, refusing):
    dead = refusing()
    p = usher(site("", "proxy_pass http://%%D%%/x/;"), D=dead)
    get(p, "/a?b", host="h")
    p.wait_log(r"(?m)\[error\] \d+#\d+: \*\d+ connect\(\) failed \(111: Connection refused\) "
               r"while connecting to upstream, client: 127\.0\.0\.1, server: , "
               rf'request: "GET /a\?b HTTP/1\.1", upstream: "http://{dead}/x/a\?b", host: "h"$')


def test_a_slow_backend_in_the_error_log(usher, origin):
    backend = origin(lambda conn, request: conn.wait_closed())
    p = usher(site("", "proxy_pass http://%%B%%; proxy_read_timeout 100ms;"), B=backend)
    assert get(p, host="h").status == 504
    p.wait_log(r"(?m)\[error\] \d+#\d+: \*\d+ upstream timed out \(110: Connection timed out\) "
               r'while reading response header from upstream, client: 127\.0\.0\.1, server: , '
               rf'request: "GET / HTTP/1\.1", upstream: "http://{backend.address}/", host: "h"$')


def test_a_body_too_large_in_the_error_log(usher):
    p = usher(site("client_max_body_size 10;", "proxy_pass http://127.0.0.1:1;"))
    raw(p, b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\nConnection: close\r\n\r\n")
    p.wait_log(r"\[error\] \d+#\d+: \*\d+ client intended to send too large body: 11 bytes, "
               r"client: 127\.0\.0\.1")


def test_a_level_hides_what_is_below_it(usher):
    p = usher("""server { listen 127.0.0.1:%%PORT%%; root html;
        location / { error_log logs/quiet.log crit; }
        location /two/ { error_log logs/one.log; error_log logs/two.log; } }""")
    get(p, "/none")
    get(p, "/two/none")
    assert len(log(p, "one.log")) == len(log(p, "two.log")) == 1
    assert log_is_empty(p, "quiet.log") and "open()" not in p.error_log()


def test_an_error_line_cannot_be_forged(usher):
    p = usher(site("", "root html;"), may_log="forged")
    get(p, "/none%0a2026/01/01%2000:00:00%20[alert]%201%231:%20forged")
    p.wait_log(r"open\(\)")
    if not IS_NGINX:
        assert not re.search(r"(?m)^2026/01/01", p.error_log())


@pytest.mark.parametrize("conf,problem", [
    ("access_log l nofmt;", 'unknown log format "nofmt"'),
    ("access_log l combined flush=1s;", 'no buffer is defined for access_log "l"'),
    ("access_log l combined gzip=11;", 'invalid compression level "11"'),
    ("access_log l combined foo;", 'invalid parameter "foo"'),
    ("access_log l combined buffer=4k; access_log l combined buffer=8k;",
     'access_log "l" already defined with conflicting parameters'),
    ("access_log /x/$host combined buffer=4k;", "buffered logs cannot have variables in name"),
    ("access_log off combined;", 'invalid parameter "combined"'),
    ("log_format a escape=x b;", 'unknown log format escaping "x"'),
    ("log_format combined b;", 'duplicate "log_format" name "combined"'),
    ("log_format a $foo;", 'unknown "foo" variable'),
    ("error_log l foo;", 'invalid log level "foo"'),
    ("open_log_file_cache inactive=1;", '"open_log_file_cache" must have "max" parameter'),
    ("access_log syslog:server=127.0.0.1,facility=x;", 'unknown syslog facility "x"'),
    ("access_log syslog:facility=local1;", "no syslog server specified")])
def test_faulty_logs_are_refused(usher, conf, problem):
    p = usher(conf, start=False)
    r = p.run("-t")
    assert r.returncode == 1 and re.search(r"\[emerg\].* " + re.escape(problem), r.stderr)


@pytest.mark.usher_only("nginx cannot open it")
def test_an_access_log_on_standard_output_is_written_where_that_is_a_socket(usher):
    """As under systemd. Nor can another user's pipe be opened by its name, as in some containers."""
    proxy = usher("server { listen 127.0.0.1:%%PORT%%; access_log /dev/stdout; return 200 fine; }", start=False)
    ours, theirs = socket.socketpair()
    with ours, open(proxy.prefix / "logs/stderr", "wb") as err:
        running = subprocess.Popen(proxy.command(), stdout=theirs, stderr=err, stdin=subprocess.DEVNULL)
        theirs.close()
        try:
            until(lambda: (proxy.prefix / "logs/usher.pid").exists() or running.poll() is not None, "the pid file")
            assert get(proxy, "/x").text == "fine"
            ours.settimeout(10)
            assert b'"GET /x HTTP/1.1" 200 4' in ours.recv(4096)
        finally:
            running.terminate()
            assert running.wait(10) == 0
