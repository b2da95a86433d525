"""A real FastCGI server: Debian's php-fpm on a unix socket, with the packaged fastcgi.conf."""
import glob
import hashlib
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import threading

import pytest

from client import connect, get
from proxy import ROOT
from wait import until

SCRIPTS = {
    "hello.php": "<?php header('X-From: php'); echo 'hello ', $_GET['name'] ?? 'nobody';",
    "env.php": "<?php header('Content-Type: application/json'); echo json_encode($_SERVER);",
    "body.php": "<?php $b = file_get_contents('php://input'); echo strlen($b), ' ', md5($b),"
                " ' ', $_SERVER['CONTENT_LENGTH'];",
    "stream.php": "<?php include 'body.php';",
    "form.php": "<?php echo $_POST['a'], '|', $_FILES['f']['size'] ?? '-';",
    "gone.php": "<?php http_response_code(404); echo 'gone';",
    "moved.php": "<?php header('Location: /elsewhere'); setcookie('a', '1');",
    "wrong.php": "<?php error_log('what I have to say'); echo 'said';",
    "large.php": "<?php for ($i = 0; $i < 512; $i++) echo str_repeat(chr(97 + $i % 26), 8192);",
    "slow.php": "<?php echo 'first'; flush(); file_get_contents($_GET['wait']); echo 'second';",
    "die.php": "<?php echo 'begun'; flush(); posix_kill(getmypid(), 9);",
}
CONFIG = """
[global]
error_log = %(dir)s/fpm.log
daemonize = no
[www]
%(user)s
listen = %(dir)s/fpm.sock
listen.mode = 0666
pm = static
pm.max_children = 4
php_admin_value[output_buffering] = 0
php_admin_flag[log_errors] = on
"""


class Fpm:
    """A php-fpm of our own, ended by its pid."""

    def __init__(self):
        found = sorted(glob.glob("/usr/sbin/php-fpm*"))
        assert found, "php-fpm is missing: tools/need test"
        self.temporary = tempfile.TemporaryDirectory(prefix="usher-php-")
        self.dir = pathlib.Path(self.temporary.name)
        self.dir.chmod(0o755)
        for name, text in SCRIPTS.items():
            (self.dir / name).write_text(text)
        user = "user = nobody\ngroup = nogroup" if os.getuid() == 0 else ""
        (self.dir / "fpm.conf").write_text(CONFIG % {"dir": self.dir, "user": user})
        self.process = subprocess.Popen([found[-1], "-F", "-y", self.dir / "fpm.conf"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.address = f"unix:{self.dir}/fpm.sock"
        until(self._listens, "php-fpm", timeout=20)

    def _listens(self):
        assert self.process.poll() is None, (self.dir / "fpm.log").read_text()
        with socket.socket(socket.AF_UNIX) as s:
            return s.connect_ex(f"{self.dir}/fpm.sock") == 0

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
        self.temporary.cleanup()


@pytest.fixture(scope="module")
def fpm():
    php = Fpm()
    yield php
    php.stop()


@pytest.fixture(params=["off", "on"], ids=["closed", "kept"])
def php(request, usher, fpm):
    text = ("client_max_body_size 8m; upstream php { server %%P%%; keepalive 4; }"
            "server { listen 127.0.0.1:%%PORT%%; server_name php.example; root %%D%%;"
            "fastcgi_index hello.php;"
            f"fastcgi_keep_conn {request.param}; fastcgi_buffering off;"
            "location / { fastcgi_split_path_info ^(.+\\.php)(/.+)?$; include fastcgi.conf;"
            "fastcgi_param PATH_INFO $fastcgi_path_info; fastcgi_pass php; }"
            "location = /stream.php { fastcgi_request_buffering off; include fastcgi.conf;"
            "fastcgi_pass php; } }")
    files = {"fastcgi.conf": (ROOT / "conf/fastcgi.conf").read_bytes()}
    return usher(text, P=fpm, D=fpm.dir, files=files)


def test_a_page(php):
    with connect(php) as c:
        for _ in range(3):
            r = c.get("/hello.php?name=you")
            assert (r.status, r.text, r.get("X-From")) == (200, "hello you", "php")
        assert c.get("/").text == "hello nobody"
        r = c.get("/hello.php", method="HEAD")
        assert (r.status, r.get("X-From")) == (200, "php")
        assert c.get("/hello.php/with/a/path").text == "hello nobody"


def test_the_environment(php):
    r = get(php, "/env.php/p?a=1&b", headers=[("X-One", "1"), ("Proxy", "evil"), ("Cookie", "c=d")])
    env = json.loads(r.text)
    expected = {"QUERY_STRING": "a=1&b", "REQUEST_METHOD": "GET", "SCRIPT_NAME": "/env.php",
                "PATH_INFO": "/p", "REQUEST_URI": "/env.php/p?a=1&b", "HTTP_X_ONE": "1",
                "HTTP_COOKIE": "c=d", "SERVER_NAME": "php.example", "REMOTE_ADDR": "127.0.0.1",
                "SERVER_PROTOCOL": "HTTP/1.1", "REQUEST_SCHEME": "http", "REDIRECT_STATUS": "200"}
    assert {k: env.get(k) for k in expected} == expected
    assert "HTTPS" not in env and r.get("Content-Type") == "application/json"


@pytest.mark.usher_only("nginx passes HTTP_PROXY")
def test_no_field_becomes_a_proxy_setting(php):
    assert "HTTP_PROXY" not in get(php, "/env.php", headers={"Proxy": "evil"}).text


@pytest.mark.parametrize("size", [0, 5, 70000, 5000000])
def test_bodies(php, size):
    body = bytes(range(256)) * (size // 256 + 1)
    body = body[:size]
    digest = hashlib.md5(body).hexdigest()
    with connect(php) as c:
        for target in ("/body.php", "/stream.php"):
            r = c.get(target, method="POST", body=body)
            assert r.text == f"{size} {digest} {size}"
        c.request("/body.php", method="PUT", headers=[("Transfer-Encoding", "chunked")])
        c.send((b"%x\r\n%s\r\n" % (size, body) if size else b"") + b"0\r\n\r\n")
        assert c.recv_response().text == f"{size} {digest} {size}"


def test_forms_and_uploads(php):
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert get(php, "/form.php", method="POST", body=b"a=b%20c", headers=form).text == "b c|-"
    parts = (b'--X\r\nContent-Disposition: form-data; name="a"\r\n\r\nv\r\n--X\r\nContent-Disposition:'
             b' form-data; name="f"; filename="n"\r\n\r\n' + b"d" * 100000 + b"\r\n--X--\r\n")
    form = {"Content-Type": "multipart/form-data; boundary=X"}
    assert get(php, "/form.php", method="POST", body=parts, headers=form).text == "v|100000"


def test_statuses_and_redirects(php):
    with connect(php) as c:
        r = c.get("/gone.php")
        assert (r.status, r.text) == (404, "gone")
        r = c.get("/moved.php")
        assert (r.status, r.get("Location")) == (302, "/elsewhere")
        assert r.get("Set-Cookie") == "a=1"
        assert c.get("/nothing.php").status == 404


def test_what_php_logs_is_in_the_error_log(php):
    assert get(php, "/wrong.php").text == "said"
    php.wait_log('FastCGI sent in stderr: "PHP message: what I have to say"')


def test_a_large_page(php):
    r = get(php, "/large.php")
    assert len(r.body) == 512 * 8192 and r.body[:8192] == b"a" * 8192


def test_output_comes_as_php_flushes_it(php, tmp_path):
    tmp_path.chmod(0o755)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    pipe.chmod(0o666)
    for parent in tmp_path.parents:
        if parent.owner() != "root" or parent == pathlib.Path("/tmp"):
            break
        parent.chmod(parent.stat().st_mode | 0o055)
    with connect(php) as c:
        r = c.request(f"/slow.php?wait={pipe}").recv_head()
        assert r.status == 200 and c.recv_chunk() == b"first"
        writer = threading.Thread(target=pipe.write_text, args=("x",), daemon=True)
        writer.start()
        assert c.recv_chunk() == b"second"
        writer.join(10)


def test_a_child_that_dies_breaks_its_answer_off(php):
    with connect(php) as c:
        r = c.request("/die.php").recv_head()
        assert r.status == 200 and c.recv_chunk() == b"begun"
        assert c.recv_until_closed() == b""
    assert get(php, "/hello.php").status == 200
