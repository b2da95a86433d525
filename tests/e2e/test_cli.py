"""The command line: nginx's flags, lines and exit codes, and usher's own sub-commands."""
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile

import pytest

from client import connect, get
from origin import reply
from proxy import BIN, IS_NGINX, free_port
from wait import until

NAME = "nginx" if IS_NGINX else "usher"
OK = "events {}\nhttp { server { listen 127.0.0.1:%%PORT%%; location / { return 200 fine; } } }\n"


def program(*args, **kw):
    return subprocess.run([BIN, *args], capture_output=True, text=True, timeout=20, **kw)


@pytest.fixture
def prefix():
    """prefix(text) writes usher.conf there; returns a function that runs the program with -p and -c."""
    tmp_path = pathlib.Path(tempfile.mkdtemp(prefix="usher-cli-"))
    tmp_path.chmod(0o755)
    (tmp_path / "logs").mkdir()

    def make(text=OK):
        port = free_port()
        (tmp_path / "usher.conf").write_text(text.replace("%%PORT%%", str(port)))

        def run(*args, **kw):
            return program("-p", f"{tmp_path}/", "-c", "usher.conf", *args, **kw)
        run.port, run.conf, run.path = port, f"{tmp_path}/usher.conf", tmp_path
        return run
    yield make
    shutil.rmtree(tmp_path)


def test_a_sound_file_passes_the_test_in_nginxs_words(prefix):
    run = prefix()
    r = run("-t")
    assert r.returncode == 0 and r.stdout == ""
    assert r.stderr == (f"{NAME}: the configuration file {run.conf} syntax is ok\n"
                        f"{NAME}: configuration file {run.conf} test is successful\n")


def test_q_leaves_only_errors(prefix):
    r = prefix()("-t", "-q")
    assert (r.returncode, r.stdout, r.stderr) == (0, "", "")


def test_T_prints_every_file_once(prefix):
    run = prefix("events {}\nhttp { include parts/*.conf; }\n")
    (run.path / "parts").mkdir()
    (run.path / "parts/a.conf").write_text(f"server {{ listen 127.0.0.1:{run.port}; }}\n")
    r = run("-T")
    assert r.returncode == 0
    assert r.stdout == (f"# configuration file {run.conf}:\nevents {{}}\nhttp {{ include parts/*.conf; }}"
                        f"\n\n# configuration file {run.path}/parts/a.conf:\n"
                        f"server {{ listen 127.0.0.1:{run.port}; }}\n\n")


def test_a_faulty_file_fails_with_file_and_line(prefix):
    run = prefix("events {}\nhttp {\n    server { lisen 80; }\n}\n")
    r = run("-t")
    assert r.returncode == 1
    assert '[emerg]' in r.stderr and f'unknown directive "lisen" in {run.conf}:3\n' in r.stderr
    assert r.stderr.endswith(f"{NAME}: configuration file {run.conf} test failed\n")


@pytest.mark.usher_only
def test_every_error_is_told_with_its_place_and_a_hint(prefix):
    run = prefix("events {}\nhttp {\n    server { lisen 80; }\n    keepalive_timeout x;\n}\n")
    r = run("-t")
    lines = r.stderr.splitlines()
    assert lines[0] == f'usher: [emerg] unknown directive "lisen" in {run.conf}:3'
    assert "^^^^^" in r.stderr and 'did you mean "listen"?' in r.stderr
    assert f"{run.conf}:4" in r.stderr


@pytest.mark.usher_only
def test_a_fragment_is_a_configuration(prefix):
    run = prefix("server { listen 127.0.0.1:%%PORT%%; }\n")
    assert run("-t").returncode == 0


def test_a_missing_file_is_named(prefix):
    run = prefix()
    r = program("-p", f"{run.path}/", "-c", "none.conf", "-t")
    assert r.returncode == 1
    assert f'open() "{run.path}/none.conf" failed (2: No such file or directory)' in r.stderr


@pytest.mark.usher_only("nginx wants the directory made by hand")
def test_the_directory_of_the_logs_that_nobody_named_is_made(prefix):
    run = prefix("server { listen 127.0.0.1:%%PORT%%; }\n")
    os.rmdir(run.path / "logs")
    r = program("-p", f"{run.path}/", "-c", run.conf, "-g", "error_log /nowhere/x;")
    assert r.returncode == 1 and (run.path / "logs/access.log").exists()


def test_g_directives_come_from_the_command_line(prefix):
    r = prefix()("-t", "-g", "foo bar;")
    assert r.returncode == 1 and 'unknown directive "foo" in command line' in r.stderr


@pytest.mark.usher_only
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_t_needs_no_root_and_binds_and_writes_nothing(prefix):
    run = prefix("user www-data;\nevents {}\nhttp { server { listen 80; } }\n")
    before = sorted(os.listdir(run.path / "logs"))
    r = run("-t", user=65534, group=65534)
    assert r.returncode == 0, r.stderr
    assert '[warn] the "user" directive makes sense only if the master process runs' in r.stderr
    assert sorted(os.listdir(run.path / "logs")) == before


@pytest.mark.parametrize("args, complaint", [
    (["-Z"], 'invalid option: "Z"'),
    (["foo"], 'invalid option: "foo"'),
    (["-tx"], 'invalid option: "x"'),
    (["-s", "foo"], 'invalid option: "-s foo"'),
    (["-s"], 'option "-s" requires parameter'),
    (["-g"], 'option "-g" requires parameter'),
    (["-c"], 'option "-c" requires file name'),
    (["-e"], 'option "-e" requires file name'),
    (["-p"], 'option "-p" requires directory name'),
])
def test_wrong_options_are_refused_in_nginxs_words(args, complaint):
    r = program(*args)
    assert (r.returncode, r.stderr.partition("      |")[0]) == (1, f"{NAME}: {complaint}\n")


@pytest.mark.parametrize("flag", ["-h", "-?"])
def test_help_names_every_flag(flag):
    r = program(flag)
    text = r.stdout + r.stderr
    assert r.returncode == 0 and text.startswith("nginx version: nginx/")
    for option in ("-v", "-V", "-t", "-T", "-q", "-s signal", "-p prefix", "-e filename", "-c filename",
                   "-g directives"):
        assert f"\n  {option} " in text


@pytest.mark.usher_only
def test_version_lines():
    first = r"nginx version: nginx/1\.31\.\d+ \(usher \d+\.\d+\.\d+\)\n"
    assert re.fullmatch(first, program("-v").stderr)
    build = program("-V").stderr
    libraries = r"built by (gcc|clang) [\d.]+\nbuilt with OpenSSL 3\..*\nTLS SNI support enabled\n"
    assert re.fullmatch(first + libraries + r"configure arguments: --prefix=.*\n", build)
    assert "--without-http_proxy_module" not in build
    assert "--without-http_fastcgi_module" not in build
    assert "--without-http-cache" in build and "--with-http_ssl_module" in build


@pytest.mark.usher_only
def test_the_name_nginx_answers_as_nginx(tmp_path):
    (tmp_path / "nginx").symlink_to(BIN)
    r = subprocess.run([tmp_path / "nginx", "-Z"], capture_output=True, text=True, timeout=20)
    assert r.stderr == 'nginx: invalid option: "Z"\n'


def test_a_signal_needs_a_pid_file(prefix):
    run = prefix()
    r = run("-s", "reload", "-g", "pid logs/none.pid;")
    assert r.returncode == 1
    assert f'open() "{run.path}/logs/none.pid" failed (2: No such file or directory)' in r.stderr


@pytest.mark.parametrize("content", ["", "abc"])
def test_a_signal_needs_a_number_in_it(prefix, content):
    run = prefix()
    (run.path / "logs/x.pid").write_text(content + "\n")
    r = run("-s", "stop", "-g", "pid logs/x.pid;")
    assert r.returncode == 1
    assert '[error]' in r.stderr
    assert f'invalid PID number "{content}" in "{run.path}/logs/x.pid"\n' in r.stderr


def test_a_busy_address_fails_the_start_after_five_tries(prefix):
    run = prefix()
    with socket.socket() as s:
        s.bind(("127.0.0.1", run.port))
        s.listen()
        r = run("-g", "pid logs/x.pid; error_log logs/error.log;", "-e", "logs/error.log")
    busy = f"{NAME}: [emerg] bind() to 127.0.0.1:{run.port} failed (98: Address already in use)"
    assert r.returncode == 1
    hint = [] if IS_NGINX else ["      | another program listens there: ss -ltnp tells which"]
    assert r.stderr.splitlines() == [busy] * 5 + [f"{NAME}: [emerg] still could not bind()"] + hint
    assert not (run.path / "logs/x.pid").exists()


def test_a_daemon_serves_when_the_command_returns(prefix):
    run = prefix()
    own = ("-g", "pid logs/x.pid; error_log logs/error.log;")
    assert run(*own).returncode == 0
    pid = int((run.path / "logs/x.pid").read_text())
    try:
        assert get(run.port).text == "fine"
        assert run(*own, "-s", "quit").returncode == 0
        until(lambda: not (run.path / "logs/x.pid").exists(), "the pid file to go")
    except BaseException:
        os.kill(pid, 9)
        raise


@pytest.mark.usher_only
def test_defaults_are_below_the_prefix(prefix):
    run = prefix()
    bare = ("-p", f"{run.path}")
    assert program(*bare).returncode == 0
    assert get(run.port).text == "fine"
    assert program(*bare, "-s", "stop").returncode == 0
    until(lambda: not (run.path / "logs/usher.pid").exists(), "the pid file to go")
    assert sorted(os.listdir(run.path / "logs")) == ["access.log", "error.log"]


@pytest.mark.usher_only
def test_help_prints_a_directive_or_all_names():
    one = program("help", "worker_processes")
    assert one.returncode == 0 and "number | auto" in one.stdout
    names = program("help", "--names").stdout.split()
    assert {"server", "proxy_pass", "pid"} <= set(names) and names == sorted(names)
    none = program("help", "lisen")
    assert none.returncode == 1 and none.stderr.startswith('usher: unknown directive "lisen"')


@pytest.mark.usher_only
def test_help_prints_a_variable_or_a_rule():
    for name in ("$uri", "uri"):
        assert program("help", name).stdout.startswith("## $uri\n\nThe current URI")
    for name in ("$arg_user", "$arg_"):
        assert program("help", name).stdout.startswith("## $arg_NAME\n")
    assert program("help", "$args").stdout.startswith("## $args\n")
    assert program("help", "$proxy_protocol_addr").returncode == 0
    assert "root" in program("help", "root").stdout.splitlines()[0]
    assert "To do: " in program("help", "lost-add-header").stdout
    wrong = program("help", "$requst_uri")
    assert (wrong.returncode, wrong.stderr) == (1, 'usher: unknown variable "$requst_uri": did you mean "$request_uri"?\n')
    assert program("help", "$zzz").stderr == 'usher: unknown variable "$zzz"\n'


@pytest.mark.usher_only
def test_help_writes_the_manual_as_pages(tmp_path):
    assert program("help", "--manual", str(tmp_path)).returncode == 0
    index = (tmp_path / "README.md").read_text()
    assert "[listen](http.md#listen)" in index and "## listen\n" in (tmp_path / "http.md").read_text()
    assert "`$remote_addr`" in (tmp_path / "variables.md").read_text()
    assert "`image_filter`" in (tmp_path / "absent.md").read_text()
    nowhere = program("help", "--manual", str(tmp_path / "none"))
    assert nowhere.returncode == 1 and "cannot write" in nowhere.stderr


@pytest.fixture
def one_liner(tmp_path):
    """one_liner(backend) runs `usher proxy` in front of it; returns the port."""
    running = []

    def begin(backend):
        port = free_port()
        with open(tmp_path / "out", "wb") as out, open(tmp_path / "err", "wb") as err:
            running.append(subprocess.Popen(
                [BIN, "proxy", "--from", f"127.0.0.1:{port}", "--to", backend.address],
                stdout=out, stderr=err, cwd=tmp_path))

        def listens():
            try:
                return connect(port)
            except ConnectionRefusedError:
                return None
        until(listens, "the port to open").close()
        return port
    yield begin
    for p in running:
        p.terminate()
        assert p.wait(10) == 0
    said = (tmp_path / "err").read_text().splitlines()
    assert len(said) == 1 and said[0].startswith("usher proxies")
    assert sorted(os.listdir(tmp_path)) == ["err", "out"]


@pytest.mark.usher_only
def test_one_command_line_is_a_whole_proxy(origin, one_liner, tmp_path):
    back = origin(reply("from behind"))
    with connect(one_liner(back)) as c:
        assert [c.get("/x").text for _ in range(3)] == ["from behind"] * 3
    assert len(back.connections) == 1 and len(back.requests) == 3
    assert back.requests[0].get("Host") == "localhost"
    until(lambda: '"GET /x HTTP/1.1" 200' in (tmp_path / "out").read_text(), "the access log")


@pytest.mark.usher_only
def test_one_command_line_passes_upgrades(origin, one_liner):
    def shout(conn, request):
        assert request.get("Upgrade") == "shout"
        conn.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: shout\r\nConnection: upgrade\r\n\r\n")
        conn.send(conn.recv_some().upper())
        conn.close()
    with connect(one_liner(origin(shout))) as c:
        c.request("/", headers={"Upgrade": "shout", "Connection": "upgrade"})
        assert c.recv_head().status == 101
        c.send(b"hello")
        assert c.recv_exact(5) == b"HELLO"


def test_one_command_line_asks_for_an_upgrade_where_the_client_does(origin, one_liner):
    b = origin(lambda conn, r: reply("fine"))
    with connect(one_liner(b)) as c:
        for path in ("/1", "/2"):
            assert c.get(path).text == "fine"
    assert [r.get("Connection") for r in b.requests] == [None, None]

@pytest.mark.usher_only
@pytest.mark.parametrize("args", [[], ["--from", ":80"], ["--from", ":80", "--to", ""],
                                  ["--from", ":80;", "--to", "a:1"], ["--form", ":1", "--to", "a:1"]])
def test_a_wrong_proxy_command_explains_itself(args):
    r = program("proxy", *args)
    assert r.returncode == 1 and "--from [HOST:]PORT --to [HOST:]PORT" in r.stderr


@pytest.mark.usher_only("its commands")
@pytest.mark.parametrize("words, says", [
    (["--help"], "Usage: usher [-?hvVtTq]"), (["--version"], "nginx version: "),
    (["proxy", "--help"], "Usage: usher proxy --from"), (["lint", "-h"], "Usage: usher lint"),
    (["explain", "--help"], "Usage: usher explain FILE"), (["fmt", "-h"], "Usage: usher fmt"),
    (["help", "--help"], "Usage: usher help"), (["help", "lint"], "usher lint --rules")])
def test_whoever_asks_how_to_call_it_is_told(words, says):
    r = program(*words)
    assert r.returncode == 0 and says in r.stdout + r.stderr
    assert "invalid option" not in r.stderr


@pytest.mark.usher_only("its commands")
def test_a_word_that_is_no_command_leads_to_the_help():
    r = program("start")
    assert (r.returncode, r.stderr) == (1, 'usher: invalid option: "start"\n      | -h shows what there is\n')
    r = program("proxy", "--from=:80", "--two=:81")
    assert r.returncode == 1 and r.stderr.startswith("usher: invalid option: --two=:81\nUsage: usher proxy")
    r = program("proxy", "--from=", "--to=:81")
    assert r.returncode == 1 and "an address is missing after --from=" in r.stderr
