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


def test_why_and_why_not_end_in_opposite_ways(munal):
    status, out, err = munal("why", "com1", "port", "0x3fb")
    assert (status, err) == (0, "") and out.startswith("`com1` may use port 0x3fb in `main`\n  ✓ need ")
    status, out, err = munal("why-not", "com1", "port 0x3fb", "main")
    assert status == 1 and "`com1` may use" in out and err == "it is allowed: `munal why com1 port 0x3fb main` tells by what\n"


def test_why_of_what_is_denied_names_the_layers_and_the_other_question(munal):
    status, out, err = munal("why", "hello", "0x3f8", "more")
    assert status == 1 and out.count("✗") == 2 and err == "`munal why-not hello 0x3f8 more` tells what would allow it\n"
    status, out, err = munal("why-not", "hello", "0x3f8", "more")
    assert (status, err) == (0, "") and "+grant.port.ports = { base = 0x3f8 }" in out and "error[M0310]" in out


def test_why_as_json(munal):
    status, out, _ = munal("why-not", "hello", "kernel.log", "--format", "json")
    told = json.loads(out)["answers"][0]
    assert status == 0 and told["remedy"]["works"] is True and told["layers"][0]["places"][0]["path"] == "apps/talker/app.toml"


@pytest.mark.parametrize(("words", "said"), [
    (("why", "com1"), "Missing argument"), (("why", "nobody", "0x3f8"), "no app or instance"), (("why", "com1", "0x3f8", "nowhere"), "there is no profile `nowhere`; the profiles are"),
    (("why-not", "com1", "sirial"), "names no resource"), (("why-not", "com1", "0x3f8", "main", "--target"), "requires an argument"),
    (("size", "no/such.efi"), "cannot be read"),
])
def test_a_question_without_sense_ends_in_2(munal, words, said):
    status, out, err = munal(*words)
    assert status == 2 and out == "" and said in err


def test_a_question_about_a_profile_that_cannot_be_resolved_is_refused(munal):
    status, out, err = munal("why", "com1", "0x3f8", "broken")
    assert status == 1 and out == "" and "error[M0203]" in err


def test_colour_is_for_who_asks_for_it(munal):
    assert "\x1b[32m✓" in munal("why", "com1", "0x3fb", "--color", "always")[1]
    assert "\x1b[" not in munal("why", "com1", "0x3fb")[1]


def test_size_of_a_profile_and_of_its_image(munal, root):
    status, out, err = munal("size", "main", "--format", "json")
    assert (status, err) == (0, "")
    made = json.loads(out)
    assert {each["app"] for each in made["apps"]} == {"uart", "talker"}
    assert munal("build", "main")[0] == 0
    image = json.loads(munal("size", root / "build" / "main.efi", "--format", "json")[1])
    assert (image["parts"], image["modules"], image["apps"]) == (made["parts"], made["modules"], [])
    assert image["size"] == (root / "build" / "main.efi").stat().st_size
    assert munal("size", "main")[1].startswith(f"main: {image['size']:,} bytes\n")
