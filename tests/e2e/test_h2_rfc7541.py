"""RFC 7541: field blocks. What cannot be decoded ends the connection with COMPRESSION_ERROR."""
import pytest

from h2raw import (COMPRESSION_ERROR, HEADER_TABLE_SIZE, ENHANCE_YOUR_CALM, FRAME_SIZE_ERROR,
                   PROTOCOL_ERROR, begin, block, headers, integer, literal, request, settings,
                   text)

BLOCK = block(request())

pytestmark = pytest.mark.usher_only("nginx 1.22 judges requests by laxer rules")


@pytest.fixture
def c(h2server):
    return begin(h2server)


def works(c, fields, stream=1):
    c.send(headers(stream, fields))
    assert c.answer(stream).status == 200


def fails(c, fields, *more):
    c.say(headers(1, fields)).fails(COMPRESSION_ERROR, *more)


# --- 2.3.3, 6.1 indexes ---

def test_index_0_is_an_error(c):
    """RFC 7541 6.1"""
    fails(c, BLOCK + b"\x80")


@pytest.mark.parametrize("index", [62, 63, 126, 127, 128, 1000, 1 << 20])
def test_an_index_beyond_both_tables_is_an_error(c, index):
    """RFC 7541 2.3.3"""
    fails(c, BLOCK + integer(index, 7, 0x80))


@pytest.mark.parametrize("first, bits", [(0x40, 6), (0x00, 4), (0x10, 4)])
def test_a_names_index_beyond_both_tables_is_an_error(c, first, bits):
    """RFC 7541 2.3.3, 6.2"""
    fails(c, BLOCK + integer(62, bits, first) + text("x"))


def test_the_static_table_is_known(c):
    """RFC 7541 2.3.1, appendix A: GET, http, /."""
    works(c, b"\x82\x86\x84" + literal(":authority", "localhost"))


@pytest.mark.parametrize("index", range(15, 62))
def test_every_name_of_the_static_table_is_known(c, index):
    """RFC 7541 appendix A; those that a request may not have are malformed and no worse."""
    c.send(headers(1, BLOCK + integer(index, 4) + text("1")))
    c.wait(lambda: c.streams[1].done, "an answer").alive()


def test_the_dynamic_table_is_filled_from_its_start(c):
    """RFC 7541 2.3.2, 2.3.3: index 62 is the newest entry."""
    works(c, BLOCK + literal("x-a", "1", 0x40) + literal("x-b", "2", 0x40))
    works(c, BLOCK + b"\xbe\xbf", 3)
    c.say(headers(5, BLOCK + b"\xc0")).fails(COMPRESSION_ERROR)


def test_fields_that_are_not_indexed_enter_no_table(c):
    """RFC 7541 6.2.2, 6.2.3"""
    works(c, BLOCK + literal("x-a", "1", 0x00) + literal("x-b", "2", 0x10))
    c.say(headers(3, BLOCK + b"\xbe")).fails(COMPRESSION_ERROR)


def test_an_indexed_name_may_be_reused(c):
    """RFC 7541 6.2.1"""
    works(c, BLOCK + literal("x-name", "1", 0x40))
    works(c, BLOCK + integer(62, 6, 0x40) + text("2") + b"\xbe", 3)


# --- 4.2, 6.3 the table's size ---

@pytest.mark.parametrize("size", [0, 1, 4095, 4096])
def test_the_table_may_be_made_smaller_at_a_blocks_start(c, size):
    """RFC 7541 4.2, 6.3"""
    works(c, integer(size, 5, 0x20) + BLOCK)


@pytest.mark.parametrize("size", [1 << 20, (1 << 31) - 1])
def test_the_table_may_not_exceed_what_was_announced(c, size):
    """RFC 7541 6.3"""
    assert size > c.settings.get(HEADER_TABLE_SIZE, 4096)
    fails(c, integer(size, 5, 0x20) + BLOCK)


def test_the_table_may_not_exceed_what_was_announced_by_one(c):
    """RFC 7541 6.3"""
    fails(c, integer(c.settings.get(HEADER_TABLE_SIZE, 4096) + 1, 5, 0x20) + BLOCK)


def test_a_size_update_after_a_field_is_an_error(c):
    """RFC 7541 4.2"""
    fails(c, BLOCK + b"\x20")


def test_two_size_updates_may_begin_a_block(c):
    """RFC 7541 4.2: the smallest and the last."""
    works(c, b"\x20" + integer(4096, 5, 0x20) + BLOCK)


def test_a_smaller_table_evicts(c):
    """RFC 7541 4.3"""
    works(c, BLOCK + literal("x-a", "1", 0x40))
    c.say(headers(3, b"\x20" + integer(4096, 5, 0x20) + BLOCK + b"\xbe")).fails(COMPRESSION_ERROR)


def test_entries_are_evicted_when_the_table_is_full(c):
    """RFC 7541 4.4: four of some 1,030 bytes do not fit into 4,096."""
    works(c, BLOCK + b"".join(literal("x-a", bytes([97 + n]) * 1000, 0x40) for n in range(4)))
    works(c, BLOCK + b"\xbe\xbf\xc0", 3)
    c.say(headers(5, BLOCK + b"\xc1")).fails(COMPRESSION_ERROR)


def test_an_entry_larger_than_the_table_empties_it(c):
    """RFC 7541 4.4: which is no error."""
    works(c, BLOCK + literal("x-a", "1", 0x40) + literal("x-b", "y" * 4096, 0x40))
    c.say(headers(3, BLOCK + b"\xbe")).fails(COMPRESSION_ERROR)


def test_an_entry_may_refer_to_the_name_it_evicts(c):
    """RFC 7541 4.4"""
    works(c, BLOCK + literal("x-name", "v" * 4000, 0x40))
    works(c, BLOCK + integer(62, 6, 0x40) + text("w" * 4010) + b"\xbe", 3)


# --- 5.1 integers ---

@pytest.mark.parametrize("number", [
    pytest.param(b"\xff" + b"\xff" * 4 + b"\x0f", id="2^32"),
    pytest.param(b"\xff" + b"\xff" * 9 + b"\x01", id="2^64"),
    pytest.param(b"\xff" + b"\xff" * 100 + b"\x01", id="without end"),
])
def test_an_integer_that_is_too_large_is_an_error(c, number):
    """RFC 7541 5.1"""
    fails(c, BLOCK + number)


def test_an_integer_may_have_a_few_zeros_too_many(c):
    """RFC 7541 5.1: 62 needs no second byte and may have it; refusing it is allowed as well."""
    c.say(headers(1, BLOCK + literal("x", "1", 0x40) + b"\x00\xff\x80\x80\x00"))
    while not c.streams[1].done and c.read():
        pass
    assert c.goaway is None or c.goaway[1] == COMPRESSION_ERROR


@pytest.mark.parametrize("fields", [
    pytest.param(b"\xff", id="an index"), pytest.param(b"\x00", id="a field"),
    pytest.param(b"\x00\x01", id="a name"), pytest.param(b"\x00\x01a", id="after a name"),
    pytest.param(b"\x00\x01a\x05x", id="a value"), pytest.param(b"\x3f", id="a size update"),
    pytest.param(b"\x00\x7f", id="a length"),
])
def test_a_block_that_ends_inside_something_is_an_error(c, fields):
    """RFC 7541 5.1, 5.2; RFC 9113 4.3"""
    fails(c, fields if fields == b"\x3f" else BLOCK + fields)


@pytest.mark.parametrize("length", [1 << 16, 1 << 24, (1 << 31) - 1])
def test_a_string_longer_than_its_block_is_an_error(c, length):
    """RFC 7541 5.2: whatever it declares, no memory is reserved for it."""
    c.say(headers(1, BLOCK + b"\0\1a" + integer(length, 7) + b"x"))
    while c.read():
        pass
    assert c.goaway is None or c.goaway[1] in (COMPRESSION_ERROR, ENHANCE_YOUR_CALM, PROTOCOL_ERROR,
                                               FRAME_SIZE_ERROR)
    assert not c.streams[1].heads


# --- 5.2 Huffman ---

def huffman(payload):
    return BLOCK + b"\0\1a" + integer(len(payload), 7, 0x80) + payload


@pytest.mark.parametrize("payload", [
    pytest.param(b"\x1f", id="a and three bits"), pytest.param(b"", id="nothing"),
    pytest.param(b"\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff", id="RFC 7541 C.4.1"),
])
def test_huffman_coded_values_are_read(c, payload):
    """RFC 7541 5.2"""
    works(c, huffman(payload))


@pytest.mark.parametrize("payload", [
    pytest.param(b"\x1f\xff", id="a byte too much"), pytest.param(b"\xff", id="only padding"),
    pytest.param(b"\x18", id="zeros"), pytest.param(b"\x1e", id="a zero at its end"),
])
def test_huffman_padding_is_under_eight_ones(c, payload):
    """RFC 7541 5.2"""
    fails(c, huffman(payload))


@pytest.mark.parametrize("payload", [
    pytest.param(b"\xff\xff\xff\xff", id="alone"),
    pytest.param(b"\x1f\xff\xff\xff\xff", id="after a letter"),
])
def test_huffman_eos_is_an_error(c, payload):
    """RFC 7541 5.2"""
    fails(c, huffman(payload))


def test_huffman_does_not_hide_a_line_feed(h2server):
    """RFC 9113 8.2.1: characters are judged as they are meant."""
    c = begin(h2server)
    bits = "00011" + format(0x3ffffffc, "030b") + "00011"
    bits += "1" * (-len(bits) % 8)
    line_feed = int(bits, 2).to_bytes(len(bits) // 8, "big")
    c.send(headers(1, block(request(path="/bad")) + b"\0\1a" +
                   integer(len(line_feed), 7, 0x80) + line_feed)).refuses(1)
    h2server.unheard()


# --- what the server says ---

def test_the_servers_blocks_can_be_decoded_with_any_table(h2server):
    """RFC 7541 4.2: H2Client's decoder is strict."""
    for size in (0, 50, 4096, 65536):
        c = begin(h2server, (HEADER_TABLE_SIZE, size))
        c.decoder.max_allowed_table_size = size
        for stream in range(1, 41, 2):
            assert c.get(stream=stream).final["content-length"] == "6"


def test_the_table_may_change_while_requests_run(c):
    """RFC 7541 4.2"""
    for n, size in enumerate((4096, 100, 0, 4096, 30, 8192)):
        c.decoder.max_allowed_table_size = size
        c.send(settings((HEADER_TABLE_SIZE, size))).wait(lambda: c.acks == n + 2, "ACK")
        assert c.get(stream=2 * n + 1).status == 200
