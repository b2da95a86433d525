"""What usher explain says of a request is what a running usher does with it: on whole sites, for requests that they
are asked and for others made of them at random (always the same ones)."""
import random
import re
import subprocess

import pytest

import live_site as site
import proxy
from conftest import dechunk

UNSAID = ("server", "date", "connection", "content-length", "content-type", "etag", "last-modified",
          "transfer-encoding", "accept-ranges", "keep-alive", "expires")
EACH = 6  # requests of a site that are asked, and as many that are made of them
UNECHOED = ("connection", "x-request-id", "remote_port", "http_connection")  # what live_site's backends do not show


def split(data):
    """First line, fields, body"""
    head, _, body = data.partition(b"\r\n\r\n")
    line, *rest = head.decode("latin-1").split("\r\n")
    return line, [tuple(part.strip() for part in text.split(":", 1)) for text in rest if ":" in text], body


def vary(target, choose):
    folder = target.rpartition("/")[0]
    return choose([target + "/", target + "x", target + ".php", target + "?a=b&c=d", target.upper(), "/" + target,
                   folder + "/", folder or "/", target + "/../x", target.replace("e", "%65"), "/nope" + target])


def asked_and_made_up(name):
    dice = random.Random(name)
    known, choose = [r for r in site.requests_of(name) if r[2].split(b" ")[1].startswith(b"/")], dice.choice
    yield from dice.sample(known, min(EACH, len(known)))
    hosts = sorted({host for _, host, _ in known}) + ["other.example"]
    for _ in range(EACH):
        secure, _, data = choose(known)
        line, fields, body = split(data)
        method = line.split(" ")[0] if body else choose(["GET", "GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
        host = choose(hosts)
        lines = [f"{method} {vary(line.split(' ')[1], choose)} HTTP/1.1", f"Host: {host}"]
        lines += [f"{k}: {v}" for k, v in fields if k.lower() != "host"]
        yield secure, host, ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def explain(server, secure, data):
    line, fields, _ = split(data)
    method, target, _ = line.split(" ")
    url = f"https://x:{server.ports['PORT443']}{target}" if secure else f"http://x:{server.port}{target}"
    words = [word for k, v in fields for word in ("-H", f"{k}: {v}")]
    done = subprocess.run([proxy.BIN, "explain", "-p", f"{server.prefix}/", server.prefix / server.conf, method, url, *words],
                          capture_output=True, timeout=20)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode("latin-1")


def last(text, label):
    """The last line with that label, and those below it that have none."""
    found = re.findall(rf"^{label} +(.*\n(?: {{11}}.*\n)*)", text, re.M)
    return [line.strip() for line in found[-1].splitlines()] if found else []


def comparable(fields):
    return {re.sub(r"uid=[\w+/=]+", "uid=", f) for f in fields if f.split(":")[0].lower() not in UNSAID}


def told_of_request(text):
    """A request line but for its version, and fields; or parameters, of which the empty ones are not shown."""
    lines = [re.sub(r"^(\w+ /.*) HTTP/1\.[01]$", r"\1", line) for line in last(text, "sends") if not line.endswith(":")]
    return {line.lower() for line in lines if line.split(":")[0].lower() not in UNECHOED}


def compare(text, line, fields, body):
    status = int(line.split(" ")[1]) if line else 444
    first, *told = last(text, "answer")
    if not first.startswith("the backend's"):
        assert int(first) == status
        assert comparable(told) == comparable(f"{k}: {v}" for k, v in fields)
        return
    said = re.search(r", as (\d+)", first)
    assert status == (int(said[1]) if said else 200)
    if body and "which is assumed" not in text:
        echoed = (dechunk(body) if ("Transfer-Encoding", "chunked") in fields else body).decode("latin-1")
        echoed = echoed.replace("\n ", ". ")  # a value of several lines
        seen = echoed.partition("\n\n")[0].split("\n") if "\n\n" in echoed else echoed.split("\n")
        assert told_of_request(text) == {part.strip().lower() for part in seen if part}


@pytest.mark.parametrize("name", site.NAMES)
def test_a_site_is_explained_as_it_is(stage, name):
    server = site.raise_site(name, proxy.BIN, site.backends(stage))
    stage.proxies.append(server)
    server.start()
    for secure, host, data in asked_and_made_up(name):
        line, fields, body = split(site.ask(server, secure, host, data))
        text = explain(server, secure, data)
        if " 502 " in line and "the backend's" in text:
            continue  # one that is nowhere
        try:
            compare(text, line, fields, body)
        except AssertionError as wrong:
            raise AssertionError(f"{data!r}\n{line}\n{fields}\n{body[:500]!r}\n--- explained\n{text}\n{wrong}") from None
