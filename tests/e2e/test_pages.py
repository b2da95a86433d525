"""What is installed beside the program: pages of man, and completion for three shells."""
import os
import subprocess

import pytest

from proxy import BIN, ROOT

pytestmark = pytest.mark.usher_only
COMPLETION = ROOT / "packaging/completion"
MAN = ROOT / "docs/man"
COMMANDS = ("explain", "fmt", "help", "lint", "proxy")


def run(*command, **kw):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=20, **kw)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def directives():
    return run(BIN, "help", "--names").split()


@pytest.fixture
def page(tmp_path):
    run(MAN / "write-page", BIN, MAN / "usher.conf.head.5", tmp_path / "usher.conf.5")
    return tmp_path / "usher.conf.5"


def test_the_pages_are_well_formed(page):
    for source in (page, MAN / "usher.8"):
        run("groff", "-man", "-ww", "-Tutf8", "-rLL=80n", "-z", source)


def test_the_page_of_the_configuration_has_every_directive(page):
    text = run("groff", "-man", "-Tutf8", "-P-cbou", "-rLL=100n", page)
    firsts = {line.split()[0].rstrip(";") for line in text.splitlines() if line.split()}
    assert [d for d in directives() if d not in firsts] == []


def test_the_page_of_the_program_has_every_flag_and_command():
    text = (MAN / "usher.8").read_text().replace("\\-", "-")
    said = subprocess.run([BIN, "-h"], capture_output=True, text=True, timeout=20).stderr
    for word in [*COMMANDS, "-t", "-T", "-q", "-s", "-p", "-e", "-c", "-g", "--check", "--from"]:
        assert word in text and word in said, word


def complete(*words):
    """What bash offers for the last of the words."""
    script = (f"source {COMPLETION}/usher.bash; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _usher; "
              "printf '%s\\n' \"${COMPREPLY[@]}\"")
    return run("bash", "-c", script, "bash", BIN, *words).split()


def test_bash_completes():
    run("bash", "-n", COMPLETION / "usher.bash")
    assert complete("") == list(COMMANDS)
    assert complete("l") == ["lint"]
    assert "proxy_pass" in complete("help", "proxy_p")
    assert complete("lint", "--format", "=", "s") == ["sarif"]
    assert complete("lint", "--rule", "=", "lost-a") == ["lost-add-header"]
    assert complete("lint", "--rule", "=", "weak-tls,lost-a") == ["weak-tls,lost-add-header"]
    assert complete("-s", "re") == ["reload", "reopen"]
    assert complete("fmt", "--c") == ["--check"]


def test_the_completion_of_zsh_parses():
    run("zsh", "-n", COMPLETION / "_usher")


def test_fish_completes(tmp_path):
    run("fish", "-n", COMPLETION / "usher.fish")
    (tmp_path / "usher").symlink_to(os.path.abspath(BIN))
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    said = run("fish", "--no-config", "-c", f"source {COMPLETION}/usher.fish; complete -C 'usher help proxy_pas'",
               env=env)
    assert "proxy_pass" in said.split()
