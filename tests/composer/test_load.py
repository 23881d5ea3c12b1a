"""Finding and reading a workspace's manifests: all of them, nothing else, and no file makes it fail."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from composer.load import LARGEST, load
from tests.composer.manifests import HELLO, MAIN, WORKSPACE, modelled, write


def codes(result):
    return [diagnostic.code for diagnostic in result.diagnostics]


def with_patterns(apps='["apps/*"]', profiles='["profiles/*.toml"]'):
    return f'[workspace]\nname = "demo"\nversion = "1"\napps = {apps}\nprofiles = {profiles}\n'


def test_manifests_are_found_in_the_order_of_their_paths(tmp_path):
    loaded = load(write(tmp_path)).value
    assert [document.source.path for document in loaded.apps] == ["apps/hello/app.toml", "apps/uart/app.toml"]
    assert [document.source.path for document in loaded.profiles] == ["profiles/main.toml"]
    assert loaded.apps[0].folder == tmp_path / "apps/hello"
    assert loaded.profiles[0].stem == "main"


def test_a_folder_without_a_manifest_is_no_app(tmp_path):
    (tmp_path / "apps/notes").mkdir(parents=True)
    (tmp_path / "apps/notes/README").write_text("nothing")
    result = load(write(tmp_path, {"profiles/notes.txt": "nothing", "apps/README": "nothing"}))
    assert result.diagnostics == ()
    assert len(result.value.apps) == 2 and len(result.value.profiles) == 1


def test_what_two_patterns_find_is_read_once(tmp_path):
    workspace = with_patterns('["apps/*", "apps/hello", "./apps//u*"]')
    assert len(load(write(tmp_path, {"munal.toml": workspace})).value.apps) == 2


def test_hidden_folders_are_left_alone_unless_named(tmp_path):
    files = {"apps/.old/app.toml": HELLO.replace('"hello"', '"old"')}
    assert len(load(write(tmp_path, files)).value.apps) == 2
    assert len(load(write(tmp_path, {**files, "munal.toml": with_patterns('["apps/.o*"]')})).value.apps) == 1


def test_every_unreadable_manifest_is_said_in_one_run(tmp_path):
    files = {"apps/hello/app.toml": b"\xff", "apps/uart/app.toml": "[", "profiles/main.toml": "a = 1\0", "profiles/other.toml": "= 1"}
    result = load(write(tmp_path, files))
    assert codes(result) == ["M0102", "M0101", "M0102", "M0101"]
    assert sorted(result.value.unread) == ["apps/hello/app.toml", "apps/uart/app.toml", "profiles/main.toml", "profiles/other.toml"]


def test_an_unreadable_app_is_not_also_called_unknown(tmp_path):
    assert codes(modelled(write(tmp_path, {"apps/hello/app.toml": b"\xff"}))) == ["M0102"]


def test_a_manifest_of_the_largest_size_is_read(tmp_path):
    text = MAIN + "#" * (LARGEST - len(MAIN))
    assert codes(load(write(tmp_path, {"profiles/main.toml": text}))) == []
    result = load(write(tmp_path, {"profiles/main.toml": text + "#"}))
    assert codes(result) == ["M0102"]
    assert "larger than 1 MiB" in result.diagnostics[0].message


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
def test_a_manifest_that_may_not_be_read_is_said(tmp_path):
    (write(tmp_path) / "profiles/main.toml").chmod(0)
    assert codes(load(tmp_path)) == ["M0102"]


def test_a_pipe_in_a_manifests_place_is_not_waited_for(tmp_path):
    write(tmp_path, {"profiles/main.toml": None})
    (tmp_path / "profiles").mkdir(exist_ok=True)
    os.mkfifo(tmp_path / "profiles/main.toml")
    assert codes(load(tmp_path)) == ["M0102"]


def test_a_folder_in_the_place_of_the_workspaces_manifest_is_said(tmp_path):
    (tmp_path / "munal.toml").mkdir()
    assert codes(load(tmp_path)) == ["M0102"]


def test_a_folder_that_does_not_exist_is_no_workspace(tmp_path):
    result = load(tmp_path / "nowhere")
    assert codes(result) == ["M0112"] and result.value is None


def test_a_workspace_above_is_offered(tmp_path):
    (write(tmp_path) / "deep/er").mkdir(parents=True)
    [diagnostic] = load(tmp_path / "deep/er").diagnostics
    assert diagnostic.help == "`../..` is one: go there"


@pytest.mark.parametrize("name", ["apps/outside", "profiles/outside.toml", "apps/linked/app.toml"])
def test_a_link_that_leads_out_is_refused(tmp_path, name):
    inside, outside = write(tmp_path / "inside"), tmp_path / "outside"
    outside.mkdir()
    (outside / "app.toml").write_text(HELLO)
    link = inside / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(outside if name == "apps/outside" else outside / "app.toml")
    result = load(inside)
    assert codes(result) == ["M0114"]
    assert "out of the workspace" in result.diagnostics[0].message


def test_a_link_that_stays_inside_is_followed(tmp_path):
    root = write(tmp_path)
    (root / "shelf").mkdir()
    (root / "apps/uart").rename(root / "shelf/uart")
    (root / "apps/uart").symlink_to(root / "shelf/uart")
    assert codes(modelled(root)) == []


def test_a_link_to_nowhere_is_said(tmp_path):
    root = write(tmp_path)
    (root / "profiles/broken.toml").symlink_to(root / "gone.toml")
    assert codes(load(root)) == ["M0102"]


def test_a_workspace_reached_through_a_link_is_one(tmp_path):
    write(tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert codes(modelled(tmp_path / "link")) == []


@pytest.mark.parametrize(("apps", "wanted"), [
    ('["apps/*", "later/*"]', []), ('["aps/*", "apps/*"]', ["M0113"]), ('["later/*"]', ["M0113"]), ('["apps/*", "apps/none"]', ["M0113"]),
    ('["apps/**"]', ["M0113"]), ('["/apps/*"]', ["M0114"]), ('["apps/../*"]', ["M0114"]), (r'["apps\\*"]', ["M0114"]), ('[""]', ["M0113"]),
    (f'["apps/*", "{"x" * 5000}/y"]', ["M0113"]),
])
def test_patterns_that_find_nothing_are_said_where_a_mistake_is_likely(tmp_path, apps, wanted):
    assert codes(load(write(tmp_path, {"munal.toml": with_patterns(apps)}))) == wanted


@given(st.binary(max_size=200))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_make_loading_or_modelling_fail(tmp_path, content):
    for path in ("munal.toml", "apps/hello/app.toml", "profiles/main.toml"):
        result = modelled(write(tmp_path, {"munal.toml": WORKSPACE, path: content}))
        assert result.value is not None or result.diagnostics
