"""A writer of small MaxMind databases (MaxMind DB file format 2.0): database({"1.2.3.0/24": record})."""
import ipaddress
import struct

MARKER = b"\xab\xcd\xefMaxMind.com"


class Float(float):
    """Four bytes instead of eight."""


class Uint16(int):
    pass


class Int32(int):
    pass


class Uint64(int):
    pass


class Uint128(int):
    pass


def control(kind, size):
    first = kind if kind < 8 else 0
    if size < 29:
        head, rest = size, b""
    elif size < 285:
        head, rest = 29, bytes([size - 29])
    elif size < 65821:
        head, rest = 30, (size - 285).to_bytes(2, "big")
    else:
        head, rest = 31, (size - 65821).to_bytes(3, "big")
    return bytes([first << 5 | head]) + (bytes([kind - 7]) if kind > 7 else b"") + rest


def number(kind, value):
    data = int(value).to_bytes(16, "big").lstrip(b"\0")
    return control(kind, len(data)) + data


def encode(v):
    if isinstance(v, bool):
        return control(14, int(v))
    for cls, kind in ((Uint16, 5), (Uint64, 9), (Uint128, 10)):
        if isinstance(v, cls):
            return number(kind, v)
    if isinstance(v, Int32):
        return control(8, 4) + struct.pack(">i", v)
    if isinstance(v, Float):
        return control(15, 4) + struct.pack(">f", v)
    if isinstance(v, int):
        return number(6, v)
    if isinstance(v, float):
        return control(3, 8) + struct.pack(">d", v)
    if isinstance(v, bytes):
        return control(4, len(v)) + v
    if isinstance(v, str):
        return control(2, len(v.encode())) + v.encode()
    if isinstance(v, dict):
        return control(7, len(v)) + b"".join(encode(k) + encode(x) for k, x in v.items())
    return control(11, len(v)) + b"".join(encode(x) for x in v)


class Tree:
    def __init__(self, bits):
        self.bits, self.nodes = bits, [[None, None]]

    def add(self, network, data):
        n = ipaddress.ip_network(network)
        value, length = int(n.network_address), n.prefixlen
        if n.version == 4 and self.bits == 128:
            length += 96
        at = 0
        for i in range(length):
            bit = value >> (self.bits - 1 - i) & 1
            if i == length - 1:
                self.nodes[at][bit] = ("data", data)
                return
            if not isinstance(self.nodes[at][bit], int):
                inherited = self.nodes[at][bit]
                self.nodes.append([inherited, inherited])
                self.nodes[at][bit] = len(self.nodes) - 1
            at = self.nodes[at][bit]


def database(records, ip_version=6, build_epoch=1_700_000_000, kind="Test-City"):
    """Wider networks before narrower ones."""
    tree, data = Tree(128 if ip_version == 6 else 32), b""
    for network, record in records.items():
        tree.add(network, len(data))
        data += encode(record)
    count = len(tree.nodes)

    def entry(v):
        where = count if v is None else v if isinstance(v, int) else count + 16 + v[1]
        return where.to_bytes(4, "big")
    nodes = b"".join(entry(v) for node in tree.nodes for v in node)
    about = {"node_count": count, "record_size": Uint16(32), "ip_version": Uint16(ip_version),
             "database_type": kind, "languages": ["en"], "binary_format_major_version": Uint16(2),
             "binary_format_minor_version": Uint16(0), "build_epoch": Uint64(build_epoch),
             "description": {"en": "made by a test"}}
    return nodes + bytes(16) + data + MARKER + encode(about)
