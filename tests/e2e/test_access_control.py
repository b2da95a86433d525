"""allow, deny, geo, auth_basic, satisfy: what nginx has no words for, and its words for what is wrong."""
import base64
import os
import re
import subprocess
import time

import pytest

from client import connect, get
from proxy import until
from test_configuration import check, first


def basic(text):
    return [("Authorization", "Basic " + base64.b64encode(text.encode("latin-1")).decode())]


def site(body, http=""):
    return http + " server { listen 127.0.0.1:%%PORT%%; server_name localhost; root html; " + body + " }"


# --- rules ---

@pytest.mark.usher_only("a list in a file is ours")
def test_prefixes_from_a_file(usher):
    p = usher(site("location /a { deny file=list; return 204; } location / { allow 127.0.0.1; deny file=list; } "
                   "location /in/ { allow file=other; deny all; } location /first/ { deny file=list; allow all; }"),
              files={"list": "# all of it\n10.0.0.0/8\n\n127.0.0.0/8 # here\r\n2001:db8::/32\n", "other": "::1\n127.0.0.1",
                     "html/file": "x", "html/in/file": "x", "html/first/file": "x"})
    assert [get(p, t).status for t in ("/a", "/file", "/in/file", "/first/file")] == [204, 200, 200, 403]
    assert "access forbidden by rule, client: 127.0.0.1" in p.error_log()


def replace(proxy, name, data):
    new = proxy.write(name + ".new", data)
    new.rename(proxy.prefix / name)


@pytest.mark.usher_only("a list in a file is ours")
def test_a_list_is_read_at_reload_and_a_broken_one_changes_nothing(usher):
    text = site("location / { deny file=list; }")
    p = usher(text, files={"list": "127.0.0.1\n", "html/file": "x"},
              may_log=r"invalid network in|open\(\)")
    assert get(p, "/file").status == 403
    replace(p, "list", "127.0.0.2\n")
    p.reload()
    assert get(p, "/file").status == 200
    replace(p, "list", "127.0.0.1\nnonsense\n")
    p.reload()
    p.wait_log(r"invalid network in \S+/list:2 in ")
    assert get(p, "/file").status == 200
    os.unlink(p.prefix / "list")
    p.reload()
    p.wait_log(r'open\(\) "\S+/list" failed \(2: No such file or directory\)')
    assert get(p, "/file").status == 200


@pytest.mark.usher_only("a list in a file is ours")
def test_a_watched_list_is_taken_up_by_itself(usher):
    p = usher(site("location / { access_file_watch on; deny file=list; }"), files={"list": "127.0.0.2\n", "html/file": "x"},
              may_log="invalid network in|are broken")
    assert get(p, "/file").status == 200
    replace(p, "list", "127.0.0.1\n")
    until(lambda: get(p, "/file").status == 403, "the new list")
    replace(p, "list", "nonsense\n")
    p.wait_log("invalid network in")
    assert get(p, "/file").status == 403


# --- passwords ---

USERS = "plain:{PLAIN}secret\nslow:%s\nzero:{PLAIN}a\n"


def stored(password, kind="-6"):
    return subprocess.run(["openssl", "passwd", kind, password], capture_output=True, text=True, check=True).stdout.strip()


LOGIN = "auth_basic x; auth_basic_user_file users;"


@pytest.mark.parametrize("cache", ["", "auth_basic_cache off;"])
def test_a_changed_password_counts_at_once(usher, cache):
    if cache and "nginx" in os.environ.get("USHER_BIN", ""):
        pytest.skip("auth_basic_cache is ours")
    p = usher(site(f"location / {{ {LOGIN} {cache} }}"), files={"users": USERS % stored("one"), "html/file": "x"})
    for password in ("one", "two", "one"):
        p.write("users", USERS % stored(password))
        answers = [get(p, "/file", headers=basic(f"slow:{w}")).status for w in ("one", "two", "one", "two")]
        assert answers == [200 if w == password else 401 for w in ("one", "two", "one", "two")]


def test_words_of_the_error_log(usher):
    p = usher(site(f"location / {{ {LOGIN} }} location /none {{ auth_basic x; auth_basic_user_file none; }} "
                   "location /any { satisfy any; deny all; }"), files={"users": USERS % "", "html/file": "x"})
    for target, headers in (("/file", []), ("/file", basic("plain:x")), ("/file", basic("nobody:x")), ("/none", basic("a:b")), ("/any", [])):
        get(p, target, headers=headers)
    tail = r", client: 127\.0\.0\.1, server: localhost, request: \"GET "
    for line in (r"\[info\] .* no user/password was provided for basic authentication", r'\[error\] .* user "plain": password mismatch',
                 r'\[error\] .* user "nobody" was not found in "\S+/users"', r'\[error\] .* open\(\) "\S+/none" failed \(2: No such file or directory\)',
                 r"\[error\] .* access forbidden by rule"):
        assert re.search(line + tail, p.error_log()), line


@pytest.mark.usher_only("nginx compares what is before the zero byte")
def test_a_zero_byte_is_part_of_a_password(usher):
    p = usher(site(f"location / {{ {LOGIN} }}"), files={"users": USERS % stored("a"), "html/file": "x"})
    assert [get(p, "/file", headers=basic(f"{user}:a{more}")).status for user in ("zero", "slow") for more in ("", "\0", "\0b")] == [200, 401, 401] * 2


def test_many_with_a_slow_password_at_once(usher):
    p = usher(site(f"location / {{ {LOGIN} }}"), files={"users": USERS % stored("one"), "html/file": "x"})
    clients = [connect(p) for _ in range(24)]
    for i, c in enumerate(clients):
        c.request("/file", headers=basic("slow:one" if i % 2 else "slow:two"))
    assert [c.recv_response().status for c in clients] == [401, 200] * 12


@pytest.mark.usher_only("nginx's workers would be processes")
def test_many_with_slow_passwords_on_several_threads(usher):
    p = usher(site(f"location / {{ {LOGIN} auth_basic_cache off; }}"), main="worker_processes 4;",
              files={"users": USERS % stored("one"), "html/file": "x"})
    clients = [connect(p) for _ in range(32)]
    for i, c in enumerate(clients):
        c.request("/file", headers=basic("slow:one" if i % 2 else f"slow:{i}"))
    assert [c.recv_response().status for c in clients] == [401, 200] * 16


def test_clients_that_leave_while_they_wait(usher):
    p = usher(site(f"location / {{ {LOGIN} auth_delay 1m; }}"), files={"users": USERS % stored("one"), "html/file": "x"})
    gone = [connect(p) for _ in range(4)]
    for c in gone:
        c.request("/file", headers=basic("slow:two"))
    p.wait_log("password mismatch")
    for c in gone:
        c.reset()
    assert get(p, "/file", headers=basic("slow:one")).status == 200
    until(lambda: sum(" 499 " in line for line in p.access_log()) == 4, "four that left")


def test_auth_delay_holds_a_refusal_back(usher):
    p = usher(site(f"location / {{ {LOGIN} auth_delay 300ms; }} location /any {{ satisfy any; deny all; {LOGIN} auth_delay 300ms; }} "
                   "location /403 { auth_delay 10m; deny all; }"), files={"users": USERS % "", "html/file": "x", "html/any": "x"})
    for target in ("/file", "/any"):
        begun = time.monotonic()
        assert get(p, target, headers=basic("plain:x")).status == 401
        assert time.monotonic() - begun >= 0.29
    assert get(p, "/403").status == 403
    assert get(p, "/any", headers=basic("plain:secret")).status == 200


# --- what is wrong with a text ---

HTTP = "events {} http { %s }"
WRONG = [
    ("deny bogus;", 'invalid parameter "bogus" in t.conf:1'),
    ("allow 10.0.0.0/33;", 'invalid parameter "10.0.0.0/33" in t.conf:1'),
    ('allow "";', 'invalid parameter "" in t.conf:1'),
    ("deny;", 'invalid number of arguments in "deny" directive in t.conf:1'),
    ("deny a b;", 'invalid number of arguments in "deny" directive in t.conf:1'),
    ("satisfy some;", 'invalid value "some" in t.conf:1'),
    ("satisfy all; satisfy any;", '"satisfy" directive is duplicate in t.conf:1'),
    ("auth_basic;", 'invalid number of arguments in "auth_basic" directive in t.conf:1'),
    ("auth_basic a; auth_basic b;", '"auth_basic" directive is duplicate in t.conf:1'),
    ("auth_basic_user_file a; auth_basic_user_file b;", '"auth_basic_user_file" directive is duplicate in t.conf:1'),
    ("auth_delay x;", '"auth_delay" directive invalid value in t.conf:1'),
    ("server { location / { if ($uri) { deny all; } } }", '"deny" directive is not allowed here in t.conf:1'),
    ("server { location / { if ($uri) { satisfy any; } } }", '"satisfy" directive is not allowed here in t.conf:1'),
    ("server { location / { limit_except GET { satisfy any; } } }", '"satisfy" directive is not allowed here in t.conf:1'),
    ("geo $g { 10.0.0.0/33 a; }", 'invalid network "10.0.0.0/33" in t.conf:1'),
    ("geo $g {\n bogus a;\n}", 'invalid network "bogus" in t.conf:2'),
    ("geo $g { delete bogus; }", 'invalid network "bogus" in t.conf:1'),
    ("geo $g { proxy unix:; }", 'invalid network "unix:" in t.conf:1'),
    ("geo $g { default a b; }", "invalid number of the geo parameters in t.conf:1"),
    ("geo $g { foo; }", "invalid number of the geo parameters in t.conf:1"),
    ("geo $g { 10.0.0.0/8 a; ranges; }", 'the "ranges" directive must be the first directive inside "geo" block in t.conf:1'),
    ("geo $g { ranges; 10.0.0.9-10.0.0.1 a; }", 'invalid range "10.0.0.9-10.0.0.1" in t.conf:1'),
    ("geo $g { ranges; 10.0.0.0/8 a; }", 'invalid range "10.0.0.0/8" in t.conf:1'),
    ("geo $g { ranges; ::1-::2 a; }", 'invalid range "::1-::2" in t.conf:1'),
    ("geo $g { ranges; 10.0.0.10-10.0.0.20 a; 10.0.0.0-10.0.0.255 b; }", 'range "10.0.0.0-10.0.0.255" overlaps "10.0.0.10-10.0.0.20" in t.conf:1'),
    ("geo $g { ranges; 10.0.0.0-10.0.0.9 a; 10.0.0.5-10.0.0.15 b; }", 'range "10.0.0.5-10.0.0.15" overlaps "10.0.0.0-10.0.0.9" in t.conf:1'),
    ("geo $g { ranges; include none; }", 'open() "none" failed (2: No such file or directory) in t.conf:1'),
    ("geo g { default 1; }", 'invalid variable name "g" in t.conf:1'),
    ("geo $a b { default 1; }", 'invalid variable name "b" in t.conf:1'),
    ("geo a $b { default 1; }", 'invalid variable name "a" in t.conf:1'),
    ("geo $a $b $c { default 1; }", 'invalid number of arguments in "geo" directive in t.conf:1'),
    ("geo $remote_addr { default 1; }", 'the duplicate "remote_addr" variable in t.conf:1'),
]


@pytest.mark.parametrize("text, line", WRONG, ids=[text.replace("\n", " ") for text, _ in WRONG])
def test_a_wrong_text_is_told_nginxs_line(tmp_path, text, line):
    code, lines = check(tmp_path, HTTP % text)
    assert (code, first(lines)) == (1, line)


WARNED = [
    ("deny 10.0.0.1/8;", "low address bits of 10.0.0.1/8 are meaningless in t.conf:1"),
    ("geo $g { 10.0.0.0/8 a; 10.0.0.0/8 b; }", 'duplicate network "10.0.0.0/8", value: "b", old value: "a" in t.conf:1'),
    ("geo $g { default a; ::/0 d; }", 'duplicate network "::/0", value: "d", old value: "a" in t.conf:1'),
    ("geo $g { delete 10.0.0.0/8; }", 'no network "10.0.0.0/8" to delete in t.conf:1'),
    ("geo $g { ranges; 1.0.0.0-1.0.0.1 x; 1.0.0.0-1.0.0.1 y; }", 'duplicate range "1.0.0.0-1.0.0.1", value: "y", old value: "x" in t.conf:1'),
    ("geo $g { ranges; delete 1.0.0.0-1.0.0.1; }", 'no address range "1.0.0.0-1.0.0.1" to delete in t.conf:1'),
    ("geo $g { ranges; default x; default y; }", 'duplicate default geo range value: "y", old value: "x" in t.conf:1'),
]


@pytest.mark.parametrize("text, line", WARNED, ids=[text for text, _ in WARNED])
def test_what_is_odd_is_warned_of_in_nginxs_words(tmp_path, text, line):
    code, lines = check(tmp_path, HTTP % text)
    assert code == 0 and any(re.sub(r"^.*\[warn\] (\d+#\d+: )?", "", each) == line for each in lines), lines


@pytest.mark.usher_only("ours")
def test_what_is_wrong_with_what_is_ours(tmp_path):
    (tmp_path / "list").write_text("10.0.0.0/8\n10.0.0.0/x\n")
    for text, line in (("deny file=list;", "invalid network in list:2 in t.conf:1"),
                       ("deny file=none;", 'open() "none" failed (2: No such file or directory) in t.conf:1'),
                       ("auth_basic_cache x;", '"auth_basic_cache" directive invalid value in t.conf:1'),
                       ("access_file_watch maybe;", 'invalid value "maybe" in "access_file_watch" directive, it must be "on" or "off" in t.conf:1')):
        code, lines = check(tmp_path, HTTP % text)
        assert (code, first(lines)) == (1, line)
