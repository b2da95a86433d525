"""aio, directio, directio_alignment, output_buffers, read_ahead: however a file is read, its bytes are the same."""
import os
import random

import pytest

TIME = 1_700_000_000
SIZES = (0, 1, 511, 512, 513, 4095, 4096, 4097, 65536, 65537, 300_001)
letters = random.Random(7)
FILES = {f"html/{n}.txt": bytes(letters.choices(b"abcdefghij klm\n", k=n)) for n in SIZES}
WAYS = {
    "aio": "aio threads;",
    "named": "aio threads=mine; output_buffers 1 4k;",
    "odd": "aio threads; output_buffers 3 5000;",
    "direct": "directio 4k;",
    "all": "directio 1; output_buffers 1 8k;",
    "both": "aio threads; directio 512; directio_alignment 4k; output_buffers 2 32k;",
    "sendfile": "sendfile on; aio threads; directio 64k; output_buffers 1 1m;",
    "cached": "open_file_cache max=100; aio threads; directio 4k; output_buffers 1 8k;",
    "off": "aio off; directio off; read_ahead 512k; sendfile on;",
    "sub": "aio threads; directio 4k; output_buffers 1 8k; sub_filter_types *; sub_filter_once off; sub_filter 'ab' '<AB>'; sub_filter 'cde' '';",
    "add": "directio 1; addition_types *; add_before_body /aio/513.txt; add_after_body /both/65537.txt;",
    "gzip": "aio threads; directio 4k; gzip on; gzip_types *; gzip_min_length 1;",
    "rate": "aio threads; directio 4k; limit_rate 100m; limit_rate_after 1k;",
}
CONF = ("types { text/html html; text/plain txt; } server { listen 127.0.0.1:%%PORT%%; server_name localhost; aio off;"
        + "".join(f"location /{name}/ {{ {rows} alias html/; }}\n" for name, rows in WAYS.items()) + "}")


def dated(prefix):
    for path in (prefix / "html").iterdir():
        os.utime(path, (TIME, TIME))


@pytest.fixture(scope="module")
def both(pair):
    return pair(CONF, files=FILES, before=dated, main="thread_pool mine threads=2 max_queue=100;")


def each(both, *requests):
    for request in requests:
        both.agree(request)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", SIZES)
def test_whole(both, way, size):
    each(both, f"/{way}/{size}.txt", f"HEAD /{way}/{size}.txt")


RANGES = ["0-0", "0-", "-1", "511-512", "4090-4100", "4096-8191", "65530-65545", "70000-90000", "299999-", "300000-300000", "300001-", "-999999",
          "0-0,4095-4097,299990-", "0-99999,200000-299999", "8192-8192,1-2", "500-600,400-500"]


@pytest.mark.parametrize("way", [w for w in WAYS if w not in ("gzip", "sub", "add")])
def test_ranges(both, way):
    each(both, *(f"/{way}/300001.txt\nRange: bytes={r}" for r in RANGES))


@pytest.mark.parametrize("way", ["aio", "both", "cached"])
def test_validators(both, way):
    same = "Tue, 14 Nov 2023 22:13:20 GMT"
    each(both, f"/{way}/65537.txt\nIf-Modified-Since: {same}", f"/{way}/65537.txt\nIf-Range: {same}\nRange: bytes=4096-5000",
         f"/{way}/65537.txt\nIf-Range: {same[:-5]}1 GMT\nRange: bytes=1-2", f"POST /{way}/65537.txt\nContent-Length: 0", f"/{way}/none.txt")
