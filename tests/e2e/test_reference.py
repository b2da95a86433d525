"""docs/reference: every directive has a syntax, a context and an example, and the examples load where they may stand."""
import re

import pytest

import mmdb
from proxy import ROOT

pytestmark = pytest.mark.usher_only
ELSEWHERE = {"daemon", "pid", "events", "http",  # every configuration of these tests has them
             "ssl_ech_file"}  # that it is not there is all that its page has to say
NEEDS = {  # what uses another directive's, and that one
    "keyval": ("keyval_zone", "keyval_zone zone=one:1m;"),
    "limit_conn": ("limit_conn_zone", "limit_conn_zone $arg_a zone=addr:10m;"),
    "limit_req": ("limit_req_zone", "limit_req_zone $arg_a zone=perip:10m rate=1r/s;"),
    "more_set_input_headers": ("", 'map $host $host_of_backend { default ""; }'),
}
FILES = {"blocklist.txt": "10.0.0.0/8\n", "challenge.key": b"x" * 32,
         "GeoLite2-Country.mmdb": mmdb.database({"10.0.0.0/8": {"country": {"iso_code": "XX"}}})}


def directives():
    for path in sorted((ROOT / "docs/reference").glob("*.md")):
        for name, text in re.findall(r"^## (\S+)\n\n(.*?)(?=^## |\Z)", path.read_text(), re.M | re.S):
            yield name, text


def test_every_directive_is_documented():
    for name, text in directives():
        for part in (r"^- Syntax: `", r"^- Context: ", r"^```nginx\n"):
            assert re.search(part, text, re.M), f"{name}: {part}"


def contexts(text):
    return re.search(r"^- Context: (.*)$", text, re.M)[1].split(", ")


def place(name, where, example, number):
    """In the innermost block that may have it, a block of its own."""
    if name == "location" or ("location" not in where and "server" in where):
        return "server", f"server {{ listen 127.0.0.1:%%PORT%%; server_name s{number}; {example} }}"
    if "location" in where:
        return "location", f"location /{number}/ {{ {example} }}"
    if "if in location" in where:
        return "location", f"location /{number}/ {{ if ($a) {{ {example} }} }}"
    if "upstream" in where:
        return "http", f"upstream u{number} {{ {example} server 127.0.0.1:1; }}"
    return where[0], example


@pytest.mark.parametrize("part", range(4))
def test_the_examples_load(usher, part):
    texts = {"main": [], "events": [], "http": [], "server": [], "location": []}
    mine = [d for number, d in enumerate(directives()) if number % 4 == part]
    names = {name for name, _ in mine}
    for number, (name, text) in enumerate(mine):
        if name in ELSEWHERE or contexts(text) == ["any"]:
            continue
        example = re.search(r"^```nginx\n(.*?)```", text, re.M | re.S)[1]
        where, placed = place(name, contexts(text), example, number)
        texts[where].append(placed)
        definer, needed = NEEDS.get(name, ("", ""))
        if definer not in names:
            texts["http"].append(needed)
    lines = [*texts["main"], "events {", *texts["events"], "}", "http {", *texts["http"], *texts["server"],
             "server { listen 127.0.0.1:%%PORT%%; set $a b;", *texts["location"], "} }"]
    checked = usher("\n".join(lines), start=False, bare=True, files=FILES).run("-t")
    assert checked.returncode == 0, checked.stderr
