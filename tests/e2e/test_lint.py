"""usher lint: what is found, how it is shown, how it is silenced, and that good files are clean."""
import json
import re
import subprocess

import pytest

from proxy import BIN, ROOT
from test_examples import CLIENT_FILES, PACKAGED, CA, with_files

pytestmark = pytest.mark.usher_only
LOST = """server {
    listen 80;
    add_header X-Frame-Options DENY;
    location / {
        add_header A b;
    }
}
"""


def lint(*args, cwd=None):
    return subprocess.run([BIN, "lint", *map(str, args)], capture_output=True, text=True, timeout=20, cwd=cwd)


@pytest.fixture
def conf(tmp_path):
    def write(text, name="a.conf"):
        (tmp_path / name).write_text(text)
        return tmp_path / name
    return write


def test_a_finding_is_shown_at_its_place_with_what_to_do(conf):
    path = conf(LOST)
    done = lint(path)
    assert done.returncode == 1 and done.stderr == ""
    assert done.stdout == (
        "[warn] with this line the block loses what line 3 sets: X-Frame-Options [lost-add-header] "
        f"in {path}:5\n"
        "    5 |         add_header A b;\n"
        "      |         ^^^^^^^^^^ repeat them here, or say \"add_header_inherit merge;\"\n")


def test_findings_as_json(conf):
    path = conf(LOST)
    done = lint("--format=json", "a.conf", cwd=path.parent)
    assert json.loads(done.stdout) == [{
        "rule": "lost-add-header", "level": "warning", "file": "a.conf", "line": 5, "column": 9,
        "endColumn": 19, "message": "with this line the block loses what line 3 sets: X-Frame-Options",
        "fix": "repeat them here, or say \"add_header_inherit merge;\""}]
    assert json.loads(lint("--format=json", conf("server { listen 80; }")).stdout) == []


def must_be_sarif(log):
    """What SARIF 2.1.0 (OASIS) requires of what is there, and what GitHub asks for beside it."""
    levels = ("none", "note", "warning", "error")
    assert log["version"] == "2.1.0" and set(log) <= {"$schema", "version", "runs"}
    for run in log["runs"]:
        assert set(run) <= {"tool", "columnKind", "results", "invocations"} and run["columnKind"] == "utf16CodeUnits"
        driver = run["tool"]["driver"]
        assert driver["name"] and driver["version"]
        ids = [rule["id"] for rule in driver["rules"]]
        assert len(set(ids)) == len(ids)
        for rule in driver["rules"]:
            assert rule["shortDescription"]["text"] and rule["help"]["text"]
            assert rule["defaultConfiguration"]["level"] in levels
        assert all(isinstance(i["executionSuccessful"], bool) for i in run["invocations"])
        for result in run["results"]:
            assert result["message"]["text"] and result["level"] in levels
            assert ids[result["ruleIndex"]] == result["ruleId"]
            for location in result["locations"]:
                place = location["physicalLocation"]
                assert re.fullmatch(r"(file:///)?[\w./~%-]+", place["artifactLocation"]["uri"])
                region = place["region"]
                assert 1 <= region["startLine"] <= region["endLine"]
                assert 1 <= region["startColumn"] <= region["endColumn"]


def test_findings_as_sarif(conf):
    path = conf(LOST + LOST.replace("80", "81"))
    done = lint("--format=sarif", "a.conf", path, cwd=path.parent)
    log = json.loads(done.stdout)
    assert done.stdout == lint("--format=sarif", "a.conf", path, cwd=path.parent).stdout
    must_be_sarif(log)
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert log["version"] == "2.1.0" and len(run["results"]) == 4
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == "lost-add-header"
        assert result["level"] == "warning" and result["message"]["text"]
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "a.conf"
        assert place["region"]["startLine"] in (5, 12) and place["region"]["endColumn"] == 19
    assert all({"id", "shortDescription", "help", "defaultConfiguration"} <= set(r) for r in rules)


def test_rules_are_chosen_by_name(conf):
    path = conf(LOST + "server { listen 80; merge_slashes off; }\n")
    assert lint("--rule=merge-slashes-off", path).stdout.count("[warn]") == 1
    assert lint("--disable=merge-slashes-off,lost-add-header", path).returncode == 1  # the same name
    found = lint("--disable=merge-slashes-off,lost-add-header", path).stdout
    assert "[duplicate-server-name]" in found and found.count("[warn]") == 1
    wrong = lint("--rule=nothing", path)
    assert wrong.returncode == 2 and 'unknown rule "nothing"' in wrong.stderr
    assert lint("--format=xml", path).returncode == 2 and lint().returncode == 2


def test_notes_alone_are_no_failure(conf):
    done = lint(conf("server_names_hash_max_size 512; server { listen 80; }"))
    assert done.returncode == 0 and '[notice] "server_names_hash_max_size" has no effect' in done.stdout


def test_comments_silence_rules_in_included_files_too(conf):
    conf("add_header B c; # usher-lint: disable=lost-add-header\n", "inner")
    path = conf("server {\n    listen 80;\n    add_header X y;\n    location / { include inner; }\n}\n")
    assert lint(path).stdout == ""
    conf("add_header B c;\n", "inner")
    assert f"{path.parent}/inner:1" in lint(path).stdout


def test_a_file_that_does_not_load_is_told_as_t_tells_it(conf):
    path = conf("server { lisen 80; }\n")
    done = lint(path, conf(LOST, "b.conf"), path.parent / "none")
    assert done.returncode == 2 and 'unknown directive "lisen"' in done.stderr
    assert "lost-add-header" in done.stdout and "none" in done.stderr and "-c FILE" not in done.stderr


def test_a_file_that_does_not_compile_has_traps_all_the_same(conf):
    done = lint("--format=sarif", conf("server { listen 80; merge_slashes off; lisen 81; }"))
    assert done.returncode == 2 and 'unknown directive "lisen"' in done.stderr
    (run,) = json.loads(done.stdout)["runs"]
    assert run["invocations"] == [{"executionSuccessful": False}]
    assert [r["ruleId"] for r in run["results"]] == ["merge-slashes-off"]


def test_standard_input_and_directories(conf, tmp_path):
    done = subprocess.run([BIN, "lint", "-"], input=LOST, capture_output=True, text=True, timeout=20)
    assert done.returncode == 1 and "/dev/stdin:5" in done.stdout
    conf(LOST, "b.conf")
    conf("server { listen 80; merge_slashes off; }")
    done = lint(tmp_path)
    assert done.returncode == 1 and done.stdout.count("[warn]") == 2
    conf("include b.conf;", "nginx.conf")
    assert lint(tmp_path).stdout.count("[warn]") == 1
    (tmp_path / "empty").mkdir()
    assert lint(tmp_path / "empty").returncode == 2


def test_a_snippet_that_is_included_twice_is_told_once(conf):
    conf("add_header B c;\n", "inner")
    path = conf("server { listen 80; add_header X y; location / { include inner; } location /a { include inner; } }")
    assert lint(path).stdout.count("[warn]") == 1


def test_comments_that_silence_nothing_are_told(conf):
    path = conf("server {\n    listen 80;\n    root /srv; # usher-lint: disable=weak-tls, lost-headers as before\n}\n")
    done = lint("--format=json", path)
    assert [(f["rule"], f["level"], f["line"], f["column"], f["message"]) for f in json.loads(done.stdout)] == [
        ("unused-suppression", "note", 3, 38, '"weak-tls" finds nothing here'),
        ("unknown-suppression", "warning", 3, 48, 'there is no rule "lost-headers"')]
    assert lint("--rule=merge-slashes-off", path).stdout == ""


@pytest.mark.parametrize("path", sorted((ROOT / "conf/examples").glob("*.conf")), ids=lambda p: p.name)
def test_every_example_is_clean(path, tmp_path):
    text, files = with_files(path.read_text(), CA.issue("example.com"), CLIENT_FILES)
    for name, data in {**PACKAGED, **files}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    (tmp_path / "a.conf").write_text(text.replace("%%PREFIX%%", str(tmp_path)))
    done = lint(tmp_path / "a.conf")
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


@pytest.mark.parametrize("path", sorted((ROOT / "tests/e2e/sites_clean").glob("*.conf")), ids=lambda p: p.name)
def test_sites_as_they_are_written_are_clean_and_can_be_explained(path, tmp_path):
    conf = tmp_path / "site.conf"
    conf.write_text(path.read_text())
    (tmp_path / "fastcgi_params").write_bytes(PACKAGED["fastcgi_params"])
    done = lint("--disable=no-effect", conf)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
    for url in ("/", "/index.php/a?b=c", "/api/x", "/.well-known/carddav", "/a.css", "/none/", "/502.html"):
        done = subprocess.run([BIN, "explain", conf, "GET", url], capture_output=True, text=True, timeout=20)
        assert done.returncode == 0 and "\nanswer " in done.stdout, done.stderr


def test_each_rule_that_loads_shows_its_bad_text_and_passes_its_good_one(conf):
    rules = json.loads(lint("--rules", "--format=json").stdout)
    assert len(rules) >= 25
    for rule in rules:
        if "bad" not in rule:
            continue
        bad, good = (lint("--format=json", conf(rule[k])) for k in ("bad", "good"))
        if bad.returncode != 2:
            assert rule["rule"] in {f["rule"] for f in json.loads(bad.stdout)}, rule
        assert good.returncode in (0, 2) and json.loads(good.stdout) == [], rule
    assert all(rule["rule"] in lint("--rules").stdout for rule in rules)
