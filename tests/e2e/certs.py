"""Certificates of tests: an authority that issues what a test asks for, good or broken.

    ca = Authority()
    leaf = ca.issue("a.example")                      # ECDSA, 90 days
    usher(conf, files={"a.crt": leaf.chain, "a.key": leaf.key})
    old = ca.issue("a.example", days=(-90, -1))       # expired
    alone = self_signed("a.example")
    ca.revoke(leaf); files={"crl.pem": ca.crl()}
    between = ca.intermediate("between"); leaf = between.issue("a.example")   # leaf.chain has both

PEM as bytes everywhere. With ssl contexts of Python: see client_context, and Leaf.write for those
that load files only.
"""
import datetime
import functools
import ipaddress
import pathlib
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

PEM = serialization.Encoding.PEM
DER = serialization.Encoding.DER


@functools.lru_cache(maxsize=None)
def rsa_key(bits, number=0):
    """RSA keys take long to make: each size and number once a run."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def new_key(kind):
    """kind: "ecdsa", "ecdsa384", "ed25519", "rsa" (2048), "rsa1024", "rsa3072" …"""
    if kind == "ecdsa":
        return ec.generate_private_key(ec.SECP256R1())
    if kind == "ecdsa384":
        return ec.generate_private_key(ec.SECP384R1())
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa_key(int(kind[3:] or 2048))


def now():
    return datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)


KEY_USES = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
            "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")


def key_pem(key, password=None, traditional=False):
    how = serialization.BestAvailableEncryption(password.encode()) if password \
        else serialization.NoEncryption()
    form = serialization.PrivateFormat.TraditionalOpenSSL if traditional \
        else serialization.PrivateFormat.PKCS8
    return key.private_bytes(PEM, form, how)


def general_name(text):
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def subject_of(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def digest_for(key, digest):
    return None if isinstance(key, ed25519.Ed25519PrivateKey) else digest


class Leaf:
    """An issued certificate: .cert and .key (PEM bytes), .chain (with what is between it and the
    authority), .x509 and .private (objects of cryptography)."""

    def __init__(self, certificate, private, above=()):
        self.x509, self.private, self.above = certificate, private, list(above)
        self.cert = certificate.public_bytes(PEM)
        self.der = certificate.public_bytes(DER)
        self.key = key_pem(private)
        self.chain = self.cert + b"".join(c.public_bytes(PEM) for c in self.above)

    def encrypted_key(self, password, traditional=False):
        return key_pem(self.private, password, traditional)

    def write(self, directory, name):
        """NAME.crt (the chain) and NAME.key below the directory; returns both paths."""
        paths = [pathlib.Path(directory) / f"{name}.{end}" for end in ("crt", "key")]
        paths[0].write_bytes(self.chain)
        paths[1].write_bytes(self.key)
        return [str(p) for p in paths]


def build(name, names, public, issuer, days, serial=None, authority=False, usage=(), responder=None,
          signer=None):
    begin, end = (now() + datetime.timedelta(days=d) for d in days)
    b = (x509.CertificateBuilder().subject_name(subject_of(name)).issuer_name(issuer)
         .public_key(public).serial_number(serial or x509.random_serial_number())
         .not_valid_before(begin).not_valid_after(end)
         .add_extension(x509.BasicConstraints(authority, None), True)
         .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False))
    if signer:
        b = b.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False)
    if authority:
        b = b.add_extension(x509.KeyUsage(**{use: use in ("key_cert_sign", "crl_sign", "digital_signature")
                                             for use in KEY_USES}), True)
    if names:
        b = b.add_extension(x509.SubjectAlternativeName([general_name(n) for n in names]), False)
    if usage:
        b = b.add_extension(x509.ExtendedKeyUsage(usage), False)
    if responder:
        b = b.add_extension(x509.AuthorityInformationAccess([x509.AccessDescription(
            AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(responder))]), False)
    return b


def self_signed(name, names=None, kind="ecdsa", days=(-1, 90)):
    key = new_key(kind)
    b = build(name, [name] if names is None else names, key.public_key(), subject_of(name), days)
    return Leaf(b.sign(key, digest_for(key, hashes.SHA256())), key)


class Authority:
    """Issues, revokes, and answers for what it issued."""

    def __init__(self, name="Test CA", kind="ecdsa", days=(-365, 3650), above=None):
        self.private = new_key(kind)
        self.name, self.revoked = subject_of(name), {}
        signer, issuer = (above.private, above.name) if above else (self.private, self.name)
        b = build(name, None, self.private.public_key(), issuer, days, authority=True,
                  signer=signer if above else None)
        self.x509 = b.sign(signer, digest_for(signer, hashes.SHA256()))
        self.cert = self.x509.public_bytes(PEM)
        self.above = [self.x509, *above.above] if above else []

    def intermediate(self, name="Test Intermediate", **kw):
        return Authority(name, above=self, **kw)

    def issue(self, name, names=None, kind="ecdsa", days=(-1, 90), digest=None, usage=(),
              responder=None, key=None):
        """names: alternative names (addresses too); by default the name itself. [] for none."""
        key = key or new_key(kind)
        b = build(name, [name] if names is None else names, key.public_key(), self.name, days,
                  usage=usage, responder=responder, signer=self.private)
        signed = b.sign(self.private, digest_for(self.private, digest or hashes.SHA256()))
        return Leaf(signed, key, self.above)

    def issue_responder(self, name="Test OCSP"):
        """A certificate that may sign OCSP answers in this authority's place."""
        return self.issue(name, [], usage=[ExtendedKeyUsageOID.OCSP_SIGNING])

    def revoke(self, leaf):
        self.revoked[leaf.x509.serial_number] = now() - datetime.timedelta(hours=1)

    def crl(self, days=(-1, 30)):
        b = x509.CertificateRevocationListBuilder().issuer_name(self.name)
        b = b.last_update(now() + datetime.timedelta(days=days[0]))
        b = b.next_update(now() + datetime.timedelta(days=days[1]))
        for serial, when in self.revoked.items():
            b = b.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(when).build())
        return b.sign(self.private, hashes.SHA256()).public_bytes(PEM)

    def ocsp(self, leaf, hours=(-1, 24), signer=None, status=None):
        """An OCSP answer about the leaf, DER. status: ocsp.OCSPCertStatus; by default what is true."""
        when = self.revoked.get(leaf.x509.serial_number)
        if status is None:
            status = ocsp.OCSPCertStatus.REVOKED if when else ocsp.OCSPCertStatus.GOOD
        if status != ocsp.OCSPCertStatus.REVOKED:
            when = None
        begin, end = (now() + datetime.timedelta(hours=h) for h in hours)
        certificate, key = (signer.x509, signer.private) if signer else (self.x509, self.private)
        b = ocsp.OCSPResponseBuilder().add_response(
            cert=leaf.x509, issuer=self.x509, algorithm=hashes.SHA1(), cert_status=status,
            this_update=begin, next_update=end, revocation_time=when or (
                now() if status == ocsp.OCSPCertStatus.REVOKED else None), revocation_reason=None)
        b = b.responder_id(ocsp.OCSPResponderEncoding.NAME, certificate)
        if signer:
            b = b.certificates([certificate])
        return b.sign(key, hashes.SHA256()).public_bytes(DER)


def client_context(ca=None, leaf=None, directory=None, alpn=None):
    """An ssl.SSLContext that trusts the authority (None: anybody) and presents the leaf, which is
    written to the directory."""
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.check_hostname = ca is not None
    c.verify_mode = ssl.CERT_REQUIRED if ca else ssl.CERT_NONE
    if ca:
        c.load_verify_locations(cadata=ca.cert.decode())
    if leaf:
        c.load_cert_chain(*leaf.write(directory, f"client-{leaf.x509.serial_number}"))
    if alpn:
        c.set_alpn_protocols(alpn)
    return c
