"""usher fmt: space changes, words and comments do not; files in their places or only judged."""
import os
import pathlib
import subprocess

import pytest

from proxy import BIN, ROOT

pytestmark = pytest.mark.usher_only
FILES = sorted([*(ROOT / "conf").glob("**/*"), *pathlib.Path("/etc/nginx").glob("**/*")])
FILES += [f for f in sorted((ROOT / "tests").glob("**/*")) if "fuzz" not in f.parts and
          (f.suffix == ".conf" or f.parent.name in ("sites-enabled", "snippets"))]
FILES = [f for f in FILES if f.is_file() and not f.name.endswith(".so")]
UGLY = "http{\n\n\n# one\n  server {\n  listen   80; # two\n}}\n"
NEAT = "http {\n    # one\n    server {\n        listen 80; # two\n    }\n}\n"


def fmt(*args):
    return subprocess.run([BIN, "fmt", *map(str, args)], capture_output=True, text=True, timeout=20)


def words(text):
    """The text without the space between its words: quotes and comments are left whole."""
    out, word, i = [], "", 0
    while i < len(text):
        c = text[i]
        if c == "#" and not word:
            end = text.find("\n", i)
            end = len(text) if end < 0 else end
            out.append(text[i:end].rstrip())
            i = end
            continue
        if c in "\"'" and not word:
            end = i + 1
            while text[end] != c:
                end += 2 if text[end] == "\\" else 1
            out.append(text[i:end + 1])
            i = end + 1
            continue
        if c.isspace() or c in ";{}" and not (c == "{" and word.endswith("$")) and not (c == "}" and word):
            out += [w for w in (word, c.strip()) if w]
            word = ""
        else:
            word += text[i:i + 2] if c == "\\" else c
            i += c == "\\"
        i += 1
    return out


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p).replace("/", "_"))
def test_only_space_changes_and_a_second_time_nothing(path, tmp_path):
    once = fmt(path)
    assert once.returncode == 0, once.stderr
    assert words(once.stdout) == words(path.read_text())
    again = tmp_path / "again"
    again.write_text(once.stdout)
    assert fmt(again).stdout == once.stdout


def test_files_are_written_in_their_places(tmp_path):
    a, b, link = tmp_path / "a", tmp_path / "b", tmp_path / "link"
    a.write_text(UGLY)
    b.write_text(NEAT)
    a.chmod(0o640)
    link.symlink_to(a)
    untouched = os.stat(b)
    done = fmt("-w", link, b)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert link.is_symlink() and a.read_text() == NEAT and a.stat().st_mode & 0o777 == 0o640
    assert os.stat(b).st_mtime_ns == untouched.st_mtime_ns
    assert sorted(os.listdir(tmp_path)) == ["a", "b", "link"]


def test_check_names_what_would_change(tmp_path):
    (tmp_path / "a").write_text(UGLY)
    (tmp_path / "b").write_text(NEAT)
    done = fmt("--check", tmp_path / "a", tmp_path / "b")
    assert (done.returncode, done.stdout) == (1, f"{tmp_path}/a\n")
    assert (tmp_path / "a").read_text() == UGLY


def test_a_file_that_does_not_balance_is_left_alone(tmp_path):
    (tmp_path / "a").write_text("http {\n    server {\n")
    done = fmt("-w", tmp_path / "a", tmp_path / "none")
    assert done.returncode == 2 and (tmp_path / "a").read_text() == "http {\n    server {\n"
    assert f"[emerg] this block is never closed in {tmp_path}/a:2" in done.stderr and "^" in done.stderr
    assert f'"{tmp_path}/none": No such file or directory' in done.stderr
    assert fmt().returncode == 2 and "Usage: usher fmt" in fmt().stderr


def test_standard_input_is_laid_out(tmp_path):
    done = subprocess.run([BIN, "fmt", "-"], input=UGLY, capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stdout) == (0, NEAT)
    done = subprocess.run([BIN, "fmt", "--check", "-"], input=UGLY, capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stdout) == (1, "-\n")
    assert subprocess.run([BIN, "fmt", "-w", "-"], input=UGLY, capture_output=True, text=True).returncode == 2


def test_a_line_has_one_directive(tmp_path):
    (tmp_path / "a").write_text("server { listen 80; location / { return 200; } location /x { } } # end\r\n")
    assert fmt(tmp_path / "a").stdout == (
        "server {\n    listen 80;\n    location / { return 200; }\n    location /x { }\n} # end\n")
