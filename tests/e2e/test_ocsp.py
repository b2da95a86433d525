"""OCSP: responses stapled to the server's certificate, and questions about clients' (RFC 6960)."""
import base64
import re
import socket
import subprocess
import urllib.parse

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.x509 import ocsp

from certs import Authority, client_context, self_signed
from origin import reply
from wait import until

pytestmark = pytest.mark.usher_only

CA = Authority()
CA_DER = serialization.Encoding.DER


def responder(origin, answer):
    """A responder that says answer(), whatever it is asked; keeps the questions."""
    def script(conn, request):
        said = answer()
        return said if said[:5] == b"HTTP/" else reply(said, Content_Type="application/ocsp-response")
    return origin(script)


def question_of(request):
    """The serial number that a GET asks about."""
    path = request.head.split()[1].decode()
    der = base64.b64decode(urllib.parse.unquote(path.rpartition("/")[2]))
    return ocsp.load_der_ocsp_request(der).serial_number


def stapling(more=""):
    return ("server { listen 127.0.0.1:%%PORT%% ssl; server_name a.example; ssl_certificate a.crt; "
            f"ssl_certificate_key a.key; ssl_stapling on; {more} return 200 fine; }}")


def site_files(leaf):
    return {"a.crt": leaf.cert + CA.cert, "a.key": leaf.key, "ca.crt": CA.cert}


def stapled(proxy):
    """What openssl says of the response that came with the certificate; None: none came."""
    r = subprocess.run(["openssl", "s_client", "-status", "-connect", f"127.0.0.1:{proxy.port}",
                        "-servername", "a.example"], stdin=subprocess.DEVNULL, capture_output=True,
                       text=True, timeout=20)
    assert "OCSP response" in r.stdout, r.stdout + r.stderr
    return None if "no response sent" in r.stdout else r.stdout


def wait_stapled(proxy):
    return until(lambda: stapled(proxy), "a stapled response")


# --- the server's own ---

def test_a_response_is_fetched_and_stapled(usher, origin):
    back = responder(origin, lambda: CA.ocsp(leaf))
    leaf = CA.issue("a.example", responder=f"http://{back.address}")
    p = usher(stapling(), files=site_files(leaf))
    assert "Cert Status: good" in wait_stapled(p)
    stapled(p)
    assert len(back.requests) == 1
    assert question_of(back.requests[0]) == leaf.x509.serial_number
    p.reload()  # what is known is known to the next configuration
    assert stapled(p)
    assert len(back.requests) == 1


def test_a_responder_of_the_configuration_is_asked_instead(usher, origin):
    back = responder(origin, lambda: CA.ocsp(leaf))
    leaf = CA.issue("a.example", responder="http://127.0.0.1:1/")
    p = usher(stapling(f"ssl_stapling_responder http://{back.address}/ocsp;"), files=site_files(leaf))
    wait_stapled(p)
    assert back.requests[0].head.startswith(b"GET /ocsp/")


def test_a_response_of_a_file_is_stapled(usher):
    leaf = CA.issue("a.example")
    p = usher(stapling("ssl_stapling_file a.ocsp;"),
              files={**site_files(leaf), "a.ocsp": CA.ocsp(leaf)})
    assert "Cert Status: good" in stapled(p)


def test_an_issuer_may_be_among_the_trusted(usher, origin):
    back = responder(origin, lambda: CA.ocsp(leaf, signer=CA.issue_responder()))
    leaf = CA.issue("a.example", responder=f"http://{back.address}")
    p = usher(stapling("ssl_trusted_certificate ca.crt; ssl_stapling_verify on;"),
              files={**site_files(leaf), "a.crt": leaf.cert})
    wait_stapled(p)


@pytest.mark.parametrize("verify, answered", [("on", False), ("off", True)])
def test_verify_wants_the_issuer_to_be_trusted(usher, origin, verify, answered):
    back = responder(origin, lambda: CA.ocsp(leaf))
    leaf = CA.issue("a.example", responder=f"http://{back.address}")
    p = usher(stapling(f"ssl_trusted_certificate other.crt; ssl_stapling_verify {verify};"),
              files={**site_files(leaf), "other.crt": Authority("Other").cert})
    if answered:
        wait_stapled(p)
    else:
        stapled(p)
        p.wait_log("OCSP_basic_verify.. failed")
        assert stapled(p) is None


@pytest.mark.parametrize("make, sentence", [
    (lambda leaf: CA.ocsp(leaf, status=ocsp.OCSPCertStatus.REVOKED), 'certificate status "revoked" in the OCSP'),
    (lambda leaf: CA.ocsp(leaf, status=ocsp.OCSPCertStatus.UNKNOWN), 'certificate status "unknown" in the OCSP'),
    (lambda leaf: CA.ocsp(leaf, hours=(-48, -24)), r"OCSP_check_validity\(\) failed .*status expired"),
    (lambda leaf: CA.ocsp(leaf, signer=self_signed("x")), r"OCSP_basic_verify\(\) failed"),
    (lambda leaf: CA.ocsp(leaf, signer=CA.issue("x")), r"OCSP_basic_verify\(\) failed"),
    (lambda leaf: CA.ocsp(CA.issue("b.example")), "certificate status not found in the OCSP response"),
    (lambda leaf: ocsp.OCSPResponseBuilder.build_unsuccessful(
        ocsp.OCSPResponseStatus.TRY_LATER).public_bytes(CA_DER), r"OCSP response not successful \(3: trylater"),
    (lambda leaf: b"nonsense", r"d2i_OCSP_RESPONSE\(\) failed"),
    (lambda leaf: b"", r"d2i_OCSP_RESPONSE\(\) failed"),
    (lambda leaf: b"x" * (1 << 20), "OCSP responder sent too big response"),
    (lambda leaf: reply(b"no", status="500 Internal Server Error"), "OCSP responder sent status 500"),
    (lambda leaf: b"HTTP/0.9 nonsense\r\n\r\n", "OCSP responder sent invalid response"),
    (lambda leaf: b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", r"recv\(\) failed \(104: "),
])
def test_what_is_not_good_is_logged_and_not_stapled(usher, origin, make, sentence):
    said = []

    def script(conn, request):
        conn.send(said[0] if said[0][:5] == b"HTTP/" else reply(said[0]))
        conn.close()
    back = origin(script)
    leaf = CA.issue("a.example", responder=f"http://{back.address}")
    said.append(make(leaf))
    p = usher(stapling(), files=site_files(leaf))
    assert stapled(p) is None
    p.wait_log(rf'\[error\] .*{sentence}.* while requesting certificate status, certificate: "\S+a.crt"')
    assert stapled(p) is None


def test_a_responder_that_cannot_be_reached_is_logged(usher, refusing):
    leaf = CA.issue("a.example", responder=f"http://{refusing()}/")
    p = usher(stapling(), files=site_files(leaf))
    assert stapled(p) is None
    p.wait_log(r"connect\(\) failed \(111: Connection refused\), responder: http://127")


def test_a_responder_that_is_silent_holds_no_shutdown_back(usher, origin):
    back = origin(lambda conn, request: conn.recv_some())
    leaf = CA.issue("a.example", responder=f"http://{back.address}")
    p = usher(stapling(), files=site_files(leaf))
    assert stapled(p) is None
    back.wait_requests(1)
    p.stop()


@pytest.mark.parametrize("chain, url, sentence", [
    (True, None, r'"ssl_stapling" ignored, no OCSP responder URL in the certificate "\S+a.crt"'),
    (False, "http://a/", r'"ssl_stapling" ignored, issuer certificate not found for certificate "\S+a.crt"'),
    (True, "https://a/", r'"ssl_stapling" ignored, invalid URL prefix in OCSP responder "https://a/"'),
])
def test_what_cannot_be_stapled_is_a_warning(usher, chain, url, sentence):
    leaf = CA.issue("a.example", responder=url)
    files = {**site_files(leaf), "a.crt": leaf.cert + (CA.cert if chain else b"")}
    r = usher(stapling(), start=False, files=files).run("-t")
    assert r.returncode == 0 and re.search(rf"\[warn\] {sentence} .*in \S+:\d+", r.stderr), r.stderr


# --- clients' ---

CLIENTS = Authority("Clients")


def asking(more):
    return ("server { listen 127.0.0.1:%%PORT%% ssl; server_name a.example; ssl_certificate a.crt; "
            "ssl_certificate_key a.key; ssl_client_certificate clients.crt; ssl_verify_depth 3; "
            f"ssl_verify_client on; {more} return 200 $ssl_client_verify; }}")


def client_files():
    return {**site_files(CA.issue("a.example")), "clients.crt": CLIENTS.cert}


def ask(proxy, leaf):
    """Status and body of an answer to a client with that certificate."""
    with socket.create_connection(("127.0.0.1", proxy.port), 5) as raw:
        context = client_context(leaf=leaf, directory=proxy.prefix)
        with context.wrap_socket(raw, server_hostname="a.example") as s:
            s.sendall(b"GET / HTTP/1.0\r\nHost: a.example\r\n\r\n")
            said = b""
            while more := s.recv(65536):
                said += more
    head, _, body = said.partition(b"\r\n\r\n")
    return int(head.split()[1]), body.decode()


def test_a_revoked_client_is_refused(usher, origin):
    ca = Authority("Clients")
    back = responder(origin, lambda: ca.ocsp(asked[-1]))
    url = f"http://{back.address}/"
    good, bad = ca.issue("good", responder=url), ca.issue("bad", responder=url)
    ca.revoke(bad)
    p = usher(asking("ssl_ocsp on;"), files={**client_files(), "clients.crt": ca.cert})
    asked = [good]
    assert ask(p, good) == (200, "SUCCESS")
    asked.append(bad)
    status, body = ask(p, bad)
    assert status == 400 and "The SSL certificate error" in body
    p.wait_log(r"client SSL certificate verify error: \(23:certificate revoked\)")
    assert [question_of(r) for r in back.requests] == [x.x509.serial_number for x in asked]


@pytest.mark.parametrize("mode, questions", [("on", 2), ("leaf", 1)])
def test_the_whole_chain_is_asked_about_or_the_leaf(usher, origin, mode, questions):
    between = CLIENTS.intermediate("Between")
    back = origin(lambda conn, request: reply(
        between.ocsp(leaf) if question_of(request) == leaf.x509.serial_number else CLIENTS.ocsp(above)))
    leaf = between.issue("client")

    class above:
        x509 = between.x509
    p = usher(asking(f"ssl_ocsp {mode}; ssl_ocsp_responder http://{back.address};"), files=client_files())
    assert ask(p, leaf) == (200, "SUCCESS")
    assert len(back.requests) == questions


def test_answers_are_cached_while_they_hold(usher, origin):
    back = responder(origin, lambda: CLIENTS.ocsp(leaf))
    leaf = CLIENTS.issue("client", responder=f"http://{back.address}")
    conf = asking("ssl_ocsp on; ssl_ocsp_cache shared:ocsp:64k;")
    p = usher(conf, files=client_files())
    for _ in range(3):
        assert ask(p, leaf)[0] == 200
    p.reload(conf + "# \n")
    assert ask(p, leaf)[0] == 200
    assert len(back.requests) == 1


def test_without_a_cache_each_handshake_asks(usher, origin):
    back = responder(origin, lambda: CLIENTS.ocsp(leaf))
    leaf = CLIENTS.issue("client", responder=f"http://{back.address}")
    p = usher(asking("ssl_ocsp on;"), files=client_files())
    for _ in range(2):
        assert ask(p, leaf)[0] == 200
    assert len(back.requests) == 2


def test_who_cannot_be_asked_about_is_refused(usher, origin, refusing):
    p = usher(asking("ssl_ocsp on;"), files=client_files())
    assert ask(p, CLIENTS.issue("client", responder=f"http://{refusing()}/"))[0] == 400
    p.wait_log(r"\[error\] .*connect\(\) failed .*, responder: http://.* while SSL handshaking, client: ")
    assert ask(p, CLIENTS.issue("client"))[0] == 400
    p.wait_log("no OCSP responder URL in the client's certificate")
    back = responder(origin, lambda: b"nonsense")
    assert ask(p, CLIENTS.issue("client", responder=f"http://{back.address}"))[0] == 400


def test_a_client_without_a_certificate_is_asked_nothing(usher, origin):
    back = origin(reply(b""))
    p = usher(asking(f"ssl_ocsp on; ssl_ocsp_responder http://{back.address};").replace(
        "ssl_verify_client on", "ssl_verify_client optional"), files=client_files())
    assert ask(p, None) == (200, "NONE")
    assert not back.requests


@pytest.mark.parametrize("text, sentence", [
    ("ssl_ocsp_responder ftp://a/;", 'invalid URL prefix in OCSP responder "ftp://a/"'),
    ("ssl_ocsp_cache nonsense;", 'invalid OCSP cache "nonsense"'),
    ("ssl_ocsp_cache shared:a:1k;", 'OCSP cache "shared:a:1k" is too small'),
    ("ssl_ocsp on; ssl_verify_client optional_no_ca;",
     '"ssl_ocsp" is incompatible with "ssl_verify_client optional_no_ca"'),
])
def test_what_makes_no_sense_is_refused(usher, text, sentence):
    conf = asking(text).replace("ssl_verify_client on;", "") if "optional_no_ca" in text else asking(text)
    r = usher(conf, start=False, files=client_files()).run("-t")
    assert r.returncode == 1 and sentence in r.stderr, r.stderr
