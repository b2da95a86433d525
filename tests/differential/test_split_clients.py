"""split_clients: the same key falls into the same share."""
import pytest

SHARES = {
    "documented": '0.5% .one; 2.0% .two; * "";',
    "halves": "50% a; 50% b;",
    "many": "10% 0; 10% 1; 10% 2; 10% 3; 10% 4; 10% 5; 10% 6; 10% 7; 10% 8; 10% 9;",
    "hundredths": "33.33% a; 33.33% b; 33.34% c;",
    "odd-forms": ".5% a; 5.% b; 05.05% c; 12.5% d; * e;",
    "part": "30% a;",
    "rest-first": "* all;",
    "whole": "100% all; * never;",
    "literal": '50% $uri; * "${arg_a} b";',
}


@pytest.mark.parametrize("name", SHARES)
def test_shares(agree, name):
    conf = 'split_clients "$arg_a" $x { %s } server { listen 127.0.0.1:%%%%PORT%%%%; return 200 "[$x]"; }' % SHARES[name]
    agree(conf, ["/"] + [f"/?a={'k' * (i % 7)}{i}" for i in range(0, 60)])


def test_many_keys(agree):
    """Keys of every length, with every byte, in one share of a hundred each."""
    lines = "".join(f"1% {i};" for i in range(100))
    names = "".join(f"split_clients $arg_k{i} $x{i} {{ {lines} }}" for i in range(40))
    show = " ".join(f"$x{i}" for i in range(40))
    conf = names + f'server {{ listen 127.0.0.1:%%PORT%%; return 200 "{show}"; }}'
    bytes_of = [chr(33 + (i * 7 + j) % 90) for i in range(40) for j in range(40)]

    def key(n, i):
        return "".join(b for b in bytes_of[i * 11:i * 11 + n] if b not in '&#;"% ?')
    agree(conf, ["/?" + "&".join(f"k{i}={key((i + n) % 40, n)}" for i in range(40)) for n in range(12)])


def test_bytes_beyond_ascii(agree):
    conf = "split_clients $http_x $x { 25% a; 25% b; 25% c; * d; } server { listen 127.0.0.1:%%PORT%%; return 200 $x; }"
    agree(conf, [b"GET / HTTP/1.0\r\nX: " + bytes([0x80 + i, 0xff - i, 0xe9] * (i % 3 + 1)) + b"\r\n\r\n" for i in range(24)])


def test_in_a_root(agree):
    agree("split_clients $arg_a$uri $x { 40% one; * two; } server { listen 127.0.0.1:%%PORT%%; location / { alias html/$x/; index f; } }",
          [f"/f?a={i}" for i in range(8)], files={"html/one/f": "1", "html/two/f": "2"})
