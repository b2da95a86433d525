"""usher lint on what people write: each line that is a trap says so ("# want: rule"), and all others are clean."""
import json
import re
import subprocess

import pytest

from proxy import BIN, ROOT

pytestmark = pytest.mark.usher_only
FOLDER = ROOT / "tests/e2e/lint_traps"
FILES = sorted(p for p in FOLDER.rglob("*") if p.is_file())


@pytest.fixture(scope="module")
def found():
    """(path, line) → rules, of all files at once"""
    command = [BIN, "lint", "--format=json", "--disable=no-effect", *sorted(FOLDER.glob("*.conf"))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=FOLDER)
    assert done.returncode == 1, done.stderr
    rules = {}
    for f in json.loads(done.stdout):
        rules.setdefault((f["file"], f["line"]), []).append(f["rule"])
    return rules


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_traps_and_nothing_else_are_found(path, found):
    name, wrong = str(path.relative_to(FOLDER)), []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        said = re.search(r"# want: (.*)", line)
        want = sorted(said[1].split(", ")) if said else []
        got = sorted(found.get((name, number), []))
        if got != want:
            wrong.append(f"{name}:{number}: {got} for {line.strip()}")
    assert wrong == [], "\n".join(wrong)
