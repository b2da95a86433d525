"""try_files and index: which file answers, and what answers when there is none."""
import pytest

FILES = {"html/a.txt": "a", "html/dir/index.html": "dir index", "html/dir/second.htm": "second", "html/spa.html": "spa", "html/x.html": "x page",
         "html/100%25.html": "percent", "html/p%41/index.html": "percent index", "other/b.txt": "b", "other/sub/c.txt": "c", "html/dir/sub/f": "f",
         "html/both": "file both", "html/noidx/f": "f", "html/cache/p/index.html": "cached", "html/e.html": "e page", "html/app.php": "<?php"}
CONF = """
types { text/html html htm; text/plain txt; } default_type application/x;
server {
    listen 127.0.0.1:%%PORT%%; server_name localhost;
    location / { try_files $uri $uri/ /spa.html; }
    location /code/ { try_files $uri =410; }
    location /code204/ { try_files $uri =204; }
    location /code301/ { try_files $uri =301; }
    location /code444/ { try_files $uri =404; error_page 404 =200 /e.html; }
    location /page/ { try_files $uri =500; error_page 500 /a.txt; }
    location /args/ { try_files $uri /echo?from=$uri&$args; }
    location /argsdrop/ { try_files $uri /echo; }
    location /named/ { try_files $uri @named; }
    location /namedargs/ { try_files $uri @named?x=1; }
    location /lost/ { try_files $uri @nowhere; }
    location /echo { return 200 "$uri|$args|$request_uri"; }
    location @named { return 200 "named $uri|$args|$document_root"; }
    location /alias/ { alias other/; try_files $uri $uri/ =404; }
    location /aliasx/ { alias other/; try_files /sub/c.txt =404; }
    location /aliasext/ { alias other/; try_files $uri.txt $uri/c.txt =404; }
    location /aliasback/ { alias other/; try_files $uri /aliasback/b.txt; }
    location ~ ^/re/(.*)$ { alias other/$1; try_files "" =404; }
    location ~ ^/rex/(.*)\\.html$ { try_files /$1.html /$1.txt =404; }
    location /ext { try_files $uri.html $uri.txt $uri/index.html =404; }
    location /x { try_files $uri.html =404; }
    location /wp/ { try_files $uri $uri/ /app.php?q=$uri&$args; }
    location ~ \\.php$ { try_files $uri =404; proxy_pass http://%%BACKEND%%; }
    location /proxied/ { try_files $uri /a.txt @named; proxy_pass http://%%BACKEND%%; }
    location /toproxy/ { try_files $uri @backend; }
    location @backend { proxy_pass http://%%BACKEND%%; }
    location /cache/ { try_files /cache/$host$uri /cache/p/index.html @backend; }
    location /noidx/ { try_files $uri $uri/ =404; }
    location /both/ { try_files $uri/ $uri =404; }
    location /slash/ { try_files $uri/index.html /dir/ =404; }
    location /lastdir/ { try_files $uri /dir/; }
    location /lastslash/ { try_files $uri /dir; }
    location /cycle/ { try_files $uri /cycle/x; }
    location /inner/ { try_files /none =404; location /inner/own { try_files /a.txt =404; } location /inner/none { return 200 "$uri"; } }
    location /ret/ { return 200 first; try_files /a.txt =404; }
    location /rw/ { rewrite ^/rw/(.*)$ /$1 break; try_files $uri =404; }
    location /if/ { if ($arg_a) { set $x 1; } try_files /a.txt =404; }
    location /error/ { error_page 404 = @named; try_files $uri =404; }
    location /index/ { alias html/dir/; index none $arg_i second.htm index.html; }
    location /absolute/ { alias html/dir/; index none /a.txt; }
    location /absolutenone/ { alias html/dir/; index none /none.txt; }
    location /sub/ { alias html/dir/; index sub/f; }
    location /noindex/ { alias html/dir/; index none; }
    location /dirindex/ { alias html/dir/; index sub index.html; }
    location /spaces/ { try_files "/none such" /a.txt =404; }
    location /literal/ { try_files $document_root/a.txt =404; }
    location /root/ { root other; try_files /b.txt =404; }
    location /percent/ { try_files /100%25.html =404; }
    location = /e.html { }
}
server { listen 127.0.0.1:%%PORT%%; server_name onserver; try_files /a.txt =404; location /other { return 200 other; } location /loc { } }
server { listen 127.0.0.1:%%PORT%%; server_name maintenance; location / { try_files /maintenance.html $uri $uri/index.html $uri.html @named; }
         location @named { return 503; } error_page 503 /e.html; index second.htm; }
"""
TARGETS = ["/", "/a.txt", "/a.txt?x", "/dir/", "/dir", "/dir?x=1", "/app/route", "/app/route?x", "/dir/none", "/code/x", "/code204/x", "/code301/x",
           "/code444/x", "/page/x", "/args/x?k=v", "/args/x", "/argsdrop/x?k=v", "/named/x?k=v", "/namedargs/x", "/lost/x", "/alias/b.txt", "/alias/sub",
           "/alias/sub/", "/alias/sub/c.txt", "/alias/none", "/alias/", "/aliasx/any", "/aliasext/b", "/aliasext/sub", "/aliasback/none", "/re/b.txt",
           "/re/none", "/rex/a.html", "/rex/x.html", "/rex/none.html", "/ext", "/x", "/xx", "/wp/", "/wp/a/b?c=d", "/app.php", "/none.php", "/app.php/x",
           "/proxied/x", "/proxied/x?q", "/toproxy/x%20y?q=1", "/toproxy/", "/cache/", "/cache/x", "/noidx/", "/noidx", "/noidx/f",
           "/both/", "/both/x", "/slash/", "/lastdir/x", "/lastslash/x", "/cycle/a", "/inner/x", "/inner/own", "/inner/none", "/ret/x", "/rw/a.txt",
           "/rw/dir", "/rw/none", "/if/x", "/error/x?q", "/index/", "/index/?i=index.html", "/index/?i=sub", "/index/?i=/e.html",
           "/absolute/", "/absolutenone/", "/sub/", "/noindex/", "/dirindex/", "/spaces/x", "/literal/x", "/root/x", "/percent/x", "/p%2541/", "/p%41/",
           "/%252e%252e/x", "/x/y\nHost: onserver", "/other\nHost: onserver", "/loc\nHost: onserver", "/a.txt\nHost: maintenance", "/dir\nHost: maintenance",
           "/dir/\nHost: maintenance", "/e\nHost: maintenance", "/none\nHost: maintenance", "/\nHost: maintenance"]


@pytest.fixture(scope="module")
def both(pair):
    return pair(CONF, files=FILES)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
def test_what_answers(both, method, target):
    both.agree(f"{method} {target}", inexact=("last-modified",))
