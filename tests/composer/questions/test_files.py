"""Questions about files: who reaches a path, what would let it, and what came or went between two systems."""

from __future__ import annotations

import pytest

from composer.badge import Badge
from composer.questions.asked import ask, names_in
from composer.questions.report_diff import phrase
from composer.questions.report_why import to_text
from composer.questions.resources import read_resource
from composer.questions.why import answer, remedy
from composer.system import Access
from composer.variant import Variant
from tests.composer.asked_workspace import MAIN, make_asked_workspace
from tests.composer.questions.test_diff import compared
from tests.composer.tables import handle, instance, table
from tests.composer.workspaces import change

STORE = """
[app]
name = "store"
kind = "service"
build.wat = "store.wat"

[provides.files.tree]
"""
STORE_WAT = """(module
  (import "munal:files-server/tree" "receive" (func $receive (param i32 i32 i64) (result i32)))
  (import "munal:files-server/tree" "badge" (func $badge (param i32 i32) (result i32)))
  (memory (export "memory") 1 1)
  (func (export "_start")
    (drop (call $receive (i32.const 0) (i32.const 8) (i64.const -1)))
    (drop (call $badge (i32.const 8) (i32.const 2048)))))
"""
NOTES = """
[app]
name = "notes"
kind = "program"
build.wat = "notes.wat"

[needs.files.home]
access = "rw"
reads_suffice = true
"""
NOTES_WAT = """(module
  (import "munal:files/home" "call" (func $call (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1 1)
  (func (export "_start")
    (drop (call $call (i32.const 0) (i32.const 8) (i32.const 8) (i32.const 8)))))
"""
PROFILE = MAIN + """
[instance.store]
app = "store"

[instance.notes]
app = "notes"
grant.files.home = { from = "store.tree", path = "/home/notes", quota = "1 MiB" }

[instance.viewer]
app = "notes"
grant.files.home = { from = "store.tree", path = "/", access = "r" }
"""


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("MUNAL_CACHE", str(tmp_path / "cache"))
    folder = make_asked_workspace(tmp_path / "workspace")
    for name, text in {"apps/store/app.toml": STORE, "apps/store/store.wat": STORE_WAT, "apps/notes/app.toml": NOTES, "apps/notes/notes.wat": NOTES_WAT,
                       "profiles/main.toml": PROFILE}.items():
        change(folder, name, text)
    return folder


def asked(root):
    made = ask(root, Variant("main"))
    assert made.value is not None, made.diagnostics
    return made.value


def answered(root, name, words):
    return answer(asked(root), name, read_resource(words.split(), names_in(root)))


@pytest.mark.parametrize(("name", "words", "allowed"), [
    ("notes", "/home/notes", True), ("notes", "write /home/notes/today.txt", True), ("notes", "files store.tree /home/notes", True),
    ("notes", "write store.tree", True), ("notes", "files", True), ("notes", "files.home", True), ("notes", "store", True),
    ("notes", "/home", False), ("notes", "/home/notes2", False), ("notes", "/", False), ("hello", "/home/notes", False),
    ("viewer", "/", True), ("viewer", "read /home/notes/today.txt", True), ("viewer", "write /home/notes", False), ("viewer", "write store.tree", False),
])
def test_a_path_is_reached_through_a_folder_that_holds_it(root, name, words, allowed):
    found = answered(root, name, words)
    assert found.allowed == allowed, to_text([found], {}, "main")


def test_what_tells_the_provider_is_said_last(root):
    text = to_text([answered(root, "notes", "write store.tree")], {}, "main")
    assert "grants `files.home`: store.tree, read and write /home/notes, at most 1 MiB" in text
    assert "tells the provider so with each request, by the badge of the handle" in text and "files /home/notes of store.tree: read and write" in text


@pytest.mark.parametrize(("name", "words", "written"), [
    ("viewer", "write store.tree", 'grant.files.home = { from = "store.tree", path = "/" }'),
    ("notes", "/home", 'grant.files.home = { from = "store.tree", path = "/home", quota = "1 MiB" }'),
    ("notes", "write files store.tree /srv", 'grant.files.home = { from = "store.tree", path = "/srv", quota = "1 MiB" }'),
    ("hello", "write files store.tree /srv", 'grant.files.tree = { from = "store.tree", path = "/srv" }'),
])
def test_the_edit_that_is_offered_gives_the_path(root, name, words, written):
    about = asked(root)
    resource = read_resource(words.split(), names_in(root))
    edits = remedy(about, answer(about, name, resource))
    assert written in edits.after["profiles/main.toml"]
    for path, text in edits.after.items():
        change(root, path, text)
    assert answered(root, name, words).allowed


def granted(*badges: Badge):
    listed = [{"service": 0, "data": badge.encode().hex(), "capability": "files", "words": badge.words} for badge in badges]
    holder = instance("a", handles=[handle("service badged", number) for number in range(len(badges))])
    return table(holder, instance("store"), services=[{"name": "store.tree", "server": 1}], badges=listed)


READ, WRITE = (lambda path, quota=None, access=access: Badge("a", path, access, quota) for access in (Access.READ, Access.BOTH))


@pytest.mark.parametrize(("before", "after", "gained", "lost"), [
    ([READ("/a")], [READ("/a")], [], []),
    ([], [WRITE("/a", 4096)], ["room below /a of store.tree: none -> 4 KiB", "files /a of store.tree: read and write"], []),
    ([READ("/a")], [WRITE("/a")], ["room below /a of store.tree: none -> no limit", "files /a of store.tree: write"], []),
    ([READ("/")], [READ("/a/b")], [], ["files / of store.tree: read"]),
    ([READ("/a")], [READ("/ab")], ["files /ab of store.tree: read"], ["files /a of store.tree: read"]),
    ([READ("/a")], [READ("/")], ["files / of store.tree: read"], []),
    ([WRITE("/a", 4096)], [WRITE("/a", 8192)], ["room below /a of store.tree: 4 KiB -> 8 KiB"], []),
    ([WRITE("/", 4096)], [WRITE("/a", 4096)], [], ["room below / of store.tree: 4 KiB -> none", "files / of store.tree: read and write"]),
    ([WRITE("/"), READ("/b")], [WRITE("/")], [], []),
    ([READ("/a of b")], [READ("/a of b/c")], [], ["files /a of b of store.tree: read"]),
])
def test_a_folder_in_another_that_was_granted_is_no_gain(before, after, gained, lost):
    found = compared(granted(*before), granted(*after))
    assert [phrase(change) for change in found.gained] == gained
    assert [phrase(change) for change in found.lost] == lost
