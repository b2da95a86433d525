"""map and split_clients where usher has more to say than nginx, and what is wrong in them."""
import re

import pytest

from client import get


@pytest.mark.usher_only  # nginx goes around a hundred times
def test_a_map_that_asks_for_itself_is_empty_there_and_logged(usher):
    p = usher("""map $uri $x { default a$x; } map $uri $b { default $c; } map $uri $c { volatile; default "$b$b"; }
        server { listen 127.0.0.1:%%PORT%%; location /1 { return 200 "[$x]"; } location /2 { return 200 "[$b$c]"; } }""")
    assert get(p, "/1").text == "[a]" and get(p, "/2").text == "[]"
    assert p.wait_log(r'\[error\].*cycle while evaluating variable "x", client: .*, request: "GET /1')


@pytest.mark.usher_only
def test_a_chain_of_maps_is_bounded_by_the_stack(usher):
    maps = "".join(f"map $v{i} $v{i + 1} {{ default -$v{i}; ~^(.*)$ $1.; }}" for i in range(100))
    p = usher("map $uri $v0 { default v; } " + maps + """ server { listen 127.0.0.1:%%PORT%%;
        location /30 { return 200 $v30; } location /100 { return 200 "$v100"; } }""")
    assert get(p, "/30").text == "v" + 30 * "."
    assert get(p, "/100").status == 200
    p.wait_log('cycle while evaluating variable "v60"')


WRONG = [
    ("map $uri $x { a b c; }", 'invalid number of the map parameters'),
    ("map $uri $x { a; }", 'invalid number of the map parameters'),
    ("map $uri $x { a { b; } }", 'unexpected "{"'),
    ("map $uri $x { default a; default b; }", "duplicate default map parameter"),
    ("map $uri $x { a 1; \\a 2; }", 'conflicting parameter "a"'),
    ('map $uri $x { "" 1; "" 2; }', 'conflicting parameter ""'),
    ("map $uri $x { hostnames; a..b 1; }", 'invalid hostname or wildcard "a..b"'),
    ("map $uri $x { hostnames; *. 1; }", 'invalid hostname or wildcard "*."'),
    ("map $uri $x { hostnames; a 1; .a 2; }", 'conflicting parameter ".a"'),
    ("map $uri $x { ~( 1; }", 'pcre2_compile() failed: missing closing parenthesis in "("'),
    ("map $uri x { a 1; }", 'invalid variable name "x"'),
    ("map $uri $ { a 1; }", 'invalid variable name "$"'),
    ("map $uri $host { a 1; }", 'the duplicate "host" variable'),
    ("map $uri { a 1; }", 'invalid number of arguments in "map" directive'),
    ("map $uri $x { a $nosuch; }", 'unknown "nosuch" variable'),
    ("map $uri $x { include none.map; }", 'open() "%%PREFIX%%/none.map" failed (2: No such file or directory)'),
    ("map_hash_max_size x;", 'invalid number "x"|"map_hash_max_size" directive invalid number'),
    ("map_hash_max_size 1; map_hash_max_size 1;", '"map_hash_max_size" directive is duplicate'),
    ("split_clients $uri $x { 60% a; 60% b; }", "percent total is greater than 100%"),
    ("split_clients $uri $x { * a; 5% b; }", "percent total is greater than 100%"),
    ("split_clients $uri $x { 1.234% a; }", 'invalid percent value "1.234%"'),
    ("split_clients $uri $x { 1 a; }", 'invalid percent value "1"'),
    ("split_clients $uri $x { -1% a; }", 'invalid percent value "-1%"'),
    ("split_clients $uri $x { 0% a; }", 'invalid percent value "0%"'),
    ("split_clients $uri $x { 5% { a; } }", 'unexpected "{"'),
    ("split_clients $uri x { 5% a; }", 'invalid variable name "x"'),
]


@pytest.mark.parametrize("text, words", WRONG, ids=range(len(WRONG)))
def test_what_is_wrong(usher, text, words):
    p = usher(text + " server { listen 127.0.0.1:%%PORT%%; }", start=False)
    r = p.run("-t")
    assert r.returncode == 1 and re.search("|".join(re.escape(p.fill(w)) for w in words.split("|")), r.stderr), r.stderr
    assert "[emerg]" in r.stderr


@pytest.mark.usher_only
def test_all_that_is_wrong_is_told_at_its_word(usher):
    r = usher("map $uri $x { a b c; ~( 1; x 1; x 2; }\nmap $uri $y { default $z; }", start=False).run("-t")
    assert r.stderr.count("[emerg]") == 4
    assert re.search(r"~\( 1; .*\n +\^+ *\n|~\(.*\n\s*\|?\s*\^\^", r.stderr), r.stderr
