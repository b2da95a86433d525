"""Which location answers: modifiers, nesting, order, cases, encodings, slashes."""
import pytest

FIRST = """
    location = / { return 200 exact-root; }
    location / { return 200 root; }
    location /docs/ { return 200 docs; }
    location ^~ /images/ { return 200 images; }
    location ~* \\.(gif|jpg|jpeg)$ { return 200 "nocase:$1"; }
    location ~ \\.GIF$ { return 200 upper; }
    location ~ \\.png$ { return 200 first-png; }
    location ~ /deep/.*\\.png$ { return 200 second-png; }
    location = /exact { return 200 exact; }
    location /exact { return 200 prefix; }
    location =/tight { return 200 tight; }
    location ~^/cap/(\\d+)/(?<word>\\w+)$ { return 200 "$1-$word-$2-$3"; }
    location "/with space/" { return 200 space; }
    location ~ "^/brace/x{2}$" { return 200 brace; }
    location /caf\u00e9/ { return 200 cafe; }
    location /CASE/ { return 200 upper-case; }
    location ~ ^/never/(.*)\\.x$ { return 200 $1; }
    location ~ %41 { return 200 percent; }
    location /a%41 { return 200 percent-prefix; }
    location ~ "\\?" { return 200 question; }
    location ~ ^/line\\nbreak$ { return 200 line; }
    location relative { return 200 relative; }
    location ~ ^/dot(.)$ { return 200 "dot-$1"; }
"""
NESTED = """
    location /nest/ {
        location /nest/deep/ { return 200 deep; location /nest/deep/er/ { return 200 deeper; } location ~ x$ { return 200 deep-x; } }
        location ^~ /nest/final/ { return 200 final; }
        location = /nest/one { return 200 one; }
        location ~ \\.in$ { return 200 in; }
        return 200 nest;
    }
    location ^~ /strong/ { location ~ \\.in$ { return 200 strong-in; } return 200 strong; }
    location ~ ^/rx/(.*)$ { location ~ ^/rx/a(.*)$ { return 200 "rx-a:$1"; } location ~ p$ { return 200 rx-p; } return 200 "rx:$1"; }
    location ~ \\.in$ { return 200 outer-in; }
    location ~ \\.out$ { return 200 outer-out; }
    location = /nest/one/two { return 200 two; }
    location /empty/ { location /empty/a { return 200 a; } }
"""
PROXY = """
    location /app/ { proxy_pass http://%%BACKEND%%; }
    location /uri/ { proxy_pass http://%%BACKEND%%/base/; }
    location /both { return 200 both; }
    location /both/ { proxy_pass http://%%BACKEND%%; }
    location = /api/ { proxy_pass http://%%BACKEND%%; }
    location ^~ /final/ { proxy_pass http://%%BACKEND%%; }
    location ~ ^/rx/ { proxy_pass http://%%BACKEND%%; }
    location ~ \\.png { return 200 png; }
    location /gif/ { empty_gif; }
    location = /same { return 200 same; }
    location /same/ { proxy_pass http://%%BACKEND%%; }
    location /same/more/ { location ~ . { return 200 inner; } proxy_pass http://%%BACKEND%%; }
    location ^~ /fin { location /fin/in/ { proxy_pass http://%%BACKEND%%; } return 200 fin; }
    location /nested/ { location /nested/in/ { proxy_pass http://%%BACKEND%%; } }
    location /with%20space/ { proxy_pass http://%%BACKEND%%; }
    location "/sp ace/" { proxy_pass http://%%BACKEND%%; }
    location /x.png/ { proxy_pass http://%%BACKEND%%; }
"""
SLASHES = "merge_slashes off; location / { return 200 \"$uri\"; } location //two/ { return 200 two; } location ~ ^/a//b { return 200 ab; }"
SETS = {
    "first": (FIRST, ["/", "/x", "/index.html", "/docs/d.html", "/docs", "/docs/1.jpg", "/docs/1.JPG", "/images/1.gif", "/images", "/x.GIF", "/x.gif",
                      "/deep/a.png", "/exact", "/exact/", "/exactly", "/exact?q=1", "/tight", "/tight/", "/cap/12/ab", "/cap/x/ab", "/cap/1/", "/with%20space/a",
                      "/with space/a", "/brace/xx", "/brace/xxx", "/caf%C3%A9/x", "/caf\u00c3\u00a9/x", "/caf%c3%a9/", "/case/", "/CASE/", "/%43ASE/", "/never/a.x", "/a%41",
                      "/a%2541", "/aA", "/q%3Fx", "/line%0Abreak", "/relative", "relative", "/dot.", "/dot%2e", "/dot%0a", "/dot%20", "/%64ocs/x", "//docs///x", "/a/../docs/x",
                      "/./docs/./x", "/docs/..", "/docs/../", "/images%2F1.gif", "/docs/%2e%2e/x", "/docs/...", "/docs/..a", "/docs/.a", "/a/b/c/../../../docs/", "/..", "/a/../../b",
                      "/%2e%2e/x", "/docs#x", "/docs/#x", "/x?/docs/", "/docs/%00", "/docs/%", "/docs/%4", "/docs/%zz", "/docs/\u00ff", "http://localhost/docs/x", "http://localhost",
                      "http://localhost?x", "HTTP://LOCALHOST/docs/", "http://localhost:81/docs/x", "//", "///", "/.", "/..;/docs/", "/;/docs/", "/docs;x/"]),
    "nested": (NESTED, ["/nest/", "/nest/a", "/nest", "/nest/deep/", "/nest/deep/a", "/nest/deep/er/", "/nest/deep/er/x", "/nest/deep/x", "/nest/a.in", "/nest/deep/a.in",
                        "/nest/final/a.in", "/nest/final/", "/nest/one", "/nest/one/", "/nest/one/two", "/nest/a.out", "/nest/deep/a.out", "/nest/final/a.out", "/strong/",
                        "/strong/a.in", "/strong/a.out", "/rx/", "/rx/a", "/rx/ab", "/rx/p", "/rx/e", "/rx/x.in", "/x.in", "/x.out", "/empty/", "/empty/a", "/none"]),
    "proxy": (PROXY, ["/app", "/app/", "/app?x=1", "/app/x", "HEAD /app", "POST /app", "/uri", "/uri/", "/uri/a%20b", "/both", "/both/", "/api", "/api/", "/api/x", "/final",
                      "/final/x.png", "/rx", "/rx/", "/nested", "/nested/in", "/nested/in/", "/with%2520space", "/with%2520space/x", "/sp%20ace", "/sp%20ace/x", "/x.png", "/x.png/",
                      "//app", "/./app", "/a/../app", "/APP"]),
}
CASES = [(name, target) for name, (_, targets) in SETS.items() for target in targets]


@pytest.fixture(scope="module")
def pairs(pair):
    text = " ".join(f"server {{ listen 127.0.0.1:%%PORT%%; server_name {name}; {conf} }}" for name, (conf, _) in SETS.items())
    return pair(text)


@pytest.fixture(scope="module")
def slashes(pair):
    return pair("server { listen 127.0.0.1:%%PORT%%; server_name localhost; " + SLASHES + " }")


@pytest.mark.parametrize("name, target", CASES, ids=range(len(CASES)))
def test_location(pairs, name, target):
    if target.lower().startswith("http:"):
        target = target.replace("localhost", name).replace("LOCALHOST", name.upper())
    pairs.agree(f"{target}\nHost: {name}")


@pytest.mark.parametrize("target", ["/", "//", "//two/x", "/two/", "/a//b", "/a/b", "/x///y", "/x//../y", "/x/.//y", "//two/../x", "/a//b/..", "/%2F/x", "/x/%2e/y"])
def test_slashes(slashes, target):
    slashes.agree(target)
