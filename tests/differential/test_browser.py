"""modern_browser, ancient_browser, $msie."""
import pytest

AGENTS = [
    None, "", "x", "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)", "Mozilla/4.0 (compatible; MSIE 5.0; Windows 98)",
    "Mozilla/4.0 (compatible; MSIE 5.5; Windows 98)", "Mozilla/4.0 (compatible; MSIE 5.05; x)", "Mozilla/4.0 (compatible; MSIE 10.0; x)",
    "Mozilla/4.0 (compatible; MSIE 6.0; X11; Linux i686; en) Opera 9.01", "Opera/9.80 (Windows NT 6.1) Presto/2.12 Version/12.16", "Opera 8.5", "Opera",
    "Opera/", "Opera/9", "Mozilla/5.0 (Windows; U; rv:1.8.1) Gecko/20061010 Firefox/2.0", "Mozilla/5.0 (X11; rv:1.0) Gecko/1", "Mozilla/5.0 (X11; rv:0.9.9) Gecko/1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0", "Mozilla/5.0 (Macintosh) AppleWebKit/125.5 (KHTML, like Gecko) Safari/125.12",
    "Mozilla/5.0 (Macintosh) AppleWebKit/419 (KHTML, like Gecko) Safari/419.3", "Mozilla/5.0 (X11) AppleWebKit/537.36 Chrome/120.0.0.0 Safari/537.36",
    "Mozilla/5.0 (compatible; Konqueror/3.5; Linux) KHTML/3.5.5 (like Gecko)", "Mozilla/5.0 (compatible; Konqueror/2.1)", "Konqueror/4.0",
    "Mozilla/4.7 [en] (X11)", "Mozilla/3.0", "Mozilla/5.0", "Mozilla/0.9", "Mozilla/", "Mozilla/4", "Mozilla/4.0 a", "Mozilla/4.0 ab", "Mozilla/4.0 abc", "Opera9", "Opera ", "Opera-9",
    "Mozilla/5.0 (compatible; Konqueror/3.5) Safari/300", "Lynx/2.8.5", "Links (2.1; Linux)", "elinks lynx", "MSIE 7.0",
    "Mozilla/4.0 (compatible; MSIE ", "Mozilla/4.0 (compatible; MSIE 6", "Mozilla/4.0 (compatible; MSIE 6.", "Mozilla/4.0 (compatible; MSIE a.b)",
    "rv:9", "Mozilla/5.0 (rv:9)", "Mozilla/4.0 (compatible; MSIE 5.5.1; x)", "Mozilla/4.0 (compatible; MSIE 5..9; x)", "Mozilla/4.0 (compatible; MSIE 99999999999.1)",
    "Mozilla/5.0 (X11; rv:1.8.1.20) Gecko", "Mozilla/5.0 (X11; rv:1.8.1.5) Gecko", "Mozilla/5.0 (X11; rv:1.8.1b) Gecko", "Mozilla/5.0 (X11; rv:1.8b.1) Gecko",
    "Mozilla/5.0 (compatible; MSIE 9.0; Windows; rv:1.2)",
]
REQUESTS = ["/" if a is None else f"/\nUser-Agent: {a}" for a in AGENTS]
FORMS = [
    "", "modern_browser unlisted;", "modern_browser msie 5.5;", "modern_browser msie 5.5; modern_browser unlisted;", "modern_browser gecko 1.0.0;",
    "modern_browser gecko 1.8.1.5;", "modern_browser gecko 109;", "modern_browser opera 9.0;", "modern_browser opera 8.5; modern_browser msie 6;", "modern_browser safari 413;",
    "modern_browser konqueror 3.0;", "ancient_browser Links Lynx netscape4;", "ancient_browser Links Lynx netscape4; modern_browser unlisted;",
    "modern_browser msie 5.5; modern_browser gecko 1.0.0; modern_browser opera 9.0; modern_browser safari 413; modern_browser konqueror 3.0;",
    "modern_browser msie 5.0; modern_browser gecko 0.9.1; modern_browser opera 8.0; modern_browser safari 413; modern_browser konqueror 3.0; "
    "modern_browser unlisted; ancient_browser Links Lynx netscape4; modern_browser_value modern.; ancient_browser_value old;",
    "modern_browser gecko 1; modern_browser msie 8;", "modern_browser msie 8; modern_browser gecko 1;", "ancient_browser Gecko; modern_browser gecko 1; modern_browser unlisted;",
    "ancient_browser lynx; modern_browser unlisted;", "modern_browser opera 7.5.4.1;", "modern_browser safari 400; ancient_browser Safari;",
]
SHOW = 'return 200 "[$modern_browser][$ancient_browser][$msie]";'


@pytest.mark.parametrize("form", FORMS, ids=range(len(FORMS)))
def test_ages(agree, form):
    agree(f"server {{ listen 127.0.0.1:%%PORT%%; server_name localhost; {form} {SHOW} }}", REQUESTS)


# nginx 1.22 loses the versions of an outer block's modern_browser.
def test_levels(agree):
    agree("modern_browser unlisted; ancient_browser Lynx; modern_browser_value m; server { listen 127.0.0.1:%%PORT%%; server_name localhost; "
          f"location / {{ {SHOW} }} location /a {{ modern_browser opera 8; {SHOW} }} location /b {{ ancient_browser MSIE; {SHOW} }} "
          f"location /c {{ ancient_browser_value c; {SHOW} }} location /d {{ modern_browser msie 5.5; modern_browser unlisted; {SHOW} }} }}",
          [r.replace("/", f"/{p}", 1) for p in "abcd" for r in REQUESTS] + REQUESTS)
