"""ssl_key_log, proxy_ssl_key_log: secrets for those who debug traffic, and for nobody else."""
import pytest

from client import get
from tls_client import get_tls, https, site_files

pytestmark = pytest.mark.usher_only("nginx 1.22 has no ssl_key_log")


def test_secrets_are_written_and_outlive_reloads(usher):
    text = https("ssl_key_log logs/keys; location / { return 200 fine; }")
    p = usher(text, files=site_files())
    log = p.prefix / "logs/keys"
    assert get_tls(p).text == "fine"
    first = log.read_text()
    assert "CLIENT_TRAFFIC_SECRET_0 " in first and first.endswith("\n")
    assert log.stat().st_mode & 0o077 == 0
    p.reload(text.replace("fine", "good").replace("ssl_key_log", "ssl_session_timeout 7m; ssl_key_log"))
    assert get_tls(p).text == "good"
    assert len(log.read_text()) > len(first)


def test_those_of_backends_too(usher):
    backend = usher(https(), files=site_files())
    p = usher("server { listen 127.0.0.1:%%PORT%%; location / { proxy_pass https://%%B%%;"
              "proxy_ssl_key_log logs/keys; } }", B=f"127.0.0.1:{backend.port}")
    assert get(p).text == "fine"
    assert "SERVER_TRAFFIC_SECRET_0 " in (p.prefix / "logs/keys").read_text()
