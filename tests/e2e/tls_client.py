"""Clients of HTTPS for tests: Python's ssl under the strict HTTP/1 client, and the openssl program."""
import socket
import ssl
import subprocess

from certs import Authority, client_context
from client import TIMEOUT, Client
from proxy import IS_NGINX

CA = Authority()
SITE = CA.issue("a.example", names=["a.example", "*.a.example", "localhost", "127.0.0.1"])


def site_files(**more):
    """The files of a server that says PAIR."""
    return {"a.crt": SITE.chain, "a.key": SITE.key, "ca.crt": CA.cert, **more}


PAIR = " ssl_certificate a.crt; ssl_certificate_key a.key; "
if IS_NGINX:  # the default of today's nginx, and usher's
    PAIR += "ssl_protocols TLSv1.2 TLSv1.3; "
LISTEN = "listen 127.0.0.1:%%PORT%% ssl;"


def https(body="location / { return 200 fine; }", listen=LISTEN):
    """The text of one HTTPS server."""
    return f"server {{ {listen} {PAIR} {body} }}"


def context(trust=False, leaf=None, directory=None, alpn=None, version=None, **kw):
    """trust: verify the server; leaf: present it; version: ssl.TLSVersion, the only one spoken."""
    c = client_context(CA if trust else None, leaf, directory, alpn)
    if version:
        c.minimum_version = c.maximum_version = version
    for name, value in kw.items():
        setattr(c, name, value)
    return c


def connect_tls(where, name="a.example", ctx=None, session=None, ragged=True):
    """A Client over TLS to a port of 127.0.0.1 or a Proxy. ragged=False: an end without
    close_notify raises."""
    sock = socket.create_connection(("127.0.0.1", getattr(where, "port", where)), TIMEOUT)
    try:
        return Client((ctx or context()).wrap_socket(
            sock, server_hostname=name, session=session, suppress_ragged_eofs=ragged))
    except BaseException:
        sock.close()
        raise


def get_tls(where, target="/", name="a.example", ctx=None, **kw):
    with connect_tls(where, name, ctx) as c:
        return c.get(target, **{"host": name or "localhost", **kw})


def name_presented(where, name="a.example", **kw):
    """The common name of the certificate that a server presents."""
    from cryptography import x509
    with connect_tls(where, name, **kw) as c:
        leaf = x509.load_der_x509_certificate(c.sock.getpeercert(True))
    return leaf.subject.rfc4514_string().removeprefix("CN=")


def s_client(port, *args, say=b"", timeout=15):
    """What `openssl s_client` prints; `say` goes to its standard input."""
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *args],
                          input=say, capture_output=True, timeout=timeout)
    return (done.stdout + done.stderr).decode(errors="replace")


TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
