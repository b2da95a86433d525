"""aio and directio: files that the page cache does not have, by every way to a client; and what goes wrong on the way."""
import hashlib
import os
import socket

import pytest

import h2client
from client import TIMEOUT, connect, get
from proxy import session_pids
from tls_client import PAIR, connect_tls, context, site_files
from wait import until

SIZE = 400_001
BIG = b"".join(hashlib.sha256(str(i).encode()).digest() for i in range(SIZE // 32 + 1))[:SIZE]
WAYS = {"aio": "aio on;", "direct": "directio 4k;", "cached": "aio threads; directio 300k; open_file_cache max=9;",
        "small": "aio threads; output_buffers 1 4k;", "large": "directio 1; output_buffers 2 100k;",
        "sub": "aio threads; directio 4k; sub_filter_types *; sub_filter 'no such text anywhere' x;"}
LOCATIONS = "".join(f"location /{name}/ {{ {rows} alias files/; }}\n" for name, rows in WAYS.items())


def chill(p, name="files/big"):
    """Out of the page cache, as far as the kernel obeys."""
    fd = os.open(p.prefix / name, os.O_RDONLY)
    os.fsync(fd)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(fd)


def descriptors(p):
    """Of the worker, but for sockets, which come and go."""
    found = []
    for pid in session_pids(p.pid):
        for fd in os.listdir(f"/proc/{pid}/fd"):
            try:
                found.append(os.readlink(f"/proc/{pid}/fd/{fd}"))
            except OSError:
                pass
    return [name for name in found if name.endswith("/files/big")]


def test_cold_files(usher):
    p = usher(f"server {{ listen 127.0.0.1:%%PORT%%; listen 127.0.0.1:%%PORT2%% ssl http2; {PAIR} {LOCATIONS} }}",
              files={**site_files(), "files/big": BIG, "files/little": b"little"})
    with connect(p.port) as c, connect_tls(p.ports["PORT2"]) as tls:
        h2 = h2client.H2(context(alpn=["h2"]).wrap_socket(socket.create_connection(("127.0.0.1", p.ports["PORT2"]), TIMEOUT)))
        for way in WAYS:
            for client in (c, tls, h2):
                chill(p)
                assert client.get(f"/{way}/big").body == BIG, way
            chill(p)
            if way != "sub":
                assert c.get(f"/{way}/big", headers={"Range": "bytes=70001-300000"}).body == BIG[70001:300001], way
            assert c.get(f"/{way}/little").body == b"little"
            c.request(f"/{way}/big", "HEAD")
            assert c.recv_response(head=True).status == 200


@pytest.mark.parametrize("way", ["aio", "direct", "cached"])
def test_a_client_that_goes_leaves_nothing_open(usher, way):
    p = usher(f"server {{ listen 127.0.0.1:%%PORT%%; {LOCATIONS} }}", files={"files/big": BIG * 8}, main="worker_processes 1;")
    for _ in range(5):
        chill(p)
        with connect(p.port) as c:
            c.request(f"/{way}/big")
            c.recv_some()
            c.reset()
    assert get(p.port, f"/{way}/big").body == BIG * 8
    until(lambda: len(descriptors(p)) <= (way == "cached"), "closed files")


@pytest.mark.usher_only("the words of a cut are usher's")
@pytest.mark.parametrize("way", ["aio", "direct"])
def test_a_file_that_is_cut_while_it_is_sent(usher, way):
    p = usher(f"server {{ listen 127.0.0.1:%%PORT%%; {LOCATIONS} }}", files={"files/big": BIG * 60}, may_log="truncated")
    with connect(p.port) as c:
        c.request(f"/{way}/big")
        head = c.recv_head()
        os.truncate(p.prefix / "files/big", 100_000)
        assert head.status == 200
        assert len(c.recv_until_closed()) < SIZE * 60
    p.wait_log(r"\[alert\].* a file was truncated while it was read, client: ")
    assert get(p.port, f"/{way}/big").body == BIG[:100_000]


WRONG = [
    ("aio maybe;", '"aio" directive invalid value'), ("aio threads=none;", 'unknown thread pool "none"'), ("aio threads=;", 'unknown thread pool ""'),
    ("aio threads=$none;", 'unknown "none" variable'), ("aio on off;", 'invalid number of arguments in "aio" directive'),
    ("directio x;", '"directio" directive invalid value'), ("directio 4m; directio off;", '"directio" directive is duplicate'),
    ("directio_alignment x;", '"directio_alignment" directive invalid value'), ("output_buffers 0 1k;", '"output_buffers" directive invalid value'),
    ("output_buffers 1 0;", '"output_buffers" directive invalid value'), ("read_ahead x;", '"read_ahead" directive invalid value'),
    ("if ($host) { aio on; }", '"aio" directive is not allowed here'),
]
WRONG_POOLS = [("a threads=0", 'invalid threads value "threads=0"'), ("b threads=x", 'invalid threads value "threads=x"'),
               ("c max_queue=3", '"thread_pool" must have "threads" parameter'), ("d threads=2 max_queue=-1", 'invalid max_queue value "max_queue=-1"'),
               ("e threads=2 x=1", 'invalid parameter "x=1"'), ("f", 'invalid number of arguments in "thread_pool" directive')]


@pytest.mark.usher_only("-t of usher tells all at once")
def test_mistakes_are_told(usher):
    pools = "".join(f"thread_pool {words};\n" for words, _ in WRONG_POOLS) + "thread_pool g threads=1; thread_pool g threads=2;\n"
    text = "".join(f"server {{ listen 127.0.0.1:%%PORT%%; server_name s{i}; {line} }}\n" for i, (line, _) in enumerate(WRONG))
    told = usher(text, main=pools, start=False, may_log="emerg").run("-t").stderr
    expected = WRONG + WRONG_POOLS + [("", 'duplicate thread pool "g"')]
    assert [words for _, words in expected if words not in told] == [], told
