"""geoip2: what the add-on makes of a database, and usher."""

import pytest

import client
import mmdb

MODULE = "/usr/lib/nginx/modules/ngx_http_geoip2_module.so"
RECORD = {
    "country": {"iso_code": "DE", "names": {"en": "Germany", "de": "Deutschland", "zh": "德国"}},
    "n": {"u16": mmdb.Uint16(65535), "u32": 4294967295, "i32": mmdb.Int32(-5), "u64": mmdb.Uint64(2 ** 64 - 1), "zero": 0,
          "double": 52.5234567891, "float": mmdb.Float(1.25), "minus": -0.5, "yes": True, "no": False, "bytes": b"A\xffB"},
    "list": ["a", {"x": "y"}, 3], "empty": "", "long": "x" * 300, "longer": "y" * 70000,
}
PATHS = ["country iso_code", "country names de", "country names zh", "country", "country none", "none", "", "n u16", "n u32", "n i32", "n u64",
         "n zero", "n double", "n float", "n minus", "n yes", "n no", "n bytes", "list", "list 0", "list 1 x", "list 2", "list -1", "list 9",
         "list x", "empty", "long", "country iso_code more"]
RECORDS = {"127.0.0.0/8": RECORD, "10.0.0.0/8": {"country": {"iso_code": "TEN"}}, "10.9.0.0/16": {"country": {"iso_code": "NINE"}},
           "192.0.2.1/32": {"country": {"iso_code": "ONE"}}, "2001:db8::/32": {"country": {"iso_code": "SIX"}}}


@pytest.fixture
def geo(agree):
    def check(http, location, requests, records=None, **kw):
        conf = http + " server { listen 127.0.0.1:%%PORT%%; location / { " + location + " } }"
        return agree(conf, requests, files={"t.mmdb": mmdb.database(records or RECORDS, **kw)}, module=MODULE)
    return check


def test_values_of_every_type_and_path(geo):
    lines = "".join(f"$v{i} {path}; $d{i} default=D {path};" for i, path in enumerate(PATHS))
    show = " ".join(f"{i}=$v{i}/$d{i}" for i in range(len(PATHS)))
    both = geo("log_format v '%s'; geoip2 t.mmdb { %s }" % (show, lines), 'access_log logs/v.log v; return 200 "%s";' % show, ["/"])
    assert both[0].access_log(1, "v.log") == both[1].access_log(1, "v.log")


ADDRESSES = ["10.1.2.3", "10.9.8.7", "127.0.0.1", "8.8.8.8", "", "x", "10.1.2.3,127.0.0.1", "10.1.2", "2001:db8::1", "[2001:db8::1]",
             "10.0.0.1:80", "10.0.0.1%20", "%2010.0.0.1", "localhost", "192.0.2.1", "192.0.2.2", "::1", "unix:", "unix:/x", "10.0.0.256"]


@pytest.mark.parametrize("version", [4, 6])
def test_sources(geo, version):
    records = {k: v for k, v in RECORDS.items() if version == 6 or ":" not in k}
    geo("geoip2 t.mmdb { $x source=$arg_ip country iso_code; $d source=$arg_ip default=none country iso_code; "
        "$e default=none source=$http_x country iso_code; }", 'return 200 "[$x][$d][$e]";',
        [f"/?ip={address}" for address in ADDRESSES] + ["/\nX: 10.0.0.1"], records=records, ip_version=version)


FORWARDED = ["10.1.1.1", "10.1.1.1, 192.0.2.1", "192.0.2.1, 10.1.1.1", "192.0.2.1, 10.1.1.1, 127.0.0.9", "x, 10.1.1.1", "10.1.1.1, x", "",
             "2001:db8::5", "127.0.0.1", "10.1.1.1,192.0.2.1", "10.1.1.1:99", "192.0.2.1 ,"]


@pytest.mark.parametrize("proxies", ["", "geoip2_proxy 127.0.0.0/8;", "geoip2_proxy 127.0.0.1; geoip2_proxy_recursive on;",
                                     "geoip2_proxy 127.0.0.0/8; geoip2_proxy 10.0.0.0/8; geoip2_proxy_recursive on;",
                                     "geoip2_proxy_recursive on; geoip2_proxy ::1;"])
def test_proxies(geo, proxies):
    geo("geoip2 t.mmdb { $x country iso_code; $s source=$remote_addr country iso_code; } " + proxies, 'return 200 "[$x][$s]";',
        ["/", "/\nX-Forwarded-For: 192.0.2.1\nX-Forwarded-For: 10.1.1.1"] + [f"/\nX-Forwarded-For: {v}" for v in FORWARDED])


def test_metadata(geo):
    both = geo("geoip2 t.mmdb { $b metadata build_epoch; auto_reload 1h; $n default=x metadata build_epoch; $m metadata; }",
               'return 200 "[$b][$n][$m]";', ["/"], build_epoch=1_234_567_890)
    assert client.get(both[1]).text.startswith("[1234567890]")


def test_two_databases(geo):
    geo("geoip2 t.mmdb { $x country iso_code; } geoip2 ./t.mmdb { $y country iso_code; }", 'return 200 "$x$y";', ["/"])
