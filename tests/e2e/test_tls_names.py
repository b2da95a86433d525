"""Which server and which certificate a client's hello gets: SNI, pairs of keys, variables."""
import ssl

import pytest

from proxy import IS_NGINX
from tls_client import (CA, LISTEN, TLS12, TLS13, connect_tls, context, get_tls, name_presented,
                        s_client)
from wait import until


def server(name, extra="", listen=LISTEN, cert=None):
    pair = f"ssl_certificate {cert}.crt; ssl_certificate_key {cert}.key;" if cert else ""
    return (f"server {{ {listen} server_name {name}; {pair} {extra} "
            f"location / {{ return 200 $server_name; }} }}\n")


def leafs(*names):
    files = {"ca.crt": CA.cert}
    for name in names:
        leaf = CA.issue(name)
        files |= {f"{name}.crt": leaf.chain, f"{name}.key": leaf.key}
    return files


@pytest.fixture
def many(usher):
    return usher(
        server("_", listen=LISTEN.replace("ssl", "ssl default_server"), cert="fallback") +
        server("a.example", cert="a.example") + server("*.b.example", cert="wild") +
        server("c.*", cert="c") + server(r"~^d\d+\.example$", cert="d"),
        files=leafs("fallback", "a.example", "wild", "c", "d"))


@pytest.mark.parametrize("sni, cert", [
    ("a.example", "a.example"), ("A.Example", "a.example"), ("x.b.example", "wild"),
    ("x.y.b.example", "wild"), ("b.example", "fallback"), ("c.net", "c"), ("d12.example", "d"),
    ("dx.example", "fallback"), ("unknown", "fallback"), (None, "fallback")])
def test_the_certificate_is_the_named_servers(many, sni, cert):
    assert name_presented(many, sni) == cert


def test_the_request_goes_by_its_host(many):
    with connect_tls(many, "a.example") as c:
        assert c.get(host="a.example").text == "a.example"
        assert c.get(host="x.b.example").text == "*.b.example"


def test_a_server_without_certificate_has_the_default_ones(usher):
    p = usher(server("a.example", cert="a.example") + server("b.example"), files=leafs("a.example"))
    assert name_presented(p, "b.example") == "a.example"
    assert get_tls(p, name="b.example").text == "b.example"


@pytest.mark.usher_only("nginx asks what the default server asks")
def test_a_server_without_certificate_keeps_its_settings(usher):
    p = usher(server("a.example", cert="a.example") +
              server("b.example", "ssl_verify_client on; ssl_client_certificate ca.crt; "
                     "ssl_protocols TLSv1.2;"), files=leafs("a.example"))
    with connect_tls(p, "b.example") as c:
        assert c.sock.version() == "TLSv1.2"
        assert "No required SSL certificate" in c.get(host="b.example").text


def test_unknown_names_may_be_rejected(usher):
    p = usher(f"server {{ {LISTEN} ssl_reject_handshake on; }}" + server("a.example", cert="a.example"),
              files=leafs("a.example"))
    assert get_tls(p, name="a.example").text == "a.example"
    for name in ("other.example", None):
        with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
            connect_tls(p, name)
    assert get_tls(p, name="a.example").text == "a.example"


def test_protocols_are_those_of_the_named_server(usher):
    p = usher(server("a.example", "ssl_protocols TLSv1.2 TLSv1.3;", cert="a.example") +
              server("old.example", "ssl_protocols TLSv1.2;", cert="a.example") +
              server("new.example", "ssl_protocols TLSv1.3;", cert="a.example"), files=leafs("a.example"))
    with connect_tls(p, "a.example") as c:
        assert c.sock.version() == "TLSv1.3"
    if IS_NGINX:  # protocols are the default server's there
        return
    with connect_tls(p, "old.example") as c:
        assert c.sock.version() == "TLSv1.2"
    with pytest.raises(ssl.SSLError):
        connect_tls(p, "new.example", context(version=TLS12))


def test_rsa_and_ecdsa_side_by_side(usher):
    rsa, ec = CA.issue("a.example", kind="rsa"), CA.issue("a.example")
    p = usher(server("a.example", "ssl_certificate rsa.crt; ssl_certificate_key rsa.key;"
                     "ssl_certificate ec.crt; ssl_certificate_key ec.key;"),
              files={"rsa.crt": rsa.chain, "rsa.key": rsa.key, "ec.crt": ec.chain, "ec.key": ec.key})
    for cipher in ("ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"):
        ctx = context(version=TLS12)
        ctx.set_ciphers(cipher)
        with connect_tls(p, ctx=ctx) as c:
            assert c.sock.cipher()[0] == cipher


def test_an_rsa_site_serves_many_handshakes(usher):
    leaf = CA.issue("a.example", kind="rsa")
    p = usher(server("a.example", cert="r"), files={"r.crt": leaf.chain, "r.key": leaf.key})
    for i in range(20):
        ctx = context(version=TLS12 if i % 2 else None)
        assert get_tls(p, ctx=ctx).text == "a.example"


def test_ciphers_without_forward_secrecy_are_off(usher):
    leaf = CA.issue("a.example", kind="rsa")
    p = usher(server("a.example", cert="r"), files={"r.crt": leaf.chain, "r.key": leaf.key})
    ctx = context(version=TLS12)
    ctx.set_ciphers("AES128-GCM-SHA256")
    if IS_NGINX:
        return
    with pytest.raises(ssl.SSLError):
        connect_tls(p, ctx=ctx)
    p.wait_log(r"\[info\].*no shared cipher\) while SSL handshaking, client: 127.0.0.1, "
               rf"server: 127.0.0.1:{p.port}")


def test_the_servers_order_of_ciphers_and_curves(usher):
    p = usher(server("a.example", "ssl_protocols TLSv1.2; ssl_prefer_server_ciphers on; "
                     "ssl_ciphers ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256; "
                     "ssl_ecdh_curve secp384r1; "
                     "location = /curve { return 200 $ssl_curve; }", cert="a.example"),
              files=leafs("a.example"))
    ctx = context()
    ctx.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305")
    with connect_tls(p, ctx=ctx) as c:
        assert c.sock.cipher()[0] == "ECDHE-ECDSA-CHACHA20-POLY1305"
        assert c.get("/curve").text == "secp384r1"


def test_conf_command(usher):
    p = usher(server("a.example", "ssl_protocols TLSv1.3; "
                     "ssl_conf_command Ciphersuites TLS_CHACHA20_POLY1305_SHA256;", cert="a.example"),
              files=leafs("a.example"))
    with connect_tls(p) as c:
        assert c.sock.cipher()[0] == "TLS_CHACHA20_POLY1305_SHA256"


def test_keys_with_passwords(usher):
    leaf = CA.issue("a.example")
    p = usher("ssl_password_file pass;" + server("a.example", cert="a"), files={
        "a.crt": leaf.chain, "a.key": leaf.encrypted_key("second"), "pass": b"first\nsecond\n"})
    assert get_tls(p).text == "a.example"


def test_dhe_needs_parameters(usher):
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import dh
    parameters = dh.DHParameterNumbers(int(FFDHE2048, 16), 2).parameters().parameter_bytes(
        serialization.Encoding.PEM, serialization.ParameterFormat.PKCS3)
    leaf = CA.issue("a.example", kind="rsa")
    files = {"r.crt": leaf.chain, "r.key": leaf.key, "dh": parameters}
    ctx = context(version=TLS12)
    ctx.set_ciphers("DHE-RSA-AES128-GCM-SHA256")
    p = usher(server("a.example", cert="r"), files=files)
    with pytest.raises(ssl.SSLError):
        connect_tls(p, ctx=ctx)
    p.reload(server("a.example", "ssl_dhparam dh;", cert="r"))
    def dhe():
        with connect_tls(p, ctx=ctx) as c:
            return c.sock.cipher()[0] == "DHE-RSA-AES128-GCM-SHA256"
    until(dhe, "DHE")


# --- names with variables ---

def variables(extra=""):
    return (f"server {{ {LISTEN} {extra} ssl_certificate certs/$ssl_server_name.crt; "
            "ssl_certificate_key certs/$ssl_server_name.key; location / { return 200 fine; } }")


def put(p, name, leaf=None):
    leaf = leaf or CA.issue(name)
    for end, data in (("crt", leaf.chain), ("key", leaf.key)):
        path = p.write(f"certs/{name}.{end}", data)
        path.chmod(0o644)
        path.parent.chmod(0o755)


def test_certificates_are_found_by_name_at_the_handshake(usher):
    p = usher(variables())
    put(p, "a.example")
    put(p, "b.example")
    assert name_presented(p, "a.example") == "a.example"
    assert name_presented(p, "b.example") == "b.example"
    with pytest.raises((ssl.SSLError, OSError)):
        connect_tls(p, "c.example")
    p.wait_log(r'\[error\].*cannot load certificate "[^"]*certs/c.example.crt": .*No such file or '
               r'directory.* while SSL handshaking, client: 127.0.0.1, server: 127.0.0.1:')
    put(p, "c.example")
    assert name_presented(p, "c.example") == "c.example"


def test_a_new_file_is_presented_at_once(usher):
    p = usher(variables())
    put(p, "a.example", CA.issue("first", names=["a.example"]))
    assert name_presented(p, "a.example") == "first"
    put(p, "a.example", CA.issue("second", names=["a.example"]))
    assert name_presented(p, "a.example") == "second"


@pytest.mark.usher_only("since nginx 1.27")
def test_the_cache_keeps_what_was_read(usher):
    p = usher(variables("ssl_certificate_cache max=2 inactive=1h valid=1h;"))
    for name in ("a", "b", "c"):
        put(p, f"{name}.example", CA.issue("old", names=[f"{name}.example"]))
        assert name_presented(p, f"{name}.example") == "old"
        put(p, f"{name}.example", CA.issue("new", names=[f"{name}.example"]))
    assert [name_presented(p, f"{n}.example") for n in "cba"] == ["old", "old", "new"]


@pytest.mark.usher_only("since nginx 1.27")
def test_the_cache_looks_anew_when_its_time_is_over(usher):
    p = usher(variables("ssl_certificate_cache max=10 inactive=1h valid=50ms;"))
    put(p, "a.example", CA.issue("old", names=["a.example"]))
    assert name_presented(p, "a.example") == "old"
    put(p, "a.example", CA.issue("new", names=["a.example"]))
    until(lambda: name_presented(p, "a.example") == "new", "the new certificate")


@pytest.mark.usher_only("nginx has no variables here that hold a PEM without a map")
def test_certificates_may_stand_in_the_text(usher):
    leaf = CA.issue("a.example")
    p = usher(f'server {{ {LISTEN} ssl_certificate "data:{leaf.chain.decode()}"; '
              f'ssl_certificate_key "data:{leaf.key.decode()}"; location / {{ return 200 fine; }} }}')
    assert get_tls(p).text == "fine"


def test_a_hostile_name_reaches_no_file(usher):
    p = usher(variables())
    put(p, "a.example")
    for name in ("../certs/a.example", "..", "/etc/passwd", "a" * 300):
        with pytest.raises((ssl.SSLError, OSError, ValueError, UnicodeError)):
            connect_tls(p, name)
    said = s_client(p.port, "-servername", "../../a.example")
    assert "BEGIN CERTIFICATE" not in said
    assert name_presented(p, "a.example") == "a.example"


def test_tls_1_3_is_spoken_by_default(usher):
    p = usher(server("a.example", cert="a.example", extra="ssl_protocols TLSv1.2 TLSv1.3;"),
              files=leafs("a.example"))
    with connect_tls(p, ctx=context(version=TLS13)) as c:
        assert c.sock.version() == "TLSv1.3"


FFDHE2048 = """
FFFFFFFFFFFFFFFFADF85458A2BB4A9AAFDC5620273D3CF1D8B9C583CE2D3695A9E13641146433FBCC939DCE249B3EF9
7D2FE363630C75D8F681B202AEC4617AD3DF1ED5D5FD65612433F51F5F066ED0856365553DED1AF3B557135E7F57C935
984F0C70E0E68B77E2A689DAF3EFE8721DF158A136ADE73530ACCA4F483A797ABC0AB182B324FB61D108A94BB2C8E3FB
B96ADAB760D7F4681D4F42A3DE394DF4AE56EDE76372BB190B07A7C8EE0A6D709E02FCE1CDF7E2ECC03404CD28342F61
9172FE9CE98583FF8E4F1232EEF28183C3FE3B1B4C6FAD733BB5FCBC2EC22005C58EF1837D1683B2C6F34A26C1B2EFFA
886B423861285C97FFFFFFFFFFFFFFFF""".replace("\n", "")
