"""valid_referers and $invalid_referer."""
import pytest

FORMS = [
    "none 0", "blocked 0", "none blocked 0", "server_names", "none blocked server_names", "www.example.org", "www.example.org/galleries/",
    "*.example.com", "example.*", ".example.net", "*.example.com/a", "~\\.google\\.", "~example\\.org/g", "~^www", "www.example.org *.example.com none",
    "localhost", "~.*EXAMPLE", "~.",
    "WWW.Example.ORG", "www.example.org/A", "~^localhost/", "server_names/x", "www.example.org/galleries ~\\.org/other", "~i\\.ru",
]
REFERERS = [
    None, "", "x", "http://", "https://", "http://a", "http://a/", "http://i.r", "http://i.ru", "https://i.r", "https://i.ru", "ftp://www.example.org/",
    "http://www.example.org", "http://www.example.org/", "http://www.example.org:8080/", "http://www.example.org/galleries/1", "http://www.example.org/Galleries/",
    "https://www.example.org/galleries/", "HTTP://WWW.EXAMPLE.ORG/galleries/", "http://www.example.org/a", "http://www.example.org/b/c", "http://www.example.org/other",
    "http://example.com/", "http://a.example.com/", "http://a.b.example.com/a", "http://example.de/", "http://example.de.x/", "http://www.example.de/",
    "http://example.net/", "http://x.example.net/", "http://www.google.com/search?q=a", "http://localhost/", "http://localhost:80/x", "http://also.example/",
    "http://7.re.example/", "http://user@www.example.org/", "http://" + "a" * 260 + "/", "http://www.example.org?x", "http:///www.example.org",
    "www.example.org/", "http://www.example.org./", "https:/www.example.org/aaaa",
]
REQUESTS = ["/" if r is None else f"/\nReferer: {r}" for r in REFERERS]


@pytest.mark.parametrize("form", FORMS)
def test_who_may_come(agree, form):
    agree("server { listen 127.0.0.1:%%PORT%%; server_name localhost *.also.example also.example ~^\\d+\\.re\\.example$; "
          f"valid_referers {form}; return 200 [$invalid_referer]; }}", REQUESTS)


LEVELS = [
    "location / { return 200 [$invalid_referer]; }",
    "valid_referers www.example.org; location / { return 200 [$invalid_referer]; }",
    "valid_referers www.example.org; location / { valid_referers none localhost; return 200 [$invalid_referer]; }",
    "valid_referers www.example.org; valid_referers example.com; location / { return 200 [$invalid_referer]; }",
    "valid_referers www.example.org; location / { if ($invalid_referer) { return 403; } return 200 fine; }",
    "valid_referers none localhost; location / { proxy_set_header X-Bad [$invalid_referer]; proxy_pass http://%%BACKEND%%; }",
]


@pytest.mark.parametrize("body", LEVELS, ids=range(len(LEVELS)))
def test_levels(agree, body):
    agree("server { listen 127.0.0.1:%%PORT%%; " + body + " server_name localhost; }", REQUESTS)
