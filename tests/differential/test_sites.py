"""Whole sites, as they are found on real machines: they load without an edit, and answer as they did with nginx."""
import proxy
import pytest
import live_site as site
from conftest import NGINX, Seen

NOT_COMPARED = ("expires", "vary")  # the present second; and what comes with compression


@pytest.mark.parametrize("name", site.NAMES)
def test_site(stage, name):
    addresses = site.backends(stage)
    pair = [site.raise_site(name, program, addresses) for program in (NGINX, proxy.BIN)]
    for server in pair:
        stage.proxies.append(server)
        checked = server.run("-t")
        assert checked.returncode == 0, checked.stderr
        server.start()
    for request in site.requests_of(name):
        expected, got = (Seen(server, None, NOT_COMPARED, data=site.ask(server, *request)) for server in pair)
        assert got == expected, f"{request!r}\n--- nginx\n{expected!r}\n--- usher\n{got!r}"
