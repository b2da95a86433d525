"""allow, deny, satisfy, auth_basic: who may come in."""
import base64
import subprocess

import pytest


@pytest.fixture
def agree(agree):
    """Files are as old as the test: their date is not looked at."""
    return lambda conf, requests, **kw: agree(conf, requests, inexact=("last-modified",), **kw)


def server(body, http=""):
    return http + " server { listen 127.0.0.1:%%PORT%%; listen [::1]:%%PORT%%; server_name localhost; " + body + " }"


FILES = {"html/file": "file\n", "html/in/file": "inner\n", "html/index.html": "index\n", "html/403": "page\n"}

RULES = [
    "deny all;",
    "allow all;",
    "deny 127.0.0.1;",
    "allow 127.0.0.1; deny all;",
    "deny all; allow 127.0.0.1;",
    "deny 127.0.0.0/8;",
    "deny 126.0.0.0/8; deny 128.0.0.0/1;",
    "allow 127.0.0.2; deny 127.0.0.0/8;",
    "deny 127.0.0.1/8; allow all;",
    "deny 0.0.0.0/0;",
    "deny ::/0;",
    "deny ::1; deny unix:;",
    "allow ::/0; deny all;",
    "deny unix:;",
    "deny 127.000.000.001;",
    "allow 10.0.0.0/8; allow 192.168.0.0/16; allow 127.0.0.1; deny all;",
    "".join(f"allow 10.{i}.0.0/16;" for i in range(20)) + "deny 127.0.0.0/8; allow 127.0.0.1;",
    "".join(f"deny 10.{i}.0.0/16;" for i in range(20)) + "allow 127.0.0.1; deny 127.0.0.0/8; deny all;",
    "".join(f"deny 10.{i}.0.0/16;" for i in range(9)) + "deny ::1;" + "".join(f"deny 11.{i}.0.0/16;" for i in range(9)),
    "".join(f"deny 10.{i}.0.0/16;" for i in range(9)) + "allow all;" + "deny 127.0.0.1;" * 9,
]


@pytest.mark.parametrize("rules", RULES, ids=range(len(RULES)))
def test_the_first_rule_that_matches_counts(agree, rules):
    agree(server(f"location / {{ {rules} }} location = /return {{ {rules} return 200 x; }}"), ["/file", "HEAD /file", "/return", "/none"],
          files=FILES)


PLACES = [
    "deny all; location / { } location /in/ { allow all; }",
    "location / { deny all; location /in/ { allow 127.0.0.1; } }",
    "location / { allow all; deny all; } location /in/ { deny all; }",
    "location / { limit_except GET { deny all; } }",
    "location / { limit_except POST { deny 127.0.0.1; } proxy_pass http://%%BACKEND%%; }",
    "location / { deny all; limit_except GET { allow all; } proxy_pass http://%%BACKEND%%; }",
    "location / { deny all; error_page 403 /403; } location = /403 { allow all; }",
    "location / { deny all; error_page 403 /403; } location = /403 { deny all; }",
    "location / { deny all; error_page 403 =200 @ok; } location @ok { return 200 named; }",
    "location / { deny all; error_page 403 @ok; } location @ok { deny all; }",
    "location / { try_files /in/file =404; deny all; }",
    "location / { deny all; if ($arg_a) { return 204; } }",
    "location / { allow all; if ($arg_a) { set $x 1; } } location /in/ { deny all; if ($arg_a) { set $x 1; } }",
    "location / { deny all; add_header X-A a always; }",
    "location / { deny all; proxy_pass http://%%BACKEND%%; }",
    "location / { satisfy any; deny all; }",
    "location / { satisfy any; allow all; }",
    "location / { satisfy any; deny 1.2.3.4; }",
]


@pytest.mark.parametrize("body", PLACES, ids=range(len(PLACES)))
def test_rules_where_they_stand(agree, body):
    agree(server(body, "allow 127.0.0.1; deny all;"), ["/file", "/in/file", "POST /file\nContent-Length: 0", "/file?a=1", "/in/file?a=1"],
          files=FILES)


def test_unix_clients_are_neither_ipv4_nor_ipv6(agree):
    agree("server { listen unix:%%PREFIX%%/s; location / { deny 127.0.0.1; deny ::/0; return 204; } "
          "location /un { deny unix:; proxy_pass http://%%BACKEND%%; } location /all { deny all; proxy_pass http://%%BACKEND%%; } "
          "location /v4 { deny 0.0.0.0/0; proxy_pass http://%%BACKEND%%; } }"
          + server("location / { proxy_pass http://unix:%%PREFIX%%/s; }"), ["/", "/un", "/all", "/v4"])


def hashed(*args):
    return subprocess.run(["openssl", "passwd", *args], capture_output=True, text=True, check=True).stdout.strip()


USERS = "\n".join([
    "# a comment", "plain:{PLAIN}secret", "sha:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
    "ssha:{SSHA}" + base64.b64encode(__import__("hashlib").sha1(b"secretsalt").digest() + b"salt").decode(),
    "apr:$apr1$abcdefgh$" + hashed("-apr1", "-salt", "abcdefgh", "secret").split("$")[-1],
    "md5:" + hashed("-1", "-salt", "abcdefgh", "secret"),
    "sha5:" + hashed("-5", "-salt", "abcdefgh", "secret"),
    "sha6:" + hashed("-6", "-salt", "abcdefgh", "secret"),
    "bcrypt:$2y$05$abcdefghijklmnopqrstuuqOHlL4P6jQHJOiLYvnjRLTtNz6bXfBa",
    "trailing:{PLAIN}secret:comment", "plain:{PLAIN}second", "nocolon", ":{PLAIN}secret", "empty:", "unknown:{FOO}secret", "star:*",
    "badsha:{SHA}!!!", "shortssha:{SSHA}AAAA", "spaces: {PLAIN}secret", "crlf:{PLAIN}secret\r", "none:{PLAIN}", "last:{PLAIN}secret"])

NAMES = [line.partition(":")[0] for line in USERS.split("\n") if ":" in line] + ["nocolon", "nobody", "# a comment"]


def basic(text):
    return "Authorization: Basic " + base64.b64encode(text.encode()).decode()


AUTH = server("location / { auth_basic closed; auth_basic_user_file users; }")


@pytest.mark.parametrize("password", ["secret", "second", "", "secret:x", "secret "], ids=range(5))
def test_passwords_as_they_are_stored(agree, password):
    agree(AUTH, [f"/file\n{basic(f'{name}:{password}')}" for name in dict.fromkeys(NAMES)], files=dict(FILES, users=USERS))


FIELDS = ["", "Authorization: Basic", "Authorization: Basic ", "Authorization: Basic !!!", "Authorization: Bearer x",
          "Authorization: basic cGxhaW46c2VjcmV0", "Authorization: Basic   cGxhaW46c2VjcmV0", "Authorization: BasiccGxhaW46c2VjcmV0",
          "Authorization: Basic cGxhaW46c2VjcmV0==", "Authorization: Basic cGxhaW4=", "Authorization: Basic OnNlY3JldA==",
          "Authorization: Basic cGxhaW46c2VjcmV0 x", "Authorization: Basic cGxhaW46c2VjcmV",
          "Authorization: Basic cGxhaW46c2Vj-_V0", "Authorization: Basic cGxhaW46c2VjcmV0\nAuthorization: Basic cGxhaW46"]


@pytest.mark.parametrize("field", FIELDS, ids=range(len(FIELDS)))
def test_credentials_as_they_are_sent(agree, field):
    agree(server("location / { auth_basic closed; auth_basic_user_file users; } location = /user { return 200 \"[$remote_user]\"; }"),
          ["/file\n" + field, "/user\n" + field], files=dict(FILES, users=USERS))


REALMS = ["off", "closed", '""', "'a \"b\" c'", "$arg_r", '"x $arg_r"', "OFF"]


@pytest.mark.parametrize("realm", REALMS, ids=range(len(REALMS)))
def test_realms(agree, realm):
    agree(server(f"location / {{ auth_basic {realm}; auth_basic_user_file users; }}"), ["/file", "/file?r=off", "/file?r=b", f"/file?r=b\n{basic('plain:secret')}"],
          files=dict(FILES, users=USERS))


BASIC_PLACES = [
    "location / { auth_basic x; auth_basic_user_file none; }",
    "location / { auth_basic x; auth_basic_user_file html; }",
    "location / { auth_basic x; auth_basic_user_file %%PREFIX%%/$arg_f; }",
    "location / { auth_basic x; auth_basic_user_file $arg_f; }",
    "location / { auth_basic x; auth_basic_user_file users/below; }",
    "location / { auth_basic x; }",
    "location / { auth_basic_user_file users; }",
    "auth_basic x; auth_basic_user_file users; location / { } location /in/ { auth_basic off; }",
    "auth_basic_user_file users; location / { auth_basic a; } location /in/ { auth_basic b; auth_basic_user_file empty; }",
    "location / { limit_except GET { auth_basic x; auth_basic_user_file users; } proxy_pass http://%%BACKEND%%; }",
    "location / { auth_basic x; auth_basic_user_file users; error_page 401 /403; } location = /403 { }",
    "location / { auth_basic x; auth_basic_user_file users; error_page 401 =200 @n; } location @n { return 200 \"named $remote_user\"; }",
    "location / { auth_basic x; auth_basic_user_file users; add_header X-User \"[$remote_user]\" always; }",
    "location / { auth_basic x; auth_basic_user_file users; proxy_pass http://%%BACKEND%%; }",
    "location / { auth_basic x; auth_basic_user_file users; return 200 early; }",
    "location / { auth_basic x; auth_basic_user_file users; deny all; }",
    "location / { auth_basic x; auth_basic_user_file users; auth_delay 10ms; }",
    "location / { auth_basic x; auth_basic_user_file users; try_files $uri @n; } location @n { return 200 \"named $remote_user\"; }",
]


@pytest.mark.parametrize("body", BASIC_PLACES, ids=range(len(BASIC_PLACES)))
def test_passwords_where_they_are_asked_for(agree, body):
    good, bad = basic("plain:secret"), basic("plain:wrong")
    agree(server(body), ["/file", f"/file\n{good}", f"/file\n{bad}", f"/in/file?f=users\n{good}", f"POST /file\nContent-Length: 0\n{good}",
                         f"HEAD /file\n{bad}", "/in/file"], files=dict(FILES, users=USERS, empty=""))


ALLOW, DENY, NEITHER = "allow 127.0.0.1;", "deny all;", "deny 1.2.3.4;"
YES, NO, LATER = "auth_request /yes;", "auth_request /no;", "auth_request /later;"
LOGIN = "auth_basic closed; auth_basic_user_file users;"
COMBINED = [(rules, login, ask) for rules in ("", ALLOW, DENY, NEITHER) for login in ("", LOGIN) for ask in ("", YES, NO, LATER)]
ASKED = ("location = /yes { return 204; } location = /no { return 403; } "
         "location = /later { add_header WWW-Authenticate 'Bearer x' always; return 401; } location = /bad { return 500; }")


@pytest.mark.parametrize("satisfy", ["all", "any"])
def test_satisfy(agree, satisfy):
    body = "".join(f"location /{i}/ {{ alias %%PREFIX%%/html/; satisfy {satisfy}; {rules} {login} {ask} }}" for i, (rules, login, ask) in enumerate(COMBINED))
    agree(server(body + ASKED), [f"/{i}/file\n{field}" for i in range(len(COMBINED)) for field in ("", basic("plain:secret"), basic("plain:wrong"))],
          files=dict(FILES, users=USERS))


def test_satisfy_is_inherited_and_errors_are_errors(agree):
    agree(server("satisfy any; deny all; location / { auth_basic x; auth_basic_user_file users; } location /in/ { satisfy all; } "
                 "location /bad/ { auth_request /bad; } location /badfile/ { auth_basic x; auth_basic_user_file html; auth_request /yes; } "
                 "location /page/ { error_page 403 /403; } location = /403 { allow all; }" + ASKED),
          ["/file", f"/file\n{basic('plain:secret')}", "/in/file", "/bad/file", f"/badfile/file\n{basic('a:b')}", "/page/file"],
          files=dict(FILES, users=USERS))
