"""open_file_cache, disable_symlinks, limit_rate: how files are opened and how fast they leave."""
import os
import shutil
import subprocess
import time

import pytest

from client import connect, get
from origin import reply
from wait import until

FILES = {"html/a.txt": "one", "html/dir/index.html": "index", "html/dir/b.txt": "b"}


def cached(parameters="max=100", more=""):
    return ("server { listen 127.0.0.1:%%PORT%%; root html; open_file_cache " + parameters + "; " + more + "}")


def replace(proxy, name, text):
    """As an editor does: a new file takes the name."""
    proxy.write(name + ".new", text)
    os.rename(proxy.prefix / (name + ".new"), proxy.prefix / name)


@pytest.mark.one_thread
def test_a_cached_file_is_served_as_it_was(usher):
    proxy = usher(cached())
    proxy.write("html/a.txt", "one")
    assert get(proxy, "/a.txt").text == "one"
    replace(proxy, "html/a.txt", "second")
    assert get(proxy, "/a.txt").text == "one"
    proxy.reload()
    assert get(proxy, "/a.txt").text == "second"


@pytest.mark.one_thread
def test_what_is_not_valid_any_more_is_looked_at_again(usher):
    proxy = usher(cached(more="open_file_cache_valid 0;"), files=FILES)
    assert get(proxy, "/a.txt").text == "one"
    replace(proxy, "html/a.txt", "second")
    assert get(proxy, "/a.txt").text == "second"
    os.unlink(proxy.prefix / "html/a.txt")
    assert get(proxy, "/a.txt").status == 404
    replace(proxy, "html/a.txt", "third")
    assert get(proxy, "/a.txt").text == "third"


@pytest.mark.one_thread
def test_errors_are_cached_when_asked_for(usher):
    proxy = usher(cached(more="location /e/ { open_file_cache_errors on; }"), files=FILES)
    assert get(proxy, "/late").status == 404 and get(proxy, "/e/late").status == 404
    proxy.write("html/late", "late")
    proxy.write("html/e/late", "late")
    assert get(proxy, "/late").text == "late"
    assert get(proxy, "/e/late").status == 404


@pytest.mark.one_thread
def test_a_file_below_min_uses_is_not_kept(usher):
    proxy = usher(cached(more="open_file_cache_min_uses 3;"), files=FILES)
    for text in ("one", "two", "three"):
        replace(proxy, "html/a.txt", text)
        assert get(proxy, "/a.txt").text == text
    replace(proxy, "html/a.txt", "four")
    assert get(proxy, "/a.txt").text == "three"


@pytest.mark.one_thread
def test_a_full_cache_forgets_what_was_used_least_recently(usher):
    proxy = usher(cached("max=2"), files={f"html/{n}": "old" for n in "abc"})
    for name in "abca"[:3]:
        assert get(proxy, f"/{name}").text == "old"
    for name in "abc":
        replace(proxy, f"html/{name}", "new")
    assert [get(proxy, f"/{name}").text for name in "cba"] == ["old", "old", "new"]


@pytest.mark.one_thread
def test_index_and_try_files_and_directories_use_it(usher):
    proxy = usher(cached(more="location /t/ { try_files /dir/b.txt =404; }"), files=FILES)
    assert get(proxy, "/dir/").text == "index" and get(proxy, "/t/x").text == "b"
    assert get(proxy, "/dir").status == 301
    shutil.rmtree(proxy.prefix / "html/dir")
    assert get(proxy, "/dir/").text == "index" and get(proxy, "/t/x").text == "b"
    assert get(proxy, "/dir").status == 301


@pytest.mark.one_thread
def test_a_response_under_way_keeps_a_file_that_leaves_the_cache(usher):
    size = 8 << 20
    proxy = usher(cached("max=1"), files={"html/big": b"x" * size, "html/a.txt": "one"})
    assert get(proxy, "/big").status == 200
    with connect(proxy, rcvbuf=4096) as c:
        c.request("/big")
        head = c.recv_head()
        assert get(proxy, "/a.txt").text == "one"
        os.unlink(proxy.prefix / "html/big")
        assert len(c.recv_exact(int(head.get("Content-Length")))) == size
    assert get(proxy, "/big").status == 404


def workers(proxy):
    return [int(p) for p in subprocess.run(["pgrep", "-P", str(proxy.pid)], capture_output=True, text=True).stdout.split()]


@pytest.mark.usher_only("counts usher's own descriptors")
@pytest.mark.one_thread
def test_descriptors_stay_open_and_go_with_their_snapshot(usher):
    proxy = usher(cached(), files={f"html/f{n}": "x" for n in range(20)})

    def opened():
        found = []
        for pid in workers(proxy) or [proxy.pid]:
            for fd in os.listdir(f"/proc/{pid}/fd"):
                try:
                    found.append(os.readlink(f"/proc/{pid}/fd/{fd}"))
                except OSError:
                    pass
        return sum("/html/f" in f for f in found)
    for _ in range(2):
        for n in range(20):
            get(proxy, f"/f{n}")
    assert opened() == 20
    proxy.reload(cached("off"))
    get(proxy, "/f1")
    until(lambda: opened() == 0, "descriptors of the old snapshot to be closed")


LINKS = """
server {
    listen 127.0.0.1:%%PORT%%; root html;
    location /on/ { alias %%PREFIX%%/html/; disable_symlinks on; autoindex on; }
    location /from/ { alias %%PREFIX%%/link/; disable_symlinks on from=%%PREFIX%%/link; }
    location /other/ { alias %%PREFIX%%/link/; disable_symlinks on from=%%PREFIX%%/lin; }
    location /root/ { root %%PREFIX%%/link; disable_symlinks on from=$document_root; }
    location /owner/ { alias %%PREFIX%%/html/; disable_symlinks if_not_owner; }
    location /try/ { alias %%PREFIX%%/html/; disable_symlinks on; try_files /link.txt /a.txt =404; }
    location /cached/ { alias %%PREFIX%%/html/; disable_symlinks on; open_file_cache max=10; }
    location /exact { alias %%PREFIX%%/html/link.txt; disable_symlinks on; }
    location /idx/ { alias %%PREFIX%%/html/dir/; index link.html index.html; disable_symlinks on; }
    location / { open_file_cache max=10; }
}
"""


@pytest.fixture
def links(usher):
    def link(target, name):
        os.symlink(target, proxy.prefix / name)
    proxy = usher(LINKS, files=FILES | {"html/root/x": "x"}, start=False)
    link("a.txt", "html/link.txt")
    link("dir", "html/linkdir")
    link("html", "link")
    link("index.html", "html/dir/link.html")
    link("/etc/hostname", "html/system")
    link("nowhere", "html/dangling")
    if os.geteuid() == 0:  # a link that is another's than its target
        link("dir", "html/stolen")
        for name in ("link.txt", "stolen"):
            os.lchown(proxy.prefix / "html" / name, 12345, 12345)
    return proxy.start()


@pytest.mark.parametrize("target, status", [
    ("/link.txt", 200), ("/linkdir/b.txt", 200), ("/on/a.txt", 200), ("/on/dir/b.txt", 200),
    ("/on/link.txt", 403), ("/on/linkdir/b.txt", 404), ("/on/linkdir/", 404), ("/on/dangling", 403), ("/on/none", 404),
    ("/on/dir", 301), ("/on/linkdir", 403), ("/on/a.txt/x", 404), ("/on/dir/", 200),
    ("/from/a.txt", 200), ("/from/link.txt", 403), ("/other/a.txt", 404), ("/root/x", 200),
    ("/owner/linkdir/b.txt", 200), ("/owner/link.txt", 403), ("/owner/stolen/b.txt", 403), ("/owner/a.txt", 200), ("/owner/dangling", 404),
    ("/try/x", 200), ("/cached/link.txt", 403), ("/cached/a.txt", 200), ("/exact", 403), ("/idx/", 403),
])
def test_disable_symlinks(links, target, status):
    if target.startswith(("/owner/link.txt", "/owner/stolen")) and os.geteuid() != 0:
        pytest.skip("needs root, to make another's link")
    for _ in range(2):
        assert get(links, target).status == status


def test_the_log_names_the_link(links):
    assert get(links, "/on/link.txt").status == 403
    links.wait_log(r'\[error\] .*open\w*\(\) ".*/html/link\.txt" failed \(40: Too many levels of symbolic links\)')


@pytest.mark.parametrize("text, message", [
    ("open_file_cache inactive=20s;", '"open_file_cache" must have the "max" parameter'),
    ("open_file_cache max=x;", 'invalid "open_file_cache" parameter "max=x"'),
    ("open_file_cache max=0;", 'invalid "open_file_cache" parameter "max=0"'),
    ("open_file_cache max=1 inactive=1z;", 'invalid "open_file_cache" parameter "inactive=1z"'),
    ("open_file_cache on;", 'invalid "open_file_cache" parameter "on"'),
    ("open_file_cache_valid x;", '"open_file_cache_valid" directive invalid value'),
    ("open_file_cache_errors maybe;", 'invalid value "maybe" in "open_file_cache_errors" directive, it must be "on" or "off"'),
    ("disable_symlinks maybe;", 'invalid parameter "maybe"'),
    ("disable_symlinks on form=/x;", 'invalid parameter "form=/x"'),
    ("disable_symlinks from=/x;", '"disable_symlinks" must have "off", "on" or "if_not_owner" parameter'),
    ("limit_rate x;", '"limit_rate" directive invalid value'),
    ("limit_rate_after 1y;", '"limit_rate_after" directive invalid value'),
    ("disable_symlinks off from=/x;", '"from=" cannot be used with "off" parameter'),
    ("disable_symlinks on on;", 'duplicate parameters "on on"'), ("output_buffers 2 x;", '"output_buffers" directive invalid value'),
    ("client_body_temp_path /tmp x;", '"client_body_temp_path" directive invalid value'), ("client_body_in_file_only maybe;", 'invalid value "maybe"'),
    ("error_page = /a;", 'invalid value "="'), ("aio maybe;", '"aio" directive invalid value'), ("postpone_output x;", '"postpone_output" directive invalid value'),
    ("limit_rate;", 'invalid number of arguments in "limit_rate" directive'),
    ("location / { limit_except GOT { } }", 'invalid method "GOT"'),
    ("location / { limit_except GET { return 200; } }", '"return" directive is not allowed here'),
    ("location / { limit_except GET { } limit_except POST { } }", '"limit_except" directive is duplicate'),
    ("location / { limit_except { } }", 'invalid number of arguments in "limit_except" directive'),
    ("limit_except GET { }", '"limit_except" directive is not allowed here'),
    ("location / { empty_gif on; }", 'invalid number of arguments in "empty_gif" directive'),
    ("empty_gif;", '"empty_gif" directive is not allowed here'),
    ("autoindex_format text;", 'invalid value "text"'),
    ("autoindex yes;", 'invalid value "yes" in "autoindex" directive, it must be "on" or "off"'),
    ("random_index on;", '"random_index" directive is not allowed here'),
])
def test_what_is_wrong_is_said_in_nginx_s_words(usher, text, message):
    proxy = usher("server { listen 127.0.0.1:%%PORT%%; " + text + " }", start=False)
    done = proxy.run("-t")
    assert done.returncode == 1 and message in done.stderr


def test_limit_rate(usher):
    proxy = usher("""server { listen 127.0.0.1:%%PORT%%; root html;
        location /slow/ { alias %%PREFIX%%/html/; limit_rate 4k; }
        location /after/ { alias %%PREFIX%%/html/; limit_rate $arg_r; limit_rate_after 6k; }
        location /free/ { alias %%PREFIX%%/html/; limit_rate 4k; set $limit_rate 0; } }""",
                  files={"html/f": b"x" * 6144})

    def seconds(target):
        began = time.monotonic()
        assert len(get(proxy, target).body) == 6144
        return time.monotonic() - began
    assert seconds("/slow/f") > 0.4
    for target in ("/after/f?r=4k", "/after/f", "/free/f"):
        until(lambda: seconds(target) < 0.4, f"{target} unhindered")


BODIES = """
server {
    listen 127.0.0.1:%%PORT%%; root html; client_body_temp_path tmp/bodies 1 2;
    location /on { client_body_in_file_only on; proxy_pass http://%%O%%; proxy_set_header X-File $request_body_file; }
    location /clean { client_body_in_file_only clean; proxy_pass http://%%O%%; proxy_set_header X-File $request_body_file; }
    location /name { client_body_in_file_only on; proxy_pass http://%%O%%; proxy_pass_request_body off; proxy_set_header X-File $request_body_file;
                     proxy_set_header Content-Length ""; }
    location /memory { proxy_pass http://%%O%%; proxy_set_header X-File $request_body_file; }
}
"""


@pytest.fixture
def bodies(usher, origin):
    seen = []

    def answer(conn, request):
        path = dict((k.lower(), v) for k, v in request.headers).get("x-file", "")
        seen.append((path, request.body, open(path, "rb").read() if path else None))
        return reply("ok")
    proxy = usher(BODIES, O=origin(answer), start=False)
    (proxy.prefix / "tmp").chmod(0o777)
    proxy.start()
    proxy.seen = seen
    return proxy


@pytest.mark.parametrize("target, stays", [("/on", True), ("/clean", False), ("/name", True)])
def test_a_request_body_in_a_file(bodies, target, stays):
    for body in (b"12345", b"x" * 100_000):
        assert get(bodies, target, method="POST", body=body).text == "ok"
        path, passed, read = bodies.seen[-1]
        assert read == body and passed == (b"" if target == "/name" else body)
        assert path.startswith(str(bodies.prefix / "tmp/bodies"))
        until(lambda: os.path.exists(path) == stays, "the file to go or stay")
        if stays:
            assert os.stat(path).st_mode & 0o777 == 0o600
    assert len({path for path, _, _ in bodies.seen}) == 2


def test_a_request_body_in_memory_has_no_file(bodies):
    assert get(bodies, "/memory", method="POST", body=b"12345").text == "ok"
    assert bodies.seen == [("", b"12345", None)]
    assert get(bodies, "/on").text == "ok"
    assert bodies.seen[-1] == ("", b"", None)


@pytest.mark.usher_only("a text is of nginx's paid edition")
@pytest.mark.parametrize("words, field, page", [
    ("'me/1'", "me/1", "<center>me/1</center>"), ("$host", "localhost", "<center>localhost</center>"), ('""', None, "<center></center>"),
    ("off", "usher", "<center>usher</center>")])
def test_server_tokens(usher, words, field, page):
    r = get(usher("server_tokens %s; server { listen 127.0.0.1:%%%%PORT%%%%; return 404; }" % words))
    assert r.get("Server") == field and page in r.text
