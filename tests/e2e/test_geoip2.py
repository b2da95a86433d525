"""geoip2: a database that changes, breaks or goes while it is used, and what is wrong in the block."""
import os
import re
import threading

import pytest

import mmdb
from client import connect, get
from proxy import THREADS
from wait import until

pytestmark = pytest.mark.usher_only  # needs an add-on there; tests/differential compares the two
CONF = """geoip2 t.mmdb { %s $x default=none source=$arg_ip country iso_code; $b metadata build_epoch; }
          server { listen 127.0.0.1:%%%%PORT%%%%; return 200 "$x $b"; }"""


def made(code, epoch=1):
    return mmdb.database({"10.0.0.0/8": {"country": {"iso_code": code}}}, build_epoch=epoch)


def put(p, data):
    p.write("new.mmdb", data)
    os.rename(p.prefix / "new.mmdb", p.prefix / "t.mmdb")


def test_a_reload_takes_a_new_file_and_is_refused_with_a_broken_one(usher):
    p = usher(CONF % "", files={"t.mmdb": made("AA")}, may_log="MMDB_open")
    assert get(p, "/?ip=10.1.1.1").text == "AA 1"
    put(p, made("BB", 2))
    assert get(p, "/?ip=10.1.1.1").text == "AA 1"
    p.reload()
    assert get(p, "/?ip=10.1.1.1").text == "BB 2"
    put(p, b"no database at all")
    p.reload()
    assert p.wait_log(r'\[emerg\].*MMDB_open\("%s/t.mmdb"\) failed - The MaxMind DB file contains invalid metadata' % p.prefix)
    assert get(p, "/?ip=10.1.1.1").text == "BB 2"
    (p.prefix / "t.mmdb").unlink()
    p.reload()
    assert get(p, "/?ip=10.1.1.1").text == "BB 2" and get(p, "/?ip=11.1.1.1").text == "none 2"


def test_auto_reload_looks_at_the_file_and_keeps_what_is_whole(usher):
    p = usher(CONF % "auto_reload 10ms;", files={"t.mmdb": made("AA")})
    assert get(p, "/?ip=10.1.1.1").text == "AA 1"
    put(p, made("BB", 2))
    until(lambda: get(p, "/?ip=10.1.1.1").text == "BB 2", "the new database")
    p.wait_log(r'\[info\].*Reload MMDB ".*/t.mmdb", client: ')
    put(p, b"broken")
    until(lambda: get(p, "/?ip=10.1.1.1").text and "failed to reload" in p.error_log(), "the broken one")
    assert get(p, "/?ip=10.1.1.1").text == "BB 2"
    (p.prefix / "t.mmdb").unlink()
    until(lambda: get(p, "/?ip=10.1.1.1").text and "failed to reload - No such file" in p.error_log(), "that it is gone")
    assert get(p, "/?ip=10.1.1.1").text == "BB 2"


def test_look_ups_go_on_while_the_file_is_exchanged(usher):
    p = usher(CONF % "auto_reload 1ms;", files={"t.mmdb": made("A0", 1)}, main="" if THREADS else "worker_processes 3;")
    seen, done = set(), threading.Event()

    def ask():
        with connect(p) as c:
            while not done.is_set():
                seen.add(c.get("/?ip=10.1.1.1").text.split()[0])
    askers = [threading.Thread(target=ask) for _ in range(4)]
    for t in askers:
        t.start()
    for i in range(1, 21):
        put(p, made(f"A{i}", i))
        until(lambda: f"A{i}" in seen, f"database {i}")
    done.set()
    for t in askers:
        t.join()
    assert seen == {f"A{i}" for i in range(21)}


def test_a_file_in_use_is_mapped_once(usher):
    p = usher(CONF % "", files={"t.mmdb": made("AA")})
    for _ in range(3):
        assert get(p, "/?ip=10.1.1.1").text == "AA 1"
        p.reload()
    children = open(f"/proc/{p.pid}/task/{p.pid}/children").read().split()
    maps = [open(f"/proc/{pid}/maps").read().count("t.mmdb") for pid in children]
    assert maps == [1]


def test_a_record_that_is_cut_off_has_no_value(usher):
    whole = made("AA")
    at = whole.index(b"iso_code") - 1
    p = usher(CONF % "", files={"t.mmdb": whole[:at] + b"\x5f\xff\xff\xff" + whole[at + 4:]})
    assert get(p, "/?ip=10.1.1.1").text == "none 1"


WRONG = [
    ("geoip2 none.mmdb { $x country; }", 'MMDB_open("%%PREFIX%%/none.mmdb") failed - No such file or directory'),
    ("geoip2 usher.conf { $x country; }", "failed - The MaxMind DB file contains invalid metadata"),
    ("geoip2 t.mmdb { x country; }", 'invalid setting "x"'),
    ("geoip2 t.mmdb { $ country; }", 'invalid variable name "$"'),
    ("geoip2 t.mmdb { $x default= country; }", 'invalid setting "default=" for "$x"'),
    ("geoip2 t.mmdb { $x source= country; }", 'invalid setting "source=" for "$x"'),
    ("geoip2 t.mmdb { $x default=a source=$uri default=b c; }", 'default has already been declared for "$x"'),
    ("geoip2 t.mmdb { $x source=remote_addr country; }", 'invalid source variable name "remote_addr"'),
    ("geoip2 t.mmdb { $x source=$nosuch country; }", 'unknown "nosuch" variable'),
    ("geoip2 t.mmdb { auto_reload; }", "invalid number of arguments for auto_reload"),
    ("geoip2 t.mmdb { auto_reload x; }", 'invalid value for auto_reload "x"'),
    ("geoip2 t.mmdb { $uri country; }", 'the duplicate "uri" variable'),
    ("geoip2 t.mmdb { $x { a; } }", 'unexpected "{"'),
    ("geoip2 t.mmdb { } geoip2 t.mmdb { }", "Duplicate GeoIP2 mmdb - %%PREFIX%%/t.mmdb"),
    ("geoip2 { $x country; }", 'invalid number of arguments in "geoip2" directive'),
    ("geoip2_proxy x;", 'invalid network "x"'),
    ("geoip2_proxy 10.0.0.1/99;", 'invalid network "10.0.0.1/99"'),
    ("geoip2_proxy_recursive x;", 'invalid value "x" in "geoip2_proxy_recursive" directive, it must be "on" or "off"'),
]


@pytest.mark.parametrize("text, words", WRONG, ids=range(len(WRONG)))
def test_what_is_wrong(usher, text, words):
    p = usher(text + " server { listen 127.0.0.1:%%PORT%%; }", start=False, files={"t.mmdb": made("AA")})
    r = p.run("-t")
    assert r.returncode == 1 and re.search(re.escape(p.fill(words)), r.stderr), r.stderr
