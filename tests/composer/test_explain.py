"""Every code has a page, and every page's examples are executed: the bad one says the code, the good one is sound."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from composer.check import every_rule
from composer.cli import cli
from composer.diagnostics import Severity
from composer.explain import BASE, PAGES, Example, Page, examine, read_page, write

CODES = [rule.code for rule in every_rule()]


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one example has built serves the next."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, shared_cache: Path) -> None:
    monkeypatch.setenv("MUNAL_CACHE", str(shared_cache))


def run(*words: str):
    return CliRunner().invoke(cli, ["explain", *words], standalone_mode=False)


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    assert sorted(path.stem for path in PAGES.glob("*.md")) == CODES


@pytest.mark.parametrize("code", CODES)
def test_the_bad_example_says_its_code_and_the_good_one_is_sound(code: str) -> None:
    page = read_page(code)
    assert page.why and "#" not in page.why.splitlines()[0]
    assert page.bad.files and page.bad.shown != page.good.shown
    said = examine(page, page.bad)
    assert code in {each.code for each in said}, said
    good = examine(page, page.good)
    assert code not in {each.code for each in good}, good
    assert not [each for each in good if each.severity is Severity.ERROR], good


def test_the_base_workspace_has_nothing_wrong() -> None:
    base = Example("", {})
    assert examine(Page("M0000", "", "", base, base), base) == ()


def test_pages_differ_and_are_short() -> None:
    whys = {read_page(code).why for code in CODES}
    assert len(whys) == len(CODES)
    assert max(len(why) for why in whys) < 1200


def test_files_are_laid_over_the_base_workspace(tmp_path: Path) -> None:
    example = Example("", {"munal.toml": None, "apps/new/app.toml": b"x"})
    folder = write(example, tmp_path / "it")
    assert not (folder / "munal.toml").exists()
    assert (folder / "apps/new/app.toml").read_bytes() == b"x"
    assert (folder / "profiles/main.toml").read_bytes() == (BASE / "profiles/main.toml").read_bytes()


def test_a_page_is_printed_with_what_munal_says_of_its_bad_example() -> None:
    shown = run("m0310")
    assert shown.return_value == 0
    assert shown.output.startswith("# M0310: two instances hold the same port\n\nA port belongs to one instance.")
    assert "error[M0310]: `com1` and `com2` both hold port 0x3ff\n" in shown.output
    assert shown.output.index("## Bad") < shown.output.index("error[M0310]") < shown.output.index("## Good")


@pytest.mark.parametrize("word", ["M0310", "m0310", "0310", "310"])
def test_a_code_can_be_written_short(word: str) -> None:
    assert run(word).output.startswith("# M0310: ")


def test_several_codes_come_in_the_order_they_are_named() -> None:
    assert [line for line in run("M0310", "M0102").output.splitlines() if line.startswith("# ")] == [
        "# M0310: two instances hold the same port", "# M0102: a manifest cannot be read as text"]


def test_all_codes_are_listed() -> None:
    assert [line[:5] for line in run("--list").output.splitlines()] == CODES
    assert [each["code"] for each in json.loads(run("--list", "--format", "json").output)] == CODES


def test_as_data_an_example_has_its_files_and_its_diagnostics() -> None:
    [page] = json.loads(run("M0102", "--format", "json").output)
    assert page["bad"]["files"]["profiles/main.toml"].endswith('"Serial line of the caf\\xe9"')
    assert page["diagnostics"][0]["code"] == "M0102"
    assert json.loads(run("M0112", "--format", "json").output)[0]["bad"]["files"] == {"munal.toml": None}


@pytest.mark.parametrize(("words", "said"), [
    (["M03100"], "there is no code `M03100`; did you mean `M0310`?"),
    (["hello"], "there is no code `hello`; `munal explain --list` has all of them"),
    ([], "name a code, like `munal explain M0303`"),
])
def test_a_code_that_does_not_exist_is_wrong_usage(words: list[str], said: str) -> None:
    with pytest.raises(click.UsageError, match=re.escape(said)):
        CliRunner().invoke(cli, ["explain", *words], standalone_mode=False, catch_exceptions=False)


def test_a_terminal_gets_a_drawn_page() -> None:
    drawn = run("M0310", "--color", "always").output
    plain = re.sub("\x1b\\[[0-9;]*m", "", drawn)
    assert "\x1b[" in drawn and "```" not in drawn
    assert "error[M0310]: `com1` and `com2` both hold port 0x3ff" in plain


def test_a_page_without_both_examples_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("composer.explain.PAGES", tmp_path)
    (tmp_path / "M0310.md").write_text("Why.\n\n## Good\n")
    with pytest.raises(ValueError, match="one `## Bad` and then one `## Good`"):
        read_page("M0310")


def test_blocks_can_be_bytes_and_can_be_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("composer.explain.PAGES", tmp_path)
    (tmp_path / "M0310.md").write_text(
        "Why.\n\n## Bad\n`a`:\n```bytes escaped\n\\x00a\\xff\n```\n`b`:\n```toml x3\n[t.{n}]\n```\n`c` is not there.\n\n"
        "```sh\nmunal check main@q35 -D a=1\n```\n\n## Good\n`a`:\n```toml\n\\x00\n```\n")
    page = read_page("M0310")
    assert page.bad.files == {"a": b"\0a\xff", "b": b"[t.0]\n[t.1]\n[t.2]\n", "c": None}
    assert page.bad.words == ("main@q35", "-D", "a=1")
    assert page.good.files == {"a": b"\\x00\n"}
    (tmp_path / "M0310.md").write_text("## Bad\n`a`:\n```toml upwards\n```\n## Good\n")
    with pytest.raises(ValueError, match="no block of an example is `upwards`"):
        read_page("M0310")


def test_a_command_says_what_is_examined() -> None:
    example = Example("", {}, ("mian",))
    [said] = examine(Page("M0217", "", "", example, example), example)
    assert (said.code, said.message) == ("M0217", "there is no profile `mian`")
