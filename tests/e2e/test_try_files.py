"""try_files and index: which file answers, and what answers when there is none."""
import pytest

from client import get
from origin import reply

FILES = {"html/a.txt": "a", "html/dir/index.html": "dir index", "html/dir/second.htm": "second",
         "html/spa.html": "spa", "html/100%25.html": "percent", "html/%2e%2e/x": "dots",
         "html/p%41/index.html": "percent index", "other/b.txt": "b", "other/sub/c.txt": "c",
         "secret.txt": "secret"}
CONF = """
default_type text/plain;
server {
    listen 127.0.0.1:%%PORT%%;
    root html;
    location / { try_files $uri $uri/ /spa.html; }
    location /code/ { try_files $uri =410; }
    location /page/ { try_files $uri =500; error_page 500 /a.txt; }
    location /args/ { try_files $uri /echo?from=$uri&$args; }
    location /named/ { try_files $uri @named; }
    location /lost/ { try_files $uri @nowhere; }
    location /echo { return 200 "$uri $args"; }
    location @named { return 200 "named $uri $args"; }
    location /alias/ { alias %%PREFIX%%/other/; try_files $uri $uri/ =404; }
    location /below/ { alias %%PREFIX%%/other/; try_files /sub/c.txt =404; }
    location /argument/ { root html/dir; try_files /$arg_f =404; }
    location /inherit/ { try_files /a.txt =404; location /inherit/not/ { return 200 "$uri"; } }
    location /index/ { alias %%PREFIX%%/html/dir/; index none $arg_i second.htm index.html; }
    location /absolute/ { alias %%PREFIX%%/html/dir/; index none /a.txt; }
    location /proxied/ { try_files $uri /a.txt @named; proxy_pass http://%%O%%; }
}
server {
    listen 127.0.0.1:%%PORT%%;
    server_name onserver.example;
    root html;
    try_files /a.txt =404;
    location /other { return 200 other; }
}
"""


@pytest.fixture
def proxy(usher, origin):
    return usher(CONF, files=FILES, O=origin(reply("origin")))


@pytest.mark.parametrize("target, status, text", [
    ("/a.txt", 200, "a"), ("/dir/", 200, "dir index"), ("/app/route", 200, "spa"),
    ("/code/x", 410, None), ("/page/x", 500, "a"),
    ("/args/x?k=v", 200, "/echo from=/args/x&k=v"),
    ("/named/x?k=v", 200, "named /named/x k=v"), ("/lost/x", 500, None),
    ("/alias/b.txt", 200, "b"), ("/alias/sub/c.txt", 200, "c"), ("/alias/none", 404, None),
    ("/below/anything", 200, "c"), ("/inherit/x", 200, "a"),
    ("/inherit/not/x", 200, "/inherit/not/x"),
    ("/index/?i=nope", 200, "second"), ("/index/?i=index.html", 200, "dir index"),
    ("/absolute/", 200, "a"),
])
def test_what_answers(proxy, target, status, text):
    r = get(proxy, target)
    assert r.status == status and (text is None or r.text == text)


@pytest.mark.parametrize("target, location", [("/dir", "/dir/"), ("/alias/sub", "/alias/sub/")])
def test_a_directory_that_is_found_gets_its_slash(proxy, target, location):
    r = get(proxy, target, host="front.example")
    assert r.status == 301
    assert r.get("Location") == f"http://front.example:{proxy.port}{location}"


def test_it_runs_before_the_location_s_own_content(proxy):
    assert get(proxy, "/proxied/x").text == "origin"


def test_on_a_server_it_is_for_what_no_location_takes(proxy):
    assert get(proxy, "/x/y", host="onserver.example").text == "a"
    assert get(proxy, "/other", host="onserver.example").text == "other"


def test_an_index_redirect_does_not_decode_again(proxy):
    """The directory is named "p%41": decoding its URI twice would look for "pA"."""
    assert get(proxy, "/p%2541/").text == "percent index"
    assert get(proxy, "/%252e%252e/secret.txt").text == "spa"


@pytest.mark.usher_only("nginx serves what climbs out of the root by an argument")
@pytest.mark.parametrize("target", [
    "/argument/?f=../a.txt", "/argument/?f=../../secret.txt", "/argument/?f=x/../../a.txt",
    "/index/?i=../a.txt",
])
def test_arguments_do_not_climb_out_of_the_root(proxy, target):
    r = get(proxy, target)
    assert r.status == 403
    proxy.wait_log(r"\[error\] .*leaves its root")
