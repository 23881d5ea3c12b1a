"""The commands that answer questions, as a person meets them: words in, exit status and the two outputs out."""

from __future__ import annotations

import json

import pytest

from composer import __main__, kernel_build
from tests.composer.elves import Elf
from tests.composer.workspaces import PROFILE, change, make_workspace


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("MUNAL_CACHE", str(tmp_path / "cache"))
    (tmp_path / "kernel.elf").write_bytes(Elf().build())
    monkeypatch.setattr(kernel_build, "build_kernel", lambda: tmp_path / "kernel.elf")
    root = make_workspace(tmp_path / "workspace")
    change(root, "profiles/more.toml", PROFILE + "restart = \"always\"\n")
    change(root, "profiles/broken.toml", "[instance.com1]\napp = \"nothing\"\n")
    return root


@pytest.fixture
def munal(root, capsys, monkeypatch):
    """Run the CLI in this process; gives status, output and errors."""

    def run(*words):
        with pytest.raises(SystemExit) as ended:
            __main__.main(["-C", str(root), *map(str, words)])
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    monkeypatch.setattr(__main__, "_end_on_request", lambda: None)
    return run


@pytest.mark.parametrize(("gate", "status"), [((), 0), (("--fail-on", "gained"), 1), (("--fail-on", "lost"), 0), (("--fail-on", "any"), 1)])
def test_diff_gates_by_its_status(munal, gate, status):
    ended, out, err = munal("diff", "main", "more", *gate)
    assert (ended, err) == (status, "") and "restart: on-failure -> always" in out


def test_diff_of_nothing_is_a_success(munal):
    assert munal("diff", "main", "main", "--fail-on", "any")[0] == 0


def test_diff_as_json(munal):
    status, out, _ = munal("diff", "more", "main", "--format", "json", "--fail-on", "lost")
    data = json.loads(out)
    assert status == 1 and [each["text"] for each in data["lost"]] == ["restart: always -> on-failure"] and data["gained"] == []


@pytest.mark.parametrize("words", [("diff", "main", "broken"), ("diff", "main", "nowhere"), ("graph", "broken"), ("graph", "nowhere")])
def test_a_profile_that_is_refused_ends_in_1(munal, words):
    status, out, err = munal(*words)
    assert status == 1 and out == "" and "error[M02" in err


@pytest.mark.parametrize("words", [("diff", "main"), ("diff", "main", "no/such.efi"), ("diff", "main", "more", "--fail-on", "wrong"),
                                   ("diff", "main@", "more"), ("diff", "main", "more", "-D", "x"), ("graph", "--format", "png")])
def test_wrong_usage_ends_in_2(munal, words):
    status, out, err = munal(*words)
    assert status == 2 and out == "" and "Error: " in err


def test_a_file_that_is_no_image_is_refused(munal, root):
    change(root, "x.efi", "MZ and no more")
    status, out, err = munal("diff", "main", root / "x.efi")
    assert status == 1 and out == "" and "error[M0510]" in err


@pytest.mark.parametrize(("form", "start"), [("text", "main: "), ("dot", "digraph"), ("svg", "<svg"), ("json", "{")])
def test_graph_goes_to_standard_output_or_to_a_file(munal, root, form, start):
    status, out, err = munal("graph", "main", "--format", form)
    assert (status, err) == (0, "") and out.startswith(start)
    assert munal("graph", "--format", form, "-o", root / "drawn")[:2] == (0, "")
    assert (root / "drawn").read_text() == out
