"""keyval: values from a state file, over reloads and the worker's death; what is wrong."""
import json
import os
import re
import signal

import pytest

from client import get
from wait import until

pytestmark = pytest.mark.usher_only  # of nginx's paid edition
CONF = """keyval_zone zone=one:32k state=one.json; keyval $arg_k $v zone=one;
          keyval_zone zone=ip:64k state=%%PREFIX%%/ip.json type=ip timeout=1h sync; keyval $arg_k $ip zone=ip;
          keyval_zone zone=p:1m state=p.json type=prefix; keyval "$host$arg_k" $prefix zone=p;
          keyval_zone zone=none:32k; keyval $arg_k $none zone=none;
          log_format f '$v|$ip|$prefix|$none';
          server { listen 127.0.0.1:%%PORT%%; access_log logs/access.log f; return 200 "$v|$ip|$prefix|$none"; }"""
FILES = {
    "one.json": json.dumps({"a": "A", "Ä": "umlaut", "gone": {"value": "x", "expire": 1}, "far": {"value": "F", "expire": 4102444800000}}),
    "ip.json": json.dumps({"10.0.0.0/8": "ten", "10.1.1.1": "host", "192.0.2.3-192.0.2.7": "range", "2001:db8::/32": "six"}),
    "p.json": json.dumps({"localhost/a": "pa", "localhost/": "p"}),
}


def ask(p, key):
    return get(p, f"/?k={key}", host="localhost").text


def test_what_state_files_say(usher):
    p = usher(CONF, files=FILES)
    assert ask(p, "a") == "A|||" and ask(p, "A") == "|||" and ask(p, "far") == "F|||" and ask(p, "gone") == "|||"
    assert ask(p, "10.9.9.9") == "|ten||" and ask(p, "10.1.1.1") == "|host||" and ask(p, "192.0.2.5") == "|range||"
    assert ask(p, "2001:db8::7") == "|six||"
    assert ask(p, "/ab") == "||pa|" and ask(p, "/b") == "||p|"
    assert p.access_log(2)[:2] == ["A|-|-|-", "-|-|-|-"]


def test_a_database_goes_on_over_reloads(usher):
    p = usher(CONF, files=FILES, may_log="state file")
    assert ask(p, "a") == "A|||"
    p.write("one.json", '{"a": "changed"}')
    p.reload()
    assert ask(p, "a") == "A|||"
    p.write("one.json", '{"a": ')
    p.reload()
    assert p.wait_log(r'\[emerg\].*invalid state file "%s/one.json": .* in line 1' % p.prefix)
    assert ask(p, "a") == "A|||"


@pytest.mark.one_thread
def test_a_new_worker_reads_the_file_as_it_is_now(usher):
    p = usher(CONF, files=FILES, may_log="exited on signal")
    assert ask(p, "a") == "A|||"
    p.write("one.json", '{"a": "B"}')
    (worker,) = open(f"/proc/{p.pid}/task/{p.pid}/children").read().split()
    os.kill(int(worker), signal.SIGKILL)

    def answers():
        try:
            return ask(p, "a") == "B|||"
        except (OSError, AssertionError):
            return False
    until(answers, "the new worker")


def test_a_file_that_is_not_there_is_an_empty_database(usher):
    assert ask(usher(CONF), "a") == "|||"


WRONG = [
    ("keyval $uri x zone=z;", 'invalid variable name "x"'),
    ("keyval $uri $x z;", 'invalid parameter "z"'),
    ("keyval $uri $x zone=;", 'invalid parameter "zone="'),
    ("keyval $uri $x;", 'invalid number of arguments in "keyval" directive'),
    ("keyval $uri $x zone=z;", 'zero size shared memory zone "z"'),
    ("keyval $uri $uri zone=z; keyval_zone zone=z:32k;", 'the duplicate "uri" variable'),
    ("keyval_zone zone=z;", 'invalid zone size "zone=z"'),
    ("keyval_zone zone=z:1k;", 'zone "zone=z:1k" is too small'),
    ("keyval_zone sync;", '"keyval_zone" must have "zone" parameter'),
    ("keyval_zone zone=z:32k type=x;", 'invalid parameter "type=x"'),
    ("keyval_zone zone=z:32k timeout=x;", 'invalid parameter "timeout=x"'),
    ("keyval_zone zone=z:32k foo;", 'invalid parameter "foo"'),
    ("keyval_zone zone=z:32k state=;", 'invalid parameter "state="'),
    ("keyval_zone zone=z:32k; keyval_zone zone=z:32k;", 'keyval_zone "z" is already bound to key'),
    ("keyval_zone zone=z:32k state=bad.json;", 'invalid state file "%%PREFIX%%/bad.json": "a" has no value that is text'),
    ("keyval_zone zone=z:32k state=text.json type=ip;", 'invalid state file "%%PREFIX%%/text.json": "a" is no key of the zone\'s type'),
    ("keyval_zone zone=z:32k state=big.json;", 'invalid state file "%%PREFIX%%/big.json": "a" does not fit into the zone'),
    ("keyval_zone zone=z:32k state=logs;", 'open() "%%PREFIX%%/logs" failed (21: Is a directory)'),
]


@pytest.mark.parametrize("text, words", WRONG, ids=range(len(WRONG)))
def test_what_is_wrong(usher, text, words):
    p = usher(text + " server { listen 127.0.0.1:%%PORT%%; }", start=False,
              files={"bad.json": '{"a": 1}', "text.json": '{"a": "b"}', "big.json": json.dumps({"a": "x" * 40000})})
    r = p.run("-t")
    assert r.returncode == 1 and re.search(re.escape(p.fill(words)), r.stderr), r.stderr
