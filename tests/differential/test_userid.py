"""userid: cookies that come; those that are new are another one each time, and are looked at in tests/e2e."""
import pytest

COOKIE = "fwAAAWQAAAAAAAAAAgMDAw=="
SHOW = 'add_header X-Got "$uid_got"; return 200;'
COOKIES = [
    f"uid={COOKIE}", f"a=b; uid={COOKIE}; c=d", f"UID={COOKIE}", f"uid={COOKIE[:22]}", f"uid={COOKIE[:22]}garbage", f"uid={COOKIE[:22]}a=", f"uid={COOKIE[:22]}b=",
    f"uid={COOKIE[:22]}a", f"uid={COOKIE[:22]}A=", f"uid={COOKIE[:22]}==x", f"x=1\nCookie: uid={COOKIE}", f"uid={COOKIE}; uid=other", f"my={COOKIE}",
    "uid=/////////////////////w==",
]
NONE = ["uid=short", "uid=", "uid", f"uid={COOKIE[:21]}", f"uid=!{COOKIE[1:]}", f"uid={COOKIE[:5]}={COOKIE[6:]}", "x=y", "uid=AAAAAAAAAAAAAAAAAAAAAA==", f"xuid={COOKIE}"]
FORMS = [
    "userid on;", "userid v1;", "userid log;", "userid off;", "userid on; userid_mark a;", "userid on; userid_mark a; userid_p3p 'CP=\"X\"';",
    "userid on; userid_mark =;", "userid on; userid_mark a; userid_domain example.com; userid_path /p;", "userid on; userid_mark a; userid_expires max;",
    "userid on; userid_mark a; userid_flags secure;", "userid on; userid_mark a; userid_flags samesite=lax httponly secure;", "userid on; userid_name my;",
    "userid on; userid_mark a; userid_flags samesite=none;", "userid on; userid_mark Z; userid_service 7;", "userid v1; userid_mark 9; userid_p3p none;",
]


def server(body):
    return f"server {{ listen 127.0.0.1:%%PORT%%; server_name localhost; {body} }}"


def requests(cookies, path=""):
    return [f"/{path}\nCookie: {c}" for c in cookies]


def test_cookies_that_come(agree):
    agree(server("".join(f"location /{i}/ {{ {form} {SHOW} }}\n" for i, form in enumerate(FORMS) if "my" not in form)),
          [r for i, form in enumerate(FORMS) if "my" not in form for r in requests(COOKIES[:-2], f"{i}/")])


def test_another_name(agree):
    agree(server(f"userid on; userid_mark a; userid_name my; location / {{ {SHOW} }}"), requests([f"my={COOKIE}", f"uid={COOKIE}; my={COOKIE[:22]}a="]))


@pytest.mark.parametrize("form", ["userid on;", "userid log;", "userid v1; userid_mark a;"])
def test_what_is_none(agree, form):
    agree(server(f"{form} location / {{ {SHOW} }}"), requests(NONE) + ["/"], inexact=("set-cookie",))


def test_what_is_logged(agree):
    pair = agree("log_format u '[$uid_got][$uid_set]'; " + server("userid on; userid_mark a; access_log logs/u.log u; location / { return 204; }"), requests(COOKIES[:10]))
    logs = [p.access_log(10, "u.log") for p in pair]
    assert logs[0] == logs[1] and sum("uid=0100007F000000640000000003030302" in line for line in logs[0]) >= 10


def test_levels_and_statuses(agree):
    agree(server("userid on; userid_mark a; location / { return 404; } location /off { userid off; return 200; } location /e { error_page 500 /x; return 500; } "
                 "location /b { userid_mark b; return 302 /x; } location /p { proxy_pass http://%%BACKEND%%; }"),
          [r for path in ("", "off", "e", "b", "p") for r in requests(COOKIES[:6], path)])


def test_reset(agree):
    agree(server(f"userid on; location / {{ set $uid_reset $arg_r; {SHOW} }}"), requests(COOKIES[:6], "?r=0") + requests(COOKIES[:6]))
