"""Certificates as a concern of their own: what is told of them, broken ones, files that change."""
import os
import re
import socket
import ssl

import pytest

from certs import Authority, client_context, self_signed
from wait import until

pytestmark = pytest.mark.usher_only

CA = Authority()
A = CA.issue("a.example")
B = CA.issue("b.example")


def site(name, directives="", listen=""):
    return (f"server {{ listen 127.0.0.1:%%PORT%% ssl {listen}; server_name {name}.example; "
            f"ssl_certificate {name}.crt; ssl_certificate_key {name}.key; {directives} "
            f"location / {{ return 200 {name}; }} }}\n")


def files_of(**leaves):
    files = {}
    for name, leaf in leaves.items():
        files[f"{name}.crt"], files[f"{name}.key"] = leaf.chain + CA.cert, leaf.key
    return files


def served(proxy, name="a.example"):
    """The certificate that the server of that name presents, DER."""
    with socket.create_connection(("127.0.0.1", proxy.port), 5) as raw:
        with client_context().wrap_socket(raw, server_hostname=name) as s:
            return s.getpeercert(binary_form=True)


def told(usher, text, files):
    """What -t says, when it has no objection."""
    p = usher(text, start=False, files=files)
    r = p.run("-t")
    assert r.returncode == 0, r.stderr
    assert "[emerg]" not in r.stderr
    return re.sub(re.escape(f"{p.prefix}/"), "", r.stderr)


# --- what is told ---

def test_nothing_is_said_of_a_good_certificate(usher):
    assert "[warn]" not in told(usher, site("a"), files_of(a=A))


@pytest.mark.parametrize("leaf, sentence", [
    (CA.issue("a.example", days=(-90, -3)), r"has expired 3 days ago"),
    (CA.issue("a.example", days=(-90, 12)), r"expires in 1[12] days"),
    (CA.issue("a.example", days=(3, 90)), r"is not valid yet, not before [23] days from now"),
    (CA.issue("b.example"), r'does not name the server: "a.example"'),
    (CA.issue("a.example", names=[]), r'does not name the server: "a.example"'),
    (CA.issue("a.example", kind="rsa1024"), r"has a weak key: RSA of 1024 bits"),
])
def test_what_users_would_find_is_told_with_file_and_line(usher, leaf, sentence):
    said = told(usher, site("a"), files_of(a=leaf))
    assert re.search(rf'\[warn\] certificate "a.crt" {sentence} in usher.conf:\d+', said), said


def test_an_incomplete_chain_is_told(usher):
    leaf = CA.intermediate("Between").issue("a.example")
    files = {"a.crt": leaf.cert, "a.key": leaf.key}
    assert 'lacks the intermediate certificate of its issuer "CN=Between"' in \
        told(usher, site("a"), files)
    assert "[warn]" not in told(usher, site("a"), {**files, "a.crt": leaf.chain})


def test_a_certificate_of_many_servers_is_spoken_of_once(usher):
    soon = CA.issue("a.example", names=["a.example", "b.example"], days=(-80, 5))
    text = ("ssl_certificate a.crt; ssl_certificate_key a.key; " + "".join(
        f"server {{ listen 127.0.0.1:%%PORT%% ssl; server_name {n}.example; }}" for n in "ab"))
    assert told(usher, text, files_of(a=soon)).count("expires in") == 1


def test_warnings_are_in_the_log_at_start_and_reload(usher):
    p = usher(site("a"), files=files_of(a=CA.issue("a.example", days=(-80, 5))))
    p.wait_log(r'\[warn\] .*certificate ".*a.crt" expires in \d days in .*usher.conf:\d+')
    seen = len(p.error_log())
    p.reload()
    p.wait_log(r"\[warn\] .*expires in", seen)


# --- what is broken ---

BROKEN = [
    ({"a.crt": b"nonsense"}, r'cannot load certificate ".*a.crt": PEM_read_bio_X509_AUX\(\) failed '
     r"\(SSL: error:.*no start line"),
    ({"a.key": b"nonsense"}, r'cannot load certificate key ".*a.key": PEM_read_bio_PrivateKey\(\)'),
    ({"a.key": B.key}, r'certificate key ".*a.key" does not match certificate ".*a.crt": .*'
     r"key values mismatch"),
    ({"a.key": CA.issue("x").encrypted_key("x")}, r'cannot load certificate key ".*a.key"'),
    ({"a.crt": None}, r'cannot load certificate ".*a.crt": .* \(2: No such file or directory\)'),
]


def without(files):
    return {name: text for name, text in files.items() if text is not None}


@pytest.mark.parametrize("default", ["a", "b"])
@pytest.mark.parametrize("change, sentence", BROKEN)
def test_a_broken_certificate_is_its_own_sites_trouble(usher, change, sentence, default):
    files = without({**files_of(a=A, b=B), **change})
    text = "".join(site(n, listen="default_server" if n == default else "") for n in "ab")
    p = usher(text, files=files)
    r = p.run("-t")
    assert r.returncode == 0 and re.search(rf"\[warn\] {sentence}", r.stderr), r.stderr
    assert re.search(r'\[error\] .*server "a.example" in \S+usher.conf:\d+ has no certificate',
                     p.error_log())
    assert served(p, "b.example") == B.der
    with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
        served(p)
    p.wait_log(r"\[error\] .*server has no certificate, handshake refused while SSL handshaking")


def test_the_other_certificate_of_a_server_is_still_served(usher):
    both = site("a", "ssl_certificate rsa.crt; ssl_certificate_key rsa.key;")
    p = usher(both, files={**files_of(a=A), "rsa.crt": b"", "rsa.key": b""})
    assert served(p) == A.der


@pytest.mark.parametrize("change, sentence", BROKEN)
def test_a_certificate_that_is_broken_at_a_reload_stays_as_it_was(usher, change, sentence):
    p = usher(site("a"), files=files_of(a=A, b=B), may_log="server .* has no certificate")
    seen = len(p.error_log())
    for name, data in change.items():
        os.unlink(p.prefix / name) if data is None else replace(p, name, data)
    p.reload(site("a", "location /new { return 204; }") + site("b") + site("c"))
    p.wait_log(rf"\[warn\] .*{sentence}", seen)
    p.wait_log(r"\[error\] .*certificates are broken: what was read before stays in force", seen)
    p.wait_log(r'\[error\] .*server "c.example" in \S+usher.conf:\d+ has no certificate', seen)
    assert 'server "a.example" in' not in p.error_log()
    assert served(p) == A.der and served(p, "b.example") == B.der
    new = CA.issue("a.example")
    put_pair(p, new)
    p.reload()
    wait_served(p, new)


@pytest.mark.parametrize("change, sentence", BROKEN)
def test_strict_refuses_a_broken_certificate(usher, change, sentence):
    p = usher(site("a"), start=False, main="strict on;",
              files=without({**files_of(a=A), **change}))
    r = p.run("-t")
    assert r.returncode == 1 and re.search(rf"\[emerg\] {sentence}", r.stderr), r.stderr


def test_a_mended_certificate_is_served_after_a_reload(usher):
    p = usher(site("a"), files={**files_of(a=A), "a.key": B.key})
    p.write("a.key", A.key)
    p.reload()
    assert served(p) == A.der


def test_keys_that_only_root_may_read_are_served(usher):
    p = usher(site("a"), start=False, files=files_of(a=A))
    (p.prefix / "a.key").chmod(0o600)
    p.start()
    assert served(p) == A.der
    p.write("a.crt", files_of(a=B)["a.crt"])
    p.write("a.key", B.key)
    p.reload()
    assert served(p) == B.der


def test_the_text_printed_has_no_keys(usher):
    p = usher(site("a"), start=False, files=files_of(a=A))
    r = p.run("-T")
    assert r.returncode == 0 and "PRIVATE KEY" not in r.stdout and "CERTIFICATE" not in r.stdout


# --- files that change ---

WATCH = "ssl_certificate_watch on;"


def replace(proxy, name, data):
    """As careful programs do: all of it at once."""
    new = proxy.write(name + ".new", data)
    new.rename(proxy.prefix / name)


def put_pair(proxy, leaf, name="a"):
    for path, data in files_of(**{name: leaf}).items():
        replace(proxy, path, data)


def wait_served(proxy, leaf, name="a.example"):
    def presented():
        try:
            return served(proxy, name) == leaf.der
        except ssl.SSLError:  # none yet
            return False
    until(presented, "the new certificate")


def test_changed_files_are_taken_up_by_themselves(usher):
    p = usher(WATCH + site("a"), files=files_of(a=A))
    for n in range(2):
        new = CA.issue("a.example")
        put_pair(p, new)
        wait_served(p, new)
    assert re.search(r'\[notice\] .*reconfiguring: "\S+a\.(crt|key)" has changed', p.error_log())


def test_files_written_in_place_are_taken_up(usher):
    p = usher(site("a", WATCH), files=files_of(a=A))
    new = CA.issue("a.example")
    for name, data in files_of(a=new).items():
        p.write(name, data)
    wait_served(p, new)


def test_without_the_directive_files_wait_for_a_reload(usher):
    p = usher(site("a") + site("b", WATCH), files=files_of(a=A, b=B))
    put_pair(p, CA.issue("a.example"))
    new = CA.issue("b.example")
    put_pair(p, new, "b")
    wait_served(p, new, "b.example")
    assert served(p) == A.der


def test_links_that_lead_elsewhere_are_followed(usher):
    """As certbot: live/a/cert.pem -> ../../archive/a/cert1.pem."""
    p = usher(site("a", WATCH), start=False)
    live = p.prefix / "live"
    live.mkdir()

    def renew(n, leaf):
        for name, data in files_of(a=leaf).items():
            p.write(f"archive/{n}/{name}", data)
        for name in ("a.crt", "a.key"):
            (live / "link").symlink_to(f"../archive/{n}/{name}")
            (live / "link").rename(live / name)
    renew(1, A)
    p.configure(site("a", WATCH).replace(" a.crt", " live/a.crt").replace(" a.key", " live/a.key"))
    p.start()
    assert served(p) == A.der
    for n in (2, 3):
        new = CA.issue("a.example")
        renew(n, new)
        wait_served(p, new)


def test_a_directory_that_is_swapped_is_followed(usher):
    """As Kubernetes: certs/a.crt -> ..data/a.crt, ..data -> ..1."""
    p = usher(site("a", WATCH), start=False)
    where = p.prefix / "certs"

    def swap(n, leaf):
        for name, data in files_of(a=leaf).items():
            p.write(f"certs/..{n}/{name}", data)
        (where / "..tmp").symlink_to(f"..{n}")
        (where / "..tmp").rename(where / "..data")
    swap(1, A)
    for name in ("a.crt", "a.key"):
        (where / name).symlink_to(f"..data/{name}")
    p.configure(site("a", WATCH).replace(" a.crt", " certs/a.crt").replace(" a.key", " certs/a.key"))
    p.start()
    assert served(p) == A.der
    for n in (2, 3):
        new = CA.issue("a.example")
        swap(n, new)
        wait_served(p, new)


def test_half_a_pair_and_nonsense_change_nothing(usher):
    p = usher(site("a", WATCH), files=files_of(a=A))
    replace(p, "a.crt", b"nonsense")
    p.wait_log(r"\[error\] .*the changed files are broken: what was read before stays in force")
    assert served(p) == A.der
    new = CA.issue("a.example")
    seen = len(p.error_log())
    replace(p, "a.crt", files_of(a=new)["a.crt"])
    p.wait_log("the changed files are broken", seen)
    assert served(p) == A.der
    replace(p, "a.key", new.key)
    wait_served(p, new)


def test_a_file_that_goes_away_changes_nothing_and_one_that_comes_is_taken(usher):
    p = usher(site("a", WATCH), files=files_of(a=A))
    os.unlink(p.prefix / "a.crt")
    new = CA.issue("a.example")
    put_pair(p, new)
    wait_served(p, new)
    q = usher(site("a", WATCH) + site("b"), files=files_of(b=B))
    put_pair(q, A)
    wait_served(q, A)


def test_a_change_takes_no_half_edited_text_with_it(usher):
    p = usher(site("a", WATCH), files=files_of(a=A))
    p.configure("nonsense")
    new = CA.issue("a.example")
    put_pair(p, new)
    wait_served(p, new)
    p.configure(site("a", WATCH))


def test_a_change_in_a_crl_is_taken_up(usher):
    ca = Authority("Clients")
    leaf = ca.issue("client")
    conf = site("a", WATCH + "ssl_client_certificate ca.crt; ssl_verify_client on; ssl_crl list.pem;")
    p = usher(conf, files={**files_of(a=A), "ca.crt": ca.cert, "list.pem": ca.crl()})

    def status():
        with socket.create_connection(("127.0.0.1", p.port), 5) as raw:
            context = client_context(leaf=leaf, directory=p.prefix)
            with context.wrap_socket(raw, server_hostname="a.example") as s:
                s.sendall(b"GET / HTTP/1.0\r\nHost: a.example\r\n\r\n")
                return int(s.recv(65536).split()[1])
    assert status() == 200
    ca.revoke(leaf)
    replace(p, "list.pem", ca.crl())
    until(lambda: status() == 400, "the revocation")


def test_self_signed_certificates_need_no_chain(usher):
    leaf = self_signed("a.example")
    assert "[warn]" not in told(usher, site("a"), {"a.crt": leaf.cert, "a.key": leaf.key})


# --- other files ---

JUNK = ("SSL_CTX_load_verify_locations", "X509_LOOKUP_load_file", "PEM_read_bio_Parameters",
        "d2i_OCSP_RESPONSE_bio")


@pytest.mark.parametrize("directives, sentence", [
    ("ssl_verify_client on; ssl_client_certificate junk;", rf'\[emerg\] {JUNK[0]}\("junk"\) failed \(SSL: .*'),
    ("ssl_verify_client on; ssl_trusted_certificate junk;", rf'\[emerg\] {JUNK[0]}\("junk"\) failed \(SSL: .*'),
    ("ssl_verify_client on; ssl_client_certificate a.crt; ssl_crl junk;", rf'\[emerg\] {JUNK[1]}\("junk"\) failed .*'),
    ("ssl_dhparam junk;", rf'\[emerg\] {JUNK[2]}\("junk"\) failed \(SSL: .*'),
    ("ssl_stapling on; ssl_stapling_file junk;", rf'\[warn\] {JUNK[3]}\("junk"\) failed \(SSL: .*'),
    ("ssl_password_file none;", r'\[emerg\] open\(\) "none" failed \(2: No such file or directory\)'),
    ("ssl_session_ticket_key junk;", r'\[emerg\] "junk" must be 48 or 80 bytes'),
    ("location /x { proxy_pass https://a; proxy_ssl_verify on; proxy_ssl_trusted_certificate junk; }",
     rf'\[emerg\] {JUNK[0]}\("junk"\) failed \(SSL: .*'),
])
def test_a_file_that_is_of_no_use_is_named_with_its_line(usher, directives, sentence):
    p = usher("upstream a { server 127.0.0.1; }\n" + site("a", f"\n{directives}\n"), start=False,
              files={**files_of(a=A), "junk": "junk\n"})
    said = re.sub(re.escape(f"{p.prefix}/"), "", p.run("-t").stderr)
    assert re.search(rf"{sentence} in usher.conf:\d+$", said, re.M), said
    assert len(re.findall(r"\[(emerg|warn)\]", said)) == 1
