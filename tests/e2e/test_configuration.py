"""What -t says of a wrong configuration: nginx's own lines, and usher's excerpts and hints.

The table was written from nginx's answers; run with USHER_BIN=/usr/sbin/nginx it holds there too.
"""
import re
import subprocess

import pytest

from proxy import BIN


def check(directory, text, *more):
    """Exit code and all lines of `-t` for a text."""
    file = directory / "t.conf"
    file.write_text(text)
    command = [BIN, "-t", "-p", str(directory), "-c", str(file), "-e", str(directory / "log"), *more]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    return done.returncode, done.stderr.replace(f"{directory}/", "").splitlines()


def first(lines):
    found = [re.sub(r"^\S+: \[emerg\] ", "", line) for line in lines if "[emerg]" in line]
    return found[0] if found else None


WRONG = [
    ("lisen 80;", 'unknown directive "lisen" in t.conf:1'),
    ("listen 80;", '"listen" directive is not allowed here in t.conf:1'),
    ("user;", 'invalid number of arguments in "user" directive in t.conf:1'),
    ("daemon off;\ndaemon on;\n", '"daemon" directive is duplicate in t.conf:2'),
    ("daemon maybe;", 'invalid value "maybe" in "daemon" directive, it must be "on" or "off" in t.conf:1'),
    ("daemon off", 'unexpected end of file, expecting ";" or "}" in t.conf:1'),
    ("daemon off\n\nevents {\n}\n", 'directive "daemon" is not terminated by ";" in t.conf:3'),
    ("daemon off }", 'unexpected "}" in t.conf:1'),
    ("}", 'unexpected "}" in t.conf:1'),
    (";", 'unexpected ";" in t.conf:1'),
    ("{ }", 'unexpected "{" in t.conf:1'),
    ("events;", 'directive "events" has no opening "{" in t.conf:1'),
    ("events {}\nhttp {\n server {\n", 'unexpected end of file, expecting "}" in t.conf:4'),
    ('user "abc;\n\n', 'unexpected end of file, expecting ";" or "}" in t.conf:3'),
    ('user "abc"def;\n', 'unexpected "d" in t.conf:1'),
    ("include nothere.conf;",
     'open() "nothere.conf" failed (2: No such file or directory) in t.conf:1'),
    ("events {} http { location / {} }", '"location" directive is not allowed here in t.conf:1'),
    ("events {} http { client_max_body_size\n1x; }",
     '"client_max_body_size" directive invalid value in t.conf:2'),
    ("events {} http { client_body_timeout 30m1h; }",
     '"client_body_timeout" directive invalid value in t.conf:1'),
    ("events {} http { keepalive_requests 1k; }",
     '"keepalive_requests" directive invalid number in t.conf:1'),
    ("events {} http { proxy_next_upstream zzz; }", 'invalid value "zzz" in t.conf:1'),
]


@pytest.mark.parametrize("text, line", WRONG, ids=[line for _, line in WRONG])
def test_a_wrong_text_is_told_nginxs_line(tmp_path, text, line):
    code, lines = check(tmp_path, text)
    assert (code, first(lines)) == (1, line)
    assert lines[-1].endswith("configuration file t.conf test failed")


def inside(line):
    return f"server {{\n listen 80;\n {line}\n}}\n"


SLIPS = [
    ("server { listen :8080; }", "for all addresses write the port alone: 8080"),
    ("server { listen http://0.0.0.0:80; }", "an address has neither scheme nor path"),
    ("server { listen ::1:80; }", "an IPv6 address stands in brackets: [::]:80"),
    ("server {\n listen 80\n server_name a.com;\n}\n", 'is ";" missing here?'),
    ("worker_processes 2\nserver { listen 80; }\n", 'is ";" missing here?'),
    (inside('location / { return 200 "x; }'), "this quote is never closed"),
    (inside('add_header A "b;\n add_header C "d";'), "the quote that ends here began in line 3"),
    (inside("add_header A \u201cb c\u201d;"), "typographic quotes are letters here: write \" or '"),
    (inside("return 200 \u2018x y\u2019;"), "typographic quotes are letters here: write \" or '"),
    (inside("rewrite ^/a$ /b \u2014last;"), "a dash is a letter here: write a hyphen"),
    ("server {\n\u00a0listen 80;\n}\n", "a no-break space is a letter here: write a blank"),
    (inside("location ~ ^/\\d{3}$ { }"), "a word with braces, such as a{3}, stands in quotes"),
    (inside("if($host = a) { return 403; }"), 'a blank belongs between "if" and "("'),
    (inside("if ($host = a) { return 403; } else { return 404; }"),
     "there is no else: a map chooses, or a second if"),
    (inside("location / { proxy_pass 127.0.0.1:3000; }"), "a URL belongs here: http://HOST:PORT"),
    ("// mine\nserver { listen 80; }\n", "a comment begins with #"),
    ("server { listen 80; };\n", "there is nothing that it could end"),
    ("# nothing\n", '"t.conf" holds no directive'),
    ("\x7fELF\0\0\n}{;\"", "the file is no text"),
]


@pytest.mark.usher_only("hints")
@pytest.mark.parametrize("text, hint", SLIPS, ids=[hint for _, hint in SLIPS])
def test_a_slip_is_told_once_and_how_to_mend_it(tmp_path, text, hint):
    code, lines = check(tmp_path, text)
    assert code == 1 and sum("[emerg]" in line for line in lines) == 1, lines
    assert lines[-2].endswith(hint), lines


@pytest.mark.usher_only("hints")
@pytest.mark.parametrize("form", ["utf-16-le", "utf-16-be"])
def test_a_file_in_utf_16_is_told_by_its_name(tmp_path, form):
    (tmp_path / "t.conf").write_bytes("\ufeffserver { listen 80; }\n".encode(form))
    done = subprocess.run([BIN, "-t", "-p", tmp_path, "-c", tmp_path / "t.conf"], capture_output=True, text=True)
    assert done.returncode == 1 and "UTF-16: save it as UTF-8" in done.stderr


@pytest.mark.usher_only("nginx reads on")
def test_a_huge_file_is_refused_unread(tmp_path):
    with open(tmp_path / "huge", "wb") as f:
        f.truncate(300 << 20)
    assert check(tmp_path, "include huge;")[1][0] == (
        'usher: [emerg] open() "huge" failed (27: File too large) in t.conf:1')


def test_a_right_text_is_told_so_and_binds_nothing(tmp_path):
    code, lines = check(tmp_path, "events {} http { server { listen 127.0.0.1:1; } }", "-g",
                        f"pid {tmp_path}/pid;")
    assert code == 0
    assert [line.split(": ", 1)[1] for line in lines] == [
        "the configuration file t.conf syntax is ok", "configuration file t.conf test is successful"]


def test_a_problem_of_the_command_line_has_no_line_number(tmp_path):
    code, lines = check(tmp_path, "events {}", "-g", "lisen 80;")
    assert (code, first(lines)) == (1, 'unknown directive "lisen" in command line')


@pytest.mark.usher_only("nginx stops at the first")
def test_all_problems_are_told_at_once_each_with_its_place(tmp_path):
    code, lines = check(tmp_path, "http {\n    lisen 80;\n    gzip_foo on;\n    perl_set $a b;\n}\n")
    assert code == 1
    assert sum("[emerg]" in line for line in lines) == 3
    assert lines[1:3] == ["    2 |     lisen 80;", '      |     ^^^^^ did you mean "listen"?']
    assert '"perl_set" of ngx_http_perl_module is not part of usher' in "\n".join(lines)


@pytest.mark.usher_only("nginx names the end of the file")
def test_an_unclosed_block_is_shown_where_it_was_opened(tmp_path):
    text = "http {\n  server {\n    location / {\n      root /srv;\n  }\n}\n"
    code, lines = check(tmp_path, text)
    assert code == 1
    assert lines[1] == "    3 |     location / {"
    assert '"location", opened in line 3, is never closed' in lines[2]


def test_ten_thousand_servers_load(tmp_path):
    server = "server {{ listen 127.0.0.1:1; server_name h{0}.test; location / {{ return 204; }} " \
             "location /a {{ root /srv/{0}; }} }}\n"
    text = "events {}\nhttp {\n" + "".join(server.format(i) for i in range(10_000)) + "}\n"
    assert check(tmp_path, text)[0] == 0


@pytest.mark.usher_only("nginx looks for a host of that name, and refuses to start")
def test_a_slip_in_a_groups_or_a_variables_name_is_told(tmp_path):
    text = """upstream web_servers { server 127.0.0.1:1; }
server {
    listen 127.0.0.1:1;
    location /   { proxy_pass http://web_server; }
    location /db { proxy_pass http://database; }
}
"""
    code, lines = check(tmp_path, text)
    assert code == 0 and sum("[warn]" in line for line in lines) == 1
    assert 'did you mean "web_servers"?' in lines[2]
    code, lines = check(tmp_path, "server { listen 127.0.0.1:1; return 200 $remote_adr; }")
    assert code == 1 and 'did you mean "$remote_addr"?' in "\n".join(lines)


@pytest.mark.usher_only("modules are files there")
def test_modules_that_are_built_in_are_not_missed(usher):
    loads = "".join(f"load_module modules/ngx_http_{m}_module.so;" for m in ("headers_more_filter", "geoip2", "echo"))
    p = usher("server { listen 127.0.0.1:%%PORT%%; more_set_headers 'X-A: b'; return 200; }", main=loads)
    assert p.stderr().count("is not loaded") == 1
    assert 'module "modules/ngx_http_echo_module.so" is not loaded: usher has no dynamic modules' in p.stderr()
