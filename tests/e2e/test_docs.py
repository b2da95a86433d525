"""Each configuration that the documents show is one that loads."""
import re
import subprocess

import pytest

from proxy import BIN, ROOT
from tls_client import CA

pytestmark = pytest.mark.usher_only("its documents")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCKS = [pytest.param(text, id=f"{page.stem}-{n}")
          for page in PAGES if page.name != "lint.md"  # its blocks are tested where the rules are
          for n, text in enumerate(re.findall(r"^```nginx\n(.*?)^```", page.read_text(), re.M | re.S))]
PAGES_ZONE = "limit_req_zone $binary_remote_addr zone=pages:1m rate=10r/s;\n"
APP = "upstream app { server 127.0.0.1:9; }\n"


def whole(text):
    """The block with what stands around it in a configuration."""
    if not re.search(r"^(server|upstream) ", text, re.M):
        text = re.sub(r"^location (.* \}|[^}]*\n\})$", r"server { listen %%PORT%%; \g<0> }", text, flags=re.M)
        if "server {" not in text:
            text += "server { listen %%PORT%%; }\n"
    app = APP if re.search(r"http://app\b(?!:)", text) else ""
    return PAGES_ZONE + app + re.sub(r"(listen )\d+", r"\1%%PORT%%", text)


@pytest.mark.parametrize("text", BLOCKS)
def test_a_block_of_the_documents_loads_without_a_word(usher, text):
    leaf = CA.issue("example.com")
    names = re.findall(r"[\w./]+\.(?:pem|key|crt)\b", text)
    files = {name.lstrip("/"): leaf.key if name.endswith("key") else leaf.chain for name in names}
    for name in re.findall(r"ssl_session_ticket_key (\S+);", text):
        files[name] = bytes(80)
    for name in re.findall(r"challenge_secret (\S+);", text):
        files[name] = bytes(32)
    text = text.replace(" /etc/", " %%PREFIX%%/etc/")
    proxy = usher(whole(text), bare=True, start=False, files=files)
    done = subprocess.run([BIN, "-t", "-q", "-p", proxy.prefix, "-c", "usher.conf"],
                          capture_output=True, text=True, timeout=30)
    assert done.stderr == "" and done.returncode == 0
