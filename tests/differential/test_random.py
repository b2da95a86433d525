"""Random sites and random requests, the same ones in each run: what nobody thought of writing down.

A site is a server of its own; all of a seed are in one configuration. Where nginx and usher differ on
purpose (docs/coming-from-nginx.md), no words are drawn that lead there. To look further: SEEDS=100-200.
"""
import os
import random

import pytest

FIRST, _, LAST = os.environ.get("SEEDS", "1-3").partition("-")
SITES, ASKED = 30, 20
FILES = {"html/a": "a", "html/b.txt": "b", "html/dir/index.html": "dir", "html/dir/a": "dir a", "html/index.html": "index", "html/a b": "blank",
         "html/p%41": "percent", "html/e.html": "error", "other/a": "other a", "other/index.html": "other index", "other/dir/b.txt": "other b"}
NAMES = ["a", "b", "A", "b.txt", "dir", "x.php", "e.html", "p%41", "a b", "none", "a+b", "12"]
REGEXES = ["^/(.*)$", "^/a(.*)$", "^/(a|b)(/.*)?$", "\\.(txt|php)$", "^/(\\w+)/(\\w+)$", "/dir", "\\.php($|/)", "(?<named>[a-z]+)$", "^", "(x)?(.)$", "%41", "/+$", "^/A"]
SHOWN = ["$uri", "$request_uri", "$args", "$is_args", "$arg_a", "$arg_b", "$host", "$1", "$2", "$named", "$own", "$request_filename", "$document_root", "$http_x_y",
         "$cookie_a", "$request_method", "$status", "$content_length", "$content_type"]
QUERIES = ["a=1", "a=b&b=2", "a=", "a", "a=dir", "a=%20", "a=1&a=2", "A=1", "", "?", "b=/x", "&a=1", "a=1?b=2"]
FIELDS = ["X-Y: 1", "X_Y: under", "Cookie: a=1; b=2", "Cookie: b=2;a=3", "Cookie: a", "Content-Type: text/x", "Range: bytes=0-1", "Authorization: Basic YTpi"]
CODES = [200, 204, 301, 302, 303, 307, 308, 400, 403, 404, 404, 405, 410, 418, 500, 503]


def quoted(text):
    return '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"')


class Dice(random.Random):
    def some(self, choices, most):
        return [self.choice(choices) for _ in range(self.randint(0, most))]

    def path(self, most=3):
        names = self.some(NAMES, most)
        return "/" + "/".join(names) + self.choice(["", "/"] if names else [""])

    def text(self):
        return self.choice(["", "-", " x "]).join(self.sample(SHOWN, self.randint(1, 4)))

    def show(self):
        return f"return 200 {quoted('|'.join(self.sample(SHOWN, 6)))};"

    def answer(self):
        code = self.choice(CODES)
        to = quoted(self.choice([self.path(), "$uri", "/$1?$args", "http://o.example$uri", "relative", "//o.example/x", "/$arg_a"]))
        return f"return {code} {to if 300 < code < 400 else quoted(self.text())};" if 300 < code < 400 or self.random() < .7 else f"return {code};"

    def rewrite(self):
        to = self.choice(["", "http://o.example"] + 8 * [""]) + self.path() + "".join(self.some(["$1", "/$2", "$named", "?a=$1", "?$args", "?"], 2))
        return f"rewrite {quoted(self.choice(REGEXES)).replace(2 * chr(92), chr(92))} {quoted(to)} {self.choice(['', '', 'last', 'break', 'redirect', 'permanent'])};"

    def condition(self):
        variable = self.choice([v for v in SHOWN if not v[1].isdigit()])
        test = self.choice(["", "= ''", "!= b", "= $arg_b", "~ ^/a", "!~ b", "~* ^(A)(.)?"])
        return self.choice([f"{variable} {test}", f"{self.choice(['-f', '!-f', '-d', '-e'])} $document_root$uri"])

    def program(self, most):
        """Directives of the rewrite module, in an order."""
        kinds = [self.rewrite, self.rewrite, self.answer, lambda: f"set $own {quoted(self.text())};", lambda: "break;",
                 lambda: f"if ({self.condition()}) {{ {' '.join(f() for f in self.some([self.rewrite, self.answer], 1))} }}"]
        return [f() for f in self.some(kinds, most)]

    def backend(self, prefix):
        whole = ["", "", "$request_uri", "/v?x=$arg_a"]
        return f"proxy_pass http://%%BACKEND%%{self.choice(whole + ['/', '/base', '/base/', '/b%20c/', '/base?x=1'] if prefix else whole)};"

    def files(self):
        tried = " ".join(self.some(["$uri", "$uri/", "/a", "/dir/", "/none", "$uri.txt", "$uri/index.html"], 2) + ["/none"])
        return f"try_files {tried} {self.choice(['=404', '=403', '@named', '/a', '/show', '/show?x=$uri&$args', '/index.html', '/dir/', '@lost'])};"

    def settings(self):
        page = self.choice([self.path(), "@named", "/e.html", "http://o.example$uri", "/show?$args", "/int/x"])
        return self.some([f"add_header X-A {quoted(self.text())};", f"error_page 404 403 {self.choice(['', '=', '=200', '=418'])} {quoted(page)};", "internal;",
                          "recursive_error_pages on;", "absolute_redirect off;", "client_max_body_size 3;", "limit_except GET { deny all; }", "root other;"], 1)

    def location(self, seen):
        kind = self.choice(["", "", "= ", "^~ ", "~ ", "~* "])
        regex = kind[:1] == "~"
        head = f"location {kind}{quoted(self.choice(REGEXES)).replace(2 * chr(92), chr(92)) if regex else quoted(self.path())}"
        if head.replace("^~ ", "") in seen:
            return ""
        seen.add(head.replace("^~ ", ""))
        content = self.choice([self.show, self.answer, lambda: self.backend(not regex), self.files, lambda: ""])()
        return f"{head} {{ {' '.join(self.program(2) + self.settings() + [content])} }}\n"

    def site(self, name):
        seen = {'location "/show"'}
        own = "".join(self.location(seen) for _ in range(self.randint(2, 6)))
        return (f"server {{ listen 127.0.0.1:%%PORT%%; server_name {name}; set $own o; set $named n; {' '.join(self.program(1))}\n{own}"
                f"location /show {{ {self.show()} }} location /int/ {{ internal; {self.show()} }}\n"
                f"location @named {{ {' '.join(self.program(1))} {self.choice([self.show(), self.backend(False), self.files()])} }} }}\n")

    def target(self):
        path = self.path().replace("%", "%25").replace(" ", "%20")
        at = self.randint(0, len(path))
        odd = self.choice(6 * [""] + ["/", "/../", "%2f", "%41", "%2e", "/./", "%00", "%", "%c3%a9", ";", "+", "&", "\u00e9", "{", "..", "%3f"])
        return path[:at] + odd + path[at:] + self.choice(["", "", "?" + self.choice(QUERIES)])

    def request(self, host):
        method, body = self.choice([*8 * [("GET", "")], ("HEAD", ""), ("DELETE", ""), ("POST", "12345"), ("PUT", "1")])
        fields = self.some(FIELDS, 2) if self.random() < .3 else []
        fields = list({f.split(":")[0]: f for f in fields}.values()) + ([f"Content-Length: {len(body)}"] if body else [])
        return "\r\n".join([f"{method} {self.target()} HTTP/1.1", f"Host: {host}", *fields, "Connection: close", "", body]).encode()


@pytest.mark.parametrize("seed", range(int(FIRST), int(LAST or FIRST) + 1))
def test_random_sites(pair, seed):
    dice = Dice(seed)
    hosts = [f"s{i}" for i in range(SITES)]
    both = pair("".join(map(dice.site, hosts)), files=FILES)
    for host in hosts:
        for _ in range(ASKED):
            both.agree(dice.request(host))
