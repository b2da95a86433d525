"""Client certificates: what is asked, what is told (495, 496, 421), what variables say of them."""
import datetime
import urllib.parse

import pytest

from certs import Authority, self_signed
from client import get
from cryptography import x509
from cryptography.x509.oid import NameOID
from origin import reply
from proxy import IS_NGINX
from tls_client import (CA, LISTEN, PAIR, TLS12, TLS13, connect_tls, context, get_tls, https,
                        site_files)

CLIENTS = Authority("Clients CA")
GOOD = CLIENTS.issue("good")
EXPIRED = CLIENTS.issue("expired", days=(-90, -1))
FUTURE = CLIENTS.issue("future", days=(1, 90))
STRANGER = CA.issue("stranger")
ALONE = self_signed("alone")
SAYS = "location / { return 200 $ssl_client_verify; }"


def files(**more):
    return site_files(**{"clients.crt": CLIENTS.cert, **more})


def asking(how, more=""):
    return https(f"ssl_verify_client {how}; ssl_client_certificate clients.crt; {more} {SAYS}")


@pytest.fixture
def ask(tmp_path):
    """ask(proxy, leaf): the answer to a client that presents it."""
    def one(p, leaf=None, version=None, name="a.example", target="/", **kw):
        return get_tls(p, target, name, context(leaf=leaf, directory=tmp_path, version=version), **kw)
    return one


@pytest.mark.parametrize("version", [TLS12, TLS13], ids=["1.2", "1.3"])
def test_a_certificate_is_required(usher, ask, version):
    p = usher(asking("on"), files=files())
    assert ask(p, GOOD, version).text == "SUCCESS"
    r = ask(p, None, version)
    assert r.status == 400 and r.get("Connection") == "close"
    assert "<title>400 No required SSL certificate was sent</title>" in r.text
    p.wait_log(r"\[info\].*client sent no required SSL certificate while reading client request headers, "
               r"client: 127.0.0.1, server: .*, request: \"GET / HTTP/1.1\"")
    assert '" 400 ' in p.access_log(2)[1]


@pytest.mark.parametrize("leaf, why", [
    (EXPIRED, r"\(10:certificate has expired\)"), (FUTURE, r"\(9:certificate is not yet valid\)"),
    (ALONE, r"\(18:self-signed certificate\)"),
    (STRANGER, r"\((20|21):unable to (get local issuer|verify the first) certificate\)")],
    ids=["expired", "future", "self-signed", "stranger"])
@pytest.mark.parametrize("how", ["on", "optional"])
def test_bad_certificates_are_refused(usher, ask, leaf, why, how):
    p = usher(asking(how), files=files())
    r = ask(p, leaf)
    assert r.status == 400 and "<title>400 The SSL certificate error</title>" in r.text
    p.wait_log(rf"\[info\].*client SSL certificate verify error: {why} while reading client request headers")


def test_without_obligation(usher, ask):
    p = usher(asking("optional"), files=files())
    assert ask(p).text == "NONE"
    assert ask(p, GOOD).text == "SUCCESS"


def test_an_unknown_issuer_may_be_borne(usher, ask):
    p = usher(asking("optional_no_ca"), files=files())
    assert ask(p).text == "NONE"
    assert ask(p, GOOD).text == "SUCCESS"
    assert ask(p, ALONE).text == "FAILED:self-signed certificate"
    assert ask(p, STRANGER).text.startswith("FAILED:unable to ")
    assert ask(p, EXPIRED).status == 400


def test_trusted_without_being_announced(usher, ask):
    if IS_NGINX:
        pytest.skip("since nginx 1.27.2")
    p = usher(https(f"ssl_verify_client on; ssl_trusted_certificate clients.crt; {SAYS}"), files=files())
    assert ask(p, GOOD).text == "SUCCESS"


def test_revoked_certificates_are_refused(usher, ask):
    ca = Authority("CA with a list")
    good, bad = ca.issue("good"), ca.issue("bad")
    ca.revoke(bad)
    p = usher(asking("on", "ssl_crl list.crl;"), files=files(**{"clients.crt": ca.cert, "list.crl": ca.crl()}))
    assert ask(p, good).text == "SUCCESS"
    assert ask(p, bad).status == 400
    p.wait_log(r"verify error: \(23:certificate revoked\)")


def test_a_list_that_is_out_of_date_refuses_all(usher, ask):
    p = usher(asking("on", "ssl_crl list.crl;"), files=files(**{"list.crl": CLIENTS.crl(days=(-30, -1))}))
    assert ask(p, GOOD).status == 400
    p.wait_log(r"verify error: \(12:CRL has expired\)")


def test_the_depth_of_a_chain_is_limited(usher, ask):
    between = CLIENTS.intermediate("one")
    near, far = between.issue("near"), between.intermediate("two").issue("far")
    p = usher(asking("on"), files=files())
    assert ask(p, near).text == "SUCCESS"
    assert ask(p, far).status == 400
    p.wait_log(r"verify error: \((20:unable to get local issuer certificate|22:certificate chain too "
               r"long)\)")
    p.reload(asking("on", "ssl_verify_depth 2;"))
    assert ask(p, far).text == "SUCCESS"


def test_error_pages_of_their_own(usher, ask):
    p = usher(asking("on", "error_page 495 =403 /bad; error_page 496 /none; "
                     "location = /bad { return 403 bad; } location = /none { root html; }"),
              files=files(**{"html/none": b"no certificate"}))
    r = ask(p, ALONE)
    assert (r.status, r.text) == (403, "bad")
    r = ask(p)
    assert (r.status, r.text) == (400, "no certificate")


def test_another_servers_certificates_are_misdirected(usher, ask):
    def one(name, how, ca="clients.crt"):
        return (f"server {{ {LISTEN} server_name {name}; {PAIR} ssl_verify_client {how};"
                f"ssl_client_certificate {ca}; location / {{ return 200 $server_name; }} }}")
    p = usher(one("open.example", "off") + one("closed.example", "on") +
              one("other.example", "on", "ca.crt"), files=files())
    assert ask(p, GOOD, name="closed.example").text == "closed.example"
    for sni, host in (("open.example", "closed.example"), ("closed.example", "other.example"),
                      ("other.example", "closed.example")):
        r = ask(p, GOOD, name=sni, host=host)
        assert r.status == 421, (sni, host)
    p.wait_log(r"\[info\].*client attempted to request the server name different from the one that "
               r"was negotiated while reading client request headers")
    assert ask(p, GOOD, name="closed.example", host="open.example").text == "open.example"
    assert ask(p, None, name=None, host="closed.example").status == 400


@pytest.mark.usher_only("nginx answers 421 to every other name")
def test_servers_that_ask_the_same_share_connections(usher, ask):
    p = usher("ssl_verify_client on; ssl_client_certificate clients.crt;" + "".join(
        f"server {{ {LISTEN} server_name {n}.example; {PAIR} location / {{ return 200 {n}; }} }}"
        for n in "ab"), files=files())
    assert ask(p, GOOD, name="a.example", host="b.example").text == "b"


def test_variables_of_a_certificate(usher, ask):
    names = ["s_dn", "i_dn", "s_dn_legacy", "i_dn_legacy", "serial", "fingerprint", "v_start", "v_end",
             "v_remain", "verify"]
    text = "|".join(f"$ssl_client_{n}" for n in names)
    p = usher(https("ssl_verify_client on; ssl_client_certificate clients.crt; "
                    f"location / {{ return 200 '{text}'; }}"), files=files())
    v = dict(zip(names, ask(p, GOOD).text.split("|")))
    from cryptography.hazmat.primitives import hashes
    when = "%b %e %H:%M:%S %Y GMT"
    assert v == {
        "s_dn": "CN=good", "i_dn": "CN=Clients CA", "s_dn_legacy": "/CN=good",
        "i_dn_legacy": "/CN=Clients CA", "serial": serial_text(GOOD),
        "fingerprint": GOOD.x509.fingerprint(hashes.SHA1()).hex(),
        "v_start": GOOD.x509.not_valid_before.strftime(when),
        "v_end": GOOD.x509.not_valid_after.strftime(when),
        "v_remain": str((GOOD.x509.not_valid_after - datetime.datetime.utcnow()).days),
        "verify": "SUCCESS"}


def serial_text(leaf):
    text = f"{leaf.x509.serial_number:X}"
    return text if len(text) % 2 == 0 else "0" + text


def test_a_certificate_goes_to_the_backend_whole(usher, ask, origin):
    backend = origin(lambda conn, r: reply(r.get("X-Cert")))
    p = usher(asking("on").replace("return 200 $ssl_client_verify;", "proxy_pass http://%%B%%; "
              "proxy_set_header X-Cert $ssl_client_escaped_cert;"), files=files(), B=backend)
    sent = urllib.parse.unquote(ask(p, GOOD).text)
    assert sent.encode() == GOOD.cert
    assert x509.load_pem_x509_certificate(sent.encode()).subject.get_attributes_for_oid(
        NameOID.COMMON_NAME)[0].value == "good"


@pytest.mark.usher_only("nginx folds the field, which HTTP does not allow any more")
def test_a_certificate_goes_to_the_backend_in_one_line(usher, ask, origin):
    backend = origin(lambda conn, r: reply(r.get("X-Cert")))
    p = usher(asking("on").replace("return 200 $ssl_client_verify;", "proxy_pass http://%%B%%; "
              "proxy_set_header X-Cert $ssl_client_cert;"), files=files(), B=backend)
    assert ask(p, GOOD).text.replace("\t", "\n").encode() == GOOD.cert.strip()


def test_the_forms_of_a_certificate(usher, ask):
    p = usher(https("ssl_verify_client on; ssl_client_certificate clients.crt; "
                    "location = /raw { return 200 $ssl_client_raw_cert; } "
                    "location = /folded { return 200 $ssl_client_cert; }"), files=files())
    assert ask(p, GOOD, target="/raw").body == GOOD.cert
    assert ask(p, GOOD, target="/folded").text == GOOD.cert.decode().strip().replace("\n", "\n\t")


def test_a_resumed_session_keeps_its_certificate(usher, tmp_path):
    p = usher(https("ssl_verify_client on; ssl_client_certificate clients.crt; location / "
                    "{ return 200 '$ssl_session_reused $ssl_client_verify $ssl_client_s_dn'; }"), files=files())
    ctx = context(leaf=GOOD, directory=tmp_path, version=TLS12)
    with connect_tls(p, ctx=ctx) as c:
        assert c.get().text == ". SUCCESS CN=good"
        session = c.sock.session
    with connect_tls(p, ctx=ctx, session=session) as c:
        assert c.get().text == "r SUCCESS CN=good"


@pytest.mark.usher_only("nginx 1.22 has that hole")
def test_a_session_of_a_server_that_asks_nothing_opens_no_other(usher, tmp_path):
    """CVE-2025-23419: a session made with one server may not be resumed with one that verifies."""
    def one(name, how, ca):
        return (f"server {{ {LISTEN} server_name {name}; {PAIR} ssl_verify_client {how};"
                f"ssl_client_certificate {ca}; {SAYS} }}")
    p = usher(one("a.example", "optional_no_ca", "ca.crt") + one("b.example", "on", "clients.crt"), files=files())
    for version in (TLS12, TLS13):
        ctx = context(leaf=STRANGER, directory=tmp_path, version=version)
        with connect_tls(p, "a.example", ctx) as c:
            assert c.get(host="a.example").status == 200
            session = c.sock.session
        with connect_tls(p, "b.example", ctx, session=session) as c:
            assert not c.sock.session_reused
            assert c.get(host="b.example").status == 400


def test_plain_ports_of_the_server_ask_for_nothing(usher):
    p = usher(https(f"ssl_verify_client on; ssl_client_certificate clients.crt; {SAYS}",
                    listen=LISTEN + " listen 127.0.0.1:%%PORT2%%;"), files=files())
    assert get(p.ports["PORT2"]).status == 200
