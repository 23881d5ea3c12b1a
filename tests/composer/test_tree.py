"""The digest of a folder: it changes with names and content, and with nothing else."""

import os

import pytest

from composer import cache, tree
from composer.tree import Index


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MUNAL_CACHE", str(tmp_path / "cache"))
    made = tmp_path / "folder"
    (made / "src").mkdir(parents=True)
    (made / "src" / "main.rs").write_text("fn main() {}")
    (made / "app.toml").write_text("[app]")
    return made


def digest(folder, **how):
    return Index(folder).folder(folder, **how)


def test_content_counts(folder):
    before = digest(folder)
    assert digest(folder) == before
    (folder / "src" / "main.rs").write_text("fn main() { }")
    assert digest(folder) != before


def test_names_count(folder):
    before = digest(folder)
    (folder / "src" / "main.rs").rename(folder / "src" / "lib.rs")
    assert digest(folder) != before


def test_a_new_empty_file_counts(folder):
    before = digest(folder)
    (folder / "src" / "empty.rs").touch()
    assert digest(folder) != before


@pytest.mark.parametrize("name", ["target/debug/x", ".git/index", "src/.main.rs.swp", "__pycache__/x.pyc", "build/out.wasm"])
def test_what_tools_leave_does_not_count(folder, name):
    before = digest(folder)
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("x")
    assert digest(folder) == before


def test_a_file_may_be_left_out(folder):
    before = digest(folder, without=frozenset(("app.toml",)))
    (folder / "app.toml").write_text("changed")
    assert digest(folder, without=frozenset(("app.toml",))) == before
    assert digest(folder) != before


def test_the_same_tree_elsewhere_has_the_same_digest(folder, tmp_path):
    other = tmp_path / "a" / "copy"
    other.parent.mkdir()
    os.rename(folder, other)
    after = digest(other)
    os.rename(other, folder)
    assert digest(folder) == after


def test_a_known_file_is_not_read_again(folder, monkeypatch):
    _settle(monkeypatch)
    first = Index(folder)
    before = first.folder(folder)
    first.save()
    monkeypatch.setattr(tree.hashlib, "file_digest", _never)
    assert Index(folder).folder(folder) == before


def test_a_change_that_keeps_size_and_time_is_seen(folder, monkeypatch):
    _settle(monkeypatch)
    path = folder / "src" / "main.rs"
    stat = path.stat()
    index = Index(folder)
    before = index.folder(folder)
    index.save()
    path.write_text("fn MAIN() {}")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert path.stat().st_mtime_ns == stat.st_mtime_ns and path.stat().st_size == stat.st_size
    assert digest(folder) != before


def test_what_changed_just_now_is_not_remembered(folder, monkeypatch):
    monkeypatch.setattr(tree, "SETTLED_NS", 10**15)
    index = Index(folder)
    index.folder(folder)
    index.save()
    assert not index.path.exists()


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"files": 3, "notes": {}}', b"\xff"])
def test_a_damaged_index_is_made_anew(folder, damage):
    before = digest(folder)
    cache.write_if_changed(Index(folder).path, damage)
    assert digest(folder) == before


def test_a_missing_file_has_no_digest(folder):
    assert Index(folder).file(folder / "nothing") == ""


def test_links_to_folders_are_not_followed(folder):
    (folder / "loop").symlink_to(folder)
    assert digest(folder)


def test_notes_are_made_once(folder):
    index = Index(folder)
    assert index.note("k", lambda: ["made"]) == ["made"]
    index.save()
    assert Index(folder).note("k", _never) == ["made"]


def _settle(monkeypatch):
    """Let files that were written just now count as settled."""
    monkeypatch.setattr(tree, "SETTLED_NS", -(10**15))


def _never(*_):
    raise AssertionError("this is known already")
