"""Each folder of tests/fixtures is the smallest workspace with one fault; its expected.txt is what a person sees of it.

Renew with `pytest tests/composer/test_fixtures.py --bless`, and read the difference. A file `padded` names a manifest and
the size in bytes that comments bring it to: what is large need not lie in the repository. A file `variants` names what to
check, a line each, instead of everything.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from composer.check import every_rule
from composer.render import summary, to_json, to_text
from tests.composer.manifests import examine

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
FOLDERS = sorted(path for path in FIXTURES.iterdir() if path.is_dir())
NOTHING = "nothing is wrong\n"

_CODE = re.compile(r"^(?:error|warning)\[(M\d{4})\]", re.MULTILINE)


def expected(folder: Path) -> str:
    file = folder / "expected.txt"
    return file.read_text(encoding="utf-8") if file.exists() else ""


def ready(folder: Path, scratch: Path) -> Path:
    """The workspace to examine: the fixture's own folder, or a copy in which one manifest has its size."""
    if not (folder / "padded").exists():
        return folder
    path, size = (folder / "padded").read_text().split()
    shutil.copytree(folder, scratch / "workspace")
    manifest = scratch / "workspace" / path
    manifest.write_text(manifest.read_text() + "#" * (int(size) - manifest.stat().st_size))
    return scratch / "workspace"


def shown(folder: Path, scratch: Path) -> str:
    """What a person sees of a fixture, with MUNAL_CACHE and `scratch` to work in."""
    said = examine(ready(folder, scratch), scratch)
    assert [each["code"] for each in json.loads(to_json(said))] == [each.code for each in said]
    return f"{to_text(said)}\n{summary(said)}\n" if said else NOTHING


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_fixture(folder: Path, bless: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUNAL_CACHE", str(tmp_path / "cache"))
    text = shown(folder, tmp_path)
    if bless:
        (folder / "expected.txt").write_text(text, encoding="utf-8")
    assert text == expected(folder)


OF_WORKSPACES = [rule for rule in every_rule() if rule.code[:3] not in ("M04", "M05")]
"""M04xx and M05xx are about the kernel's file and about images, which no workspace can spoil: the tests of what says them show those."""


@pytest.mark.parametrize("rule", OF_WORKSPACES, ids=lambda rule: rule.code)
def test_every_code_is_shown_by_a_fixture(rule) -> None:
    shown = {code for folder in FOLDERS for code in _CODE.findall(expected(folder))}
    assert rule.code in shown


def test_every_fixture_shows_a_code_or_is_an_innocent_neighbour() -> None:
    for folder in FOLDERS:
        text = expected(folder)
        assert text == NOTHING or _CODE.search(text), folder.name


def test_titles_are_phrases_that_start_small() -> None:
    for rule in every_rule():
        assert re.fullmatch(r"[a-z].{10,79}[^.]", rule.title), rule
