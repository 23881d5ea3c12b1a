"""Kept answers: what they depend on, and diagnostics that come back as they went."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from composer import stamp
from composer.diagnostics import Diagnostic, Label, Severity
from composer.render import to_json, to_text
from composer.spans import Excerpt, Source, Span, WasmPlace
from composer.stamp import Inputs
from tests.composer.workspaces import change, make_workspace

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
EXCERPTS = st.builds(Excerpt, st.lists(st.tuples(st.integers(0, 2**32), TEXT), min_size=1, max_size=3).map(tuple), st.integers(0, 9), st.integers(1, 9))
SOURCES = st.builds(Source, TEXT, TEXT)
PLACES = st.builds(lambda s, a, b: Span(s, min(a, b), max(a, b)), SOURCES, st.integers(0, 30), st.integers(0, 30)) | st.builds(
    WasmPlace, TEXT, TEXT, st.integers(0, 2**32), st.none() | EXCERPTS)
DIAGNOSTICS = st.builds(Diagnostic, TEXT, st.sampled_from(Severity), TEXT, st.lists(st.builds(Label, PLACES, TEXT), max_size=3).map(tuple),
                        st.none() | TEXT, st.lists(TEXT, max_size=2).map(tuple))


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MUNAL_CACHE", str(tmp_path / "cache"))


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """What stands for Munal's own checkout, so that nobody's work on it is taken for a change."""
    monkeypatch.setattr(stamp, "HOME", tmp_path / "home")
    monkeypatch.setattr(stamp, "HERE", tmp_path / "home" / "composer")


@pytest.fixture
def root(tmp_path):
    return make_workspace(tmp_path / "work")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=st.lists(DIAGNOSTICS, max_size=3))
def test_diagnostics_come_back_as_they_went(root, said):
    inputs = Inputs(root, builds=False)
    inputs.keep("check", "", [], {"answer": 42}, said)
    value, again = Inputs(root, builds=False).read("check", "")
    assert value == {"answer": 42}
    assert to_json(again) == to_json(said) and to_text(again) == to_text(said)


def test_an_answer_is_that_of_its_command_and_profile(root):
    inputs = Inputs(root, builds=False)
    inputs.keep("check", "main", [], 1, ())
    assert inputs.read("check", "main") == (1, ())
    assert inputs.read("check", "") is None and inputs.read("build", "main") is None


def test_nothing_is_kept_about_a_folder_that_is_no_workspace(root):
    (root / "munal.toml").unlink()
    Inputs(root, builds=False).keep("check", "", [], 1, ())
    assert Inputs(root, builds=False).read("check", "") is None


@pytest.mark.parametrize(("text", "others_count"), [
    ("[workspace\n", False), ("\x00", False), ("[workspace]\n", True), ("[workspace]\napps = 7\nprofiles = [1]\n", True), ("workspace = 1\n", True),
])
def test_an_answer_about_a_broken_workspace_is_kept(root, text, others_count):
    change(root, "munal.toml", text)
    Inputs(root, builds=False).keep("check", "", [], 1, ())
    assert Inputs(root, builds=False).read("check", "") == (1, ())
    change(root, "profiles/main.toml", "changed")
    assert (Inputs(root, builds=False).read("check", "") is None) == others_count


def test_places_outside_of_the_patterns_count(root):
    change(root, "lib/one.rs", "1")
    change(root, "lib/.cargo/config.toml", "1")
    places = [root / "lib", root / "lib/.cargo/config.toml", root / "apps/uart"]
    Inputs(root, builds=False).keep("check", "", places, 1, ())
    assert Inputs(root, builds=False).read("check", "") == (1, ())
    for name in ("lib/one.rs", "lib/.cargo/config.toml"):
        change(root, name, "2")
        assert Inputs(root, builds=False).read("check", "") is None
        change(root, name, "1")
        assert Inputs(root, builds=False).read("check", "") == (1, ())


def test_a_place_learnt_later_counts_from_then_on(root):
    Inputs(root, builds=False).keep("check", "", [], 1, ())
    change(root, "lib/one.rs", "1")
    Inputs(root, builds=False).keep("check", "", [root / "lib"], 2, ())
    assert Inputs(root, builds=False).read("check", "") == (2, ())
    change(root, "lib/one.rs", "2")
    assert Inputs(root, builds=False).read("check", "") is None


def test_other_compilers_are_other_input(root, monkeypatch):
    from composer import toolchain

    Inputs(root, builds=False).keep("check", "", [], 1, ())
    monkeypatch.setattr(toolchain, "find_rust", lambda kernel: None)
    assert Inputs(root, builds=False).read("check", "") is None


def test_a_compiler_installed_on_the_way_does_not_cost_a_second_run(root, monkeypatch):
    from composer import toolchain

    with monkeypatch.context() as without:
        without.setattr(toolchain, "find_rust", lambda kernel: None)
        inputs = Inputs(root, builds=False)
    inputs.keep("check", "", [], 1, ())
    assert Inputs(root, builds=False).read("check", "") == (1, ())


def test_another_environment_is_other_input(root, monkeypatch):
    Inputs(root, builds=False).keep("check", "", [], 1, ())
    monkeypatch.setattr(stamp.sys, "prefix", "/another")
    assert Inputs(root, builds=False).read("check", "") is None


@pytest.mark.parametrize(("pattern", "folder"), [
    ("apps/*", "apps"), ("apps/drivers/*", "apps"), ("*/app", "."), ("app?/x", "."), ("[ab]/x", "."), ("single", "."), ("../x/*", "."),
    ("./apps/*", "."), ("/apps/*", "."), ("*", "."),
])
def test_the_folder_that_holds_all_that_a_pattern_finds(pattern, folder):
    assert stamp._first_part(pattern) == folder
