"""Server-side includes: what nginx makes of each page."""
import re

import pytest

import proxy
from conftest import NGINX, Seen
from origin import chunked, reply

CASES = [
    'a<!--# echo var="uri" -->b',
    'a<!--#echo var="uri"-->b',
    'a<!--#  echo  var = "uri"  -->b',
    "a<!--# echo var='uri' -->b",
    'a<!--# echo var=uri -->b',
    'a<!--# foo -->b',
    'a<!--# -->b',
    'a<!--#-->b',
    'a<!--# echo -->b',
    'a<!--# echo var="none" -->b',
    'a<!--# echo var="none" default="d" -->b',
    'a<!--# echo var="none" default="" -->b',
    'a<!--# echo var="uri" bar="x" -->b',
    'a<!--# echo var="uri',
    'a<!-',
    'a<!--#',
    'a<!--# echo var="uri" --',
    'a<!-- # echo -->b',
    'a<!<!--# echo var="uri" -->b',
    'a<!--<!--# echo var="uri" -->b',
    'a<!--# ECHO var="uri" -->b',
    'a<!--# echo VAR="uri" -->b',
    'a<!--# echo var="URI" -->b',
    'a<!--# echo var="args" -->|<!--# echo var="args" encoding="none" -->|<!--# echo var="args" encoding="url" -->|<!--# echo encoding="entity" var="args" -->|<!--# echo encoding="odd" var="args" -->|',
    '<!--# set var="x" value="1" --><!--# echo var="x" -->',
    '<!--# set var="x" value="$uri-${args}-$none-\\$y" --><!--# echo var="x" -->',
    '<!--# set var="X" value="1" --><!--# echo var="x" -->|<!--# set var="x" value="2" --><!--# echo var="X" -->',
    '<!--# if expr="$uri" -->yes<!--# else -->no<!--# endif -->',
    '<!--# if expr="$none" -->yes<!--# else -->no<!--# endif -->',
    '<!--# if expr="$uri = /p.html" -->yes<!--# else -->no<!--# endif -->',
    '<!--# if expr="$uri=/p.html" -->yes<!--# else -->no<!--# endif -->',
    '<!--# if expr="$uri != /p.html" -->yes<!--# else -->no<!--# endif -->',
    '<!--# if expr="$uri = /^.p\\.(.*)$/" -->yes<!--# echo var="1" --><!--# else -->no<!--# endif -->',
    '<!--# if expr="$uri != /x/" -->yes<!--# else -->no<!--# endif -->',
    '<!--# if expr="$uri = /^.(?<nm>p)/" -->yes<!--# echo var="nm" -->$nm<!--# endif -->',
    '<!--# if expr="$none" -->a<!--# elif expr="$uri" -->b<!--# elif expr="$uri" -->c<!--# else -->d<!--# endif -->',
    '<!--# if expr="$uri" -->a<!--# elif expr="$uri" -->b<!--# else -->d<!--# endif -->',
    '<!--# else -->x',
    '<!--# endif -->x',
    '<!--# elif expr="$uri" -->x',
    '<!--# if expr="$uri" -->a<!--# if expr="$none" -->b<!--# endif -->c<!--# endif -->d',
    '<!--# if expr="$none" -->a<!--# if expr="$uri" -->b<!--# endif -->c<!--# endif -->d',
    '<!--# if expr="$uri" -->a',
    '<!--# if expr="uri" -->a<!--# endif -->b',
    '<!--# if expr="" -->a<!--# endif -->b',
    '<!--# if expr="$uri ~ x" -->a<!--# endif -->b',
    '<!--# if expr="$uri = /(/" -->a<!--# endif -->b',
    '<!--# if -->a<!--# endif -->b',
    '<!--# config errmsg="ERR" -->x<!--# foo -->y',
    '<!--# config errmsg="ERR" --><!--# include virtual="/q.html" -->|<!--# foo -->',
    '<!--# include virtual="/q2.html" -->|<!--# foo -->',
    '<!--# config timefmt="%Y" --><!--# echo var="date_gmt" -->',
    '<!--# config timefmt="%s" odd="x" -->x',
    '<!--# config timefmt="%Z" --><!--# echo var="date_gmt" -->|<!--# echo var="date_local" -->',
    '<!--# set var="v" value="outer" --><!--# include virtual="/q4.html" -->|<!--# echo var="v" -->',
    '[<!--# include virtual="/inc.txt" -->]',
    '[<!--# include file="inc.txt" -->]',
    '[<!--# include file="/inc.txt" -->]',
    '[<!--# include virtual="inc.txt" -->]',
    '[<!--# include virtual="/none" -->]',
    '[<!--# include virtual="../x" -->]',
    '[<!--# include virtual="/a/../inc.txt" -->]',
    '[<!--# include file="../inc.txt" -->]',
    '[<!--# include virtual="" -->]',
    '[<!--# include virtual="/show?a=$arg_q" -->]',
    '[<!--# include virtual="/show?a=1&b=%20" -->]',
    '[<!--# include virtual="/sh%6fw" -->]',
    '[<!--# include virtual="/internal" -->]',
    '[<!--# include virtual="/inc.txt" file="inc.txt" -->]',
    '[<!--# include -->]',
    '[<!--# include virtual="/inc.txt#frag" -->]',
    '[<!--# include virtual="//inc.txt" -->]',
    '[<!--# include virtual="/%00" -->]',
    '[<!--# include virtual="http://x/" -->]',
    '<!--# block name="one" -->stub<!--# endblock -->[<!--# include virtual="/none" stub="one" -->]',
    '<!--# block name="one" -->stub<!--# echo var="uri" --><!--# endblock -->[<!--# include virtual="/empty" stub="one" -->][<!--# include virtual="/inc.txt" stub="one" -->]',
    '[<!--# include virtual="/empty" stub="none" -->]',
    '<!--# block name="one" -->x',
    '<!--# endblock -->x',
    '<!--# block name="a" -->x<!--# block name="b" -->y<!--# endblock -->z<!--# endblock -->w',
    '<!--# block -->x<!--# endblock -->y',
    '<!--# block name="one" -->stub<!--# endblock -->[<!--# include virtual="/e500" stub="one" -->][<!--# include virtual="/e204" stub="one" -->][<!--# include virtual="/refused" stub="one" -->]',
    '[<!--# include virtual="/inc.txt" wait="yes" -->][<!--# include virtual="/inc.txt" wait="odd" -->]',
    '[<!--# include virtual="/inc.txt" wait="no" -->]',
    '[<!--# include virtual="/inc.txt" set="z" -->]<!--# echo var="z" -->|',
    '[<!--# include virtual="/none" set="z" -->]<!--# echo var="z" -->|',
    '[<!--# include virtual="/up" set="z" -->]<!--# echo var="z" -->|',
    '[<!--# include virtual="/none" -->]<!--# echo var="uri" -->',
    '[<!--# include virtual="/self.html" -->]',
    '<!--# echo var="xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" -->b',
    '<!--# echo var="http_host" -->',
    '<!--# echo var="arg_q" -->',
    '<!--# echo var="cookie_z" -->',
    '<!--# echo var="request_method" -->',
    '<!--# printenv -->x',
    '<!--# flastmod file="x" -->',
    '<!--# exec cmd="ls" -->',
    '<!--# set var="x" -->a',
    '<!--# set value="x" -->a',
    '<!--# set var="a" value="1" --><!--# if expr="$a = $uri" -->y<!--# else -->n<!--# endif -->',
    '<!--# if expr="$a=$b" -->y<!--# else -->n<!--# endif -->',
    '<!--# if expr="$a=" -->y<!--# else -->n<!--# endif -->',
    '<!--# set var="uri" value="changed" --><!--# echo var="uri" -->',
    '<!--# set var="x" value="a\\"b\\\\c" --><!--# echo var="x" encoding="none" -->',
    '<!--# set var=\'x\' value=\'a"b\' --><!--# echo var=\'x\' encoding=\'none\' -->',
    '<!--# echo var="uri" var="args" -->',
    '<!--# echo var="uri"var="args" -->',
    '<!--# echo var="uri"-- -->b',
    '<!--# echo var="uri" - -->b',
    '<!--# foo x="-->" -->b',
    '<!--#echo\nvar="uri"\t-->b',
    '<!--# echovar="uri" -->b',
    '<!--# include virtual="/$none" -->',
    '<!--# if expr="$uri = /^.c([0-9]+)/" -->yes<!--# echo var="1" -->|<!--# echo var="0" -->|<!--# echo var="2" --><!--# else -->no<!--# endif -->',
    '<!--# if expr="$uri = /^.c(?P<num>[0-9]+)/" --><!--# set var="y" value="[$num][$1]" --><!--# echo var="y" --><!--# endif -->',
    '<!--# if expr="$uri = /nomatch/" -->yes<!--# else -->no<!--# endif --><!--# echo var="1" -->',
    '<!--# set var="h" value="<a b=\'c\' d=&>" --><!--# echo var="h" -->',
    '<!--# set var="h" value="ä%20 ?#/+~" --><!--# echo var="h" encoding="url" -->',
    '<!--# echo var="none" default="<&>" -->|<!--# echo var="none" default="<&>" encoding="url" -->',
    '<!--# set var="e" value="" -->[<!--# echo var="e" -->][<!--# echo var="e" default="d" -->]<!--# if expr="$e" -->y<!--# else -->n<!--# endif -->',
    '<!--# set var="z" value="0" --><!--# if expr="$z" -->y<!--# else -->n<!--# endif -->',
    '<!--# set var="a" value="${uri}x" --><!--# echo var="a" -->',
    '<!--# set var="a" value="$" --><!--# echo var="a" -->',
    '<!--# set var="a" value="${uri" --><!--# echo var="a" -->',
    '<!--# set var="a" value="$$" -->|',
    '<!--# set var="a" value="a$-b" -->|',
    '<!--# set var="a" value="$1x" -->[<!--# echo var="a" -->]',
    '<!--# set var="a" value="1" --><!--# include virtual="/seta.html" wait="yes" --><!--# echo var="a" -->',
    '<!--# include virtual="/gone" -->|<!--# include virtual="/inc.txt" -->',
    '<!--# include virtual="/moved" -->',
    '<!--# include virtual="/denied" -->',
    '<!--# include virtual="/ep" -->',
    '<!--# block name="s" -->S<!--# endblock --><!--# block name="s" -->T<!--# endblock --><!--# include virtual="/none" stub="s" -->',
    '<!--# block name="s" -->S<!--# echo var="uri" --><!--# endblock --><!--# include virtual="/empty.html" stub="s" --><!--# include virtual="/none" stub="s" -->',
    '<!--# include virtual="/show?$args" -->',
    '<!--# include file="inc.txt?a" -->',
    '<!--# include virtual="/show?a=<!--# x -->" -->',
    '<!--# include virtual="/sh ow" -->',
    '<!--# include virtual="/q.html" --><!--# include virtual="/q.html" -->',
    '<!--# config -->x',
    '<!--# config errmsg="a" timefmt="%j" -->x',
    '<!--# endif foo="x" -->',
    '<!--# if expr="$uri" -->a<!--# else -->b<!--# else -->c<!--# endif -->d',
    '<!--# if expr="$uri" -->a<!--# else -->b<!--# elif expr="$uri" -->c<!--# endif -->d',
    '<!--# if expr="$none" --><!--# foo --><!--# echo --><!--# include virtual="/x" --><!--# endif -->x',
    '<!--# if expr="a = a" -->y<!--# endif --><!--# if expr="a = b" -->y<!--# endif -->',
    '<!--# if expr="$none = " -->y<!--# endif -->',
    '<!--# if expr="$none != a" -->y<!--# endif -->',
    '<!--# if expr=" $uri" -->y<!--# endif -->',
    '<!--# if expr="$arg_q = a b" -->y<!--# endif -->',
    '<!--# if expr="$uri = /^/" -->y<!--# endif -->',
    '<!--# if expr="$uri = //" -->y<!--# endif -->',
    '<!--# if expr="$uri = /" -->y<!--# endif -->',
    '<!---#echo var="uri" -->',
    '<!--#echo var="uri" --->x-->y',
    '<!--# echo var="uri"\r\n-->',
    '<!--# e-cho var="uri" -->b',
    '<!--# echo v-r="uri" -->b',
    '<!--# nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn -->b',
    '<!--# echo nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn="x" -->b',
    "x" * 5000 + '<!--# echo var="uri" -->' + "y" * 40000 + '<!--# echo var="arg_n" -->' + "z" * 3,
    '<!--# include virtual="/inc.txt" -->' * 40,
    '<!--# echo var="arg_n" -->,' * 300,
    '<!--# include virtual="/sub.html" --><!--# include virtual="/inc.txt" -->' * 5,
]
INCLUDED = {
    "inc.txt": "INC", "q.html": "(<!--# foo -->)", "q2.html": '<!--# config errmsg="E2" -->(<!--# foo -->)',
    "q3.html": '(<!--# echo var="date_gmt" -->)', "q4.html": '(<!--# echo var="v" --><!--# set var="v" value="inner" -->)',
    "self.html": '.<!--# include virtual="/self.html" -->', "empty": "", "empty.html": "", "seta.html": '<!--# set var="a" value="2" -->s',
    "sub.html": '(<!--# include virtual="/inc.txt" --><!--# include file="q.html" -->)', "big.txt": "0123456789" * 1000,
}
SITE = """types { text/html html; text/plain txt; } server { listen 127.0.0.1:%%PORT%%; server_name localhost; root html; ssi on;
    rewrite ^/p.html /c$arg_n.html break; location / { } location /show { default_type text/html; return 200 "$uri|$args|$request_uri|$request_method"; }
    location /up { return 200 "up"; } location /e500 { return 500; } location /e204 { return 204; } location /refused { proxy_pass http://127.0.0.1:1; }
    location /internal { internal; return 200 "int"; } location /gone { return 410; } location /moved { return 302 /x; } location /ep { error_page 404 =200 /inc.txt; }
    location /denied { auth_request /no; return 200 in; } location /no { return 403; } }"""


@pytest.fixture(scope="module")
def pair():
    files = {f"html/{name}": text for name, text in INCLUDED.items()}
    files.update({f"html/c{i}.html": text.encode() for i, text in enumerate(CASES)})
    servers = [proxy.Proxy(SITE, program=p, files=files).start() for p in (NGINX, proxy.BIN)]
    yield servers
    for s in servers:
        s.stop()
        s.forget()


@pytest.mark.parametrize("n", range(len(CASES)), ids=[c[:40] for c in CASES])
def test_page(pair, n):
    expected, got = (Seen(s, f"/p.html?q=a%20%3C%26&n={n}", ("last-modified",)) for s in pair)
    assert got == expected, f"{CASES[n]!r}\n--- nginx\n{expected!r}\n--- usher\n{got!r}"


def test_the_error_log_has_the_same_words(pair):
    def words(s):
        found = re.findall(r"\[(\w+)\] \d+#\d+: \*\d+ (.*?)(?: while sending response to client)?, client", s.error_log(), re.S)
        return {(level, Seen.plain(text, s)) for level, text in found if "too long" not in text and "%00" not in text and "\0" not in text}
    nginx, usher = map(words, pair)
    assert usher == nginx


def server(body):
    return "types { text/html html; text/css css; } server { listen 127.0.0.1:%%PORT%%; server_name localhost; " + body + " }"


PAGE = '[<!--# echo var="uri" -->|<!--# foo -->|<!--# include virtual="/inc.html" -->]'
SETTINGS = {
    "on": "ssi on;", "off": "", "types": "ssi on; ssi_types text/css;", "all": "ssi on; ssi_types *;", "last_modified": "ssi on; ssi_last_modified on;",
    "silent": "ssi on; ssi_silent_errors on;", "length": "ssi on; ssi_value_length 3;", "if": "location / { if ($arg_a) { ssi on; } }",
    "nested": "ssi on; location /inc.html { ssi off; }", "inner-only": "location /inc.html { ssi on; }", "chunk": "ssi on; ssi_min_file_chunk 0;",
    "add": "ssi on; add_after_body /inc.html;", "sub": "ssi on; sub_filter inner INNER;", "error-page": "ssi on; error_page 404 /f.html;",
    "buffer": "ssi on; subrequest_output_buffer_size 8k;", "fields": "ssi on; add_header X-Ssi $upstream_status; expires epoch;",
}


def backend(conn, request):
    if request.target.startswith("/up/s"):
        return chunked([PAGE[i:i + 3].encode() for i in range(0, len(PAGE), 3)], headers=[("Content-Type", "text/html"), ("ETag", '"x"')])
    if request.method == "POST":
        return reply(f'<!--# include virtual="/inc/p" -->{request.body}', Content_Type="text/html")
    if request.target.startswith("/inc/"):
        return reply(f"{request.line} {sorted(k for k, _ in request.headers if k != 'Connection')} {request.body}", Content_Type="text/html")
    return reply(PAGE, Content_Type="text/html", ETag='"y"', Last_Modified="Tue, 01 Jan 2030 00:00:00 GMT", Accept_Ranges="bytes")


@pytest.mark.parametrize("name", SETTINGS)
def test_settings(agree, name):
    body = SETTINGS[name] + " location /up/ { proxy_pass http://%%BACKEND%%; } location /inc/ { proxy_pass http://%%BACKEND%%; }"
    agree(server(body), ["/f.html", "/f.html?a=1", "HEAD /f.html", "/f.css", "/none", "/f.html\nRange: bytes=0-3", *(["/empty.html"] if name != "add" else []), "/up/", "/up/s",
                         "HEAD /up/", "/f.html\nIf-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT",
                         b"POST /up/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody"],
          files={"html/f.html": PAGE, "html/f.css": PAGE, "html/inc.html": 'inner <!--# echo var="uri" -->', "html/empty.html": ""},
          script=backend, same_time=("html/f.html", 1_700_000_000), inexact=("expires",))
