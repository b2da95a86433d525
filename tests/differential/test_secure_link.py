"""secure_link, secure_link_md5, secure_link_secret."""
import base64
import hashlib
import time

import pytest

LATER, EARLIER = int(time.time()) + 100_000, 1_000_000_000
SHOW = 'return 200 "[$secure_link][$secure_link_expires]";'


def server(body, http=""):
    return f"{http} server {{ listen 127.0.0.1:%%PORT%%; server_name localhost; {body} }}"


def checksum(text, tail=b""):
    return base64.urlsafe_b64encode(hashlib.md5(text.encode()).digest()).rstrip(b"=").decode() + tail.decode()


def link(end, path="/f", word=" secret", **changed):
    md5 = changed.get("md5", checksum(f"{end}{path}{word}"))
    return f"{path}?md5={md5}" + (f"&expires={end}" if end is not None else "")


GOOD = checksum(f"{LATER}/f secret")
LINKS = [
    link(LATER), link(EARLIER), link(LATER, path="/g"), link(LATER, word=" other"), link(0), link(-1), link("x"), link(f"{LATER}x"), link(""), "/f",
    f"/f?md5={GOOD}", f"/f?md5={GOOD}&expires={LATER + 1}", f"/f?md5={GOOD}==&expires={LATER}", f"/f?md5={GOOD}===&expires={LATER}",
    f"/f?md5={GOOD}A&expires={LATER}", f"/f?md5={GOOD[:-1]}&expires={LATER}", f"/f?md5={GOOD[:-2]}&expires={LATER}", f"/f?md5=&expires={LATER}",
    f"/f?md5={GOOD}%3d&expires={LATER}", f"/f?md5={GOOD[:5]}!{GOOD[6:]}&expires={LATER}", f"/f?md5={GOOD},{LATER}", link("9" * 19), link("9" * 25),
    link("007"), f"/f?expires={LATER}", f"/f?md5={'A' * 40}&expires={LATER}", f"/f?md5={GOOD}&expires={LATER},1", "HEAD " + link(LATER),
]
FORMS = [
    'secure_link $arg_md5,$arg_expires; secure_link_md5 "$secure_link_expires$uri secret";',
    'secure_link $arg_md5; secure_link_md5 "$arg_expires$uri secret";',
    'secure_link "$arg_md5,$arg_expires";',
    'secure_link_md5 "$arg_expires$uri secret";',
    "",
    'secure_link $arg_md5,; secure_link_md5 "$arg_expires$uri secret";',
    'secure_link ,$arg_expires; secure_link_md5 x;',
    'secure_link "x$arg_none,$arg_expires,y"; secure_link_md5 x;',
]


@pytest.mark.parametrize("form", FORMS, ids=range(len(FORMS)))
def test_links(agree, form):
    agree(server(f"location / {{ {form} {SHOW} }}"), LINKS)


def test_levels(agree):
    agree(server(f"secure_link_md5 '$secure_link_expires$uri secret'; location / {{ {SHOW} }} "
                 f"location /g {{ secure_link_md5 '$secure_link_expires$uri other'; {SHOW} }}", "secure_link $arg_md5,$arg_expires;"),
          [*LINKS, link(LATER, path="/g", word=" other")])


def test_what_is_done_with_it(agree):
    agree(server('location / { secure_link $arg_md5,$arg_expires; secure_link_md5 "$secure_link_expires$uri secret"; '
                 'if ($secure_link = "") { return 403; } if ($secure_link = "0") { return 410; } return 200 fine; }'), LINKS)


def hashed(path, word="word"):
    return hashlib.md5((path + word).encode()).hexdigest()


HASHED = [f"/p/{hashed(p)}/{p}" for p in ("link", "a/b/c", "file.html?x=1", "%41b", "link//x", "l")] + [
    f"/p/{hashed('link').upper()}/link", f"/p/{hashed('other')}/link", f"/p/{hashed('link')[:-1]}/link", f"/p/{hashed('link')}", f"/p/{hashed('link')}/",
    f"/p/{hashed('')}/", f"/p/x{hashed('link')}/link", f"/p/{'g' * 32}/link", "/p/", "/p", "/p//", f"/p/q/{hashed('link')}/link",
    f"//p/{hashed('link')}/link", f"/p/{hashed('link')}/link?", f"/p/{hashed('link?x')}/link?x", f"/p/./{hashed('link')}/link",
]


def test_words(agree):
    agree(server(f"location /p {{ secure_link_secret word; if ($secure_link = '') {{ return 403; }} rewrite ^ /s/$secure_link; }} "
                 f"location /s {{ return 200 '$uri?$args'; }} location / {{ {SHOW} }}"), HASHED)
