"""secure_link, valid_referers, browsers: what is said of their mistakes; the rest is compared in tests/differential."""
import pytest

from client import get

pytestmark = pytest.mark.usher_only("-t of usher tells all at once")

WRONG = [
    ("location / { secure_link_secret w; secure_link x; }", '"secure_link_secret" cannot be mixed with "secure_link" and "secure_link_md5"'),
    ("secure_link_secret w;", '"secure_link_secret" directive is not allowed here'), ("secure_link a b;", 'invalid number of arguments in "secure_link"'),
    ("secure_link_md5 $no_such;", 'unknown "no_such" variable'), ("secure_link a; secure_link b;", '"secure_link" directive is duplicate'),
    ("valid_referers none;", 'the "none" or "blocked" referers are specified in the "valid_referers" directive without any valid referer'),
    ("valid_referers;", 'invalid number of arguments in "valid_referers"'), ("valid_referers a*b;", 'invalid server name or wildcard "a*b"'),
    ("valid_referers http://a;", 'invalid server name or wildcard "http://a"'), ("valid_referers ~;", 'empty regex in "~"'),
    ("valid_referers '~(';", 'in "("'), ("referer_hash_max_size x;", '"referer_hash_max_size" directive invalid value'),
    ("modern_browser netscape 4;", 'unknown browser name "netscape"'), ("modern_browser msie x;", 'invalid browser version "x"'),
    ("modern_browser msie;", 'invalid number of arguments in "modern_browser"'), ("modern_browser msie 1.2.3.4.5;", 'invalid browser version "1.2.3.4.5"'),
]


def test_mistakes_are_told(usher):
    text = "".join(f"server {{ listen 127.0.0.1:%%PORT%%; server_name s{i}; {line} }}\n" for i, (line, _) in enumerate(WRONG))
    told = usher(text, start=False).run("-t").stderr
    assert [words for _, words in WRONG if words not in told] == [], told


def test_versions_of_an_outer_block_hold_in_inner_ones(usher):
    p = usher("modern_browser msie 6; server { listen 127.0.0.1:%%PORT%%; location / { return 200 [$modern_browser]; } }")
    agents = ["Mozilla/4.0 (compatible; MSIE %s; X)" % v for v in ("6.0", "5.5")]
    assert [get(p.port, headers={"User-Agent": a}).text for a in agents] == ["[1]", "[]"]


def test_a_page_may_have_several_beginnings(usher):
    p = usher("server { listen 127.0.0.1:%%PORT%%; valid_referers a.example/x a.example/y; location / { return 200 [$invalid_referer]; } }")
    seen = [get(p.port, headers={"Referer": f"http://a.example/{path}"}).text for path in ("x", "y/z", "z")]
    assert seen == ["[]", "[]", "[1]"]
